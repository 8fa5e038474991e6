"""The table of runtimes. A new one takes a file, a line here, and the shared backend test."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import BackendUnavailableError
from engine.inference.backend import Backend
from engine.loading import load_attribute

# Shape of each input of a model by name; None for a free axis.
InputShapes = Mapping[str, tuple[int | None, ...]]

BACKENDS = {
    "openvino": "engine.inference.openvino:OpenVinoBackend",
    "onnx": "engine.inference.onnx:OnnxBackend",
}


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """How to run a model.

    Parameters
    ----------
    threads
        Of the CPU; 0 for all of them.
    parallel
        How many crops of one batch run at the same time, each with its share of the threads.
    precision
        ``f32`` or ``bf16``; anything but f32 has to pass `engine.inference.parity` first.
    outputs
        Names of the required outputs; the runtime may skip what only the others need. Empty for
        all.
    """

    threads: int = 0
    parallel: int = 1
    precision: str = "f32"
    outputs: tuple[str, ...] = ()


def create_backend(name: str, path: Path, options: BackendOptions | None = None) -> Backend:
    """Load a model into a runtime.

    Parameters
    ----------
    name
        A key of `BACKENDS`.
    path
        The model's file.
    options
        How to run it.

    Raises
    ------
    ValueError
        If there is no such runtime.
    BackendUnavailableError
        If it is not installed, with what to install, or cannot read the file.
    """
    if name not in BACKENDS:
        raise ValueError(f"There is no inference runtime '{name}'. Known: {', '.join(BACKENDS)}.")
    try:
        make_backend = load_attribute(BACKENDS[name])
    except ImportError as error:
        raise BackendUnavailableError(
            f"The inference runtime '{name}' is not installed ({error}). Install it with: pip "
            f"install {error.name}"
        ) from error
    return make_backend(path, options or BackendOptions())


def check_batch(inputs: InputShapes, batch: Mapping[str, np.ndarray]) -> None:
    """Refuse a batch whose names or shapes do not fit the model; every backend calls this.

    Parameters
    ----------
    inputs
        Of the model.
    batch
        One array per input.

    Raises
    ------
    ValueError
        With the name and both shapes.
    """
    if batch.keys() != inputs.keys():
        raise ValueError(
            f"The model has the inputs {', '.join(inputs)}; it was given "
            f"{', '.join(batch) or 'none'}."
        )
    for name, shape in inputs.items():
        shape_given = batch[name].shape
        if len(shape_given) != len(shape) or any(
            want not in (None, have) for want, have in zip(shape, shape_given)
        ):
            shape_expected = "×".join("any" if axis is None else str(axis) for axis in shape)
            raise ValueError(
                f"Input '{name}' must be {shape_expected}; it was given "
                f"{'×'.join(map(str, shape_given))}."
            )
    if len({len(values) for values in batch.values()}) != 1 or not all(map(len, batch.values())):
        raise ValueError("Every input must have the same number of entries, at least one.")


def free_batch_axis(inputs: InputShapes) -> InputShapes:
    """Return the inputs of a model that runs once per entry: its batch of 1 takes any size."""
    return {name: (None, *shape[1:]) for name, shape in inputs.items()}


def build_zero_batch(inputs: InputShapes, batch_size: int) -> dict[str, np.ndarray]:
    """Build a batch of zeros, float32, to warm a model up; another free axis gets size 1."""
    return {
        name: np.zeros((batch_size, *(size or 1 for size in shape[1:])), np.float32)
        for name, shape in inputs.items()
    }
