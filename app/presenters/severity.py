"""Severity of a fact; views give it a colour."""

from enum import StrEnum


class Severity(StrEnum):
    """How good or bad a fact is; the values are used by the style sheets."""

    NEUTRAL = "neutral"
    GOOD = "good"
    WARNING = "care"
    ERROR = "bad"
