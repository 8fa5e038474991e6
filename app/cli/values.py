"""Values on the command line: parsed, or refused with a message that says what is expected.

Every function ``read_…`` takes the text as it was typed. It raises argparse.ArgumentTypeError with
a message for the user, which argparse passes on.
"""

import argparse
import math
from collections.abc import Callable

from app.settings import STATURE_RANGE_M

DEMO_CAMERA_RANGE = (2, 8)
MAX_DEMO_S, MAX_RECORDING_S = 600, 86_400
MAX_MINUTES = 7 * 24 * 60


def make_number_reader(
    option: str, expected: str, is_valid: Callable[[float], bool]
) -> Callable[[str], float]:
    """Make a function ``read_…`` for numbers.

    Parameters
    ----------
    option
        As typed, for the message.
    expected
        The same as `is_valid`, in words.
    is_valid
        Whether a finite number is allowed.
    """

    def read(text: str) -> float:
        value = _parse_finite(text)
        if math.isnan(value) or not is_valid(value):
            raise argparse.ArgumentTypeError(f"{option} takes {expected}, not '{text}'.")
        return value

    return read


def make_integer_reader(option: str, minimum: int, meaning: str = "") -> Callable[[str], int]:
    """Make a function ``read_…`` for whole numbers with a minimum.

    Parameters
    ----------
    option
        As typed, for the message.
    minimum
    meaning
        Of the minimum, for instance "0 for all".
    """

    def read(text: str) -> int:
        value = _parse_integer(text)
        if value is None or value < minimum:
            remark = f" ({meaning})" if meaning else ""
            raise argparse.ArgumentTypeError(
                f"{option} takes a whole number, {minimum} or more{remark}, not '{text}'."
            )
        return value

    return read


read_demo_seconds = make_number_reader(
    "--seconds", f"1 to {MAX_DEMO_S} seconds, for instance 30", lambda s: 1 <= s <= MAX_DEMO_S
)
read_recording_seconds = make_number_reader(
    "--seconds",
    f"1 to {MAX_RECORDING_S} seconds (a day), for instance 60",
    lambda s: 1 <= s <= MAX_RECORDING_S,
)
read_minutes = make_number_reader(
    "--minutes",
    "more than 0 minutes and at most a week, for instance 10",
    lambda minutes: 0 < minutes <= MAX_MINUTES,
)
read_share = make_number_reader(
    "--studio-share", "a share above 0 and below 1, for instance 0.3", lambda share: 0 < share < 1
)
read_seed = make_integer_reader("--seed", 0)
read_stride = make_integer_reader("--every", 1)
read_max_samples = make_integer_reader("--most", 1)
read_samples = make_integer_reader("--samples", 1)
read_threads = make_integer_reader("--threads", 0, "0 for all")


def read_stature(text: str) -> float:
    """Read a stature in metres."""
    value, (low, high) = _parse_finite(text), STATURE_RANGE_M
    if math.isnan(value):
        raise argparse.ArgumentTypeError(
            f"--stature takes a height in metres, for instance 1.78, not '{text}'."
        )
    if low <= value <= high:
        return value
    hint = f" Did you mean {value / 100:.2f}?" if low <= value / 100 <= high else ""
    raise argparse.ArgumentTypeError(
        f"--stature takes metres between {low} and {high}, for instance 1.78, not {value:g}.{hint}"
    )


def read_camera_count(text: str) -> int:
    """Read the number of simulated cameras."""
    value, (minimum, maximum) = _parse_integer(text), DEMO_CAMERA_RANGE
    if value is None or not minimum <= value <= maximum:
        reason = " A single camera cannot measure depth." if value == 1 else ""
        raise argparse.ArgumentTypeError(
            f"--cameras takes {minimum} to {maximum} cameras, not '{text}'.{reason}"
        )
    return value


def read_names(text: str) -> tuple[str, ...]:
    """Read names separated by commas."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if names:
        return names
    raise argparse.ArgumentTypeError(
        "--people takes names separated by commas, for instance S1,S5."
    )


def read_person(text: str) -> str:
    """Read a person's name without extra spaces; empty for no name."""
    return " ".join(text.split())


def _parse_finite(text: str) -> float:
    """Read a finite number, with a comma or a point; NaN where it is none."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _parse_integer(text: str) -> int | None:
    """Read a whole number; None where it is none."""
    try:
        return int(text)
    except ValueError:
        return None
