"""Clocks: how each view's own time runs against the rig's, by an offset and a rate."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64


@dataclass(frozen=True, slots=True, eq=False)
class Clocks:
    """Every view's clock: ``time of the rig = origin + offset + rate * (own time - origin)``.

    Parameters
    ----------
    offset_ns : (V,), ns
        At the origin, which is the first frameset.
    rate : (V,)
        Seconds of the rig per second of the view; below 1 where the view's clock runs fast.
    """

    offset_ns: I64
    rate: F64

    @classmethod
    def right(cls, views: int) -> "Clocks":
        """Describe clocks that all agree."""
        return cls(np.zeros(views, np.int64), np.ones(views))

    @property
    def are_right(self) -> bool:
        """Whether nothing is to be corrected."""
        return not self.offset_ns.any() and bool((self.rate == 1).all())


def map_to_rig_times(own_ns: I64, clocks: Clocks, origin_ns: int) -> I64:
    """Map the views' own times to the rig's.

    Parameters
    ----------
    own_ns : (T, V), ns
    clocks
    origin_ns
        Where the offsets hold: the time of the first frameset.

    Returns
    -------
    rig_ns : (T, V), ns
        Exactly ``own + offset`` where the rate is 1.
    """
    # the product alone is rounded: a float holds no nanoseconds of today's date
    gained = np.rint((own_ns - origin_ns) * (clocks.rate - 1)).astype(np.int64)
    return own_ns + gained + clocks.offset_ns


def correct_rates(observations: Observations, rate: F64 | None) -> Observations:
    """Let every view's clock run at the rig's rate; offsets are left as they are.

    Parameters
    ----------
    observations
    rate : (V,)
        As of `Clocks`; None is 1.

    Returns
    -------
    observations
        The same where every rate is 1.
    """
    if rate is None or (rate == 1).all():
        return observations
    clocks = replace(Clocks.right(len(rate)), rate=rate)
    times = map_to_rig_times(observations.view_time_ns, clocks, int(observations.time_ns[0]))
    return replace(observations, view_time_ns=times)
