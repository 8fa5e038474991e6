"""UsbCamera: what holds for every USB camera, whichever interface of the system reads it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from engine.capture.usb.controls import Control, ControlValues, build_auto_warnings
from engine.capture.usb.devices import Mode
from engine.errors import CameraError, CameraTimeoutError


class UsbCamera(ABC):
    """A USB camera; each system's source opens, reads and closes it.

    Parameters
    ----------
    name
        The view's name.
    mode
        As requested; empty for the best.
    values
        Controls to be set whenever it is opened.

    Attributes
    ----------
    name, live
        `live` is True.
    damaged
        Images that came incomplete and were left out, since the start.
    mode, modes
        In use, and all there are; known once open.
    """

    def __init__(self, name: str, mode: str, values: Mapping[str, float] | None) -> None:
        self.name, self.live = name, True
        self.damaged = 0
        self.mode = Mode((0, 0), 0.0, "")
        self.modes: tuple[Mode, ...] = ()
        self._requested_mode = mode
        self._values: ControlValues = dict(values or {})
        self._remarks: tuple[str, ...] = ()
        self._next = 0  # sequence numbers continue when it is opened again

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frames, px; known once open."""
        return self._require_mode().size_wh

    @property
    def rate_fps(self) -> float:
        """Frames per second, as granted; known once open."""
        return self._require_mode().rate_fps

    @property
    def frame_count(self) -> None:
        """A camera has no end."""
        return

    @abstractmethod
    def controls(self) -> tuple[Control, ...]:
        """Read what can be set, with its present values; nothing while the camera is not open."""

    def list_auto_warnings(self) -> tuple[str, ...]:
        """Warn of everything that the camera changes by itself."""
        return build_auto_warnings(self.name, self.controls())

    def _require_mode(self) -> Mode:
        """Return the mode in use."""
        if not self.mode.format:
            raise ValueError(f"'{self.name}' must be opened first.")
        return self.mode

    def _make_timeout_error(self, timeout_ms: int) -> CameraTimeoutError:
        """Make the error of a camera that sent nothing in time."""
        return CameraTimeoutError(
            self.name,
            f"Camera '{self.name}' sent no image for {timeout_ms / 1000:g} s. Check its "
            "cable, then press Reconnect.",
        )

    def _make_control_error(self, control: str) -> CameraError:
        """Make the error of a control that is missing or refuses its value."""
        return CameraError(
            self.name, f"Camera '{self.name}' has no control '{control}' that can be set."
        )

    def _describe_absent(self, control: str) -> str:
        """Describe a remembered control that this camera does not have."""
        return f"Camera '{self.name}' has no control '{control}'; it is left as it is."
