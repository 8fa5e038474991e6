"""Which network serves the live view where one camera alone sees the person: as it is set at that moment."""

from collections.abc import Callable

from app.settings import Settings
from calibration.rig import Rig
from engine.lift import Lifter
from engine.lift_network import load_lifter
from engine.live_lift import MakeLifter


def lifter_by(settings: Callable[[], Settings]) -> MakeLifter:
    """Return what loads the network that serves.

    Parameters
    ----------
    settings
        Asked anew each time: the person may have changed, or no network be named any more.

    Returns
    -------
    make_lifter
        As `engine.live.Live` takes it; errors as `load_lifter`.
    """

    def make(rig: Rig | None, have: str) -> Lifter | None:
        """Load it, unless it is there already."""
        now = settings()
        return load_lifter(now.lift, now.person, rig=rig, have=have)

    return make
