"""What the page of fine-tuning shows: what can be learned from, for whom, and which network serves whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.duration import format_duration_padded
from app.presenters.finetune_run import EVERYBODY, RunCard, RunSnapshot, present_run
from app.presenters.sessions import explain_cannot_finetune, format_date
from engine.session.summary import SessionSummary

_SCANNING = ("Looking for sessions", "The folders are being looked at for the first time.")
_NO_SESSIONS = (
    "Nothing to learn from yet",
    "Calibrate two or more cameras on the Live page.\n"
    "Record somebody for a minute: every motion that the network shall know, seen from all sides.\n"
    "The session then appears here.",
)
_NO_RUN = (
    "Nothing was taught yet",
    "Tick a session on the left and press Start. How it goes is shown here, and what came of it.",
)
_RUN_IN_PROGRESS = "Something is being taught already: wait for its end, or cancel it."
_NO_SESSION_TICKED = "Tick a session first."
_NO_PERSON = f"Say whose network it becomes: a name, or {EVERYBODY}."
_DURATION_LABELS = (
    (0, "a first try"),
    (10, "a good start"),
    (30, "a thorough lesson"),
)  # from so many minutes on


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """A session that may be learned from.

    Parameters
    ----------
    path
    name
    facts
        Who is in it, date, length and cameras; or why it cannot be learned from.
    can_finetune
    person
        Who is in it; empty if nobody said.
    """

    path: Path
    name: str
    facts: str
    can_finetune: bool
    person: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A network of the library.

    Parameters
    ----------
    name
    person
        Whom it was taught for; empty for everybody.
    facts
        In words: when, from what, how good.
    in_use
        Whether it serves that person now.
    can_roll_back
        Whether another one served before.
    rig_id
        Of the rig that it is for; empty for any.
    """

    name: str
    person: str
    facts: str
    in_use: bool
    can_roll_back: bool = False
    rig_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneState:
    """The page of fine-tuning.

    Parameters
    ----------
    choices
        Those that can be learned from first, each newest first.
    persons
        Names to choose from.
    default_person
        Who is usually in front of the cameras; empty where nobody said.
    run
        None where nothing was taught yet.
    models
    headline, message
        What to do first, where nothing was taught yet.
    can_start
        Whether no run is under way.
    notices
        Sentences on what cannot be shown.
    """

    choices: tuple[SessionChoice, ...] = ()
    persons: tuple[str, ...] = ()
    run: RunCard | None = None
    models: tuple[ModelRow, ...] = ()
    headline: str = ""
    message: str = ""
    can_start: bool = True
    notices: tuple[str, ...] = field(default=())
    default_person: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at but what to do first."""
        return self.run is None and not self.choices and len(self.models) < 2


def present_finetune(
    summaries: Sequence[SessionSummary] | None,
    run: RunSnapshot | None,
    models: Sequence[ModelRow] = (),
    *,
    person: str = "",
    notices: Sequence[str] = (),
) -> FinetuneState:
    """Describe the page.

    Parameters
    ----------
    summaries
        Newest first; None before the folders were looked at.
    run
        The newest one.
    models
    person
        Who is usually in front of the cameras; empty where nobody said.
    notices

    Returns
    -------
    state
    """
    choices = tuple(
        sorted(map(present_choice, summaries or ()), key=lambda choice: not choice.can_finetune)
    )
    any_usable = any(choice.can_finetune for choice in choices)
    card = present_run(run) if run is not None else None
    headline, message = _SCANNING if summaries is None else _NO_RUN if any_usable else _NO_SESSIONS
    trained_for = (run.request.person,) if run is not None else ()
    names = (
        person,
        *trained_for,
        *(row.person for row in models),
        *(choice.person for choice in choices),
    )
    return FinetuneState(
        choices=choices,
        persons=tuple(dict.fromkeys(filter(None, names))),
        run=card,
        models=tuple(models),
        headline=headline,
        message=message,
        can_start=card is None or not card.can_cancel,
        notices=tuple(notices),
        default_person=person,
    )


def present_choice(summary: SessionSummary) -> SessionChoice:
    """Say whether a session can be learned from, and if not, why.

    Returns
    -------
    choice
    """
    problem = explain_cannot_finetune(summary)
    facts = (
        summary.person,
        format_date(summary.created),
        format_duration_padded(summary.seconds),
        f"{len(summary.cameras)} cameras",
    )
    words = problem or " · ".join(filter(None, facts))
    return SessionChoice(summary.path, summary.name, words, not problem, summary.person)


def suggest_person(ticked: Sequence[SessionChoice], default: str) -> str:
    """Name the person whose network it probably becomes.

    Parameters
    ----------
    ticked
        What is learned from.
    default
        Who is usually in front of the cameras.

    Returns
    -------
    person
        Who the sessions say they show; the usual one where they do not say; empty where they show
        several.
    """
    names = list(dict.fromkeys(choice.person for choice in ticked if choice.person))
    return default if not names else names[0] if len(names) == 1 else ""


def parse_person(text: str) -> str:
    """Turn what was typed into a person's name; empty for everybody."""
    name = " ".join(text.split())
    return "" if name.casefold() == EVERYBODY.casefold() else name


def explain_cannot_start(state: FinetuneState, ticked: Sequence[SessionChoice], person: str) -> str:
    """Say why nothing can be started yet.

    Parameters
    ----------
    state
    ticked
        What is to be learned from.
    person
        As it was typed.

    Returns
    -------
    sentence
        Empty where nothing is in the way.
    """
    if not state.can_start:
        return _RUN_IN_PROGRESS
    if not ticked:
        return _NO_SESSION_TICKED
    if person.strip():
        return ""
    names = list(dict.fromkeys(choice.person for choice in ticked if choice.person))
    return (
        f"The sessions are of {' and '.join(names)}. {_NO_PERSON}" if len(names) > 1 else _NO_PERSON
    )


def describe_run(person: str, minutes: int) -> tuple[str, str]:
    """Say what a teaching takes and what comes of it.

    Parameters
    ----------
    person
        As it was typed; empty where nobody was named yet.
    minutes
        In all.

    Returns
    -------
    lesson
        How long it is, in a few words.
    promise
        What happens meanwhile and afterwards.
    """
    person_label = parse_person(person) or ("everybody" if person.strip() else "whoever is in it")
    label = [words for min_minutes, words in _DURATION_LABELS if minutes >= min_minutes][-1]
    return f"{minutes} minutes, {label}", (
        "It leaves the live view its processor, and goes on when the window is closed. The new "
        "network serves "
        f"{person_label} only if it is surely better on clips that it never saw; otherwise "
        "everything stays as it is."
    )


def list_other_people(model: ModelRow, state: FinetuneState) -> tuple[str, ...]:
    """List whom else a network could serve, before any rig.

    Returns
    -------
    persons
        Names, and at the end the empty one for everybody; without those whom it serves already or
        was taught for.
    """
    in_use_by = {
        row.person
        for row in state.models
        if row.name == model.name and row.in_use and not row.rig_id
    }
    own = set() if model.rig_id else {model.person}
    return tuple(person for person in (*state.persons, "") if person not in in_use_by | own)
