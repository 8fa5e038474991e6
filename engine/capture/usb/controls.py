"""What can be set on a camera: exposure, gain, focus, white balance, and its automatics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# What is remembered of a camera: the values of its controls by their names.
ControlValues = dict[str, float]

# Every control, and its unit; empty where the number has no unit.
UNITS = {
    "auto_exposure": "",
    "exposure_us": "µs",
    "exposure_dynamic_framerate": "",
    "auto_gain": "",
    "gain": "",
    "auto_focus": "",
    "focus": "",
    "auto_white_balance": "",
    "white_balance_k": "K",
    "brightness": "",
    "power_line_hz": "Hz",
}
# A value, and the switch that lets the camera set it by itself.
AUTO_OF = {
    "exposure_us": "auto_exposure",
    "gain": "auto_gain",
    "focus": "auto_focus",
    "white_balance_k": "auto_white_balance",
}
AUTOMATIC_HZ = -1.0  # `power_line_hz` where the camera finds out by itself
ON_OFF = ((0.0, "off"), (1.0, "on"))
POWER_LINE = ((0.0, "off"), (50.0, "50 Hz"), (60.0, "60 Hz"), (AUTOMATIC_HZ, "automatic"))

# What an automatic does to a measurement, as a warning.
_AUTO_EFFECTS = {
    "auto_exposure": (
        "sets its exposure by itself: brightness and motion blur change while you record"
    ),
    "auto_gain": "sets its gain by itself: brightness and noise change while you record",
    "auto_focus": (
        "focuses by itself: its focal length changes a little each time, and the "
        "calibration with it"
    ),
    "auto_white_balance": "sets its white balance by itself: colours change while you record",
    "exposure_dynamic_framerate": "may lower its rate in the dark",
}


@dataclass(frozen=True, slots=True)
class Control:
    """Something that can be set on a camera.

    Parameters
    ----------
    name
        One of `UNITS`.
    minimum, maximum, step, default, value
        In `unit`. NaN where the system does not say.
    unit
        Empty where the number has no unit.
    is_auto
        The camera sets it by itself now.
    choices
        Values with their words, where only some are possible.
    """

    name: str
    minimum: float
    maximum: float
    step: float
    default: float
    value: float
    unit: str = ""
    is_auto: bool = False
    choices: tuple[tuple[float, str], ...] = ()

    def find_nearest(self, value: float) -> float:
        """Return the possible value that is nearest."""
        if self.choices:
            return min(
                (choice for choice, _ in self.choices), key=lambda choice: abs(choice - value)
            )
        if self.step > 0:
            value = self.minimum + round((value - self.minimum) / self.step) * self.step
        return (
            min(max(value, self.minimum), self.maximum) if self.minimum <= self.maximum else value
        )


def order_for_writing(values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Sort values into the order in which a camera accepts them.

    Returns
    -------
    values
        Switches first; without those that the camera is to set by itself.
    """
    writable = [
        (name, value)
        for name, value in values.items()
        if not values.get(AUTO_OF.get(name, ""), 0.0)
    ]
    return tuple(sorted(writable, key=lambda item: item[0] in AUTO_OF))


def merge_values(known: Mapping[str, float], values: Mapping[str, float]) -> ControlValues:
    """Add what was set to what is remembered.

    Parameters
    ----------
    known
    values
        Newer.

    Returns
    -------
    values
        Where a value was set, its automatic is no longer remembered as on.
    """
    off = {AUTO_OF[name]: 0.0 for name in values if AUTO_OF.get(name) in known}
    return {**known, **off, **values}


def build_locked_values(controls: Iterable[Control]) -> ControlValues:
    """List the values that hold a camera where its automatics have brought it.

    Parameters
    ----------
    controls
        As they are now.

    Returns
    -------
    values
        Every switch off, every value as found.
    """
    return {
        control.name: 0.0 if control.name in _AUTO_EFFECTS else control.value
        for control in controls
    }


def build_auto_warnings(camera: str, controls: Sequence[Control]) -> tuple[str, ...]:
    """Warn of everything that a camera changes by itself.

    Parameters
    ----------
    camera
        Its name, for the messages.
    controls
        As they are now.
    """
    return tuple(
        f"Camera '{camera}' {_AUTO_EFFECTS[control.name]}. Lock it in the camera's settings."
        for control in controls
        if control.name in _AUTO_EFFECTS and control.value
    )
