"""Orbit: the viewpoint of the room, turned and moved by the mouse."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64

NEAR_M = 0.05
HALF_FOV_TAN = 0.42
_ELEVATION_RANGE_RAD = (-0.15, 1.55)
_DISTANCE_RANGE_M = (0.5, 60.0)
_FIT_ITERATIONS = 8
_CLEARANCE_M = 0.3
FIT_MARGIN = 0.88  # share of the picture that what is shown may fill


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """A viewpoint on a sphere around a point of the room.

    Parameters
    ----------
    target : (3,), m, world
        Lies in the middle of the picture.
    azimuth_rad, elevation_rad
        Direction from the target to the eye; z is up.
    distance_m
        From the target to the eye.
    """

    target: F64
    azimuth_rad: float = 0.9
    elevation_rad: float = 0.42
    distance_m: float = 6.0

    def rotate(self, azimuth_rad: float, elevation_rad: float) -> "Orbit":
        """Move the eye around the target; it stops short of the poles."""
        elevation = float(np.clip(self.elevation_rad + elevation_rad, *_ELEVATION_RANGE_RAD))
        return replace(self, azimuth_rad=self.azimuth_rad + azimuth_rad, elevation_rad=elevation)

    def zoom(self, factor: float) -> "Orbit":
        """Move the eye nearer (below 1) or farther away."""
        return replace(
            self, distance_m=float(np.clip(self.distance_m * factor, *_DISTANCE_RANGE_M))
        )

    def pan(self, right_m: float, up_m: float) -> "Orbit":
        """Move eye and target together, in the plane of the picture."""
        right, up, _ = self.axes()
        return replace(self, target=self.target + right_m * right + up_m * up)

    def axes(self) -> F64:
        """Return right, up and forward of the picture, (3, 3), world."""
        ce, se = np.cos(self.elevation_rad), np.sin(self.elevation_rad)
        ca, sa = np.cos(self.azimuth_rad), np.sin(self.azimuth_rad)
        return np.array([[-sa, ca, 0.0], [-ca * se, -sa * se, ce], [-ce * ca, -ce * sa, -se]])

    def project(self, xyz: F64, size_wh: tuple[int, int]) -> tuple[F64, F64]:
        """Project points of the room.

        Parameters
        ----------
        xyz : (..., 3), m, world
        size_wh
            Of the picture, px.

        Returns
        -------
        xy : (..., 2), px
            NaN at or behind the eye.
        depth : (...), m
            Along the line of sight.
        """
        local = (np.asarray(xyz, float) - self.target) @ self.axes().T
        depth = local[..., 2] + self.distance_m
        visible = np.where(depth > NEAR_M, depth, np.nan)
        zoom = min(size_wh) / (2 * HALF_FOV_TAN) / visible
        return np.stack(
            [size_wh[0] / 2 + local[..., 0] * zoom, size_wh[1] / 2 - local[..., 1] * zoom], -1
        ), depth

    def fit(self, xyz: F64, size_wh: tuple[int, int], margin: float = FIT_MARGIN) -> "Orbit":
        """Look from the same direction so that all points fit.

        Parameters
        ----------
        xyz : (N, 3), m, world
        size_wh
            Of the picture, px.
        margin
            Share of the picture they may fill.
        """
        orbit = replace(self, target=(xyz.min(0) + xyz.max(0)) / 2)
        tangent = HALF_FOV_TAN * margin * np.array(size_wh) / min(size_wh)
        for _ in range(_FIT_ITERATIONS):
            local = (xyz - orbit.target) @ orbit.axes().T
            needed = (
                np.maximum(np.max(np.abs(local[:, :2]) / tangent, axis=1), _CLEARANCE_M)
                - local[:, 2]
            )
            orbit = replace(orbit, distance_m=float(np.clip(needed.max(), *_DISTANCE_RANGE_M)))
            angles = local[:, :2] / (local[:, 2:] + orbit.distance_m)
            right_m, up_m = (angles.min(0) + angles.max(0)) / 4 * orbit.distance_m
            fitted, orbit = orbit, orbit.pan(float(right_m), float(up_m))
        return fitted


def clip_to_near_plane(orbit: Orbit, start: F64, end: F64) -> tuple[F64, F64] | None:
    """Cut off the part of a line that lies behind the eye.

    Parameters
    ----------
    orbit
    start, end : (3,), m, world

    Returns
    -------
    line
        Start and end of what is left; None if nothing is.
    """
    forward = orbit.axes()[2]
    near = 2 * NEAR_M
    a, b = ((point - orbit.target) @ forward + orbit.distance_m - near for point in (start, end))
    if a <= 0 and b <= 0:
        return None
    if a < 0:
        start = start + (end - start) * (a / (a - b))
    elif b < 0:
        end = end + (start - end) * (b / (b - a))
    return start, end
