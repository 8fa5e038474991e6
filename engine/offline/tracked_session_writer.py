"""TrackedSessionWriter: a new session with images, raw 2D poses, and the reconstruction."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.capture.tapped import TappedSource
from engine.errors import SessionError
from engine.frames import FrameSet
from engine.offline.footage import Footage
from engine.offline.recording import Reconstruction
from engine.pipeline import Sink
from engine.poses import PoseSet2D, PoseSet3D
from engine.session.session import SessionFacts
from engine.session.writer import PoseWriters, SessionWriter


class TrackedSessionWriter:
    """A new session, as a context manager; whatever ends it, what was written can be opened.

    Parameters
    ----------
    path
        A folder that does not exist yet, or is empty.
    footage
        Open. Videos are copied as they are; a studio's images are recorded as they come.
    model
        Name of the pose model.
    settings
        The options used, as plain values.

    Attributes
    ----------
    footage
        Read this in place of the one given.

    Raises
    ------
    SessionError
        If the folder is not empty, or the disk refuses.
    """

    def __init__(self, path: Path, footage: Footage, model: str, settings: dict[str, Any]) -> None:
        stature_m = footage.session.facts.stature_m if footage.session else None
        facts = SessionFacts(
            footage.addresses, settings, {"name": model}, settings.get("stature_m", stature_m)
        )
        if footage.session is not None:
            known = footage.session.facts
            facts = replace(facts, utc_offset_ns=known.utc_offset_ns, person=known.person)
        self._facts = facts
        self._session = SessionWriter(path, self._facts)
        self._poses: PoseWriters | None = None
        with ExitStack() as on_error:
            on_error.callback(self._session.close)
            self.footage = self._record_images(footage)
            on_error.pop_all()

    def open_raw_pose_sink(self, skeleton: Skeleton, model_hash: str) -> Sink:
        """Open the sink that writes the raw 2D poses of every frameset.

        Parameters
        ----------
        skeleton, model_hash
            Of the pose model.
        """
        self._facts = replace(self._facts, model={**self._facts.model, "sha256": model_hash})
        self._session.update(self._facts)
        self._poses = self._session.open_pose_files(skeleton, self.footage.view_names)
        return _RawPoseSink(self._poses)

    def write_rig(self, rig: Rig) -> None:
        """Write the rig."""
        self._session.write_rig(rig)

    def write_reconstruction(self, reconstruction: Reconstruction) -> None:
        """Write the repaired 2D poses and the 3D poses, after `open_raw_pose_sink`.

        Raises
        ------
        SessionError
            If the disk refuses, or no raw poses were written.
        """
        if self._poses is None:
            raise SessionError(
                "A reconstruction is stored only with the 2D poses it was made from."
            )
        for poses_2d, poses_3d in zip(reconstruction.poses_2d, reconstruction.poses_3d):
            self._poses.matched_2d.put(poses_2d)
            self._poses.room_3d.put(poses_3d)

    def __enter__(self) -> "TrackedSessionWriter":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Finish all files."""
        self._session.__exit__(kind, error, trace)

    def _record_images(self, footage: Footage) -> Footage:
        """Copy the cameras of a session, or videos; record the studio's images as they are read."""
        if footage.session is not None:
            cameras = {camera.name: camera for camera in footage.session.cameras}
            for view in footage.view_names:
                self._session.copy_camera(footage.session, cameras[view])
            return footage
        if footage.studio is None:
            for source, address, offset_ns in zip(
                footage.sources, footage.addresses, footage.offset_ns
            ):
                self._session.copy_video(Path(address), source.name, offset_ns=offset_ns)
            return footage
        tapped = []
        for source, address in zip(footage.sources, footage.addresses):
            recorder = self._session.record_camera(
                source.name, source=address, size_wh=source.size_wh, rate_fps=source.rate_fps
            )
            tapped.append(TappedSource(source, recorder.put))
        return replace(footage, sources=tuple(tapped))


class _RawPoseSink:
    """Writes the 2D poses of every frameset as the pose model found them."""

    def __init__(self, poses: PoseWriters) -> None:
        self._poses = poses

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Write a frameset."""
        del frames, poses_3d
        self._poses.raw_2d.put(poses_2d)
