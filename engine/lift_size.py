"""NetworkSize: by how much a network puts this person too near or too far, learned while several cameras see them."""

from collections import deque
from dataclasses import replace

import numpy as np

from engine.lift_placing import Placed

MOST_LOOKS = 60  # a minute at one look a second: a network errs alike in like poses, and poses come back
LEAST_LOOKS = 5
NORMAL_MAD = 1.4826  # standard deviation per median of absolute deviations, of normal errors
FAR_SPREADS = 3.0  # a look farther from the others is a mistake, of whoever made it
LEAST_SHARE = 0.01  # the triangulated root itself errs by 2 cm in some metres


class NetworkSize:
    """What came of looks at somebody whose distance several cameras measured at the same time.

    Notes
    -----
    A network's joints err along the line of sight, which lengthens bones; and its taste for proportions is not this
    person's. Either moves everybody nearer or farther by the same share in every look, so that a ratio undoes it.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=MOST_LOOKS)

    def forget(self) -> None:
        """Begin anew: another person, network, or rig of another scale."""
        self._ratios.clear()

    def put(self, guessed_m: float, measured_m: float) -> None:
        """Take one look.

        Parameters
        ----------
        guessed_m, measured_m
            Of the root: how far before its camera the network's pose was placed, and where several cameras see it.
            What cannot be is left out.
        """
        if np.isfinite(guessed_m) and np.isfinite(measured_m) and guessed_m > 0 and measured_m > 0:
            self._ratios.append(measured_m / guessed_m)

    def corrected(self, placed: Placed) -> Placed:
        """Put a body where looks at this person teach that it is.

        Parameters
        ----------
        placed
            By one look alone.

        Returns
        -------
        placed
            Its share is the spread of the looks, of a few less so than its own; the same body where there are fewer.
        """
        count = len(self._ratios)
        if count < LEAST_LOOKS:
            return placed
        ratios = np.array(self._ratios)
        apart = np.abs(ratios - np.median(ratios))
        spread = NORMAL_MAD * float(np.median(apart))
        ratio = float(ratios[apart <= FAR_SPREADS * max(spread, LEAST_SHARE)].mean())
        share = spread / ratio
        variance = ((count + 1) * share**2 + LEAST_LOOKS * placed.share**2) / (count + LEAST_LOOKS)
        return replace(placed.grown(ratio), share=max(float(np.sqrt(variance)), LEAST_SHARE))
