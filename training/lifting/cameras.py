"""Cameras for lifters: they look at the hips from anywhere, at any roll, near and far."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64

_LEVEL = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
"""Turns z up into a level camera's axes: x right, y down, z forward."""


@dataclass(frozen=True, slots=True)
class LookConfig:
    """How cameras are drawn.

    Parameters
    ----------
    pitch_deg, steep_deg
        How far the camera looks down on the person: usually, and for `steep_share` of them.
    roll_deg
        Standard deviation for most; `tilted_share` have five times that, `turned_share` any roll up
        to a quarter turn (portrait held sideways).
    distance_m
        From the hips, evenly in its logarithm.
    """

    pitch_deg: tuple[float, float] = (-5.0, 30.0)
    steep_deg: tuple[float, float] = (-20.0, 60.0)
    steep_share: float = 0.25
    roll_deg: float = 4.5
    tilted_share: float = 0.2
    turned_share: float = 0.15
    distance_m: tuple[float, float] = (1.3, 9.0)


def draw_looks(count: int, config: LookConfig, rng: np.random.Generator) -> tuple[F64, F64]:
    """Draw cameras that look at a person from any side.

    Parameters
    ----------
    count
    config
    rng

    Returns
    -------
    camera_from_room : (count, 3, 3)
        Its third column is where up is.
    distance_m : (count,)
        Of the middle of the hips.
    """
    steep = rng.random(count) < config.steep_share
    pitch_deg = np.where(
        steep, rng.uniform(*config.steep_deg, count), rng.uniform(*config.pitch_deg, count)
    )
    kind = rng.random(count)
    tilted = kind < config.tilted_share
    turned = kind > 1 - config.turned_share
    roll_deg = config.roll_deg * rng.standard_normal(count) * np.where(tilted, 5.0, 1.0)
    roll_deg = np.where(turned, rng.uniform(-92.0, 92.0, count), roll_deg)
    heading = _turn(2, rng.uniform(0.0, 2 * np.pi, count))
    rotation = _turn(2, np.deg2rad(roll_deg)) @ _turn(0, np.deg2rad(pitch_deg)) @ _LEVEL @ heading
    near, far = np.log(config.distance_m)
    return rotation, np.exp(rng.uniform(near, far, count))


def place_before_camera(xyz: F64, camera_from_room: F64, distance_m: F64) -> F64:
    """Carry windows of motion, (N, S, 12, 3), m, into the axes of their cameras.

    Returns
    -------
    xyz : (N, S, 12, 3), m, camera
        The middle of the hips is on the optical axis now: directions are turned anyhow.
    """
    return (
        np.einsum("nij,nskj->nski", camera_from_room, xyz)
        + np.stack([np.zeros_like(distance_m), np.zeros_like(distance_m), distance_m], -1)[
            :, None, None
        ]
    )


def roll(angle_rad: F64) -> F64:
    """Return rotations about the optical axis, (N, 3, 3)."""
    return _turn(2, angle_rad)


def _turn(axis: int, angle_rad: F64) -> F64:
    """Rotate about one axis, (N, 3, 3)."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    rotation = np.zeros((len(angle_rad), 3, 3))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    rotation[:, axis, axis] = 1.0
    rotation[:, one, one] = rotation[:, two, two] = cos
    rotation[:, one, two], rotation[:, two, one] = -sin, sin
    return rotation
