"""What the page of fine-tuning shows: what can be learned from, how the teaching goes, and which network serves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.length_of_time import in_list
from app.presenters.plots import Curve, Plot
from app.presenters.sessions import date_in_words
from app.presenters.tone import Tone
from engine.session_summary import SessionSummary
from training.finetune_request import FinetuneRequest
from training.finetune_run import CAN_RESUME, Phase, RunState
from training.finetune_verdict import verdict_from_table
from training.history import Row

# What a person follows, and the steps of the recipe that it is made of.
STAGES = (
    ("Label", ("label",)),
    ("Pictures", ("parent", "collect", "divide")),
    ("Teach", ("train",)),
    ("Check", ("export", "check")),
    ("Compare", ("compare", "report")),
    ("Serve", ("add", "adopt")),
)
_DOING = {
    "label": "Deciding which joints all views agree on",
    "collect": "Cutting the person out of the videos",
    "divide": "Setting clips aside that the network never sees",
    "parent": "Fetching the network in use",
    "train": "Teaching",
    "export": "Writing the network as ONNX",
    "check": "Seeing that it answers as it did while it was taught",
    "compare": "Comparing old and new on the clips set aside",
    "report": "Writing the report",
    "add": "Putting it into the library",
    "adopt": "Letting it serve",
}
_HEADLINES = {
    Phase.RUNNING: ("Learning", Tone.NEUTRAL),
    Phase.PAUSED: ("Resting", Tone.CARE),
    Phase.KEPT: ("Better: the new network serves", Tone.GOOD),
    Phase.ROLLED_BACK: ("Not better: nothing was changed", Tone.CARE),
    Phase.FAILED: ("It could not be done", Tone.BAD),
    Phase.CANCELLED: ("Cancelled", Tone.NEUTRAL),
}
_NO_SESSIONS = (
    "Nothing to learn from yet",
    "Record somebody for a minute on the Live page with two or more calibrated cameras:\n"
    "every motion that the network shall know, seen from all sides. The session then appears here.",
)
_LOOKING = ("Looking for sessions", "The folders are being looked at for the first time.")
_UNCALIBRATED = "not calibrated: calibrate it first"
_ONE_CAMERA = "one camera only: two or more must see the person"
_UNTRACKED = "not tracked: press Track again on the Sessions page"


@dataclass(frozen=True, slots=True)
class Choice:
    """A session that may be learned from.

    Parameters
    ----------
    path
    name
    facts
        Date, length and cameras, or why it cannot be learned from.
    can_learn
    """

    path: Path
    name: str
    facts: str
    can_learn: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the teaching: 0 waits, 1 is done; between them, or NaN, it is under way."""

    name: str
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class RunLook:
    """A run as it lies on the disk, read in the background.

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
    headline, tone
    title
        Who is taught, and from what.
    doing
        What is done at this moment and how long it takes still.
    sentence
        How it goes, or what came of it.
    stages
    share
        Of the present step; NaN where nobody knows.
    plots
        Loss and error on what was set aside; empty before there are any.
    rows
        Action, before, now: words.
    pictures
        JPEGs by action.
    report
        None where there is none yet.
    can_pause, can_resume, can_cancel
    """

    headline: str
    tone: Tone
    title: str
    doing: str
    sentence: str
    stages: tuple[Stage, ...]
    share: float
    plots: tuple[Plot, ...] = ()
    rows: tuple[tuple[str, str, str], ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = ()
    report: Path | None = None
    can_pause: bool = False
    can_resume: bool = False
    can_cancel: bool = False


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """A network of the library.

    Parameters
    ----------
    name
    person
        Whom it was taught for; empty for everybody.
    facts
        In words: when, from what, how good.
    serves
        Whether it serves that person now.
    can_roll_back
        Whether another one served before.
    rig_id
        Of the rig that it is for; empty for any.
    """

    name: str
    person: str
    facts: str
    serves: bool
    can_roll_back: bool = False
    rig_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneState:
    """The page of fine-tuning.

    Parameters
    ----------
    choices
        Newest first.
    persons
        Names that were used before.
    run
        None where nothing was taught yet.
    networks
    headline, message
        What to do first, where nothing can be learned from.
    can_start
        Whether no run is under way.
    notices
        Sentences on what cannot be shown.
    """

    choices: tuple[Choice, ...] = ()
    persons: tuple[str, ...] = ()
    run: RunCard | None = None
    networks: tuple[NetworkRow, ...] = ()
    headline: str = ""
    message: str = ""
    can_start: bool = True
    notices: tuple[str, ...] = field(default=())


def present_finetune(
    summaries: Sequence[SessionSummary] | None,
    run: RunLook | None,
    networks: Sequence[NetworkRow] = (),
    *,
    notices: Sequence[str] = (),
) -> FinetuneState:
    """Describe the page.

    Parameters
    ----------
    summaries
        Newest first; None before the folders were looked at.
    run
        The newest one.
    networks
    notices

    Returns
    -------
    state
    """
    choices = tuple(map(present_choice, summaries or ()))
    able = any(choice.can_learn for choice in choices)
    headline, message = _LOOKING if summaries is None else ("", "") if able else _NO_SESSIONS
    persons = dict.fromkeys(row.person for row in networks if row.person)
    if run is not None and run.request.person:
        persons = {run.request.person: None, **persons}
    card = present_run(run) if run is not None else None
    under_way = card is not None and card.can_cancel
    return FinetuneState(
        choices, tuple(persons), card, tuple(networks), headline, message, not under_way, tuple(notices)
    )


def present_choice(summary: SessionSummary) -> Choice:
    """Say whether a session can be learned from, and if not, why.

    Parameters
    ----------
    summary

    Returns
    -------
    choice
    """
    against = summary.problem
    if not against and len(summary.cameras) < 2:
        against = _ONE_CAMERA
    if not against and not summary.has_rig:
        against = _UNCALIBRATED
    if not against and math.isnan(summary.joints_found):
        against = _UNTRACKED
    facts = f"{date_in_words(summary.created)} · {in_list(summary.seconds)} · {len(summary.cameras)} cameras"
    return Choice(summary.path, summary.name, against or facts, not against)


def present_run(run: RunLook) -> RunCard:
    """Describe a run.

    Parameters
    ----------
    run

    Returns
    -------
    card
    """
    state = run.state
    headline, tone = _HEADLINES[state.phase]
    under_way = state.phase in (Phase.RUNNING, Phase.PAUSED)
    names = ", ".join(path.name for path in run.request.sessions)
    page = state.results.get("report", {}).get("page")
    return RunCard(
        headline=headline,
        tone=tone,
        title=f"{run.request.person or 'Everybody'} from {names}, {run.request.minutes:g} minutes",
        doing=_doing(state) if under_way else f"It took {in_list(state.seconds_used)}.",
        sentence=state.sentence,
        stages=_stages(state),
        share=state.share if under_way else math.nan,
        plots=_plots(run.history),
        rows=_rows(state.results),
        pictures=run.pictures,
        report=run.folder / page if page else None,
        can_pause=state.phase is Phase.RUNNING,
        can_resume=state.phase in CAN_RESUME and state.phase is not Phase.RUNNING,
        can_cancel=under_way,
    )


def _doing(state: RunState) -> str:
    """Say what is done at this moment, and how long it takes still."""
    words = _DOING.get(state.step, "Starting")
    left = f", {in_list(state.seconds_left)} left" if math.isfinite(state.seconds_left) else ""
    return f"{words}{left}"


def _stages(state: RunState) -> tuple[Stage, ...]:
    """Say how far each stage is."""
    over = state.phase in (Phase.KEPT, Phase.ROLLED_BACK)
    made = []
    for name, steps in STAGES:
        done = sum(step in state.results for step in steps)
        present = state.step in steps and state.step not in state.results and not over
        share = (done + (np.nan_to_num(state.share) if present else 0)) / len(steps)
        made.append(Stage(name, math.nan if present and share == 0 else float(share)))
    return tuple(made)


def _plots(history: Sequence[Row]) -> tuple[Plot, ...]:
    """Draw loss and error over the minutes of training."""
    if not history:
        return ()
    minutes = np.array([row.elapsed_s / 60 for row in history])
    loss = np.array([row.loss for row in history])
    judged = np.array([row.judged_mm for row in history])
    known = np.isfinite(judged)
    return (
        Plot("Loss", "over minutes", (Curve("loss", minutes, loss),)),
        Plot("Error on clips set aside", "mm", (Curve("error", minutes[known], judged[known]),)),
    )


def _rows(results: Mapping[str, Mapping]) -> tuple[tuple[str, str, str], ...]:
    """Write the figures of the comparison, all actions together first."""
    table = results.get("compare", {}).get("verdict")
    if not table:
        return ()
    verdict = verdict_from_table(table)
    rows = [("All together", verdict.before_mm, verdict.after_mm)]
    rows += [(row.action, row.before_mm, row.after_mm) for row in verdict.actions]
    return tuple((name, _mm(before), _mm(after)) for name, before, after in rows)


def _mm(value: float) -> str:
    """Write millimetres; a dash where nothing was measured."""
    return f"{value:.0f} mm" if math.isfinite(value) else "–"
