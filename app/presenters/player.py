"""The player: a recorded session at one instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.duration import format_duration_padded
from app.presenters.cameras import CameraTile, present_cameras
from app.presenters.room import TRAIL_FRAMESETS, RoomScene, describe_depth_uncertainty, present_room
from app.presenters.sessions import format_date
from app.presenters.severity import Severity
from calibration.geometry.arrays import F64
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.frames import FrameSet
from engine.live.coach import ONE_CAMERA_GUESSED
from engine.monocular.guessed_room import guess_rig, is_guessed
from engine.poses import PoseSet2D, PoseSet3D
from engine.session.playback import Playback
from engine.session.session import NO_IMAGE_WH
from engine.session.summary import display_name

HIPS = ("left_hip", "right_hip")
_NO_RIG = (
    "No room in this session",
    "Its cameras are not calibrated. Track it again with a rig to see it in 3D.",
)
_NO_VIDEO = "The video of this camera is missing"
_NO_POSES_BEFORE_RIG = (
    "No skeleton before {clock}: the cameras were not calibrated yet. Press 'Track again …' to "
    "fill it in."
)


@dataclass(frozen=True, slots=True, eq=False)
class PlayerSession:
    """A session in the player, regardless of the instant shown.

    Parameters
    ----------
    path
    title, facts
    view_names
    skeleton
    rig
        None where there is none; guessed where only one camera saw the person.
    rate_fps
        Instants per second.
    time_s : (T,)
        Of the instants, since the first.
    missing : (T,), 0 to 1
        Share of the cameras that have no image of the instant.
    joints_found : (T,), 0 to 1
        Share of the joints that were reconstructed; NaN where not tracked.
    trail_xy_m : (T, 2), m, world
        Where the hips are on the floor; NaN where unknown.
    without_video
        Names of the cameras without a single image.
    models
        Models the session can be tracked with.
    can_export
    remarks
        Messages on what is missing or odd.
    """

    path: Path
    title: str
    facts: str
    view_names: tuple[str, ...]
    skeleton: Skeleton
    rig: Rig | None
    rate_fps: float
    time_s: F64
    missing: F64
    joints_found: F64
    trail_xy_m: F64
    without_video: frozenset[str]
    models: tuple[str, ...] = ()
    can_export: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many instants there are."""
        return len(self.time_s)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The contents of a session at one instant.

    Parameters
    ----------
    frames
    poses_2d, poses_3d
        None where not tracked.
    follows
        Whether it is shown right after the previous instant, so that a missing image is only a
        gap.
    """

    frames: FrameSet
    poses_2d: PoseSet2D | None
    poses_3d: PoseSet3D | None
    follows: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PlayerState:
    """The player at one instant.

    Parameters
    ----------
    session
        None before the session is open.
    instant
        0-based.
    clock, frame
        Time since the start, and number of the instant from 1, formatted.
    cameras
        In camera order.
    room
        None before the session is open.
    message, severity
        Activity or error, where nothing can be shown.
    """

    session: PlayerSession | None = None
    instant: int = 0
    clock: str = ""
    frame: str = ""
    cameras: tuple[CameraTile, ...] = ()
    room: RoomScene | None = None
    message: str = ""
    severity: Severity = Severity.NEUTRAL


def present_opening(path: Path) -> PlayerState:
    """Describe the player while a session is being opened."""
    return PlayerState(message=f"Opening '{path.name}' …")


def present_problem(message: str) -> PlayerState:
    """Describe the player where a session cannot be shown."""
    return PlayerState(message=message, severity=Severity.ERROR)


def describe_playback(playback: Playback, models: Sequence[str] = ()) -> PlayerSession:
    """Describe a session, regardless of the instant shown.

    Parameters
    ----------
    playback
        Open.
    models
        Names of the installed pose models.
    """
    path = playback.session.path
    images = playback.has_image
    count = len(playback.session.cameras)
    facts = (
        format_date(playback.session.facts.created.astimezone()),
        format_duration_padded(playback.seconds),
        f"{count} camera{'' if count == 1 else 's'} at {playback.rate_fps:.4g} fps",
        playback.session.facts.model.get("name", ""),
    )
    known = set(HIPS) <= set(playback.skeleton.joints)
    shown = images.any(0)
    return PlayerSession(
        path=path,
        title=display_name(path.absolute()),
        facts=" · ".join(fact for fact in facts if fact),
        view_names=playback.view_names,
        skeleton=playback.skeleton,
        rig=playback.rig if playback.rig is not None else _rebuild_guessed_rig(playback),
        rate_fps=playback.rate_fps,
        time_s=(playback.time_ns - playback.start_ns) / 1e9,
        missing=1 - images[:, shown].mean(1) if shown.any() else np.ones(len(playback)),
        joints_found=playback.joints_found,
        trail_xy_m=playback.joints_xyz(HIPS)[:, :, :2].mean(1)
        if known
        else np.full((len(playback), 2), np.nan),
        without_video=frozenset(view for view, has in zip(playback.view_names, shown) if not has),
        models=tuple(models),
        can_export=bool(np.isfinite(playback.joints_found).any()),
        remarks=playback.remarks,
    )


def present_moment(session: PlayerSession, moment: Moment) -> PlayerState:
    """Describe the player at one instant."""
    instant = moment.frames.index
    details = {
        frame.camera: f"{frame.size_wh[0]}×{frame.size_wh[1]}"
        for frame in moment.frames.frames
        if frame is not None
    }
    tiles = present_cameras(session.view_names, moment.frames, moment.poses_2d, details)
    return PlayerState(
        session=session,
        instant=instant,
        clock=format_clock(float(session.time_s[instant])),
        frame=f"Frame {instant + 1} of {session.count}",
        cameras=tuple(_add_reason(tile, session, moment) for tile in tiles),
        room=_build_room(session, moment),
    )


def find_best_instant(playback: Playback) -> int:
    """Choose the instant in the second half with the most joints in 3D and in the images."""
    half = len(playback) // 2
    return half + int(np.argmax(playback.measure_content()[half:]))


def format_clock(seconds: float) -> str:
    """Format a time within a session.

    Examples
    --------
    >>> format_clock(7.4333), format_clock(71.9996), format_clock(3671.5)
    ('0:07.433', '1:12.000', '1:01:11.500')
    """
    whole_ms = round(seconds * 1000)
    minutes, ms = divmod(whole_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{ms // 1000:02d}.{ms % 1000:03d}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def _add_reason(tile: CameraTile, session: PlayerSession, moment: Moment) -> CameraTile:
    """Add why a camera shows no image."""
    if tile.image_bgr is not None:
        return tile
    if tile.name in session.without_video:
        return replace(tile, message=_NO_VIDEO, severity=Severity.ERROR)
    return replace(tile, keeps_image=moment.follows)


def _rebuild_guessed_rig(playback: Playback) -> Rig | None:
    """Rebuild the guessed rig of a session with one camera; None where there was none."""
    cameras = playback.session.cameras
    if (
        len(cameras) != 1
        or not (playback.joints_found > 0).any()
        or cameras[0].size_wh == NO_IMAGE_WH
    ):
        return None
    return guess_rig(cameras[0].name, cameras[0].size_wh)


def _build_room(session: PlayerSession, moment: Moment) -> RoomScene:
    """Describe the room at an instant."""
    if session.rig is None:
        return replace(
            present_room(None, session.skeleton, ()), headline=_NO_RIG[0], message=_NO_RIG[1]
        )
    people = moment.poses_3d.people if moment.poses_3d else ()
    instant = moment.frames.index
    trail = session.trail_xy_m[max(0, instant + 1 - TRAIL_FRAMESETS) : instant + 1]
    uncertainty = describe_depth_uncertainty(people)
    single_camera_note = ONE_CAMERA_GUESSED if is_guessed(session.rig) else ""
    note = f"3D from one camera: {uncertainty}." if uncertainty else single_camera_note
    guessed = bool(note)
    note = note or _explain_empty_room(session, moment)
    return RoomScene(session.rig, session.skeleton, people, trail, note=note, guessed=guessed)


def _explain_empty_room(session: PlayerSession, moment: Moment) -> str:
    """Explain why a person seen by two cameras is not in the room yet; empty otherwise."""
    instant, poses_2d = moment.frames.index, moment.poses_2d
    found = np.flatnonzero(session.joints_found > 0)
    if (
        not found.size
        or instant >= found[0]
        or poses_2d is None
        or sum(map(bool, poses_2d.poses_by_view)) < 2
    ):
        return ""
    return _NO_POSES_BEFORE_RIG.format(clock=format_clock(float(session.time_s[found[0]])))
