"""Make the model that comes with the program: ``python -m training.tools.make_embedded RUN``.

RUN is the folder of ``epipole train compact-3d --out RUN``. The model is evaluated on studio people
that it was not trained on, exported into ``assets/models``, compared with torch in both runtimes,
and an 8-bit copy is kept if it costs less than a millimetre. The evaluation is written to RUN.
"""

import sys
from datetime import date
from pathlib import Path

import numpy as np

from engine.models.card import TrainingRecord, read_card
from engine.models.library import PICTURES, embedded_card_path
from training.data.samples import ARRAYS, MARGIN, Samples, join, open_samples, write_samples
from training.evaluation.estimate_samples import estimate_samples
from training.evaluation.estimate_torch import make_torch_estimate
from training.evaluation.evaluate import EvaluateConfig, evaluate_model
from training.evaluation.evaluation import Evaluation
from training.evaluation.report import write_evaluation
from training.export.export import CardFacts, export_embedded_model
from training.export.parity import check_parity, demand_parity
from training.export.precision import judge_bf16, offer_int8
from training.finetuning.prediction_errors import Predictions, measure_line_of_sight_errors
from training.loop.checkpoint import Checkpoint, load_checkpoint, network_from_checkpoint
from training.loop.history import read_history
from training.recipes.recipe import read_recipe
from training.studio.recordings import StudioRecordingConfig, samples_from_recording

HELD_OUT = range(40, 48)
RECORDING = StudioRecordingConfig(seconds=20.0, rate_fps=1.0)
BATCH = read_recipe("compact-3d").batch.batch
QUICK_SAMPLES = 160
NOTE = (
    "3D from one view, from a picture: trained on synthetic people only, so expect little of "
    "it before it is fine-tuned on you."
)


def main(run: Path) -> None:
    """Evaluate the best network of a run, export it, and check the export."""
    checkpoint = load_checkpoint(run / "best.pt")
    samples = make_held_out(run / "held-out")
    size_px = network_from_checkpoint(checkpoint).size_px
    estimate = make_torch_estimate(network_from_checkpoint(checkpoint))
    evaluation = evaluate_model(estimate, samples, size_px, EvaluateConfig(model="compact-studio"))
    print(evaluation.to_text())
    write_evaluation(run / "evaluation", evaluation, samples)
    uvw = estimate_samples(estimate, samples, size_px)
    line_of_sight = measure_line_of_sight_errors(Predictions(samples, size_px, uvw, uvw))
    metrics = {
        **collect_metrics(evaluation),
        "across_mm": line_of_sight.across_mm,
        "along_mm": line_of_sight.along_mm,
    }
    facts = CardFacts("Apache-2.0", NOTE, describe_training(checkpoint, run, metrics))
    card = export_embedded_model(checkpoint, embedded_card_path(PICTURES).parent, PICTURES, facts)
    check_export(checkpoint, card, samples)


def make_held_out(folder: Path) -> Samples:
    """Film the people of the evaluation, once."""
    if not (folder / ARRAYS).is_file():
        write_samples(folder, join([samples_from_recording(seed, RECORDING) for seed in HELD_OUT]))
    return open_samples(folder)


def collect_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return the figures of the card: from the image alone, and with the true depth and box."""
    aided = evaluation.results[-1]
    return {
        "mpjpe_mm": evaluation.primary.overall["mpjpe"].mean,
        "p_mpjpe_mm": evaluation.primary.overall["p_mpjpe"].mean,
        "pck_percent": evaluation.primary.overall["pck"].mean,
        "mpjpe_told_depth_and_box_mm": aided.overall["mpjpe"].mean,
    }


def describe_training(
    checkpoint: Checkpoint, run: Path, metrics: dict[str, float]
) -> TrainingRecord:
    """Return where the network comes from."""
    minutes = round(read_history(run)[-1].elapsed_s / 60)
    rounded = {name: round(float(value), 2) for name, value in metrics.items()}
    data = (
        f"{checkpoint.step * BATCH} pictures of synthetic people; judged on studio seeds 40 to 47",
    )
    return TrainingRecord(
        data=data,
        metrics=rounded,
        made=date.today().isoformat(),
        command=f"epipole train compact-3d --minutes {minutes} --threads 1 --seed 0",
        minutes=minutes,
    )


def check_export(checkpoint: Checkpoint, card: Path, samples: Samples) -> None:
    """Compare the exported files with torch, and bfloat16 and 8 bits with f32."""
    edge = round(samples.stored_px * (1 - 1 / MARGIN) / 2)
    inner = np.ascontiguousarray(
        samples.image[:128, edge : samples.stored_px - edge, edge : samples.stored_px - edge]
    )
    parity = check_parity(checkpoint, card, inner)
    print("largest relative deviation from torch:", dict(parity.deviation))
    demand_parity(parity)
    few = samples.select(np.linspace(0, len(samples) - 1, QUICK_SAMPLES).astype(int))

    def judge(estimate) -> float:
        return (
            evaluate_model(estimate, few, network_from_checkpoint(checkpoint).size_px)
            .primary.overall["mpjpe"]
            .mean
        )

    print(judge_bf16(read_card(card), judge))
    print(offer_int8(card, inner, judge))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
