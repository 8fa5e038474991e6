"""Evaluate models on stored samples, or on a session by its own labels."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.offline.progress import Progress, StepProgress, ignore_progress, scale_progress
from engine.session.session import Session
from training.data.samples import Samples, join, open_samples
from training.data.session_samples import samples_from_session
from training.errors import TrainingError
from training.evaluation.estimate_samples import EstimateFunction
from training.evaluation.evaluate import EvaluateConfig, evaluate_model
from training.evaluation.evaluated_model import EvaluatedModel, demand_same_joints, open_model
from training.evaluation.evaluation import Evaluation, compare_models
from training.evaluation.report import write_evaluation
from training.labels.files import find_labels, load_labels

BOXES_PER_SAMPLE = 2
"""Every sample is seen twice: in the detector's box and in the true one."""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedSamples:
    """One model measured, another one beside it where one was given.

    Parameters
    ----------
    samples
    evaluation
    comparison
        Rows that compare the other model with this one; empty where there is no other.
    """

    samples: Samples
    evaluation: Evaluation
    comparison: tuple

    def write(self, folder: Path) -> Path:
        """Write page, table and figures; return the page."""
        return write_evaluation(folder, self.evaluation, self.samples, self.comparison)


def evaluate_models(
    names: Sequence[str],
    samples: Samples,
    config: EvaluateConfig,
    progress: Progress = ignore_progress,
) -> EvaluatedSamples:
    """Measure a model, and compare another one with it where one is given.

    Parameters
    ----------
    names
        Of the model, and of the other one; as `open_model` takes them.
    samples, config
    progress
        May raise to cancel.

    Raises
    ------
    TrainingError
        If a model is missing or finds other joints; nothing is measured then.
    """
    with ExitStack() as stack:
        models = [stack.enter_context(open_model(name)) for name in names]
        for model in models:
            demand_same_joints(model, samples)
        evaluations = []
        for number, (name, model) in enumerate(zip(names, models)):
            part = scale_progress(progress, number / len(names), (number + 1) / len(names))
            step = f"Evaluating {Path(name).name}"
            estimate = _report_crops(model, step, BOXES_PER_SAMPLE * len(samples), part)
            named = EvaluateConfig(
                model.name, config.judge, config.stature_m, config.block_s, config.seed
            )
            evaluations.append(evaluate_model(estimate, samples, model.size_px, named))
    evaluation, *others = evaluations
    actions = np.array(samples.actions)[samples.action]
    rows = tuple(row for other in others for row in compare_models(other, evaluation, actions))
    return EvaluatedSamples(samples, evaluation, rows)


def load_samples(folders: Sequence[Path]) -> tuple[Samples, EvaluateConfig]:
    """Open stored samples, which know themselves what they are measured by.

    Returns
    -------
    samples
        All sets, one after another.
    config
        The usual one: the samples' teacher judges.

    Raises
    ------
    TrainingError
        If the sets have different joints, image sizes or ground truth.
    """
    sets = [open_samples(folder) for folder in folders]
    names = {samples.skeleton.name for samples in sets} | {
        f"{samples.stored_px} px" for samples in sets
    }
    if len(names) > 2:
        raise TrainingError(
            f"These sets do not fit together: {', '.join(sorted(names))}. Evaluate them one by one."
        )
    if len({samples.teacher for samples in sets}) > 1:
        known = ", ".join(f"{folder} ({samples.teacher})" for folder, samples in zip(folders, sets))
        raise TrainingError(
            f"One table cannot mix several kinds of ground truth: {known}. Evaluate them one by "
            "one."
        )
    return sets[0] if len(sets) == 1 else join(sets), EvaluateConfig()


def cut_session_samples(
    session: Session, labels_id: str | None, progress: Progress = ignore_progress
) -> tuple[Samples, EvaluateConfig]:
    """Cut the crops of a session at its labels, which the model is measured by.

    Parameters
    ----------
    session
    labels_id
        Which labels of the session; None takes the newest.
    progress
        May raise to cancel.

    Returns
    -------
    samples
    config
        Names the rig's labels as the judge and, where the session states it, the stature.

    Raises
    ------
    TrainingError
        If the session has no labels.
    """
    labels = load_labels(find_labels(session.path, labels_id))

    def report(_step: str, share: float) -> None:
        progress(StepProgress("Cutting crops", share, "percent", round(100 * share), 100))

    samples = samples_from_session(session, labels, progress=report)
    judge = (
        f"the labels of the rig (calibration {labels.calibration.id}, {labels.calibration.verdict})"
    )
    stature_m = session.facts.stature_m
    statures = {} if stature_m is None else dict.fromkeys(samples.persons, float(stature_m))
    return samples, EvaluateConfig(judge=judge, stature_m=statures)


def _report_crops(
    model: EvaluatedModel, step: str, total: int, progress: Progress
) -> EstimateFunction:
    """Return the model's estimate, which reports how many crops are done."""
    done = 0
    progress(StepProgress(step, 0.0, "crops", 0, total))

    def estimate(image: np.ndarray) -> np.ndarray:
        nonlocal done
        found = model.estimate(image)
        done += len(image)
        progress(StepProgress(step, min(done / max(total, 1), 1.0), "crops", done, total))
        return found

    return estimate
