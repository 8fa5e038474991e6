"""SeekableVideo: any frame of a video by number, the same as when read from the start."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from calibration.geometry.arrays import I64, U8
from engine.capture.video.decode import DamageCounts, decode_pictures, open_video, read_packets
from engine.capture.video.facts import VideoFacts, probe_video
from engine.capture.video.presentation import SAME_FRAME_TOLERANCE_NS, IncreasingTimes
from engine.clock import NS_PER_S, ns_from_ticks
from engine.ledger import FrameTimes

# Decoded images kept for steps back, per video: 16 images of 1080p as the decoder gives them, and
# at most a second of small ones.
MAX_CACHE_BYTES, MAX_CACHE_PICTURES = 48_000_000, 32
# Up to this many images are decoded forward instead of seeking: key frames usually come once or
# twice a second.
MAX_FORWARD_PICTURES = 24
# H.264 and HEVC hold back at most 16 images.
MAX_REORDERED = 32
# How far before the wanted image to seek next, s, if a seek ended behind it; then to the file's
# start.
STEPS_BACK_S = (0.0, 0.5, 2.5, 10.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Listing:
    """The images of a file in their order, found without decoding them.

    Parameters
    ----------
    sequence, time_ns : (N,)
        As reading from the start would number and date them.
    stamp_ns : (N,)
        Their increasing stamps in the file; None where the stamps do not increase, and images have
        to be counted.
    """

    sequence: I64
    time_ns: I64
    stamp_ns: I64 | None


class SeekableVideo:
    """A video file whose frames are fetched by number, one decoder, no thread; used by one thread.

    Parameters
    ----------
    path
    name
        The view's name.
    times
        The exact times of a recorded session; None where the file's own stamps are the times.

    Attributes
    ----------
    facts
    sequence, time_ns : (N,)
        Of every frame, as `engine.capture.video.source.VideoFileSource` would give them.
    rate_fps
        Nominal frames per second.
    decoded_count
        How many images were decoded so far: the cost of seeking.

    Raises
    ------
    engine.errors.CameraError
        If it is no video.
    """

    def __init__(self, path: Path, name: str, times: FrameTimes | None = None) -> None:
        self.path, self.name = Path(path), name
        self.facts: VideoFacts = probe_video(self.path, name)
        self.rate_fps = times.rate_fps if times is not None else self.facts.rate_fps
        self._container, self._stream = open_video(self.path, name)
        try:
            self._listing = (
                _list_by_ledger(self._container, self._stream, self.facts, times)
                if times is not None
                else _list_by_file(self._container, self._stream, self.facts)
            )
        except BaseException:
            self._container.close()
            raise
        self.sequence = self._listing.sequence
        self.time_ns = self._listing.time_ns
        self.decoded_count = 0
        self._intra_only = self._stream.codec_context.name in ("mjpeg", "png", "rawvideo")
        self._cache: OrderedDict[int, VideoFrame] = OrderedDict()
        self._decoder: Iterator[VideoFrame] | None = None  # images from the last seek on
        self._last = -1  # number of the last image decoded

    def __len__(self) -> int:
        return len(self.time_ns)

    def image(self, number: int) -> U8 | None:
        """Return a frame's image, upright.

        Parameters
        ----------
        number
            0-based position in `time_ns`.

        Returns
        -------
        image_bgr : (H, W, 3), read-only
            None where the image is damaged or is not in the file.
        """
        picture = self._cache.get(number)
        if picture is not None:
            self._cache.move_to_end(number)
        else:
            picture = self._decode_picture(number)
        if picture is None or (picture.width, picture.height) != self.facts.stored_wh:
            return None
        # One conversion thread, as when reading from the start: more threads double the CPU time.
        image = self.facts.orientation.rotate_upright(
            np.asarray(picture.to_ndarray(format="bgr24", threads=1), np.uint8)
        )
        image.flags.writeable = False
        return image

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._decoder = None
        self._cache.clear()
        self._container.close()

    def _decode_picture(self, number: int) -> VideoFrame | None:
        """Decode an image: a few steps forward, or from the key frame before it."""
        near = 1 if self._intra_only else MAX_FORWARD_PICTURES
        if self._decoder is not None and 0 < number - self._last <= near:
            return self._decode_until(number)[1]
        if self._listing.stamp_ns is None:
            if self._decoder is None or number <= self._last:
                self._restart()
            return self._decode_until(number)[1]
        for back_s in STEPS_BACK_S:
            if self._seek(int(self._listing.stamp_ns[number]) - round(back_s * NS_PER_S)):
                settled, picture = self._decode_until(number)
                if settled:
                    return picture
        self._restart()
        return self._decode_until(number)[1]

    def _decode_until(self, number: int) -> tuple[bool, VideoFrame | None]:
        """Decode up to an image, caching the images on the way.

        The first value is False if decoding began behind the image, so that another seek is needed.
        """
        began_before = False
        for picture in self._decoder or ():
            self.decoded_count += 1
            found = self._find_number(picture)
            if found is None:
                continue
            began_before |= found <= number
            self._last = found
            self._cache_picture(found, picture)
            if found >= number:
                return began_before, picture if found == number else None
        self._decoder = None
        return began_before, None

    def _find_number(self, picture: VideoFrame) -> int | None:
        """Find the frame number of a decoded image; None if it is not listed."""
        stamps = self._listing.stamp_ns
        if stamps is None:
            return self._last + 1 if self._last + 1 < len(self) else None
        if picture.pts is None:
            return None
        stamp_ns = ns_from_ticks(picture.pts, self.facts.tick_s)
        row = int(np.searchsorted(stamps, stamp_ns))
        near = min(
            (r for r in (row - 1, row) if 0 <= r < len(stamps)),
            key=lambda r: abs(int(stamps[r]) - stamp_ns),
        )
        return near if abs(int(stamps[near]) - stamp_ns) <= SAME_FRAME_TOLERANCE_NS else None

    def _seek(self, stamp_ns: int) -> bool:
        """Seek to the key frame at or before a stamp; False where the file cannot seek."""
        # A millisecond more: a ledger's time may be half a millisecond before the file's stamp.
        ticks = int((stamp_ns + SAME_FRAME_TOLERANCE_NS // 2) / NS_PER_S / self.facts.tick_s)
        try:
            self._container.seek(ticks, stream=self._stream, backward=True)
        except (FFmpegError, OSError):
            return False
        self._decoder = decode_pictures(self._container, self._stream, DamageCounts())
        self._last = -1
        return True

    def _restart(self) -> None:
        """Reopen the file at its start, which works where seeking does not."""
        self._container.close()
        self._container, self._stream = open_video(self.path, self.name)
        self._decoder = decode_pictures(self._container, self._stream, DamageCounts())
        self._last = -1

    def _cache_picture(self, number: int, picture: VideoFrame) -> None:
        """Cache a decoded image for a step back, and drop the oldest."""
        self._cache[number] = picture
        self._cache.move_to_end(number)
        room = min(
            MAX_CACHE_PICTURES,
            max(2, MAX_CACHE_BYTES // max(1, picture.width * picture.height * 3 // 2)),
        )
        while len(self._cache) > room:
            self._cache.popitem(last=False)


def _list_by_ledger(
    container: InputContainer, stream: VideoStream, facts: VideoFacts, times: FrameTimes
) -> _Listing:
    """List the ledger's frames that are in the file, which may end earlier after a kill."""
    stamp_ns = times.time_ns - times.start_ns
    if not len(stamp_ns):
        return _Listing(times.sequence, times.time_ns, stamp_ns)
    last_ns = _find_last_stamp_ns(container, stream, facts, int(stamp_ns[-1]))
    count = int(np.searchsorted(stamp_ns, last_ns + SAME_FRAME_TOLERANCE_NS, side="right"))
    return _Listing(times.sequence[:count], times.time_ns[:count], stamp_ns[:count])


def _find_last_stamp_ns(
    container: InputContainer, stream: VideoStream, facts: VideoFacts, expected_ns: int
) -> int:
    """Find the file's last stamp by reading its end."""
    try:
        container.seek(int(expected_ns / NS_PER_S / facts.tick_s), stream=stream, backward=True)
        stamps = [pts for pts in _read_stamps(container, stream) if pts is not None]
    except (FFmpegError, OSError):
        stamps = []
    if not stamps:
        container.seek(0, stream=stream, backward=True)
        stamps = [pts for pts in _read_stamps(container, stream) if pts is not None]
    return ns_from_ticks(max(stamps), facts.tick_s) if stamps else -1


def _list_by_file(container: InputContainer, stream: VideoStream, facts: VideoFacts) -> _Listing:
    """List all images of a file from its packets, in display order."""
    stamps = list(_read_stamps(container, stream))
    whole = [pts for pts in stamps if pts is not None]
    order = np.argsort(np.array(whole, np.int64), kind="stable")
    rising = len(np.unique(whole)) == len(stamps)
    # A decoder holds back a few images; a file whose stamps start again is out of order by far
    # more.
    local = bool(np.all(np.abs(order - np.arange(len(order))) <= MAX_REORDERED))
    shown: list[int | None] = [whole[row] for row in order] if rising and local else stamps
    moments = IncreasingTimes(facts.first_ns, facts.period_ns)
    stamps_ns = [None if pts is None else ns_from_ticks(pts, facts.tick_s) for pts in shown]
    placed = np.array([moments.next_moment(stamp_ns) for stamp_ns in stamps_ns], np.int64).reshape(
        -1, 2
    )
    stamp_ns = np.array(stamps_ns, np.int64) if rising and local else None
    return _Listing(placed[:, 0], placed[:, 1], stamp_ns)


def _read_stamps(container: InputContainer, stream: VideoStream) -> Iterator[int | None]:
    """Yield the stamps of the packets from here to the end, or to the last whole packet."""
    for packet in read_packets(container, stream, DamageCounts()):
        if packet.size and not packet.is_discard:
            yield packet.pts
