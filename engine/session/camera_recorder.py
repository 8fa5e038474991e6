"""CameraRecorder: Motion JPEG in Matroska, frame by frame, in a thread of its own.

Matroska, because it can be read after a kill -9, and Motion JPEG, because every frame stands alone.
The file's time stamps are whole milliseconds; the exact times are in the ledger beside it. A frame
that the camera itself compressed is written as it is.
"""

import threading
from collections import deque
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from math import isfinite, nan
from pathlib import Path

import av
import cv2
from av.error import FFmpegError
from av.stream import Stream

from engine.clock import NS_PER_S, time_until_tick_s
from engine.disk import disk_errors
from engine.errors import SessionError
from engine.frames import Frame, Jpeg
from engine.ledger import NEVER_CAME, LedgerRow, LedgerWriter, MissingFrames
from engine.mailbox import Bounded, ClosedError
from engine.session.matroska import MatroskaFile, create_matroska
from engine.session.session import LEDGER, VIDEO, add_suffix

MILLISECOND_S = Fraction(1, 1000)
# 4:2:0 at 90: 85 kB for a 1280x720 image of a room.
JPEG_QUALITY = 90
# What may wait for the disk: two seconds of a camera at 30 fps, or this many bytes if that is less.
CAPACITY = 60
RAW_BYTES, JPEG_BYTES = 64 << 20, 22 << 20
# Each packet is flushed at once, and the muxer buffers no small images: a kill -9 costs what was
# still buffered here, and the last frame.
MUXER_OPTIONS = {"flush_packets": "1", "cluster_time_limit": "1"}
# A longer gap in the sequence numbers gets one line in the ledger instead of a line per frame.
MAX_LISTED_GAP = 10_000
DEFAULT_FPS = 30.0
# Frames, and the poses of a live recording, are buffered for this long and then all written at the
# same moments, which keeps the processor's caches warm. A kill -9 costs at most twice as long.
FLUSH_INTERVAL_S = 0.1
# The rate is the median over this many frames, known from the first ten.
RATE_FRAMES, MIN_RATE_FRAMES = 300, 10


class CameraRecorder:
    """Writes one camera's frames as they come, in a thread of its own.

    Parameters
    ----------
    stem
        Gets ``<stem>.mkv`` with the first frame, and ``<stem>.frames.csv``; neither may exist.
    rate_fps
        Nominal; NaN where it is not known.

    Attributes
    ----------
    lost
        Frames for which there was no room (`offer`); the ledger names each.
    frames, bytes
        In the video so far.
    size_wh : px
        Of the frames; None before the first.
    start_ns
        Time of the first frame; None before it.
    files
        The video and the ledger.
    error
        What the disk refused, or why frames could not be written; None without a fault.

    Raises
    ------
    SessionError
        If the disk refuses.
    """

    def __init__(self, stem: Path, rate_fps: float) -> None:
        self.lost, self.frames, self.bytes = 0, 0, 0
        self.size_wh: tuple[int, int] | None = None
        self.start_ns: int | None = None
        self.error: SessionError | None = None
        self._video = add_suffix(stem, VIDEO)
        self.files = (self._video, add_suffix(stem, LEDGER))
        self._rate = Fraction(rate_fps if isfinite(rate_fps) else DEFAULT_FPS).limit_denominator(
            1001
        )
        self._queue: Bounded[Frame] = Bounded(1.0, _measure_queue_share)
        self._missing_frames = MissingFrames()
        self._periods_ns: deque[float] = deque(maxlen=RATE_FRAMES)
        self._closing = threading.Event()
        with disk_errors(self._video):
            self._ledger = LedgerWriter(self.files[1])
        self._thread = threading.Thread(target=self._run, name=f"record {stem.name}", daemon=True)
        self._thread.start()

    @property
    def rate_fps(self) -> float:
        """The rate measured over the last frames; NaN before the first few."""
        periods_ns = sorted(self._periods_ns.copy())
        return (
            NS_PER_S / periods_ns[len(periods_ns) // 2]
            if len(periods_ns) >= MIN_RATE_FRAMES
            else nan
        )

    def put(self, frame: Frame) -> None:
        """Record a frame, and wait for room. For sources that wait for their reader.

        Raises
        ------
        SessionError
            If the disk refused this or an earlier frame.
        """
        if not self._queue.put(_without_image(frame)) and self.error is not None:
            raise self.error

    def offer(self, frame: Frame) -> bool:
        """Record a frame if there is room, else count it as lost. For live cameras.

        Returns
        -------
        taken
            Also False once the disk has refused (`error`), and after `close`; then no frame counts
            as lost.
        """
        if self._queue.offer(_without_image(frame)):
            return True
        if not self._closing.is_set():
            self.lost += 1
            self._missing_frames.add(frame)
        return False

    def close(self) -> None:
        """Write what is waiting and finish the files; may be called twice.

        Raises
        ------
        SessionError
            If the disk refused; what was written before is kept.
        """
        self._closing.set()
        self._queue.close()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        """Write until the queue is closed and empty. Runs in its own thread."""
        try:
            with disk_errors(self._video):
                self._write_all()
        except SessionError as error:
            self.error = error
        except (FFmpegError, cv2.error, ValueError) as error:
            reason = " ".join(str(error).split())
            self.error = SessionError(
                f"'{self._video}' cannot be written: {reason}. What was written before is kept; "
                "the other cameras are not affected. Record again; if it happens again, choose "
                "another format of the camera."
            )
            self.error.__cause__ = error
        finally:
            self._queue.discard()
            self._ledger.close()

    def _write_all(self) -> None:
        """Move frames from the queue into the files."""
        first = self._take_next()
        if first is None:
            return
        try:
            self._write_from(first)
        finally:
            self._ledger.flush()

    def _write_from(self, first: Frame) -> None:
        """Write the first frame and all that follow."""
        self.size_wh, self.start_ns = first.size_wh, first.timestamp_ns
        expected, last = first.sequence, None
        with create_matroska(self._video, MUXER_OPTIONS) as file:
            stream = _add_jpeg_stream(file, self._rate, first.size_wh)
            for frame in chain([first], iter(self._take_next, None)):
                self._log_missing(expected, frame.sequence)
                why = self._find_rejection(frame, expected, last)
                if not why:
                    self._mux(file, _build_jpeg_packet(frame, stream, first.timestamp_ns))
                    self._measure_period(frame, last)
                    last = (frame.sequence, frame.timestamp_ns)
                self._ledger.put(
                    LedgerRow(frame.sequence, frame.timestamp_ns, frame.size_wh, not why, why),
                    now=False,
                )
                expected = max(expected, frame.sequence + 1)
            self._log_missing(expected, self._missing_frames.stop)

    def _mux(self, file: MatroskaFile, packet: "av.Packet[Stream]") -> None:
        """Write a packet and count it."""
        size = packet.size
        file.mux(packet)
        self.frames += 1
        self.bytes += size

    def _measure_period(self, frame: Frame, last: tuple[int, int] | None) -> None:
        """Measure the rate from two frames of the video, counting lost ones between them."""
        if last is not None:
            sequence, time_ns = last
            self._periods_ns.append((frame.timestamp_ns - time_ns) / (frame.sequence - sequence))

    def _find_rejection(self, frame: Frame, expected: int, last: tuple[int, int] | None) -> str:
        """Say why a frame cannot follow the last (sequence, time) in the video; empty if it can."""
        if frame.sequence < expected:
            return "came out of order"
        if last is not None and frame.timestamp_ns <= last[1]:
            return "timestamp not increasing"
        if frame.size_wh != self.size_wh:
            return "has another size than the first"
        return ""

    def _take_next(self) -> Frame | None:
        """Take the next frame; None at the end."""
        if not len(self._queue):
            self._ledger.flush()
            self._closing.wait(time_until_tick_s(FLUSH_INTERVAL_S))
        try:
            return self._queue.take()
        except ClosedError:
            return None

    def _log_missing(self, start: int, stop: int) -> None:
        """Write the frames that are not in the video into the ledger."""
        size_wh = self.size_wh or (0, 0)
        if stop - start > MAX_LISTED_GAP:
            why = f"{NEVER_CAME}, and neither did the {stop - start - 1} before it"
            self._missing_frames.drop_before(stop)
            self._ledger.put(LedgerRow(stop - 1, None, size_wh, kept=False, why=why), now=False)
            return
        for sequence in range(start, stop):
            self._ledger.put(self._missing_frames.pop_row(sequence, size_wh), now=False)


def _without_image(frame: Frame) -> Frame:
    """Drop the decoded image of a JPEG frame while it waits: it is 32 times the size."""
    if frame.jpeg is None:
        return frame
    return replace(frame, payload=Jpeg(frame.jpeg, frame.size_wh))


def _measure_queue_share(frame: Frame) -> float:
    """Compute the share of the queue that a frame takes."""
    if frame.jpeg is not None:
        return max(1 / CAPACITY, len(frame.jpeg) / JPEG_BYTES)
    return max(1 / CAPACITY, frame.image_bgr.nbytes / RAW_BYTES)


def _add_jpeg_stream(file: MatroskaFile, rate: Fraction, size_wh: tuple[int, int]) -> Stream:
    """Add a Motion JPEG stream."""
    stream = file.add_mux_stream("mjpeg", rate=rate, width=size_wh[0], height=size_wh[1])
    stream.time_base = MILLISECOND_S
    return stream


def _build_jpeg_packet(frame: Frame, stream: Stream, start_ns: int) -> "av.Packet[Stream]":
    """Make a packet of the camera's own JPEG, or compress the image."""
    if frame.jpeg is not None:
        packet = av.Packet(frame.jpeg)
    else:
        data = cv2.imencode(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        packet = av.Packet(data.tobytes())
    packet.stream = stream
    packet.time_base = MILLISECOND_S
    packet.is_keyframe = True
    packet.pts = packet.dts = (frame.timestamp_ns - start_ns + 500_000) // 1_000_000
    return packet
