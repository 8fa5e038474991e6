"""The list of sessions, in words."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.presenters.sessions import filter_sessions, present_session, present_sessions
from app.presenters.severity import Severity
from engine.session.summary import SessionSummary

WALK = SessionSummary(
    path=Path("/takes/walk"),
    created=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    seconds=62.0,
    cameras=("left", "right"),
    frames=3720,
    joints_found=0.97,
    model="blazepose",
    has_rig=True,
    verdict="accepted",
    thumbnail=b"jpeg",
)


@pytest.mark.parametrize(
    ("change", "quality", "tone"),
    [
        ({}, "97 % of joints", Severity.GOOD),
        ({"verdict": "usable"}, "97 % of joints, rig of limited accuracy", Severity.WARNING),
        ({"joints_found": 0.8}, "80 % of joints", Severity.WARNING),
        ({"joints_found": 0.3}, "30 % of joints", Severity.ERROR),
        ({"joints_found": 0.0}, "No person found", Severity.ERROR),
        ({"joints_found": math.nan}, "Not tracked yet", Severity.NEUTRAL),
        ({"joints_found": math.nan, "has_rig": False}, "Not calibrated", Severity.NEUTRAL),
        ({"lost": 14}, "14 frames lost", Severity.ERROR),
        ({"lost": 1}, "1 frame lost", Severity.ERROR),
        ({"finished": False}, "97 % of joints, interrupted", Severity.WARNING),
        ({"problem": "It is damaged."}, "Cannot be opened", Severity.ERROR),
    ],
)
def test_quality_is_said_in_words_and_tone(change, quality, tone):
    card = present_session(replace(WALK, **change))
    assert (card.quality, card.severity) == (quality, tone)


def test_a_card_says_length_and_cameras():
    card = present_session(WALK)
    assert card.facts == "1 min 02 s · 2 cameras"
    assert present_session(replace(WALK, cameras=("left",))).facts.endswith("1 camera")
    assert card.date.startswith("2026-11-21")


def test_what_cannot_be_done_is_not_offered():
    broken = present_session(replace(WALK, problem="It is damaged."))
    assert (broken.can_open, broken.can_track, broken.can_export) == (False, False, False)
    assert broken.remarks == ("It is damaged.",)
    untracked = present_session(replace(WALK, joints_found=math.nan))
    assert (untracked.can_open, untracked.can_track, untracked.can_export) == (True, True, False)
    assert not present_session(replace(WALK, thumbnail=b"")).can_track


def test_an_empty_list_says_what_to_do_first():
    assert "No sessions yet" in present_sessions(()).headline
    assert "Looking" in present_sessions(None).headline
    assert present_sessions([WALK]).headline == ""


def test_search_finds_every_word_anywhere():
    state = present_sessions([WALK, replace(WALK, path=Path("/takes/jump"))])
    assert [card.name for card in filter_sessions(state, "WALK 2026-11").cards] == ["walk"]
    assert filter_sessions(state, "takes").count == "2 of 2"
    assert filter_sessions(state, "walk LEFT").count == "1 of 2"
    assert filter_sessions(state, "  ") is state
    nothing = filter_sessions(state, "run")
    assert nothing.headline == "No session matches 'run'"
    assert "Search for" in nothing.message
