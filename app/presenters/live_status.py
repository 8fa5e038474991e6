"""The figures of a live window's lower edge: rates, delay, losses, disk."""

from app.length_of_time import in_whole_minutes
from app.presenters.plots import STAGE_WORDS
from app.presenters.tone import Tone
from app.presenters.window import StatusItem
from engine.live_state import LiveState, RecordingState, StageTime

IN_ALL = "in all"
_SLOW_MS = 250.0
_APART_MS = 20.0
_FEW_PER_SECOND = 5.0
_LITTLE_DISK_S = 600.0
_MORE_VIEWS = (
    "It is measured again as soon as a second camera sees them whole: "
    "step to where the pictures overlap, and clear what stands before a camera."
)
_MORE_CAMERAS = "Add a second camera that sees the same part of the room, and it is measured."


def present_status(state: LiveState) -> tuple[StatusItem, ...]:
    """Choose the figures that tell whether all is well.

    Parameters
    ----------
    state

    Returns
    -------
    items
        From left to right; empty before there is a camera.
    """
    if not state.cameras:
        return ()
    items = _recording(state.recording) if state.recording is not None else []
    items += [
        StatusItem("Images", per_second(_slowest(state)), tip="Of the slowest camera"),
        StatusItem("Skeletons", per_second(state.pose_hz), _low_is_care(state.pose_hz)),
        _delay(state.latency),
    ]
    if len(state.cameras) > 1:
        tone = Tone.CARE if state.skew_ms > _APART_MS else Tone.NEUTRAL
        tip = "How far apart in time the images of one instant were taken, at most"
        items.append(StatusItem("Images apart", milliseconds(state.skew_ms), tone, tip))
    items += _depth(state)
    items.append(_lost(state))
    return tuple(items)


def per_second(rate_hz: float) -> str:
    """Write a rate; a dash where it is not known."""
    return f"{rate_hz:.0f} per second" if rate_hz == rate_hz else "–"


def milliseconds(value_ms: float) -> str:
    """Write a time, in milliseconds below ten seconds; a dash where it is not known."""
    if value_ms != value_ms:
        return "–"
    return f"{value_ms:.0f} ms" if value_ms < 10_000 else f"{value_ms / 1000:.0f} s"


def _slowest(state: LiveState) -> float:
    """Measure the rate of the slowest camera that is known, per second."""
    rates = [camera.rate_fps for camera in state.cameras if camera.rate_fps == camera.rate_fps]
    return min(rates, default=float("nan"))


def _low_is_care(rate_hz: float) -> Tone:
    """Few poses a second are worth a look."""
    return Tone.CARE if rate_hz < _FEW_PER_SECOND else Tone.NEUTRAL


def _delay(latency: tuple[StageTime, ...]) -> StatusItem:
    """Say how long it takes from the light to the skeleton."""
    whole = next((stage for stage in latency if stage.name == IN_ALL), None)
    if whole is None or whole.median_ms != whole.median_ms:
        return StatusItem("Delay", "–")
    lines = [
        f"{STAGE_WORDS.get(stage.name, stage.name)}: {milliseconds(stage.median_ms)}, {milliseconds(stage.p95_ms)}"
        for stage in latency
    ]
    value = f"{whole.median_ms:.0f} to {milliseconds(whole.p95_ms)}"
    tone = Tone.CARE if whole.median_ms > _SLOW_MS else Tone.NEUTRAL
    return StatusItem(
        "Delay", value, tone, "From the image to the skeleton, half of them and 19 of 20\n" + "\n".join(lines)
    )


def _depth(state: LiveState) -> list[StatusItem]:
    """Say where the depth comes from, where it is not measured by several cameras, and what to do."""
    lift = state.lift
    if lift.view:
        tip = f"Only '{lift.view}' sees the person. How far away each joint is, is a guess by {lift.network}.\n"
        tip += _MORE_VIEWS if len(state.cameras) > 1 else _MORE_CAMERAS
        return [StatusItem("Depth", f"a guess, '{lift.view}' alone", Tone.CARE, tip)]
    if lift.sentence:
        return [StatusItem("Depth", "by two cameras only", Tone.NEUTRAL, lift.sentence)]
    return []


def _lost(state: LiveState) -> StatusItem:
    """Count the images that never came."""
    lost, taken = (sum(getattr(camera, name) for camera in state.cameras) for name in ("dropped", "frames"))
    tip = "\n".join(f"{camera.name}: {camera.dropped}" for camera in state.cameras)
    tone = Tone.CARE if lost > 0.01 * max(taken, 1) else Tone.NEUTRAL
    return StatusItem("Images lost", str(lost), tone, tip)


def _recording(recording: RecordingState) -> list[StatusItem]:
    """Say what a recording lost, and how long the disk lasts."""
    items = []
    if recording.lost:
        items.append(StatusItem("Recording", f"lost {recording.lost} images", Tone.BAD, recording.sentence))
    elif recording.sentence:
        items.append(StatusItem("Recording", "needs a look", Tone.CARE, recording.sentence))
    if recording.disk_left_s == recording.disk_left_s:
        tone = Tone.BAD if recording.disk_left_s < _LITTLE_DISK_S else Tone.NEUTRAL
        items.append(StatusItem("Disk lasts", in_whole_minutes(recording.disk_left_s), tone, recording.path))
    return items
