"""`epipole evaluate`: how far a network's poses are from the truth, or from what a rig's views agree on."""

from argparse import Namespace
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np

from app.errors import UsageError
from app.mend import mend_sessions
from app.paths import demand_writable, fresh_folder, unless_refused
from app.progress import Progress
from engine.session import Session
from training.data.samples import Samples, join, open_samples
from training.data.session_samples import samples_from_session
from training.errors import TrainingError
from training.evaluate import EvaluateConfig, evaluate_network
from training.judging.estimate_samples import Estimate
from training.judging.evaluation import Evaluation, compare
from training.judging.judged_network import JudgedNetwork, demand_same_joints, open_network
from training.judging.report import PAGE, compared_text, write_evaluation
from training.labels.files import find_labels, load_labels

DONE = 0
BOXES = 2
"""Every sample is seen twice: in the detector's box and in the true one."""


def run(options: Namespace) -> int:
    """Judge a network.

    Parameters
    ----------
    options
        `network`, `data` or `session`, `labels`, `against`, `out`.

    Returns
    -------
    code
        0; the command line turns errors into one sentence and 1.
    """
    if options.labels and not options.session:
        raise UsageError("--labels names labels of a session; give the session with --session.")
    folder = options.out or fresh_folder(Path.cwd(), datetime.now())
    with unless_refused(folder):
        return _evaluate(options, folder)


def _evaluate(options: Namespace, folder: Path) -> int:
    """Judge, and write the page."""
    demand_writable(folder / PAGE)
    samples, config = _session(options.session, options.labels) if options.session else _data(options.data)
    evaluation, *others = _judged([options.network, *filter(None, [options.against])], samples, config)
    actions = np.array(samples.actions)[samples.action]
    compared = tuple(row for other in others for row in compare(other, evaluation, actions))
    page = write_evaluation(folder, evaluation, samples, compared)
    print(f"\n{evaluation.to_text()}{compared_text(compared)}")
    print(f"Report  {page}")
    return DONE


def _judged(names: list[str], samples: Samples, config: EvaluateConfig) -> list[Evaluation]:
    """Open networks and judge them; one that cannot be judged is refused before the work on another begins."""
    with ExitStack() as held:
        networks = [held.enter_context(open_network(name)) for name in names]
        for network in networks:
            demand_same_joints(network, samples)
        return [_judge(Path(name).name, network, samples, config) for name, network in zip(names, networks)]


def _judge(name: str, network: JudgedNetwork, samples: Samples, config: EvaluateConfig) -> Evaluation:
    """Judge a network."""
    named = EvaluateConfig(network.name, config.judge, config.stature_m, config.block_s, config.seed)
    with Progress(f"Judging {name}", BOXES * len(samples), "crops") as progress:
        return evaluate_network(_counted(network, progress), samples, network.size_px, named)


def _counted(network: JudgedNetwork, progress: Progress) -> Estimate:
    """Return the network's estimate, which tells how far it is."""
    done = 0

    def estimate(image: np.ndarray) -> np.ndarray:
        nonlocal done
        found = network.estimate(image)
        done += len(image)
        progress(done)
        return found

    return estimate


def _data(folders: list[Path]) -> tuple[Samples, EvaluateConfig]:
    """Open stored samples; they say themselves what is known of them."""
    sets = [open_samples(folder) for folder in folders]
    names = {samples.skeleton.name for samples in sets} | {f"{samples.stored_px} px" for samples in sets}
    if len(names) > 2:
        raise TrainingError(f"These sets do not fit together: {', '.join(sorted(names))}. Judge them one by one.")
    if len({samples.teacher for samples in sets}) > 1:
        known = ", ".join(f"{folder} ({samples.teacher})" for folder, samples in zip(folders, sets))
        raise TrainingError(f"One table cannot rest on several kinds of judges: {known}. Judge them one by one.")
    return sets[0] if len(sets) == 1 else join(sets), EvaluateConfig()


def _session(path: Path, labels_id: str | None) -> tuple[Samples, EvaluateConfig]:
    """Cut the crops of a session at its labels, which are the judge."""
    mend_sessions([path])
    session = Session.open(path)
    labels = load_labels(find_labels(session.path, labels_id))
    with Progress("Cutting crops", 100, "percent") as progress:
        samples = samples_from_session(session, labels, progress=lambda _, share: progress(round(100 * share)))
    judge = f"the labels of the rig (calibration {labels.calibration.id}, {labels.calibration.verdict})"
    return samples, EvaluateConfig(judge=judge, stature_m=_stature(session, samples))


def _stature(session: Session, samples: Samples) -> dict[str, float]:
    """Return what the person said of their height, as far as the session keeps it."""
    said = session.facts.stature_m
    return {} if said is None else dict.fromkeys(samples.persons, float(said))
