"""Footage: the recorded cameras that addresses name; a session, videos, or the studio."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.address import Address, AddressKind, name_views, parse_address
from engine.capture.source import FrameSource
from engine.capture.synchronize import Framesets
from engine.capture.video.source import VideoFileSource
from engine.errors import CameraError, CameraNotFoundError, SessionError
from engine.session.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """Sources that belong together, open, in the order of the cameras.

    Parameters
    ----------
    sources : V of them
    offset_ns : V of them
        What to add to a source's times to get the common time.
    addresses : V of them
        Where each came from, without passwords.
    session
        The session they are read from; None for videos and the studio.
    studio
        The virtual studio that makes them, with its truth; None otherwise.
    first_remarks
        Messages on what was odd when they were opened.
    """

    sources: tuple[FrameSource, ...]
    offset_ns: tuple[int, ...]
    addresses: tuple[str, ...]
    session: Session | None = None
    studio: Any = None
    first_remarks: tuple[str, ...] = ()

    @property
    def view_names(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(source.name for source in self.sources)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what is odd; grows while the sources are read."""
        return (
            *self.first_remarks,
            *(remark for source in self.sources for remark in source.remarks),
        )

    def read_framesets(self) -> Framesets:
        """Return the images of each instant; the sources can be read once."""
        return Framesets(self.sources, self.offset_ns)

    def close(self) -> None:
        """Close all sources; may be called twice."""
        for source in self.sources:
            source.close()

    def __enter__(self) -> "Footage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_inputs(inputs: Sequence[str | Path]) -> Footage:
    """Open what was recorded: a session folder, one video per camera, or the studio.

    Parameters
    ----------
    inputs
        In the order of the cameras.

    Returns
    -------
    footage
        Its sources are open, or none is.

    Raises
    ------
    CameraError
        If one cannot be opened; the message names it.
    SessionError
        If a session cannot be read.
    """
    addresses = [parse_address(item) for item in inputs]
    for address in addresses:
        if address.kind is AddressKind.LIVE:
            raise CameraNotFoundError(
                address.shown,
                f"'{address.shown}' is a live camera, and recorded videos are needed here. Record "
                "it first.",
            )
    whole = next((one for one in addresses if one.kind is not AddressKind.VIDEO), None)
    if whole is None:
        return _open_videos([address.path for address in addresses])
    if len(addresses) > 1:
        raise CameraError(
            whole.text,
            f"'{whole.text}' is a whole recording with all its cameras. Give it alone, or give "
            "one video per camera.",
        )
    return _open_studio(whole) if whole.kind is AddressKind.STUDIO else _open_session(whole.path)


def _open_studio(address: Address) -> Footage:
    """Open the virtual studio."""
    studio, sources = address.load_opener()(address.text)
    addresses = (address.text,) * len(sources)
    return _open_all(Footage(tuple(sources), (0,) * len(sources), addresses, studio=studio))


def _open_session(path: Path) -> Footage:
    """Open the cameras of a session whose videos can be read; remark on the others."""
    session = Session.open(path)
    cameras = []
    sources = []
    remarks = list(session.remarks)
    with ExitStack() as on_error:
        for camera in session.cameras:
            if (path / camera.video).is_file():
                source = VideoFileSource(
                    path / camera.video, camera.name, session.frame_times(camera)
                )
                on_error.callback(source.close)
                try:
                    source.open()
                except CameraError as error:
                    remarks.append(f"Camera '{camera.name}' is left out. {error}")
                else:
                    cameras.append(camera)
                    sources.append(source)
        if not sources:
            why = (
                " ".join(remarks[len(session.remarks) :])
                or "Restore its videos, or choose another session."
            )
            raise SessionError(f"The session '{path}' holds no video that can be read. {why}")
        on_error.pop_all()
    offsets = tuple(camera.offset_ns for camera in cameras)
    addresses = tuple(str(path / camera.video) for camera in cameras)
    return Footage(
        tuple(sources), offsets, addresses, session=session, first_remarks=tuple(remarks)
    )


def _open_videos(paths: Sequence[Path]) -> Footage:
    """Open one video per camera."""
    for position, path in enumerate(paths):
        twin = next((other for other in paths[:position] if _is_same_file(other, path)), None)
        if twin is not None:
            raise CameraError(
                str(path), f"'{path}' and '{twin}' are the same file. Give one video per camera."
            )
    sources = tuple(VideoFileSource(path, name) for path, name in zip(paths, name_views(paths)))
    return _open_all(Footage(sources, (0,) * len(sources), tuple(map(str, paths))))


def _is_same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file."""
    return one.exists() and other.exists() and one.samefile(other)


def _open_all(footage: Footage) -> Footage:
    """Open all sources, or none."""
    try:
        for source in footage.sources:
            source.open()
    except BaseException:
        footage.close()
        raise
    return footage
