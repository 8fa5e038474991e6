"""Associate, frameset by frameset: who is the person in every view, and which side is left.

A whole take is associated better by `engine.offline`, which knows the future; this is the live stage.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from calibration.evidence import calibration_joints
from calibration.geometry.arrays import F64
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.poses import Pose2D, PoseSet2D

LEAST_CONFIDENCE = 0.3
SIGMA_OF_HEIGHT = 0.012  # error of a joint relative to the person's extent in the image
GATE_SIGMAS = 6.0  # farther from the expected place, by the median joint, is somebody else
FORGET_S = 0.5  # the room's person is looked for anew after so long
LEAST_JOINTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The person as last seen in the room."""

    xyz: F64
    timestamp_ns: int


class Associate:
    """Name the same person alike in all views and put left and right right; a stage that remembers.

    Parameters
    ----------
    skeleton

    Notes
    -----
    With a rig, each view's candidates are compared with where the person was a moment ago, as seen and with sides
    exchanged; when that is not known, with what two other views say. Without a rig each view goes on with the person
    and the sides that it had.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._joints = skeleton.indices(calibration_joints(skeleton))
        self._known: _Known | None = None
        self._last: dict[int, Pose2D] = {}

    def __call__(self, poses: PoseSet2D, rig: Rig | None) -> PoseSet2D:
        """Keep one person per view, as person 0; framesets come in the order of time."""
        chosen = [self._as_before(v, view) for v, view in enumerate(poses.views)]
        if rig is not None:
            chosen = self._as_in_room(poses, rig, chosen)
            self._remember(poses, rig, chosen)
        self._last |= {v: pose for v, pose in enumerate(chosen) if pose is not None}
        views = tuple((replace(pose, person=0),) if pose is not None else () for pose in chosen)
        return replace(poses, views=views)

    def _as_before(self, v: int, view: tuple[Pose2D, ...]) -> Pose2D | None:
        """Go on with a view's person and sides; begin with the surest."""
        if not view:
            return None
        last = self._last.get(v)
        if last is None:
            return max(view, key=lambda pose: pose.score * np.nan_to_num(pose.confidence).sum())
        variants = [variant for pose in view for variant in (pose, self._exchanged(pose))]
        return min(variants, key=lambda pose: self._distance(pose, last.xy))

    def _as_in_room(self, poses: PoseSet2D, rig: Rig, before: list[Pose2D | None]) -> list[Pose2D | None]:
        """Choose in every view what fits the person in the room; nobody where nothing does."""
        xyz = self._expected(poses, rig)
        if xyz is None:
            return before
        chosen: list[Pose2D | None] = []
        for camera, view in zip(rig.cameras, poses.views):
            image = project(xyz, camera)
            variants = [variant for pose in view for variant in (pose, self._exchanged(pose))]
            best = min(variants, key=lambda pose: self._distance(pose, image), default=None)
            fits = best is not None and self._distance(best, image) < GATE_SIGMAS
            chosen.append(best if fits else None)
        return chosen

    def _expected(self, poses: PoseSet2D, rig: Rig) -> F64 | None:
        """Say where the person should be in the room, (J, 3): where they were, or where two views agree on."""
        if self._known is not None and poses.timestamp_ns - self._known.timestamp_ns < FORGET_S * 1e9:
            return self._known.xyz
        best, best_cost = None, np.inf
        for a, b in itertools.combinations(range(len(rig)), 2):
            for one, other in itertools.product(poses.views[a], poses.views[b]):
                for variant in (other, self._exchanged(other)):
                    xyz = self._points({a: one, b: variant}, rig)
                    cost = self._distance(one, project(xyz, rig[a])) + self._distance(variant, project(xyz, rig[b]))
                    if cost < best_cost:
                        best, best_cost = xyz, cost
        return best

    def _remember(self, poses: PoseSet2D, rig: Rig, chosen: list[Pose2D | None]) -> None:
        """Keep where the person is, for the next frameset."""
        present = {v: pose for v, pose in enumerate(chosen) if pose is not None}
        if len(present) < 2:
            return
        xyz = self._points(present, rig)
        if np.isfinite(xyz).all(-1).sum() >= LEAST_JOINTS:
            old = self._known.xyz if self._known is not None else xyz
            self._known = _Known(np.where(np.isfinite(xyz), xyz, old), poses.timestamp_ns)

    def _points(self, present: dict[int, Pose2D], rig: Rig) -> F64:
        """Triangulate all joints from some views, (J, 3)."""
        cameras = [rig[v] for v in present]
        xy = np.stack([pose.xy for pose in present.values()])
        sure = np.stack([pose.confidence for pose in present.values()]) >= LEAST_CONFIDENCE
        return triangulate(xy, sure.astype(float), cameras)

    def _exchanged(self, pose: Pose2D) -> Pose2D:
        """Exchange left and right."""
        mirror = self._skeleton.mirror
        return replace(pose, xy=pose.xy[mirror], confidence=pose.confidence[mirror])

    def _distance(self, pose: Pose2D, image: F64) -> float:
        """Median distance of the limbs from expected places, in sigmas; infinite where too few can be compared."""
        xy = pose.xy[self._joints]
        sure = pose.confidence[self._joints] >= LEAST_CONFIDENCE
        error = np.linalg.norm(xy - image[self._joints], axis=-1)[sure]
        error = error[np.isfinite(error)]
        if len(error) < LEAST_JOINTS:
            return np.inf
        extent = float(np.ptp(xy[sure][np.isfinite(xy[sure]).all(-1), 1])) + 1.0
        return float(np.median(error)) / max(SIGMA_OF_HEIGHT * extent, 1.0)
