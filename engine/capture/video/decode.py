"""Open and decode video files; damaged pictures are left out and counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import CameraNotFoundError, UnreadableSourceError


@dataclass
class DamageCounts:
    """Counts what could not be read."""

    pictures: int = 0
    tail: str = ""


def open_video(path: Path, name: str) -> tuple[InputContainer, VideoStream]:
    """Open a file that should be a video.

    Parameters
    ----------
    path
    name
        The view's name, for the errors.

    Returns
    -------
    container, stream
        The container is the caller's to close.

    Raises
    ------
    CameraNotFoundError
        If there is no such file.
    UnreadableSourceError
        If it is no video.
    """
    _reject_non_file(path, name)
    try:
        # "file:" and the whitelist keep a playlist that calls itself a video from reaching into the
        # network.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (FFmpegError, OSError, ValueError) as error:
        raise UnreadableSourceError(name, _explain_not_a_video(path, error)) from error
    try:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise UnreadableSourceError(
                name,
                f"'{path}' holds {_describe_contents(container)}. Choose the camera's video file.",
            )
        # one decoder thread per file: more cost the same CPU and slow the other files down
        stream.thread_count = 1
        return container, stream
    except BaseException:
        container.close()
        raise


def read_packets(
    container: InputContainer, stream: VideoStream, damage: DamageCounts
) -> Iterator["av.Packet[VideoStream]"]:
    """Read what is encoded, from here to the end, or to where the file is cut off.

    Parameters
    ----------
    container, stream
    damage
        Keeps what ended the file early.

    Yields
    ------
    packet
        The last ones may be empty: they flush the decoder.
    """
    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed)
        except StopIteration:
            return
        except FFmpegError as error:
            # the demuxer cannot go on: a truncated file, or a disk that is gone
            damage.tail = str(error.strerror)
            return
        yield packet


def decode_pictures(
    container: InputContainer, stream: VideoStream, damage: DamageCounts
) -> Iterator[VideoFrame]:
    """Decode a video in the order of presentation, without what is damaged.

    Parameters
    ----------
    container, stream
    damage
        Counts the pictures left out, and keeps what ended the file early.
    """
    for packet in read_packets(container, stream, damage):
        try:
            decoded = packet.decode()
        except FFmpegError:
            damage.pictures += 1
            continue
        for picture in decoded:
            if picture.is_corrupt:
                damage.pictures += 1
            else:
                yield picture


def _reject_non_file(path: Path, name: str) -> None:
    """Raise for a path that holds no bytes to read."""
    try:
        if path.is_dir():
            raise UnreadableSourceError(
                name,
                f"'{path}' is a folder without a session.toml. Name a video file or a session "
                "folder.",
            )
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise CameraNotFoundError(name, f"There is no video '{path}'. Check the path.") from error
    except OSError as error:
        raise UnreadableSourceError(
            name, f"'{path}' cannot be read: {error.strerror}. Check its permissions and its disk."
        ) from error
    if empty:
        raise UnreadableSourceError(
            name,
            f"'{path}' is empty (0 bytes): the recording or the copy failed. Copy it again from "
            "the camera.",
        )


def _explain_not_a_video(path: Path, error: Exception) -> str:
    """Say why a file cannot be opened as a video."""
    if isinstance(error, OSError):
        return f"'{path}' cannot be read: {error.strerror}. Check its permissions and its disk."
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] in (b"ftyp", b"mdat", b"wide"):
        return (
            f"'{path}' is cut off: the index at its end (moov) is missing, so that no frame can "
            "be found. Copy it again from the camera."
        )
    return (
        f"'{path}' is not a video: its contents fit no known format. Choose the camera's "
        "video file."
    )


def _describe_contents(container: InputContainer) -> str:
    """Name what a file without pictures holds."""
    return "sound but no video" if container.streams.audio else "no video"
