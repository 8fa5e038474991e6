"""SessionWriter: writes a session as it happens, readable even after a kill -9.

Its more than 400 lines are the writing side of one folder layout.
"""

import logging
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import ParamSpec, TypeVar

from calibration.rig import Rig, save_rig
from calibration.skeleton import Skeleton
from engine.disk import FolderLock, InUseError, disk_errors
from engine.errors import SessionError
from engine.session.camera_recorder import DEFAULT_FPS, CameraRecorder
from engine.session.copy_video import copy_video
from engine.session.ending import SessionEnding
from engine.session.pose_files import PoseFileHeader, PoseWriter
from engine.session.session import (
    CAMERAS,
    LEDGER,
    NO_IMAGE_WH,
    POSES_2D,
    POSES_2D_RAW,
    POSES_3D,
    RIG,
    VIDEO,
    Session,
    SessionCamera,
    SessionFacts,
    add_suffix,
    require_new_folder,
    write_manifest,
)

logger = logging.getLogger(__name__)

# If the measured rate of a camera differs by more from the announced one, it is written instead.
MIN_RATE_DIFFERENCE = 0.02
# Characters of a view's name that its file names keep: file systems allow at most 255 bytes.
MAX_NAME_LENGTH = 50

Params = ParamSpec("Params")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PoseWriters:
    """The three pose files of a session.

    Parameters
    ----------
    raw_2d
        As the model found them, each view on its own.
    matched_2d
        The same people matched across views, left and right repaired.
    room_3d
        In metres, unsmoothed.
    """

    raw_2d: PoseWriter
    matched_2d: PoseWriter
    room_3d: PoseWriter

    def flush(self) -> None:
        """Write what was buffered.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        for writer in (self.raw_2d, self.matched_2d, self.room_3d):
            writer.flush()

    def close(self) -> None:
        """Close the files."""
        for writer in (self.raw_2d, self.matched_2d, self.room_3d):
            writer.close()


class SessionWriter:
    """Creates a session folder and fills it.

    Parameters
    ----------
    path
        A folder that does not exist yet, or is empty: a session is never overwritten.
    facts

    Raises
    ------
    SessionError
        If the folder holds something already, or the disk refuses.
    """

    def __init__(self, path: Path, facts: SessionFacts) -> None:
        self.path = Path(path)
        self._facts = facts
        self._cameras: list[SessionCamera] = []
        self._recorders: dict[int, CameraRecorder] = {}  # by the camera's place
        self._poses: PoseWriters | None = None
        self._closed = False
        require_new_folder(self.path)
        with disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_folder(self.path)
        with ExitStack() as on_error:
            on_error.callback(self._release_lock)
            with disk_errors(self.path):
                (self.path / CAMERAS).mkdir(exist_ok=True)
            self._write_manifest()
            on_error.pop_all()

    def copy_video(self, source: Path, name: str, *, offset_ns: int = 0) -> None:
        """Add a camera from a video file, its packets unchanged.

        Parameters
        ----------
        source
        name
            The view's name.
        offset_ns
            What to add to the video's times to get the session's time.

        Raises
        ------
        SessionError
            If the disk refuses.
        engine.errors.CameraError
            If the source is no video.
        """
        copied = copy_video(Path(source), name, self._choose_stem(name))
        self._add_camera(
            SessionCamera(
                name=name,
                source=str(source),
                video=copied.video.relative_to(self.path).as_posix(),
                ledger=copied.ledger.relative_to(self.path).as_posix() if copied.ledger else "",
                size_wh=copied.facts.size_wh,
                rate_fps=copied.facts.rate_fps,
                rotation_deg=copied.facts.orientation.clockwise_deg,
                offset_ns=offset_ns,
                start_ns=copied.start_ns,
            )
        )

    def copy_camera(self, session: Session, camera: SessionCamera) -> None:
        """Add a camera of another session with its video and ledger, which keeps its exact times.

        Parameters
        ----------
        session
        camera
            One of its cameras; its video must be there.

        Raises
        ------
        SessionError
            If the disk refuses; then nothing is left behind.
        """
        stem = self._choose_stem(camera.name)
        video = add_suffix(stem, Path(camera.video).suffix)
        ledger = add_suffix(stem, LEDGER)
        has_ledger = bool(camera.ledger) and (session.path / camera.ledger).is_file()
        try:
            with disk_errors(video):
                shutil.copyfile(session.path / camera.video, video)
                if has_ledger:
                    shutil.copyfile(session.path / camera.ledger, ledger)
        except BaseException:
            video.unlink(missing_ok=True)
            ledger.unlink(missing_ok=True)
            raise
        inside = ledger.relative_to(self.path).as_posix() if has_ledger else ""
        self._add_camera(
            replace(camera, video=video.relative_to(self.path).as_posix(), ledger=inside)
        )

    def record_camera(
        self, name: str, *, source: str, size_wh: tuple[int, int] | None, rate_fps: float
    ) -> CameraRecorder:
        """Add a camera whose frames will come.

        Parameters
        ----------
        name
            The view's name.
        source
            Its address.
        size_wh : px
            None where it is not known yet; `refresh_cameras` adds it once an image came.
        rate_fps
            Nominal; NaN where it is not known.

        Returns
        -------
        recorder
            Takes the frames; closed with the session.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        stem = self._choose_stem(name)
        recorder = CameraRecorder(stem, rate_fps)
        self._recorders[len(self._cameras)] = recorder
        video, ledger = (
            add_suffix(stem, suffix).relative_to(self.path).as_posix() for suffix in (VIDEO, LEDGER)
        )
        rate_fps = rate_fps if isfinite(rate_fps) else DEFAULT_FPS
        self._add_camera(
            SessionCamera(name, source, video, ledger, size_wh or NO_IMAGE_WH, rate_fps)
        )
        return recorder

    def open_pose_files(self, skeleton: Skeleton, view_names: Sequence[str]) -> PoseWriters:
        """Open the pose files.

        Parameters
        ----------
        skeleton
        view_names
            Names of the cameras, in order.

        Returns
        -------
        writers
            Closed with the session.

        Raises
        ------
        SessionError
            If the disk refuses, or they are open already.
        """
        flat = PoseFileHeader(2, skeleton.name, skeleton.joints, tuple(view_names))
        self._poses = PoseWriters(
            PoseWriter(self.path / POSES_2D_RAW, flat),
            PoseWriter(self.path / POSES_2D, flat),
            PoseWriter(self.path / POSES_3D, replace(flat, dimensions=3)),
        )
        return self._poses

    def write_rig(self, rig: Rig) -> None:
        """Write the rig; a later rig replaces an earlier one.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        with disk_errors(self.path / RIG):
            save_rig(rig, self.path / RIG)

    def update(self, facts: SessionFacts) -> None:
        """Replace the facts of the session, for instance once the model is known.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        self._facts = facts
        self._write_manifest()

    def refresh_cameras(self) -> None:
        """Write the size, start and rate of cameras whose images came in the meantime.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        before = tuple(self._cameras)
        self._update_cameras()
        self._update_rates()  # now: a recording that is killed is read with them
        if tuple(self._cameras) != before:
            self._write_manifest()

    def close(self, *, finished: bool = True) -> None:
        """Finish all files; may be called twice.

        Parameters
        ----------
        finished
            False marks the session as interrupted.

        Raises
        ------
        SessionError
            If the disk refused one; the others are finished all the same.
        """
        if self._closed:
            return
        self._closed = True
        try:
            errors = [
                error
                for recorder in self._recorders.values()
                if (error := _close_recorder(recorder)) is not None
            ]
            if self._poses is not None:
                self._poses.close()
            self._update_cameras()
            self._update_rates()
            names = {place: self._cameras[place].name for place in self._recorders}
            lossy = {
                names[place]: recorder.lost
                for place, recorder in self._recorders.items()
                if recorder.lost
            }
            self._write_manifest(SessionEnding(finished=finished and not errors, lossy=lossy))
        finally:
            self._release_lock()
        if errors:
            raise errors[0]

    def __enter__(self) -> "SessionWriter":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self.close(finished=error is None)
        except SessionError:
            if error is None:  # the first error is the one to report
                raise

    def _choose_stem(self, name: str) -> Path:
        """Choose a file name for a view, whose name may hold characters that no file name can."""
        safe = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name).strip(". ")[:MAX_NAME_LENGTH] or "camera"
        taken = {Path(camera.video).stem.casefold() for camera in self._cameras}
        names = (safe, *(f"{safe}_{number}" for number in range(2, len(taken) + 3)))
        return (
            self.path
            / CAMERAS
            / next(candidate for candidate in names if candidate.casefold() not in taken)
        )

    def _add_camera(self, camera: SessionCamera) -> None:
        """Enter a camera."""
        self._cameras.append(camera)
        self._write_manifest()

    def _update_cameras(self) -> None:
        """Copy sizes and starts from the recorders."""
        for place, recorder in self._recorders.items():
            camera = self._cameras[place]
            if recorder.size_wh is not None:
                camera = replace(camera, size_wh=recorder.size_wh, start_ns=recorder.start_ns)
            self._cameras[place] = camera

    def _update_rates(self) -> None:
        """Copy the measured rates of cameras that differ from the announced ones."""
        for place, recorder in self._recorders.items():
            camera, rate_fps = self._cameras[place], recorder.rate_fps
            if isfinite(rate_fps) and abs(rate_fps / camera.rate_fps - 1) > MIN_RATE_DIFFERENCE:
                self._cameras[place] = replace(camera, rate_fps=round(rate_fps, 4))

    def _write_manifest(self, ending: SessionEnding | None = None) -> None:
        """Bring session.toml up to date."""
        with disk_errors(self.path):
            write_manifest(self.path, self._facts, self._cameras, ending)

    def _release_lock(self) -> None:
        """Release the folder for other programs."""
        if self._lock is not None:
            self._lock.release()


def tap(
    stage: Callable[Params, Result], sink: Callable[[Result], None]
) -> Callable[Params, Result]:
    """Return a stage that also passes its results to a sink.

    Parameters
    ----------
    stage
        For instance `estimate`.
    sink
        For instance the `put` of a `PoseWriter`.

    Returns
    -------
    stage
        With the same results.
    """

    def wrapper(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        result = stage(*args, **kwargs)
        sink(result)
        return result

    return wrapper


def _lock_folder(path: Path) -> FolderLock | None:
    """Lock a folder against other programs; None where the disk cannot do that."""
    try:
        return FolderLock(path)
    except InUseError as error:
        raise SessionError(
            f"'{path}' is being recorded to at this moment. Choose another name."
        ) from error
    except OSError as error:
        logger.info("No lock on %s: %s", path, error.strerror)
        return None


def _close_recorder(recorder: CameraRecorder) -> SessionError | None:
    """Close a recorder; return what the disk refused."""
    try:
        recorder.close()
    except SessionError as error:
        return error
    return None
