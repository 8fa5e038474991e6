"""LiveRecording: live cameras written to disk; no camera, stage or window ever waits for it."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.clock import NS_PER_S, host_ns, measure_utc_offset_ns, time_until_tick_s
from engine.disk import disk_errors, sync_to_disk
from engine.errors import SessionError
from engine.frames import Frame
from engine.mailbox import Bounded
from engine.poses import PoseSet2D, PoseSet3D
from engine.session.camera_recorder import FLUSH_INTERVAL_S, CameraRecorder
from engine.session.disk_gauge import DiskGauge
from engine.session.pose_files import PoseWriter
from engine.session.session import POSES_2D, POSES_2D_RAW, POSES_3D, SessionFacts
from engine.session.state import RecordingState
from engine.session.writer import PoseWriters, SessionWriter

logger = logging.getLogger(__name__)

# Pose sets that may wait for the disk: three files for three seconds at 30 per second; 0.7 MB.
MAX_WAITING_POSES = 300
# How often the disk is checked, and how often everything is synced to it, which bounds what a loss
# of power costs.
CHECK_EVERY_S, SYNC_EVERY_S = 0.5, 5.0

Poses = PoseSet2D | PoseSet3D


@dataclass(frozen=True, slots=True)
class RecordedCamera:
    """A camera to be recorded.

    Parameters
    ----------
    name
        The view's name.
    address
        Of the camera; written without its password.
    size_wh : px
        None where no image has come yet.
    rate_fps
        Nominal; NaN where it is not known.
    """

    name: str
    address: str
    size_wh: tuple[int, int] | None = None
    rate_fps: float = nan


class LiveRecording:
    """A recording of live cameras, their poses and rig; open and close it in a worker thread.

    Parameters
    ----------
    path
        A folder that does not exist yet, or is empty.
    facts
        Its `utc_offset_ns` is measured where it is None.
    cameras
        In the order of the views; more may come (`add_camera`).

    Raises
    ------
    SessionError
        If the folder holds something already, or the disk refuses or is full.

    Notes
    -----
    Frames go from `tap` to a bounded queue and a thread of their camera, poses to a bounded queue
    and one thread, which also watches the disk and ends the recording before it is full. What does
    not fit is counted as lost, never waited for.
    """

    def __init__(self, path: Path, facts: SessionFacts, cameras: Sequence[RecordedCamera]) -> None:
        self.path = Path(path)
        self.poses_lost = 0
        self._disk = DiskGauge(self.path)
        self._disk.require_space()
        if facts.utc_offset_ns is None:
            facts = replace(facts, utc_offset_ns=measure_utc_offset_ns())
        self._lock = threading.Lock()  # around the writer, which two threads use
        self._writer = SessionWriter(self.path, facts)
        self._recorders: dict[str, CameraRecorder] = {}
        self._poses: PoseWriters | None = None
        self._waiting: Bounded[tuple[PoseWriter, Poses]] = Bounded(MAX_WAITING_POSES)
        self._closing = threading.Event()
        self._first_index: int | None = None
        self._rig: Rig | None = None
        self._rig_written: Rig | None = None
        self._problem = ""
        self._start_ns = host_ns()
        self._ended_ns: int | None = None
        try:
            for camera in cameras:
                self.add_camera(camera)
        except BaseException:
            self._writer.close(finished=False)
            raise
        self._thread = threading.Thread(target=self._run, name="record poses", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the recording is over: closed, or ended by a full disk."""
        return self._ended_ns is not None

    def add_camera(self, camera: RecordedCamera) -> None:
        """Record one more camera from now on.

        Raises
        ------
        SessionError
            If the disk refuses, or the recording is over.
        """
        with self._lock:
            self._require_running()
            self._recorders[camera.name] = self._writer.record_camera(
                camera.name, source=camera.address, size_wh=camera.size_wh, rate_fps=camera.rate_fps
            )

    def tap(self, name: str) -> Callable[[Frame], None]:
        """Return a callback that records a camera's frames, for the thread that reads them.

        Parameters
        ----------
        name
            Of one of the cameras.

        Returns
        -------
        listen
            Never waits; does nothing once the recording has ended.
        """
        recorder = self._recorders[name]

        def listen(frame: Frame) -> None:
            if not self.ended:
                recorder.offer(frame)

        return listen

    def open_pose_files(self, skeleton: Skeleton, view_names: Sequence[str]) -> None:
        """Open the pose files; before that, poses are not kept.

        Parameters
        ----------
        skeleton
        view_names
            Names of the cameras, in the order of the pose sets.

        Raises
        ------
        SessionError
            If the disk refuses, they are open already, or the recording is over.
        """
        with self._lock:
            self._require_running()
            self._poses = self._writer.open_pose_files(skeleton, view_names)

    def put_raw(self, poses: PoseSet2D) -> None:
        """Record 2D poses as the model found them; never waits."""
        if self._poses is not None:
            self._enqueue(self._poses.raw_2d, poses)

    def put_matched(self, poses: PoseSet2D) -> None:
        """Record 2D poses matched across views; never waits."""
        if self._poses is not None:
            self._enqueue(self._poses.matched_2d, poses)

    def put_poses_3d(self, poses: PoseSet3D) -> None:
        """Record 3D poses, unsmoothed; never waits."""
        if self._poses is not None:
            self._enqueue(self._poses.room_3d, poses)

    def write_rig(self, rig: Rig) -> None:
        """Record the rig; a later rig replaces an earlier one; never waits."""
        self._rig = rig

    def update(self, facts: SessionFacts) -> None:
        """Replace the facts of the session.

        Raises
        ------
        SessionError
            If the disk refuses, or the recording is over.
        """
        with self._lock:
            self._require_running()
            self._writer.update(facts)

    def state(self) -> RecordingState:
        """Return the state of the recording; cheap, from any thread."""
        recorders = list(self._recorders.values())
        until_ns = self._ended_ns or host_ns()
        return RecordingState(
            path=str(self.path),
            seconds=(until_ns - self._start_ns) / NS_PER_S,
            frames=sum(recorder.frames for recorder in recorders),
            lost=sum(recorder.lost for recorder in recorders),
            disk_left_s=nan if self.ended else self._disk.left_s,
            message=self._describe_problem(),
            silent_cameras=tuple(
                name
                for name, recorder in list(self._recorders.items())
                if not recorder.frames and not recorder.error
            ),
        )

    def close(self) -> RecordingState:
        """Write what is waiting and finish all files; may be called twice.

        Returns
        -------
        state
            The last one; its message says what the disk refused.
        """
        self._waiting.close()
        self._closing.set()
        self._thread.join()
        return self.state()

    def _require_running(self) -> None:
        """Raise SessionError once the files are finished."""
        if self.ended:
            raise SessionError(
                f"The recording '{self.path.name}' is over; nothing can be added to it. Record "
                "again."
            )

    def _enqueue(self, writer: PoseWriter, poses: Poses) -> None:
        """Queue poses for the thread that writes them."""
        if not self._waiting.offer((writer, poses)) and not self.ended:
            self.poses_lost += 1

    def _run(self) -> None:
        """Write poses and watch the disk until the recording is over. Runs in its own thread."""
        try:
            check_ns = sync_ns = host_ns()
            closing = False
            while not closing:
                closing = self._closing.wait(time_until_tick_s(FLUSH_INTERVAL_S))
                self._write_waiting()
                if host_ns() >= check_ns:
                    check_ns = host_ns() + round(CHECK_EVERY_S * NS_PER_S)
                    self._check_disk()
                if host_ns() >= sync_ns:
                    sync_ns = host_ns() + round(SYNC_EVERY_S * NS_PER_S)
                    self._sync()
        except SessionError as error:
            self._problem = str(error)
        finally:
            self._waiting.discard()
            self._finish()

    def _write_waiting(self) -> None:
        """Write the poses that came since the last time."""
        for _ in range(len(self._waiting)):
            self._write(*self._waiting.take())
        if self._poses is not None:
            self._poses.flush()

    def _write(self, writer: PoseWriter, poses: Poses) -> None:
        """Write one pose set; framesets of the recording count from 0."""
        if self._first_index is None:
            self._first_index = poses.index
        index = poses.index - self._first_index
        if index < 0:
            return  # from before the recording began, and late through another stage
        try:
            writer.put(replace(poses, index=index), now=False)
        except ValueError as error:
            # A camera was added or removed; the files keep the views that they began with.
            if not self.poses_lost:
                logger.warning("Poses that do not fit the recording: %s", error)
            self.poses_lost += 1

    def _check_disk(self) -> None:
        """Check the disk and the cameras' files, and write what became known of the cameras."""
        for recorder in list(self._recorders.values()):
            if recorder.error is not None and isinstance(recorder.error.__cause__, OSError):
                raise recorder.error
        self._disk.measure(sum(recorder.bytes for recorder in list(self._recorders.values())))
        with self._lock:
            self._writer.refresh_cameras()
            self._write_rig()

    def _sync(self) -> None:
        """Sync all files to the disk, against a loss of power."""
        poses = [self.path / name for name in (POSES_2D_RAW, POSES_2D, POSES_3D)]
        for file in [
            *poses,
            *(file for recorder in list(self._recorders.values()) for file in recorder.files),
        ]:
            if file.is_file():
                with disk_errors(file):
                    sync_to_disk(file)

    def _write_rig(self) -> None:
        """Write the rig if there is a new one."""
        rig = self._rig
        if rig is not None and rig is not self._rig_written:
            self._writer.write_rig(rig)
            self._rig_written = rig

    def _finish(self) -> None:
        """Finish all files; the state reports what the disk refuses."""
        self._ended_ns = host_ns()
        with self._lock:
            try:
                try:
                    self._write_rig()
                finally:
                    self._writer.close()
            except SessionError as error:
                self._problem = self._problem or str(error)

    def _describe_problem(self) -> str:
        """Describe the most urgent problem; empty without one."""
        if self._problem:
            return self._problem
        for recorder in list(self._recorders.values()):
            if recorder.error is not None:
                return str(recorder.error)
        if not self.ended and self._disk.message:
            return self._disk.message
        if self.poses_lost:
            return (
                f"{self.poses_lost} poses were not kept; the images are not affected. Track the "
                "recording again to get all poses."
            )
        return ""
