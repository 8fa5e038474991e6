"""Which live cameras a person's addresses name, each with a name of its own; a table of what opens them."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.address import name_views, parse_scheme, strip_credentials
from engine.capture.source import FrameSource
from engine.capture.video.source import VideoFileSource
from engine.errors import CameraError, CameraNotFoundError, SessionError
from engine.live.real_time import FrameBarrier, PlaybackGroup, RealTimeSource, SharedStart
from engine.loading import load_attribute
from engine.offline.footage import STUDIOS
from engine.session.session import Session, is_session

# What makes the source of a live camera, by the scheme of its address; imported on use. Takes the
# address and the view's name, gives a source that is not open yet.
SOURCES = {
    "usb": "engine.capture.usb.address:open_usb",
    "rtsp": "engine.capture.network.address:open_network",
    "rtsps": "engine.capture.network.address:open_network",
    "http": "engine.capture.network.address:open_network",
    "https": "engine.capture.network.address:open_network",
}
MAX_NAME_LENGTH = 40
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


def make_camera_sources(
    addresses: Sequence[str | Path], used_names: Collection[str] = ()
) -> tuple[LiveSource, ...]:
    """Make the sources of live cameras; nothing is opened.

    Parameters
    ----------
    addresses
        In the order of the cameras: ``usb:…``, ``rtsp://…``, ``http://…``, a video, a session,
        ``studio:…``. A studio and a session give all their cameras. Videos and studio are played in
        real time, and those that are given together begin together.
    used_names
        Names of cameras that there are already.

    Returns
    -------
    sources
        Their names differ from each other and from `used_names`.

    Raises
    ------
    CameraError
        If there is no such kind of address, file or studio, or one is given twice.
    SessionError
        If a session cannot be read.
    """
    texts = [str(address) for address in addresses]
    _reject_duplicates(texts)
    videos = [text for text in texts if parse_scheme(text) == "file" and not is_session(Path(text))]
    _reject_missing_videos(videos)
    stems = dict(zip(videos, name_views([Path(video) for video in videos])))
    start = SharedStart()
    names, found = set(used_names), []
    for text in texts:
        for live in _make_sources(text, stems.get(text, ""), start, names):
            names.add(live.name)
            found.append(live)
    return tuple(found)


def make_studio_cameras(
    address: str,
    sources: Sequence[FrameSource],
    group: PlaybackGroup,
    used_names: Collection[str] = (),
) -> tuple[LiveSource, ...]:
    """Play a studio's cameras on one clock.

    Parameters
    ----------
    address
    sources
        Of the studio that was built of it.
    group
    used_names
        Names of cameras that there are already.

    Returns
    -------
    sources
    """
    found, names = [], set(used_names)
    for source in sources:
        name = _make_unique_name(source.name, names)
        names.add(name)
        found.append(LiveSource(name, address, RealTimeSource(source, group, name)))
    return tuple(found)


def _make_sources(text: str, stem: str, start: SharedStart, names: set[str]) -> list[LiveSource]:
    """Make the sources of one address, one after the other; `names` are taken."""
    kind = parse_scheme(text)
    if kind in SOURCES:
        name = _make_unique_name(_name_camera(text), names)
        return [
            LiveSource(name, strip_credentials(text), load_attribute(SOURCES[kind])(text, name))
        ]
    if kind in STUDIOS:
        _, sources = load_attribute(STUDIOS[kind])(text)
        return list(make_studio_cameras(text, sources, PlaybackGroup(start, FrameBarrier()), names))
    if kind != "file":
        shown = strip_credentials(text)
        raise CameraNotFoundError(
            shown,
            f"'{shown}' is no camera that Epipole knows. Give usb:…, rtsp://…, http://…, a "
            "video, or studio:walk.",
        )
    if is_session(Path(text)):
        return _make_session_sources(Path(text), start, names)
    name = _make_unique_name(stem, names)
    return [
        LiveSource(
            name, text, RealTimeSource(VideoFileSource(Path(text), name), PlaybackGroup(start))
        )
    ]


def _make_session_sources(path: Path, start: SharedStart, names: set[str]) -> list[LiveSource]:
    """Play a session's videos, with their offsets."""
    session = Session.open(path)
    cameras = [camera for camera in session.cameras if (path / camera.video).is_file()]
    if not cameras:
        raise SessionError(
            f"The session '{path}' holds no video. Put its videos back, or choose another session."
        )
    times = [session.frame_times(camera) for camera in cameras]
    first_ns = min(
        int(known.time_ns[0]) + camera.offset_ns
        if known is not None and len(known.time_ns)
        else camera.offset_ns
        for known, camera in zip(times, cameras)
    )
    found, used_names = [], set(names)
    for camera, known in zip(cameras, times):
        name = _make_unique_name(camera.name, used_names)
        used_names.add(name)
        source = VideoFileSource(path / camera.video, name, known)
        real_time = RealTimeSource(
            source, PlaybackGroup(start), origin_ns=first_ns - camera.offset_ns
        )
        found.append(LiveSource(name, str(path / camera.video), real_time))
    return found


def _name_camera(address: str) -> str:
    """Name a camera after its device, or its host and path; never after a password."""
    kind = parse_scheme(address)
    shown = strip_credentials(address)
    if kind == "usb":
        text = shown.partition(":")[2].partition("?")[0]
        text = f"usb_{text}" if text.isdigit() else text
    else:
        parts = urlsplit(shown)
        text = f"{parts.netloc}_{parts.path}"
    text = _UNFIT.sub("_", text).strip("_.-")
    return (
        text[-MAX_NAME_LENGTH:].strip("_.-") or kind
    )  # the end tells more: by-id names begin with the maker


def _make_unique_name(name: str, used_names: Collection[str]) -> str:
    """Return the name, or with the first number behind it that makes it differ."""
    number, unique = 1, name
    while unique.lower() in {
        other.lower() for other in used_names
    }:  # names become files, also where A is a
        number += 1
        unique = f"{name}_{number}"
    return unique


def _reject_duplicates(texts: Sequence[str]) -> None:
    """Refuse an address that is given twice; each studio is a new room."""
    for position, text in enumerate(texts):
        if text in texts[:position] and parse_scheme(text) not in STUDIOS:
            shown = strip_credentials(text)
            raise CameraError(shown, f"'{shown}' is given twice. Give each camera once.")


def _reject_missing_videos(videos: Sequence[str]) -> None:
    """Refuse a video that does not exist; waiting will not bring it."""
    for video in videos:
        if not Path(video).is_file():
            raise CameraNotFoundError(
                video,
                f"There is no video '{video}'. Check the path, or give a camera: usb:0, "
                "rtsp://…, studio:walk.",
            )
