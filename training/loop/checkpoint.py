"""Checkpoints: a network with all that is needed to use it, to train it further, and to know it."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.disk import write_atomic
from training.errors import TrainingError, WeightsError
from training.networks.build import (
    AnyConfig,
    build_network,
    network_config_from_table,
    network_to_table,
)
from training.networks.pose_network import PoseNetwork

SCHEMA = 1


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state of a network in training, or after it.

    Parameters
    ----------
    network
        What it is made of.
    skeleton
        Whose joints it finds.
    weights
        As they are.
    ema
        As they were on average lately; None without averaging.
    optimizer, position, random
        What a stopped training needs to go on as if it had not been; None and empty in a network
        that is finished.
    step
        Steps of training.
    config
        How it was trained, as plain values.
    history
        `training.loop.history.Row.table` of every row.
    """

    network: AnyConfig
    skeleton: str
    weights: dict[str, Tensor]
    ema: dict[str, Tensor] | None = None
    optimizer: dict[str, Any] | None = None
    step: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    random: dict[str, Any] = field(default_factory=dict)
    position: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint: whole, or the one that was there stays.

    Raises
    ------
    OSError
        If the disk refuses.

    Notes
    -----
    Laid out in memory first: what the disk says then arrives as it is, not from within torch's
    archive writer.
    """
    fields = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    laid_out = io.BytesIO()
    torch.save(
        {"schema": SCHEMA, **fields, "network": network_to_table(checkpoint.network)}, laid_out
    )
    write_atomic(path, laid_out.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in the file is run.

    Returns
    -------
    checkpoint
        On the processor, wherever it was trained.

    Raises
    ------
    TrainingError
        If there is none, it is damaged, or a newer program wrote it.
    """
    try:
        table = torch.load(path, map_location="cpu", weights_only=True)
        schema = table.pop("schema")
        if schema <= SCHEMA:
            return Checkpoint(**{**table, "network": network_config_from_table(table["network"])})
    except FileNotFoundError as error:
        raise TrainingError(f"There is no checkpoint '{path}'. Check the path.") from error
    except TrainingError:
        raise
    # torch raises what its readers raise: RuntimeError, UnpicklingError, EOFError, KeyError…
    except Exception as error:
        raise TrainingError(
            f"'{path}' is no checkpoint, or a damaged one. Give another .pt file of 'epipole "
            "train'; a model's .onnx cannot be trained further."
        ) from error
    raise TrainingError(f"The checkpoint '{path}' was written by a newer Epipole. Update Epipole.")


def network_from_checkpoint(checkpoint: Checkpoint) -> PoseNetwork:
    """Build the network of a checkpoint, ready for use.

    Returns
    -------
    network
        With the averaged weights where there are some; in evaluation.

    Raises
    ------
    WeightsError
        If the weights are not those of the network that the checkpoint describes.
    """
    network = build_network(checkpoint.network)
    try:
        network.load_state_dict(checkpoint.weights if checkpoint.ema is None else checkpoint.ema)
    except RuntimeError as error:
        raise WeightsError(
            "The checkpoint's weights are not those of its own network. Use another one."
        ) from error
    return network.eval()
