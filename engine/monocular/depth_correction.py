"""DepthCorrection: a model's bias in this person's distance, learned while several cameras see."""

from collections import deque
from dataclasses import replace

import numpy as np

from engine.monocular.placing import PlacedBody

MAX_SAMPLES = 60  # a minute at one a second: errors depend on the pose, and poses come back
MIN_SAMPLES = 5
SIGMA_PER_MAD = 1.4826  # standard deviation per median of absolute deviations, of normal errors
OUTLIER_SPREADS = 3.0  # a sample farther from the others is discarded
MIN_SHARE = 0.01  # the triangulated root itself errs by 2 cm in some metres


class DepthCorrection:
    """The ratio of triangulated to monocular distances of a person, from recent samples.

    Notes
    -----
    A model's joints have errors along the line of sight, which lengthens bones, and its typical
    proportions are not this person's. Either moves a body nearer or farther by the same share in
    every frame, so that a ratio corrects it.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=MAX_SAMPLES)

    def reset(self) -> None:
        """Forget all samples: another person, model, or rig of another scale."""
        self._ratios.clear()

    def put(self, guessed_m: float, measured_m: float) -> None:
        """Add one sample.

        Parameters
        ----------
        guessed_m, measured_m
            Distance of the root from the camera: from the model, and triangulated. Values that are
            not positive and finite are ignored.
        """
        if np.isfinite(guessed_m) and np.isfinite(measured_m) and guessed_m > 0 and measured_m > 0:
            self._ratios.append(measured_m / guessed_m)

    def correct(self, placed: PlacedBody) -> PlacedBody:
        """Correct the distance of a body.

        Parameters
        ----------
        placed
            From one frame alone.

        Returns
        -------
        placed
            Its share blends its own with the spread of the samples, whose weight grows with their
            number; the same object where there are fewer than `MIN_SAMPLES`.
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
