"""Handover: no jump where a joint changes between one camera's guess and the room's own measurement."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from engine.poses import Pose3D, PoseSet3D

FADE_NS = 300_000_000
MAX_GAP_NS = 300_000_000  # who was away for longer appears where they are
MAX_EXTRAPOLATION_NS = 100_000_000  # further ahead, a velocity says little of where a hand is
NEVER_NS = -(2**62)


@dataclass(slots=True, eq=False)
class _ShownPerson:
    """One person as last shown: joints (J, 3), m; how the body moved (3,), m/ns; one camera's guesses (J,); fades."""

    xyz: F64
    velocity: F64
    guessed: Mask
    seen_ns: I64
    offset: F64
    fade_start_ns: I64


class GuessCrossfade:
    """Fade each joint from where it would be shown to where it is, whenever what it rests on
    changes; with memory.

    Notes
    -----
    A joint that one view alone carries is a guess (`engine.monocular.lift`), and may be decimetres
    off along the line of sight. A fade begins where the joint would be had it gone on with the
    body, so that nobody who walks stops for an image. Poses between which nothing changes pass as
    they are, the very same objects. What is recorded is not faded.
    """

    def __init__(self) -> None:
        self._shown: dict[int, _ShownPerson] = {}

    def __call__(self, poses: PoseSet3D) -> PoseSet3D:
        """Fade the people of one instant; instants come in the order of time."""
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
        changed: Mask = present & (guessed != shown.guessed) & (age_ns > 0) & (age_ns <= MAX_GAP_NS)
        ahead = (
            shown.xyz + np.minimum(age_ns, MAX_EXTRAPOLATION_NS)[:, None] * shown.velocity
        )  # a guess's joints tremble
        shown.offset = np.where(changed[:, None], ahead - pose.xyz, shown.offset)
        shown.fade_start_ns = np.where(changed, now_ns, shown.fade_start_ns)
        left = np.clip(1 - (now_ns - shown.fade_start_ns) / FADE_NS, 0.0, 1.0) * (
            (now_ns >= shown.fade_start_ns) & present
        )
        share: F64 = left * left * (3 - 2 * left)
        faded = _shift_pose(pose, share[:, None] * shown.offset) if share.any() else pose
        follows: Mask = present & (age_ns > 0) & (age_ns <= MAX_GAP_NS)
        if present.any():
            moved = ((faded.xyz - shown.xyz) / np.maximum(age_ns, 1)[:, None])[follows]
            shown.velocity = np.median(moved, axis=0) if len(moved) else np.zeros(3)
        shown.xyz = np.where(present[:, None], faded.xyz, shown.xyz)
        shown.guessed = np.where(present, guessed, shown.guessed)
        shown.seen_ns = np.where(present, now_ns, shown.seen_ns)
        return faded


def _shift_pose(pose: Pose3D, step: F64) -> Pose3D:
    """Show joints elsewhere than they are, and say how far that may be wrong."""
    covariance = pose.covariance + step[:, :, None] * step[:, None, :]
    return replace(pose, xyz=pose.xyz + step, covariance=covariance)


def _start_person(joints: int) -> _ShownPerson:
    """Begin with somebody who was never seen."""
    never = np.full(joints, NEVER_NS)
    nowhere = np.full((joints, 3), np.nan)
    return _ShownPerson(
        nowhere, np.zeros(3), np.zeros(joints, bool), never, np.zeros((joints, 3)), never.copy()
    )
