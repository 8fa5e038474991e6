"""Live: cameras, model, calibration and recording working together, without a screen.

A display polls the newest result and the state; nothing in here waits for a screen or a disk.

Its more than 400 lines start and end what runs together; the order is in one place.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from calibration.geometry import fast_instant
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.clock import host_ns
from engine.errors import SessionError
from engine.frames import FrameSet
from engine.inference.estimator import Estimator
from engine.inference.optical_flow import FlowInterpolatedEstimator
from engine.live.cameras import LiveSource
from engine.live.feed import CameraFeed, close_feeds
from engine.live.framesets import LiveFramesets
from engine.live.gesture import RaisedHandsDetector
from engine.live.heap import HeapTrimmer
from engine.live.rig import LiveRig
from engine.live.single_view import LiveMonocular, MakeMonocular
from engine.live.state import LiveResult, LiveState
from engine.mailbox import Latest
from engine.pipeline import Pipeline
from engine.poses import PoseSet2D, PoseSet3D
from engine.reconstruction.associate import Associate
from engine.reconstruction.crossfade import GuessCrossfade
from engine.reconstruction.reconstruct import Reconstruct
from engine.reconstruction.smooth import Smooth
from engine.session.live_recorder import LiveRecording, RecordedCamera
from engine.session.session import SessionFacts
from engine.session.state import RecordingState
from engine.session.writer import tap
from engine.stages import ThreadedPipeline
from engine.stats import StageTimes

MIN_CLOSE_S = 0.1  # for the last to be closed, if something before it hung


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What the user chose.

    Parameters
    ----------
    stature_m
        Of the person; None where it is not known.
    close_s
        How long `Live.close` waits for everything together.
    """

    stature_m: float | None = None
    close_s: float = 1.8


class Live:
    """A live run: from `start` to `close`, once.

    Parameters
    ----------
    sources
        Not open, in the order of the views.
    make_estimator
        Loads the 2D model for a number of views; called by `start` while the cameras open.
    options
    on_rig
        Called with each new rig and its report, in a thread of the calibration.
    make_monocular
        Loads the monocular model (`engine.live.single_view`); called by `start` and for each rig.

    Attributes
    ----------
    newest
        The two newest results, older first; older ones are dropped. Two, because a model that runs
        on every other frameset gives two results at a time, and a screen draws both in turn.
    names
        Of the cameras.
    """

    def __init__(
        self,
        sources: Sequence[LiveSource],
        make_estimator: Callable[[int], Estimator],
        options: LiveOptions = LiveOptions(),
        on_rig: Callable[[Rig, CalibrationReport], None] = lambda _rig, _report: None,
        make_monocular: MakeMonocular = lambda _rig, _have: None,
    ) -> None:
        self.newest: Latest[LiveResult] = Latest(capacity=2)
        self.names = tuple(source.name for source in sources)
        self._sources = tuple(sources)
        self._make_estimator = make_estimator
        self._options = options
        self._on_rig = on_rig
        self._make_monocular = make_monocular
        self._feeds = tuple(CameraFeed(source.source, source.address) for source in sources)
        self._framesets = LiveFramesets(self._feeds)
        self._times = StageTimes()
        self._estimator: FlowInterpolatedEstimator | None = None
        self._rig: LiveRig | None = None
        self._monocular: LiveMonocular | None = None
        self._hands_detector: RaisedHandsDetector | None = None
        self._stages: ThreadedPipeline | None = None
        self._recording: LiveRecording | None = None
        # Around start and stop: a full disk and the user may stop a recording at the same time.
        self._recording_lock = threading.Lock()
        # A window may be closed while the model is still being loaded.
        self._lifecycle_lock = threading.Lock()
        self._closed = False
        self._heap_trimmer = HeapTrimmer()
        self.hands_raised_count = 0

    @property
    def skeleton(self) -> Skeleton | None:
        """The joints of the 2D model; None before it is loaded."""
        return self._estimator.skeleton if self._estimator is not None else None

    def start(self) -> None:
        """Open the cameras, load the 2D model and start the stages.

        Raises
        ------
        EngineError
            If the model cannot be loaded; the cameras are then closed.

        Notes
        -----
        If `close` is called meanwhile, no stage starts.
        """
        with self._lifecycle_lock:
            if self._closed:
                return
            for feed in self._feeds:
                feed.start()
        try:
            fast_instant.warm_up_kernels()
            estimator = FlowInterpolatedEstimator(self._make_estimator(len(self._feeds)))
            monocular = LiveMonocular(
                estimator.skeleton, self._make_monocular, self._options.stature_m
            )
        except BaseException:
            self.close()
            raise
        with self._lifecycle_lock:
            if self._closed:
                estimator.close()
                monocular.close()
            else:
                self._begin(estimator, monocular)

    def close(self) -> bool:
        """Close everything, the recording first; may be called twice.

        Returns
        -------
        ended
            False where something hangs and was abandoned.
        """
        deadline_s = monotonic() + self._options.close_s
        with self._lifecycle_lock:
            self._closed = True
        self.stop_recording()
        if self._stages is not None:
            self._stages.stop()
        self._framesets.close()
        left = close_feeds(self._feeds, max(deadline_s - monotonic(), MIN_CLOSE_S))
        if self._rig is not None:
            self._rig.close(max(deadline_s - monotonic(), MIN_CLOSE_S))
        if self._stages is not None:
            self._stages.join(max(deadline_s - monotonic(), MIN_CLOSE_S))
        still = self._stages is not None and self._stages.running
        if self._estimator is not None and not still:
            self._estimator.close()
        if self._monocular is not None and not still:
            self._monocular.close()
        self.newest.close()
        return not left and not still

    @property
    def over(self) -> bool:
        """Whether all cameras have ended, as videos do, or a stage failed."""
        return self._stages is not None and not self._stages.running

    @property
    def closed(self) -> bool:
        """Whether it was closed, or is closing."""
        return self._closed

    @property
    def is_recording(self) -> bool:
        """Whether a recording runs."""
        recording = self._recording
        return recording is not None and not recording.ended

    @property
    def recording_ended(self) -> bool:
        """Whether a recording ended by itself, as on a full disk, and waits to be closed."""
        recording = self._recording
        return recording is not None and recording.ended

    @property
    def error(self) -> BaseException | None:
        """The error that ended a stage; None without one."""
        return self._stages.error if self._stages is not None else None

    def state(self) -> LiveState:
        """Return the state of everything; cheap, from any thread."""
        recording = self._recording
        return LiveState(
            cameras=self._framesets.states(),
            framesets_hz=self._framesets.rate_hz,
            pose_hz=self._estimator.pose_hz if self._estimator is not None else float("nan"),
            skew_ms=self._framesets.skew_ms,
            skipped=self._framesets.skipped,
            latency=self._times.summarize(),
            calibration=self._rig.state() if self._rig is not None else LiveState().calibration,
            recording=recording.state() if recording is not None else None,
            notices=self._rig.notices() if self._rig is not None else (),
            monocular=self._monocular.state()
            if self._monocular is not None
            else LiveState().monocular,
        )

    def camera(self, name: str) -> LiveSource:
        """Return a camera's source.

        Raises
        ------
        KeyError
            If there is no camera of that name.
        """
        return next(source for source in self._sources if source.name == name)

    def reconnect(self, name: str) -> None:
        """Reopen a camera now."""
        for feed in self._feeds:
            if feed.name == name:
                feed.reconnect()

    def use_rig(self, rig: Rig, source: str) -> None:
        """Use a saved rig once it agrees with what the cameras see.

        Parameters
        ----------
        rig
            Its cameras are the views, in their order.
        source
            Where it comes from, for messages.
        """
        if self._rig is not None:
            self._rig.test(rig, source)

    def recalibrate(self) -> None:
        """Forget the rig, and calibrate from what the cameras see from now on."""
        if self._rig is not None:
            self._rig.recalibrate()

    def set_stature(self, stature_m: float | None) -> None:
        """Set the person's stature, m; the rig is rescaled to it."""
        if self._rig is not None:
            self._rig.set_stature(stature_m)
        if self._monocular is not None:
            self._monocular.set_stature(stature_m)

    def reload_monocular(self) -> None:
        """Check again which monocular model to use; never waits."""
        if self._monocular is not None:
            self._monocular.request_reload()

    def start_recording(self, path: Path, facts: SessionFacts) -> None:
        """Record all cameras, the poses and the rig from now on.

        Parameters
        ----------
        path
            A folder that does not exist yet, or is empty.
        facts
            Its sources and its model are filled in.

        Raises
        ------
        SessionError
            If the folder holds something already, the disk refuses, or a recording runs.
        """
        with self._recording_lock:
            if self._closed:
                raise SessionError("The cameras were stopped. Press Start, then record again.")
            if self.is_recording:
                raise SessionError("A recording runs already. Stop it before the next one.")
            self._end_recording()
            states = self._framesets.states()
            facts = replace(facts, sources=tuple(state.address for state in states))
            if self._estimator is not None:
                facts = replace(facts, model={**facts.model, "sha256": self._estimator.model_hash})
            cameras = [RecordedCamera(s.name, s.address, s.size_wh, s.rate_fps) for s in states]
            recording = LiveRecording(path, facts, cameras)
            try:
                if self._estimator is not None:
                    recording.open_pose_files(self._estimator.skeleton, self.names)
            except BaseException:
                recording.close()
                raise
            rig = self._rig.rig() if self._rig is not None else None
            if rig is not None:
                recording.write_rig(rig)
            for feed in self._feeds:
                feed.tap(recording.tap(feed.name))
            self._recording = recording

    def stop_recording(self) -> RecordingState | None:
        """Stop the recording; waits until it is on the disk.

        Returns
        -------
        state
            The last one; None where nothing was recorded.
        """
        with self._recording_lock:
            return self._end_recording()

    def _end_recording(self) -> RecordingState | None:
        """Detach it from the cameras, then close it."""
        recording = self._recording
        if recording is None:
            return None
        for feed in self._feeds:
            feed.tap(None)
        state = recording.close()
        self._recording = None  # last: it stays visible until it is on the disk
        return state

    def _begin(self, estimator: FlowInterpolatedEstimator, monocular: LiveMonocular) -> None:
        """Start the stages with the loaded models."""
        skeleton = estimator.skeleton
        self._estimator = estimator
        self._monocular = monocular
        self._hands_detector = RaisedHandsDetector(skeleton)
        self._rig = LiveRig(skeleton, self._feeds, self._options.stature_m, self._on_new_rig)
        stages = ThreadedPipeline(
            self._build_pipeline(estimator, monocular, self._rig),
            self._times,
            self._framesets.close,
        )
        stages.start()
        # last: stages that do not run yet would look like a run that has ended
        self._stages = stages

    def _build_pipeline(
        self, estimator: FlowInterpolatedEstimator, monocular: LiveMonocular, rig: LiveRig
    ) -> Pipeline:
        """Build the pipeline of the stages."""
        skeleton = estimator.skeleton
        crossfade = GuessCrossfade()
        smooth = Smooth()
        return Pipeline(
            framesets=monocular.buffer_images(self._framesets),
            estimate=tap(estimator, self._on_estimated),
            associate=Associate(skeleton),
            reconstruct=tap(
                monocular.fill_single_view(Reconstruct(skeleton)), self._on_reconstructed
            ),
            smooth=lambda poses: smooth(crossfade(poses)),
            sinks=(self,),
            rig=lambda: rig.rig() or monocular.guess_rig(self._feeds),
        )

    def _on_estimated(self, poses: PoseSet2D) -> None:
        """Pass on the raw 2D poses; runs in the thread of the 2D model."""
        if self._rig is not None:
            self._rig.put(poses)
        recording = self._recording
        if recording is not None and not poses.is_interpolated:
            recording.put_raw(poses)

    def _on_reconstructed(self, poses: PoseSet3D) -> None:
        """Record what was reconstructed, before it is smoothed."""
        recording = self._recording
        if recording is not None:
            recording.put_poses_3d(poses)

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Take the results of one instant: the pipeline's sink."""
        recording = self._recording
        if recording is not None:
            recording.put_matched(poses_2d)
        if self._hands_detector is not None and self._hands_detector(poses_2d, poses_3d):
            self.hands_raised_count += 1
        rig = self._rig.rig() if self._rig is not None else None
        if rig is None and self._monocular is not None:
            rig = self._monocular.guess_rig(self._feeds)
        self._heap_trimmer.trim(host_ns())
        self.newest.put(LiveResult(frames, poses_2d, poses_3d, rig, host_ns()))

    def _on_new_rig(self, rig: Rig, report: CalibrationReport | None) -> None:
        """Pass a new rig to framesets, recording and listener."""
        self._framesets.set_offsets(rig.time_offset_ns)
        recording = self._recording
        if recording is not None:
            recording.write_rig(rig)
        if self._monocular is not None:
            self._monocular.request_model_for(rig)
        if report is not None:
            self._on_rig(rig, report)
