"""Crossfade: no jump where a joint changes between a monocular guess and a triangulation."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from engine.poses import Pose3D, PoseSet3D

FADE_NS = 300_000_000
MAX_GAP_NS = 300_000_000  # a joint missing for longer appears where it is, without a fade
MAX_EXTRAPOLATION_NS = 100_000_000  # farther ahead, the body's velocity does not predict a hand
NEVER_NS = -(2**62)


@dataclass(slots=True, eq=False)
class _ShownPerson:
    """One person as last shown.

    Parameters
    ----------
    xyz : (J, 3), m, world
    velocity : (3,), m/ns
        Of the body as a whole.
    guessed : (J,)
        Where the joint was a monocular guess.
    seen_ns : (J,)
    offset : (J, 3), m
        From the joint to where its fade began.
    fade_start_ns : (J,)
    """

    xyz: F64
    velocity: F64
    guessed: Mask
    seen_ns: I64
    offset: F64
    fade_start_ns: I64


class GuessCrossfade:
    """Fade joints that change between guessed and triangulated; with memory.

    Notes
    -----
    A joint carried by one view is a guess (`engine.monocular.reconstruct`) and may be decimetres
    off along the line of sight. A fade begins at the joint's extrapolated place, so that a walking
    person does not stop for a frame. Poses without a change are returned as the same objects.
    Recorded poses are not faded.
    """

    def __init__(self) -> None:
        self._shown: dict[int, _ShownPerson] = {}

    def __call__(self, poses: PoseSet3D) -> PoseSet3D:
        """Fade the people of one instant; instants come in order of time."""
        people = tuple(self._fade(pose, poses.timestamp_ns) for pose in poses.people)
        return (
            replace(poses, people=people)
            if any(a is not b for a, b in zip(people, poses.people))
            else poses
        )

    def _fade(self, pose: Pose3D, now_ns: int) -> Pose3D:
        """Fade one person."""
        shown = self._shown.setdefault(pose.track_id, _start_person(len(pose.xyz)))
        present = np.asarray(np.isfinite(pose.xyz).all(-1), bool)
        guessed = pose.guessed
        age_ns = now_ns - shown.seen_ns
        follows: Mask = present & (age_ns > 0) & (age_ns <= MAX_GAP_NS)
        changed: Mask = follows & (guessed != shown.guessed)
        # Extrapolate with the body's velocity, not the joint's own: guessed joints jitter, so their
        # own velocity is noise.
        ahead = shown.xyz + np.minimum(age_ns, MAX_EXTRAPOLATION_NS)[:, None] * shown.velocity
        # The offset is kept, not the start point: it decays while the joint itself keeps moving.
        # A change during a fade starts from what is shown, so it never jumps either.
        shown.offset = np.where(changed[:, None], ahead - pose.xyz, shown.offset)
        shown.fade_start_ns = np.where(changed, now_ns, shown.fade_start_ns)
        left = np.clip(1 - (now_ns - shown.fade_start_ns) / FADE_NS, 0.0, 1.0) * (
            (now_ns >= shown.fade_start_ns) & present
        )
        # Smoothstep: the shown velocity is continuous at both ends of the fade.
        share: F64 = left * left * (3 - 2 * left)
        faded = _shift_pose(pose, share[:, None] * shown.offset) if share.any() else pose
        if present.any():
            moved = ((faded.xyz - shown.xyz) / np.maximum(age_ns, 1)[:, None])[follows]
            shown.velocity = np.median(moved, axis=0) if len(moved) else np.zeros(3)
        shown.xyz = np.where(present[:, None], faded.xyz, shown.xyz)
        shown.guessed = np.where(present, guessed, shown.guessed)
        shown.seen_ns = np.where(present, now_ns, shown.seen_ns)
        return faded


def _shift_pose(pose: Pose3D, step: F64) -> Pose3D:
    """Shift joints (J, 3), and add the shift to their covariance as an error."""
    covariance = pose.covariance + step[:, :, None] * step[:, None, :]
    return replace(pose, xyz=pose.xyz + step, covariance=covariance)


def _start_person(joints: int) -> _ShownPerson:
    """Start a person that has not been seen yet."""
    never = np.full(joints, NEVER_NS)
    nowhere = np.full((joints, 3), np.nan)
    return _ShownPerson(
        nowhere, np.zeros(3), np.zeros(joints, bool), never, np.zeros((joints, 3)), never.copy()
    )
