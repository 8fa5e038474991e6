"""A gesture: both hands raised, so that the person need not walk back to the keyboard."""

import numpy as np

from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton
from engine.poses import MIN_CONFIDENCE, Pose2D, PoseSet2D, PoseSet3D

MIN_HELD_NS = 800_000_000  # hands that scratch a head or catch a ball come down sooner
MIN_LOWERED_NS = 500_000_000
MAX_DROPOUT_NS = 250_000_000  # a joint lost for at most this long changes nothing
MIN_ABOVE_M = 0.05  # the wrists above the nose, in the room
# Nose above hips: the hands of a person who lies are "above" the head in many images.
MIN_UPRIGHT_M = 0.25
JOINTS = ("nose", "left_wrist", "right_wrist", "left_hip", "right_hip")


class RaisedHandsDetector:
    """Detect that a person raises both hands above the head and holds them; has memory.

    Notes
    -----
    With a rig, heights in the room decide. Without one, each view decides whether both wrists are
    above the nose and the nose above the hips in its image, and the majority of the views that can
    tell counts. While none can tell for a moment, the last state is kept.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._joints = skeleton.indices(JOINTS)
        self._up = False
        self._since_ns: int | None = None  # when the hands went up, or down
        self._last_seen_ns = 0
        self._is_signalled = False

    def __call__(self, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> bool:
        """Return True once per gesture; again only after the hands were down.

        Parameters
        ----------
        poses_2d
            Associated: track 0 counts.
        poses_3d
            Of the same instant; instants come in order of time.
        """
        now_ns = poses_2d.timestamp_ns
        up = self._are_raised(poses_2d, poses_3d)
        if up is None:
            if now_ns - self._last_seen_ns > MAX_DROPOUT_NS:
                self._since_ns = None
            return False
        if up != self._up or self._since_ns is None or now_ns < self._last_seen_ns:
            self._up, self._since_ns = up, now_ns
        self._last_seen_ns = now_ns
        held_ns = now_ns - self._since_ns
        if not up and held_ns >= MIN_LOWERED_NS:
            self._is_signalled = False
        if up and held_ns >= MIN_HELD_NS and not self._is_signalled:
            self._is_signalled = True
            return True
        return False

    def _are_raised(self, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> bool | None:
        """Return whether both hands are up at this instant; None if it is not known."""
        for person in poses_3d.people:
            height_m = person.xyz[self._joints, 2]
            if person.track_id == 0 and np.isfinite(height_m).all():
                return _is_above(height_m, MIN_ABOVE_M, MIN_UPRIGHT_M)
        votes = [
            self._are_raised_in_view(pose) for view in poses_2d.poses_by_view for pose in view[:1]
        ]
        known = [vote for vote in votes if vote is not None]
        return sum(known) > len(known) / 2 if known else None

    def _are_raised_in_view(self, pose: Pose2D) -> bool | None:
        """Return what one view says; None where it does not see enough."""
        up_px: F64 = -pose.xy[self._joints, 1]
        if not ((pose.confidence[self._joints] >= MIN_CONFIDENCE) & np.isfinite(up_px)).all():
            return None
        return _is_above(up_px, 0.0, 0.0)


def _is_above(height: F64, clearly: float, upright: float) -> bool:
    """Return whether wrists are above nose above hips; heights in the order of `JOINTS`."""
    nose, left_wrist, right_wrist, left_hip, right_hip = height
    return bool(
        min(left_wrist, right_wrist) > nose + clearly
        and nose > (left_hip + right_hip) / 2 + upright
    )
