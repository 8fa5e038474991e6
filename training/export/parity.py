"""The parity gate: an exported model is used only where every runtime agrees with torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from calibration.geometry.arrays import F32, U8
from engine.inference.picture_model import PictureModel
from engine.inference.preprocess import BLACK, cut, to_batch, whole_image
from engine.models.card import ModelCard, read_card
from training.errors import TrainingError
from training.loop.checkpoint import Checkpoint, network_from_checkpoint
from training.networks.pose_network import PoseNetwork

MAX_RELATIVE = 1e-3
"""Largest deviation of a joint's place, or spread, over torch's largest: below 1 mm in 2 m."""

MIN_OUTPUT_SCALE = 0.1
"""Of a crop. An output whose largest number is below it is compared with this instead.

The places of an untrained network are all next to 0, and there torch in f32 is as far from itself
in f64 as from any runtime (measured).
"""

MIN_CROPS = 100
BATCH = 32
RUNTIMES = ("openvino", "onnx")


@dataclass(frozen=True, slots=True)
class Parity:
    """How well an exported network agrees with the trained one.

    Parameters
    ----------
    crops
        How many were compared.
    deviation : by runtime
        Largest relative deviation; NaN where either gave NaN.
    """

    crops: int
    deviation: Mapping[str, float]

    @property
    def accepted(self) -> bool:
        """Whether the file may be used."""
        return self.crops >= MIN_CROPS and all(
            value <= MAX_RELATIVE for value in self.deviation.values()
        )


def check_parity(checkpoint: Checkpoint, card_path: Path, crops_bgr: U8) -> Parity:
    """Compare an exported network with torch in both runtimes.

    Parameters
    ----------
    checkpoint
        That was exported.
    card_path
        As `training.export.export.export_model` gave it; the file must be the one it means.
    crops_bgr : (N, P, P, 3), uint8
        100 or more real ones with people in them, of any size: they are scaled to the network's.

    Raises
    ------
    EngineError
        If the card or the file cannot be used at all.
    """
    card = read_card(card_path)
    batches = [
        crops_to_batch(crops_bgr[start : start + BATCH], card)
        for start in range(0, len(crops_bgr), BATCH)
    ]
    expected = _run_torch(network_from_checkpoint(checkpoint), batches)
    return Parity(
        len(crops_bgr),
        {runtime: _measure_deviation(card, runtime, batches, expected) for runtime in RUNTIMES},
    )


def demand_parity(parity: Parity) -> None:
    """Refuse a model that does not agree with the network in torch.

    Raises
    ------
    TrainingError
        With the runtime and the number.
    """
    if parity.crops < MIN_CROPS:
        raise TrainingError(
            f"{parity.crops} crops prove nothing about an exported model; {MIN_CROPS} are needed. "
            "Record more, then export it again."
        )
    for runtime, deviation in parity.deviation.items():
        if not deviation <= MAX_RELATIVE:
            raise TrainingError(
                f"The exported model differs from the trained one by {deviation:.1e} in "
                f"'{runtime}', and at most {MAX_RELATIVE:.0e} is allowed, so it was not taken. The "
                "checkpoint is kept; export it again, and report it if it stays."
            )


def compute_relative_deviation(found: F32, expected: F32) -> float:
    """Return the larger relative deviation of places and spreads.

    Parameters
    ----------
    found, expected : (2, N, J, 3), crops
        Places, then spreads.

    Returns
    -------
    deviation
        Largest difference by the largest number wanted, but at least by `MIN_OUTPUT_SCALE`; NaN
        where either has one.
    """
    apart = np.abs(found - expected).max((1, 2, 3))
    largest = np.abs(expected).max((1, 2, 3))
    return float((apart / np.maximum(largest, MIN_OUTPUT_SCALE)).max())


def crops_to_batch(crops_bgr: U8, card: ModelCard) -> F32:
    """Convert crops, (N, P, P, 3), to the input of a network, (N, 3, S, S)."""
    region = whole_image((crops_bgr.shape[2], crops_bgr.shape[1]))
    return to_batch(
        [cut(crop, region, card.input.size_wh, BLACK) for crop in crops_bgr], card.input
    )


def _run_torch(network: PoseNetwork, batches: list[F32]) -> list[np.ndarray]:
    """Return what torch finds: places and spreads of each batch, (2, B, J, 3)."""
    with torch.inference_mode():
        return [
            torch.stack(network.forward_with_spread(torch.from_numpy(batch))).numpy()
            for batch in batches
        ]


def _measure_deviation(
    card: ModelCard, runtime: str, batches: list[F32], expected: list[np.ndarray]
) -> float:
    """Return the relative deviation of one runtime."""
    network = PictureModel(card, runtime)
    try:
        found = [np.stack(network.infer(batch)) for batch in batches]
    finally:
        network.close()
    return (
        compute_relative_deviation(np.concatenate(found, 1), np.concatenate(expected, 1))
        if batches
        else float("nan")
    )
