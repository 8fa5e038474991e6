"""MATLAB files of the published sets: versions 5 and 7 are read; 7.3 is refused by name."""

from pathlib import Path
from typing import Any

from scipy.io import loadmat

from training.errors import DatasetError


def read_matlab(path: Path, name: str) -> dict[str, Any]:
    """Read a MATLAB file; nothing in it is executed.

    Parameters
    ----------
    path
    name
        A variable that must be in it.

    Returns
    -------
    variables : by name
        Structures as objects with their fields as attributes, and no axes of length 1.

    Raises
    ------
    DatasetError
        If it is missing, damaged, of version 7.3, or without that variable.
    """
    if not path.is_file():
        raise DatasetError(f"There is no file '{path}'. Unpack the set's annotations there.")
    try:
        variables = loadmat(path, struct_as_record=False, squeeze_me=True)
    except NotImplementedError as error:
        raise DatasetError(
            f"'{path}' is a MATLAB file of version 7.3, which cannot be read here. Load it in "
            "MATLAB and write it again with save('-v7'), under the same name."
        ) from error
    except Exception as error:  # a damaged file fails in as many ways as it has bytes
        raise DatasetError(
            f"'{path}' is no readable MATLAB file ({type(error).__name__}). Fetch it again."
        ) from error
    if name not in variables:
        raise DatasetError(
            f"'{path}' has no '{name}': it is another file than the published one. Fetch it again."
        )
    return variables
