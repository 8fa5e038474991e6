"""Compile small kernels and cache their machine code on disk where possible."""

from collections.abc import Callable
from typing import Any

import numba


def jit_kernel(function: Callable[..., Any], *, fastmath: bool = False) -> Callable[..., Any]:
    """Compile a function at its first call, to run without the interpreter's lock.

    Parameters
    ----------
    function
        Of plain arrays and numbers.
    fastmath
        Sums may be taken in another order: for pictures, not for measurements.

    Returns
    -------
    kernel
        Division by zero gives infinity or NaN, as in numpy.

    Notes
    -----
    The code is cached beside the source or in the user's cache folder. Where neither can be written
    (a read-only installation without a home), numba refuses to decorate at all; then it is compiled
    again in every process.
    """
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=fastmath)(function)
    except RuntimeError:  # "cannot cache function: no locator available for file"
        return numba.njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
