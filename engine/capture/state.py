"""The state of one camera: how it is, and the figures it is judged by."""

from dataclasses import dataclass
from enum import StrEnum
from math import nan


class CameraPhase(StrEnum):
    """How a camera is."""

    OPENING = "opening"
    LIVE = "live"
    STALLED = "stalled"  # open, but sends nothing
    LOST = "lost"  # gone; it is tried again
    ENDED = "ended"  # a video or a studio that is over


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera at this moment.

    Parameters
    ----------
    name
        The view's name.
    address
        Where it is, without its password.
    phase
    message
        What happened, what it means and what to do; empty while all is well.
    size_wh : px
        None before the first image.
    rate_fps
        Measured over the last seconds; NaN before that is known.
    frames
        Images since the start.
    dropped
        Images that were taken but never came, or came damaged.
    reconnect_count
        How often it came back.
    age_ms
        Since its newest image was taken.
    jitter_ms
        Standard deviation of the images' arrival about the camera's own steady clock.
    skew_ms
        How far its image lies from the instant of the newest frameset (positive: later).
    latency_ms
        By how much its images are later than those of the other cameras, as learned.
    compressed
        True where the camera itself sends JPEG, which is recorded as it is.
    """

    name: str
    address: str
    phase: CameraPhase = CameraPhase.OPENING
    message: str = ""
    size_wh: tuple[int, int] | None = None
    rate_fps: float = nan
    frames: int = 0
    dropped: int = 0
    reconnect_count: int = 0
    age_ms: float = nan
    jitter_ms: float = nan
    skew_ms: float = nan
    latency_ms: float = 0.0
    compressed: bool = False
