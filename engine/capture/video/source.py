"""Video files as sources of frames, decoded ahead in one thread per file."""

import threading
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from calibration.geometry.arrays import U8
from engine.capture.video.decode import DamageCounts, decode_pictures, open_video
from engine.capture.video.facts import VideoFacts, probe_video
from engine.capture.video.presentation import IncreasingTimes, LedgerTimes
from engine.clock import NS_PER_S, ns_from_ticks
from engine.frames import Frame
from engine.ledger import FrameTimes
from engine.mailbox import Bounded, ClosedError

# How many decoded frames wait per file: enough to hide an uneven decoder (a key frame costs several
# others), and 25 MB at 1080p.
DECODE_AHEAD = 4
# A file that ends earlier than its header says by more than both is damaged; containers round, and
# cut at key frames.
SHORT_S, SHORT_SHARE = 0.25, 0.02


class VideoFileSource:
    """A video file, as a source that waits for its reader and loses nothing.

    Parameters
    ----------
    path
        Any container and codec that FFmpeg reads.
    name
        The view's name; the file's stem if None.
    times
        The exact times of a recorded session; frames that are not among them are left out. Without
        them, a frame's time is its presentation time since the file's first frame.

    Attributes
    ----------
    path, name, live
        `live` is False.

    Notes
    -----
    Rotation flags are applied and mirror flags are not (see `Orientation`). Times that do not
    increase are repaired, damaged pictures and a damaged end are left out; `remarks` reports each.
    """

    def __init__(
        self, path: Path, name: str | None = None, times: FrameTimes | None = None
    ) -> None:
        self.path = Path(path)
        self.name = name if name is not None else self.path.stem
        self.live = False
        self._times = times
        self._facts: VideoFacts | None = None
        self._ahead: Bounded[Frame] = Bounded(DECODE_AHEAD)
        self._thread: threading.Thread | None = None
        self._late_remarks: tuple[str, ...] = ()

    def open(self) -> None:
        """Open the file and start to decode.

        Raises
        ------
        engine.errors.CameraNotFoundError
            If there is no such file.
        engine.errors.UnreadableSourceError
            If it is no video.
        """
        if self._thread is not None:
            return
        self._facts = probe_video(self.path, self.name)
        container, stream = open_video(self.path, self.name)
        self._late_remarks = ()
        self._ahead = Bounded(DECODE_AHEAD)
        self._thread = threading.Thread(
            target=self._decode,
            args=(container, stream, self._ahead),
            name=f"decode {self.name}",
            daemon=True,
        )
        self._thread.start()

    @property
    def facts(self) -> VideoFacts:
        """What the file is; known once open."""
        if self._facts is None:
            raise ValueError(f"'{self.name}' must be opened first.")
        return self._facts

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frames, turned upright, px."""
        return self.facts.size_wh

    @property
    def rate_fps(self) -> float:
        """Nominal frames per second: as recorded, or from the usual time between two frames."""
        return self._times.rate_fps if self._times is not None else self.facts.rate_fps

    @property
    def frame_count(self) -> int | None:
        """How many frames will come, by the file or the ledger."""
        return len(self._times.time_ns) if self._times is not None else self.facts.frame_count

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what was odd; damage is reported once the end was read."""
        if self._facts is None:
            return self._late_remarks
        rate = (self._facts.rate_remark,) if self._facts.rate_remark and self._times is None else ()
        return (*self._facts.remarks, *rate, *self._late_remarks)

    def read(self, timeout_ms: int = 0) -> Frame | None:  # noqa: ARG002 - a file is waited for
        """Return the next frame, or None at the end.

        Parameters
        ----------
        timeout_ms
            Not used: a file is waited for.

        Returns
        -------
        frame
            Its image is read-only.
        """
        try:
            return self._ahead.take() if self._thread is not None else None
        except ClosedError:
            return None

    def close(self) -> None:
        """Stop and release the file; may be called twice, and followed by `open`."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ahead.discard()
            thread.join()

    def _decode(
        self, container: InputContainer, stream: VideoStream, ahead: Bounded[Frame]
    ) -> None:
        """Decode until the file ends or is closed. Runs in its own thread."""
        try:
            with container:
                if self._decode_into_mailbox(container, stream, ahead):
                    ahead.close()
        except BaseException as error:
            ahead.poison(error)

    def _decode_into_mailbox(
        self, container: InputContainer, stream: VideoStream, ahead: Bounded[Frame]
    ) -> bool:
        """Put the frames into the mailbox; False if the source was closed."""
        facts, damage = self.facts, DamageCounts()
        rising = IncreasingTimes(facts.first_ns, facts.period_ns)
        moments = rising if self._times is None else LedgerTimes(self._times)
        for picture in decode_pictures(container, stream, damage):
            if (picture.width, picture.height) != facts.stored_wh:
                damage.pictures += 1
                continue
            stamp_ns = None if picture.pts is None else ns_from_ticks(picture.pts, facts.tick_s)
            moment = moments.next_moment(stamp_ns)
            if moment is None:
                continue
            image = facts.orientation.rotate_upright(_to_image_bgr(picture))
            image.flags.writeable = False
            if not ahead.put(Frame(self.name, *moment, image)):
                return False
        self._late_remarks = self._summarise_damage(rising, damage)
        return True

    def _summarise_damage(self, rising: IncreasingTimes, damage: DamageCounts) -> tuple[str, ...]:
        """Report what was damaged, once the end was read."""
        name = self.path.name
        facts = self.facts
        remarks = []
        if rising.repaired_count:
            remarks.append(
                f"'{name}' has time stamps that are missing or not increasing; "
                f"{rising.repaired_count} frames were placed between their neighbours."
            )
        end_s = (rising.last_ns + facts.period_ns) / NS_PER_S
        whole_s = (facts.duration_ns or 0) / NS_PER_S
        if self._times is None and whole_s - end_s > max(SHORT_S, SHORT_SHARE * whole_s):
            remarks.append(
                f"'{name}' is damaged: {end_s:.1f} s of its {whole_s:.1f} s can be read, the "
                "rest is left out. Copy it again from the camera if you need the rest."
            )
        elif damage.pictures:
            remarks.append(f"'{name}' has damaged pictures; {damage.pictures} were left out.")
        elif damage.tail:
            remarks.append(
                f"'{name}' ends with damage ({damage.tail}); what came before it was read."
            )
        return tuple(remarks)


def _to_image_bgr(picture: VideoFrame) -> U8:
    """Convert a decoded picture; one thread, since more double its CPU time."""
    return np.asarray(picture.to_ndarray(format="bgr24", threads=1), np.uint8)
