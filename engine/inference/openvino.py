"""OpenVINO on the CPU: reads .tflite, .onnx and its own .xml. The default.

Importing openvino also imports its converter, and with it a client for usage statistics. Nothing is
converted here, and this program sends no data to anyone: the client is hidden from the import, for
which the converter has a stub.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# None makes its import fail
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
import openvino  # noqa: E402

from engine.errors import BackendUnavailableError  # noqa: E402
from engine.inference.backends import (  # noqa: E402
    BackendOptions,
    build_zero_batch,
    check_batch,
    free_batch_axis,
)

PRECISIONS = {"f32": openvino.Type.f32, "bf16": openvino.Type.bf16}


class OpenVinoBackend:
    """A model in OpenVINO.

    A model whose batch is fixed at 1, as in all .tflite files, still takes a batch of any size: it
    runs once per entry, `parallel` of them at a time. On a CPU that costs nothing: a batch of 4
    takes 3.7 times as long as one.

    Parameters
    ----------
    path
        The model's file.
    options
        How to run it.

    Raises
    ------
    BackendUnavailableError
        If the file cannot be read, or this CPU does not support the precision.
    """

    def __init__(self, path: Path, options: BackendOptions) -> None:
        core = openvino.Core()
        if options.precision.upper() not in (
            *core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
            "F32",
        ):
            raise BackendUnavailableError(
                f"This CPU does not support {options.precision}. Use f32."
            )
        try:
            model = _keep_outputs(core.read_model(path), options.outputs)
            self._compiled = core.compile_model(model, "CPU", _build_properties(options))
        except RuntimeError as error:
            raise BackendUnavailableError(
                f"OpenVINO cannot read {path}: {str(error).splitlines()[-1]}"
            ) from error
        self._requests = openvino.AsyncInferQueue(self._compiled, options.parallel)
        self._inputs = {
            port.any_name: _to_shape(port.partial_shape) for port in self._compiled.inputs
        }
        self._outputs = tuple(port.any_name for port in self._compiled.outputs)
        self._one_by_one = all(shape[0] == 1 for shape in self._inputs.values())
        self.name = f"OpenVINO {openvino.__version__.split('-')[0]}, CPU, {options.precision}"

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
        count = len(next(iter(batch.values())))
        if not self._one_by_one:
            return self._run([dict(batch)])[0]
        parts = self._run(
            [{name: values[[i]] for name, values in batch.items()} for i in range(count)]
        )
        return {name: np.concatenate([part[name] for part in parts]) for name in self._outputs}

    def _run(self, jobs: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Run several calls, as many at a time as there are inference requests."""
        results: list[dict[str, np.ndarray]] = [{} for _ in jobs]

        def keep(request: openvino.InferRequest, job: int) -> None:
            results[job] = {name: request.get_tensor(name).data.copy() for name in self._outputs}

        self._requests.set_callback(keep)
        for job, inputs in enumerate(jobs):
            self._requests.start_async(inputs, job)
        self._requests.wait_all()
        return results

    def warm_up(self, batch_size: int) -> None:
        """Run once on zeros, so that the first real call is not the slow one."""
        self.infer(build_zero_batch(self.inputs, batch_size))

    def close(self) -> None:
        """Wait for running calls; may be called twice."""
        self._requests.wait_all()


def _build_properties(options: BackendOptions) -> dict[str, object]:
    """Convert the options to OpenVINO's properties."""
    hint = "THROUGHPUT" if options.parallel > 1 else "LATENCY"
    properties: dict[str, object] = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[options.precision],
        "PERFORMANCE_HINT": hint,
        "NUM_STREAMS": str(options.parallel),
    }
    if options.threads:
        properties["INFERENCE_NUM_THREADS"] = options.threads
    return properties


def _keep_outputs(model: openvino.Model, outputs: tuple[str, ...]) -> openvino.Model:
    """Keep the required outputs; OpenVINO then drops layers that only the others need."""
    if not outputs:
        return model
    ends = [model.output(name).get_node().input_value(0) for name in outputs]
    # its stub names the class twice
    return openvino.Model(ends, model.get_parameters())  # pyright: ignore[reportGeneralTypeIssues]


def _to_shape(shape: openvino.PartialShape) -> tuple[int | None, ...]:
    """Convert a shape to numbers, None for a free axis."""
    return tuple(axis.get_length() if axis.is_static else None for axis in shape)
