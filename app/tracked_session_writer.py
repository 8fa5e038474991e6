"""TakeRecording: a new session that keeps a take: its images, what the network saw, and what came of it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.capture.tapped import TappedSource
from engine.errors import SessionError
from engine.offline.footage import Footage
from engine.offline.recording import Reconstruction
from engine.poses import PoseSet2D
from engine.session.session import SessionFacts
from engine.session.writer import PoseWriters, SessionWriter


class TrackedSessionWriter:
    """A new session, as a context manager; whatever happens, what was kept so far can be opened.

    Parameters
    ----------
    path
        A folder that does not exist yet, or is empty.
    footage
        Open. Videos are copied as they are; a studio's images are recorded as they come.
    model
        Name of the pose model.
    settings
        What was asked for, as plain values.

    Attributes
    ----------
    footage
        To be read in place of the one given.

    Raises
    ------
    SessionError
        If the folder holds something already, or the disk refuses.
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

    def open_raw_pose_sink(
        self, skeleton: Skeleton, model_hash: str
    ) -> Callable[[PoseSet2D], None]:
        """Return what takes the network's poses as they come.

        Parameters
        ----------
        skeleton, model_hash
            Of the network.

        Returns
        -------
        put
        """
        self._facts = replace(self._facts, model={**self._facts.model, "sha256": model_hash})
        self._session.update(self._facts)
        self._poses = self._session.open_pose_files(skeleton, self.footage.view_names)
        return self._poses.raw_2d.put

    def write_rig(self, rig: Rig) -> None:
        """Write where the cameras stand."""
        self._session.write_rig(rig)

    def write_reconstruction(self, reconstruction: Reconstruction) -> None:
        """Write the person in all views and in the room; `open_raw_pose_sink` came before.

        Raises
        ------
        SessionError
            If the disk refuses, or no raw poses were kept.
        """
        if self._poses is None:
            raise SessionError("A reconstruction without the poses that it rests on is not kept.")
        for poses_2d, poses_3d in zip(reconstruction.poses_2d, reconstruction.poses_3d):
            self._poses.matched_2d.put(poses_2d)
            self._poses.room_3d.put(poses_3d)

    def __enter__(self) -> "TrackedSessionWriter":
        """Keep it open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish all files."""
        self._session.__exit__(kind, error, trace)

    def _record_images(self, footage: Footage) -> Footage:
        """Copy a session's cameras with their exact times, or given videos, or listen to sources that are neither."""
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
