"""Playback: images and poses of any instant of a session, with random access.

The instants are those of `engine.capture.synchronize`, found from ledgers and time stamps alone; an
image is decoded when its instant is requested.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Rig
from calibration.skeleton import Skeleton, load_skeleton
from engine.clock import NS_PER_S
from engine.errors import CameraError, SessionError
from engine.frames import Frame, FrameSet
from engine.poses import Pose2D, Pose3D, PoseSet2D, PoseSet3D
from engine.session.instants import NO_IMAGE, Instants, ListedVideo, find_instants, find_pose_rows
from engine.session.pose_files import NOBODY, PoseReader
from engine.session.seek_video import SeekableVideo
from engine.session.session import POSES_2D, POSES_2D_RAW, POSES_3D, Session, SessionCamera

DEFAULT_SKELETON = "blazepose_33"


class Playback:
    """A session with random access to its instants; used by one thread at a time.

    Attributes
    ----------
    session
    view_names
        Names of all cameras of the session, also of those without a video.
    skeleton
        Of the poses.
    rig
        None where the session has none that can be read.
    rate_fps
        Instants per second.
    time_ns : (T,)
        Of the instants, in the session's time.
    has_image : (T, V), bool
        Whether a view has an image of the instant.
    joints_found : (T,), 0 to 1
        Share of the first person's joints that have a 3D position; NaN without 3D poses.
    remarks
        Messages on what is missing or unusual.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.view_names = tuple(camera.name for camera in session.cameras)
        remarks = list(session.remarks)
        self._videos = _open_videos(session, remarks)
        try:
            self._poses_2d = _open_poses(session, (POSES_2D, POSES_2D_RAW), remarks)
            self._poses_3d = _open_poses(session, (POSES_3D,), remarks)
            instants = self._find_instants(remarks[len(session.remarks) :])
        except BaseException:
            self.close()
            raise
        self.time_ns = instants.time_ns
        self._number = instants.number
        self.rate_fps = instants.rate_fps
        self.has_image = self._number != NO_IMAGE
        self.skeleton = self._find_skeleton(remarks)
        self.rig = _load_rig(session, remarks)
        self._row_2d = find_pose_rows(self._poses_2d, self.time_ns, self.rate_fps)
        self._row_3d = find_pose_rows(self._poses_3d, self.time_ns, self.rate_fps)
        self.joints_found = self._measure_joints_found()
        self.remarks = tuple(dict.fromkeys((*remarks, *instants.remarks)))

    @classmethod
    def open(cls, path: Path) -> "Playback":
        """Open a session for reading. Nothing in it is changed.

        Returns
        -------
        playback
            Also of a session that lacks videos or poses; `remarks` names them.

        Raises
        ------
        SessionError
            If it is no session, or has neither a readable video nor poses.
        """
        return cls(Session.open(Path(path)))

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def seconds(self) -> float:
        """The duration, s."""
        return (
            float(self.time_ns[-1] - self.time_ns[0]) / NS_PER_S + 1 / self.rate_fps
            if len(self)
            else 0.0
        )

    @property
    def start_ns(self) -> int:
        """The session's time at the first instant."""
        return int(self.time_ns[0]) if len(self) else 0

    def frameset(self, instant: int) -> FrameSet:
        """Return the images of an instant.

        Parameters
        ----------
        instant
            0-based.

        Returns
        -------
        frameset
            A view without an image of the instant, or whose image is damaged, is None.
        """
        frames = tuple(
            self._load_frame(view, int(number)) for view, number in enumerate(self._number[instant])
        )
        return FrameSet(instant, int(self.time_ns[instant]), frames)

    def poses_2d(self, instant: int) -> PoseSet2D | None:
        """Return the 2D poses at an instant, in order of `view_names`; None without a record."""
        row = int(self._row_2d[instant])
        if self._poses_2d is None or row < 0:
            return None
        found = self._poses_2d.read_at(row)
        if not isinstance(found, PoseSet2D):
            return None
        by_name = dict(
            zip(self._poses_2d.header.view_names, zip(found.poses_by_view, found.view_time_ns))
        )
        empty: tuple[tuple[Pose2D, ...], int | None] = ((), None)
        views = [by_name.get(view, empty) for view in self.view_names]
        people = tuple(view[0] for view in views)
        times = tuple(view[1] for view in views)
        return PoseSet2D(instant, int(self.time_ns[instant]), people, times)

    def poses_3d(self, instant: int) -> PoseSet3D | None:
        """Return the 3D poses at an instant; None without a record."""
        row = int(self._row_3d[instant])
        if self._poses_3d is None or row < 0:
            return None
        found = self._poses_3d.read_at(row)
        people: tuple[Pose3D, ...] = found.people if isinstance(found, PoseSet3D) else ()
        return PoseSet3D(instant, int(self.time_ns[instant]), people)

    def joints_xyz(self, joints: Sequence[str]) -> F64:
        """Return the trajectories of joints of the first person over the whole session.

        Parameters
        ----------
        joints
            Names.

        Returns
        -------
        xyz : (T, joints, 3), m, world
            NaN where unknown.
        """
        xyz = np.full((len(self), len(joints), 3), np.nan)
        known = np.flatnonzero(self._row_3d >= 0)
        if self._poses_3d is not None and len(known):
            xyz[known] = self._poses_3d.records["xyz"][self._row_3d[known]][
                :, self.skeleton.indices(joints)
            ]
        return xyz

    def measure_content(self) -> F64:
        """Rate how much there is to see at each instant, (T,): summed confidence, 3D fourfold."""
        worth = self.has_image.mean(1) if self.has_image.size else np.zeros(len(self))
        for reader, rows, weight in (
            (self._poses_2d, self._row_2d, 1.0),
            (self._poses_3d, self._row_3d, 4.0),
        ):
            known = np.flatnonzero(rows >= 0)
            if reader is not None and len(known):
                sums = np.concatenate(
                    [[0.0], np.cumsum(reader.records["confidence"].sum(1, dtype=np.float64))]
                )
                start = rows[known]
                count = reader.records["rows"][rows[known]].astype(np.int64)
                worth[known] += weight * (sums[start + count] - sums[start])
        return worth

    def close(self) -> None:
        """Release the files; may be called twice."""
        for video in self._videos:
            if video is not None:
                video.close()

    def __enter__(self) -> "Playback":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load_frame(self, view: int, number: int) -> Frame | None:
        """Fetch a view's frame."""
        video = self._videos[view]
        if video is None or number == NO_IMAGE:
            return None
        image = video.image(number)
        if image is None:
            return None
        return Frame(
            self.view_names[view], int(video.sequence[number]), int(video.time_ns[number]), image
        )

    def _find_instants(self, faults: Sequence[str]) -> Instants:
        """Find the instants from the videos, or without any from the poses; else raise."""
        listed = [
            (view, ListedVideo(video), camera.offset_ns)
            for view, (video, camera) in enumerate(zip(self._videos, self.session.cameras))
            if video is not None and len(video)
        ]
        if listed:
            return find_instants(listed, len(self.view_names))
        poses = self._poses_3d or self._poses_2d
        if poses is None or not len(poses.records):
            why = " ".join(faults) or "Put its videos back, or choose another session."
            raise SessionError(
                f"The session '{self.session.path}' has neither a video that can be read nor "
                f"poses. {why}"
            )
        time_ns = poses.records["time_ns"][poses.starts].astype(np.int64)
        steps = np.diff(time_ns)
        rate_fps = (
            NS_PER_S / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 30.0
        )
        return Instants(
            time_ns, np.full((len(time_ns), len(self.view_names)), NO_IMAGE), rate_fps, ()
        )

    def _find_skeleton(self, remarks: list[str]) -> Skeleton:
        """Load the skeleton of the poses; drop poses of an unknown skeleton, with a remark."""
        poses = self._poses_3d or self._poses_2d
        try:
            return load_skeleton(poses.header.skeleton if poses else DEFAULT_SKELETON)
        except ValueError as error:
            remarks.append(f"The poses of '{self.session.path.name}' are not shown: {error}")
            self._poses_2d = self._poses_3d = None
            return load_skeleton(DEFAULT_SKELETON)

    def _measure_joints_found(self) -> F64:
        """Measure the share of the first person's joints that have a 3D position, (T,)."""
        share = np.full(len(self), np.nan)
        known = np.flatnonzero(self._row_3d >= 0)
        if self._poses_3d is not None and len(known):
            records = self._poses_3d.records[self._row_3d[known]]
            found = np.isfinite(records["xyz"]).all(-1).mean(1)
            share[known] = np.where(records["person"] == NOBODY, 0.0, found)
        return share


def _open_videos(session: Session, remarks: list[str]) -> tuple[SeekableVideo | None, ...]:
    """Open the videos that are there, with remarks on the others."""
    videos: list[SeekableVideo | None] = []
    for camera in session.cameras:
        video = _open_video(session, camera, remarks)
        if video is not None:
            remarks += video.facts.remarks
        videos.append(video)
    return tuple(videos)


def _open_video(
    session: Session, camera: SessionCamera, remarks: list[str]
) -> SeekableVideo | None:
    """Open one camera's video; None where it is missing or cannot be read."""
    path = session.path / camera.video
    if not path.is_file():
        return None  # the session's own remarks say so
    try:
        return SeekableVideo(path, camera.name, session.frame_times(camera))
    except (CameraError, SessionError) as error:
        remarks.append(f"Camera '{camera.name}' cannot be shown: {error}")
        return None


def _open_poses(session: Session, names: Sequence[str], remarks: list[str]) -> PoseReader | None:
    """Open the first of the pose files that holds something; None if none does."""
    for name in names:
        if not (session.path / name).is_file():
            continue
        try:
            reader = PoseReader(session.path / name)
        except SessionError as error:
            remarks.append(str(error))
            continue
        if reader.torn:
            remarks.append(
                f"The last poses of '{session.path.name}' were cut off while they were written."
            )
        if len(reader.records):
            return reader
    return None


def _load_rig(session: Session, remarks: list[str]) -> Rig | None:
    """Read the rig; None, with a remark, if it cannot be read."""
    if not session.has_rig:
        return None
    try:
        return session.rig()
    except SessionError as error:
        remarks.append(str(error))
        return None
