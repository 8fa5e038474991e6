"""Export: a trained network as an ONNX file with its card, for a program without torch."""

import hashlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.disk import write_atomic
from engine.inference.picture_model import INPUT, SPREAD, UVW
from engine.models.card import (
    MONOCULAR_TASK,
    PICTURE_CODEC,
    ModelCard,
    ModelFile,
    PathSource,
    TrainingRecord,
    write_card,
)
from engine.models.files import CARD_FILE, CHECKPOINT_FILE, MODEL_FILE
from training.data.crops import network_input
from training.errors import TrainingError
from training.loop.checkpoint import Checkpoint, network_from_checkpoint, save_checkpoint
from training.networks.fuse import fuse_batch_norms
from training.networks.pose_network import PoseNetwork

MAX_BATCH = 64
"""In one call."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says of a network beside what the network itself shows.

    Parameters
    ----------
    licence
        SPDX name, of the weights.
    note
        One line for the list of models: what it was trained on, in plain words.
    trained
        Where it comes from.
    """

    licence: str
    note: str
    trained: TrainingRecord


def export_model(checkpoint: Checkpoint, folder: Path, name: str, facts: CardFacts) -> Path:
    """Write a model for the library: ``network.onnx``, ``checkpoint.pt`` and, last, ``card.toml``.

    Parameters
    ----------
    checkpoint
        Its averaged weights are exported, where there are some; what only further training of the
        same run needs is left out of the copy.
    folder
        Is made where it is missing. Without a card, it holds no model.
    name
        What people type.
    facts

    Returns
    -------
    card
        Its path.

    Raises
    ------
    TrainingError
        If onnxscript is missing, or torch cannot express the network in ONNX.
    OSError
        If the disk refuses.
    """
    return _export_files(
        checkpoint, (folder / CARD_FILE, folder / MODEL_FILE, folder / CHECKPOINT_FILE), name, facts
    )


def export_embedded_model(
    checkpoint: Checkpoint, folder: Path, name: str, facts: CardFacts
) -> Path:
    """Write a model as the program ships it: ``<name>.onnx``, ``<name>.pt``, ``<name>.toml``.

    Parameters, result and errors are those of `export_model`.
    """
    paths = (folder / f"{name}.toml", folder / f"{name}.onnx", folder / f"{name}.pt")
    return _export_files(checkpoint, paths, name, facts)


def write_onnx(network: PoseNetwork, path: Path) -> None:
    """Write a network as one ONNX file, whole or not at all.

    Parameters
    ----------
    network
        Its batch norms are folded in; it is not changed itself.
    path
        An existing file is replaced.

    Raises
    ------
    TrainingError
        If onnxscript is missing, or torch cannot express the network in ONNX.
    OSError
        If the disk refuses.

    Notes
    -----
    The initialisers are named as in the fused state dict, so that a runtime can take the weights of
    the same network trained further. That needs ``optimize=False``: the optimiser folds by value,
    and what it folds changes with the weights. Input ``image``, (N, 3, S, S); outputs ``uvw`` and
    ``spread``, (N, J, 3).
    """
    flat = fuse_batch_norms(network).cpu()
    # As an attribute: a module around it would put its name before every weight's.
    flat.forward = flat.forward_with_spread  # pyright: ignore[reportAttributeAccessIssue]
    image = torch.zeros(2, 3, *network_input(flat.size_px).size_wh)
    write_graph(flat, image, path, (INPUT, UVW, SPREAD))


def write_graph(
    module: torch.nn.Module, batch: torch.Tensor, path: Path, names: tuple[str, ...]
) -> None:
    """Write a network of one input as one ONNX file, whole or not at all.

    Parameters
    ----------
    module
        Ready for use, on the CPU; what it is called in messages is its class.
    batch : (2, ...)
        An example of its input; the first axis is free.
    path
        An existing file is replaced.
    names
        Of the input, then of the outputs.

    Raises
    ------
    TrainingError
        If onnxscript is missing, or torch cannot express the network in ONNX.
    OSError
        If the disk refuses.
    """
    if importlib.util.find_spec("onnxscript") is None or importlib.util.find_spec("onnx") is None:
        raise TrainingError(
            "Exporting a model needs onnx and onnxscript. Install them: pip install "
            "'epipole[train]'"
        )
    try:
        with _silence_exporter():
            program = torch.onnx.export(
                module,
                (batch,),
                dynamo=True,
                optimize=False,
                external_data=False,
                verbose=False,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=MAX_BATCH)},),
                input_names=list(names[:1]),
                output_names=list(names[1:]),
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise TrainingError(
            f"This {type(module).__name__} cannot be written as ONNX: {_first_line(error)}"
        ) from error
    model = program.model_proto  # pyright: ignore[reportOptionalMemberAccess]  # None only for the old exporter
    write_atomic(path, _strip_metadata(model).SerializeToString(deterministic=True))


def _export_files(
    checkpoint: Checkpoint, paths: tuple[Path, Path, Path], name: str, facts: CardFacts
) -> Path:
    """Write network, checkpoint and card in this order."""
    card_path, onnx_path, checkpoint_path = paths
    card_path.unlink(missing_ok=True)  # no moment at which an old card speaks of a new file
    network = network_from_checkpoint(checkpoint)
    write_onnx(network, onnx_path)
    save_checkpoint(checkpoint_path, _strip_training_state(checkpoint))
    write_card(_build_card(checkpoint, onnx_path, name, facts), card_path)
    return card_path


def describe_file(path: Path) -> ModelFile:
    """Describe a file that was written, for its card: name, SHA-256 and size."""
    data = path.read_bytes()
    return ModelFile(path.name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def _build_card(checkpoint: Checkpoint, onnx_path: Path, name: str, facts: CardFacts) -> ModelCard:
    """Describe a network that was written."""
    return ModelCard(
        name=name,
        task=MONOCULAR_TASK,
        licence=facts.licence,
        source=PathSource(onnx_path.parent.resolve()),
        files=(describe_file(onnx_path),),
        codec=PICTURE_CODEC,
        skeleton=checkpoint.skeleton,
        input=network_input(checkpoint.network.size_px),
        note=facts.note,
        trained=facts.trained,
    )


def _strip_training_state(checkpoint: Checkpoint) -> Checkpoint:
    """Return of a checkpoint what another training can start from."""
    weights = checkpoint.weights if checkpoint.ema is None else checkpoint.ema
    return replace(checkpoint, weights=weights, ema=None, optimizer=None, random={}, position={})


@contextmanager
def _silence_exporter() -> Iterator[None]:
    """Silence the exporter about its own deprecations, and about packages not needed here."""
    talker = logging.getLogger("torch.onnx")
    level = talker.level
    talker.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        talker.setLevel(level)


def _strip_metadata(model: Any) -> Any:
    """Remove the exporter's notes: stack traces with paths of this machine, half of the graph."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def _first_line(error: Exception) -> str:
    """Return the first line of a long error."""
    return str(error).strip().partition("\n")[0]
