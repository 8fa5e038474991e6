"""DepthFilter: a person's distance from a camera, steady in time, without overstated confidence."""

from dataclasses import replace

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Camera
from engine.monocular.placing import PlacedBody

# Random walk of a person's distance, m per square root of a second: 5 cm between framesets at
# 30 fps, so that a person who walks away is followed with a lag of 7 cm, and one frame's error of
# 12 cm shows as 5 cm.
DRIFT_M_PER_SQRT_S = 0.3
MAX_AGE_NS = 1_000_000_000
OUTLIER_SIGMAS = 4.0  # farther from the prediction, the filter starts again
MEASURED_SIGMA_M = 0.02  # error of a triangulated root


class DepthFilter:
    """The root of the person, remembered for the next frame of any single camera.

    Notes
    -----
    A Kalman filter of the distance alone. The errors of a model are alike from frame to frame, so
    many frames are no more certain than one: the reported variance is the smaller of that of one
    frame and of the last triangulation, which grows as the person moves.
    """

    def __init__(self) -> None:
        self._root: F64 | None = None  # m, world
        self._seen_ns = 0
        self._variance = self._reported_variance = 0.0  # m^2: in the filter, and as reported

    def reset(self) -> None:
        """Forget the person."""
        self._root = None

    def change_camera(self, before: Camera, now: Camera) -> None:
        """Keep the root in place before the camera while a guessed room is turned.

        Parameters
        ----------
        before, now
            The same camera in the room as it was, and as it is.
        """
        if self._root is not None:
            self._root = (before.R @ self._root + before.t - now.t) @ now.R

    def update_measured(self, root: F64, timestamp_ns: int) -> None:
        """Take a triangulated root.

        Parameters
        ----------
        root : (3,), m, world
            NaN changes nothing.
        timestamp_ns
        """
        if np.isfinite(root).all():
            self._root, self._seen_ns = root, timestamp_ns
            self._variance = self._reported_variance = MEASURED_SIGMA_M**2

    def smooth(self, placed: PlacedBody, camera: Camera, timestamp_ns: int) -> PlacedBody:
        """Move a body to the filtered distance.

        Parameters
        ----------
        placed
            From this frame alone.
        camera
        timestamp_ns

        Returns
        -------
        placed
            Nearer or farther, with the same image; its share covers all errors along the line of
            sight.
        """
        depth = float(placed.root[2])
        own = (placed.share * depth) ** 2 + float(placed.covariance[2, 2])
        passed_s = (timestamp_ns - self._seen_ns) * 1e-9
        expected = self._predict_depth(camera, timestamp_ns)
        before = own
        claimed = own
        if expected is not None:
            before, claimed = (
                value + DRIFT_M_PER_SQRT_S**2 * passed_s
                for value in (self._variance, self._reported_variance)
            )
        if expected is None or abs(expected - depth) > OUTLIER_SIGMAS * np.sqrt(before + own):
            steady, variance, claimed = depth, own, own
        else:
            gain = before / (before + own)
            steady = expected + gain * (depth - expected)
            variance = (1 - gain) * before
            claimed = min(own, claimed)
        scaled = placed.scale(steady / depth)
        self._root = (scaled.root - camera.t) @ camera.R
        self._seen_ns = timestamp_ns
        self._variance, self._reported_variance = variance, claimed
        return replace(
            scaled, share=float(np.sqrt(claimed)) / steady, covariance=_project_across(scaled)
        )

    def _predict_depth(self, camera: Camera, timestamp_ns: int) -> float | None:
        """Predict the root's distance before a camera, m; None where it is not known or too old."""
        if self._root is None or not 0 <= timestamp_ns - self._seen_ns <= MAX_AGE_NS:
            return None
        depth = float((camera.R @ self._root + camera.t)[2])
        return depth if depth > 0 else None


def _project_across(placed: PlacedBody) -> F64:
    """Keep only the part of the root's covariance across the line of sight, (3, 3)."""
    sight = placed.root / np.linalg.norm(placed.root)
    keep = np.eye(3) - np.outer(sight, sight)
    return keep @ placed.covariance @ keep
