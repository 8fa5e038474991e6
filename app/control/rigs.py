"""Rigs in files, for the cameras that are at work."""

import logging
from pathlib import Path

from app.control.jobs import message_from_error
from calibration.errors import CalibrationError
from calibration.rig import Rig, load_rig
from engine.errors import EngineError
from engine.live.live import Live
from engine.offline.match_rig import match_rig

logger = logging.getLogger(__name__)


def load_last_rig(path: str, names: tuple[str, ...]) -> Rig | None:
    """Read the rig of last time, if it is for these cameras.

    Parameters
    ----------
    path
        Empty where there was none.
    names
        Of the cameras.

    Returns
    -------
    rig
        Its cameras in the order of `names`; None where there is none, or it is for others, or
        cannot be read.
    """
    if not path or len(names) < 2 or not Path(path).is_file():
        return None
    try:
        rig = load_rig(Path(path))
    except (CalibrationError, OSError) as error:  # nobody asked for it: it is only not used
        logger.info("the last rig is not used: %s", message_from_error(error))
        return None
    if set(rig.names) != set(names):
        return None
    return Rig(tuple(rig[name] for name in names), rig.time_offset_ns, rig.metadata)


def load_matching_rig(path: Path, live: Live) -> Rig:
    """Read a rig for the cameras at work.

    Returns
    -------
    rig
        With the cameras' names, in their order.

    Raises
    ------
    EngineError
        If a camera has sent no image yet.
    CalibrationError
        If the file is no rig, or one of other cameras.
    """
    rig = load_rig(path)
    states = live.state().cameras
    silent = [state.name for state in states if state.size_wh is None]
    if silent:
        raise EngineError(
            f"Camera '{silent[0]}' has sent no image yet, so '{path}' cannot be used yet. Try "
            "again."
        )
    return match_rig(rig, live.names, [state.size_wh for state in states if state.size_wh], path)


def get_rig_in_use(live: Live) -> Rig:
    """Return the rig that the room is drawn with.

    Raises
    ------
    EngineError
        If there is none.
    """
    rig = live.state().calibration.rig
    if rig is None:
        raise EngineError(
            "There is no rig yet. Walk through the room until the cameras are calibrated."
        )
    return rig
