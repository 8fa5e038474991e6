"""BodySize: a person's bone lengths, from triangulated joints or, without them, from stature."""

from collections import deque

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.skeleton import Skeleton
from calibration.synthetic.body import (
    ANKLE_HEIGHT,
    FOREARM,
    HALF_HIPS,
    HALF_SHOULDERS,
    HIP_HEIGHT,
    SHANK,
    SHOULDER_HEIGHT,
    THIGH,
    UPPER_ARM,
)
from calibration.world.scale import (
    POPULATION_SIGMA_PERCENT,
    POPULATION_STATURE_M,
    STATURE_SIGMA_PERCENT,
)
from engine.poses import Pose3D

LIMBS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""The joints that every skeleton has; monocular arrays are in this order."""

_TRUNK_SIDE = float(np.hypot(SHOULDER_HEIGHT - HIP_HEIGHT, HALF_SHOULDERS - HALF_HIPS))
_STATURE_SHARES = {
    ("left_shoulder", "left_elbow"): UPPER_ARM,
    ("right_shoulder", "right_elbow"): UPPER_ARM,
    ("left_elbow", "left_wrist"): FOREARM,
    ("right_elbow", "right_wrist"): FOREARM,
    ("left_hip", "left_knee"): THIGH,
    ("right_hip", "right_knee"): THIGH,
    ("left_knee", "left_ankle"): SHANK,
    ("right_knee", "right_ankle"): SHANK,
    ("left_shoulder", "right_shoulder"): 2 * HALF_SHOULDERS,
    ("left_hip", "right_hip"): 2 * HALF_HIPS,
    ("left_shoulder", "left_hip"): _TRUNK_SIDE,
    ("right_shoulder", "right_hip"): _TRUNK_SIDE,
}
BONES: I64 = np.array([[LIMBS.index(a), LIMBS.index(b)] for a, b in _STATURE_SHARES], np.int64)
"""The bones that the size is estimated from, as positions in `LIMBS`, (B, 2)."""

_LEGS = [i for i, share in enumerate(_STATURE_SHARES.values()) if share in (THIGH, SHANK)]

# Error of a median over seconds of triangulated bones, without the error of the rig's scale.
MEDIAN_ERROR_SHARE = 0.01
MIN_SAMPLES, MAX_SAMPLES = 20, 300
# Poses nearer in time are not independent; the samples kept cover half a minute of motion.
SPACING_NS = 100_000_000
MIN_VIEWS = 2


class BodySize:
    """The bone lengths of the person in the room; cheap to call several times a second.

    Parameters
    ----------
    skeleton
        Of the poses passed to `put`.
    stature_m
        None where it is not known.
    """

    def __init__(self, skeleton: Skeleton, stature_m: float | None) -> None:
        self._limbs = skeleton.indices(LIMBS)
        self.stature_m = stature_m
        self._samples: deque[F64] = deque(maxlen=MAX_SAMPLES)
        self._last_sample_ns: int | None = None
        self._median: F64 | None = None

    def reset(self) -> None:
        """Forget all samples: another person, or a rig of another scale."""
        self._samples.clear()
        self._last_sample_ns = self._median = None

    def put(self, pose: Pose3D, timestamp_ns: int) -> None:
        """Measure the bones of a person in the room.

        Parameters
        ----------
        pose
            Only joints carried by two views or more count.
        timestamp_ns
        """
        if (
            self._last_sample_ns is not None
            and 0 <= timestamp_ns - self._last_sample_ns < SPACING_NS
        ):
            return
        self._last_sample_ns = timestamp_ns
        carried = pose.view_count[self._limbs] >= MIN_VIEWS
        xyz = np.where(carried[:, None], pose.xyz[self._limbs], np.nan)
        self._samples.append(np.linalg.norm(xyz[BONES[:, 0]] - xyz[BONES[:, 1]], axis=-1))
        self._median = None

    def estimate_bone_lengths(self) -> tuple[F64, float]:
        """Estimate the lengths of the bones.

        Returns
        -------
        length_m : (B,)
            Of `BONES`: measured (NaN where a bone was not), or all from stature if few were.
        share
            Standard deviation common to all of them, as a share.
        """
        by_stature = np.array(list(_STATURE_SHARES.values())) * self._stature_or_average_m()
        if len(self._samples) < MIN_SAMPLES:
            return by_stature, self._stature_error_share()
        if self._median is None:
            self._median = _compute_medians(np.stack(self._samples))
        known = np.isfinite(self._median)
        if known.sum() < MIN_SAMPLES / 4:
            return by_stature, self._stature_error_share()
        return np.where(known, self._median, np.nan), MEDIAN_ERROR_SHARE

    def estimate_ankle_height_m(self) -> float:
        """Estimate the height of an ankle above the floor while its foot stands on it, m."""
        lengths, _ = self.estimate_bone_lengths()
        legs = lengths[_LEGS]
        seen = legs[np.isfinite(legs)]
        return ANKLE_HEIGHT * (
            float(seen.mean()) * 2 / (THIGH + SHANK) if len(seen) else self._stature_or_average_m()
        )

    def _stature_or_average_m(self) -> float:
        """Return the person's stature, m, or the population's."""
        return self.stature_m if self.stature_m is not None else POPULATION_STATURE_M

    def _stature_error_share(self) -> float:
        """Return the standard deviation of lengths from stature, as a share."""
        return (POPULATION_SIGMA_PERCENT if self.stature_m is None else STATURE_SIGMA_PERCENT) / 100


def _compute_medians(lengths: F64) -> F64:
    """Take each bone's median over (N, B); NaN where it has too few samples."""
    often = np.isfinite(lengths).sum(0) >= MIN_SAMPLES // 2
    medians = np.full(lengths.shape[1], np.nan)
    medians[often] = np.nanmedian(lengths[:, often], axis=0)
    return medians
