"""FlowInterpolatedEstimator: poses on every k-th frameset and optical flow between; live only."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8, Mask
from engine.frames import Frame, FrameSet
from engine.inference.estimator import Estimator
from engine.poses import Pose2D, PoseSet2D

MAX_LOAD = 0.9  # share of the time between framesets that pose and flow may take
RELAXED_LOAD = 0.8  # a smaller k must fit into this share, or k would flicker
MAX_INTERVAL = 6  # further apart, flow loses a walking person's feet
MEAN_WEIGHT = 0.2  # weight of the newest measurement in the running means
RATE_WINDOW_NS = 2_000_000_000

# Chosen on four real videos at 30 fps and a walk in the studio at 15 fps. Difference to poses on
# every frame for k = 3, median/90 %: hold 12/42 px, constant velocity 8.1/26, flow 5.5/14.5 with
# window 15, 6.2/18.5 with window 31. Takes 1.2 ms a view.
FLOW_LONG_SIDE_PX = 640
FLOW_WINDOW_PX = 15
FLOW_LEVELS = 3
FLOW_MAX_RETURN_PX = 1.0  # forward and back must return to the start, px of the reduced image
# Share of the confidence that is left after a frameset of flow, or of constant velocity.
FLOW_TRUST, GUESS_TRUST = 0.95, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class _ViewState:
    """The last state of one view.

    Parameters
    ----------
    frame
        Its image.
    gray : (h, w)
        The image, reduced and grey; None until the flow needs it.
    poses
        Its people, estimated or propagated.
    velocity_px : (J, 2) for each person, per frameset
        From the last two estimated poses; 0 without two.
    """

    frame: Frame
    gray: U8 | None
    poses: tuple[Pose2D, ...]
    velocity_px: dict[int, F64]


class FlowInterpolatedEstimator:
    """An estimator that keeps up with the cameras.

    It measures the durations of pose and flow and the rate of framesets, and chooses k itself; with
    enough CPU, k is 1 and nothing changes. Joints propagated by flow lose confidence. It is not
    used offline, where every frameset gets its own pose.

    Parameters
    ----------
    estimator
        Estimates the poses.
    clock_s
        Seconds; for tests.

    Attributes
    ----------
    interval
        The current k.
    """

    def __init__(
        self, estimator: Estimator, clock_s: Callable[[], float] = time.perf_counter
    ) -> None:
        self.skeleton = estimator.skeleton
        self.model_hash = estimator.model_hash
        self.name = estimator.name
        self._estimator, self._clock_s = estimator, clock_s
        self.reset()

    def reset(self) -> None:
        """Forget all people and measurements."""
        self._estimator.reset()
        self.interval = 1
        self._views: list[_ViewState | None] = []
        self._pose_s = self._flow_s = self._camera_s = math.nan
        self._last: tuple[int, int] | None = None  # index and time of the last frameset
        self._estimated: tuple[tuple[Pose2D, ...], ...] = ()
        self._pose_index = 0
        self._pose_times_ns: deque[int] = deque()

    @property
    def pose_hz(self) -> float:
        """Poses estimated per second, over the last 2 s; NaN before two."""
        if len(self._pose_times_ns) < 2:
            return math.nan
        return (
            (len(self._pose_times_ns) - 1)
            * 1e9
            / (self._pose_times_ns[-1] - self._pose_times_ns[0])
        )

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._estimator.close()

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        """Estimate or propagate the people in one frameset.

        Parameters
        ----------
        frames
            In order of time; missing indices were dropped before.
        """
        steps = self._update_camera_interval(frames)
        start_s = self._clock_s()
        if not self._estimated or frames.index - self._pose_index >= self.interval:
            poses = self._estimate(frames)
            self._pose_s = _update_mean(self._pose_s, self._clock_s() - start_s)
            self._choose_interval()
        else:
            poses = self._propagate(frames, steps)
            self._flow_s = _update_mean(self._flow_s, self._clock_s() - start_s)
        return poses

    def _estimate(self, frames: FrameSet) -> PoseSet2D:
        """Run the estimator, and store what the flow needs to continue from there."""
        poses = self._estimator(frames)
        since = max(frames.index - self._pose_index, 1)
        before = self._estimated or ((),) * len(frames.frames)
        self._views = [
            None
            if frame is None
            else _ViewState(frame, None, people, _compute_velocities(people, old, since))
            for frame, people, old in zip(frames.frames, poses.poses_by_view, before)
        ]
        self._estimated = poses.poses_by_view
        self._pose_index = frames.index
        self._pose_times_ns.append(frames.timestamp_ns)
        while frames.timestamp_ns - self._pose_times_ns[0] > RATE_WINDOW_NS:
            self._pose_times_ns.popleft()
        return poses

    def _propagate(self, frames: FrameSet, steps: int) -> PoseSet2D:
        """Move the people with the image."""
        for i, frame in enumerate(frames.frames):
            view = self._views[i]
            if frame is not None and view is not None:
                self._views[i] = (
                    _propagate_view(view, frame, steps)
                    if view.frame.size_wh == frame.size_wh
                    else None
                )
        poses_by_view = tuple(
            () if frame is None or view is None else view.poses
            for frame, view in zip(frames.frames, self._views)
        )
        times = tuple(None if frame is None else frame.timestamp_ns for frame in frames.frames)
        return PoseSet2D(
            frames.index, frames.timestamp_ns, poses_by_view, times, is_interpolated=True
        )

    def _update_camera_interval(self, frames: FrameSet) -> int:
        """Update the time between framesets; return the steps since the last, also dropped."""
        last = self._last
        self._last = (frames.index, frames.timestamp_ns)
        if last is None:
            return 1
        steps = max(frames.index - last[0], 1)
        self._camera_s = _update_mean(self._camera_s, (frames.timestamp_ns - last[1]) / steps / 1e9)
        return steps

    def _choose_interval(self) -> None:
        """Choose the smallest k that fits into the time; lower it only if it fits well."""
        if math.isnan(self._camera_s):
            return
        needed = _compute_interval(self._pose_s, self._flow_s, MAX_LOAD * self._camera_s)
        relaxed = _compute_interval(self._pose_s, self._flow_s, RELAXED_LOAD * self._camera_s)
        self.interval = max(needed, min(relaxed, self.interval))


def _compute_interval(pose_s: float, flow_s: float, available_s: float) -> int:
    """Return the smallest k with ``pose + (k - 1) · flow <= k · available``."""
    flow_s = 0.0 if math.isnan(flow_s) else flow_s
    if pose_s <= available_s:
        return 1
    if flow_s >= available_s:
        return MAX_INTERVAL
    return min(math.ceil((pose_s - flow_s) / (available_s - flow_s)), MAX_INTERVAL)


def _update_mean(old: float, new: float) -> float:
    """Update a running mean; NaN is none yet."""
    return new if math.isnan(old) else old + MEAN_WEIGHT * (new - old)


def _compute_velocities(
    people: tuple[Pose2D, ...], before: tuple[Pose2D, ...], steps: int
) -> dict[int, F64]:
    """Compute the joints' velocity between two estimated poses, px per frameset."""
    old = {pose.track_id: pose.xy for pose in before}
    moved = {pose.track_id: (pose.xy - old.get(pose.track_id, pose.xy)) / steps for pose in people}
    return {track_id: np.nan_to_num(velocity) for track_id, velocity in moved.items()}


def _propagate_view(view: _ViewState, frame: Frame, steps: int) -> _ViewState:
    """Propagate a view's people to its next image by flow, or else with constant velocity."""
    before = _reduce_image(view.frame.image_bgr) if view.gray is None else view.gray
    gray = _reduce_image(frame.image_bgr)
    poses = []
    for pose in view.poses:
        guess = pose.xy + view.velocity_px[pose.track_id] * steps
        flowed, found = _track_points(before, gray, pose.xy, frame.size_wh[0])
        trust = np.where(found, FLOW_TRUST, GUESS_TRUST)
        poses.append(
            replace(
                pose, xy=np.where(found[:, None], flowed, guess), confidence=pose.confidence * trust
            )
        )
    return _ViewState(frame, gray, tuple(poses), view.velocity_px)


def _track_points(before: U8, after: U8, xy: F64, width_px: int) -> tuple[F64, Mask]:
    """Track points between reduced images (pyramidal Lucas-Kanade); mark those that return."""
    scale = before.shape[1] / width_px
    start = np.nan_to_num(xy * scale).astype(np.float32).reshape(-1, 1, 2)
    follow = partial(
        cv2.calcOpticalFlowPyrLK, winSize=(FLOW_WINDOW_PX, FLOW_WINDOW_PX), maxLevel=FLOW_LEVELS
    )
    there, went, _ = follow(before, after, start, start.copy())
    back, came, _ = follow(after, before, there, there.copy())
    apart = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    found = (
        (went.ravel() == 1)
        & (came.ravel() == 1)
        & (apart < FLOW_MAX_RETURN_PX)
        & np.isfinite(xy).all(axis=1)
    )
    return there.reshape(-1, 2).astype(np.float64) / scale, found


def _reduce_image(image_bgr: U8) -> U8:
    """Reduce an image to grey and to the size that the flow needs."""
    gray = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    scale = FLOW_LONG_SIDE_PX / max(gray.shape)
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8)
