"""ONNX Runtime on the CPU: the light fallback, and the numerical oracle for every other runtime."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from engine.errors import BackendUnavailableError
from engine.inference.backends import (
    BackendOptions,
    build_zero_batch,
    check_batch,
    free_batch_axis,
)


class OnnxBackend:
    """A model in ONNX Runtime.

    Parameters
    ----------
    path
        An .onnx file.
    options
        How to run it; crops of a batch run together, `parallel` changes nothing.

    Raises
    ------
    BackendUnavailableError
        If the file cannot be read, or a precision other than f32 is requested.
    """

    def __init__(self, path: Path, options: BackendOptions) -> None:
        if options.precision != "f32":
            raise BackendUnavailableError(
                f"ONNX Runtime computes here in f32 only, not in {options.precision}. Use f32."
            )
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        # errors only: its warnings about its own graph rewriting do not concern users
        settings.log_severity_level = 3
        try:
            self._session: onnxruntime.InferenceSession | None = onnxruntime.InferenceSession(
                path, settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's own exceptions share no other ancestor
            raise BackendUnavailableError(
                f"ONNX Runtime cannot read {path}: {str(error).splitlines()[-1]} "
                "It reads .onnx files; OpenVINO reads .tflite too."
            ) from error
        self._inputs = {port.name: _to_shape(port.shape) for port in self._session.get_inputs()}
        known = tuple(port.name for port in self._session.get_outputs())
        self._outputs = options.outputs or known
        self._one_by_one = all(shape[0] == 1 for shape in self._inputs.values())
        self.name = f"ONNX Runtime {onnxruntime.__version__}, CPU, f32"

    @property
    def inputs(self) -> Mapping[str, tuple[int | None, ...]]:
        """Shape of each input by name; None for a free axis."""
        return free_batch_axis(self._inputs) if self._one_by_one else self._inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs in the model's order."""
        return self._outputs

    def infer(self, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run the model on a batch; see `engine.inference.backend.Backend.infer`."""
        check_batch(self.inputs, batch)
        if self._session is None:
            raise ValueError("This model was closed. Load it again.")
        count = len(next(iter(batch.values())))
        jobs = (
            [{name: v[[i]] for name, v in batch.items()} for i in range(count)]
            if self._one_by_one
            else [dict(batch)]
        )
        parts = [self._session.run(list(self._outputs), job) for job in jobs]
        return {
            name: np.concatenate([np.asarray(part[i]) for part in parts])
            for i, name in enumerate(self._outputs)
        }

    def warm_up(self, batch_size: int) -> None:
        """Run once on zeros, so that the first real call is not the slow one."""
        self.infer(build_zero_batch(self.inputs, batch_size))

    def close(self) -> None:
        """Release the session; may be called twice."""
        self._session = None


def _to_shape(shape: list[int | str | None]) -> tuple[int | None, ...]:
    """Convert a shape to numbers, None for a free axis."""
    return tuple(axis if isinstance(axis, int) else None for axis in shape)
