"""Make the lifter that comes with the program: ``python -m training.tools.make_lifter``.

Pictures of the studio's bodies, posed as real people were, are shown to the real 2D model once and
kept. Then each member of the lifter is trained on motion seen through that model's errors, and on
those pictures; sigmas are scaled on people of the studio that none of them saw; and all is exported
into ``assets/models`` with a card that says what it was made of. What is done is not done again:
members may be trained side by side, each with ``--member``.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch

from engine.errors import EngineError
from engine.inference.backends import BackendOptions
from engine.inference.networks import load_pose_model
from engine.models.card import TrainingRecord
from engine.models.library import EMBEDDED, embedded_card_path
from engine.models.shelf import load_model
from training.errors import TrainingError
from training.export.export import CardFacts
from training.lifting.batches import BatchPlan, draw_sightings
from training.lifting.detector_errors import build_error_table
from training.lifting.export_lifter import export_lifter
from training.lifting.motion_bank import MotionBank, build_bank
from training.lifting.network import LifterEnsemble, LifterNetwork, LifterShape
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


@dataclass(frozen=True, slots=True)
class Member:
    """One of the networks whose mean is the lifter.

    Parameters
    ----------
    seed
    sees_own
        Whether it is shown the 2D model's own guess.
    """

    seed: int
    sees_own: bool


MEMBERS = (Member(0, sees_own=True), Member(1, sees_own=False))


def main(options: Namespace) -> None:
    """Draw what is missing, train, and export."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    bank = build_bank(
        read_motions(options.motion),
        studio_share=STUDIO_SHARE,
        studio_performances=STUDIO_PERFORMANCES,
        seed=0,
    )
    stored = options.out / "sightings.npz"
    if not stored.exists():
        write_sightings(draw(bank, options), stored)
    sightings = read_sightings(stored)
    kept = int(len(sightings) * (1 - HELD_OUT_SHARE))
    known = sightings.take(np.arange(kept))
    plan = BatchPlan(bank, build_error_table(known), known)
    for number in range(len(MEMBERS)) if options.member is None else (options.member,):
        if not member_path(options, number).exists():
            train_member(plan, number, options)
    if options.member is None:
        export(bank, sightings, kept, options)


def member_path(options: Namespace, number: int) -> Path:
    """Return where a trained member is kept."""
    return options.out / f"member-{number}.pt"


def train_member(plan: BatchPlan, number: int, options: Namespace) -> None:
    """Train one member, and keep it."""
    member = MEMBERS[number]
    began_s = time.monotonic()
    if not member.sees_own:
        plan = replace(plan, own_share=0.0)
    network = train_lifter(plan, LifterConfig(steps=options.steps, seed=member.seed), show)
    minutes = (time.monotonic() - began_s) / 60
    torch.save(
        {"weights": network.state_dict(), "inputs": network.shape.inputs, "minutes": minutes},
        member_path(options, number),
    )


def export(bank: MotionBank, sightings: Sightings, kept: int, options: Namespace) -> None:
    """Put the members together, scale their sigmas, and write file and card."""
    stored = [torch.load(member_path(options, n), weights_only=True) for n in range(len(MEMBERS))]
    members = []
    for one in stored:
        network = LifterNetwork(LifterShape(one["inputs"]))
        network.load_state_dict(one["weights"])
        members.append(network)
    lifter = LifterEnsemble(members, [member.sees_own for member in MEMBERS]).eval()
    metrics = scale_sigmas(lifter, sightings.take(np.arange(kept, len(sightings))))
    real = int((bank.clip < bank.clip.max() + 1 - STUDIO_PERFORMANCES).sum())
    record = TrainingRecord(
        data=(
            ACKNOWLEDGEMENT.format(poses=real),
            f"{STUDIO_PERFORMANCES} performances of the studio",
            f"{kept} pictures of synthetic people in those poses; judged on "
            f"{len(sightings) - kept} more",
        ),
        metrics=metrics,
        made=date.today().isoformat(),
        command=f"python -m training.tools.make_lifter --steps {options.steps} "
        f"--pictures {options.pictures}, seeds 0 and 1",
        minutes=round(sum(one["minutes"] for one in stored), 1),
    )
    card_path = embedded_card_path(EMBEDDED)
    facts = CardFacts("Apache-2.0", NOTE, record)
    card = export_lifter(lifter, card_path.with_suffix(".onnx"), card_path, EMBEDDED, facts)
    print(f"{card_path}: {card.files[0].size_bytes / 1e6:.1f} MB, {metrics}")


def draw(bank: MotionBank, options: Namespace) -> Sightings:
    """Draw pictures, and show them to the 2D model."""
    model = load_pose_model(load_model("blazepose"), "openvino", BackendOptions(1))
    parts: list[Sightings] = []
    seen = 0
    for samples in draw_pictures(bank, options.pictures, seed=1_000_001):
        parts += find_people(samples, model)
        seen += len(samples.image)
        print(f"\r{seen} of {options.pictures} pictures, {len(parts)} people", end="", flush=True)
    print()
    model.close()
    return join_sightings(parts)


def show(progress: LifterProgress) -> None:
    """Print where the training is."""
    print(
        f"\rstep {progress.step} of {progress.steps}, loss {progress.loss:.4f}, "
        f"{progress.left_s / 60:.0f} minutes left ",
        end="" if progress.step < progress.steps else "\n",
        flush=True,
    )


def scale_sigmas(lifter: LifterEnsemble, held_out: Sightings) -> dict[str, float]:
    """Scale the sigmas up until 68 % of the errors on held-out people are within them."""
    batch = draw_sightings(held_out, 4 * len(held_out), np.random.default_rng(0))
    with torch.no_grad():
        lifted = lifter(torch.from_numpy(batch.inputs))
        error = (lifted.joints - torch.from_numpy(batch.joints)).abs()
        factor = float(np.quantile((error / lifted.log_sigma.exp()).numpy(), WITHIN_ONE_SIGMA))
        # Never down: where two members agree on people of the studio, they may err alike on others.
        lifter.log_scale.fill_(float(np.log(max(factor, 1.0))))
    return {"held_out_units": float(error.norm(dim=-1).mean()), "sigma_scale": factor}


def parse(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--motion", type=Path, default=Path("../shared/data/mocap"))
    parser.add_argument("--out", type=Path, default=Path("out/lifter"), help="what is kept")
    parser.add_argument("--pictures", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=LifterConfig().steps)
    parser.add_argument("--member", type=int, default=None, help="train this one alone")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        main(parse(sys.argv[1:]))
    except (TrainingError, EngineError) as error:
        sys.exit(str(error))
