"""The Sessions page: one card per session, the search, and what can be done with each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.duration import format_duration_padded
from app.presenters.severity import Severity
from engine.session.summary import SessionSummary

# Share of the body's joints found, above which a session is good or usable.
GOOD_SHARE, USABLE_SHARE = 0.9, 0.6
_EMPTY = (
    "No sessions yet",
    (
        "Record one on the Live page, or make one from videos with 'epipole track'.\n"
        "It then appears here."
    ),
)
_NO_MATCH = "No session matches '{}'"
_TRY_OTHER_WORDS = "Search for part of a name, a camera or a date, for instance 2026-11."
_SCANNING = ("Looking for sessions", "The session folders are being read for the first time.")


@dataclass(frozen=True, slots=True, eq=False)
class SessionCard:
    """One session in the list.

    Parameters
    ----------
    path
    name
    date
        Start, in local time.
    facts
        Length and number of cameras, formatted.
    cameras
        Their names, for the search.
    quality, severity
        In a few words.
    remarks
        Messages, the most important first.
    thumbnail
        JPEG; empty where there is none.
    can_open, can_track, can_export
    has_rig
        Whether the session has its own rig.
    finetune_problem
        Why it cannot be used for fine-tuning; empty if it can.
    """

    path: Path
    name: str
    date: str
    facts: str
    cameras: tuple[str, ...]
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
    """The Sessions page.

    Parameters
    ----------
    cards
        Newest first.
    count
        How many there are, and how many are shown, formatted.
    headline, message
        What to do, where there is no card.
    models
        Names of the pose models a session can be tracked with.
    notices
        Messages on the list itself.
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
    """Describe the Sessions page.

    Parameters
    ----------
    summaries
        In the order to be shown; None before the folders were read.
    models, notices
    """
    cards = tuple(present_session(summary) for summary in summaries or ())
    headline, message = _SCANNING if summaries is None else ("", "") if cards else _EMPTY
    return SessionsState(
        cards, f"{len(cards) or ''}", headline, message, tuple(models), tuple(notices)
    )


def filter_sessions(state: SessionsState, search: str) -> SessionsState:
    """Keep the sessions that match a search.

    Parameters
    ----------
    state
    search
        Every word of it must occur in a card; an empty search keeps all.
    """
    if not search.strip() or not state.cards:
        return state
    shown = tuple(card for card in state.cards if _matches(card, search))
    headline, message = ("", "") if shown else (_NO_MATCH.format(search.strip()), _TRY_OTHER_WORDS)
    count = f"{len(shown)} of {len(state.cards)}"
    return replace(state, cards=shown, count=count, headline=headline, message=message)


def present_session(summary: SessionSummary) -> SessionCard:
    """Describe one session."""
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
        cameras=summary.cameras,
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
    """Explain why a session cannot be used for fine-tuning.

    Returns
    -------
    message
        What is missing and what to do; empty if nothing is.
    """
    if summary.problem:
        return summary.problem
    if len(summary.cameras) < 2:
        return "Only one camera: two or more must see the person."
    if not summary.has_rig:
        return "Not calibrated: track it again with the rig of its cameras."
    if math.isnan(summary.joints_found):
        return "Not tracked yet: press 'Track again …' on the Sessions page."
    if summary.joints_found == 0:
        return "No person was found: record a person that all cameras can see."
    return ""


def format_date(moment: datetime) -> str:
    """Format a date and time so that it sorts, in local time.

    Parameters
    ----------
    moment
        With its time zone.
    """
    return moment.astimezone().strftime("%Y-%m-%d  %H:%M")


def _describe_quality(summary: SessionSummary) -> tuple[str, Severity]:
    """Describe the quality of a session in a few words."""
    if summary.problem:
        return "Cannot be opened", Severity.ERROR
    words, severity = _describe_joints(summary)
    if summary.lost:
        words = f"{summary.lost} frame{'' if summary.lost == 1 else 's'} lost"
        severity = Severity.ERROR
    if not summary.finished:
        return (
            f"{words}, interrupted",
            Severity.ERROR if severity is Severity.ERROR else Severity.WARNING,
        )
    return words, severity


def _describe_joints(summary: SessionSummary) -> tuple[str, Severity]:
    """Describe how much of the person was found."""
    if math.isnan(summary.joints_found):
        return "Not tracked yet" if summary.has_rig else "Not calibrated", Severity.NEUTRAL
    if summary.joints_found == 0:
        return "No person found", Severity.ERROR
    words = f"{100 * summary.joints_found:.0f} % of joints"
    if summary.joints_found < USABLE_SHARE:
        return words, Severity.ERROR
    if summary.verdict == "usable":
        return f"{words}, rig of limited accuracy", Severity.WARNING
    return words, Severity.GOOD if summary.joints_found >= GOOD_SHARE else Severity.WARNING


def _matches(card: SessionCard, search: str) -> bool:
    """Whether every word of the search occurs in a card."""
    parts = (card.name, str(card.path), card.date, card.facts, card.quality, *card.cameras)
    text = " ".join(parts).casefold()
    return all(word in text for word in search.casefold().split())
