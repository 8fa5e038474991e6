"""The cameras that are plugged into this machine: nouns for a list, and the list itself."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from engine.loading import load_attribute

# What lists the devices of a system, imported on use; on other systems OpenCV does.
LISTERS = {"linux": "engine.capture.usb.v4l2_list:list_v4l2"}
FALLBACK_LISTER = "engine.capture.usb.opencv:list_opencv"

# Self-calibration and BlazePose gain little above 720p, and four such cameras fit on one USB 2 bus
# as MJPEG.
PREFERRED_WH, PREFERRED_FPS = (1280, 720), 30.0
COMPRESSED_FORMATS = ("mjpeg", "jpeg")
RATE_TOLERANCE = 0.01

_MODE = re.compile(r"(\d+)x(\d+)(?:@(\d+(?:\.\d+)?))?(?:[ +]([a-z0-9]+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a camera can send images; `parse_mode` reads its text back.

    Parameters
    ----------
    size_wh : px
    rate_fps
    format
        ``mjpeg`` where the camera compresses; ``yuyv``, ``nv12``… where it does not; ``any`` where
        it is not known.
    """

    size_wh: tuple[int, int]
    rate_fps: float
    format: str

    @property
    def compressed(self) -> bool:
        """Whether the camera sends JPEG images, which can be recorded as they are."""
        return self.format in COMPRESSED_FORMATS

    def __str__(self) -> str:
        return f"{self.size_wh[0]}x{self.size_wh[1]}@{round(self.rate_fps, 2):g} {self.format}"


@dataclass(frozen=True, slots=True)
class Device:
    """A camera of this machine.

    Parameters
    ----------
    id
        Stable: by its serial number, else by the USB port it is plugged into.
    name
        For a person.
    address
        What opens it: ``usb:<id>``.
    modes
        Best first.
    problem
        Why it cannot be used now, and what to do; empty where it can.
    path
        The device file; empty where the system has none.
    """

    id: str
    name: str
    address: str
    modes: tuple[Mode, ...] = ()
    problem: str = ""
    path: str = ""


def list_devices() -> tuple[Device, ...]:
    """List the cameras of this machine, in the order of ``usb:0``, ``usb:1``…

    Returns
    -------
    devices
        Also those that cannot be used now; each says why.
    """
    return load_attribute(LISTERS.get(sys.platform, FALLBACK_LISTER))()


def parse_mode(text: str) -> tuple[tuple[int, int], float | None, str | None]:
    """Read the text of a mode.

    Parameters
    ----------
    text
        For instance ``1280x720@30 mjpeg``; rate and format may be left out.

    Returns
    -------
    size_wh, rate_fps, format
        None for what was left out.

    Raises
    ------
    ValueError
        If it is no mode.
    """
    match = _MODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"'{text}' is no camera mode. Write width x height, rate and format: 1280x720@30 mjpeg."
        )
    width, height, rate, kind = match.groups()
    return (int(width), int(height)), float(rate) if rate else None, kind.lower() if kind else None


def choose_mode(modes: Sequence[Mode], requested: str = "") -> Mode:
    """Choose a mode: the best one for motion capture, or the best of those that fit a text.

    Parameters
    ----------
    modes
        At least one.
    requested
        For instance ``1280x720@30 mjpeg``; empty for the best: the largest compressed one up to
        1280x720 with at least 30 images per second.

    Raises
    ------
    ValueError
        If none fits; the message names the nearest modes.
    """
    if not requested:
        return max(modes, key=_rank_mode)
    size_wh, rate_fps, kind = parse_mode(requested)
    fitting = [
        mode
        for mode in modes
        if mode.size_wh == size_wh
        and (rate_fps is None or abs(mode.rate_fps / rate_fps - 1) < RATE_TOLERANCE)
        and (kind is None or mode.format in (kind, "any"))
    ]
    if fitting:  # 29.97 where it was requested, though 30 is as good
        return max(
            fitting,
            key=lambda mode: (-abs(mode.rate_fps - (rate_fps or mode.rate_fps)), *_rank_mode(mode)),
        )
    near = sorted(
        modes,
        key=lambda mode: (
            _compare_sizes_px(mode.size_wh, size_wh),
            -_rank_mode(mode)[1],
            not mode.compressed,
        ),
    )
    raise ValueError(
        f"has no mode {requested}. The nearest are: {', '.join(str(mode) for mode in near[:3])}."
    )


def sort_modes(modes: Sequence[Mode]) -> tuple[Mode, ...]:
    """Sort modes, the best for motion capture first, without duplicates."""
    return tuple(sorted(dict.fromkeys(modes), key=_rank_mode, reverse=True))


def find_lower_mode(modes: Sequence[Mode], mode: Mode) -> Mode | None:
    """Find the next mode that needs less of the USB bus.

    Parameters
    ----------
    modes
    mode
        Which was too much.

    Returns
    -------
    mode
        Compressed where `mode` is not, else smaller at the same rate, else slower; None where there
        is none.
    """
    if not mode.compressed:
        compressed = [
            other
            for other in modes
            if other.compressed and _count_pixels(other) <= _count_pixels(mode)
        ]
        if compressed:
            return max(compressed, key=_rank_mode)
    smaller = [
        other
        for other in modes
        if (other.format, round(other.rate_fps)) == (mode.format, round(mode.rate_fps))
        and _count_pixels(other) < _count_pixels(mode)
    ]
    slower = [
        other
        for other in modes
        if (other.format, other.size_wh) == (mode.format, mode.size_wh)
        and other.rate_fps < mode.rate_fps
    ]
    return max(
        smaller or slower, key=lambda other: _count_pixels(other) * other.rate_fps, default=None
    )


def _rank_mode(mode: Mode) -> tuple[bool, bool, bool, int, float]:
    """Rank a mode."""
    width, height = sorted(mode.size_wh, reverse=True)
    fits = width <= PREFERRED_WH[0] and height <= PREFERRED_WH[1]
    area = _count_pixels(mode)
    enough = mode.rate_fps >= PREFERRED_FPS * (1 - RATE_TOLERANCE)
    return (
        fits,
        enough,
        mode.compressed,
        area if fits else -area,
        -abs(mode.rate_fps - PREFERRED_FPS),
    )


def _count_pixels(mode: Mode) -> int:
    """Count the pixels of an image."""
    return mode.size_wh[0] * mode.size_wh[1]


def _compare_sizes_px(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Tell how much two sizes differ."""
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
