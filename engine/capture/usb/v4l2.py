"""UsbSource: a USB camera on Linux, with its own JPEG, clock and count of images (V4L2)."""

import errno
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.capture.jpeg import is_complete_jpeg, read_jpeg_size
from engine.capture.usb.camera import UsbCamera
from engine.capture.usb.controls import (
    UNITS,
    Control,
    ControlValues,
    build_locked_values,
    merge_values,
    order_for_writing,
)
from engine.capture.usb.devices import choose_mode
from engine.capture.usb.v4l2_controls import read_controls, write_control
from engine.capture.usb.v4l2_errors import describe_gone, describe_no_room, make_camera_error
from engine.capture.usb.v4l2_kernel import LINUX, Machine
from engine.capture.usb.v4l2_modes import image_from_bytes, list_modes
from engine.capture.usb.v4l2_nodes import Node, find_node
from engine.capture.usb.v4l2_stream import Picture, Stream
from engine.clock import NS_PER_S
from engine.errors import CameraDisconnectedError, CameraError
from engine.frames import Frame, Jpeg

# A reader checks this often whether the source was closed from outside.
POLL_S = 0.1
CLOSE_TIMEOUT_S = 1.5
# A driver's time that lies further in the past, or in the future, is not of the host's clock,
# whatever its flag says.
MAX_STAMP_AGE_NS = 5 * NS_PER_S
MAX_STAMP_LEAD_NS = NS_PER_S // 20


class UsbSource(UsbCamera):
    """A USB camera.

    Parameters
    ----------
    device
        What follows ``usb:`` in its address: a stable id, a number, a device file.
    name
        The view's name.
    mode
        For instance ``1280x720@30 mjpeg``; empty for the best.
    values
        Controls to be set whenever it is opened.
    machine
    close_timeout_s
        How long `close` waits for a read that is under way.

    Attributes
    ----------
    name, live
        `live` is True.
    id
        The stable id, by which the same camera is opened again even if the address has a number.
        Empty before it is opened first.
    damaged
        Images that came incomplete and were left out, since the start.
    mode, modes
        In use, and all there are; known once open.

    Notes
    -----
    One thread reads; `controls`, `set_control`, `lock` and `close` may be called from any other
    meanwhile. Sequence numbers continue when it is opened again; their gaps are images that were
    lost.
    """

    def __init__(
        self,
        device: str,
        name: str,
        *,
        mode: str = "",
        values: Mapping[str, float] | None = None,
        machine: Machine = LINUX,
        close_timeout_s: float = CLOSE_TIMEOUT_S,
    ) -> None:
        super().__init__(name, mode, values)
        self.id = ""
        self._device = device
        self._machine = machine
        self._close_timeout_s = close_timeout_s
        self._stream: Stream | None = None
        self._users, self._changed = 0, threading.Condition()
        self._first_sequence: int | None = None
        self._trusts_stamps: bool | None = None  # decided by the first image with a stamp
        self._arrival_times = False

    def open(self) -> None:
        """Find the camera, set its mode and controls, and start it.

        Raises
        ------
        engine.errors.CameraNotFoundError
            If it is not plugged in.
        engine.errors.CameraError
            If it is busy, not permitted, has no such mode, or its USB bus is full.
        """
        if self._stream is not None:
            return
        node = find_node(self._machine, self.id or self._device, self.name)
        try:
            stream = Stream(self._machine.kernel, self._machine.kernel.open(node.path))
        except OSError as error:
            raise make_camera_error(self._machine, node, self.name, error) from error
        try:
            self._start_stream(stream, node)
        except OSError as error:
            stream.close()
            raise make_camera_error(self._machine, node, self.name, error) from error
        except BaseException:
            stream.close()
            raise
        self.id = node.id
        self._first_sequence, self._trusts_stamps = None, None
        self._stream = stream

    @property
    def compressed(self) -> bool:
        """Whether the camera sends JPEG, which can be recorded as it is."""
        return self._require_mode().compressed

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what was odd."""
        said = list(self._remarks)
        if self._arrival_times:
            said.append(
                f"Camera '{self.name}' does not say when its images were taken; the time of "
                "their arrival is used."
            )
        if self.damaged:
            said.append(
                f"Camera '{self.name}' sent {self.damaged} damaged images, which were left out. "
                "If this continues, try another cable or port."
            )
        return tuple(said)

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the next whole image, or None if the source is closed.

        Returns
        -------
        frame
            Compressed where the camera compresses.

        Raises
        ------
        engine.errors.CameraTimeoutError
            If none came within the time.
        engine.errors.CameraDisconnectedError
            If the camera is gone; `close`, then `open` when it is back.
        """
        now_ns = self._machine.now_ns
        end_ns = now_ns() + timeout_ms * 1_000_000
        with self._use_stream() as stream:
            while stream is not None and stream is self._stream:
                left_s = (end_ns - now_ns()) / NS_PER_S
                try:
                    picture = stream.take(min(POLL_S, max(0.0, left_s)))
                except OSError as error:
                    raise CameraDisconnectedError(self.name, describe_gone(self.name)) from error
                frame = None if picture is None else self._make_frame(picture, stream)
                if frame is not None:
                    return frame
                if left_s <= 0:
                    raise self._make_timeout_error(timeout_ms)
        return None

    def close(self) -> None:
        """Release the camera; may be called twice, from any thread, and followed by `open`."""
        with self._changed:
            stream, self._stream = self._stream, None
            self._changed.wait_for(lambda: self._users == 0, self._close_timeout_s)
        if stream is not None:
            stream.close()

    def controls(self) -> tuple[Control, ...]:
        """Read what can be set, with its present values; nothing while the camera is not open.

        Raises
        ------
        engine.errors.CameraDisconnectedError
            If the camera is gone.
        """
        with self._use_stream() as stream:
            if stream is None:
                return ()
            try:
                return read_controls(self._machine.kernel, stream.fd)
            except OSError as error:
                raise CameraDisconnectedError(self.name, describe_gone(self.name)) from error

    def set_control(self, name: str, value: float) -> float:
        """Set a control now and on every opening; its automatic is switched off first.

        Parameters
        ----------
        name
            One of `engine.capture.usb.controls.UNITS`.
        value
            In the control's unit.

        Returns
        -------
        value
            The possible one that is nearest; `value` itself while the camera is not open.

        Raises
        ------
        engine.errors.CameraError
            If the camera has no such control, or refuses the value.
        """
        with self._use_stream() as stream:
            known = value if name in UNITS else None
            taken = known if stream is None else self._write_control(stream, name, value)
        if taken is None:
            raise self._make_control_error(name)
        self._values = merge_values(self._values, {name: taken})
        return taken

    def lock(self) -> ControlValues:
        """Switch every automatic off and hold its value, now and on every opening.

        Returns
        -------
        values
            To be remembered, by the camera's id and mode.
        """
        found = order_for_writing(build_locked_values(self.controls()))
        with self._use_stream() as stream:
            written = {
                name: None if stream is None else self._write_control(stream, name, value)
                for name, value in found
            }
        taken = {name: value for name, value in written.items() if value is not None}
        self._values = merge_values(self._values, taken)
        return taken

    @contextmanager
    def _use_stream(self) -> Iterator[Stream | None]:
        """Keep the device from being closed meanwhile; None where it is closed."""
        with self._changed:
            stream = self._stream
            self._users += 1
        try:
            yield stream
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def _start_stream(self, stream: Stream, node: Node) -> None:
        """Choose the mode, set it and the controls, and start the images."""
        modes = list_modes(self._machine.kernel, stream.fd)
        if not modes:
            raise CameraError(
                self.name, f"Camera '{self.name}' offers no image format that can be read here."
            )
        try:
            mode = choose_mode(modes, self._requested_mode)
        except ValueError as error:
            raise CameraError(self.name, f"Camera '{self.name}' {error}") from error
        try:
            stream.set_mode(mode)
            self._remarks = self._apply_controls(stream)
            stream.start()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                said = describe_no_room(self._machine, node, mode, modes, self.name)
                raise CameraError(self.name, said) from error
            raise
        self.mode, self.modes = stream.mode, modes

    def _apply_controls(self, stream: Stream) -> tuple[str, ...]:
        """Set the remembered controls; return what this camera cannot do."""
        absent = [
            name
            for name, value in order_for_writing(self._values)
            if self._write_control(stream, name, value) is None
        ]
        return tuple(self._describe_absent(name) for name in absent)

    def _write_control(self, stream: Stream, name: str, value: float) -> float | None:
        """Write a control; None where the camera has none, or refuses."""
        if name not in UNITS:
            return None
        try:
            return write_control(self._machine.kernel, stream.fd, name, value)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ERANGE, errno.EACCES, errno.EIO, errno.EPIPE):
                return None
            raise CameraDisconnectedError(self.name, describe_gone(self.name)) from error

    def _make_frame(self, picture: Picture, stream: Stream) -> Frame | None:
        """Make a frame of a buffer; None where the image is damaged, which is counted."""
        sequence = self._continue_sequence(picture.sequence)
        time_ns = self._choose_time_ns(picture.timestamp_ns)
        if not picture.damaged and stream.mode.compressed:
            size_wh = read_jpeg_size(picture.data)
            if size_wh is not None and is_complete_jpeg(picture.data):
                return Frame(self.name, sequence, time_ns, Jpeg(picture.data, size_wh))
        elif not picture.damaged:
            image = image_from_bytes(picture.data, stream.mode, stream.stride)
            if image is not None:
                return Frame(self.name, sequence, time_ns, image)
        self.damaged += 1
        return None

    def _continue_sequence(self, driver_sequence: int) -> int:
        """Continue the driver's count over a reconnection; replace one that does not increase."""
        if self._first_sequence is None:
            self._first_sequence = self._next - driver_sequence
        sequence = max(self._first_sequence + driver_sequence, self._next)
        self._first_sequence = sequence - driver_sequence
        self._next = sequence + 1
        return sequence

    def _choose_time_ns(self, stamp_ns: int | None) -> int:
        """Return when an image was exposed, or when it came if the driver's clock is another."""
        now_ns = self._machine.now_ns()
        if stamp_ns is not None and self._trusts_stamps is None:
            self._trusts_stamps = -MAX_STAMP_LEAD_NS <= now_ns - stamp_ns <= MAX_STAMP_AGE_NS
        if stamp_ns is not None and self._trusts_stamps:
            return stamp_ns
        self._arrival_times = True
        return now_ns
