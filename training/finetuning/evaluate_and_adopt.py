"""The last steps of a fine-tune: the comparison, the report, and adopting the new model."""

import shlex
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.geometry.arrays import F64
from engine.models.card import (
    PICTURE_CODEC,
    ModelCard,
    TrainingRecord,
    read_card,
    write_card,
)
from engine.models.files import REPORT_FILE
from engine.models.journal import list_adopted
from engine.models.library import ModelLibrary
from training.data.samples import Samples, open_samples
from training.errors import TrainingError
from training.evaluation.estimate_samples import estimate_samples
from training.evaluation.evaluated_model import demand_same_joints, open_model
from training.finetuning.finetune import ProgressReporter, StepContext
from training.finetuning.prediction_errors import (
    Predictions,
    choose_typical,
    draw_before_after,
    measure_errors,
    measure_label_errors,
    measure_line_of_sight_errors,
)
from training.finetuning.prepare_data import SAMPLES, load_parts, load_strangers, open_library
from training.finetuning.report import JPEG_QUALITY, FinetuneSummary, write_finetune_report
from training.finetuning.serving_lifter import measure_serving_lifter
from training.finetuning.verdict import (
    MAX_FORGETTING,
    MAX_FORGETTING_PERSONAL,
    Verdict,
    judge_comparison,
    verdict_from_table,
)

PREDICTIONS = "answers.npz"
PAGE = "report.html"
PICTURES = "pictures"
MAX_PICTURES = 4
ADOPTED_BY = "fine-tuning"


def compare(context: StepContext, reporter: ProgressReporter) -> dict[str, Any]:
    """Run both models on the held-out samples, and judge them."""
    samples = _load_held_out(context)
    strangers = load_strangers(context)
    before = [
        _predict(context.results["parent"]["rival_checkpoint"], seen)
        for seen in (samples, strangers)
    ]
    reporter(0.5)
    after = [_predict(context.results["export"]["card"], seen) for seen in (samples, strangers)]
    np.savez(context.folder / PREDICTIONS, before=before[0], after=after[0])
    predictions = _build_predictions(context, samples, before[0], after[0])
    others = measure_label_errors(_build_predictions(context, strangers, before[1], after[1]))
    limit = MAX_FORGETTING_PERSONAL if context.request.person else MAX_FORGETTING
    comparison = replace(
        measure_errors(predictions),
        strangers_before_m=others[0],
        strangers_after_m=others[1],
        max_forgetting=limit,
        serving_m=_measure_serving_lifter(context, samples),
    )
    verdict = judge_comparison(comparison, seed=context.request.seed)
    table = {"verdict": asdict(verdict), "sight": asdict(measure_line_of_sight_errors(predictions))}
    return {"better": verdict.better, "message": verdict.message, **table}


def report(context: StepContext, reporter: ProgressReporter) -> dict[str, Any]:
    """Draw the typical pictures, and write the page.

    Raises
    ------
    TrainingError
        If a picture cannot be written.
    """
    samples = _load_held_out(context)
    verdict = verdict_from_table(context.results["compare"]["verdict"])
    with np.load(context.folder / PREDICTIONS) as file:
        predictions = _build_predictions(context, samples, file["before"], file["after"])
    comparison = measure_errors(predictions)
    drawn = [
        (str(comparison.action[row]), draw_before_after(predictions, row))
        for row in choose_typical(comparison)[:MAX_PICTURES]
    ]
    (context.folder / PICTURES).mkdir(exist_ok=True)
    names = []
    for number, (action, image) in enumerate(drawn):
        name = f"{PICTURES}/{number}.jpg"
        if not cv2.imwrite(
            str(context.folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        ):
            raise TrainingError(
                f"The picture '{context.folder / name}' could not be written. Free some space, "
                "and resume."
            )
        names.append([action, name])
    write_finetune_report(
        context.folder / PAGE,
        verdict,
        _build_summary(context, tuple(drawn), reporter.state.seconds_used / 60),
    )
    return {"page": PAGE, "pictures": names}


def add(context: StepContext, _reporter: ProgressReporter) -> dict[str, Any]:
    """Add the new model with its figures and its report to the library."""
    card_path = Path(context.results["export"]["card"])
    card = read_card(card_path)
    verdict = verdict_from_table(context.results["compare"]["verdict"])
    figures = _collect_metrics(verdict) | {
        name: round(mm, 1) for name, mm in context.results["compare"]["sight"].items()
    }
    trained = replace(card.trained or TrainingRecord(), metrics=figures)
    write_card(replace(card, trained=trained), card_path)
    shutil.copy2(context.folder / PAGE, card_path.parent / REPORT_FILE)
    library = open_library(context)
    name = _find_added_name(library, read_card(card_path))
    return {"name": name or library.add(card_path.parent, context.results["export"]["name"]).name}


def adopt(context: StepContext, _reporter: ProgressReporter) -> dict[str, Any]:
    """Adopt the new model for the person, if the one it was compared with still serves.

    Raises
    ------
    TrainingError
        If another model came into use meanwhile.
    """
    name = context.results["add"]["name"]
    person = context.request.person
    library = open_library(context)
    if list_adopted(library.read_history(), person, "")[-1:] == [name]:
        # the run was killed between adopting and recording it: it is not adopted twice
        return {"name": name}
    serving = library.choose_model(person, codec=PICTURE_CODEC).entry
    if serving is not None and serving.name != context.results["parent"]["rival"]:
        whose = f" --person {shlex.quote(person)}" if person else ""
        raise TrainingError(
            f"While '{name}' was fine-tuned, '{serving.name}' came into use, with which it was not "
            "compared; that one stays. Compare the two with 'epipole evaluate', or choose with: "
            f"epipole models use {name}{whose}."
        )
    library.adopt(name, person, reason=context.results["compare"]["message"], by=ADOPTED_BY)
    return {"name": name}


def _measure_serving_lifter(context: StepContext, samples: Samples) -> F64:
    """Measure the lifter that serves the person; empty where a picture model does."""
    serving = open_library(context).choose_model(context.request.person).entry
    return np.empty((0, 0)) if serving is None else measure_serving_lifter(serving.card, samples)


def _find_added_name(library: ModelLibrary, card: ModelCard) -> str:
    """Find the model where a killed run left it in the library; '' where it is not there yet."""
    for entry in library.list_models():
        if (
            entry.card.files[0].sha256 == card.files[0].sha256
            and entry.card.trained == card.trained
        ):
            return entry.name
    return ""


def _load_held_out(context: StepContext) -> Samples:
    """Return the samples that judge."""
    return open_samples(context.folder / SAMPLES).select(load_parts(context)["exam"])


def _predict(model: str, samples: Samples) -> F64:
    """Estimate the joints, (N, J, 3), in the squares of the samples."""
    with open_model(model) as opened:
        demand_same_joints(opened, samples)
        return estimate_samples(opened.estimate, samples, opened.size_px)


def _build_predictions(
    context: StepContext, samples: Samples, before: F64, after: F64
) -> Predictions:
    """Combine what both models found in the same samples."""
    return Predictions(samples, context.results["parent"]["size_px"], before, after)


def _collect_metrics(verdict: Verdict) -> dict[str, float]:
    """Return the card's figures of how good it is."""
    return {
        "mpjpe_mm": round(verdict.after_mm, 1),
        "before_mm": round(verdict.before_mm, 1),
        "gain_low_mm": round(verdict.gain_mm.low, 1),
        "pictures": float(verdict.pictures),
    }


def _build_summary(context: StepContext, pictures: tuple, minutes: float) -> FinetuneSummary:
    """Gather what the report shows."""
    results, training = context.results, context.results["train"]
    agreed = max(results["check"]["deviation"].values())
    remarks = (
        *results["label"]["remarks"],
        *results["parent"]["remarks"],
        (
            f"Trained on {results['divide']['counts']['train']} pictures for "
            f"{training['minutes']:.1f} minutes."
        ),
        f"The exported model differs from the trained one by {agreed:.0e} at most.",
    )
    names = tuple(path.name for path in context.request.sessions)
    return FinetuneSummary(
        context.request.person,
        names,
        results["parent"]["rival"],
        results["divide"]["set_aside"],
        pictures,
        minutes,
        remarks,
    )
