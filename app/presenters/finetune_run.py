"""A fine-tuning run: stages, time left, curves and result."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.duration import format_duration_padded, format_whole_minutes
from app.presenters.plots import Curve, Plot
from app.presenters.severity import Severity
from engine.session.summary import display_name
from training.finetuning.request import FinetuneRequest
from training.finetuning.run import ACTIVE_PHASES, INTERRUPTED, RESUMABLE_PHASES, Phase, RunState
from training.finetuning.verdict import verdict_from_table
from training.loop.history import Row

EVERYBODY = "Everybody"
# The stages shown, and the steps of the recipe each consists of.
STAGES = (
    ("Label", ("label",)),
    ("Prepare", ("parent", "collect", "divide")),
    ("Train", ("train",)),
    ("Export", ("export", "check")),
    ("Compare", ("compare", "report")),
    ("Adopt", ("add", "adopt")),
)
_STEP_MESSAGES = {
    "label": "Selecting joints that all views agree on",
    "collect": "Cutting the person out of the videos",
    "divide": "Holding out clips for the comparison",
    "parent": "Loading the model in use",
    "train": "Training",
    "export": "Exporting the model",
    "check": "Checking that the exported model gives the same results",
    "compare": "Comparing old and new model on held-out clips",
    "report": "Writing the report",
    "add": "Adding it to the library",
    "adopt": "Adopting it",
}
_HEADLINES = {
    Phase.RUNNING: ("Fine-tuning", Severity.NEUTRAL),
    Phase.PAUSED: ("Paused", Severity.WARNING),
    Phase.KEPT: ("Better: the new model is in use", Severity.GOOD),
    Phase.ROLLED_BACK: ("Not better: nothing was changed", Severity.WARNING),
    Phase.FAILED: ("Failed", Severity.ERROR),
    Phase.CANCELLED: ("Cancelled", Severity.NEUTRAL),
}
_ABORTED = ("Interrupted", Severity.WARNING)
_MAX_ROWS = 8  # that fit beside the curves at 1280x720; the report has them all


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run: 0 waits, 1 is done; between them, or NaN, it is active."""

    name: str
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class RunSnapshot:
    """A run as stored on disk, read in the background.

    Parameters
    ----------
    folder
    request
    state
    history
        Of the training; empty before it.
    pictures
        JPEGs by action, before and after.
    """

    folder: Path
    request: FinetuneRequest
    state: RunState
    history: tuple[Row, ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RunCard:
    """The newest run.

    Parameters
    ----------
    headline, severity
    title
        Person, sessions and total time left.
    minutes
        Time budget.
    activity
        The present step and its time left; for a finished run, how long it took.
    message
        Progress or result.
    stages
    share
        Of the present step; NaN where unknown.
    progress
        Of the time budget, in words; empty unless the run is active.
    plots
        Loss and error on held-out clips; empty before there are any.
    rows
        Action, before, now, formatted; all actions together first.
    worse
        For each row, whether the error has grown.
    pictures
        JPEGs by action.
    report
        None where there is none yet.
    can_pause, can_resume, can_cancel
    """

    headline: str
    severity: Severity
    title: str
    minutes: float
    activity: str
    message: str
    stages: tuple[Stage, ...]
    share: float
    progress: str = ""
    plots: tuple[Plot, ...] = ()
    rows: tuple[tuple[str, str, str], ...] = ()
    worse: tuple[bool, ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = ()
    report: Path | None = None
    can_pause: bool = False
    can_resume: bool = False
    can_cancel: bool = False


def present_run(run: RunSnapshot) -> RunCard:
    """Describe a run."""
    state = run.state
    headline, severity = _ABORTED if state.message == INTERRUPTED else _HEADLINES[state.phase]
    under_way = state.phase in ACTIVE_PHASES
    page = state.results.get("report", {}).get("page")
    figures = _collect_figures(state.results)
    return RunCard(
        headline=headline,
        severity=severity,
        title=_build_title(run),
        minutes=run.request.minutes,
        activity=_describe_step(state) if under_way else _describe_end(state),
        message=state.message,
        stages=_build_stages(state),
        share=state.share if under_way else math.nan,
        progress=_format_progress(run) if under_way else "",
        plots=_build_plots(run.history),
        rows=tuple(
            (name, _format_mm(before), _format_mm(after)) for name, before, after in figures
        ),
        worse=tuple(after > before for _, before, after in figures),
        pictures=run.pictures,
        report=run.folder / page if page else None,
        can_pause=state.phase is Phase.RUNNING,
        can_resume=state.phase in RESUMABLE_PHASES and state.phase is not Phase.RUNNING,
        can_cancel=under_way,
    )


def _build_title(run: RunSnapshot) -> str:
    """Format person, sessions and total time left."""
    names = ", ".join(display_name(path) for path in run.request.sessions)
    title = f"{run.request.person or EVERYBODY} from {names}"
    if run.state.phase not in ACTIVE_PHASES:
        return f"{title}, {run.request.minutes:g} minutes"
    left_s = 60 * run.request.minutes - run.state.seconds_used
    if left_s < 1:
        return f"{title}, almost done"
    return f"{title}, about {format_whole_minutes(left_s)} left of {run.request.minutes:g} minutes"


def _format_progress(run: RunSnapshot) -> str:
    """Format the progress of a run, short enough for a tab."""
    if run.state.phase is Phase.PAUSED:
        return "paused"
    return f"{min(99, int(100 * run.state.seconds_used / (60 * run.request.minutes)))} %"


def _describe_step(state: RunState) -> str:
    """Describe the present step and its time left."""
    words = _STEP_MESSAGES.get(state.step, "Starting")
    left = (
        f", {format_duration_padded(state.seconds_left)} left"
        if math.isfinite(state.seconds_left)
        else ""
    )
    return f"{words}{left}"


def _describe_end(state: RunState) -> str:
    """Describe how long a run took, or where it stopped."""
    took = format_duration_padded(state.seconds_used)
    if state.phase in (Phase.KEPT, Phase.ROLLED_BACK):
        return f"It took {took}."
    stage = next((name for name, steps in STAGES if state.step in steps), "")
    return f"It stopped at '{stage}' after {took}." if stage else f"It stopped after {took}."


def _build_stages(state: RunState) -> tuple[Stage, ...]:
    """Compute the progress of each stage."""
    over = state.phase in (Phase.KEPT, Phase.ROLLED_BACK)
    stages = []
    for name, steps in STAGES:
        done = sum(step in state.results for step in steps)
        present = state.step in steps and state.step not in state.results and not over
        share = (done + (np.nan_to_num(state.share) if present else 0)) / len(steps)
        stages.append(Stage(name, math.nan if present and share == 0 else float(share)))
    return tuple(stages)


def _build_plots(history: Sequence[Row]) -> tuple[Plot, ...]:
    """Draw loss and error over the minutes of training."""
    if not history:
        return ()
    minutes = np.array([row.elapsed_s / 60 for row in history])
    loss = np.array([row.loss for row in history])
    judged = np.array([row.judged_mm for row in history])
    known = np.isfinite(judged)
    return (
        Plot("Training loss over minutes", "", (Curve("loss", minutes, loss),)),
        Plot("Error on held-out clips", "mm", (Curve("error", minutes[known], judged[known]),)),
    )


def _collect_figures(results: Mapping[str, Mapping]) -> tuple[tuple[str, float, float], ...]:
    """Collect action, error before and now, mm; all actions together first."""
    table = results.get("compare", {}).get("verdict")
    if not table:
        return ()
    verdict = verdict_from_table(table)
    rows = [("All actions", verdict.before_mm, verdict.after_mm)]
    rows += [(row.action, row.before_mm, row.after_mm) for row in verdict.actions]
    return tuple(rows[:_MAX_ROWS])


def _format_mm(value: float) -> str:
    """Format millimetres; a dash where nothing was measured."""
    return f"{value:.0f} mm" if math.isfinite(value) else "–"
