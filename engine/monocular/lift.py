"""Lift: where one camera alone sees the person, its network's pose, placed in the room, with honest
errors.

What it gives is a guess along the line of sight, and says so: its joints count one view. Where
several cameras see the person, nothing changes at all.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.geometry.projection import rays_from_pixels, undistort
from calibration.rig import Camera, Rig
from calibration.skeleton import Skeleton, load_skeleton
from engine.inference.patch import Crop, image_from_patch
from engine.inference.preprocess import Region
from engine.monocular.depth import DepthFilter
from engine.monocular.floor import compute_floor_shift_m, keep_above_floor
from engine.monocular.guessed_room import is_guessed, is_same_guess
from engine.monocular.head import CROWN, EARS, SHOULDERS, TURNED_HEAD_SIGMA_M, estimate_ears
from engine.monocular.network_size import DepthCorrection
from engine.monocular.placing import (
    PlacedBody,
    anchor_to_joints,
    compute_joint_covariance,
    place_body,
    size_from_bones,
)
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

ROOT = "pelvis"
_TWIN = np.array(
    [i ^ 1 for i in range(len(LIMBS + EARS))]
)  # of each joint that is lifted, the other side's
_SHOULDERS = [LIMBS.index(joint) for joint in SHOULDERS]
_HIPS = [LIMBS.index("left_hip"), LIMBS.index("right_hip")]
_MAX_SWAPPED_RATIO = 0.6  # sides are exchanged if the joints found are so much nearer then
_SWITCH_RATIO = 1.25  # another view must be so much surer before the eye moves to it
_MAX_DOUBT = (
    3.0  # a joint whose heat map is wider than its fellows' by this counts no less than one of this
)
SAMPLE_EVERY_NS = 1_000_000_000
_MIN_SAMPLE_LIMBS = (
    10  # of twelve limb joints: whoever is half out of the image teaches how half of them looks
)
_PLAUSIBLE_MM = (1.0, 500.0)  # of a network's own errors, as its card tells them


class MonocularEstimator(Protocol):
    """A network that sees a pose with its depth in one image.

    Attributes
    ----------
    name
        In words.
    skeleton_name
        Of its joints; it has the twelve limbs' and the pelvis.
    """

    name: str
    skeleton_name: str

    @property
    def metrics(self) -> Mapping[str, float]:
        """What it erred by on what was held out, by name with the unit; empty where nobody measured."""
        ...

    def estimate(self, images: Sequence[tuple[U8, Region]]) -> tuple[F64, F64]:
        """Look at squares of images.

        Parameters
        ----------
        images : N of them
            An image (H, W, 3) BGR, and the square around a person.

        Returns
        -------
        uvw : (N, J, 3)
            As `engine.inference.patch` has them.
        spread : (N, J, 3)
            Standard deviation of each joint's heat map, in the same units.
        """
        ...

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LiftedCrop:
    """What a network said of one person in one view.

    Parameters
    ----------
    region
        The square that it saw.
    uvw, spread : (J, 3)
        Of the network's joints.
    """

    region: Region
    uvw: F64
    spread: F64


@dataclass(frozen=True, slots=True, eq=False)
class DepthSample:
    """Somebody whom several cameras see: what a look through one of them is to be held against.

    Parameters
    ----------
    view
        To look through.
    seen
        The person in it.
    camera
        Of the view.
    depth_m
        Of the root before that camera, as triangulated.
    """

    view: int
    seen: Pose2D
    camera: Camera
    depth_m: float


EstimateCrop: TypeAlias = Callable[[int, Pose2D], LiftedCrop | None]
"""Looks at a person in a view; None where there is no image."""


@dataclass(frozen=True, slots=True)
class MonocularConfig:
    """When one camera's guess is asked for, and how good it is.

    Parameters
    ----------
    min_limbs
        Of twelve: with fewer in the room, the rest is lifted.
    across_m, along_m
        What a joint of the network errs by, m per axis, across the line of sight and along it,
        beside the size.
    upright_every_ns
        How often a person tells where up is, before a camera that nobody calibrated.
    """

    min_limbs: int = 6
    across_m: float = 0.03
    along_m: float = 0.06
    upright_every_ns: int = EVERY_NS

    @classmethod
    def from_metrics(cls, metrics: Mapping[str, float]) -> "MonocularConfig":
        """Take a network's errors from its card: ``across_mm`` and ``along_mm``; the usual ones where it is silent."""
        usual, (low, high) = cls(), _PLAUSIBLE_MM
        across_mm, along_mm = (metrics.get(name, np.nan) for name in ("across_mm", "along_mm"))
        return cls(
            across_m=across_mm / 1000 if low <= across_mm <= high else usual.across_m,
            along_m=along_mm / 1000 if low <= along_mm <= high else usual.along_m,
        )


class MonocularReconstructor:
    """Give a pose in the room where one view alone sees the person; a step of the stage
    `reconstruct`, with memory.

    Parameters
    ----------
    skeleton
        Of the poses; it has the twelve limbs' joints.
    model_skeleton_name
        Name of the skeleton of what `EstimateCrop` returns.
    stature_m
        Of the person; None where it is not known.
    config
    """

    def __init__(
        self,
        skeleton: Skeleton,
        model_skeleton_name: str,
        stature_m: float | None = None,
        config: MonocularConfig = MonocularConfig(),
    ) -> None:
        model_skeleton = load_skeleton(model_skeleton_name)
        with_head = CROWN in model_skeleton.joints and set(EARS) <= set(skeleton.joints)
        self._limbs = skeleton.indices(LIMBS)
        self._ears = skeleton.indices(EARS if with_head else ())
        self._joints = np.concatenate([self._limbs, self._ears])
        self._model_joints = model_skeleton.indices(
            (*LIMBS, ROOT, CROWN) if with_head else (*LIMBS, ROOT)
        )
        self._spread_joints = model_skeleton.indices(
            (*LIMBS, CROWN, CROWN) if with_head else LIMBS
        )  # for each of the joints
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
        """Which view was lifted last."""
        return self._view

    def set_stature(self, stature_m: float | None) -> None:
        """Take this as the person's height, m."""
        self._size.stature_m = stature_m

    def __call__(
        self, estimate_crop: EstimateCrop, poses_2d: PoseSet2D, poses_3d: PoseSet3D, rig: Rig | None
    ) -> PoseSet3D:
        """Fill in what one view alone sees.

        Parameters
        ----------
        estimate_crop
            Asked at most once.
        poses_2d
            Associated.
        poses_3d
            As triangulated.
        rig
            Its cameras are the views.

        Returns
        -------
        poses_3d
            The same object where several views see the person, or nobody does.
        """
        if rig is None or len(rig) != len(poses_2d.poses_by_view):
            return poses_3d
        if rig is not self._rig:
            self._change_rig(rig)
        person = poses_3d.people[0] if poses_3d.people else None
        if person is not None and self._is_known(person, poses_3d.timestamp_ns):
            return poses_3d
        view = self._choose_view(poses_2d)
        lifted_crop = (
            estimate_crop(view, poses_2d.poses_by_view[view][0]) if view is not None else None
        )
        if view is None or lifted_crop is None:
            return poses_3d
        seen = poses_2d.poses_by_view[view][0]
        reconstructed = self._reconstruct((seen, lifted_crop), person, rig, poses_3d.timestamp_ns)
        if reconstructed is None:
            return poses_3d
        return replace(poses_3d, people=(reconstructed, *poses_3d.people[1:]))

    def sample_depth(
        self, poses_2d: PoseSet2D, poses_3d: PoseSet3D, rig: Rig | None
    ) -> DepthSample | None:
        """Choose, now and then, a look that tells how far the network's distances are off; each
        view in its turn.

        Parameters
        ----------
        poses_2d, poses_3d, rig
            As `__call__` had them last.

        Returns
        -------
        lesson
            None where it is not yet time, or nothing is to be learned: the person's own bones are
            not known yet.
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

    def learn_depth(self, sample: DepthSample, lifted_crop: LiftedCrop) -> None:
        """Hold what the network says against what several cameras measured; of another rig nothing is learned."""
        if self._rig is None or sample.camera not in self._rig.cameras:
            return
        placed = self._place(sample.seen, lifted_crop, sample.camera)
        if placed is not None:
            self._depth_correction.put(float(placed.root[2]), sample.depth_m)

    def estimate_floor(self) -> Floor | None:
        """Say where the floor is in the room that is made up for one camera; None before that is learned."""
        return self._upright.estimate_floor(self._size.estimate_ankle_height_m())

    def _change_rig(self, rig: Rig) -> None:
        """Forget what was known in another room, perhaps of another scale; one that is turned is the same."""
        before, self._rig = self._rig, rig
        if before is not None and is_same_guess(rig, before):
            self._depth.change_camera(before[0], rig[0])
            return
        for memory in (self._size, self._depth, self._depth_correction, self._upright):
            memory.reset()

    def _is_known(self, person: Pose3D, timestamp_ns: int) -> bool:
        """Whether the person's limbs are in the room already; learn from them if so."""
        limbs = person.xyz[self._limbs]
        if np.isfinite(limbs).all(-1).sum() < self._config.min_limbs:
            return False
        self._size.put(person, timestamp_ns)
        self._depth.update_measured(limbs[_HIPS].mean(0), timestamp_ns)
        return True

    def _choose_view(self, poses: PoseSet2D) -> int | None:
        """Choose the view that sees most of the limbs; the last one unless another is clearly better."""
        sure = [self._sum_confidence(view[0]) if view else 0.0 for view in poses.poses_by_view]
        best = int(np.argmax(sure))
        if self._view < len(sure) and sure[best] < _SWITCH_RATIO * sure[self._view]:
            best = self._view
        self._view = best
        return best if sure[best] > 0 else None

    def _sum_confidence(self, pose: Pose2D, min_limbs: int = len(LIMBS) // 2) -> float:
        """Sum the confidence of the limbs in a view; 0 where too few of them are found."""
        confidence = np.where(np.isfinite(pose.xy).all(-1), pose.confidence, 0.0)[self._limbs]
        found = confidence >= MIN_CONFIDENCE
        return float(confidence[found].sum()) if found.sum() >= min_limbs else 0.0

    def _reconstruct(
        self,
        observation: tuple[Pose2D, LiftedCrop],
        known: Pose3D | None,
        rig: Rig,
        timestamp_ns: int,
    ) -> Pose3D | None:
        """Put the network's pose into the room; joints that are there already stay. None where it cannot be placed."""
        camera, (seen, lifted_crop) = rig[self._view], observation
        placed = self._place(seen, lifted_crop, camera)
        if placed is None:
            return None
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
        doubt = self._measure_doubt(lifted_crop)
        turned = np.where(np.arange(len(doubt)) < len(LIMBS), 0.0, TURNED_HEAD_SIGMA_M)
        across_m, along_m = (
            np.hypot(sigma * doubt, turned)
            for sigma in (self._config.across_m, self._config.along_m)
        )
        covariance = compute_joint_covariance(placed, across_m, along_m)
        xyz = (placed.xyz - camera.t) @ camera.R
        xyz[:, 2] += compute_floor_shift_m(xyz, self._size.estimate_ankle_height_m(), rig)
        confidence = np.nan_to_num(seen.confidence[self._joints]) * np.exp(0.5 - 0.5 * doubt)
        return self._build_pose(xyz, confidence, camera.R.T @ covariance @ camera.R, known)

    def _place(self, seen: Pose2D, lifted_crop: LiftedCrop, camera: Camera) -> PlacedBody | None:
        """Put the network's pose before its camera; None where too little of it is seen."""
        crop = Crop(lifted_crop.region, 1, camera)  # of any size: nothing is cut
        uvw = lifted_crop.uvw[self._model_joints]
        points = np.concatenate([image_from_patch(uvw[:, :2], crop), seen.xy[self._joints]])
        rays = undistort(
            rays_from_pixels(points, camera.matrix), camera.distortion
        )  # once: it is half of all work
        depth = (
            1.0 + uvw[:, 2:] * crop.field_at_1m
        )  # as in `engine.inference.patch.camera_from_patch`
        whole = np.concatenate([rays[: len(uvw)] * depth, depth], -1)
        rays = rays[len(uvw) :]
        shape, root = whole[: len(LIMBS)], whole[len(LIMBS)]
        shape = np.concatenate(
            [shape, *(estimate_ears(crown, shape[_SHOULDERS]) for crown in whole[len(LIMBS) + 1 :])]
        )
        sure = seen.confidence[self._limbs]
        weight = np.pad(
            np.where(sure >= MIN_CONFIDENCE, sure, 0.0), (0, len(self._ears))
        )  # ears place nobody
        lengths, share = self._size.estimate_bone_lengths()
        size = size_from_bones(shape, BONES, lengths, share)
        if not np.isfinite(size).all() or not np.isfinite(root).all():
            return None
        sided = _match_sides(shape, rays, weight)
        return place_body(sided, root, rays, weight, size)

    def _measure_doubt(self, lifted_crop: LiftedCrop) -> F64:
        """Say how much wider than its fellows the heat map of each joint is, (L,), 1 to 3; of an ear, the crown's."""
        wide = np.linalg.norm(lifted_crop.spread[self._spread_joints], axis=-1)
        middle = float(np.median(wide[np.isfinite(wide)])) if np.isfinite(wide).any() else 0.0
        if not middle > 0:
            return np.ones(len(wide))
        return np.clip(np.where(np.isfinite(wide), wide / middle, _MAX_DOUBT), 1.0, _MAX_DOUBT)

    def _build_pose(
        self, xyz: F64, confidence: F64, covariance: F64, known: Pose3D | None
    ) -> Pose3D:
        """Make a pose of joints (L, 3); what is in the room already stays as it is there."""
        pose = known if known is not None else build_empty_pose(self._count)
        free = ~np.isfinite(pose.xyz[self._joints]).all(-1) & np.isfinite(xyz).all(-1)
        joints = self._joints[free]
        filled = deepcopy(pose)
        filled.xyz[joints], filled.confidence[joints] = xyz[free], confidence[free]
        filled.covariance[joints], filled.view_count[joints] = covariance[free], 1
        filled.source[joints] = JointSource.GUESSED
        return filled


def _match_sides(shape: F64, rays: F64, weight: F64) -> F64:
    """Exchange the sides of a network's pose where the joints found, whose sides time has put right, say so."""
    image = shape[:, :2] / shape[:, 2:]
    good = weight > 0

    def measure_distance(places: F64) -> float:
        """Measure how far the joints found are from those of the network."""
        return float(np.nanmedian(np.linalg.norm((places - rays)[good], axis=-1)))

    if not np.isfinite((image - rays)[good]).any():
        return shape
    twin = _TWIN[: len(shape)]
    return (
        shape[twin]
        if measure_distance(image[twin]) < _MAX_SWAPPED_RATIO * measure_distance(image)
        else shape
    )
