"""What the page of fine-tuning shows: what can be learned from, for whom, and which network serves whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.length_of_time import in_list
from app.presenters.finetune_run import EVERYBODY, RunCard, RunLook, present_run
from app.presenters.sessions import against_teaching, date_in_words
from engine.session_summary import SessionSummary

_LOOKING = ("Looking for sessions", "The folders are being looked at for the first time.")
_NO_SESSIONS = (
    "Nothing to learn from yet",
    "Calibrate two or more cameras on the Live page.\n"
    "Record somebody for a minute: every motion that the network shall know, seen from all sides.\n"
    "The session then appears here.",
)
_NOTHING_TAUGHT = (
    "Nothing was taught yet",
    "Tick a session on the left and press Start. How it goes is shown here, and what came of it.",
)
_UNDER_WAY = "Something is being taught already: wait for its end, or cancel it."
_NOTHING_TICKED = "Tick a session first."
_NOBODY_NAMED = f"Say whose network it becomes: a name, or {EVERYBODY}."
_LESSONS = ((0, "a first try"), (10, "a good start"), (30, "a thorough lesson"))  # from so many minutes on


@dataclass(frozen=True, slots=True)
class Choice:
    """A session that may be learned from.

    Parameters
    ----------
    path
    name
    facts
        Who is in it, date, length and cameras; or why it cannot be learned from.
    can_learn
    person
        Who is in it; empty if nobody said.
    """

    path: Path
    name: str
    facts: str
    can_learn: bool
    person: str = ""


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
        Those that can be learned from first, each newest first.
    persons
        Names to choose from.
    usual_person
        Who is usually in front of the cameras; empty where nobody said.
    run
        None where nothing was taught yet.
    networks
    headline, message
        What to do first, where nothing was taught yet.
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
    usual_person: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at but what to do first."""
        return self.run is None and not self.choices and len(self.networks) < 2


def present_finetune(
    summaries: Sequence[SessionSummary] | None,
    run: RunLook | None,
    networks: Sequence[NetworkRow] = (),
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
    networks
    person
        Who is usually in front of the cameras; empty where nobody said.
    notices

    Returns
    -------
    state
    """
    choices = tuple(sorted(map(present_choice, summaries or ()), key=lambda choice: not choice.can_learn))
    able = any(choice.can_learn for choice in choices)
    card = present_run(run) if run is not None else None
    headline, message = _LOOKING if summaries is None else _NOTHING_TAUGHT if able else _NO_SESSIONS
    taught = (run.request.person,) if run is not None else ()
    names = (person, *taught, *(row.person for row in networks), *(choice.person for choice in choices))
    return FinetuneState(
        choices=choices,
        persons=tuple(dict.fromkeys(filter(None, names))),
        run=card,
        networks=tuple(networks),
        headline=headline,
        message=message,
        can_start=card is None or not card.can_cancel,
        notices=tuple(notices),
        usual_person=person,
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
    against = against_teaching(summary)
    facts = (
        summary.person,
        date_in_words(summary.created),
        in_list(summary.seconds),
        f"{len(summary.cameras)} cameras",
    )
    words = against or " · ".join(filter(None, facts))
    return Choice(summary.path, summary.name, words, not against, summary.person)


def suggest_person(ticked: Sequence[Choice], usual: str) -> str:
    """Name the person whose network it probably becomes.

    Parameters
    ----------
    ticked
        What is learned from.
    usual
        Who is usually in front of the cameras.

    Returns
    -------
    person
        Who the sessions say they show; the usual one where they do not say; empty where they show several.
    """
    names = list(dict.fromkeys(choice.person for choice in ticked if choice.person))
    return usual if not names else names[0] if len(names) == 1 else ""


def person_of(words: str) -> str:
    """Turn what was typed into a person's name; empty for everybody."""
    name = " ".join(words.split())
    return "" if name.casefold() == EVERYBODY.casefold() else name


def against_start(state: FinetuneState, ticked: Sequence[Choice], person: str) -> str:
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
        return _UNDER_WAY
    if not ticked:
        return _NOTHING_TICKED
    if person.strip():
        return ""
    names = list(dict.fromkeys(choice.person for choice in ticked if choice.person))
    return f"The sessions are of {' and '.join(names)}. {_NOBODY_NAMED}" if len(names) > 1 else _NOBODY_NAMED


def promise(person: str, minutes: int) -> tuple[str, str]:
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
    whom = person_of(person) or ("everybody" if person.strip() else "whoever is in it")
    lesson = [words for least, words in _LESSONS if minutes >= least][-1]
    return f"{minutes} minutes, {lesson}", (
        "It leaves the live view its processor, and goes on when the window is closed. The new network serves "
        f"{whom} only if it is surely better on clips that it never saw; otherwise everything stays as it is."
    )


def others_to_serve(network: NetworkRow, state: FinetuneState) -> tuple[str, ...]:
    """List whom else a network could serve, before any rig.

    Parameters
    ----------
    network
    state

    Returns
    -------
    persons
        Names, and at the end the empty one for everybody; without those whom it serves already or was taught for.
    """
    served = {row.person for row in state.networks if row.name == network.name and row.serves and not row.rig_id}
    own = set() if network.rig_id else {network.person}
    return tuple(person for person in (*state.persons, "") if person not in served | own)
