"""StudioConfig, and the address that describes it (``studio:walk?cameras=4&seed=1``)."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from engine.errors import CameraNotFoundError
from engine.studio.motion.performance import MOTIONS

CAMERA_LIMITS, STATURE_LIMITS_M = (1, 8), (1.2, 2.2)
MIN_PX, MAX_PX = 64, 4096


@dataclass(frozen=True, slots=True)
class StudioConfig:
    """What the virtual studio shows.

    Parameters
    ----------
    motion
        One of `engine.studio.motion.performance.MOTIONS`.
    cameras
        1 to 8.
    seed
        Decides clothes, stature, room, programme, layout, lenses, offsets, drops and noise.
    seconds, rate_fps, size_wh
        Of every video.
    stature_m
        None draws 1.50 to 1.95 m.
    time_offset_ms
        Largest difference of a camera's clock to the first one's; 0 is off.
    drop_share
        Share of frames that a camera loses.
    noise
        Sigma of the sensor, grey levels; 0 is off.
    blur_px
        Sigma of the lens; 0 is off.
    distortion
        Whether lenses bend.
    people
        0 shows the empty room, 2 another person who does other things at its side.
    bystander
        Another person waits at the side of the room.
    mirrored_camera
        Index of a camera whose video is left-right reversed.
    short_camera
        Index of a camera that ends at 60 % of the recording.
    play
        Another seed for what the person does, and where; None takes `seed`.

    Raises
    ------
    ValueError
        If a value is out of range; the message names it and the range.
    """

    motion: str = "programme"
    cameras: int = 4
    seed: int = 0
    seconds: float = 30.0
    rate_fps: float = 30.0
    size_wh: tuple[int, int] = (640, 480)
    stature_m: float | None = None
    time_offset_ms: float = 5.0
    drop_share: float = 0.005
    noise: float = 3.0
    blur_px: float = 0.6
    distortion: bool = True
    people: int = 1
    bystander: bool = False
    mirrored_camera: int | None = None
    short_camera: int | None = None
    play: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.motion not in MOTIONS:
            raise ValueError(
                f"The studio knows no motion '{self.motion}'. {_suggest(self.motion, MOTIONS)}"
            )
        last = self.cameras - 1
        limits = (
            ("cameras", self.cameras, *CAMERA_LIMITS),
            ("seed", self.seed, 0, 2**31),
            ("play", self.play, 0, 2**31),
            ("seconds", self.seconds, 0.1, 3600.0),
            ("rate_fps", self.rate_fps, 1.0, 240.0),
            ("width", self.size_wh[0], MIN_PX, MAX_PX),
            ("height", self.size_wh[1], MIN_PX, MAX_PX),
            ("stature_m", self.stature_m, *STATURE_LIMITS_M),
            ("time_offset_ms", self.time_offset_ms, 0.0, 500.0),
            ("drop_share", self.drop_share, 0.0, 0.9),
            ("noise", self.noise, 0.0, 40.0),
            ("blur_px", self.blur_px, 0.0, 2.0),
            ("people", self.people, 0, 2),
            ("mirrored_camera", self.mirrored_camera, 0, last),
            ("short_camera", self.short_camera, 0, last),
        )
        for name, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise ValueError(
                    f"The studio's {name} must lie between {low:g} and {high:g}, not be {value:g}."
                )

    @property
    def frame_count(self) -> int:
        """Framesets of the recording."""
        return max(1, round(self.seconds * self.rate_fps))


def parse_address(address: str) -> StudioConfig:
    """Parse the address of a studio.

    Parameters
    ----------
    address
        ``studio:MOTION?key=value&...``; the motion is 'programme' where none is given. Keys:
        cameras, seed, seconds, fps, size (640x480), stature, offset_ms, drops, noise, blur,
        distortion, people, bystander, mirrored, short, play. 'off' is 0, 'on' is 1.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If the motion, a key or a value is unknown; the message names the nearest one that is
        known.
    """
    motion, _, query = address.removeprefix("studio:").partition("?")
    given: dict[str, Any] = {"motion": motion.replace("-", "_") or "programme"}
    try:
        for key, text in parse_qsl(query, keep_blank_values=True):
            if key not in _KEYS:
                raise ValueError(f"The studio has no option '{key}'. {_suggest(key, _KEYS)}")
            field, read = _KEYS[key]
            given[field] = _parse_value(key, text, read)
        return StudioConfig(**given)
    except ValueError as error:
        raise CameraNotFoundError(address, f"'{address}': {error}") from error


def _parse_value(key: str, text: str, read: Callable[[str], Any]) -> Any:
    """Read one value of an address."""
    try:
        return read({"on": "1", "off": "0"}.get(text.lower(), text))
    except ValueError as error:
        raise ValueError(
            f"'{text}' is no value for '{key}'; write it like {_EXAMPLES[key]}."
        ) from error


def _parse_size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT."""
    width, height = text.lower().split("x")
    return int(width), int(height)


def _parse_switch(text: str) -> bool:
    """Read on or off."""
    return bool(("0", "1").index(text))


def _suggest(word: str, known: Iterable[str]) -> str:
    """Name the nearest known word, or all of them."""
    known = tuple(known)
    near = difflib.get_close_matches(word, known, 1)
    return f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."


_KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "cameras": ("cameras", int),
    "seed": ("seed", int),
    "play": ("play", int),
    "seconds": ("seconds", float),
    "fps": ("rate_fps", float),
    "size": ("size_wh", _parse_size),
    "stature": ("stature_m", float),
    "offset_ms": ("time_offset_ms", float),
    "drops": ("drop_share", float),
    "noise": ("noise", float),
    "blur": ("blur_px", float),
    "distortion": ("distortion", _parse_switch),
    "people": ("people", int),
    "bystander": ("bystander", _parse_switch),
    "mirrored": ("mirrored_camera", int),
    "short": ("short_camera", int),
}
_EXAMPLES = {
    "cameras": "4",
    "seed": "1",
    "play": "2",
    "seconds": "30",
    "fps": "30",
    "size": "640x480",
    "stature": "1.75",
    "offset_ms": "5",
    "drops": "0.005",
    "noise": "3",
    "blur": "0.6",
    "distortion": "off",
    "people": "1",
    "bystander": "on",
    "mirrored": "2",
    "short": "1",
}
