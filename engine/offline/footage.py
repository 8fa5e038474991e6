"""Which source an address names, and the footage that a person's arguments make: a session, videos, or the studio."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.address import name_views, parse_scheme, strip_credentials
from engine.capture.source import FrameSource
from engine.capture.synchronize import Framesets
from engine.capture.video.source import VideoFileSource
from engine.errors import CameraError, CameraNotFoundError, SessionError
from engine.loading import load_attribute
from engine.session.session import Session, is_session

# What opens an address, by its scheme; imported on use. Takes the address, gives the studio and its
# sources.
STUDIOS = {"studio": "engine.capture.studio:open_studio"}


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
        Sentences on what was odd when they were opened.
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
        """Sentences on what is odd; grows while the sources are read."""
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        If one cannot be opened; the sentence names it.
    SessionError
        If a session cannot be read.
    """
    addresses = [str(item) for item in inputs]
    kinds = [parse_scheme(address) for address in addresses]
    for address, kind in zip(addresses, kinds):
        if kind != "file" and kind not in STUDIOS:
            shown = strip_credentials(address)
            raise CameraNotFoundError(
                shown,
                f"'{shown}' is a live camera, and recorded videos are needed here. Record it "
                "first.",
            )
    whole = [
        kind in STUDIOS or is_session(Path(address)) for address, kind in zip(addresses, kinds)
    ]
    if not any(whole):
        return _open_videos([Path(address) for address in addresses])
    if len(addresses) > 1:
        name = addresses[whole.index(True)]
        raise CameraError(
            name,
            f"'{name}' is a whole take by itself, with all its cameras. Give it alone, or give "
            "one video per camera.",
        )
    if kinds[0] in STUDIOS:
        return _open_studio(addresses[0], STUDIOS[kinds[0]])
    return _open_session(Path(addresses[0]))


def _open_studio(address: str, target: str) -> Footage:
    """Open the virtual studio."""
    studio, sources = load_attribute(target)(address)
    return _open_all(
        Footage(tuple(sources), (0,) * len(sources), (address,) * len(sources), studio=studio)
    )


def _open_session(path: Path) -> Footage:
    """Open the cameras of a session whose videos are there and can be read; say which are left out."""
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
                or "Put its videos back, or choose another session."
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
    """Tell whether two paths lead to one file."""
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
