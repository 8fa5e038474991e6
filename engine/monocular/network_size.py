"""NetworkSize: by how much a network puts this person too near or too far, learned while several cameras see them."""

from collections import deque
from dataclasses import replace

import numpy as np

from engine.monocular.placing import PlacedBody

MAX_SAMPLES = (
    60  # a minute at one look a second: a network errs alike in like poses, and poses come back
)
MIN_SAMPLES = 5
SIGMA_PER_MAD = 1.4826  # standard deviation per median of absolute deviations, of normal errors
OUTLIER_SPREADS = 3.0  # a look farther from the others is a mistake, of whoever made it
MIN_SHARE = 0.01  # the triangulated root itself errs by 2 cm in some metres


class DepthCorrection:
    """What came of looks at somebody whose distance several cameras measured at the same time.

    Notes
    -----
    A network's joints err along the line of sight, which lengthens bones; and its taste for
    proportions is not this person's. Either moves everybody nearer or farther by the same share in
    every look, so that a ratio undoes it.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=MAX_SAMPLES)

    def reset(self) -> None:
        """Begin anew: another person, network, or rig of another scale."""
        self._ratios.clear()

    def put(self, guessed_m: float, measured_m: float) -> None:
        """Take one look.

        Parameters
        ----------
        guessed_m, measured_m
            Of the root: how far before its camera the network's pose was placed, and where several
            cameras see it. What cannot be is left out.
        """
        if np.isfinite(guessed_m) and np.isfinite(measured_m) and guessed_m > 0 and measured_m > 0:
            self._ratios.append(measured_m / guessed_m)

    def correct(self, placed: PlacedBody) -> PlacedBody:
        """Put a body where looks at this person teach that it is.

        Parameters
        ----------
        placed
            By one look alone.

        Returns
        -------
        placed
            Its share is the spread of the looks, of a few less so than its own; the same body where
            there are fewer.
        """
        count = len(self._ratios)
        if count < MIN_SAMPLES:
            return placed
        ratios = np.array(self._ratios)
        apart = np.abs(ratios - np.median(ratios))
        spread = SIGMA_PER_MAD * float(np.median(apart))
        ratio = float(ratios[apart <= OUTLIER_SPREADS * max(spread, MIN_SHARE)].mean())
        share = spread / ratio
        variance = ((count + 1) * share**2 + MIN_SAMPLES * placed.share**2) / (count + MIN_SAMPLES)
        return replace(placed.scale(ratio), share=max(float(np.sqrt(variance)), MIN_SHARE))
