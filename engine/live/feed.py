"""CameraFeed: a thread that owns one camera and reopens it whenever it is lost."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import nan
from time import monotonic

from engine.address import strip_credentials
from engine.capture.source import FrameSource
from engine.capture.state import CameraPhase, CameraState
from engine.clock import NS_PER_S, host_ns
from engine.errors import CameraError, CameraTimeoutError
from engine.frames import Frame
from engine.live.camera_clock import CameraClock
from engine.stats import Rate

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.8


@dataclass(frozen=True, slots=True)
class CameraTimeouts:
    """How long to wait for a camera.

    Parameters
    ----------
    read_ms
        One read; also how soon the thread notices that it should end.
    stalled_s, stalled_periods
        Without an image for the longer of both, the camera is stalled.
    reopen_s
        Stalled for this long, it is reopened.
    retry_s
        First and longest wait before reopening; doubled each time.
    """

    read_ms: int = 200
    stalled_s: float = 1.0
    stalled_periods: float = 5.0
    reopen_s: float = 5.0
    retry_s: tuple[float, float] = (0.5, 5.0)


CAMERA_TIMEOUTS = CameraTimeouts()
# A read that takes longer than this ignores its timeout and counts as hanging.
HANG_TIMEOUT_S = 2.0


class CameraFeed:
    """One live camera: its frames with steady times, and its state.

    Parameters
    ----------
    source
        Not open; owned by the feed from now on.
    address
        Of the camera; a password in it is not kept.
    timeouts

    Attributes
    ----------
    name
        The view's name.
    newest
        The newest frame; None before the first.
    """

    def __init__(
        self, source: FrameSource, address: str = "", timeouts: CameraTimeouts = CAMERA_TIMEOUTS
    ) -> None:
        self.name = source.name
        self.newest: Frame | None = None
        self._source, self._timeouts = source, timeouts
        self._state = CameraState(source.name, strip_credentials(address))
        self._clock: CameraClock | None = None
        self._rate = Rate()
        self._tap: Callable[[Frame], object] | None = None
        self._listener: Callable[[Frame], object] | None = None
        self._last_activity_ns = host_ns()
        self._reading_since_ns: int | None = None
        self._wrong_size_count = 0
        self._closing = threading.Event()
        self._reopening = threading.Event()
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"camera {source.name}", daemon=True)

    def start(self) -> None:
        """Start the thread that opens and reads the camera; once only."""
        self._thread.start()

    @property
    def period_ns(self) -> float:
        """Measured time between two images, ns; NaN before the camera was open."""
        clock = self._clock
        return clock.period_ns if clock is not None else nan

    @property
    def live(self) -> bool:
        """Whether the camera sends images now."""
        return self._state.phase is CameraPhase.LIVE and not self._is_silent()

    @property
    def ended(self) -> bool:
        """Whether a video or a studio has ended."""
        return self._state.phase is CameraPhase.ENDED

    def state(self) -> CameraState:
        """Return the current state of the camera; from any thread."""
        state, newest = self._state, self.newest
        if state.phase is CameraPhase.LIVE and self._is_silent():
            state = replace(state, phase=CameraPhase.STALLED, message=self._describe_silence())
        age_ms = (host_ns() - newest.timestamp_ns) / 1e6 if newest is not None else nan
        return replace(state, age_ms=age_ms, rate_fps=self._rate.per_second)

    def tap(self, listener: Callable[[Frame], object] | None) -> None:
        """Pass every frame to a recorder, in the camera's thread and before any is dropped.

        Parameters
        ----------
        listener
            Must not wait; for instance a recorder's `offer`. None ends it.
        """
        self._tap = listener

    def deliver_to(self, listener: Callable[[Frame], object] | None) -> None:
        """Pass the frames of the right size to the framesets.

        Parameters
        ----------
        listener
            Must not wait. None ends it.
        """
        self._listener = listener

    def reconnect(self) -> None:
        """Reopen the camera now; a video that has ended stays so."""
        self._reopening.set()
        with self._wake:
            self._wake.notify_all()
        since_ns = self._reading_since_ns
        if since_ns is not None and host_ns() - since_ns > HANG_TIMEOUT_S * NS_PER_S:
            self._unblock()

    def begin_close(self) -> None:
        """Ask the thread to end; does not wait."""
        self._closing.set()
        self._reopening.set()
        with self._wake:
            self._wake.notify_all()

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Close the camera and wait for its thread.

        Parameters
        ----------
        timeout_s
            A source that hangs longer is abandoned, with a warning in the log; its thread ends with
            the program.

        Returns
        -------
        ended
            Whether the thread ended.
        """
        return not close_feeds((self,), timeout_s)

    def _join_until(self, deadline_s: float) -> bool:
        """Wait for the thread; return whether it ended."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline_s - monotonic()))
        return not self._thread.is_alive()

    def _unblock(self) -> None:
        """Close the source from outside, which frees a hanging thread (or hangs itself)."""
        threading.Thread(target=self._close_source, name=f"close {self.name}", daemon=True).start()

    def _run(self) -> None:
        """Open and read the camera repeatedly until it has ended. Runs in its own thread."""
        wait_s = self._timeouts.retry_s[0]
        while not self._closing.is_set():
            self._reopening.clear()
            try:
                self._source.open()
                self._reset_clock()
                wait_s = self._timeouts.retry_s[0]
                if self._read_until_lost():
                    break
            except CameraError as error:
                self._mark_lost(str(error))
            except Exception as error:  # a fault in one source must not end the other cameras
                logger.exception("Camera '%s' failed.", self.name)
                self._mark_lost(
                    f"Camera '{self.name}' failed ({error}). It is tried again; the log has the "
                    "details."
                )
            self._close_source()
            if not self._closing.is_set() and not self._reopening.is_set():
                with self._wake:
                    self._wake.wait_for(
                        lambda: self._reopening.is_set() or self._closing.is_set(), wait_s
                    )
            wait_s = min(2 * wait_s, self._timeouts.retry_s[1])
        self._close_source()

    def _reset_clock(self) -> None:
        """Prepare the clock for the images of an opened camera."""
        self._last_activity_ns = host_ns()
        if self._clock is None:
            self._clock = CameraClock(self._source.rate_fps)
        else:
            self._clock.restart()

    def _read_until_lost(self) -> bool:
        """Read until the camera is lost (False), or over (True)."""
        first = True
        while not self._closing.is_set() and not self._reopening.is_set():
            try:
                self._reading_since_ns = host_ns()
                frame = self._source.read(self._timeouts.read_ms)
            except CameraTimeoutError:
                if self._check_stalled():
                    return False
                continue
            finally:
                self._reading_since_ns = None
            if self._closing.is_set() or self._reopening.is_set():
                return False  # closed by us
            if frame is None:
                self._state = replace(
                    self._state, phase=CameraPhase.ENDED, message=f"'{self.name}' has ended."
                )
                return True
            if first and self._state.frames:
                self._state = replace(self._state, reconnect_count=self._state.reconnect_count + 1)
            first = False
            self._accept_frame(frame)
        return False

    def _accept_frame(self, frame: Frame) -> None:
        """Give a frame its steady time and pass it on."""
        if self._clock is None:
            raise ValueError(f"Camera '{self.name}' was read before it was opened.")
        if self._is_silent():
            self._clock.restart()  # it is unknown how many images were taken during a pause
        self._last_activity_ns = host_ns()
        moment = self._clock.put(frame.sequence, frame.timestamp_ns)
        if moment is None:
            return  # out of order; the clock has counted it as missing when the later one came
        frame = _renumber(frame, *moment)
        self._rate.count()
        self._pass_to_recorder(frame)
        fits = self._state.size_wh in (None, frame.size_wh)
        self._wrong_size_count += not fits
        self._update_state(frame, fits, self._clock)
        if fits:
            self.newest = frame
            listener = self._listener
            if listener is not None:
                listener(frame)

    def _update_state(self, frame: Frame, fits: bool, clock: CameraClock) -> None:
        """Update the state after an image."""
        state = self._state
        self._state = replace(
            state,
            phase=CameraPhase.LIVE,
            message="" if fits else self._describe_size_change(frame),
            size_wh=state.size_wh or frame.size_wh,
            frames=state.frames + 1,
            dropped=clock.missing + self._wrong_size_count,
            jitter_ms=clock.jitter_ms,
            compressed=frame.jpeg is not None,
        )

    def _pass_to_recorder(self, frame: Frame) -> None:
        """Pass a frame to the recorder; if that fails, the camera goes on without it."""
        tap = self._tap
        if tap is None:
            return
        try:
            tap(frame)
        except Exception:  # the recorder reports it itself; the live view must go on
            logger.exception("The recording of camera '%s' failed; the camera goes on.", self.name)
            self._tap = None

    def _is_silent(self) -> bool:
        """Return whether no image came for too long."""
        return host_ns() - self._last_activity_ns > self._compute_max_silence_ns()

    def _compute_max_silence_ns(self) -> float:
        """Return how long a camera may be silent, ns."""
        clock = self._clock
        periods_ns = self._timeouts.stalled_periods * clock.period_ns if clock is not None else 0.0
        return max(self._timeouts.stalled_s * NS_PER_S, periods_ns)

    def _check_stalled(self) -> bool:
        """Record that nothing came; return True once it is time to reopen the camera."""
        silent_ns = host_ns() - self._last_activity_ns
        if silent_ns > self._compute_max_silence_ns():
            self._state = replace(
                self._state, phase=CameraPhase.STALLED, message=self._describe_silence()
            )
        return silent_ns > self._compute_max_silence_ns() + self._timeouts.reopen_s * NS_PER_S

    def _describe_silence(self) -> str:
        """Say that no image comes."""
        silent_s = (host_ns() - self._last_activity_ns) / NS_PER_S
        return (
            f"Camera '{self.name}' sent no image for {silent_s:.0f} s. Check its cable or network."
        )

    def _describe_size_change(self, frame: Frame) -> str:
        """Say that the images have another size than the first."""
        now, first = frame.size_wh, self._state.size_wh or frame.size_wh
        return (
            f"Camera '{self.name}' now sends {now[0]}x{now[1]} instead of "
            f"{first[0]}x{first[1]}. Its images are not used, because a calibration holds for one "
            "size. Set it back, or remove the camera and add it again."
        )

    def _mark_lost(self, message: str) -> None:
        """Record that the camera was lost, unless it was closed."""
        if not self._closing.is_set() and not self._reopening.is_set():
            self._state = replace(self._state, phase=CameraPhase.LOST, message=message)

    def _close_source(self) -> None:
        """Close the source; errors are only logged."""
        try:
            self._source.close()
        except Exception:  # it is abandoned anyway, and opened again
            logger.exception("Camera '%s' could not be closed.", self.name)


def close_feeds(feeds: Iterable[CameraFeed], timeout_s: float = CLOSE_TIMEOUT_S) -> tuple[str, ...]:
    """Close several cameras at once.

    Parameters
    ----------
    feeds
    timeout_s
        For all together.

    Returns
    -------
    left_behind
        Names of the cameras whose source hangs.
    """
    feeds = tuple(feeds)
    start_s = monotonic()
    for feed in feeds:
        feed.begin_close()
    hanging = [feed for feed in feeds if not feed._join_until(start_s + timeout_s / 2)]
    for feed in hanging:
        feed._unblock()
    left = tuple(feed.name for feed in hanging if not feed._join_until(start_s + timeout_s))
    for name in left:
        logger.warning("Camera '%s' did not end within %.1f s and is abandoned.", name, timeout_s)
    return left


def _renumber(frame: Frame, sequence: int, time_ns: int) -> Frame:
    """Return the same image with another number and time."""
    return replace(frame, sequence=sequence, timestamp_ns=time_ns)
