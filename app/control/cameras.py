"""CameraList: the cameras of this machine and their settings. Methods may wait for devices."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.control.camera_memory import present_settings
from app.presenters.camera_settings import CameraSettings, DeviceList, DeviceRow
from engine.address import parse_scheme
from engine.capture.state import CameraPhase, CameraState
from engine.capture.usb.address import parse_usb
from engine.capture.usb.devices import Device, Mode, list_devices
from engine.live.cameras import LiveSource
from engine.live.live import Live
from engine.live.state import CalibrationPhase, CalibrationState, LiveState

MAX_MODES_SHOWN = 2
STUDIO = "The built-in studio"
STOPPED_MESSAGE = "Press Start to see this camera."
OPENING_CALIBRATION = CalibrationState(
    CalibrationPhase.WATCHING,
    headline="Opening the cameras",
    instruction="This takes a few seconds.",
)


class CameraList:
    """What a worker read of the cameras, for the window to show.

    Attributes
    ----------
    settings
        What can be set, one for each camera at work.
    """

    def __init__(self) -> None:
        self.settings: tuple[CameraSettings, ...] = ()
        self._devices: tuple[Device, ...] = ()
        self._scanning = False

    def present_devices(self) -> DeviceList:
        """Return the cameras of this machine as the window shows them; never waits."""
        return DeviceList(tuple(_build_row(device) for device in self._devices), self._scanning)

    def scan(self) -> None:
        """List the cameras of this machine."""
        self._scanning = True
        try:
            self._devices = list_devices()
        finally:
            self._scanning = False

    def read_settings(self, live: Live, find_address: Callable[[str], str]) -> None:
        """Read what can be set at each camera at work.

        Parameters
        ----------
        live
        find_address
            Gives the remembered address of a camera's name.
        """
        found = []
        for state in live.state().cameras:
            modes, mode = self._find_modes(find_address(state.name))
            found.append(present_settings(state, live.camera(state.name).source, modes, mode))
        self.settings = tuple(found)

    def _find_modes(self, address: str) -> tuple[tuple[Mode, ...], str]:
        """Find the modes of a camera, and the one that its address names."""
        if parse_scheme(address) != "usb":
            return (), ""
        parsed = parse_usb(address)
        if not self._devices:
            self.scan()
        for position, device in enumerate(self._devices):
            if parsed.device in (device.id, str(position), device.path):
                return device.modes, parsed.mode or str(device.modes[0] if device.modes else "")
        return (), parsed.mode


def _build_row(device: Device) -> DeviceRow:
    """Describe a camera of this machine."""
    best = ", ".join(str(mode) for mode in device.modes[:MAX_MODES_SHOWN])
    return DeviceRow(device.id, device.name, best, device.address, device.problem)


def build_stopped_state(cameras: Sequence[tuple[str, str]]) -> LiveState:
    """Describe cameras while nothing runs.

    Parameters
    ----------
    cameras
        Name and address of each.
    """
    return LiveState(
        tuple(
            CameraState(name, address, CameraPhase.ENDED, STOPPED_MESSAGE)
            for name, address in cameras
        )
    )


def add_opening_cameras(state: LiveState, addresses: Sequence[str], *, is_first: bool) -> LiveState:
    """Show that cameras are being opened: a studio or a slow network takes seconds.

    Parameters
    ----------
    state
        Of the others.
    addresses
        Without passwords; they stand for the names, which are not known yet.
    is_first
        True where no other camera runs.
    """
    coming = tuple(
        CameraState(STUDIO if parse_scheme(one) == "studio" else one, one) for one in addresses
    )
    calibration = OPENING_CALIBRATION if is_first else state.calibration
    return replace(state, cameras=(*state.cameras, *coming), calibration=calibration)


def describe_sources(sources: Sequence[LiveSource]) -> str:
    """Describe the cameras.

    Returns
    -------
    title
        For the window's header.
    """
    addresses = tuple(dict.fromkeys(source.address for source in sources))
    if len(addresses) == 1 and parse_scheme(addresses[0]) == "studio":
        return STUDIO
    return f"{len(sources)} camera{'s' if len(sources) != 1 else ''}" if sources else ""
