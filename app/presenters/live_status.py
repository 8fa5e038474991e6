"""The figures of a live window's lower edge: rates, delay, losses, disk."""

from app.duration import format_whole_minutes
from app.presenters.plots import STAGE_LABELS
from app.presenters.severity import Severity
from app.presenters.window import StatusItem
from engine.live.state import LiveState
from engine.session.state import RecordingState
from engine.stats import StageTime

TOTAL_STAGE = "in all"
_MAX_LATENCY_MS = 250.0
_MAX_SKEW_MS = 20.0
_MIN_POSE_HZ = 5.0
_MIN_DISK_S = 600.0
_HINT_SECOND_VIEW = (
    "It is measured again as soon as a second camera sees them whole: "
    "step to where the pictures overlap, and clear what stands before a camera."
)
_HINT_ADD_CAMERA = "Add a second camera that sees the same part of the room, and it is measured."


def present_status(state: LiveState) -> tuple[StatusItem, ...]:
    """Choose the figures that tell whether all is well.

    Returns
    -------
    items
        From left to right; empty before there is a camera.
    """
    if not state.cameras:
        return ()
    items = _build_recording(state.recording) if state.recording is not None else []
    items += [
        StatusItem("Images", format_rate(_find_slowest_fps(state)), tip="Of the slowest camera"),
        StatusItem("Skeletons", format_rate(state.pose_hz), _choose_rate_severity(state.pose_hz)),
        _build_delay(state.latency),
    ]
    if len(state.cameras) > 1:
        severity = Severity.WARNING if state.skew_ms > _MAX_SKEW_MS else Severity.NEUTRAL
        tip = "How far apart in time the images of one instant were taken, at most"
        items.append(StatusItem("Images apart", format_ms(state.skew_ms), severity, tip))
    items += _build_depth(state)
    items.append(_build_lost(state))
    return tuple(items)


def format_rate(rate_hz: float) -> str:
    """Write a rate; a dash where it is not known."""
    return f"{rate_hz:.0f} per second" if rate_hz == rate_hz else "–"


def format_ms(value_ms: float) -> str:
    """Write a time, in milliseconds below ten seconds; a dash where it is not known."""
    if value_ms != value_ms:
        return "–"
    return f"{value_ms:.0f} ms" if value_ms < 10_000 else f"{value_ms / 1000:.0f} s"


def _find_slowest_fps(state: LiveState) -> float:
    """Measure the rate of the slowest camera that is known, per second."""
    rates = [camera.rate_fps for camera in state.cameras if camera.rate_fps == camera.rate_fps]
    return min(rates, default=float("nan"))


def _choose_rate_severity(rate_hz: float) -> Severity:
    """Few poses a second are worth a look."""
    return Severity.WARNING if rate_hz < _MIN_POSE_HZ else Severity.NEUTRAL


def _build_delay(latency: tuple[StageTime, ...]) -> StatusItem:
    """Say how long it takes from the light to the skeleton."""
    total = next((stage for stage in latency if stage.name == TOTAL_STAGE), None)
    if total is None or total.median_ms != total.median_ms:
        return StatusItem("Delay", "–")
    lines = [
        (
            f"{STAGE_LABELS.get(stage.name, stage.name)}: {format_ms(stage.median_ms)}, "
            f"{format_ms(stage.p95_ms)}"
        )
        for stage in latency
    ]
    value = f"{total.median_ms:.0f} to {format_ms(total.p95_ms)}"
    severity = Severity.WARNING if total.median_ms > _MAX_LATENCY_MS else Severity.NEUTRAL
    return StatusItem(
        "Delay",
        value,
        severity,
        "From the image to the skeleton, half of them and 19 of 20\n" + "\n".join(lines),
    )


def _build_depth(state: LiveState) -> list[StatusItem]:
    """Say where the depth comes from, where it is not measured by several cameras, and what to do."""
    monocular = state.monocular
    if monocular.view:
        tip = (
            f"Only '{monocular.view}' sees the person. How far away each joint is, is a guess "
            f"by {monocular.model}.\n"
        )
        tip += _HINT_SECOND_VIEW if len(state.cameras) > 1 else _HINT_ADD_CAMERA
        return [StatusItem("Depth", f"a guess, '{monocular.view}' alone", Severity.WARNING, tip)]
    if monocular.message:
        return [StatusItem("Depth", "by two cameras only", Severity.NEUTRAL, monocular.message)]
    return []


def _build_lost(state: LiveState) -> StatusItem:
    """Count the images that never came."""
    lost, received = (
        sum(getattr(camera, name) for camera in state.cameras) for name in ("dropped", "frames")
    )
    tip = "\n".join(f"{camera.name}: {camera.dropped}" for camera in state.cameras)
    severity = Severity.WARNING if lost > 0.01 * max(received, 1) else Severity.NEUTRAL
    return StatusItem("Images lost", str(lost), severity, tip)


def _build_recording(recording: RecordingState) -> list[StatusItem]:
    """Say what a recording lost, and how long the disk lasts."""
    items = []
    if recording.lost:
        items.append(
            StatusItem(
                "Recording", f"lost {recording.lost} images", Severity.ERROR, recording.message
            )
        )
    elif recording.message:
        items.append(StatusItem("Recording", "needs a look", Severity.WARNING, recording.message))
    if recording.disk_left_s == recording.disk_left_s:
        severity = Severity.ERROR if recording.disk_left_s < _MIN_DISK_S else Severity.NEUTRAL
        items.append(
            StatusItem(
                "Disk lasts", format_whole_minutes(recording.disk_left_s), severity, recording.path
            )
        )
    return items
