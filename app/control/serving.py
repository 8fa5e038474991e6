"""Which network serves the live view where one camera alone sees the person: as it is set at that moment."""

from collections.abc import Callable

from app.settings import Settings
from calibration.rig import Rig
from engine.live.single_view import MakeMonocular
from engine.monocular.estimator import MonocularEstimator
from engine.monocular.network import load_monocular_model


def make_monocular_loader(settings: Callable[[], Settings]) -> MakeMonocular:
    """Return what loads the network that serves.

    Parameters
    ----------
    settings
        Asked anew each time: the person may have changed, or no network be named any more.

    Returns
    -------
    make_lifter
        As `engine.live.live.Live` takes it; errors as `load_monocular_model`.
    """

    def load(rig: Rig | None, have: str) -> MonocularEstimator | None:
        """Load it, unless it is there already."""
        now = settings()
        return load_monocular_model(now.lift, now.person, rig=rig, loaded_name=have)

    return load
