"""What the page of sessions shows: a card for each, found by a few words, and what can be done with it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.duration import format_duration_padded
from app.presenters.severity import Severity
from engine.session.summary import SessionSummary

# Of the body's joints: above the first a take is good, above the second it can be used.
GOOD_SHARE, USABLE_SHARE = 0.9, 0.6
_EMPTY = (
    "No sessions yet",
    (
        "Record one on the Live page, or make one from videos with 'epipole track'.\nIt appears "
        "here by itself."
    ),
)
_NO_MATCH = "Nothing fits '{}'"
_TRY_OTHER_WORDS = "Search for a part of the name, a camera or a date, for instance 2026-11."
_SCANNING = ("Looking for sessions", "The folders are being looked at for the first time.")


@dataclass(frozen=True, slots=True, eq=False)
class SessionCard:
    """One session in the list.

    Parameters
    ----------
    path
    name
    date
        Of its beginning, in the time of this machine.
    facts
        Length and cameras, in words.
    quality, severity
        How good it is, in a few words.
    remarks
        Sentences, the weightiest first.
    thumbnail
        JPEG; empty where there is none.
    can_open, can_track, can_export
    has_rig
        Of its own.
    finetune_problem
        Why no network can be taught from it; empty where one can.
    """

    path: Path
    name: str
    date: str
    facts: str
    quality: str
    severity: Severity
    remarks: tuple[str, ...]
    thumbnail: bytes
    can_open: bool
    can_track: bool
    can_export: bool
    has_rig: bool
    finetune_problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SessionsState:
    """The page of sessions.

    Parameters
    ----------
    cards
        Newest first.
    count
        In words: how many there are, and how many are shown.
    headline, message
        What to do, where there is no card.
    models
        Names of the pose models that a session can be tracked with.
    notices
        Sentences on the list itself.
    """

    cards: tuple[SessionCard, ...] = ()
    count: str = ""
    headline: str = ""
    message: str = ""
    models: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def present_sessions(
    summaries: Sequence[SessionSummary] | None,
    *,
    models: Sequence[str] = (),
    notices: Sequence[str] = (),
) -> SessionsState:
    """Describe the page of sessions.

    Parameters
    ----------
    summaries
        In the order to be shown; None before the folders were looked at.
    models, notices

    Returns
    -------
    state
    """
    cards = tuple(present_session(summary) for summary in summaries or ())
    headline, message = _SCANNING if summaries is None else ("", "") if cards else _EMPTY
    return SessionsState(
        cards, f"{len(cards) or ''}", headline, message, tuple(models), tuple(notices)
    )


def filter_sessions(state: SessionsState, search: str) -> SessionsState:
    """Keep the sessions that a person looks for.

    Parameters
    ----------
    state
    search
        Every word of it must occur in a card; nothing keeps all.

    Returns
    -------
    state
    """
    if not search.strip() or not state.cards:
        return state
    shown = tuple(card for card in state.cards if _matches(card, search))
    headline, message = ("", "") if shown else (_NO_MATCH.format(search.strip()), _TRY_OTHER_WORDS)
    count = f"{len(shown)} of {len(state.cards)}"
    return replace(state, cards=shown, count=count, headline=headline, message=message)


def present_session(summary: SessionSummary) -> SessionCard:
    """Describe one session.

    Returns
    -------
    card
    """
    quality, severity = _describe_quality(summary)
    cameras = len(summary.cameras)
    facts = (
        f"{format_duration_padded(summary.seconds)} · {cameras} camera{'' if cameras == 1 else 's'}"
    )
    can_open = not summary.problem
    return SessionCard(
        path=summary.path,
        name=summary.name,
        date=format_date(summary.created),
        facts=facts if can_open else "",
        quality=quality,
        severity=severity,
        remarks=(summary.problem,) if summary.problem else summary.remarks,
        thumbnail=summary.thumbnail,
        can_open=can_open,
        can_track=can_open and bool(summary.thumbnail),
        can_export=can_open and not math.isnan(summary.joints_found),
        has_rig=summary.has_rig,
        finetune_problem=explain_cannot_finetune(summary),
    )


def explain_cannot_finetune(summary: SessionSummary) -> str:
    """Say why no network can be taught from a session.

    Returns
    -------
    sentence
        What is missing and what to do; empty where nothing is.
    """
    if summary.problem:
        return summary.problem
    if len(summary.cameras) < 2:
        return "One camera only: two or more must see the person."
    if not summary.has_rig:
        return "Not calibrated: track it again with the rig of its cameras."
    if math.isnan(summary.joints_found):
        return "Not tracked yet: press Track again on the Sessions page."
    if summary.joints_found == 0:
        return "Nobody was found in it: record somebody whom all cameras see."
    return ""


def format_date(moment: datetime) -> str:
    """Write a date and time as a list sorts them, in the time of this machine.

    Parameters
    ----------
    moment
        With its zone.

    Returns
    -------
    text
    """
    return moment.astimezone().strftime("%Y-%m-%d  %H:%M")


def _describe_quality(summary: SessionSummary) -> tuple[str, Severity]:
    """Say in a few words how good a session is."""
    if summary.problem:
        return "Cannot be opened", Severity.ERROR
    words, severity = _describe_joints(summary)
    if summary.lost:
        words = f"{summary.lost} image{'' if summary.lost == 1 else 's'} lost"
        severity = Severity.ERROR
    if not summary.finished:
        return (
            f"{words}, broken off",
            Severity.ERROR if severity is Severity.ERROR else Severity.WARNING,
        )
    return words, severity


def _describe_joints(summary: SessionSummary) -> tuple[str, Severity]:
    """Say how much of the person was found."""
    if math.isnan(summary.joints_found):
        return "Not tracked yet" if summary.has_rig else "Not calibrated", Severity.NEUTRAL
    if summary.joints_found == 0:
        return "Nobody was found", Severity.ERROR
    words = f"{100 * summary.joints_found:.0f} % of joints"
    if summary.joints_found < USABLE_SHARE:
        return words, Severity.ERROR
    if summary.verdict == "usable":
        return f"{words}, rig with care", Severity.WARNING
    return words, Severity.GOOD if summary.joints_found >= GOOD_SHARE else Severity.WARNING


def _matches(card: SessionCard, search: str) -> bool:
    """Tell whether every word occurs in a card."""
    text = f"{card.name} {card.path} {card.date} {card.facts} {card.quality}".casefold()
    return all(word in text for word in search.casefold().split())
