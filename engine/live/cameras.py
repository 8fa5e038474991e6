"""The live cameras that addresses name, each with a name of its own."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.address import Address, AddressKind, name_views, parse_address, parse_scheme
from engine.capture.network.limits import NETWORK_LIMITS, NetworkLimits
from engine.capture.source import FrameSource
from engine.capture.video.source import VideoFileSource
from engine.errors import CameraError, CameraNotFoundError, SessionError
from engine.live.real_time import FrameBarrier, PlaybackGroup, RealTimeSource, SharedStart
from engine.session.session import Session

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
        Without its password.
    source
        Not open.
    """

    name: str
    address: str
    source: FrameSource


def make_camera_sources(
    addresses: Sequence[str | Path],
    used_names: Collection[str] = (),
    network: NetworkLimits = NETWORK_LIMITS,
) -> tuple[LiveSource, ...]:
    """Make the sources of live cameras; nothing is opened.

    Parameters
    ----------
    addresses
        In the order of the cameras: ``usb:…``, ``rtsp://…``, ``http://…``, a video, a session,
        ``studio:…``. A studio and a session give all their cameras. Videos and studios are played
        in real time, and those that are given together start together.
    used_names
        Names of the existing cameras.
    network
        Time limits of network cameras.

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
    parsed = [parse_address(address) for address in addresses]
    _reject_duplicates(parsed)
    videos = [one.path for one in parsed if one.kind is AddressKind.VIDEO]
    _reject_missing_videos(videos)
    stems = dict(zip(videos, name_views(videos)))
    start = SharedStart()
    names, found = set(used_names), []
    for address in parsed:
        for live in _make_sources(address, stems.get(address.path, ""), start, names, network):
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
        Of the studio that was built from the address.
    group
    used_names
        Names of cameras that there are already.
    """
    found, names = [], set(used_names)
    for source in sources:
        name = _make_unique_name(source.name, names)
        names.add(name)
        found.append(LiveSource(name, address, RealTimeSource(source, group, name)))
    return tuple(found)


def _make_sources(
    address: Address, stem: str, start: SharedStart, names: set[str], network: NetworkLimits
) -> list[LiveSource]:
    """Make the sources of one address; `names` are in use already."""
    if address.kind is AddressKind.LIVE:
        name = _make_unique_name(_name_camera(address), names)
        make = address.load_opener()
        is_usb = parse_scheme(address.text) == "usb"
        source = make(address.text, name) if is_usb else make(address.text, name, network)
        return [LiveSource(name, address.shown, source)]
    if address.kind is AddressKind.STUDIO:
        _, sources = address.load_opener()(address.text)
        group = PlaybackGroup(start, FrameBarrier())
        return list(make_studio_cameras(address.text, sources, group, names))
    if address.kind is AddressKind.SESSION:
        return _make_session_sources(address.path, start, names)
    name = _make_unique_name(stem, names)
    source = RealTimeSource(VideoFileSource(address.path, name), PlaybackGroup(start))
    return [LiveSource(name, address.text, source)]


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


def _name_camera(address: Address) -> str:
    """Name a camera after its device, or its host and path; never after a password."""
    shown = address.shown
    scheme = parse_scheme(address.text)
    if scheme == "usb":
        text = shown.partition(":")[2].partition("?")[0]
        text = f"usb_{text}" if text.isdigit() else text
    else:
        parts = urlsplit(shown)
        text = f"{parts.netloc}_{parts.path}"
    text = _UNFIT.sub("_", text).strip("_.-")
    # The end says more: by-id names begin with the maker.
    return text[-MAX_NAME_LENGTH:].strip("_.-") or scheme


def _make_unique_name(name: str, used_names: Collection[str]) -> str:
    """Return the name, with a number appended if it is taken."""
    number, unique = 1, name
    # Names become files, also on file systems that ignore case.
    while unique.lower() in {other.lower() for other in used_names}:
        number += 1
        unique = f"{name}_{number}"
    return unique


def _reject_duplicates(addresses: Sequence[Address]) -> None:
    """Refuse an address that is given twice; each studio is a new room."""
    for position, address in enumerate(addresses):
        if address in addresses[:position] and address.kind is not AddressKind.STUDIO:
            raise CameraError(
                address.shown, f"'{address.shown}' is given twice. Give each camera once."
            )


def _reject_missing_videos(videos: Sequence[Path]) -> None:
    """Refuse a video that does not exist; waiting will not bring it."""
    for video in videos:
        if not video.is_file():
            raise CameraNotFoundError(
                str(video),
                f"There is no video '{video}'. Check the path, or give a camera: usb:0, "
                "rtsp://…, studio:walk.",
            )
