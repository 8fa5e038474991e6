"""ErrorNetwork: the expected error of a joint, learned from `features` against exact truth.

A few thousand weights, evaluated with numpy: labelling needs no torch.
"""

import hashlib
import itertools
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from calibration.geometry.arrays import F64
from calibration.skeleton import Skeleton, strip_side
from training.labels.features import Features

MAX_DEVIATION = 3.0  # standard deviations: features are clipped here
BLOCK_FRAMESETS = 512


@dataclass(frozen=True, slots=True, eq=False)
class ErrorNetwork:
    """Logarithm of the expected error in metres, from features and the kind of joint.

    Parameters
    ----------
    features : S names
    kinds : K names
        Of joints, without their side.
    mean, scale : (S,)
        Of each feature over the training data.
    layers
        Weights (N in, N out) and biases; S features and K kinds in, one number out.
    """

    features: tuple[str, ...]
    kinds: tuple[str, ...]
    mean: F64
    scale: F64
    layers: tuple[tuple[F64, F64], ...]

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that identify the network."""
        digest = hashlib.sha256(json.dumps([self.features, self.kinds]).encode())
        for array in (self.mean, self.scale, *itertools.chain.from_iterable(self.layers)):
            digest.update(np.ascontiguousarray(array, np.float32).tobytes())
        return digest.hexdigest()[:12]

    def predict_log_sigma(self, features: Features, skeleton: Skeleton) -> F64:
        """Predict the error of every joint.

        Parameters
        ----------
        features
            Those of the network at least; NaN counts as the usual.
        skeleton
            Its joints are of the network's kinds.

        Returns
        -------
        log_sigma : (T, J), logarithm of metres

        Raises
        ------
        ValueError
            If a joint is of no kind that the network knows.
        """
        joints = [self.kinds.index(strip_side(joint)) for joint in skeleton.joints]
        kinds = np.eye(len(self.kinds))[joints]
        framesets = max(
            np.shape(features[name])[0] for name in self.features if np.ndim(features[name]) == 2
        )
        blocks = (
            slice(start, start + BLOCK_FRAMESETS) for start in range(0, framesets, BLOCK_FRAMESETS)
        )
        return np.concatenate(
            [self._predict_block(features, kinds, rows, framesets) for rows in blocks]
        )

    def _predict_block(self, features: Features, kinds: F64, rows: slice, framesets: int) -> F64:
        """Predict the errors of some framesets."""
        shape = (len(range(framesets)[rows]), len(kinds))
        table = np.stack(
            [np.broadcast_to(_select_rows(features[name], rows), shape) for name in self.features],
            -1,
        )
        usual = np.clip((table - self.mean) / self.scale, -MAX_DEVIATION, MAX_DEVIATION)
        values = np.concatenate(
            [np.nan_to_num(usual), np.broadcast_to(kinds, (*shape, len(kinds[0])))], -1
        )
        for weight, bias in self.layers[:-1]:
            values = values @ weight + bias
            values = values / (1 + np.exp(-values))  # SiLU
        weight, bias = self.layers[-1]
        return (values @ weight + bias)[..., 0]


def save_error_network(network: ErrorNetwork, path: Path) -> None:
    """Write a network as ``.npz``.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    arrays = {"mean": network.mean, "scale": network.scale}
    for i, (weight, bias) in enumerate(network.layers):
        arrays |= {f"w_{i}": weight, f"b_{i}": bias}
    small: dict[str, Any] = {name: array.astype(np.float32) for name, array in arrays.items()}
    np.savez_compressed(
        path, signs=np.array(network.features), kinds=np.array(network.kinds), **small
    )


@cache
def load_error_network(skeleton: str) -> ErrorNetwork | None:
    """Read the network that comes with the program.

    Parameters
    ----------
    skeleton
        The name of the skeleton whose joints it was trained on.

    Returns
    -------
    network
        None for skeletons for which none was trained.
    """
    file = resources.files("assets") / "sigma" / f"{skeleton}.npz"
    if not file.is_file():
        return None
    with file.open("rb") as opened, np.load(opened) as kept:
        count = sum(name.startswith("w_") for name in kept.files)
        layers = tuple(
            (kept[f"w_{i}"].astype(float), kept[f"b_{i}"].astype(float)) for i in range(count)
        )
        return ErrorNetwork(
            tuple(map(str, kept["signs"])), tuple(map(str, kept["kinds"])),
            kept["mean"].astype(float), kept["scale"].astype(float), layers,
        )  # fmt: skip


def _select_rows(values: np.ndarray, rows: slice) -> np.ndarray:
    """Select framesets of a feature; one that is the same for all stays."""
    return values[rows] if np.ndim(values) == 2 and len(values) > 1 else values
