"""Values on the command line: read, or refused in a sentence that says what was meant."""

import argparse
import math

STATURE_M = (0.5, 2.5)
CAMERAS = (2, 8)


def read_stature(text: str) -> float:
    """Read a stature in metres.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _number(text, "--stature", "a height in metres, for instance 1.78")
    low, high = STATURE_M
    if low <= value <= high:
        return value
    hint = f" Did you mean {value / 100:.2f}?" if low <= value / 100 <= high else ""
    raise argparse.ArgumentTypeError(
        f"A stature of {value:g} m is nobody's. Give metres between {low} and {high}, for instance 1.78.{hint}"
    )


def read_seconds(text: str) -> float:
    """Read a length in seconds.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _number(text, "--seconds", "a length in seconds, for instance 30")
    if 1 <= value <= 600:
        return value
    raise argparse.ArgumentTypeError(f"--seconds {value:g} cannot be made. Give a length between 1 and 600.")


def read_long(text: str) -> float:
    """Read the length of a take in seconds, up to a day.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _number(text, "--seconds", "a length in seconds, for instance 30")
    if 1 <= value <= 86400:
        return value
    raise argparse.ArgumentTypeError(f"--seconds {value:g} cannot be recorded. Give a length between 1 and 86400.")


def read_cameras(text: str) -> int:
    """Read a number of cameras.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _whole(text, "--cameras", "a whole number")
    if CAMERAS[0] <= value <= CAMERAS[1]:
        return value
    raise argparse.ArgumentTypeError(f"The studio has {CAMERAS[0]} to {CAMERAS[1]} cameras, not {value}.")


def read_seed(text: str) -> int:
    """Read a seed.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _whole(text, "--seed", "a whole number, 0 or more")
    if value >= 0:
        return value
    raise argparse.ArgumentTypeError(f"--seed must be 0 or more, not {value}.")


def read_count(text: str) -> int:
    """Read how many of something.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value
        1 or more.

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _whole(text, "--every or --most", "a whole number, 1 or more")
    if value >= 1:
        return value
    raise argparse.ArgumentTypeError(f"--every and --most must be 1 or more, not {value}.")


def read_samples(text: str) -> int:
    """Read how many samples to learn from.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _whole(text, "--samples", "a whole number, for instance 1000000")
    if value >= 1:
        return value
    raise argparse.ArgumentTypeError(f"--samples must be 1 or more, not {value}.")


def read_minutes(text: str) -> float:
    """Read a time for training in minutes, up to a week.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _number(text, "--minutes", "a time in minutes, for instance 10")
    if 0 < value <= 7 * 1440:
        return value
    raise argparse.ArgumentTypeError(f"--minutes {value:g} cannot be trained. Give more than 0 and at most a week.")


def read_threads(text: str) -> int:
    """Read a number of threads.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _whole(text, "--threads", "a whole number, 0 for all")
    if value >= 0:
        return value
    raise argparse.ArgumentTypeError(f"--threads must be 0 (all of them) or more, not {value}.")


def read_share(text: str) -> float:
    """Read a share.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    value
        Above 0 and below 1.

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    value = _number(text, "--studio-share", "a share, for instance 0.3")
    if 0 < value < 1:
        return value
    raise argparse.ArgumentTypeError(f"--studio-share {value:g} is no share. Give one above 0 and below 1.")


def read_names(text: str) -> tuple[str, ...]:
    """Read names with commas between them.

    Parameters
    ----------
    text
        As typed.

    Returns
    -------
    names

    Raises
    ------
    argparse.ArgumentTypeError
        A sentence for who typed it.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if names:
        return names
    raise argparse.ArgumentTypeError("--people takes names with commas between them, for instance S1,S5.")


def read_person(text: str) -> str:
    """Read a person's name; spaces around it are no part of it, and an empty one is nobody in particular."""
    return " ".join(text.split())


def _number(text: str, option: str, wanted: str) -> float:
    """Read a finite number, or say what was wanted."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{option} takes {wanted}, not '{text}'.")
    return value


def _whole(text: str, option: str, wanted: str) -> int:
    """Read a whole number, or say what was wanted."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{option} takes {wanted}, not '{text}'.") from None
