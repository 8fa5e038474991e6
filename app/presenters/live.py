"""The live program as the window shows it: from the newest state and the newest result, at screen rate."""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from app.presenters.calibration import CalibrationCard, present_calibration
from app.presenters.camera_settings import CameraSettings, DeviceList
from app.presenters.cameras import CameraTile
from app.presenters.coaching import CoachingCard, present_coaching
from app.presenters.live_status import present_status
from app.presenters.room import TRAIL_FRAMESETS, RoomScene, doubt_in_words
from app.presenters.tone import Tone
from app.presenters.window import Controls, Job, Notice, RecordingPhase, WindowState
from calibration.geometry.arrays import F64, U8
from calibration.skeleton import Skeleton
from engine.coach import ONE_CAMERA_GUESSED
from engine.errors import UnreadableSourceError
from engine.live_state import CalibrationPhase, CalibrationState, CameraPhase, CameraState, LiveResult, LiveState
from engine.one_camera import is_guessed
from engine.poses import Pose2D, Pose3D

_TONES = {
    CameraPhase.OPENING: Tone.NEUTRAL,
    CameraPhase.LIVE: Tone.GOOD,
    CameraPhase.STALLED: Tone.CARE,
    CameraPhase.LOST: Tone.BAD,
    CameraPhase.ENDED: Tone.NEUTRAL,
}
_SENTENCES = {
    CameraPhase.OPENING: "Opening the camera",
    CameraPhase.LIVE: "Waiting for the first image",
    CameraPhase.STALLED: "No image comes any more. Check its cable or its network.",
    CameraPhase.LOST: "The camera is gone. Plug it in again; it is tried again by itself.",
    CameraPhase.ENDED: "Played to its end",
}
_OLD_MS = 1000.0
_GUESSED = "One camera: depth is a guess"
_GUESS = "A network guesses the pose from one image, and your height gives it its size."
_GUESS_OF_AVERAGE = (
    "A network guesses the pose from one image. Enter your height: an average one gives it its size now."
)
_MEASURE = "Add a second camera that sees the same part of the room, and depth is measured."
_SECOND = "Add a second camera to measure it."
_STEP = "Step to where a second camera sees you."
_FIRST = "First add two cameras or more, or try the studio."


class Trail:
    """Where the first person's hips were on the floor, as long as the room shows it."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._hips = skeleton.indices(("left_hip", "right_hip"))
        self._xy: deque[tuple[float, float]] = deque(maxlen=TRAIL_FRAMESETS)
        self._rig: object = None

    def put(self, result: LiveResult) -> None:
        """Go on with a result; a new rig is a new world, and begins a new trail.

        Parameters
        ----------
        result
        """
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
class Look:
    """What the window shows beside the cameras' state.

    Parameters
    ----------
    skeleton
        Names the joints of the people.
    trail
        Goes on with every result (`Trail.put`); only read here.
    title
    running
        True from Start to Stop.
    countdown_s
        Left before a recording; None while nobody counts.
    stature_m, person, countdown_setting_s, hands_free
        As remembered.
    notice
        Comes before the sentences of the state.
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
    job: Job | None = None


def present_live(state: LiveState, result: LiveResult | None, look: Look) -> WindowState:
    """Describe the window at this moment.

    Parameters
    ----------
    state
    result
        The newest; None before the first.
    look

    Returns
    -------
    window
        Cheap: images are neither copied nor scaled here.
    """
    names = tuple(camera.name for camera in state.cameras)
    calibration = state.calibration
    if not look.running and calibration.rig is None:  # nobody watches whoever walks now
        calibration = CalibrationState()
    coaching = present_coaching(calibration, names, running=look.running)
    notice = look.notice or (Notice(state.notices[-1]) if state.notices else None)
    return WindowState(
        look.title,
        _tiles(state.cameras, result, look.settings),
        _room(replace(state, calibration=calibration), result, look, coaching),
        _panel(calibration, coaching, result, look) if names else replace(present_calibration(None), next_step=_FIRST),
        present_status(state),
        _controls(state, look),
        notice,
        look.devices,
        look.settings,
        look.job,
    )


def _tiles(
    cameras: tuple[CameraState, ...], result: LiveResult | None, settings: tuple[CameraSettings, ...]
) -> tuple[CameraTile, ...]:
    """Describe each camera, with its image and people where the newest result has them."""
    views = {}
    if result is not None:
        for view, frame in enumerate(result.frames.frames):
            if frame is not None:
                people = result.poses_2d.views[view] if view < len(result.poses_2d.views) else ()
                views[frame.camera] = (frame, people)
    warnings = {one.name: one.warning for one in settings}
    tiles = []
    for camera in cameras:
        frame, people = views.get(camera.name, (None, ()))
        image = None
        if frame is not None:
            try:
                image = frame.image_bgr
            except UnreadableSourceError:  # it was counted where it was received; here the last one stays
                people = ()
        tiles.append(_tile(camera, image, people, warnings.get(camera.name, "")))
    return tuple(tiles)


def _tile(camera: CameraState, image: U8 | None, people: tuple[Pose2D, ...], warning: str) -> CameraTile:
    """Describe one camera."""
    lives = camera.phase is CameraPhase.LIVE
    message = camera.sentence or _SENTENCES[camera.phase]
    if lives:
        message = "" if camera.frames else message
        warning = camera.sentence or warning
    tone = Tone.CARE if lives and warning else _TONES[camera.phase]
    retry = camera.phase in (CameraPhase.STALLED, CameraPhase.LOST)
    ended = camera.phase is CameraPhase.ENDED
    shown = image if lives or ended else None
    return CameraTile(
        camera.name, shown, people if shown is not None else (), _detail(camera), tone,
        "" if ended and shown is not None else message, True, retry, warning,
    )  # fmt: skip


def _detail(camera: CameraState) -> str:
    """Say in a few words how a camera does."""
    parts = []
    if camera.phase is CameraPhase.LIVE and camera.rate_fps == camera.rate_fps:
        parts.append(f"{camera.rate_fps:.1f} fps")
    if camera.age_ms > _OLD_MS:
        parts.append(f"{camera.age_ms / 1000:.0f} s old")
    elif camera.phase is CameraPhase.LIVE and camera.age_ms == camera.age_ms:
        parts.append(f"{round(camera.age_ms, -1):.0f} ms old")
    if camera.dropped:
        parts.append(f"{camera.dropped} lost")
    return " · ".join(parts)


def _room(state: LiveState, result: LiveResult | None, look: Look, coaching: CoachingCard | None) -> RoomScene:
    """Describe the room, or what to do where there is none; of one camera alone, a room that is made up."""
    rig = state.calibration.rig
    if rig is None and result is not None and _guesses(result):
        rig = result.rig
    if rig is None:
        return RoomScene(None, look.skeleton, coaching=coaching)
    same = result is not None and result.rig is rig
    people = result.poses_3d.people if same and result is not None else ()
    note = _note(state, people, guessed=is_guessed(rig))
    return RoomScene(rig, look.skeleton, people, look.trail.xy_m() if same else None, note=note, guessed=bool(note))


def _note(state: LiveState, people: tuple[Pose3D, ...], *, guessed: bool) -> str:
    """Say in the room how far to trust somebody whom one camera alone sees, why, and what to do."""
    doubt = doubt_in_words(people)
    if guessed:
        return f"3D from one camera: {doubt}. {_SECOND}" if doubt else ONE_CAMERA_GUESSED
    if not state.lift.view:
        return ""
    seen = f"Only '{state.lift.view}' sees you: 3D from one camera"
    return f"{seen}, {doubt}. {_STEP}" if doubt else f"{seen}. {_STEP}"


def _panel(
    calibration: CalibrationState, coaching: CoachingCard | None, result: LiveResult | None, look: Look
) -> CalibrationCard:
    """Choose what the panel says; of one camera alone that guesses, that it does."""
    if calibration.rig is None and _guesses(result):
        message = _GUESS if look.stature_m is not None else _GUESS_OF_AVERAGE
        return CalibrationCard(_GUESSED, Tone.CARE, message, _MEASURE)
    return _calibration(calibration, coaching)


def _guesses(result: LiveResult | None) -> bool:
    """Whether the room is made up around one camera."""
    return result is not None and result.rig is not None and is_guessed(result.rig)


def _calibration(calibration: CalibrationState, coaching: CoachingCard | None) -> CalibrationCard:
    """Choose what the panel says: a verdict where there is one, else what to do."""
    source = calibration.rig_source if calibration.rig is not None else ""
    if calibration.report is not None and (calibration.rig is not None or coaching is None):
        card = present_calibration(calibration.report)
        next_step = coaching.instruction if coaching else card.next_step
        return replace(card, next_step=next_step, coaching=coaching, rig_source=source)
    if coaching is None:
        message = f"The rig is {source}." if source else ""
        return CalibrationCard("Calibrated", Tone.GOOD, message, "Leave the cameras where they are.", rig_source=source)
    reasons = calibration.report.reasons if calibration.report is not None else ()
    message = reasons[0] if reasons else coaching.instruction
    next_step = coaching.instruction if reasons else ""
    watching = calibration.phase in (CalibrationPhase.WATCHING, CalibrationPhase.SOLVING)
    begun = watching and calibration.coverage  # before, nothing is watched yet
    headline = f"Calibrating, {100 * coaching.progress:.0f} %" if begun else coaching.headline
    return CalibrationCard(headline, coaching.tone, message, next_step, coaching=coaching, rig_source=source)


def _controls(state: LiveState, look: Look) -> Controls:
    """Choose what the buttons say."""
    recording, phase, clock = state.recording, RecordingPhase.READY, ""
    if recording is not None:
        phase, clock = RecordingPhase.RECORDING, f"{int(recording.seconds) // 60}:{int(recording.seconds) % 60:02d}"
    elif look.countdown_s is not None:
        phase, clock = RecordingPhase.COUNTING, f"{int(np.ceil(max(look.countdown_s, 0.0))):d}"
    return Controls(
        look.running, phase, clock,
        can_start=bool(state.cameras),
        can_calibrate=look.running and len(state.cameras) > 1,
        can_record=look.running and any(camera.frames for camera in state.cameras),
        lossy=recording is not None and recording.lost > 0,
        stature_m=look.stature_m, person=look.person, countdown_s=look.countdown_setting_s, hands_free=look.hands_free,
    )  # fmt: skip
