"""USB cameras on Windows and macOS: OpenCV's capture, with the host's clock."""

import math
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from engine.capture.usb.camera import UsbCamera
from engine.capture.usb.controls import (
    AUTO_OF,
    ON_OFF,
    UNITS,
    Control,
    ControlValues,
    build_locked_values,
    merge_values,
    order_for_writing,
)
from engine.capture.usb.devices import PREFERRED_FPS, PREFERRED_WH, Device, Mode, parse_mode
from engine.clock import host_ns
from engine.errors import (
    CameraDisconnectedError,
    CameraError,
    CameraNotFoundError,
)
from engine.frames import Frame
from engine.mailbox import ClosedError, EmptyError, Latest

BACKENDS = {"win32": (cv2.CAP_DSHOW, cv2.CAP_MSMF), "darwin": (cv2.CAP_AVFOUNDATION,)}
MAX_CAMERAS = 8
CLOSE_TIMEOUT_S = 1.5
# OpenCV's numbers; it knows no ranges. Both Windows backends count exposure in powers of two of a
# second.
_PROPERTIES = {
    "auto_exposure": cv2.CAP_PROP_AUTO_EXPOSURE,
    "exposure_us": cv2.CAP_PROP_EXPOSURE,
    "gain": cv2.CAP_PROP_GAIN,
    "auto_focus": cv2.CAP_PROP_AUTOFOCUS,
    "focus": cv2.CAP_PROP_FOCUS,
    "auto_white_balance": cv2.CAP_PROP_AUTO_WB,
    "white_balance_k": cv2.CAP_PROP_WB_TEMPERATURE,
    "brightness": cv2.CAP_PROP_BRIGHTNESS,
}

# What opens a camera: its number and a backend, as cv2.VideoCapture takes them.
Opener = Callable[[int, int], Any]


class OpenCvSource(UsbCamera):
    """A USB camera on Windows or macOS.

    Parameters
    ----------
    device
        What follows ``usb:`` in its address: the number of the camera, since these systems offer
        OpenCV nothing else.
    name
        The view's name.
    mode
        For instance ``1280x720@30``; empty for 1280x720 at 30.
    values
        Controls to be set whenever it is opened.
    opener

    Attributes
    ----------
    name, live
        `live` is True.
    id, damaged, compressed, mode, modes
        As of the source on Linux. OpenCV names no modes but the one in use, decodes by itself, and
        hides damage.

    Notes
    -----
    An image's time is the host's clock right after it was grabbed. OpenCV waits for an image
    without a limit, so a thread of its own grabs; images that are not read in time are dropped, and
    missing in the sequence numbers.
    """

    def __init__(
        self,
        device: str,
        name: str,
        *,
        mode: str = "",
        values: Mapping[str, float] | None = None,
        opener: Opener = cv2.VideoCapture,
    ) -> None:
        super().__init__(name, mode, values)
        self.id = device
        self.compressed = False
        self._opener = opener
        self._capture: Any = None
        self._thread: threading.Thread | None = None
        self._grabbed: Latest[Frame] = Latest()
        self._stopping = threading.Event()

    def open(self) -> None:
        """Open the camera, set its mode and controls, and start to grab.

        Raises
        ------
        engine.errors.CameraNotFoundError
            If there is no such camera.
        engine.errors.CameraError
            If it sends nothing.
        """
        if self._thread is not None:
            return
        if not self.id.isdecimal():
            raise CameraNotFoundError(
                self.name,
                f"There is no USB camera '{self.id}'. Cameras have numbers here: usb:0, usb:1…",
            )
        capture = _open_capture(self._opener, int(self.id))
        if capture is None:
            raise CameraNotFoundError(
                self.name,
                f"USB camera {self.id} cannot be opened: it is not plugged in, another program "
                "uses it, or this program may not use cameras (see the system's privacy settings).",
            )
        try:
            self._set_mode(capture)
        except BaseException:
            capture.release()
            raise
        self._capture = capture
        self._grabbed = Latest()
        self._stopping = threading.Event()
        self._remarks = tuple(
            self._describe_absent(name)
            for name, value in order_for_writing(self._values)
            if not self._write_control(name, value)
        )
        self._thread = threading.Thread(
            target=self._grab,
            args=(capture, self._grabbed, self._stopping),
            name=f"grab {self.name}",
            daemon=True,
        )
        self._thread.start()

    @property
    def remarks(self) -> tuple[str, ...]:
        """Messages on what was odd."""
        return self._remarks

    def read(self, timeout_ms: int) -> Frame | None:
        """Return the newest image that was not returned before, or None if the source is closed.

        Raises
        ------
        engine.errors.CameraTimeoutError
            If none came within the time.
        engine.errors.CameraDisconnectedError
            If the camera is gone; `close`, then `open` when it is back.
        """
        if self._thread is None:
            return None
        try:
            return self._grabbed.take(timeout_ms / 1000)
        except ClosedError:
            return None
        except EmptyError as error:
            raise self._make_timeout_error(timeout_ms) from error

    def close(self) -> None:
        """Release the camera; may be called twice, from any thread, and followed by `open`."""
        thread = self._thread
        self._thread = None
        self._capture = None
        if thread is not None:
            self._stopping.set()
            self._grabbed.discard()
            # the thread releases the camera, also if OpenCV returns only after this wait
            thread.join(CLOSE_TIMEOUT_S)

    def controls(self) -> tuple[Control, ...]:
        """Read what can be set; ranges are not known here, except of switches."""
        capture = self._capture
        if capture is None:
            return ()
        read = {name: _read_value(capture, name) for name in _PROPERTIES}
        found = {name: value for name, value in read.items() if value is not None}
        return tuple(
            Control(
                name,
                *((0.0, 1.0, 1.0) if name.startswith("auto_") else (math.nan, math.nan, 0.0)),
                math.nan,
                value,
                UNITS[name],
                is_auto=bool(found.get(AUTO_OF.get(name, ""), 0.0)),
                choices=ON_OFF if name.startswith("auto_") else (),
            )
            for name, value in found.items()
        )

    def set_control(self, name: str, value: float) -> float:
        """Set a control now and on every opening; its automatic is switched off first.

        Parameters
        ----------
        name
            One of `engine.capture.usb.controls.UNITS`.
        value
            In the control's unit.

        Raises
        ------
        engine.errors.CameraError
            If the camera has no such control, or refuses the value.
        """
        if name not in UNITS or (
            self._capture is not None and not self._write_control(name, value)
        ):
            raise self._make_control_error(name)
        self._values = merge_values(self._values, {name: value})
        return value

    def lock(self) -> ControlValues:
        """Switch every automatic off and hold its value, now and on every opening.

        Returns
        -------
        values
            To be remembered.
        """
        taken = {
            name: value
            for name, value in order_for_writing(build_locked_values(self.controls()))
            if self._write_control(name, value)
        }
        self._values = merge_values(self._values, taken)
        return taken

    def _set_mode(self, capture: Any) -> None:
        """Request a mode, grab an image, and store what was granted."""
        size_wh, rate_fps, _ = (
            parse_mode(self._requested_mode) if self._requested_mode else (PREFERRED_WH, None, None)
        )
        # needs less of the bus, if it is granted
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
        capture.set(cv2.CAP_PROP_FPS, rate_fps or PREFERRED_FPS)
        whole, image = capture.read()
        if not whole:
            raise CameraError(
                self.name,
                f"Camera '{self.name}' was opened but sends no image. Close other programs that "
                "use it, or plug it into a USB port without a hub.",
            )
        granted_fps = capture.get(cv2.CAP_PROP_FPS)
        rate = (
            granted_fps
            if math.isfinite(granted_fps) and granted_fps > 0
            else rate_fps or PREFERRED_FPS
        )
        self.mode = Mode((image.shape[1], image.shape[0]), rate, "any")
        self.modes = (self.mode,)
        if self._requested_mode and self.mode.size_wh != size_wh:
            raise CameraError(
                self.name,
                f"Camera '{self.name}' has no mode {self._requested_mode}. The nearest it has "
                f"is {self.mode}.",
            )

    def _write_control(self, name: str, value: float) -> bool:
        """Write a control after switching its automatic off; False if it is refused."""
        capture = self._capture
        if capture is None or name not in _PROPERTIES:
            return False
        switch = AUTO_OF.get(name)
        if switch in _PROPERTIES and _read_value(capture, switch):
            capture.set(_PROPERTIES[switch], 0.0)
        return bool(
            capture.set(
                _PROPERTIES[name], math.log2(value / 1e6) if name == "exposure_us" else value
            )
        )

    def _grab(self, capture: Any, grabbed: Latest[Frame], stopping: threading.Event) -> None:
        """Grab until `stopping` is set. Runs in its own thread."""
        try:
            while not stopping.is_set():
                if not capture.grab():
                    raise CameraDisconnectedError(
                        self.name,
                        f"Camera '{self.name}' is gone: it was unplugged, or its cable is "
                        "loose. Plug it in.",
                    )
                time_ns = host_ns()
                sequence, self._next = self._next, self._next + 1
                whole, image = capture.retrieve()
                if not whole:
                    self.damaged += 1
                    continue
                image.flags.writeable = False
                grabbed.put(Frame(self.name, sequence, time_ns, np.asarray(image, np.uint8)))
        except BaseException as error:
            grabbed.poison(error)
        finally:
            capture.release()


def list_opencv(opener: Opener = cv2.VideoCapture) -> tuple[Device, ...]:
    """List the cameras by trying their numbers; each is opened for a moment.

    Returns
    -------
    devices
        Without modes, which OpenCV cannot name; one that another program uses is not found at all.
    """
    devices = []
    for number in range(MAX_CAMERAS):
        capture = _open_capture(opener, number)
        if capture is None:
            break
        capture.release()
        devices.append(Device(str(number), f"Camera {number}", f"usb:{number}"))
    return tuple(devices)


def _open_capture(opener: Opener, number: int) -> Any:
    """Open a camera by the system's interfaces in turn; None if there is none of that number."""
    for backend in BACKENDS.get(sys.platform, (cv2.CAP_ANY,)):
        capture = opener(number, backend)
        if capture.isOpened():
            return capture
        capture.release()
    return None


def _read_value(capture: Any, name: str) -> float | None:
    """Read a control; None where the system refuses even the value it has."""
    value = float(capture.get(_PROPERTIES[name]))
    if not math.isfinite(value) or not capture.set(_PROPERTIES[name], value):
        return None
    return 2.0**value * 1e6 if name == "exposure_us" else value
