"""Make the lifter that comes with the program: ``python -m training.tools.make_lifter``.

Pictures of the studio's bodies, posed as real people were, are shown to the real 2D model once and
kept (``--sightings``). Then the lifter is trained on motion seen through that model's errors, and
on those pictures; its sigmas are scaled on people of the studio that it did not see; and it is
exported into ``assets/models`` with a card that says what it was made of.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from datetime import date
from pathlib import Path

import numpy as np
import torch

from engine.inference.backends import BackendOptions
from engine.inference.networks import load_pose_model
from engine.models.card import TrainingRecord
from engine.models.library import EMBEDDED, embedded_card_path
from engine.models.shelf import load_model
from training.export.export import CardFacts
from training.lifting.batches import LessonPlan, draw_sightings
from training.lifting.detector_errors import build_error_table
from training.lifting.export_lifter import export_lifter
from training.lifting.motion_bank import MotionBank, build_bank
from training.lifting.network import LifterNetwork
from training.lifting.sightings import (
    Sightings,
    find_people,
    join_sightings,
    read_sightings,
    write_sightings,
)
from training.lifting.studio_pictures import draw_pictures
from training.lifting.train_lifter import LifterConfig, LifterProgress, train_lifter
from training.motion.read import read_motions

HELD_OUT_SHARE = 0.08
STUDIO_SHARE, STUDIO_PERFORMANCES = 0.3, 100
WITHIN_ONE_SIGMA = 0.683
NOTE = "3D from one view, from the joints in the image: trained on the motion of real people."
ACKNOWLEDGEMENT = (
    "CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), created with funding from NSF "
    "EIA-0196217: {poses} poses"
)


def main(options: Namespace) -> None:
    """Draw what is missing, train, and export."""
    torch.set_num_threads(options.threads)
    bank = build_bank(
        read_motions(options.motion),
        studio_share=STUDIO_SHARE,
        studio_performances=STUDIO_PERFORMANCES,
        seed=options.seed,
    )
    if not options.sightings.exists():
        write_sightings(draw(bank, options), options.sightings)
    sightings = read_sightings(options.sightings)
    kept = int(len(sightings) * (1 - HELD_OUT_SHARE))
    known = sightings.take(np.arange(kept))
    plan = LessonPlan(bank, build_error_table(known), known)
    held_out = sightings.take(np.arange(kept, len(sightings)))
    began_s = time.monotonic()
    config = LifterConfig(steps=options.steps, seed=options.seed)
    network = train_lifter(plan, config, show)
    minutes = (time.monotonic() - began_s) / 60
    metrics = scale_sigmas(network, held_out)
    record = TrainingRecord(
        data=(
            ACKNOWLEDGEMENT.format(poses=count_real(bank)),
            f"{STUDIO_PERFORMANCES} performances of the studio",
            f"{kept} pictures of synthetic people in those poses; judged on {len(held_out)} more",
        ),
        metrics=metrics,
        made=date.today().isoformat(),
        command=f"python -m training.tools.make_lifter --steps {options.steps} "
        f"--seed {options.seed} --pictures {options.pictures}",
        minutes=round(minutes, 1),
    )
    card_path = embedded_card_path(EMBEDDED)
    facts = CardFacts("Apache-2.0", NOTE, record)
    card = export_lifter(network, card_path.with_suffix(".onnx"), card_path, EMBEDDED, facts)
    print(f"{card_path}: {card.files[0].size_bytes / 1e6:.1f} MB, {minutes:.0f} minutes, {metrics}")


def draw(bank: MotionBank, options: Namespace) -> Sightings:
    """Draw pictures, and show them to the 2D model."""
    model = load_pose_model(load_model("blazepose"), "openvino", BackendOptions(1))
    parts: list[Sightings] = []
    seen = 0
    for samples in draw_pictures(bank, options.pictures, options.seed):
        parts += find_people(samples, model)
        seen += len(samples.image)
        print(f"\r{seen} of {options.pictures} pictures, {len(parts)} people", end="", flush=True)
    print()
    model.close()
    return join_sightings(parts)


def count_real(bank: MotionBank) -> int:
    """Count the poses of real people: those before the first simulated performance."""
    return int((bank.clip < bank.clip.max() + 1 - STUDIO_PERFORMANCES).sum())


def show(progress: LifterProgress) -> None:
    """Print where the training is."""
    print(
        f"\rstep {progress.step} of {progress.steps}, loss {progress.loss:.4f}, "
        f"{progress.left_s / 60:.0f} minutes left ",
        end="" if progress.step < progress.steps else "\n",
        flush=True,
    )


def scale_sigmas(network: LifterNetwork, held_out: Sightings) -> dict[str, float]:
    """Scale the sigmas so that 68 % of the errors on held-out people lie within; return metrics."""
    lesson = draw_sightings(held_out, 4 * len(held_out), np.random.default_rng(0))
    with torch.no_grad():
        lifted = network(torch.from_numpy(lesson.inputs))
        error = (lifted.joints - torch.from_numpy(lesson.joints)).abs()
        ratio = (error / lifted.log_sigma.exp()).flatten()
        factor = float(np.quantile(ratio.numpy(), WITHIN_ONE_SIGMA))
        size = lifted.joints[0].numel()
        network.last.bias[size : 2 * size] += float(np.log(factor))
    return {
        "held_out_mpjpe_units": float(error.norm(dim=-1).mean()),
        "sigma_scale": factor,
    }


def parse(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--motion", type=Path, default=Path("../shared/data/mocap"))
    parser.add_argument("--sightings", type=Path, default=Path("out/sightings.npz"))
    parser.add_argument("--pictures", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=LifterConfig().steps)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
