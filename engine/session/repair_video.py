"""An interrupted video: which of its images can be read, and the index that it lacks."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from engine.capture.video.decode import open_video
from engine.clock import ns_from_ticks
from engine.disk import partial_path, sync_to_disk
from engine.errors import CameraError
from engine.session.matroska import create_matroska

# A video gets its index by being rewritten, packet by packet; a larger one is only read, and
# seeking in it is slow.
MAX_REWRITE_BYTES = 8 << 30
# A Matroska header takes more; a smaller file is one whose first image never reached the disk.
MIN_VIDEO_BYTES = 512
# A video is rewritten only if the unreadable rest at its end is smaller than two images and this.
SLACK_BYTES = 64 << 10
# Space that must be left on the disk besides the new file.
SPARE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class VideoScan:
    """What can be read of a recorded video.

    Parameters
    ----------
    stamps_ns
        Of the images, as in the file.
    size_wh : px
    keep_ledger
        True where the file does not contradict its ledger: it is missing, cannot be opened, or was
        copied, and copies are whole.
    message
        Why nothing can be read; empty where something can, or the video is empty.
    """

    stamps_ns: tuple[int, ...] = ()
    size_wh: tuple[int, int] = (0, 0)
    keep_ledger: bool = False
    message: str = ""


def scan_video(video: Path, name: str) -> VideoScan:
    """Read a video up to its last whole image; an interrupted one gets its index.

    Parameters
    ----------
    video
    name
        Of the camera, for the message.

    Raises
    ------
    OSError
        If the disk refuses the new file; the old one is not changed.
    """
    if not video.is_file():
        return VideoScan(keep_ledger=True)  # `Session.open` reports it; the file may come back
    if video.stat().st_size < MIN_VIDEO_BYTES:
        return VideoScan()
    try:
        container, stream = open_video(video, name)
    except CameraError as error:
        return VideoScan(
            keep_ledger=True, message=f"No image of camera '{name}' can be read: {error}"
        )
    partial = partial_path(video)
    with ExitStack() as on_error:
        on_error.callback(partial.unlink, missing_ok=True)
        with container:
            if stream.codec_context.name != "mjpeg":
                return VideoScan(keep_ledger=True)
            size_wh = (stream.codec_context.width, stream.codec_context.height)
            images = _Images(container, stream)
            if _has_index(container) or not _has_disk_space(video):
                return VideoScan(tuple(images), size_wh)
            stamps_ns = _rewrite(partial, stream, images)
        if (
            stamps_ns
            and images.end_bytes + 2 * images.largest_bytes + SLACK_BYTES >= video.stat().st_size
        ):
            sync_to_disk(partial)
            partial.replace(video)
            on_error.pop_all()
        return VideoScan(stamps_ns, size_wh)


def _rewrite(partial: Path, stream: VideoStream, images: "_Images") -> tuple[int, ...]:
    """Write what can be read of an interrupted video to a new one; return the stamps, ns."""
    stamps_ns: list[int] = []
    with create_matroska(partial) as copy:
        target = copy.add_stream_from_template(stream)
        for stamp_ns in images:
            packet = images.packet
            packet.stream = target
            copy.mux(packet)
            stamps_ns.append(stamp_ns)
    return tuple(stamps_ns)


class _Images:
    """Iterates over the stamps, ns, of a video's images, up to its end or its last whole image.

    Attributes
    ----------
    packet
        The image whose stamp came last.
    end_bytes
        Where in the file what could be read ends.
    largest_bytes
        Size of the largest image.
    """

    packet: "av.Packet[VideoStream]"

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.end_bytes = self.largest_bytes = 0
        self._packets = container.demux(stream)
        self._tick_s = Fraction(stream.time_base or 1)

    def __iter__(self) -> Iterator[int]:
        """Yield the stamps; only the last image can be incomplete, and is decoded to find out."""
        held = self._next()
        while held is not None:
            packet, held = held, self._next()
            if held is None and not _is_decodable(packet):
                return
            self.packet = packet
            self.end_bytes = (packet.pos or 0) + packet.size
            self.largest_bytes = max(self.largest_bytes, packet.size)
            yield ns_from_ticks(packet.pts or 0, self._tick_s)

    def _next(self) -> "av.Packet[VideoStream] | None":
        """Read the next image; None where the file ends or cannot be read further."""
        try:
            return next(
                packet for packet in self._packets if packet.size and packet.pts is not None
            )
        except (StopIteration, FFmpegError):
            return None


def _is_decodable(packet: "av.Packet[VideoStream]") -> bool:
    """Return whether a packet holds a whole image, its end marker included."""
    try:
        return b"\xff\xd9" in bytes(packet) and bool(packet.decode())
    except FFmpegError:
        return False


def _has_index(container: InputContainer) -> bool:
    """Return whether the file was finished: only then does it have a duration."""
    return bool(container.duration)


def _has_disk_space(video: Path) -> bool:
    """Return whether the disk has room for a second file of the same size."""
    size = video.stat().st_size
    return size <= MAX_REWRITE_BYTES and shutil.disk_usage(video.parent).free > size + SPARE_BYTES
