"""The network that comes with the program, made anew from a training: python tests/benchmarks/make_embedded.py RUN

RUN is the folder of ``epipole train compact-3d --out RUN``. It is judged on studio people whom nothing was trained on,
exported into ``assets/models``, compared with torch in both runtimes, and an 8-bit copy is kept if it costs less than a
millimetre. The judgement lies in RUN.
"""

import sys
from datetime import date
from pathlib import Path

import numpy as np

from engine.inference.model_card import Teaching, read_card
from engine.inference.network_library import embedded_card
from training.data.samples import ARRAYS, MARGIN, Samples, join, open_samples, write_samples
from training.evaluate import EvaluateConfig, evaluate_network
from training.export import CardFacts, export_embedded
from training.finetuning.exam import Answers, against_sight
from training.judging.estimate_samples import estimate_samples
from training.judging.estimate_torch import torch_estimate
from training.judging.evaluation import Evaluation
from training.judging.report import write_evaluation
from training.loop.checkpoint import Checkpoint, load_checkpoint, network_of
from training.loop.history import read_history
from training.parity import check_parity, demand_parity
from training.precision import judge_bf16, offer_int8
from training.recipe import read_recipe
from training.studio.takes import TakeConfig, samples_of_take

HELD_OUT = range(40, 48)
TAKE = TakeConfig(seconds=20.0, rate_fps=1.0)
BATCH = read_recipe("compact-3d").batch.batch
QUICK = 160
NOTE = "3D from one view, for everybody: taught on synthetic people only, so expect little of it before it knows you."


def main(run: Path) -> None:
    checkpoint = load_checkpoint(run / "best.pt")
    samples = held_out(run / "held-out")
    size_px = network_of(checkpoint).size_px
    estimate = torch_estimate(network_of(checkpoint))
    evaluation = evaluate_network(estimate, samples, size_px, EvaluateConfig(network="compact-studio"))
    print(evaluation.to_text())
    write_evaluation(run / "evaluation", evaluation, samples)
    uvw = estimate_samples(estimate, samples, size_px)
    sight = against_sight(Answers(samples, size_px, uvw, uvw))
    metrics = {**figures(evaluation), "across_mm": sight.across_mm, "along_mm": sight.along_mm}
    facts = CardFacts("Apache-2.0", NOTE, teaching(checkpoint, run, metrics))
    card = export_embedded(checkpoint, embedded_card().parent, embedded_card().stem, facts)
    compare(checkpoint, card, samples)


def held_out(folder: Path) -> Samples:
    """Film the people who judge, once."""
    if not (folder / ARRAYS).is_file():
        write_samples(folder, join([samples_of_take(seed, TAKE) for seed in HELD_OUT]))
    return open_samples(folder)


def figures(evaluation: Evaluation) -> dict[str, float]:
    """Name what the card tells: with nothing told, and with the true depth and box."""
    told = evaluation.ways[-1]
    return {
        "mpjpe_mm": evaluation.honest.overall["mpjpe"].mean,
        "p_mpjpe_mm": evaluation.honest.overall["p_mpjpe"].mean,
        "pck_percent": evaluation.honest.overall["pck"].mean,
        "mpjpe_told_depth_and_box_mm": told.overall["mpjpe"].mean,
    }


def teaching(checkpoint: Checkpoint, run: Path, metrics: dict[str, float]) -> Teaching:
    """Say where the network comes from."""
    minutes = round(read_history(run)[-1].elapsed_s / 60)
    rounded = {name: round(float(value), 2) for name, value in metrics.items()}
    data = (f"{checkpoint.step * BATCH} pictures of synthetic people; judged on studio seeds 40 to 47",)
    return Teaching(
        data=data,
        metrics=rounded,
        made=date.today().isoformat(),
        command=f"epipole train compact-3d --minutes {minutes} --threads 1 --seed 0",
        minutes=minutes,
    )


def compare(checkpoint: Checkpoint, card: Path, samples: Samples) -> None:
    """Hold the exported files against torch, and fewer bits against f32."""
    edge = round(samples.stored_px * (1 - 1 / MARGIN) / 2)
    inner = np.ascontiguousarray(samples.image[:128, edge : samples.stored_px - edge, edge : samples.stored_px - edge])
    parity = check_parity(checkpoint, card, inner)
    print("largest relative deviation from torch:", dict(parity.deviation))
    demand_parity(parity)
    few = samples.taken(np.linspace(0, len(samples) - 1, QUICK).astype(int))

    def judge(estimate) -> float:
        return evaluate_network(estimate, few, network_of(checkpoint).size_px).honest.overall["mpjpe"].mean

    print(judge_bf16(read_card(card), judge))
    print(offer_int8(card, inner, judge))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
