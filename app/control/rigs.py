"""RigControl: the rigs of the live cameras, from files and into files."""

import logging
from collections.abc import Callable
from pathlib import Path

from app.control.compare_rigs import compare_rigs
from app.control.jobs import message_from_error
from app.presenters.severity import Severity
from app.settings import rig_file
from calibration.errors import CalibrationError
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig, load_rig, save_rig
from engine.errors import EngineError
from engine.live.live import Live
from engine.offline.match_rig import match_rig

logger = logging.getLogger(__name__)


class RigControl:
    """Opens, saves, compares and remembers rigs.

    Parameters
    ----------
    submit
        Gives the worker something to do.
    notify
        Shows a message, with a severity (`LiveControl.notify`).
    remember
        Keeps the path of a rig in the settings.
    keeps_new
        Whether a new rig of the live calibration is kept for the next start.

    Attributes
    ----------
    newest
        The newest rig of the live calibration and its report, also after the cameras were stopped.
    """

    def __init__(
        self,
        submit: Callable[[Callable[[], None]], None],
        notify: Callable[..., None],
        remember: Callable[[str], None],
        *,
        keeps_new: bool,
    ) -> None:
        self.newest: tuple[Rig, CalibrationReport] | None = None
        self._submit = submit
        self._notify = notify
        self._remember = remember
        self._keeps_new = keeps_new
        self._waiting: Path | None = None

    def use_when_ready(self, path: Path) -> None:
        """Use the rig of a file once every camera has sent an image; never waits."""
        self._waiting = path

    def tick(self, live: Live, ready_count: int) -> None:
        """Open the rig that waits, once every camera has sent an image; never waits."""
        path = self._waiting
        if path is not None and ready_count == len(live.names):
            self._waiting = None
            self._submit(lambda: self.open(live, path))

    def use_last(self, live: Live, path: str) -> None:
        """Use the rig of last time, unless another one waits. Runs in the worker's thread."""
        rig = load_last_rig(path, live.names) if self._waiting is None else None
        if rig is not None:
            live.use_rig(rig, "from last time")

    def open(self, live: Live | None, path: Path) -> None:
        """Use the rig of a file. Runs in the worker's thread, as all that follows."""
        live = require_live(live, "to open a rig")
        live.use_rig(load_matching_rig(path, live), f"from '{path.name}'")
        self._remember(str(path.absolute()))

    def save(self, live: Live | None, path: Path) -> None:
        """Write the rig in use to a file."""
        save_rig(get_rig_in_use(require_live(live, "to save its rig")), path)
        self._notify(f"The rig was saved as '{path}'.", Severity.GOOD)

    def compare(self, live: Live | None, path: Path) -> None:
        """Report how another rig differs from the one in use."""
        live = require_live(live, "to compare rigs")
        self._notify(compare_rigs(get_rig_in_use(live), load_matching_rig(path, live)))

    def store(self, rig: Rig, report: CalibrationReport) -> None:
        """Keep a new rig for the next start. Runs in a thread of the calibration."""
        self.newest = rig, report
        if self._keeps_new:
            self._submit(lambda: self._save_for_next_start(rig))

    def _save_for_next_start(self, rig: Rig) -> None:
        """Write a rig into the user's own folder, and remember it."""
        save_rig(rig, rig_file())
        self._remember(str(rig_file()))


def require_live(live: Live | None, purpose: str) -> Live:
    """Return the running cameras.

    Raises
    ------
    EngineError
        If there are none.
    """
    if live is None:
        raise EngineError(f"The cameras are stopped. Press Start {purpose}.")
    return live


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
    except (CalibrationError, OSError) as error:  # the cameras start without it
        logger.info("the last rig is not used: %s", message_from_error(error))
        return None
    if set(rig.names) != set(names):
        return None
    return Rig(tuple(rig[name] for name in names), rig.time_offset_ns, rig.metadata)


def load_matching_rig(path: Path, live: Live) -> Rig:
    """Read a rig for the running cameras.

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
