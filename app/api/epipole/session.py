"""Session: a recorded and tracked folder, read as numpy arrays."""

from os import PathLike
from pathlib import Path

from calibration.rig import Rig
from engine.offline import recording as offline
from engine.offline.repair_sessions import repair_sessions
from engine.reconstruction.smooth import Smooth
from engine.session.session import Session as SessionFolder

from .poses import Observations2D, Poses, build_observations, build_poses


class Session:
    """A session folder; `open_session` and `track` return it.

    Attributes
    ----------
    path
        Of the folder.
    view_names
        Names of the cameras, in order.
    stature : m
        Of the person; None where it is not known.
    person
        Name of the person; empty where it is not known.
    rig
        Where the cameras are; None where the session has no calibration.
    remarks
        Messages on what is missing, was lost or was not finished.
    """

    def __init__(self, folder: SessionFolder, remarks: tuple[str, ...] = ()) -> None:
        self.path: Path = folder.path
        self.view_names: tuple[str, ...] = tuple(camera.name for camera in folder.cameras)
        self.stature: float | None = folder.facts.stature_m
        self.person: str = folder.facts.person
        self.rig: Rig | None = folder.rig() if folder.has_rig else None
        self.remarks: tuple[str, ...] = tuple(dict.fromkeys((*remarks, *folder.remarks)))
        self._folder = folder

    def __repr__(self) -> str:
        return f"Session('{self.path}', views={list(self.view_names)})"

    def __fspath__(self) -> str:
        return str(self.path)

    def poses(self, *, smooth: bool = False) -> Poses:
        """Read the joints in the room.

        Parameters
        ----------
        smooth
            Filter the joints as the live view does; not smoothed: as they were reconstructed.

        Returns
        -------
        poses
            Of everybody who was found; none where no person was.

        Raises
        ------
        EngineError
            If the session was not tracked, or a file is damaged.
        """
        reader = self._folder.poses_3d()
        pose_sets = list(reader.sets_3d())
        if smooth:
            pose_sets = list(map(Smooth(), pose_sets))
        return build_poses(pose_sets, reader.header.joints, self._folder.start_ns())

    def observations(self) -> Observations2D:
        """Read the joints in every view, after association and left/right repair.

        Returns
        -------
        observations
            In pixels of the original images.

        Raises
        ------
        EngineError
            If the session was not tracked, or a file is damaged.
        """
        recording = offline.load_recording(self._folder, repaired=True)
        return build_observations(recording, self._folder.start_ns())


def open_session(path: str | PathLike[str]) -> Session:
    """Open a session folder; one that was not finished is repaired first.

    Parameters
    ----------
    path
        Of the folder.

    Returns
    -------
    session
        Its `remarks` say what was lost.

    Raises
    ------
    EngineError
        If it is no session, is damaged, or was written by a newer program.
    """
    messages = repair_sessions([str(Path(path))])
    return Session(SessionFolder.open(Path(path)), messages)
