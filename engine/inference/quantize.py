"""Quantize: 8-bit convolutions for an ONNX model. Needs onnx, as training does."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from engine.disk import partial_path


class _BatchReader(CalibrationDataReader):
    """Passes batches to the calibration, one after the other."""

    def __init__(self, name: str, batches: Iterable[np.ndarray]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> Mapping[str, np.ndarray] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the next batch by the name of the input; None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


def quantize_convolutions(
    path: Path, target: Path, input_name: str, batches: Iterable[np.ndarray]
) -> None:
    """Write a copy of a model with 8-bit convolutions; everything else is unchanged.

    Parameters
    ----------
    path
        An .onnx file in f32.
    target
        Created once it is complete.
    input_name
        Name of the model's only input.
    batches : of (B, 3, H, W), float32
        Real data, normalised: the range of every layer is measured on it.

    Raises
    ------
    OSError
        If the disk refuses.

    Notes
    -----
    Weights have a scale per channel, activations one per layer; the soft-argmax stays in f32.
    """
    partial = partial_path(target)
    try:
        with _quiet_log():
            quantize_static(
                path,
                partial,
                _BatchReader(input_name, batches),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "ConvTranspose"],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep the quantizer's messages from configuring the root logger of the program."""
    root, nowhere = logging.getLogger(), logging.NullHandler()
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)
