"""MonocularReconstructor: a model's pose, placed in the room where only one camera sees the person.

The result is a guess along the line of sight and marked as such: its joints have a view count of 1
and a covariance to match. Where several cameras see the person, nothing changes.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.projection import rays_from_pixels, undistort
from calibration.rig import Camera, Rig
from calibration.skeleton import Skeleton
from engine.monocular.depth import DepthFilter
from engine.monocular.depth_correction import DepthCorrection
from engine.monocular.floor import compute_floor_shift_m, keep_above_floor
from engine.monocular.guessed_room import is_guessed, is_same_guess
from engine.monocular.head import EARS
from engine.monocular.placing import (
    PlacedBody,
    anchor_to_joints,
    compute_joint_covariance,
    place_body,
    size_from_bones,
)
from engine.monocular.shape import BodyShape, EstimateShape
from engine.monocular.upright import EVERY_NS, Floor, FloorEstimator
from engine.poses import (
    MIN_CONFIDENCE,
    JointSource,
    Pose2D,
    Pose3D,
    PoseSet2D,
    PoseSet3D,
    build_empty_pose,
)
from engine.reconstruction.body_size import BONES, LIMBS, MEDIAN_ERROR_SHARE, MIN_VIEWS, BodySize

_TWIN = np.array([i ^ 1 for i in range(len(LIMBS + EARS))])  # each lifted joint's other side
_HIPS = [LIMBS.index("left_hip"), LIMBS.index("right_hip")]
_MAX_SWAPPED_RATIO = 0.6  # sides are swapped if the 2D joints are this much nearer then
_SWITCH_RATIO = 1.25  # another view must be this much more confident to be chosen
SAMPLE_EVERY_NS = 1_000_000_000
_MIN_SAMPLE_LIMBS = 10  # of twelve: half a person in the image gives a depth for half a person


@dataclass(frozen=True, slots=True, eq=False)
class DepthSample:
    """A triangulated person whose depth a monocular estimate from one view is compared with.

    Parameters
    ----------
    view
        Number of the view.
    seen
        The person in that view.
    camera
        Of the view.
    depth_m
        Of the root before that camera, triangulated.
    """

    view: int
    seen: Pose2D
    camera: Camera
    depth_m: float


@dataclass(frozen=True, slots=True)
class MonocularConfig:
    """When monocular depth is used.

    Parameters
    ----------
    min_limbs
        Of twelve: with fewer triangulated, the others are guessed.
    upright_every_ns
        How often the floor before an uncalibrated camera is estimated from the person.
    """

    min_limbs: int = 6
    upright_every_ns: int = EVERY_NS


class MonocularReconstructor:
    """Reconstruct the person where only one view sees them; a step of `reconstruct` with memory.

    Parameters
    ----------
    skeleton
        Of the poses; contains the twelve limb joints.
    stature_m
        Of the person; None where it is not known.
    config
    """

    def __init__(
        self,
        skeleton: Skeleton,
        stature_m: float | None = None,
        config: MonocularConfig = MonocularConfig(),
    ) -> None:
        with_head = set(EARS) <= set(skeleton.joints)
        self._limbs = skeleton.indices(LIMBS)
        self._ears = skeleton.indices(EARS if with_head else ())
        self._joints = np.concatenate([self._limbs, self._ears])
        self._count, self._config = len(skeleton.joints), config
        self._size = BodySize(skeleton, stature_m)
        self._depth = DepthFilter()
        self._depth_correction = DepthCorrection()
        self._upright = FloorEstimator(config.upright_every_ns)
        self._rig: Rig | None = None
        self._view = 0
        self._sampled_view, self._sampled_ns = -1, -SAMPLE_EVERY_NS

    @property
    def view(self) -> int:
        """The view that was lifted last."""
        return self._view

    def set_stature(self, stature_m: float | None) -> None:
        """Set the person's stature, m; None where it is not known."""
        self._size.stature_m = stature_m

    def __call__(
        self,
        estimate_shape: EstimateShape,
        poses_2d: PoseSet2D,
        poses_3d: PoseSet3D,
        rig: Rig | None,
    ) -> PoseSet3D:
        """Fill in the joints that only one view sees.

        Parameters
        ----------
        estimate_shape
            Called at most once.
        poses_2d
            Associated.
        poses_3d
            As triangulated.
        rig
            Its cameras are the views, in order.

        Returns
        -------
        poses_3d
            The same object where several views see the person, or none does.
        """
        if rig is None or len(rig) != len(poses_2d.poses_by_view):
            return poses_3d
        if rig is not self._rig:
            self._change_rig(rig)
        person = poses_3d.people[0] if poses_3d.people else None
        if person is not None and self._is_known(person, poses_3d.timestamp_ns):
            return poses_3d
        view = self._choose_view(poses_2d)
        shape = estimate_shape(view, poses_2d.poses_by_view[view][0]) if view is not None else None
        if view is None or shape is None:
            return poses_3d
        seen = poses_2d.poses_by_view[view][0]
        reconstructed = self._reconstruct((seen, shape), person, rig, poses_3d.timestamp_ns)
        if reconstructed is None:
            return poses_3d
        return replace(poses_3d, people=(reconstructed, *poses_3d.people[1:]))

    def sample_depth(
        self, poses_2d: PoseSet2D, poses_3d: PoseSet3D, rig: Rig | None
    ) -> DepthSample | None:
        """Choose, once a second, a view to compare the model's depth in; the views take turns.

        Parameters
        ----------
        poses_2d, poses_3d, rig
            As last passed to `__call__`.

        Returns
        -------
        sample
            None where it is not yet time, or the person's own bone lengths are not known yet.
        """
        early = 0 <= poses_3d.timestamp_ns - self._sampled_ns < SAMPLE_EVERY_NS
        if (
            early
            or rig is None
            or rig is not self._rig
            or not poses_3d.people
            or self._size.estimate_bone_lengths()[1] > MEDIAN_ERROR_SHARE
        ):
            return None
        # The measured bones are required: by stature alone, the error of the size would be learned
        # as one of the model, and be wrong again as soon as the bones are measured.
        person = poses_3d.people[0]
        hips = self._limbs[_HIPS]
        if (person.view_count[hips] < MIN_VIEWS).any():
            return None
        for view in np.roll(np.arange(len(rig)), -1 - self._sampled_view).tolist():
            people, camera = poses_2d.poses_by_view[view], rig[view]
            depth_m = float((camera.R @ person.xyz[hips].mean(0) + camera.t)[2])
            if people and depth_m > 0 and self._sum_confidence(people[0], _MIN_SAMPLE_LIMBS) > 0:
                self._sampled_view = view
                self._sampled_ns = poses_3d.timestamp_ns
                return DepthSample(view, people[0], camera, depth_m)
        return None

    def learn_depth(self, sample: DepthSample, shape: BodyShape) -> None:
        """Compare a monocular depth with the triangulated one.

        Parameters
        ----------
        sample
            As `sample_depth` gave it; ignored if its camera is not of the rig in use.
        shape
            What the model estimated for it.
        """
        if self._rig is None or sample.camera not in self._rig.cameras:
            return
        placed = self._place(sample.seen, shape, sample.camera)
        if placed is not None:
            self._depth_correction.put(float(placed.root[2]), sample.depth_m)

    def estimate_floor(self) -> Floor | None:
        """Estimate the floor of the guessed room; None until enough was seen."""
        return self._upright.estimate_floor(self._size.estimate_ankle_height_m())

    def _change_rig(self, rig: Rig) -> None:
        """Forget what was learned with another rig; a guessed room that was turned is the same."""
        before, self._rig = self._rig, rig
        if before is not None and is_same_guess(rig, before):
            self._depth.change_camera(before[0], rig[0])
            return
        for memory in (self._size, self._depth, self._depth_correction, self._upright):
            memory.reset()

    def _is_known(self, person: Pose3D, timestamp_ns: int) -> bool:
        """Return whether the limbs are triangulated; if so, learn size and depth from them."""
        limbs = person.xyz[self._limbs]
        if np.isfinite(limbs).all(-1).sum() < self._config.min_limbs:
            return False
        self._size.put(person, timestamp_ns)
        self._depth.update_measured(limbs[_HIPS].mean(0), timestamp_ns)
        return True

    def _choose_view(self, poses: PoseSet2D) -> int | None:
        """Choose the most confident view; the last one unless another is clearly better."""
        sure = [self._sum_confidence(view[0]) if view else 0.0 for view in poses.poses_by_view]
        best = int(np.argmax(sure))
        if self._view < len(sure) and sure[best] < _SWITCH_RATIO * sure[self._view]:
            best = self._view
        self._view = best
        return best if sure[best] > 0 else None

    def _sum_confidence(self, pose: Pose2D, min_limbs: int = len(LIMBS) // 2) -> float:
        """Sum the confidence of the limbs in a view; 0 where too few are found."""
        confidence = np.where(np.isfinite(pose.xy).all(-1), pose.confidence, 0.0)[self._limbs]
        found = confidence >= MIN_CONFIDENCE
        return float(confidence[found].sum()) if found.sum() >= min_limbs else 0.0

    def _reconstruct(
        self,
        observation: tuple[Pose2D, BodyShape],
        known: Pose3D | None,
        rig: Rig,
        timestamp_ns: int,
    ) -> Pose3D | None:
        """Place the model's pose in the room; None if it cannot be. Triangulated joints stay."""
        camera, (seen, shape) = rig[self._view], observation
        placed = self._place(seen, shape, camera)
        if placed is None:
            return None
        # Only the distance from the camera is uncertain, and each step below narrows it: this
        # person's measured bias, joints that are triangulated, the floor, and the last frames. All
        # of them scale the body about the camera, so that the image of it never changes.
        placed = self._depth_correction.correct(placed)
        if known is not None:
            placed = anchor_to_joints(placed, known.xyz[self._joints] @ camera.R.T + camera.t)
        if not is_guessed(rig):
            placed = keep_above_floor(placed, camera, self._size.estimate_ankle_height_m() / 2)
        placed = self._depth.smooth(placed, camera, timestamp_ns)
        if is_guessed(rig):
            found = seen.confidence[self._limbs] >= MIN_CONFIDENCE
            self._upright.put(
                np.where(found[:, None], placed.xyz[: len(LIMBS)], np.nan), timestamp_ns
            )
        covariance = compute_joint_covariance(placed, shape.covariance)
        xyz = (placed.xyz - camera.t) @ camera.R
        xyz[:, 2] += compute_floor_shift_m(xyz, self._size.estimate_ankle_height_m(), rig)
        confidence = np.nan_to_num(seen.confidence[self._joints]) * np.exp(0.5 - 0.5 * shape.doubt)
        return self._build_pose(xyz, confidence, camera.R.T @ covariance @ camera.R, known)

    def _place(self, seen: Pose2D, shape: BodyShape, camera: Camera) -> PlacedBody | None:
        """Place the model's pose before its camera; None where too little of it is seen."""
        pixels = seen.xy[self._joints]
        rays = undistort(rays_from_pixels(pixels, camera.matrix), camera.distortion)
        sure = seen.confidence[self._limbs]
        # Ears get no weight: they are derived from the crown and would not help to place the body.
        weight = np.pad(np.where(sure >= MIN_CONFIDENCE, sure, 0.0), (0, len(self._ears)))
        lengths, share = self._size.estimate_bone_lengths()
        size = size_from_bones(shape.xyz, BONES, lengths, share)
        if not np.isfinite(size).all() or not np.isfinite(shape.root).all():
            return None
        sided = _match_sides(shape.xyz, rays, weight)
        return place_body(sided, shape.root, rays, weight, size)

    def _build_pose(
        self, xyz: F64, confidence: F64, covariance: F64, known: Pose3D | None
    ) -> Pose3D:
        """Make a pose of joints (L, 3); joints of `known` stay as they are."""
        pose = known if known is not None else build_empty_pose(self._count)
        free = ~np.isfinite(pose.xyz[self._joints]).all(-1) & np.isfinite(xyz).all(-1)
        joints = self._joints[free]
        filled = deepcopy(pose)
        filled.xyz[joints], filled.confidence[joints] = xyz[free], confidence[free]
        filled.covariance[joints], filled.view_count[joints] = covariance[free], 1
        filled.source[joints] = JointSource.GUESSED
        return filled


def _match_sides(shape: F64, rays: F64, weight: F64) -> F64:
    """Swap the sides of a model's pose if the 2D joints, repaired over time, are swapped."""
    image = shape[:, :2] / shape[:, 2:]
    good = weight > 0

    def measure_distance(places: F64) -> float:
        """Measure how far the 2D joints are from the model's."""
        return float(np.nanmedian(np.linalg.norm((places - rays)[good], axis=-1)))

    if not np.isfinite((image - rays)[good]).any():
        return shape
    twin = _TWIN[: len(shape)]
    return (
        shape[twin]
        if measure_distance(image[twin]) < _MAX_SWAPPED_RATIO * measure_distance(image)
        else shape
    )
