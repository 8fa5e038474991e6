"""Label, evaluate and fine-tune: what the commands of the same names do."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from calibration.geometry.arrays import F64, Mask
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session as SessionFolder
from training.errors import TrainingError
from training.evaluation.evaluate_models import cut_session_samples, evaluate_models, load_samples
from training.evaluation.report import format_comparison
from training.finetuning.follow import follow_run, wait_until_released
from training.finetuning.process import start_process
from training.finetuning.report import describe_verdict
from training.finetuning.request import FinetuneRequest, check_sessions, check_start
from training.finetuning.run import Phase, RunState, make_run, read_state, request_cancel
from training.finetuning.verdict import verdict_from_table
from training.labels.session import label_session

from .arguments import AnyPath, ReportProgress, adapt_progress
from .session import Session

NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The joints of a session as labels for training.

    Parameters
    ----------
    path
        Of the stored labels.
    xyz : (frame, joint, 3), m, world
        NaN where missing.
    sigma_m : (frame, joint), m
        Expected distance from the truth; infinite where missing.
    accepted : (frame, joint), bool
        Which joints are labels; the others were rejected.
    weight : (frame, joint), 0 to 1
        How much a label counts; 0 for rejected joints.
    time_s : (frame,), s
        Since frame 0.
    joints
        Names, in the order of the joint axis.
    summary
        Counts and the reasons of every rejection, as plain values.
    """

    path: Path
    xyz: F64
    sigma_m: F64
    accepted: Mask
    weight: F64
    time_s: F64
    joints: tuple[str, ...]
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """The errors of a model.

    Parameters
    ----------
    table
        All figures as plain values, as in evaluation.json; mm and percent.
    text
        The table for reading.
    page
        The report for reading; None where no folder was given.
    """

    table: dict[str, Any]
    text: str
    page: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneResult:
    """The outcome of a fine-tuning.

    Parameters
    ----------
    adopted
        Whether the new model is better and in use now; otherwise nothing changed.
    messages
        The verdict, for reading.
    folder
        Of the run.
    report
        The report for reading; None where there is none.
    """

    adopted: bool
    messages: tuple[str, ...]
    folder: Path
    report: Path | None


def label(
    session: Session | AnyPath,
    *,
    rig: AnyPath | None = None,
    progress: ReportProgress | None = None,
) -> Labelled:
    """Label the person of a tracked session, and store the labels in it.

    Parameters
    ----------
    session
    rig
        A rig file; not given: the session's own.
    progress
        Called with the step and the share done; may raise to cancel.

    Returns
    -------
    labelled
        As it was stored; another rig makes another set, and none is overwritten.

    Raises
    ------
    TrainingError
        If the rig is missing or was refused, or too little can be labelled.
    EngineError
        If the session was not tracked.
    CalibrationError
        If the rig cannot be read.
    OSError
        If the disk refuses.
    """
    folder = _open_folder(session)
    path = Path(rig) if rig is not None else None
    labelled = label_session(folder, path, progress=progress or (lambda _step, _share: None))
    labels = labelled.labels
    return Labelled(
        labelled.path,
        labels.xyz,
        labels.sigma_m,
        labels.accepted,
        labels.weight,
        (labels.time_ns - folder.start_ns()) / NS_PER_S,
        labels.skeleton.joints,
        labelled.summary,
    )


def evaluate(
    model: str,
    *,
    data: AnyPath | Sequence[AnyPath] = (),
    session: Session | AnyPath | None = None,
    labels: str | None = None,
    against: str | None = None,
    out: AnyPath | None = None,
    progress: ReportProgress | None = None,
) -> Evaluated:
    """Measure a model on stored samples, or on a session by its own labels.

    Parameters
    ----------
    model
        Name of a model, or a checkpoint.
    data
        Folders of stored samples; give them or a session.
    session
        A session with labels.
    labels
        Which labels of the session; not given: the newest.
    against
        Another model to compare with.
    out
        Folder to write the report to.
    progress
        Called with the step and the share done; may raise to cancel.

    Returns
    -------
    evaluated
        Of `model`; `text` and `page` compare it with `against`.

    Raises
    ------
    TrainingError
        If samples, labels or a model cannot be used.
    EngineError
        If the session cannot be read.
    OSError
        If the disk refuses the report.
    ValueError
        If neither or both of `data` and `session` are given.
    """
    folders = [data] if isinstance(data, str | PathLike) else list(data)
    if bool(folders) == (session is not None):
        raise ValueError("Give either data or a session.")
    listen = adapt_progress(progress)
    if session is not None:
        samples, config = cut_session_samples(_open_folder(session), labels, listen)
    else:
        samples, config = load_samples([Path(folder) for folder in folders])
    names = [model, *([against] if against else [])]
    evaluated = evaluate_models(names, samples, config, listen)
    page = evaluated.write(Path(out)) if out is not None else None
    text = evaluated.evaluation.to_text() + format_comparison(evaluated.comparison)
    return Evaluated(evaluated.evaluation.to_table(), text, page)


def finetune(
    sessions: Session | AnyPath | Sequence[Session | AnyPath],
    *,
    person: str | None = None,
    minutes: float = 10.0,
    method: str = "pose_resnet",
    start: str = "",
    threads: int = 0,
    seed: int = 0,
    out: AnyPath | None = None,
    progress: ReportProgress | None = None,
) -> FinetuneResult:
    """Fine-tune the model in use on tracked sessions; it is replaced only by a better one.

    Parameters
    ----------
    sessions
        With a calibration and two cameras or more.
    person
        Whose model it becomes; empty: for everybody; not given: the person of the sessions.
    minutes
        Of the whole work.
    method
        How to fine-tune.
    start
        Name of a model or a checkpoint to start from; empty: the one in use.
    threads
        Of the processor; 0: all.
    seed
        Of the training.
    out
        Folder of the runs; not given: that of the program.
    progress
        Called with the step and the share done; may raise to cancel.

    Returns
    -------
    result
        Also where the new model is not better: then nothing changed.

    Raises
    ------
    TrainingError
        If a session cannot be used or a step fails; the model in use is unchanged.
    EngineError
        If a session cannot be read.
    OSError
        If the disk refuses the folder of the run.
    ValueError
        If the sessions are of several people and `person` is not given.

    Notes
    -----
    The work is done in a process of its own. Whatever ends the call early, also Ctrl-C, cancels
    the run; what was done is kept, and ``epipole finetune --resume`` continues it.
    """
    single = isinstance(sessions, str | PathLike | Session)
    paths = tuple(Path(os.fspath(one)) for one in ([sessions] if single else sessions))  # type: ignore[union-attr]
    repair_sessions(paths)
    name = _find_person(paths) if person is None else person
    request = FinetuneRequest(
        paths, name, start=start, method=method, minutes=minutes, threads=threads, seed=seed
    )
    check_sessions(request.sessions)
    check_start(request)
    folder = make_run(Path(out) if out is not None else _find_runs_folder(), request)
    try:
        follow_run(folder, start_process(folder), adapt_progress(progress))
    except BaseException:
        request_cancel(folder)
        wait_until_released(folder)
        raise
    return _read_result(folder, read_state(folder))


def _read_result(folder: Path, state: RunState) -> FinetuneResult:
    """Read the outcome of a run that has ended."""
    if state.phase not in (Phase.KEPT, Phase.ROLLED_BACK):
        raise TrainingError(state.message)
    verdict = state.results.get("compare", {}).get("verdict")
    messages = describe_verdict(verdict_from_table(verdict)) if verdict else (state.message,)
    page = state.results.get("report", {}).get("page")
    report = folder / page if page else None
    return FinetuneResult(state.phase is Phase.KEPT, tuple(messages), folder, report)


def _find_person(paths: Sequence[Path]) -> str:
    """Find the one person of all sessions."""
    names = sorted({SessionFolder.open(path).facts.person for path in paths})
    if len(names) > 1:
        shown = ", ".join(f"'{name}'" for name in names)
        raise ValueError(f"The sessions are of several people ({shown}). Give person.")
    return names[0] if names else ""


def _find_runs_folder() -> Path:
    """Return the folder in which the program keeps its runs."""
    from app.paths import runs_folder  # only here: a folder 'app' of the user's may hide ours

    return runs_folder()


def _open_folder(session: Session | AnyPath) -> SessionFolder:
    """Open a session folder; repair it first where it was not finished."""
    path = Path(os.fspath(session))
    repair_sessions([path])
    return SessionFolder.open(path)
