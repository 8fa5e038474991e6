"""Tone: how a fact should feel to a person, before it has a colour."""

from enum import StrEnum


class Severity(StrEnum):
    """How good the news is."""

    NEUTRAL = "neutral"
    GOOD = "good"
    WARNING = "care"
    ERROR = "bad"
