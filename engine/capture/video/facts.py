"""Properties of a video file, and what is wrong with it, before its frames are read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.capture.video.decode import open_video
from engine.capture.video.orientation import Orientation, orientation_from_matrix
from engine.clock import NS_PER_S, ns_from_ticks
from engine.errors import UnreadableSourceError

# How many frames are inspected, most of them undecoded, to measure the rate: with stamps of 1 ms,
# 300 give it to 1e-4.
PROBE_FRAMES = 300
# An interval further than this from the usual one is a gap or a change of rate.
INTERVAL_TOLERANCE = 0.25
# The rate is variable when more intervals than this are unusual; fewer are drops.
MAX_UNUSUAL_SHARE = 0.05
# In a file of variable rate, an interval longer than this many usual ones is a pause.
GAP_PERIODS = 3.0
# Rates that cameras have. A measured one within 0.05 % of one of them is it: 29.97 and 30 differ by
# 0.1 %.
CAMERA_FPS = tuple(Fraction(fps) for fps in (15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240))
CAMERA_FPS += tuple(fps * 1000 / 1001 for fps in CAMERA_FPS if fps % 6 == 0)
RATE_TOLERANCE = 0.0005


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """A video file before its frames are read.

    Parameters
    ----------
    stored_wh : px
        Size of the images as stored.
    orientation
        How they are turned to be upright.
    tick_s
        Unit of the time stamps.
    first_ns
        Stamp of the first frame.
    period_ns
        The usual time between two frames, gaps left out.
    duration_ns, frame_count
        As the file says; None where it does not.
    remarks
        Messages on what is odd.
    rate_remark
        That the rate varies; empty where it does not. Not used where a ledger has the times.
    """

    stored_wh: tuple[int, int]
    orientation: Orientation
    tick_s: Fraction
    first_ns: int
    period_ns: int
    duration_ns: int | None
    frame_count: int | None
    remarks: tuple[str, ...]
    rate_remark: str = ""

    @property
    def rate_fps(self) -> float:
        """Nominal frames per second, to 1e-4."""
        return round(NS_PER_S / self.period_ns, 4)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Size of the images when upright, px."""
        width, height = self.stored_wh
        return (height, width) if self.orientation.clockwise_deg in (90, 270) else (width, height)


@dataclass
class _Probe:
    """The first stamps and pictures of a file."""

    stamps: list[int] = field(default_factory=list)
    pictures: list[VideoFrame] = field(default_factory=list)
    complete: bool = True


def probe_video(path: Path, name: str) -> VideoFacts:
    """Read the properties of a video file.

    Parameters
    ----------
    path
    name
        The view's name, for the errors.

    Raises
    ------
    CameraNotFoundError
        If there is no such file.
    UnreadableSourceError
        If it is no video.
    """
    container, stream = open_video(path, name)
    with container:
        probe = _probe_packets(container, stream)
        if len(probe.pictures) < 2:
            what = (
                "a single picture, not a video"
                if probe.pictures
                else "a video of which no picture can be read"
            )
            raise UnreadableSourceError(
                name, f"'{path}' holds {what}. Choose the camera's video, or copy it again."
            )
        period_ns, variable = _measure_period(probe.stamps, stream)
        duration_ns = _get_duration_ns(container, stream)
        count = stream.frames or None
        if probe.complete:
            count = len(probe.stamps)
        elif count is None and duration_ns is not None:
            count = round(duration_ns / period_ns)
        first = probe.pictures[0]
        matrix = first.side_data.get("DISPLAYMATRIX")
        orientation = (
            orientation_from_matrix(bytes(matrix)) if matrix is not None else Orientation()
        )
        return VideoFacts(
            stored_wh=(first.width, first.height),
            orientation=orientation,
            tick_s=_get_tick_s(stream),
            first_ns=ns_from_ticks(first.pts or 0, _get_tick_s(stream)),
            period_ns=period_ns,
            duration_ns=duration_ns,
            frame_count=count,
            remarks=tuple(_list_remarks(path, orientation, stream)),
            rate_remark=_describe_variable_rate(path, period_ns) if variable else "",
        )


def _probe_packets(container: InputContainer, stream: VideoStream) -> _Probe:
    """Collect the first stamps, and decode the first two pictures."""
    probe = _Probe()
    packets = container.demux(stream)
    while len(probe.stamps) < PROBE_FRAMES or len(probe.pictures) < 2:
        try:
            packet = next(packets)
            if len(probe.pictures) < 2:
                probe.pictures += [picture for picture in packet.decode() if not picture.is_corrupt]
        except StopIteration:
            return probe
        except InvalidDataError:
            continue
        except FFmpegError:
            break
        if packet.size and not packet.is_discard:
            stamp = packet.pts if packet.pts is not None else packet.dts
            probe.stamps.append(len(probe.stamps) if stamp is None else stamp)
    probe.complete = False
    return probe


def _get_tick_s(stream: VideoStream) -> Fraction:
    """Return the unit of the stream's time stamps."""
    return Fraction(stream.time_base) if stream.time_base else Fraction(1, NS_PER_S)


def _measure_period(stamps: list[int], stream: VideoStream) -> tuple[int, bool]:
    """Measure the usual time between two frames, ns, and whether the rate varies."""
    declared = stream.average_rate or stream.guessed_rate or Fraction(30)
    steps = np.diff(np.unique(np.array(stamps, np.int64)))
    if len(steps) == 0:
        return round(NS_PER_S / declared), False
    median = float(np.median(steps))
    usual = np.abs(steps - median) <= max(INTERVAL_TOLERANCE * median, 1)
    variable = 1 - usual.mean() > MAX_UNUSUAL_SHARE
    counted = steps[steps <= GAP_PERIODS * median] if variable else steps[usual]
    fps = len(counted) / (int(counted.sum()) * _get_tick_s(stream))
    fps = next((known for known in CAMERA_FPS if abs(fps / known - 1) < RATE_TOLERANCE), fps)
    return round(NS_PER_S / fps), bool(variable)


def _get_duration_ns(container: InputContainer, stream: VideoStream) -> int | None:
    """Return how long the file says its video is."""
    if stream.duration:
        return ns_from_ticks(stream.duration, _get_tick_s(stream))
    tag = re.fullmatch(r"(\d+):(\d+):(\d+)\.(\d+)", stream.metadata.get("DURATION", ""))
    if tag:
        seconds = int(tag[1]) * 3600 + int(tag[2]) * 60 + int(tag[3])
        return seconds * NS_PER_S + int(tag[4].ljust(9, "0")[:9])
    alone = len(container.streams) == 1
    return container.duration * 1000 if container.duration and alone else None


def _list_remarks(path: Path, orientation: Orientation, stream: VideoStream) -> Iterator[str]:
    """Say what is odd about a file that can be read."""
    name = path.name
    if orientation.clockwise_deg:
        yield (
            f"'{name}' carries a rotation flag: its images are turned by "
            f"{orientation.clockwise_deg}° clockwise, as players show them."
        )
    if orientation.mirrored:
        yield (
            f"'{name}' has a flag to be shown as a mirror image; it is read as the camera saw it, "
            "so that left stays left."
        )
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        yield (
            f"'{name}' has pixels that are not square "
            f"({aspect.numerator}:{aspect.denominator}); self-calibration treats them as square. "
            "Convert the video to square pixels first."
        )


def _describe_variable_rate(path: Path, period_ns: int) -> str:
    """Say that a file's rate varies."""
    rate = f"{NS_PER_S / period_ns:.4g} per second"
    return (
        f"'{path.name}' has a variable frame rate, usually {rate}; each image is used at its "
        "own time."
    )
