"""The live window: presents the newest state and result, at screen rate."""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from app.presenters.calibration import CalibrationCard, present_calibration
from app.presenters.camera_settings import CameraSettings, DeviceList
from app.presenters.cameras import CameraTile
from app.presenters.coaching import CoachingCard, present_coaching
from app.presenters.live_status import present_status
from app.presenters.room import TRAIL_FRAMESETS, RoomScene, describe_depth_uncertainty
from app.presenters.severity import Severity
from app.presenters.window import Controls, JobCard, Notice, RecordingPhase, WindowState
from calibration.geometry.arrays import F64, U8
from calibration.skeleton import Skeleton
from engine.capture.state import CameraPhase, CameraState
from engine.errors import UnreadableSourceError
from engine.live.coach import ONE_CAMERA_GUESSED
from engine.live.state import CalibrationPhase, CalibrationState, LiveResult, LiveState
from engine.monocular.guessed_room import is_guessed
from engine.poses import Pose2D, Pose3D

_SEVERITIES = {
    CameraPhase.OPENING: Severity.NEUTRAL,
    CameraPhase.LIVE: Severity.GOOD,
    CameraPhase.STALLED: Severity.WARNING,
    CameraPhase.LOST: Severity.ERROR,
    CameraPhase.ENDED: Severity.NEUTRAL,
}
_MESSAGES = {
    CameraPhase.OPENING: "Opening the camera",
    CameraPhase.LIVE: "Waiting for the first image",
    CameraPhase.STALLED: "No more images arrive. Check its cable or its network.",
    CameraPhase.LOST: "The camera was disconnected. Plug it in again; it reconnects automatically.",
    CameraPhase.ENDED: "Played to its end",
}
_MAX_FRESH_MS = 1000.0
_GUESS_HEADLINE = "One camera: depth is a guess"
_GUESS_MESSAGE = "A model guesses the pose from one view; your height sets its scale."
_GUESS_WITHOUT_HEIGHT_MESSAGE = (
    "A model guesses the pose from one image. Enter your height: an average one sets its scale now."
)
_ADD_CAMERA_TO_MEASURE = (
    "To measure depth, add a second camera that sees the same part of the room."
)
_ADD_SECOND_CAMERA = "Add a second camera to measure it."
_STEP_INTO_SECOND_VIEW = "Step to where a second camera sees you."
_FIRST_STEP = "First add two or more cameras, or try the simulated ones."


class Trail:
    """Recent positions of the first person's hips on the floor."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._hips = skeleton.indices(("left_hip", "right_hip"))
        self._xy: deque[tuple[float, float]] = deque(maxlen=TRAIL_FRAMESETS)
        self._rig: object = None

    def put(self, result: LiveResult) -> None:
        """Add a result; a new rig is a new world and starts a new trail."""
        if result.rig is not self._rig:
            self._rig = result.rig
            self._xy.clear()
        people = result.poses_3d.people
        x, y = people[0].xyz[self._hips, :2].mean(0).tolist() if people else (np.nan, np.nan)
        self._xy.append((x, y))

    def xy_m(self) -> F64:
        """Return the trail, (N, 2), m, oldest first; NaN where nobody was found."""
        return np.array(self._xy, float).reshape(-1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class LiveContext:
    """What the window shows besides the state of the cameras.

    Parameters
    ----------
    skeleton
        Names the joints of the people.
    trail
        Extended with every result (`Trail.put`); only read here.
    title
    running
        True from Start to Stop.
    countdown_s
        Left before a recording; None while there is no countdown.
    stature_m, person, countdown_setting_s, hands_free
        From the settings.
    notice
        Precedes the notices of the state.
    devices, settings, job
        As of `WindowState`.
    """

    skeleton: Skeleton
    trail: Trail
    title: str = ""
    running: bool = False
    countdown_s: float | None = None
    stature_m: float | None = None
    person: str = ""
    countdown_setting_s: int = 0
    hands_free: bool = False
    notice: Notice | None = None
    devices: DeviceList = field(default_factory=DeviceList)
    settings: tuple[CameraSettings, ...] = ()
    job: JobCard | None = None


def present_live(state: LiveState, result: LiveResult | None, context: LiveContext) -> WindowState:
    """Describe the window at this moment.

    Parameters
    ----------
    state
    result
        The newest; None before the first.
    context

    Returns
    -------
    window
        Cheap: images are neither copied nor scaled here.
    """
    names = tuple(camera.name for camera in state.cameras)
    calibration = state.calibration
    if not context.running and calibration.rig is None:
        calibration = CalibrationState()
    coaching = present_coaching(calibration, names, running=context.running)
    notice = context.notice or (Notice(state.notices[-1]) if state.notices else None)
    return WindowState(
        context.title,
        _build_tiles(state.cameras, result, context.settings),
        _build_room(replace(state, calibration=calibration), result, context, coaching),
        _build_panel(calibration, coaching, result, context)
        if names
        else replace(present_calibration(None), next_step=_FIRST_STEP),
        present_status(state),
        _build_controls(state, context),
        notice,
        context.devices,
        context.settings,
        context.job,
    )


def _build_tiles(
    cameras: tuple[CameraState, ...],
    result: LiveResult | None,
    settings: tuple[CameraSettings, ...],
) -> tuple[CameraTile, ...]:
    """Describe each camera, with its image and people where the newest result has them."""
    frames_by_camera = {}
    if result is not None:
        for view, frame in enumerate(result.frames.frames):
            if frame is not None:
                people = (
                    result.poses_2d.poses_by_view[view]
                    if view < len(result.poses_2d.poses_by_view)
                    else ()
                )
                frames_by_camera[frame.camera] = (frame, people)
    warnings = {one.name: one.warning for one in settings}
    tiles = []
    for camera in cameras:
        frame, people = frames_by_camera.get(camera.name, (None, ()))
        image = None
        if frame is not None:
            try:
                image = frame.image_bgr
            except UnreadableSourceError:  # counted where it was received; the last image stays
                people = ()
        tiles.append(_build_tile(camera, image, people, warnings.get(camera.name, "")))
    return tuple(tiles)


def _build_tile(
    camera: CameraState, image: U8 | None, people: tuple[Pose2D, ...], warning: str
) -> CameraTile:
    """Describe one camera."""
    is_live = camera.phase is CameraPhase.LIVE
    message = camera.message or _MESSAGES[camera.phase]
    if is_live:
        message = "" if camera.frames else message
        warning = camera.message or warning
    severity = Severity.WARNING if is_live and warning else _SEVERITIES[camera.phase]
    retry = camera.phase in (CameraPhase.STALLED, CameraPhase.LOST)
    ended = camera.phase is CameraPhase.ENDED
    shown = image if is_live or ended else None
    return CameraTile(
        camera.name,
        shown,
        people if shown is not None else (),
        _build_detail(camera),
        severity,
        "" if ended and shown is not None else message,
        keeps_image=True,
        can_retry=retry,
        warning=warning,
    )


def _build_detail(camera: CameraState) -> str:
    """Format rate, age and losses of a camera."""
    parts = []
    if camera.phase is CameraPhase.LIVE and camera.rate_fps == camera.rate_fps:
        parts.append(f"{camera.rate_fps:.1f} fps")
    if camera.age_ms > _MAX_FRESH_MS:
        parts.append(f"{camera.age_ms / 1000:.0f} s old")
    elif camera.phase is CameraPhase.LIVE and camera.age_ms == camera.age_ms:
        parts.append(f"{round(camera.age_ms, -1):.0f} ms old")
    if camera.dropped:
        parts.append(f"{camera.dropped} lost")
    return " · ".join(parts)


def _build_room(
    state: LiveState, result: LiveResult | None, context: LiveContext, coaching: CoachingCard | None
) -> RoomScene:
    """Describe the room, or what to do first; with one camera, the guessed room."""
    rig = state.calibration.rig
    if rig is None and result is not None and _is_room_guessed(result):
        rig = result.rig
    if rig is None:
        return RoomScene(None, context.skeleton, coaching=coaching)
    same = result is not None and result.rig is rig
    people = result.poses_3d.people if same and result is not None else ()
    note = _build_note(state, people, guessed=is_guessed(rig))
    return RoomScene(
        rig,
        context.skeleton,
        people,
        context.trail.xy_m() if same else None,
        note=note,
        guessed=bool(note),
    )


def _build_note(state: LiveState, people: tuple[Pose3D, ...], *, guessed: bool) -> str:
    """Explain in the room how reliable a person seen by one camera is, and what to do."""
    uncertainty = describe_depth_uncertainty(people)
    if guessed:
        return (
            f"3D from one camera: {uncertainty}. {_ADD_SECOND_CAMERA}"
            if uncertainty
            else ONE_CAMERA_GUESSED
        )
    if not state.monocular.view:
        return ""
    seen = f"Only '{state.monocular.view}' sees you: 3D from one camera"
    return (
        f"{seen}, {uncertainty}. {_STEP_INTO_SECOND_VIEW}"
        if uncertainty
        else f"{seen}. {_STEP_INTO_SECOND_VIEW}"
    )


def _build_panel(
    calibration: CalibrationState,
    coaching: CoachingCard | None,
    result: LiveResult | None,
    context: LiveContext,
) -> CalibrationCard:
    """Choose the calibration card; with one camera, say that depth is a guess."""
    if calibration.rig is None and _is_room_guessed(result):
        message = _GUESS_MESSAGE if context.stature_m is not None else _GUESS_WITHOUT_HEIGHT_MESSAGE
        return CalibrationCard(_GUESS_HEADLINE, Severity.WARNING, message, _ADD_CAMERA_TO_MEASURE)
    return _build_calibration(calibration, coaching)


def _is_room_guessed(result: LiveResult | None) -> bool:
    """Whether the room is guessed from one camera."""
    return result is not None and result.rig is not None and is_guessed(result.rig)


def _build_calibration(
    calibration: CalibrationState, coaching: CoachingCard | None
) -> CalibrationCard:
    """Choose the calibration card: the verdict where there is one, else what to do."""
    source = calibration.rig_source if calibration.rig is not None else ""
    if calibration.report is not None and (calibration.rig is not None or coaching is None):
        card = present_calibration(calibration.report)
        next_step = coaching.instruction if coaching else card.next_step
        return replace(card, next_step=next_step, coaching=coaching, rig_source=source)
    if coaching is None:
        message = f"The rig is {source}." if source else ""
        return CalibrationCard(
            "Calibrated",
            Severity.GOOD,
            message,
            "Leave the cameras where they are.",
            rig_source=source,
        )
    reasons = calibration.report.reasons if calibration.report is not None else ()
    message = reasons[0] if reasons else coaching.instruction
    next_step = coaching.instruction if reasons else ""
    watching = calibration.phase in (CalibrationPhase.WATCHING, CalibrationPhase.SOLVING)
    has_begun = watching and calibration.coverage  # before, nothing is watched yet
    headline = f"Calibrating, {100 * coaching.progress:.0f} %" if has_begun else coaching.headline
    return CalibrationCard(
        headline, coaching.severity, message, next_step, coaching=coaching, rig_source=source
    )


def _build_controls(state: LiveState, context: LiveContext) -> Controls:
    """Choose the state of the buttons."""
    recording = state.recording
    phase = RecordingPhase.READY
    clock = ""
    if recording is not None:
        phase = RecordingPhase.RECORDING
        clock = f"{int(recording.seconds) // 60}:{int(recording.seconds) % 60:02d}"
    elif context.countdown_s is not None:
        phase = RecordingPhase.COUNTING
        clock = f"{int(np.ceil(max(context.countdown_s, 0.0))):d}"
    return Controls(
        context.running,
        phase,
        clock,
        can_start=bool(state.cameras),
        can_calibrate=context.running and len(state.cameras) > 1,
        can_record=context.running and any(camera.frames for camera in state.cameras),
        lossy=recording is not None and recording.lost > 0,
        stature_m=context.stature_m,
        person=context.person,
        countdown_s=context.countdown_setting_s,
        hands_free=context.hands_free,
    )
