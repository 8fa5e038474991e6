"""Coaching: what the walking person reads from across the room during calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.presenters.severity import Severity
from engine.live.state import CalibrationPhase, CalibrationState

_SEVERITIES = {
    CalibrationPhase.OFF: Severity.NEUTRAL,
    CalibrationPhase.WATCHING: Severity.WARNING,
    CalibrationPhase.SOLVING: Severity.WARNING,
    CalibrationPhase.CALIBRATED: Severity.GOOD,
    CalibrationPhase.REFUSED: Severity.ERROR,
    CalibrationPhase.TESTING: Severity.WARNING,
}
_MESSAGES = {
    CalibrationPhase.WATCHING: ("Walk through the room", "Keep moving, in view of all cameras."),
    CalibrationPhase.SOLVING: ("Calibrating", "Keep walking; the room appears in a moment."),
    CalibrationPhase.CALIBRATED: ("Calibrated", "Leave the cameras where they are."),
    CalibrationPhase.REFUSED: ("Not calibrated yet", "Keep walking, and turn around once."),
    CalibrationPhase.TESTING: (
        "Checking the last calibration",
        "Walk a few steps, in view of all cameras.",
    ),
}
_TOO_FEW_CAMERAS = {
    0: (
        "Your room appears here",
        "Add two or more cameras that see the same part of it. They are calibrated while one "
        "person walks through the room.",
    ),
    1: (
        "One camera cannot see depth",
        "The joints are shown in its image. Add a second camera that sees the same part of the "
        "room, and the room appears here.",
    ),
}
_STOPPED = ("The cameras are stopped", "Press Start, then walk through the room.")
_WAITING = ("Waiting for the cameras", "Calibration starts once two of them send images.")
_ENOUGH_SHARE = 0.995


@dataclass(frozen=True, slots=True)
class CoverageGrid:
    """How much of one camera's image the person has covered.

    Parameters
    ----------
    name
    cells
        Rows of 0 to 1; 1 is enough.
    """

    name: str
    cells: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class SharedCoverage:
    """How much two cameras have seen the person at the same time, 0 to 1."""

    one: str
    other: str
    share: float

    @property
    def is_enough(self) -> bool:
        """Whether these two cameras have seen enough."""
        return self.share >= _ENOUGH_SHARE


@dataclass(frozen=True, slots=True)
class CoachingCard:
    """What the person should do now, and what the cameras have seen.

    Parameters
    ----------
    headline, instruction
    progress
        0 to 1.
    severity
    busy
        True while the solver runs.
    grids
        One per camera, in camera order.
    pairs
        Every pair of cameras.
    """

    headline: str
    instruction: str
    progress: float
    severity: Severity
    busy: bool = False
    grids: tuple[CoverageGrid, ...] = ()
    pairs: tuple[SharedCoverage, ...] = ()


def present_coaching(
    calibration: CalibrationState, names: Sequence[str], *, running: bool = True
) -> CoachingCard | None:
    """Describe what is still missing for a calibration.

    Parameters
    ----------
    calibration
    names
        Of the cameras, in camera order.
    running
        False while the cameras are stopped.

    Returns
    -------
    card
        None once the cameras are calibrated.
    """
    if calibration.phase is CalibrationPhase.CALIBRATED:
        return None
    if calibration.phase is CalibrationPhase.OFF:
        headline, instruction = _TOO_FEW_CAMERAS.get(len(names), _WAITING if running else _STOPPED)
    else:
        headline, instruction = _MESSAGES[calibration.phase]
    grids = tuple(
        CoverageGrid(name, tuple(tuple(round(cell, 2) for cell in row) for row in cells.tolist()))
        for name, cells in zip(names, calibration.coverage)
    )
    progress = calibration.progress if calibration.progress == calibration.progress else 0.0
    return CoachingCard(
        calibration.headline or headline,
        calibration.instruction or instruction,
        round(min(max(progress, 0.0), 1.0), 3),
        _SEVERITIES[calibration.phase],
        calibration.phase is CalibrationPhase.SOLVING,
        grids,
        _build_pairs(calibration, names),
    )


def _build_pairs(calibration: CalibrationState, names: Sequence[str]) -> tuple[SharedCoverage, ...]:
    """List every pair of cameras and how much they have seen together."""
    if calibration.view_overlap is None:
        return ()
    shared = calibration.view_overlap.tolist()
    count = min(len(names), len(shared))
    return tuple(
        SharedCoverage(names[one], names[other], round(shared[one][other], 2))
        for one in range(count)
        for other in range(one + 1, count)
    )
