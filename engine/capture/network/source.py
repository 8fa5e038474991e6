"""What network cameras share: a reading thread, a mailbox, sequence numbers, a quick close."""

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from calibration.geometry.arrays import U8
from engine.address import strip_credentials
from engine.capture.network.address import Endpoint, parse_endpoint
from engine.capture.network.limits import NETWORK_LIMITS, NetworkLimits
from engine.clock import NS_PER_S
from engine.errors import CameraDisconnectedError, CameraError, CameraTimeoutError
from engine.frames import Frame, Jpeg
from engine.mailbox import Bounded, ClosedError, EmptyError

RATE_IMAGES = 12  # the rate is measured on so many images
DEFAULT_FPS = 30.0
# Rates that cameras have; a measured one within 4 % of one of them is that one (12 images that come
# 10 ms early or late are 3 % off).
COMMON_FPS = (5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 24.0, 25.0, 30.0, 50.0, 60.0, 90.0, 120.0)
_RATE_TOLERANCE = 0.04
# A thread in a system call that cannot be interrupted (a silent name server) ends by itself later.
_JOIN_TIMEOUT_S = 1.8

S = TypeVar("S", bound=socket.socket)


@dataclass(frozen=True, slots=True, eq=False)
class ArrivedImage:
    """An image as it came.

    Parameters
    ----------
    timestamp_ns
        On the host's clock.
    content
        The compressed image, or (H, W, 3), read-only.
    size_wh : px
    """

    timestamp_ns: int
    content: bytes | U8
    size_wh: tuple[int, int]


class ReadLoop:
    """State that the reading thread and its owner share, from opening to closing.

    Parameters
    ----------
    max_waiting_images
        How many images wait for their reader; more are lost and counted.

    Attributes
    ----------
    mailbox
        Images with the count of those that were lost before each.
    """

    def __init__(self, max_waiting_images: int = NETWORK_LIMITS.max_waiting_images) -> None:
        self.mailbox: Bounded[tuple[int, ArrivedImage]] = Bounded(max_waiting_images)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def is_stopped(self) -> bool:
        """Return whether reading has been stopped."""
        return self._stopped.is_set()

    def wait(self, duration_s: float) -> None:
        """Wait, or return at once when reading is stopped."""
        self._stopped.wait(duration_s)

    @contextmanager
    def hold_connection(self, connection: S) -> Iterator[S]:
        """Let `stop` shut down a connection while it is in use; close it afterwards."""
        with self._lock:
            self._connection = connection
            if self.is_stopped():
                _shut_down(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def stop(self) -> None:
        """End the reading from another thread: a read that blocks returns at once."""
        self._stopped.set()
        self.mailbox.discard()
        with self._lock:
            if self._connection is not None:
                _shut_down(self._connection)


class NetworkSource:
    """A network camera, read by a thread of its own; subclasses implement `_read_images`.

    Parameters
    ----------
    address
        With user and password, if the camera needs them.
    name
        The view's name.
    limits

    Attributes
    ----------
    name, live
        `live` is True.
    damaged
        How many images came damaged and were left out, since the source was made.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If the address cannot be read.

    Notes
    -----
    `close` may be called from another thread, also while `open` waits. Sequence numbers continue
    over a reconnection; images that found no room or were damaged are counted in them.
    """

    def __init__(self, address: str, name: str, limits: NetworkLimits = NETWORK_LIMITS) -> None:
        self.limits = limits
        self.name, self.live = name, True
        self.damaged = 0
        self.address = strip_credentials(address)
        self.endpoint: Endpoint = parse_endpoint(address, name)
        self._sequence = -1
        self._size_wh: tuple[int, int] | None = None
        self._rate_fps = DEFAULT_FPS
        self._remarks: tuple[str, ...] = ()
        self._read_loop: ReadLoop | None = None
        self._thread: threading.Thread | None = None
        self._last_s = 0.0
        # of a stream that was opened again, not read yet
        self._first: tuple[int, ArrivedImage] | None = None

    def open(self) -> None:
        """Connect, and wait for the first images.

        Raises
        ------
        engine.errors.CameraNotFoundError
            If the camera cannot be reached, needs another login, or is not a camera.
        engine.errors.CameraTimeoutError
            If it answers but sends no image.
        engine.errors.CameraDisconnectedError
            If it went away again, or the source was closed meanwhile.
        """
        if self._read_loop is not None:
            return
        read_loop = self._read_loop = ReadLoop(self.limits.max_waiting_images)
        thread = threading.Thread(
            target=self._read_into_mailbox,
            args=(read_loop,),
            name=f"camera {self.name}",
            daemon=True,
        )
        thread.start()
        # only now: `close` from another thread cannot join a thread that has not started
        self._thread = thread
        try:
            self._measure_rate(read_loop)
        except BaseException:
            self.close()
            raise

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the images as they come, px; known once open."""
        if self._size_wh is None:
            raise ValueError(f"'{self.name}' must be opened first.")
        return self._size_wh

    @property
    def rate_fps(self) -> float:
        """Frames per second, from the first images; 30 where they are too few."""
        return self._rate_fps

    @property
    def frame_count(self) -> None:
        """Not known for a camera."""
        return

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what was odd; grows while reading."""
        damage = (
            (f"Camera '{self.name}' sent {self.damaged} damaged images; they were left out.",)
            if self.damaged
            else ()
        )
        return (*self._remarks, *damage)

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the next image.

        Parameters
        ----------
        timeout_ms
            How long to wait for it.

        Returns
        -------
        frame
            Compressed where the camera sends JPEG; None once closed.

        Raises
        ------
        engine.errors.CameraTimeoutError
            If nothing came within the time; the next call goes on waiting.
        engine.errors.CameraDisconnectedError
            If the camera is gone, or sends images of another size than at first. Close and open to
            try again.
        """
        read_loop = self._read_loop
        if read_loop is None:
            return None
        try:
            lost, arrived = self._first or self._take_image(read_loop, timeout_ms / 1000)
            self._first = None
        except ClosedError:
            return None
        self._sequence += lost + 1
        self._last_s = time.monotonic()
        if arrived.size_wh != self._size_wh:
            raise self._make_size_error(arrived.size_wh)
        if isinstance(arrived.content, bytes):
            payload = Jpeg(arrived.content, arrived.size_wh)
        else:
            payload = arrived.content
        return Frame(self.name, self._sequence, arrived.timestamp_ns, payload)

    def close(self) -> None:
        """Release the camera; may be called twice, and the source may be opened again."""
        read_loop, thread = self._read_loop, self._thread
        self._read_loop = self._thread = self._first = None
        if read_loop is not None:
            read_loop.stop()
        if thread is not None:
            thread.join(_JOIN_TIMEOUT_S)

    def _read_images(self, read_loop: ReadLoop) -> Generator[ArrivedImage | None, None, None]:
        """Connect and yield images until the camera ends; None for a damaged one."""
        raise NotImplementedError

    def _add_remark(self, message: str) -> None:
        """Add a remark, once."""
        if message not in self._remarks:
            self._remarks = (*self._remarks, message)

    def _read_into_mailbox(self, read_loop: ReadLoop) -> None:
        """Put images into the mailbox until the camera ends or is closed; in its own thread."""
        lost = 0
        try:
            with closing(self._read_images(read_loop)) as images:
                for arrived in images:
                    if read_loop.is_stopped():
                        return
                    if arrived is None:
                        self.damaged += 1
                    lost = (
                        0
                        if arrived is not None and read_loop.mailbox.offer((lost, arrived))
                        else lost + 1
                    )
            if not read_loop.is_stopped():  # closing ends the stream, too
                read_loop.mailbox.poison(self._make_disconnected_error("ended its stream"))
        except BaseException as error:
            if not read_loop.is_stopped():  # an error that closing caused is not reported
                read_loop.mailbox.poison(error)

    def _take_image(self, read_loop: ReadLoop, timeout_s: float) -> tuple[int, ArrivedImage]:
        """Return the next image, and how many were lost before it."""
        try:
            return read_loop.mailbox.take(timeout_s)
        except CameraError as error:
            # it is raised by every call, and its traceback must not grow
            raise error.with_traceback(None) from error.__cause__
        except EmptyError:
            silent_s = time.monotonic() - self._last_s
            raise CameraTimeoutError(
                self.name,
                f"Camera '{self.name}' sent no image for {silent_s:.1f} s. Epipole waits for it; "
                "if it stays silent, check its power and its network.",
            ) from None

    def _measure_rate(self, read_loop: ReadLoop) -> None:
        """Wait for the first images, and measure size and rate; on reopening the size only."""
        again = self._size_wh is not None
        self._last_s = time.monotonic()
        try:
            lost, first = self._take_image(read_loop, self.limits.first_image_s)
            if again:
                self._first, self._size_wh = (lost, first), first.size_wh
                return
            times_ns = [first.timestamp_ns]
            end_s = time.monotonic() + self.limits.rate_s
            while len(times_ns) < RATE_IMAGES and (left_s := end_s - time.monotonic()) > 0:
                with suppress(CameraTimeoutError):
                    times_ns.append(self._take_image(read_loop, left_s)[1].timestamp_ns)
        except ClosedError:
            raise CameraDisconnectedError(
                self.name, f"Camera '{self.name}' was closed while it was opened."
            ) from None
        self._size_wh = first.size_wh
        self._rate_fps = estimate_nominal_fps(times_ns)
        self._last_s = time.monotonic()

    def _make_disconnected_error(self, what: str) -> CameraDisconnectedError:
        """Say that the camera is gone."""
        return CameraDisconnectedError(
            self.name,
            f"Camera '{self.name}' at {self.endpoint.netloc} {what}. Epipole tries again; check "
            "its power and its network.",
        )

    def _make_size_error(self, size_wh: tuple[int, int]) -> CameraDisconnectedError:
        """Say that the camera's images have changed their size."""
        now, before = ("×".join(map(str, size)) for size in (size_wh, self.size_wh))
        return CameraDisconnectedError(
            self.name,
            f"Camera '{self.name}' now sends images of {now} instead of {before}. It is opened "
            "again; a calibration made before does not fit them.",
        )


def estimate_nominal_fps(times_ns: list[int]) -> float:
    """Estimate the rate at which a camera is set to send.

    Parameters
    ----------
    times_ns
        Of its first images, increasing.

    Returns
    -------
    rate_fps
        A common rate of cameras where the measured one is near it; 30 for fewer than three images.
    """
    if len(times_ns) < 3 or times_ns[-1] <= times_ns[0]:
        return DEFAULT_FPS
    measured = (len(times_ns) - 1) * NS_PER_S / (times_ns[-1] - times_ns[0])
    common = min(COMMON_FPS, key=lambda fps: abs(fps - measured))
    return common if abs(common - measured) <= _RATE_TOLERANCE * common else measured


def _shut_down(connection: socket.socket) -> None:
    """End every read from a connection, also one through TLS."""
    with suppress(OSError):  # it may be disconnected already
        # an SSL socket's own `shutdown` would free the TLS state under the thread that reads
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
