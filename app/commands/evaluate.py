"""`epipole evaluate`: how far a network's poses are from the truth, or from what a rig's views agree on."""

from argparse import Namespace
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np

from app.cli.progress import Progress
from app.errors import UsageError
from app.paths import choose_new_folder, remove_empty_on_error, require_writable
from app.report.calibration_output import print_messages
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session
from training.data.samples import Samples, join, open_samples
from training.data.session_samples import samples_from_session
from training.errors import TrainingError
from training.evaluation.estimate_samples import EstimateFunction
from training.evaluation.evaluate import EvaluateConfig, evaluate_model
from training.evaluation.evaluated_model import EvaluatedModel, demand_same_joints, open_model
from training.evaluation.evaluation import Evaluation, compare_models
from training.evaluation.report import PAGE, format_comparison, write_evaluation
from training.labels.files import find_labels, load_labels

DONE = 0
BOXES_PER_SAMPLE = 2
"""Every sample is seen twice: in the detector's box and in the true one."""


def run(options: Namespace) -> int:
    """Judge a network.

    Parameters
    ----------
    options
        `model`, `data` or `session`, `labels`, `against`, `out`.

    Returns
    -------
    code
        0; the command line turns errors into one sentence and 1.
    """
    if options.labels and not options.session:
        raise UsageError("--labels names labels of a session; give the session with --session.")
    folder = options.out or choose_new_folder(Path.cwd(), datetime.now())
    with remove_empty_on_error(folder):
        return _evaluate(options, folder)


def _evaluate(options: Namespace, folder: Path) -> int:
    """Judge, and write the page."""
    require_writable(folder / PAGE)
    samples, config = (
        _cut_session_samples(options.session, options.labels)
        if options.session
        else _load_samples(options.data)
    )
    evaluation, *others = _evaluate_all(
        [options.network, *filter(None, [options.against])], samples, config
    )
    actions = np.array(samples.actions)[samples.action]
    compared = tuple(row for other in others for row in compare_models(other, evaluation, actions))
    page = write_evaluation(folder, evaluation, samples, compared)
    print(f"\n{evaluation.to_text()}{format_comparison(compared)}")
    print(f"Report  {page}")
    return DONE


def _evaluate_all(names: list[str], samples: Samples, config: EvaluateConfig) -> list[Evaluation]:
    """Open networks and judge them; one that cannot be judged is refused before the work on another begins."""
    with ExitStack() as stack:
        models = [stack.enter_context(open_model(name)) for name in names]
        for model in models:
            demand_same_joints(model, samples)
        return [
            _evaluate_one(Path(name).name, network, samples, config)
            for name, network in zip(names, models)
        ]


def _evaluate_one(
    name: str, model: EvaluatedModel, samples: Samples, config: EvaluateConfig
) -> Evaluation:
    """Judge a network."""
    named = EvaluateConfig(model.name, config.judge, config.stature_m, config.block_s, config.seed)
    with Progress(f"Judging {name}", BOXES_PER_SAMPLE * len(samples), "crops") as progress:
        return evaluate_model(_report_progress(model, progress), samples, model.size_px, named)


def _report_progress(model: EvaluatedModel, progress: Progress) -> EstimateFunction:
    """Return the network's estimate, which tells how far it is."""
    done = 0

    def estimate(image: np.ndarray) -> np.ndarray:
        nonlocal done
        found = model.estimate(image)
        done += len(image)
        progress(done)
        return found

    return estimate


def _load_samples(folders: list[Path]) -> tuple[Samples, EvaluateConfig]:
    """Open stored samples; they say themselves what is known of them."""
    sets = [open_samples(folder) for folder in folders]
    names = {samples.skeleton.name for samples in sets} | {
        f"{samples.stored_px} px" for samples in sets
    }
    if len(names) > 2:
        raise TrainingError(
            f"These sets do not fit together: {', '.join(sorted(names))}. Judge them one by one."
        )
    if len({samples.teacher for samples in sets}) > 1:
        known = ", ".join(f"{folder} ({samples.teacher})" for folder, samples in zip(folders, sets))
        raise TrainingError(
            f"One table cannot rest on several kinds of judges: {known}. Judge them one by one."
        )
    return sets[0] if len(sets) == 1 else join(sets), EvaluateConfig()


def _cut_session_samples(path: Path, labels_id: str | None) -> tuple[Samples, EvaluateConfig]:
    """Cut the crops of a session at its labels, which are the judge."""
    print_messages(repair_sessions([path]))
    session = Session.open(path)
    labels = load_labels(find_labels(session.path, labels_id))
    with Progress("Cutting crops", 100, "percent") as progress:
        samples = samples_from_session(
            session, labels, progress=lambda _, share: progress(round(100 * share))
        )
    judge = (
        f"the labels of the rig (calibration {labels.calibration.id}, {labels.calibration.verdict})"
    )
    return samples, EvaluateConfig(judge=judge, stature_m=_find_stature(session, samples))


def _find_stature(session: Session, samples: Samples) -> dict[str, float]:
    """Return what the person said of their height, as far as the session keeps it."""
    said = session.facts.stature_m
    return {} if said is None else dict.fromkeys(samples.persons, float(said))
