"""Batches: what a lifter learns from, drawn without end."""

from dataclasses import dataclass, field

import numpy as np

from calibration.geometry.arrays import F32, F64
from engine.monocular.joint_window import (
    HIPS,
    NOW,
    OFFSETS_S,
    JointWindows,
    build_inputs,
    measure_unit,
)
from training.lifting.bodies import (
    MIRROR,
    Proportions,
    build_bodies,
    mirror_some,
    mix_bodies,
    straighten,
)
from training.lifting.cameras import LookConfig, draw_looks, place_before_camera, roll
from training.lifting.detector_errors import ErrorTable, detect
from training.lifting.motion_bank import MotionBank
from training.lifting.sightings import Sightings

_MIXED_SHARE = 0.35
_LIVE_SHARE, _SINGLE_SHARE, _MISSING_MOMENTS = 0.35, 0.15, 0.1
"""Windows without a future, with nothing but now, and moments that are missing otherwise."""
_UPPER_BODY_SHARE, _HIDDEN_JOINTS = 0.06, 0.03
"""People behind tables, whose hips and legs are not seen, and joints that are not found."""
_UP_SHARE, _UP_ERROR = 0.5, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class LifterBatch:
    """Inputs and what should come of them.

    Parameters
    ----------
    inputs : (N, F)
        As `build_inputs` makes them.
    joints : (N, 12, 3), look
        About the middle of the hips, in units of `measure_unit`.
    up : (N, 3), look
    """

    inputs: F32
    joints: F32
    up: F32


@dataclass(frozen=True, slots=True, eq=False)
class BatchPlan:
    """Where batches come from.

    Parameters
    ----------
    bank
        Motion, seen through the errors.
    errors
        Of the 2D model.
    sightings
        People of the studio in single pictures, as the 2D model found them.
    own_share
        Share of the people whose own guess by the 2D model is given; the others are lifted without.
    motion_count, sighting_count
        How many of each are in a batch.
    proportions
    looks
    """

    bank: MotionBank
    errors: ErrorTable
    sightings: Sightings
    own_share: float = 0.6
    motion_count: int = 944
    sighting_count: int = 80
    proportions: Proportions = field(default_factory=Proportions)
    looks: LookConfig = field(default_factory=LookConfig)

    def draw(self, rng: np.random.Generator) -> LifterBatch:
        """Draw one batch; all of it follows from the state of `rng`."""
        parts = [
            draw_motion(self, self.motion_count, rng),
            draw_sightings(self.sightings, self.sighting_count, rng, own_share=self.own_share),
        ]
        return LifterBatch(
            np.concatenate([part.inputs for part in parts]),
            np.concatenate([part.joints for part in parts]),
            np.concatenate([part.up for part in parts]),
        )


def draw_motion(plan: BatchPlan, count: int, rng: np.random.Generator) -> LifterBatch:
    """Draw windows of motion before random cameras."""
    xyz, present = plan.bank.draw(count, rng)
    upper, upper_present = plan.bank.draw(count, rng)
    mixed = rng.random(count) < _MIXED_SHARE
    xyz = np.where(mixed[:, None, None, None], mix_bodies(xyz, upper), xyz)
    present = np.where(mixed[:, None], present & upper_present, present)
    xyz = xyz - xyz[:, NOW][:, list(HIPS)].mean(1)[:, None, None]
    xyz = build_bodies(straighten(xyz, rng), plan.proportions, rng)
    xyz = mirror_some(xyz - xyz[:, NOW][:, list(HIPS)].mean(1)[:, None, None], rng)
    rotation, distance_m = draw_looks(count, plan.looks, rng)
    seen = place_before_camera(xyz, rotation, distance_m)
    rays, confidence, own = detect(seen, plan.errors, rng)
    own[rng.random(count) >= plan.own_share] = np.nan
    windows = JointWindows(rays, _hide(confidence, rng), _drop_moments(present, rng))
    return _make_batch(windows, seen[:, NOW], rotation[:, :, 2], own, rng)


def draw_sightings(
    sightings: Sightings, count: int, rng: np.random.Generator, *, own_share: float = 1.0
) -> LifterBatch:
    """Draw people of single pictures, mirrored and rolled."""
    some = sightings.take(rng.integers(len(sightings), size=count))
    mirrored = rng.random(count) < 0.5
    turn = roll(np.where(rng.random(count) < 0.5, 0.0, 0.5 * rng.standard_normal(count)))

    def carry(points: F32) -> F64:
        """Mirror and roll points, (N, 12, 2 or 3)."""
        size = points.shape[-1]
        flipped = (points * np.array([-1.0, 1.0, 1.0])[:size])[:, MIRROR]
        chosen = np.where(mirrored[:, None, None], flipped, points)
        return np.einsum("nij,nkj->nki", turn[:, :size, :size], chosen)

    confidence = np.where(mirrored[:, None], some.confidence[:, MIRROR], some.confidence)
    up = np.where(mirrored[:, None], some.up * np.array([-1.0, 1.0, 1.0]), some.up)
    own = carry(some.own_xyz)
    own[rng.random(count) >= own_share] = np.nan
    moments = len(OFFSETS_S)
    present = np.zeros((count, moments), bool)
    present[:, NOW] = True
    windows = JointWindows(
        np.repeat(carry(some.rays)[:, None], moments, 1),
        np.repeat(confidence[:, None].astype(float), moments, 1),
        present,
    )
    return _make_batch(windows, carry(some.xyz), np.einsum("nij,nj->ni", turn, up), own, rng)


def _make_batch(
    windows: JointWindows, xyz: F64, up: F64, own_xyz: F64 | None, rng: np.random.Generator
) -> LifterBatch:
    """Build inputs, and turn the truth into the axes in which it is to be found."""
    count = len(xyz)
    given = up + _UP_ERROR * rng.standard_normal((count, 3))
    given /= np.linalg.norm(given, axis=-1, keepdims=True)
    given[rng.random(count) > _UP_SHARE] = np.nan
    inputs, camera_from_look = build_inputs(windows, given, own_xyz)
    joints = np.einsum("nji,nkj->nki", camera_from_look, xyz)
    joints = joints - joints[:, list(HIPS)].mean(1, keepdims=True)
    return LifterBatch(
        inputs,
        (joints / measure_unit(joints)[:, None, None]).astype(np.float32),
        np.einsum("nji,nj->ni", camera_from_look, up).astype(np.float32),
    )


def _hide(confidence: F64, rng: np.random.Generator) -> F64:
    """Hide the legs of some people and single joints of others, for the whole window."""
    count, _, joints = confidence.shape
    legs = np.arange(joints) >= min(HIPS)
    hidden = (rng.random((count, 1)) < _UPPER_BODY_SHARE) & legs
    hidden |= rng.random((count, joints)) < _HIDDEN_JOINTS
    return np.where(hidden[:, None], 0.0, confidence)


def _drop_moments(present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take away the future, all but now, or single moments."""
    count, moments = present.shape
    kept = present & (rng.random((count, moments)) > _MISSING_MOMENTS)
    live = rng.random(count) < _LIVE_SHARE
    kept[:, NOW + 1 :] &= ~live[:, None]
    kept &= (rng.random(count) > _SINGLE_SHARE)[:, None]
    kept[:, NOW] = True
    return kept
