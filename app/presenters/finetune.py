"""The Fine-tune page: sessions to train on, the run, and which model is used for whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.duration import format_duration_padded
from app.presenters.finetune_run import EVERYBODY, RunCard, RunSnapshot, present_run
from app.presenters.sessions import explain_cannot_finetune, format_date
from engine.session.summary import SessionSummary

_SCANNING = ("Looking for sessions", "The session folders are being read for the first time.")
_NO_SESSIONS = (
    "No sessions to train on yet",
    "Calibrate two or more cameras on the Live page.\n"
    "Record one person for a minute: every movement the model should learn, from all sides.\n"
    "The session then appears here.",
)
_NO_RUN = (
    "No fine-tuning yet",
    "Tick a session on the left and press Start. Progress and result are shown here.",
)
_RUN_IN_PROGRESS = "A fine-tuning is already running: wait until it ends, or cancel it."
_NO_SESSION_TICKED = "Tick a session first."
_NO_PERSON = f"Enter who the model is for: a name, or {EVERYBODY}."
_DURATION_LABELS = (
    (0, "a quick test"),
    (10, "recommended"),
    (30, "thorough"),
)  # from so many minutes on


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """A session that may be trained on.

    Parameters
    ----------
    path
    name
    facts
        Person, date, length and cameras; or why it cannot be trained on.
    can_finetune
    person
        Who is in it; empty if unknown.
    """

    path: Path
    name: str
    facts: str
    can_finetune: bool
    person: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model of the library.

    Parameters
    ----------
    name
    person
        Who it was fine-tuned for; empty for everybody.
    facts
        When, from which model, with which error.
    in_use
        Whether it is used for that person now.
    can_roll_back
        Whether another one was used before.
    rig_id
        Of the rig it is for; empty for any.
    """

    name: str
    person: str
    facts: str
    in_use: bool
    can_roll_back: bool = False
    rig_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneState:
    """The Fine-tune page.

    Parameters
    ----------
    choices
        Those that can be used come first; newest first within each group.
    persons
        Names to choose from.
    default_person
        The usual person in front of the cameras; empty if unknown.
    run
        None before the first run.
    models
    headline, message
        What to do first, before the first run.
    can_start
        Whether no run is active.
    notices
        Messages on what cannot be shown.
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
        """Whether there is nothing to show but what to do first."""
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
        Newest first; None before the folders were read.
    run
        The newest one.
    models
    person
        The usual person in front of the cameras; empty if unknown.
    notices
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
    """Describe a session, or why it cannot be trained on."""
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
    """Suggest the person the model is for.

    Parameters
    ----------
    ticked
        The sessions to train on.
    default
        The usual person in front of the cameras.

    Returns
    -------
    person
        The person named in the sessions; the default where none is named; empty where several
        are.
    """
    names = list(dict.fromkeys(choice.person for choice in ticked if choice.person))
    return default if not names else names[0] if len(names) == 1 else ""


def parse_person(text: str) -> str:
    """Parse the name of a person as typed; empty for everybody."""
    name = " ".join(text.split())
    return "" if name.casefold() == EVERYBODY.casefold() else name


def explain_cannot_start(state: FinetuneState, ticked: Sequence[SessionChoice], person: str) -> str:
    """Explain why no run can be started yet.

    Parameters
    ----------
    state
    ticked
        The sessions to train on.
    person
        As it was typed.

    Returns
    -------
    message
        Empty if a run can be started.
    """
    if not state.can_start:
        return _RUN_IN_PROGRESS
    if not ticked:
        return _NO_SESSION_TICKED
    if person.strip():
        return ""
    names = list(dict.fromkeys(choice.person for choice in ticked if choice.person))
    return (
        f"The sessions show {' and '.join(names)}. {_NO_PERSON}" if len(names) > 1 else _NO_PERSON
    )


def describe_run(person: str, minutes: int) -> tuple[str, str]:
    """Describe how long a fine-tuning takes and what happens with its result.

    Parameters
    ----------
    person
        As it was typed; empty where no name was entered.
    minutes
        In all.

    Returns
    -------
    duration
        In a few words.
    description
        What happens during and after the run.
    """
    person_label = parse_person(person) or ("everybody" if person.strip() else "that person")
    label = [words for min_minutes, words in _DURATION_LABELS if minutes >= min_minutes][-1]
    return f"{minutes} minutes, {label}", (
        "Runs in the background, also with the window closed, and leaves processor time to the "
        f"live view. The new model is used for {person_label} only if it is clearly better on "
        "held-out clips; otherwise nothing changes."
    )


def list_other_people(model: ModelRow, state: FinetuneState) -> tuple[str, ...]:
    """List the other people a model could be used for, with any rig.

    Returns
    -------
    persons
        Names, and last the empty one for everybody; without those it is used for already or was
        fine-tuned for.
    """
    in_use_by = {
        row.person
        for row in state.models
        if row.name == model.name and row.in_use and not row.rig_id
    }
    own = set() if model.rig_id else {model.person}
    return tuple(person for person in (*state.persons, "") if person not in in_use_by | own)
