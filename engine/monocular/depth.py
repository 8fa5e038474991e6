"""DepthFollowed: a person's distance from a camera, steady in time, and no surer than it has a right to be."""

from dataclasses import replace

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Camera
from engine.monocular.placing import PlacedBody

# A person's distance is taken to wander by this, m per square root of a second: 5 cm between
# framesets at 30 fps, so that somebody who walks away is followed with a lag of 7 cm, and one
# frame's error of 12 cm shows as 5 cm.
DRIFT_M_PER_SQRT_S = 0.3
MAX_AGE_NS = 1_000_000_000
OUTLIER_SIGMAS = 4.0  # farther from what was expected is a new beginning
MEASURED_SIGMA_M = 0.02  # what a triangulated root errs by


class DepthFilter:
    """Where the root was, for the next look at it through any one camera.

    Notes
    -----
    A Kalman filter of the distance alone. A network errs alike from frame to frame, so that many
    looks are no surer than one: what is claimed is the better of one look and of the last
    triangulation, which ages as the person moves.
    """

    def __init__(self) -> None:
        self._root: F64 | None = None  # m, world
        self._seen_ns = 0
        self._variance = self._reported_variance = 0.0  # m^2: for the filter, and as told

    def reset(self) -> None:
        """Begin anew."""
        self._root = None

    def change_camera(self, before: Camera, now: Camera) -> None:
        """Keep what is known where the room is turned around a camera: before it, the root stays where it is."""
        if self._root is not None:
            self._root = (before.R @ self._root + before.t - now.t) @ now.R

    def update_measured(self, root: F64, timestamp_ns: int) -> None:
        """Take a root that several cameras agree on.

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
        """Put a body at the distance that fits what came before.

        Parameters
        ----------
        placed
            By this instant's look alone.
        camera
        timestamp_ns

        Returns
        -------
        placed
            Nearer or farther, looking the same to the camera; its share covers all that is wrong
            along the line of sight.
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
        """Say how far before a camera the root should be, m; None where nothing is known of it any more."""
        if self._root is None or not 0 <= timestamp_ns - self._seen_ns <= MAX_AGE_NS:
            return None
        depth = float((camera.R @ self._root + camera.t)[2])
        return depth if depth > 0 else None


def _project_across(placed: PlacedBody) -> F64:
    """Leave of the root's covariance what lies across the line of sight, (3, 3)."""
    sight = placed.root / np.linalg.norm(placed.root)
    keep = np.eye(3) - np.outer(sight, sight)
    return keep @ placed.covariance @ keep
