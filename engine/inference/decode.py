"""Codecs: from a model's outputs for one person to joints in its crop (except BlazePose)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64
from engine.errors import ModelMismatchError

DARK_BLUR_CELLS = 11  # blur kernel before the Taylor step, as published for a sigma of 2 cells
EPSILON = 1e-10  # floor of the logarithm and of the determinant, as in DARK's published code


@dataclass(frozen=True, slots=True, eq=False)
class CropJoints:
    """Joints of B people, each in its own crop.

    Parameters
    ----------
    xy : (B, J, 2), px of the crop
    confidence : (B, J), 0 to 1
    """

    xy: F64
    confidence: F64


def decode_simcc(outputs: Sequence[F32], crop_wh: tuple[int, int]) -> CropJoints:
    """Read joints off a pair of one-dimensional maps (SimCC, Li et al. 2022; RTMPose).

    Parameters
    ----------
    outputs : (B, J, W·k) and (B, J, H·k)
        Likelihood of each column and each row, k bins to a pixel.
    crop_wh
        px.

    Returns
    -------
    joints
        At the most likely bin; the confidence is the smaller of the two maxima.

    Raises
    ------
    ModelMismatchError
        If the outputs are not two such maps.
    """
    if len(outputs) != 2 or outputs[0].ndim != 3 or outputs[0].shape[:2] != outputs[1].shape[:2]:
        raise ModelMismatchError(
            _describe_mismatch("simcc", "two maps (B, J, W·k) and (B, J, H·k)", outputs)
        )
    bins = [maps.shape[2] / side for maps, side in zip(outputs, crop_wh)]
    if bins[0] != bins[1]:
        raise ModelMismatchError(
            _describe_mismatch("simcc", f"maps of {crop_wh[0]}·k and {crop_wh[1]}·k bins", outputs)
        )
    xy = np.stack([maps.argmax(axis=2) / bins[0] for maps in outputs], axis=-1)
    confidence = np.minimum(*(maps.max(axis=2) for maps in outputs)).astype(np.float64)
    return CropJoints(xy, np.clip(confidence, 0.0, 1.0))


def decode_heatmap(outputs: Sequence[F32], crop_wh: tuple[int, int]) -> CropJoints:
    """Read joints off heat maps with subcell precision (DARK, Zhang et al. 2020).

    Parameters
    ----------
    outputs : (B, J, h, w)
        One map for each joint; only the first output counts.
    crop_wh
        px.

    Returns
    -------
    joints
        At the top of a parabola through the logarithm of the blurred map; the confidence is the
        map's maximum.

    Raises
    ------
    ModelMismatchError
        If the outputs contain no such map.
    """
    if not outputs or outputs[0].ndim != 4:
        raise ModelMismatchError(_describe_mismatch("heatmap", "a map (B, J, h, w)", outputs))
    maps = outputs[0]
    people, joints, height, width = maps.shape
    flat = maps.reshape(people * joints, height, width)
    row, column = np.divmod(flat.reshape(len(flat), -1).argmax(axis=1), width)
    peak = flat[np.arange(len(flat)), row, column].astype(np.float64)
    cells = np.stack([column, row], axis=1) + _dark_step(flat, row, column)
    xy = cells * (crop_wh[0] / width, crop_wh[1] / height)
    return CropJoints(
        xy.reshape(people, joints, 2), np.clip(peak, 0.0, 1.0).reshape(people, joints)
    )


def _dark_step(maps: F32, row: np.ndarray, column: np.ndarray) -> F64:
    """Return the Newton step from each map's highest cell to the top of its logarithm, cells."""
    logs = np.stack([np.log(np.maximum(_blur(one), EPSILON)) for one in maps])
    height, width = maps.shape[1:]
    inner = (row > 1) & (row < height - 2) & (column > 1) & (column < width - 2)
    row = np.clip(row, 2, height - 3)
    column = np.clip(column, 2, width - 3)

    def at(dx: int, dy: int) -> F64:
        return logs[np.arange(len(maps)), row + dy, column + dx]

    # derivatives over two cells, as published: steadier than over one
    dx, dy = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    dxx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
    dyy = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
    dxy = (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)) / 4
    determinant = dxx * dyy - dxy * dxy
    curved = inner & (np.abs(determinant) > EPSILON)
    safe = np.where(curved, determinant, 1.0)
    step = -np.stack([dyy * dx - dxy * dy, dxx * dy - dxy * dx], axis=1) / safe[:, None]
    return np.where(curved[:, None], np.clip(step, -1.0, 1.0), 0.0)


def _blur(one: F32) -> F64:
    """Smooth a map and restore its maximum."""
    smooth = cv2.GaussianBlur(one.astype(np.float64), (DARK_BLUR_CELLS, DARK_BLUR_CELLS), 0)
    return smooth * (one.max() / max(float(smooth.max()), EPSILON))


def _describe_mismatch(codec: str, expected: str, outputs: Sequence[F32]) -> str:
    """Say that a model's outputs do not fit the codec of its card."""
    shapes = ", ".join("×".join(map(str, output.shape)) for output in outputs)
    return (
        f"The card says codec '{codec}', which reads {expected}; the model gave {shapes}. "
        "Correct the codec or size_wh."
    )


Codec: TypeAlias = Callable[[Sequence[F32], tuple[int, int]], CropJoints]

CODECS: Mapping[str, Codec] = {"simcc": decode_simcc, "heatmap": decode_heatmap}
