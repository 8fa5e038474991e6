"""Backend: a runtime that runs a model on tensors; it knows nothing of people."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Backend(Protocol):
    """One loaded model on one device.

    Attributes
    ----------
    name
        Runtime and precision, for the status bar.
    """

    name: str

    @property
    def inputs(self) -> Mapping[str, tuple[int | None, ...]]:
        """Shape of each input by name; None for a free axis."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs in the model's order."""
        ...

    def infer(self, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the model once.

        Parameters
        ----------
        batch
            One array per input, contiguous float32 unless the model requires another type.

        Returns
        -------
        outputs
            By name, new arrays that the caller owns.

        Raises
        ------
        ValueError
            If a name or a shape does not fit.
        """
        ...

    def warm_up(self, batch_size: int) -> None:
        """Run once on zeros, so that the first real call is not the slow one."""
        ...

    def close(self) -> None:
        """Release the device; may be called twice."""
        ...
