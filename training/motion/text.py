"""Text: files of motion that people can read, and the numbers in them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F64
from training.errors import DatasetError


def read_text(path: Path) -> str:
    """Read a text file; DatasetError if it is missing, cannot be read or is empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except FileNotFoundError as error:
        raise DatasetError(f"There is no file '{path}'. Check the path.") from error
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror}. Check it.") from error
    if not text.strip():
        raise DatasetError(f"'{path}' is empty, so it holds no motion. Export or fetch it again.")
    return text


def parse_numbers(words: Sequence[str]) -> F64:
    """Read numbers, (N,); ValueError if one is not a finite number."""
    numbers = np.array(words, float)
    if not np.isfinite(numbers).all():
        raise ValueError("some of its numbers are not finite")
    return numbers
