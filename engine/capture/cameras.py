"""Which live cameras a person's addresses name, each with a name of its own; a table of what opens them."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from engine.capture.address import scheme, view_names, without_password
from engine.capture.real_time import Beat, RealTime, Start, Together
from engine.capture.source import FrameSource
from engine.capture.sources import STUDIOS
from engine.capture.video_file import VideoFileSource
from engine.errors import CameraError, CameraNotFoundError, SessionError
from engine.session import Session, is_session

# What makes the source of a live camera, by the scheme of its address; imported on use. Takes the address and the
# view's name, gives a source that is not open yet.
SOURCES = {
    "usb": "engine.capture.usb:open_usb",
    "rtsp": "engine.capture.network:open_network",
    "rtsps": "engine.capture.network:open_network",
    "http": "engine.capture.network:open_network",
    "https": "engine.capture.network:open_network",
}
LONGEST_NAME = 40
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True, eq=False)
class LiveSource:
    """A camera that can be opened.

    Parameters
    ----------
    name
        The view's name; fit for a file's name.
    address
        Where it is, without its password.
    source
        Not open.
    """

    name: str
    address: str
    source: FrameSource


def camera_sources(addresses: Sequence[str | Path], taken: Collection[str] = ()) -> tuple[LiveSource, ...]:
    """Make the sources of live cameras; nothing is opened.

    Parameters
    ----------
    addresses
        In the order of the cameras: ``usb:…``, ``rtsp://…``, ``http://…``, a video, a session, ``studio:…``. A studio
        and a session give all their cameras. Videos and studio are played in real time, and those that are given
        together begin together.
    taken
        Names of cameras that there are already.

    Returns
    -------
    sources
        Their names differ from each other and from `taken`.

    Raises
    ------
    CameraError
        If there is no such kind of address, file or studio, or one is given twice.
    SessionError
        If a session cannot be read.
    """
    texts = [str(address) for address in addresses]
    _refuse_twice(texts)
    videos = [text for text in texts if scheme(text) == "file" and not is_session(Path(text))]
    _refuse_missing(videos)
    stems = dict(zip(videos, view_names([Path(video) for video in videos])))
    start = Start()
    names, found = set(taken), []
    for text in texts:
        for live in _sources_of(text, stems.get(text, ""), start, names):
            names.add(live.name)
            found.append(live)
    return tuple(found)


def studio_cameras(
    address: str, sources: Sequence[FrameSource], together: Together, taken: Collection[str] = ()
) -> tuple[LiveSource, ...]:
    """Play a studio's cameras on one clock.

    Parameters
    ----------
    address
    sources
        Of the studio that was built of it.
    together
    taken
        Names of cameras that there are already.

    Returns
    -------
    sources
    """
    found, names = [], set(taken)
    for source in sources:
        name = _free(source.name, names)
        names.add(name)
        found.append(LiveSource(name, address, RealTime(source, together, name)))
    return tuple(found)


def _sources_of(text: str, stem: str, start: Start, names: set[str]) -> list[LiveSource]:
    """Make the sources of one address, one after the other; `names` are taken."""
    kind = scheme(text)
    if kind in SOURCES:
        name = _free(_name_of(text), names)
        return [LiveSource(name, without_password(text), _load(SOURCES[kind])(text, name))]
    if kind in STUDIOS:
        _, sources = _load(STUDIOS[kind])(text)
        return list(studio_cameras(text, sources, Together(start, Beat()), names))
    if kind != "file":
        shown = without_password(text)
        raise CameraNotFoundError(
            shown,
            f"'{shown}' is no camera that Epipole knows. Give usb:…, rtsp://…, http://…, a video, or studio:walk.",
        )
    if is_session(Path(text)):
        return _session(Path(text), start, names)
    name = _free(stem, names)
    return [LiveSource(name, text, RealTime(VideoFileSource(Path(text), name), Together(start)))]


def _session(path: Path, start: Start, names: set[str]) -> list[LiveSource]:
    """Play a session's videos, with their offsets."""
    session = Session.open(path)
    cameras = [camera for camera in session.cameras if (path / camera.video).is_file()]
    if not cameras:
        raise SessionError(f"The session '{path}' holds no video. Put its videos back, or choose another session.")
    times = [session.frame_times(camera) for camera in cameras]
    first_ns = min(
        int(known.time_ns[0]) + camera.offset_ns if known is not None and len(known.time_ns) else camera.offset_ns
        for known, camera in zip(times, cameras)
    )
    found, taken = [], set(names)
    for camera, known in zip(cameras, times):
        name = _free(camera.name, taken)
        taken.add(name)
        source = VideoFileSource(path / camera.video, name, known)
        real_time = RealTime(source, Together(start), origin_ns=first_ns - camera.offset_ns)
        found.append(LiveSource(name, str(path / camera.video), real_time))
    return found


def _load(target: str):
    """Import what opens an address."""
    module, function = target.split(":")
    return getattr(import_module(module), function)


def _name_of(address: str) -> str:
    """Name a camera after its device, or its host and path; never after a password."""
    kind = scheme(address)
    shown = without_password(address)
    if kind == "usb":
        text = shown.partition(":")[2].partition("?")[0]
        text = f"usb_{text}" if text.isdigit() else text
    else:
        parts = urlsplit(shown)
        text = f"{parts.netloc}_{parts.path}"
    text = _UNFIT.sub("_", text).strip("_.-")
    return text[-LONGEST_NAME:].strip("_.-") or kind  # the end tells more: by-id names begin with the maker


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name, or with the first number behind it that makes it differ."""
    number, free = 1, name
    while free.lower() in {other.lower() for other in taken}:  # names become files, also where A is a
        number += 1
        free = f"{name}_{number}"
    return free


def _refuse_twice(texts: Sequence[str]) -> None:
    """Refuse an address that is given twice; each studio is a new room."""
    for position, text in enumerate(texts):
        if text in texts[:position] and scheme(text) not in STUDIOS:
            shown = without_password(text)
            raise CameraError(shown, f"'{shown}' is given twice. Give each camera once.")


def _refuse_missing(videos: Sequence[str]) -> None:
    """Refuse a video that does not exist; waiting will not bring it."""
    for video in videos:
        if not Path(video).is_file():
            raise CameraNotFoundError(
                video,
                f"There is no video '{video}'. Check the path, or give a camera: usb:0, rtsp://…, studio:walk.",
            )
