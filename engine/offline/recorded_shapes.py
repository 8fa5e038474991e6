"""RecordedShapes: what a model for one camera makes of a whole recording.

A picture model looks at each image as it passes. A lifter looks at joints, so that it can wait
until all of them are known, and see what comes after an instant as well as what came before.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from calibration.geometry.arrays import F64, Mask
from calibration.rig import Camera, Rig
from calibration.skeleton import Skeleton
from engine.errors import UnreadableSourceError
from engine.frames import FrameSet
from engine.inference.preprocess import Region
from engine.monocular.crop import square_around_person
from engine.monocular.crop_shape import CropErrors, ShapeFromCrop
from engine.monocular.estimator import LiftedCrop, MonocularEstimator
from engine.monocular.joint_window import NOW, OFFSETS_S, JointWindows
from engine.monocular.lifted_shape import ShapeFromJoints, undistort_pixels_of
from engine.monocular.lifter import JointLifter, LiftedPoses
from engine.monocular.shape import BodyShape, EstimateShape
from engine.monocular.source import MAX_GAP_S, find_up
from engine.poses import Pose2D, PoseSet2D
from engine.reconstruction.body_size import LIMBS

MAX_PEOPLE = 2  # per image


class RecordedShapes(Protocol):
    """The shapes of the people in a recording.

    Attributes
    ----------
    sees_images
        Whether it looks at the images as they pass.
    """

    sees_images: bool

    def put(self, frames: FrameSet, poses_2d: PoseSet2D) -> None:
        """Look at an instant while it passes; poses are raw."""
        ...

    def prepare(self, poses_2d: Sequence[PoseSet2D], rig: Rig) -> None:
        """Take all instants once they are known, with the person as person 0 of every view."""
        ...

    def bind(self, poses_2d: PoseSet2D, rig: Rig) -> EstimateShape:
        """Return what gives the shapes of an instant."""
        ...


class RecordedPictures:
    """Shapes from a picture model, kept as the images pass by.

    Parameters
    ----------
    estimator
        Closed by the caller.
    skeleton
        Of the poses.
    """

    sees_images = True

    def __init__(self, estimator: MonocularEstimator, skeleton: Skeleton) -> None:
        self._estimator, self._skeleton = estimator, skeleton
        self._convert = ShapeFromCrop(
            skeleton, estimator.skeleton_name, CropErrors.from_metrics(estimator.metrics)
        )
        self._lifted_crops: dict[tuple[int, int], list[LiftedCrop]] = {}

    def put(self, frames: FrameSet, poses_2d: PoseSet2D) -> None:
        """Estimate depth where one view alone sees people."""
        seeing = [v for v, people in enumerate(poses_2d.poses_by_view) if people]
        if len(seeing) != 1:
            return
        view = seeing[0]
        frame = frames.frames[view]
        if frame is None:
            return
        people = poses_2d.poses_by_view[view][:MAX_PEOPLE]
        squares = [square_around_person(pose, self._skeleton, frame.size_wh) for pose in people]
        regions = [square for square in squares if square is not None]
        if not regions:
            return
        try:
            image = frame.image_bgr
        except UnreadableSourceError:  # it was counted where it was read
            return
        uvw, spread = self._estimator.estimate([(image, region) for region in regions])
        self._lifted_crops[poses_2d.index, view] = [
            LiftedCrop(region, one, wide) for region, one, wide in zip(regions, uvw, spread)
        ]

    def prepare(self, poses_2d: Sequence[PoseSet2D], rig: Rig) -> None:
        """Do nothing: every image was seen as it passed."""

    def bind(self, poses_2d: PoseSet2D, rig: Rig) -> EstimateShape:
        """Return what recalls the estimates of an instant."""

        def recall(view: int, seen: Pose2D) -> BodyShape | None:
            """Recall the model's estimate for this person."""
            region = square_around_person(seen, self._skeleton, rig[view].size_wh)
            crops = self._lifted_crops.get((poses_2d.index, view), [])
            lifted_crop = _find_nearest_crop(crops, region)
            return self._convert(lifted_crop, rig[view]) if lifted_crop is not None else None

        return recall


class WholeLifter:
    """Shapes from a lifter, which sees the joints before and after each instant.

    Parameters
    ----------
    lifter
        Closed by the caller.
    skeleton
        Of the poses.
    sees_future
        Whether it sees what comes after an instant.
    """

    sees_images = False

    def __init__(self, lifter: JointLifter, skeleton: Skeleton, *, sees_future: bool) -> None:
        self._lifter, self._sees_future = lifter, sees_future
        self._limbs = skeleton.indices(LIMBS)
        self._convert = ShapeFromJoints(skeleton)
        self._lifted: dict[int, tuple[LiftedPoses, dict[int, int]]] = {}

    def put(self, frames: FrameSet, poses_2d: PoseSet2D) -> None:
        """Do nothing: joints are all that it sees, and they are kept elsewhere."""

    def prepare(self, poses_2d: Sequence[PoseSet2D], rig: Rig) -> None:
        """Lift the person in every view at every instant."""
        self._lifted = {}
        for view in range(len(rig)):
            chosen = [(p, p.poses_by_view[view][0]) for p in poses_2d if p.poses_by_view[view]]
            if not chosen:
                continue
            windows = build_windows(*self._gather(chosen, view), rig[view])
            if not self._sees_future:
                windows.present[:, NOW + 1 :] = False
            own = [person.own_xyz for _, person in chosen]
            blank = np.full((len(LIMBS), 3), np.nan)
            own_xyz = np.stack([blank if one is None else one[self._limbs] for one in own])
            up = find_up(rig, view)
            lifted = self._lifter.lift(
                windows, None if up is None else np.repeat(up, len(chosen), 0), own_xyz
            )
            self._lifted[view] = lifted, {p.index: n for n, (p, _) in enumerate(chosen)}

    def bind(self, poses_2d: PoseSet2D, rig: Rig) -> EstimateShape:
        """Return what gives the shapes of an instant."""

        def find_shape(view: int, seen: Pose2D) -> BodyShape | None:
            """Find the shape of the person in a view."""
            if view not in self._lifted or poses_2d.index not in self._lifted[view][1]:
                return None
            lifted, positions = self._lifted[view]
            return self._convert(lifted, seen, rig[view], positions[poses_2d.index])

        return find_shape

    def _gather(
        self, chosen: Sequence[tuple[PoseSet2D, Pose2D]], view: int
    ) -> tuple[F64, F64, F64]:
        """Return the times (T,), s, and the limbs (T, 12, 2), px, and (T, 12) of a view."""
        own_ns = [poses.view_time_ns[view] for poses, _ in chosen]
        times_s = np.array(
            [p.timestamp_ns if own is None else own for own, (p, _) in zip(own_ns, chosen)]
        )
        xy = np.stack([person.xy[self._limbs] for _, person in chosen])
        confidence = np.stack([person.confidence[self._limbs] for _, person in chosen])
        return times_s * 1e-9, xy, np.nan_to_num(confidence)


def build_windows(times_s: F64, xy: F64, confidence: F64, camera: Camera) -> JointWindows:
    """Build the windows of all instants of a recording.

    Parameters
    ----------
    times_s : (T,)
        Rising.
    xy : (T, 12, 2), px
        NaN where not found.
    confidence : (T, 12), 0 to 1
    camera
        Of the view.

    Returns
    -------
    windows
        Of T instants; a moment that no instant is near is not there.
    """
    rays = undistort_pixels_of(xy, camera)
    nearest, present = _find_nearest(times_s)
    return JointWindows(rays[nearest], confidence[nearest], present)


def _find_nearest(times_s: F64) -> tuple[np.ndarray, Mask]:
    """Find the instant nearest to each moment of each window, (T, S), and whether it counts."""
    wanted = times_s[:, None] + np.array(OFFSETS_S)
    after = np.clip(np.searchsorted(times_s, wanted), 0, len(times_s) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times_s[before] - wanted) <= np.abs(times_s[after] - wanted)
    nearest = np.where(nearer, before, after)
    present = np.abs(times_s[nearest] - wanted) <= MAX_GAP_S
    nearest[:, NOW] = np.arange(len(times_s))
    present[:, NOW] = True
    return nearest, present


def _find_nearest_crop(
    lifted_crops: Sequence[LiftedCrop], region: Region | None
) -> LiftedCrop | None:
    """Find the estimate of a square; a tenth of its size tells two people apart."""
    for lifted_crop in lifted_crops:
        if (
            region is not None
            and _measure_distance_px(lifted_crop.region, region) < 0.1 * region.size_wh[0]
        ):
            return lifted_crop
    return None


def _measure_distance_px(one: Region, other: Region) -> float:
    """Measure how far the middles of two squares are apart, px."""
    (a, b), (c, d) = one.center_xy, other.center_xy
    return float(((a - c) ** 2 + (b - d) ** 2) ** 0.5)
