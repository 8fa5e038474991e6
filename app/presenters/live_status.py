"""The status bar of the live window: rates, latency, losses, disk."""

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
    "It is measured again as soon as a second camera sees the whole person: "
    "step to where the views overlap, and clear anything that blocks a camera."
)
_HINT_ADD_CAMERA = "To measure it, add a second camera that sees the same part of the room."


def present_status(state: LiveState) -> tuple[StatusItem, ...]:
    """Choose the figures that show whether all is well.

    Returns
    -------
    items
        From left to right; empty before there is a camera.
    """
    if not state.cameras:
        return ()
    items = _build_recording(state.recording) if state.recording is not None else []
    items += [
        StatusItem(
            "Frame rate", format_rate(_find_slowest_fps(state)), tip="Of the slowest camera"
        ),
        StatusItem("Pose rate", format_rate(state.pose_hz), _choose_rate_severity(state.pose_hz)),
        _build_delay(state.latency),
    ]
    if len(state.cameras) > 1:
        severity = Severity.WARNING if state.skew_ms > _MAX_SKEW_MS else Severity.NEUTRAL
        tip = "Largest time difference between the images of one moment"
        items.append(StatusItem("Sync error", format_ms(state.skew_ms), severity, tip))
    items += _build_depth(state)
    items.append(_build_lost(state))
    return tuple(items)


def format_rate(rate_hz: float) -> str:
    """Format a rate; a dash where unknown."""
    return f"{rate_hz:.0f} fps" if rate_hz == rate_hz else "–"


def format_ms(value_ms: float) -> str:
    """Format a time, in milliseconds below ten seconds; a dash where unknown."""
    if value_ms != value_ms:
        return "–"
    return f"{value_ms:.0f} ms" if value_ms < 10_000 else f"{value_ms / 1000:.0f} s"


def _find_slowest_fps(state: LiveState) -> float:
    """Find the rate of the slowest camera, per second; NaN where none is known."""
    rates = [camera.rate_fps for camera in state.cameras if camera.rate_fps == camera.rate_fps]
    return min(rates, default=float("nan"))


def _choose_rate_severity(rate_hz: float) -> Severity:
    """Warn where there are few poses per second."""
    return Severity.WARNING if rate_hz < _MIN_POSE_HZ else Severity.NEUTRAL


def _build_delay(latency: tuple[StageTime, ...]) -> StatusItem:
    """Describe the latency from the image to the skeleton."""
    total = next((stage for stage in latency if stage.name == TOTAL_STAGE), None)
    if total is None or total.median_ms != total.median_ms:
        return StatusItem("Latency", "–")
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
        "Latency",
        value,
        severity,
        "From the image to the skeleton: median, 95th percentile\n" + "\n".join(lines),
    )


def _build_depth(state: LiveState) -> list[StatusItem]:
    """Say where depth comes from if several cameras do not measure it, and what to do."""
    monocular = state.monocular
    if monocular.view:
        tip = (
            f"Only '{monocular.view}' sees the person. The depth of each joint is a guess by "
            f"{monocular.model}.\n"
        )
        tip += _HINT_SECOND_VIEW if len(state.cameras) > 1 else _HINT_ADD_CAMERA
        return [StatusItem("Depth", f"a guess, '{monocular.view}' only", Severity.WARNING, tip)]
    if monocular.message:
        return [StatusItem("Depth", "needs two cameras", Severity.NEUTRAL, monocular.message)]
    return []


def _build_lost(state: LiveState) -> StatusItem:
    """Count the images that were lost."""
    lost, received = (
        sum(getattr(camera, name) for camera in state.cameras) for name in ("dropped", "frames")
    )
    tip = "\n".join(f"{camera.name}: {camera.dropped}" for camera in state.cameras)
    severity = Severity.WARNING if lost > 0.01 * max(received, 1) else Severity.NEUTRAL
    return StatusItem("Frames lost", str(lost), severity, tip)


def _build_recording(recording: RecordingState) -> list[StatusItem]:
    """Describe the losses of a recording, and how long the disk lasts."""
    items = []
    if recording.lost:
        items.append(
            StatusItem(
                "Recording", f"lost {recording.lost} images", Severity.ERROR, recording.message
            )
        )
    elif recording.message:
        items.append(StatusItem("Recording", "see details", Severity.WARNING, recording.message))
    if recording.disk_left_s == recording.disk_left_s:
        severity = Severity.ERROR if recording.disk_left_s < _MIN_DISK_S else Severity.NEUTRAL
        items.append(
            StatusItem(
                "Disk full in",
                format_whole_minutes(recording.disk_left_s),
                severity,
                recording.path,
            )
        )
    return items
