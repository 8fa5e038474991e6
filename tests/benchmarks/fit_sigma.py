"""The network that expects a label's error, made anew: ``python tests/benchmarks/fit_sigma.py``.

It films and calibrates studio takes as `bench_labels` does (a minute or two each, once), spoils them, leaves cameras
out, labels all of it and learns the logarithm of the true error. People are left out in turn to say how well it ranks
people it does not know and which gate gives which precision; then all of them teach ``assets/sigma/blazepose_33.npz``.
The seeds from 10 to 20 and from 150 to 161 teach nothing.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from bench_labels import CACHE, GOOD_M, LIMBS, SKELETON, error_of, load, rank, spoil
from scipy.stats import chi2

from calibration.observations import Observations
from calibration.rig import Rig
from training.labels.body import bare_name
from training.labels.calibration import read_calibration
from training.labels.error_network import FAR, ErrorNetwork, save_error_network
from training.labels.evidence import gather_label_evidence
from training.labels.gates import LabelGates
from training.labels.person import repair_person
from training.labels.refinement import RefinementConfig
from training.labels.sigma import LABELLED_JOINTS, SURFACE_JOINTS, shape_covariance
from training.labels.signs import body_signs
from training.labels.verdict import judge_labels

TEACHERS = (*range(10), *range(140, 144), *range(200, 245))
VARIANTS = ("as seen", "spoiled", "three views", "two views")
STEP = 3  # every third frameset: neighbours tell the same
FOLDS = 5
HIDDEN, DROPOUT, EPOCHS, BATCH = (64, 32), 0.1, 16, 4096
RATE, DECAY = 4e-3, 1e-3
FLOOR_M = 0.005  # added to errors before the logarithm: below, one is as good as another
KINDS = tuple(dict.fromkeys(bare_name(joint) for joint in SKELETON.joints))
LABELLED = [i for i, joint in enumerate(SKELETON.joints) if bare_name(joint) in LABELLED_JOINTS]
SURFACE = [i for i in LABELLED if bare_name(SKELETON.joints[i]) in SURFACE_JOINTS]


@dataclass(frozen=True)
class Lesson:
    """A labelled take: signs (T, J, S), true errors, how many sigmas of 1 m they are, and whether all else passes."""

    seed: int
    variant: str
    names: tuple[str, ...]
    signs: np.ndarray
    error_m: np.ndarray
    off: np.ndarray
    passes: np.ndarray


def main() -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        lessons = [lesson for some in pool.map(lessons_of, TEACHERS) for lesson in some]
    print(f"{len(TEACHERS)} people, {len(lessons)} takes, {len(lessons[0].names)} signs", flush=True)
    expected = leave_out(lessons)
    report(lessons, expected)
    scale = scale_for_coverage(lessons, expected)
    network = teach(lessons, seed=0)
    weight, bias = network.layers[-1]
    network = replace(network, layers=(*network.layers[:-1], (weight, bias + np.log(scale))))
    folder = Path(str(resources.files("assets") / "sigma"))
    save_error_network(network, folder / f"{SKELETON.name}.npz")
    print(f"sigma is {scale:.3f} of the expected error; written {date.today()}")


def lessons_of(seed: int) -> list[Lesson]:
    """Label a take in all variants."""
    torch.set_num_threads(1)
    try:
        seen, rig_file, truth = load(seed)
    except AssertionError as refused:
        print(refused, flush=True)
        return []
    rig, _ = read_calibration(rig_file)
    views = np.random.default_rng(seed).permutation(len(rig))
    takes = {
        "as seen": (seen, rig),
        "spoiled": (spoil(seen, seed), rig),
        "three views": among(seen, rig, sorted(views[:3])),
        "two views": among(seen, rig, sorted(views[:2])),
    }
    return [lesson_of(seed, variant, *takes[variant], truth) for variant in VARIANTS]


def lesson_of(seed: int, variant: str, seen: Observations, rig: Rig, truth: np.ndarray) -> Lesson:
    """Measure the signs of a take, and how far its joints are off."""
    person = repair_person(seen, rig)
    evidence = gather_label_evidence(person.common, rig, RefinementConfig())
    signs = body_signs(evidence, rig, SKELETON, (person.common.time_ns - person.common.time_ns[0]) * 1e-9)
    vector, scale = error_of(evidence.xyz, truth)
    error = np.linalg.norm(vector, axis=-1)
    found = np.isfinite(error)
    shape = shape_covariance(evidence, np.where(found, 1.0, np.inf), rig) * scale**2
    shape = np.where(found[..., None, None], shape, np.eye(3))
    off = np.sqrt((vector * np.linalg.solve(shape, np.nan_to_num(vector)[..., None])[..., 0]).sum(-1))
    table = np.stack([np.broadcast_to(values, error.shape) for values in signs.values()], -1)
    passes = judge_labels(evidence, np.zeros(error.shape), person, rig, LabelGates()) == 0
    return Lesson(seed, variant, tuple(signs), table[::STEP], error[::STEP], off[::STEP], passes[::STEP])


def among(seen: Observations, rig: Rig, views: list[int]) -> tuple[Observations, Rig]:
    """Some of the cameras."""
    return replace(
        seen, views=tuple(seen.views[v] for v in views), sizes_wh=tuple(seen.sizes_wh[v] for v in views),
        xy=seen.xy[:, views], confidence=seen.confidence[:, views], view_time_ns=seen.view_time_ns[:, views],
    ), replace(rig, cameras=tuple(rig.cameras[v] for v in views))  # fmt: skip


def teach(lessons: list[Lesson], seed: int) -> ErrorNetwork:
    """Learn the logarithm of the true error."""
    torch.manual_seed(seed)
    signs = np.concatenate([lesson.signs for lesson in lessons])
    error = np.concatenate([lesson.error_m for lesson in lessons])
    mean, scale = np.nanmean(signs, axis=(0, 1)), np.nanstd(signs, axis=(0, 1)) + 1e-6
    joints = np.eye(len(KINDS), dtype=np.float32)[[KINDS.index(bare_name(joint)) for joint in SKELETON.joints]]
    found = np.isfinite(error)
    usual = np.nan_to_num(np.clip((signs - mean) / scale, -FAR, FAR)).astype(np.float32)
    table = np.concatenate([usual, np.broadcast_to(joints, (*error.shape, len(KINDS)))], -1)[found]
    target = np.log(error[found] + FLOOR_M).astype(np.float32)
    inputs, outputs = torch.from_numpy(table), torch.from_numpy(target - target.mean())
    network = network_of(inputs.shape[1])
    batches = len(inputs) // BATCH
    adam = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs))[: batches * BATCH].reshape(batches, BATCH):
            loss = ((network(inputs[rows])[:, 0] - outputs[rows]) ** 2).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    layers = [(layer.weight.T.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in linear]
    layers[-1] = layers[-1][0], layers[-1][1] + float(target.mean())
    return ErrorNetwork(lessons[0].names, KINDS, mean.astype(float), scale.astype(float), tuple(layers))


def network_of(inputs: int) -> torch.nn.Sequential:
    """Linear layers with SiLU between."""
    layers: list[torch.nn.Module] = []
    for size in HIDDEN:
        layers += [torch.nn.Linear(inputs, size), torch.nn.SiLU(), torch.nn.Dropout(DROPOUT)]
        inputs = size
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, 1))


def leave_out(lessons: list[Lesson]) -> list[np.ndarray]:
    """Expect each take's errors with a network that its person has not taught."""
    people = np.random.default_rng(0).permutation(sorted({lesson.seed for lesson in lessons}))
    expected: list[np.ndarray] = [np.empty(0)] * len(lessons)
    for fold in range(FOLDS):
        left_out = set(people[fold::FOLDS])
        network = teach([lesson for lesson in lessons if lesson.seed not in left_out], seed=fold)
        for i, lesson in enumerate(lessons):
            if lesson.seed in left_out:
                signs = dict(zip(lesson.names, np.moveaxis(lesson.signs, -1, 0), strict=True))
                expected[i] = np.exp(network.log_sigma(signs, SKELETON))
        print(f"fold {fold + 1} of {FOLDS}", flush=True)
    return expected


def scale_for_coverage(lessons: list[Lesson], expected: list[np.ndarray]) -> float:
    """Say by how much sigma is more than the expected error, so that 68 % of the limbs lie within its ellipsoid."""
    clean = [i for i, lesson in enumerate(lessons) if lesson.variant == "as seen"]
    ratio = np.concatenate([(lessons[i].off / expected[i])[:, LIMBS].ravel() for i in clean])
    return float(np.nanpercentile(ratio, 68) / np.sqrt(chi2.ppf(0.68, 3)))


def report(lessons: list[Lesson], expected: list[np.ndarray]) -> None:
    """Say how people left out rank, and what gates give."""
    scale = scale_for_coverage(lessons, expected)
    for variant in VARIANTS:
        of_kind = [i for i, lesson in enumerate(lessons) if lesson.variant == variant]
        error = np.concatenate([lessons[i].error_m for i in of_kind])
        sigma = np.concatenate([expected[i] for i in of_kind]) * scale
        passes = np.concatenate([lessons[i].passes for i in of_kind]) & np.isfinite(error)
        found = np.isfinite(error)
        ranks = []
        for joints in (list(range(len(SKELETON.joints))), LABELLED, LIMBS):
            pairs = np.stack([sigma[:, joints], error[:, joints]], -1)
            ranks += [rank(pairs[found[:, joints]]), rank(pairs[passes[:, joints]])]
        print(f"{variant}: ranks, all and passing: " + " ".join(f"{value:.3f}" for value in ranks))
        for name, joints, limits in (("limbs", LIMBS, np.arange(16, 26)), ("surface", SURFACE, np.arange(24, 46, 2))):
            good = error[:, joints] < GOOD_M
            for limit_mm in limits:
                sure = passes[:, joints] & (sigma[:, joints] < limit_mm * 1e-3)
                print(
                    f"  {name} {limit_mm} mm: precision {100 * good[sure].mean():.2f} %,"
                    f" recall {100 * (good & sure).sum() / good.sum():.1f} %,"
                    f" mean {1e3 * error[:, joints][sure].mean():.2f} mm"
                )


if __name__ == "__main__":
    print(f"takes in {CACHE}", flush=True)
    sys.exit(main())
