"""Records a camera: Motion JPEG in Matroska, frame by frame, in a thread of its own.

Matroska, because it can be read after a kill -9, and Motion JPEG, because every frame stands alone. The file's time
stamps are whole milliseconds; the exact times stand in the ledger beside it.
"""

import threading
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import cv2
from av.container import OutputContainer
from av.stream import Stream

from engine.disk import saying_what_the_disk_refused
from engine.errors import SessionError
from engine.frames import Frame
from engine.ledger import LedgerRow, LedgerWriter
from engine.mailbox import Bounded, ClosedError
from engine.session import LEDGER, VIDEO, suffixed

MILLISECOND_S = Fraction(1, 1000)
# 4:2:0 at 90: 85 kB for a 1280x720 image of a room.
JPEG_QUALITY = 90
# Two seconds of a camera at 30 per second; 55 MB at 640x480.
CAPACITY = 60
# Every packet on its way to the disk at once: what a kill -9 costs is the last frame.
FLUSH = {"flush_packets": "1"}


class CameraRecorder:
    """Writes one camera's frames as they come, in a thread of its own.

    Parameters
    ----------
    stem
        Gets ``<stem>.mkv`` and ``<stem>.frames.csv``; neither may exist.
    rate_fps
        Nominal.

    Attributes
    ----------
    lost
        How many frames found no room (`offer`); the ledger names each.

    Raises
    ------
    SessionError
        If the disk refuses.
    """

    def __init__(self, stem: Path, rate_fps: float) -> None:
        self.lost = 0
        self._video = suffixed(stem, VIDEO)
        self._rate = Fraction(rate_fps).limit_denominator(1001)
        self._queue: Bounded[Frame] = Bounded(CAPACITY)
        self._refused: dict[int, LedgerRow] = {}
        self._error: SessionError | None = None
        with saying_what_the_disk_refused(self._video):
            self._ledger = LedgerWriter(suffixed(stem, LEDGER))
        self._thread = threading.Thread(target=self._run, name=f"record {stem.name}", daemon=True)
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Record a frame, waiting for room. For sources that wait for their reader.

        Raises
        ------
        SessionError
            If the disk refused this or an earlier frame.
        """
        if not self._queue.put(frame) and self._error is not None:
            raise self._error

    def offer(self, frame: Frame) -> bool:
        """Record a frame if there is room; else count it as lost and let the ledger say so. For live cameras.

        Returns
        -------
        taken
            False too once the disk has refused; `close` raises it.
        """
        if self._queue.offer(frame):
            return True
        self.lost += 1
        self._refused[frame.sequence] = LedgerRow(
            frame.sequence, frame.timestamp_ns, frame.size_wh, kept=False, why="the disk was too slow"
        )
        return False

    def close(self) -> None:
        """Write what is waiting and finish the files; may be called twice.

        Raises
        ------
        SessionError
            If the disk refused; what was written before is kept.
        """
        self._queue.close()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        """Write until the queue is closed and empty. Runs in its own thread."""
        try:
            with saying_what_the_disk_refused(self._video):
                self._write_all()
        except SessionError as error:
            self._error = error
            self._queue.discard()
        finally:
            self._ledger.close()

    def _write_all(self) -> None:
        """Carry frames from the queue into the files."""
        first = self._next()
        if first is None:
            return
        expected = first.sequence
        with av.open(str(self._video), "w", format="matroska", options=FLUSH) as container:
            stream = _jpeg_stream(container, self._rate, first.size_wh)
            for frame in chain([first], iter(self._next, None)):
                self._account(expected, frame.sequence, first.size_wh)
                container.mux(_jpeg_packet(frame, stream, first.timestamp_ns))
                self._ledger.put(LedgerRow(frame.sequence, frame.timestamp_ns, frame.size_wh))
                expected = frame.sequence + 1
            self._account(expected, max(self._refused, default=-1) + 1, first.size_wh)

    def _next(self) -> Frame | None:
        """Take the next frame; None when there will be none."""
        try:
            return self._queue.take()
        except ClosedError:
            return None

    def _account(self, start: int, stop: int, size_wh: tuple[int, int]) -> None:
        """Enter the frames that are not in the video into the ledger."""
        for sequence in range(start, stop):
            row = self._refused.pop(sequence, None)
            self._ledger.put(row or LedgerRow(sequence, None, size_wh, kept=False, why="never came from the camera"))


def _jpeg_stream(container: OutputContainer, rate: Fraction, size_wh: tuple[int, int]) -> Stream:
    """Announce a Motion JPEG stream."""
    stream = container.add_mux_stream("mjpeg", rate=rate, width=size_wh[0], height=size_wh[1])
    stream.time_base = MILLISECOND_S
    return stream


def _jpeg_packet(frame: Frame, stream: Stream, start_ns: int) -> av.Packet:
    """Encode a frame."""
    data = cv2.imencode(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    packet = av.Packet(data.tobytes())
    packet.stream, packet.time_base, packet.is_keyframe = stream, MILLISECOND_S, True
    packet.pts = packet.dts = (frame.timestamp_ns - start_ns + 500_000) // 1_000_000
    return packet
