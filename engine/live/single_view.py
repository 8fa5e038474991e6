"""LiveMonocular: monocular poses while cameras run; buffers images and swaps models.

While several cameras see the person, it also runs now and then in the background, to measure the
error of the model's depth.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.errors import EngineError
from engine.frames import FrameSet
from engine.live.feed import CameraFeed
from engine.live.state import MonocularState
from engine.monocular.guessed_room import GuessedRoom, is_same_guess
from engine.monocular.reconstruct import DepthSample, MonocularReconstructor
from engine.monocular.shape import BodyShape, EstimateShape
from engine.monocular.source import MonocularModel, ShapeSource, make_source
from engine.poses import PoseSet2D, PoseSet3D
from engine.stages import QUEUE_CAPACITY, BackgroundTask

logger = logging.getLogger(__name__)

MAX_FRAMESETS = QUEUE_CAPACITY + 2  # one in each of the two stages, and those queued between
MakeMonocular: TypeAlias = Callable[[Rig | None, str], MonocularModel | None]
NO_MODEL = MonocularState()
# Failures of a runtime; anything else is a fault of this program.
FAILURES = (EngineError, RuntimeError, ValueError)
FAILED_MESSAGE = (
    "The model for one camera failed ({error}). Poses need two cameras until the next start."
)


class LiveMonocular:
    """Fills in what only one camera sees. Any thread may change the model; stages never wait.

    Parameters
    ----------
    skeleton
        Of the poses.
    make_monocular
        Loads the model for a rig (None: not known yet) unless the named one is right already;
        returns None if there is none to load. Called at once, and in a background thread for each
        new rig and each `request_reload`.
    stature_m
        Of the person; None where it is not known.

    Notes
    -----
    If no model can be loaded, poses pass unchanged, no image is kept, and the state says why.
    """

    def __init__(
        self, skeleton: Skeleton, make_monocular: MakeMonocular, stature_m: float | None
    ) -> None:
        self._skeleton = skeleton
        self._make_monocular = make_monocular
        self._stature_m = stature_m
        # only the stage changes it, until `close`
        self._source: ShapeSource | None = None
        self._reconstructor: MonocularReconstructor | None = None
        self._rig: Rig | None = None
        self._reload_requested = threading.Event()
        self._load_task: BackgroundTask[MonocularModel | None] = BackgroundTask("monocular model")
        self._sample_task: BackgroundTask[_DepthResult] = BackgroundTask("depth sample")
        self._frames: deque[FrameSet] = deque(maxlen=MAX_FRAMESETS)
        self._room: GuessedRoom | None = None  # only the stage turns it
        self._state = NO_MODEL
        try:
            self._use_model(make_monocular(None, ""))
        except EngineError as error:
            logger.info("No model for one camera: %s", error)
            self._state = MonocularState(message=str(error))

    def request_model_for(self, rig: Rig) -> None:
        """Request the model for a new rig; never waits."""
        self._rig = rig
        self._reload_requested.set()

    def request_reload(self) -> None:
        """Request the model again: another person, or a newly trained model. From any thread."""
        self._reload_requested.set()

    def buffer_images(self, framesets: Iterable[FrameSet]) -> Iterator[FrameSet]:
        """Buffer images until their poses are reconstructed; runs in the thread of the 2D model."""
        for frames in framesets:
            source = self._source
            if source is not None and source.sees_images:
                self._frames.append(frames)
            yield frames

    def fill_single_view(
        self, reconstruct: Callable[[PoseSet2D, Rig | None], PoseSet3D]
    ) -> Callable[[PoseSet2D, Rig | None], PoseSet3D]:
        """Return a stage that reconstructs, and lifts what could not be reconstructed."""

        def stage(poses_2d: PoseSet2D, rig: Rig | None) -> PoseSet3D:
            """Reconstruct one instant."""
            poses_3d = reconstruct(poses_2d, rig)
            self._apply_changes()
            return self._reconstruct(poses_2d, poses_3d, rig)

        return stage

    def set_stature(self, stature_m: float | None) -> None:
        """Set the person's stature, m."""
        self._stature_m = stature_m
        if self._reconstructor is not None:
            self._reconstructor.set_stature(stature_m)

    def state(self) -> MonocularState:
        """Return which model is loaded, and which view it is used for."""
        return self._state

    def guess_rig(self, feeds: Sequence[CameraFeed]) -> Rig | None:
        """Return a guessed rig for a single camera; None before its first image or without a model.

        It is turned as the floor becomes known.
        """
        size_wh = (
            feeds[0].state().size_wh
            if len(feeds) == 1 and self._reconstructor is not None
            else None
        )
        if size_wh is None:
            return None
        room = self._room
        if room is None or room.rig[0].size_wh != size_wh:
            room = self._room = GuessedRoom(feeds[0].name, size_wh)
        return room.rig

    def close(self) -> None:
        """Release all models, after the stage has ended; may be called twice."""
        self._frames.clear()
        self._sample_task.close()
        waiting = self._load_task.take()
        self._load_task.close()
        for model in (waiting, self._source):
            if model is not None:
                model.close()
        self._source = self._reconstructor = None

    def _apply_changes(self) -> None:
        """Apply what the background tasks finished: a loaded model, a depth sample."""
        loaded = self._load_task.take()
        result = self._sample_task.take()
        if loaded is not None:
            self._use_model(loaded)
        if self._reload_requested.is_set() and not self._load_task.is_busy:
            self._reload_requested.clear()
            self._load_task.start(
                partial(
                    self._load_model,
                    self._rig,
                    self._source.name if self._source is not None else "",
                )
            )
        if result is None or result.reconstructor is not self._reconstructor:
            return
        if isinstance(result.shape, BodyShape):
            result.reconstructor.learn_depth(result.sample, result.shape)
        elif result.shape is not None:
            self._fail(result.shape)

    def _load_model(self, rig: Rig | None, loaded_name: str) -> MonocularModel | None:
        """Load the model in service; None if it is loaded already, or cannot be."""
        try:
            return self._make_monocular(rig, loaded_name)
        except EngineError as error:
            logger.warning("The model for one camera is not changed: %s", error)
            return None

    def _use_model(self, model: MonocularModel | None) -> None:
        """Use a model from now on; the old one is closed."""
        old = self._source
        if model is None:
            self._source = self._reconstructor = None
            self._state = NO_MODEL
        else:
            self._source = make_source(model, self._skeleton)
            self._reconstructor = MonocularReconstructor(self._skeleton, self._stature_m)
            self._state = MonocularState(self._source.name)
        if old is not None and old.model is not model:
            old.close()

    def _fail(self, error: Exception) -> None:
        """Stop using a model that failed; the cameras go on."""
        logger.error("The model for one camera failed", exc_info=error)
        self._use_model(None)
        self._state = MonocularState(message=FAILED_MESSAGE.format(error=error))

    def _take_frames(self, index: int) -> FrameSet | None:
        """Find the images of an instant, and drop older ones."""
        while self._frames and self._frames[0].index < index:
            self._frames.popleft()
        return self._frames.popleft() if self._frames and self._frames[0].index == index else None

    def _reconstruct(self, poses_2d: PoseSet2D, poses_3d: PoseSet3D, rig: Rig | None) -> PoseSet3D:
        """Lift one instant; stop using a model that fails."""
        source = self._source
        if self._reconstructor is None or source is None:
            return poses_3d
        frames = self._take_frames(poses_2d.index) if source.sees_images else None
        if source.sees_images and frames is None:
            return poses_3d
        estimate_shape = source.bind(frames, poses_2d, rig)
        try:
            reconstructed = self._reconstructor(estimate_shape, poses_2d, poses_3d, rig)
        except FAILURES as error:
            self._fail(error)
            return poses_3d
        if self._room is not None and rig is not None and is_same_guess(rig, self._room.rig):
            self._room.put(self._reconstructor.estimate_floor(), poses_2d.timestamp_ns)
        sample = (
            self._reconstructor.sample_depth(poses_2d, poses_3d, rig)
            if reconstructed is poses_3d and not self._sample_task.is_busy
            else None
        )
        if sample is not None:
            self._sample_task.start(
                partial(_evaluate_sample, self._reconstructor, sample, estimate_shape)
            )
        view = (
            self._reconstructor.view if reconstructed is not poses_3d and rig is not None else None
        )
        name = rig[view].name if view is not None and rig is not None else ""
        if name != self._state.view:
            self._state = replace(self._state, view=name)
        return reconstructed


@dataclass(frozen=True, slots=True, eq=False)
class _DepthResult:
    """The result of a depth sample: an estimate, None without an image, or the model's error."""

    reconstructor: MonocularReconstructor
    sample: DepthSample
    shape: BodyShape | Exception | None


def _evaluate_sample(
    reconstructor: MonocularReconstructor, sample: DepthSample, estimate_shape: EstimateShape
) -> _DepthResult:
    """Evaluate a depth sample in the background; the model may have been closed meanwhile."""
    try:
        return _DepthResult(reconstructor, sample, estimate_shape(sample.view, sample.seen))
    except FAILURES as error:
        return _DepthResult(reconstructor, sample, error)
