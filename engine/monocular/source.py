"""ShapeSource: where the shape of a person seen by one camera comes from, while cameras run."""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Camera, Rig
from calibration.skeleton import Skeleton
from engine.errors import UnreadableSourceError
from engine.frames import FrameSet
from engine.monocular.crop import square_around_person
from engine.monocular.crop_shape import CropErrors, ShapeFromCrop
from engine.monocular.estimator import LiftedCrop, MonocularEstimator
from engine.monocular.guessed_room import is_guessed
from engine.monocular.joint_window import OFFSETS_S, JointWindows
from engine.monocular.lifted_shape import ShapeFromJoints, undistort_pixels_of
from engine.monocular.lifter import JointLifter
from engine.monocular.shape import BodyShape, EstimateShape
from engine.poses import Pose2D, PoseSet2D
from engine.reconstruction.body_size import LIMBS

MonocularModel: TypeAlias = MonocularEstimator | JointLifter
"""A model for one camera: it sees pictures, or the joints that the 2D model found."""

HISTORY_LENGTH = 64  # instants kept of a view: 0.4 s of the fastest camera
MAX_GAP_S = 0.06  # a moment is seen if an instant lies so near: half a frame at 8 per second


class ShapeSource(Protocol):
    """A model in service, with what it remembers of the instants before.

    Attributes
    ----------
    name
        Of the model, for messages.
    model
        Closed by the source.
    sees_images
        Whether it needs the images of an instant.
    """

    name: str
    model: MonocularModel
    sees_images: bool

    def bind(self, frames: FrameSet | None, poses_2d: PoseSet2D, rig: Rig | None) -> EstimateShape:
        """Take one instant, and return what estimates the people in it.

        Parameters
        ----------
        frames
            Its images; None for a source that sees none.
        poses_2d
            Associated; instants come in order of time.
        rig
            Its cameras are the views; None where it is not known: then nothing is estimated.

        Returns
        -------
        estimate_shape
            May be called later and from another thread.
        """
        ...

    def close(self) -> None:
        """Release the model; may be called twice."""
        ...


def make_source(model: MonocularModel, skeleton: Skeleton) -> ShapeSource:
    """Put a model into service for poses of a skeleton."""
    if isinstance(model, JointLifter):
        return LifterSource(model, skeleton)
    return PictureSource(model, skeleton)


class PictureSource:
    """Shapes from a model that sees the person in a square of the image."""

    sees_images = True

    def __init__(self, estimator: MonocularEstimator, skeleton: Skeleton) -> None:
        self.name = estimator.name
        self.model: MonocularModel = estimator
        self._estimator, self._skeleton = estimator, skeleton
        self._convert = ShapeFromCrop(
            skeleton, estimator.skeleton_name, CropErrors.from_metrics(estimator.metrics)
        )
        self._lock = threading.Lock()  # the stage and the depth samples both use the model

    def bind(self, frames: FrameSet | None, poses_2d: PoseSet2D, rig: Rig | None) -> EstimateShape:
        """Return what cuts people out of the images of an instant; see `ShapeSource`."""
        del poses_2d

        def estimate_shape(view: int, seen: Pose2D) -> BodyShape | None:
            """Estimate the shape of a person in one view."""
            frame = frames.frames[view] if frames is not None else None
            if frame is None or rig is None:
                return None
            region = square_around_person(seen, self._skeleton, frame.size_wh)
            if region is None:
                return None
            try:
                image = frame.image_bgr
            except UnreadableSourceError:  # counted where it was received
                return None
            with self._lock:
                uvw, spread = self._estimator.estimate([(image, region)])
            return self._convert(LiftedCrop(region, uvw[0], spread[0]), rig[view])

        return estimate_shape

    def close(self) -> None:
        """Release the model; may be called twice."""
        with self._lock:
            self._estimator.close()


@dataclass(frozen=True, slots=True, eq=False)
class SeenLimbs:
    """The limb joints of the person in one view at one moment: (12, 2) px, and (12,)."""

    time_ns: int
    xy: F64
    confidence: F64


class LifterSource:
    """Shapes from the joints in the image, of this instant and of those before."""

    sees_images = False

    def __init__(self, lifter: JointLifter, skeleton: Skeleton) -> None:
        self.name = lifter.name
        self.model: MonocularModel = lifter
        self._lifter = lifter
        self._convert = ShapeFromJoints(skeleton)
        self._limbs = skeleton.indices(LIMBS)
        self._history: defaultdict[int, deque[SeenLimbs]] = defaultdict(
            lambda: deque(maxlen=HISTORY_LENGTH)
        )
        self._lock = threading.Lock()  # the stage and the depth samples both use the model

    def bind(self, frames: FrameSet | None, poses_2d: PoseSet2D, rig: Rig | None) -> EstimateShape:
        """Remember the joints of an instant; see `ShapeSource`."""
        del frames
        past: dict[int, tuple[SeenLimbs, ...]] = {}
        for view, people in enumerate(poses_2d.poses_by_view):
            time_ns = poses_2d.view_time_ns[view]
            if people:
                moment_ns = poses_2d.timestamp_ns if time_ns is None else time_ns
                self._remember(view, people[0], moment_ns)
                past[view] = tuple(self._history[view])

        def estimate_shape(view: int, seen: Pose2D) -> BodyShape | None:
            """Estimate the shape of a person in one view."""
            if rig is None or not past.get(view):
                return None
            windows = build_past_window(past[view], rig[view])
            own_xyz = seen.own_xyz[self._limbs][None] if seen.own_xyz is not None else None
            with self._lock:
                lifted = self._lifter.lift(windows, find_up(rig, view), own_xyz)
            return self._convert(lifted, seen, rig[view])

        return estimate_shape

    def close(self) -> None:
        """Release the model; may be called twice."""
        with self._lock:
            self._lifter.close()

    def _remember(self, view: int, pose: Pose2D, time_ns: int) -> None:
        """Keep the limbs of an instant; a clock that goes back starts again."""
        history = self._history[view]
        if history and time_ns <= history[-1].time_ns:
            history.clear()
        history.append(SeenLimbs(time_ns, pose.xy[self._limbs], pose.confidence[self._limbs]))


def find_up(rig: Rig, view: int) -> F64 | None:
    """Return where up is before a camera, (1, 3), camera; None in a guessed room."""
    return None if is_guessed(rig) else rig[view].R[:, 2][None]


def build_past_window(past: tuple[SeenLimbs, ...], camera: Camera) -> JointWindows:
    """Build the window of the last of some moments, without the future.

    Parameters
    ----------
    past
        At least one, in order of time, of one view.
    camera
        Of that view.

    Returns
    -------
    windows
        Of one instant.
    """
    times_s = np.array([(moment.time_ns - past[-1].time_ns) * 1e-9 for moment in past])
    nearest = [int(np.argmin(np.abs(times_s - offset))) for offset in OFFSETS_S]
    present = np.array(
        [
            offset <= 0 and abs(times_s[index] - offset) <= MAX_GAP_S
            for offset, index in zip(OFFSETS_S, nearest)
        ]
    )
    chosen = [past[index] for index in nearest]
    rays = undistort_pixels_of(np.stack([moment.xy for moment in chosen]), camera)
    confidence = np.stack([np.nan_to_num(moment.confidence) for moment in chosen])
    return JointWindows(rays[None], confidence[None], present[None])
