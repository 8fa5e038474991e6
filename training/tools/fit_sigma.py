"""Train the network that predicts a label's error: ``python -m training.tools.fit_sigma``.

It films and calibrates studio recordings (`studio_truth`: a minute or two each, once), adds errors
to copies of them, leaves cameras out, labels all of it and learns the logarithm of the true error.
People are left out in turn to measure how well it ranks people it does not know and which gate
gives which precision; then ``assets/sigma/blazepose_33.npz`` is trained on all of them. Seeds 10 to
20 and 150 to 161 are not used for training.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from scipy.stats import chi2

from calibration.evidence.observations import Observations
from calibration.rig import Rig
from calibration.skeleton import strip_side
from training.errors import TrainingError
from training.labels.calibration import read_calibration
from training.labels.error_network import MAX_DEVIATION, ErrorNetwork, save_error_network
from training.labels.evidence import gather_label_evidence
from training.labels.features import compute_body_features
from training.labels.gates import LabelGates
from training.labels.person import repair_person
from training.labels.refinement import RefinementConfig
from training.labels.sigma import LABELLED_JOINTS, SURFACE_JOINTS, shape_covariance
from training.labels.verdict import judge_labels
from training.tools.studio_truth import (
    CACHE,
    GOOD_ERROR_M,
    LIMBS,
    SKELETON,
    compute_errors,
    correlate_ranks,
    load_recording,
    spoil,
)

TRAINING_SEEDS = (*range(10), *range(140, 144), *range(200, 245))
VARIANTS = ("as seen", "spoiled", "three views", "two views")
STEP = 3  # every third frameset: neighbours are alike
FOLDS = 5
HIDDEN, DROPOUT, EPOCHS, BATCH = (64, 32), 0.1, 16, 4096
LEARNING_RATE, WEIGHT_DECAY = 4e-3, 1e-3
FLOOR_M = 0.005  # added to errors before the logarithm: below, one is as good as another
KINDS = tuple(dict.fromkeys(strip_side(joint) for joint in SKELETON.joints))
LABELLED = [i for i, joint in enumerate(SKELETON.joints) if strip_side(joint) in LABELLED_JOINTS]
SURFACE = [i for i in LABELLED if strip_side(SKELETON.joints[i]) in SURFACE_JOINTS]


@dataclass(frozen=True)
class ErrorDataset:
    """A labelled recording.

    Parameters
    ----------
    seed, variant
    names
        Of the S features.
    features : (T, J, S)
    error_m : (T, J)
        True errors.
    off : (T, J)
        The same in standard deviations of an error of 1 m.
    passes : (T, J)
        Whether a joint passes all gates but that of the predicted error.
    """

    seed: int
    variant: str
    names: tuple[str, ...]
    features: np.ndarray
    error_m: np.ndarray
    off: np.ndarray
    passes: np.ndarray


def main() -> None:
    """Label all recordings, measure on people left out, train on all, write the network."""
    print(f"recordings in {CACHE}", flush=True)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        datasets = [dataset for some in pool.map(make_datasets, TRAINING_SEEDS) for dataset in some]
    print(
        f"{len(TRAINING_SEEDS)} people, {len(datasets)} recordings, "
        f"{len(datasets[0].names)} features",
        flush=True,
    )
    expected = cross_validate(datasets)
    print_report(datasets, expected)
    scale = compute_coverage_scale(datasets, expected)
    network = train_error_network(datasets, seed=0)
    weight, bias = network.layers[-1]
    network = replace(network, layers=(*network.layers[:-1], (weight, bias + np.log(scale))))
    folder = Path(str(resources.files("assets") / "sigma"))
    save_error_network(network, folder / f"{SKELETON.name}.npz")
    print(f"sigma is {scale:.3f} times the predicted error; written {date.today()}")


def make_datasets(seed: int) -> list[ErrorDataset]:
    """Label a recording in all variants."""
    torch.set_num_threads(1)
    try:
        seen, rig_file, truth = load_recording(seed)
    except TrainingError as refused:
        print(refused, flush=True)
        return []
    rig, _ = read_calibration(rig_file)
    view_indices = np.random.default_rng(seed).permutation(len(rig))
    variants = {
        "as seen": (seen, rig),
        "spoiled": (spoil(seen, seed), rig),
        "three views": select_views(seen, rig, sorted(view_indices[:3])),
        "two views": select_views(seen, rig, sorted(view_indices[:2])),
    }
    return [make_dataset(seed, variant, *variants[variant], truth) for variant in VARIANTS]


def make_dataset(
    seed: int, variant: str, seen: Observations, rig: Rig, truth: np.ndarray
) -> ErrorDataset:
    """Measure the features of a recording, and the errors of its joints."""
    person = repair_person(seen, rig)
    evidence = gather_label_evidence(person.common, rig, RefinementConfig())
    features = compute_body_features(
        evidence, rig, SKELETON, (person.common.time_ns - person.common.time_ns[0]) * 1e-9
    )
    vector, scale = compute_errors(evidence.xyz, truth)
    error = np.linalg.norm(vector, axis=-1)
    found = np.isfinite(error)
    shape = shape_covariance(evidence, np.where(found, 1.0, np.inf), rig) * scale**2
    shape = np.where(found[..., None, None], shape, np.eye(3))
    off = np.sqrt(
        (vector * np.linalg.solve(shape, np.nan_to_num(vector)[..., None])[..., 0]).sum(-1)
    )
    table = np.stack([np.broadcast_to(values, error.shape) for values in features.values()], -1)
    passes = judge_labels(evidence, np.zeros(error.shape), person, rig, LabelGates()) == 0
    return ErrorDataset(
        seed, variant, tuple(features), table[::STEP], error[::STEP], off[::STEP], passes[::STEP]
    )


def select_views(seen: Observations, rig: Rig, view_indices: list[int]) -> tuple[Observations, Rig]:
    """Select some of the cameras, in the observations and in the rig."""
    return replace(
        seen,
        view_names=tuple(seen.view_names[v] for v in view_indices),
        sizes_wh=tuple(seen.sizes_wh[v] for v in view_indices),
        xy=seen.xy[:, view_indices],
        confidence=seen.confidence[:, view_indices],
        view_time_ns=seen.view_time_ns[:, view_indices],
    ), replace(rig, cameras=tuple(rig.cameras[v] for v in view_indices))  # fmt: skip


def train_error_network(datasets: list[ErrorDataset], seed: int) -> ErrorNetwork:
    """Train a network to predict the logarithm of the true error."""
    torch.manual_seed(seed)
    features = np.concatenate([dataset.features for dataset in datasets])
    error = np.concatenate([dataset.error_m for dataset in datasets])
    mean, scale = np.nanmean(features, axis=(0, 1)), np.nanstd(features, axis=(0, 1)) + 1e-6
    joints = np.eye(len(KINDS), dtype=np.float32)[
        [KINDS.index(strip_side(joint)) for joint in SKELETON.joints]
    ]
    found = np.isfinite(error)
    usual = np.nan_to_num(np.clip((features - mean) / scale, -MAX_DEVIATION, MAX_DEVIATION)).astype(
        np.float32
    )
    table = np.concatenate([usual, np.broadcast_to(joints, (*error.shape, len(KINDS)))], -1)[found]
    target = np.log(error[found] + FLOOR_M).astype(np.float32)
    inputs, outputs = torch.from_numpy(table), torch.from_numpy(target - target.mean())
    network = build_mlp(inputs.shape[1])
    batches = len(inputs) // BATCH
    adam = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs))[: batches * BATCH].reshape(batches, BATCH):
            loss = ((network(inputs[rows])[:, 0] - outputs[rows]) ** 2).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    layers = [
        (layer.weight.T.detach().double().numpy(), layer.bias.detach().double().numpy())
        for layer in linear
    ]
    layers[-1] = layers[-1][0], layers[-1][1] + float(target.mean())
    return ErrorNetwork(
        datasets[0].names, KINDS, mean.astype(float), scale.astype(float), tuple(layers)
    )


def build_mlp(inputs: int) -> torch.nn.Sequential:
    """Build linear layers with SiLU between them."""
    layers: list[torch.nn.Module] = []
    for size in HIDDEN:
        layers += [torch.nn.Linear(inputs, size), torch.nn.SiLU(), torch.nn.Dropout(DROPOUT)]
        inputs = size
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, 1))


def cross_validate(datasets: list[ErrorDataset]) -> list[np.ndarray]:
    """Predict each recording's errors with a network that was not trained on its person."""
    people = np.random.default_rng(0).permutation(sorted({dataset.seed for dataset in datasets}))
    expected: list[np.ndarray] = [np.empty(0)] * len(datasets)
    for fold in range(FOLDS):
        left_out = set(people[fold::FOLDS])
        network = train_error_network(
            [dataset for dataset in datasets if dataset.seed not in left_out], seed=fold
        )
        for i, dataset in enumerate(datasets):
            if dataset.seed in left_out:
                features = dict(
                    zip(dataset.names, np.moveaxis(dataset.features, -1, 0), strict=True)
                )
                expected[i] = np.exp(network.predict_log_sigma(features, SKELETON))
        print(f"fold {fold + 1} of {FOLDS}", flush=True)
    return expected


def compute_coverage_scale(datasets: list[ErrorDataset], expected: list[np.ndarray]) -> float:
    """Return the factor on the predicted error that puts 68 % of limbs inside the ellipsoid."""
    clean = [i for i, dataset in enumerate(datasets) if dataset.variant == "as seen"]
    ratio = np.concatenate([(datasets[i].off / expected[i])[:, LIMBS].ravel() for i in clean])
    return float(np.nanpercentile(ratio, 68) / np.sqrt(chi2.ppf(0.68, 3)))


def print_report(datasets: list[ErrorDataset], expected: list[np.ndarray]) -> None:
    """Print rank correlations of people left out, and what each gate gives."""
    scale = compute_coverage_scale(datasets, expected)
    for variant in VARIANTS:
        of_kind = [i for i, dataset in enumerate(datasets) if dataset.variant == variant]
        error = np.concatenate([datasets[i].error_m for i in of_kind])
        sigma = np.concatenate([expected[i] for i in of_kind]) * scale
        passes = np.concatenate([datasets[i].passes for i in of_kind]) & np.isfinite(error)
        found = np.isfinite(error)
        ranks = []
        for joints in (list(range(len(SKELETON.joints))), LABELLED, LIMBS):
            pairs = np.stack([sigma[:, joints], error[:, joints]], -1)
            ranks += [
                correlate_ranks(pairs[found[:, joints]]),
                correlate_ranks(pairs[passes[:, joints]]),
            ]
        print(f"{variant}: ranks, all and passing: " + " ".join(f"{value:.3f}" for value in ranks))
        for name, joints, limits in (
            ("limbs", LIMBS, np.arange(16, 26)),
            ("surface", SURFACE, np.arange(24, 46, 2)),
        ):
            good = error[:, joints] < GOOD_ERROR_M
            for limit_mm in limits:
                sure = passes[:, joints] & (sigma[:, joints] < limit_mm * 1e-3)
                print(
                    f"  {name} {limit_mm} mm: precision {100 * good[sure].mean():.2f} %,"
                    f" recall {100 * (good & sure).sum() / good.sum():.1f} %,"
                    f" mean {1e3 * error[:, joints][sure].mean():.2f} mm"
                )


if __name__ == "__main__":
    main()
