"""Export a lifter: an ONNX file with its card, from which it can also be trained further."""

from pathlib import Path

import torch

from engine.models.card import (
    LIFTER_CODEC,
    MONOCULAR_TASK,
    ModelCard,
    ModelInput,
    PathSource,
    write_card,
)
from engine.monocular.joint_window import OFFSETS_S
from engine.monocular.lifter import INPUT, JOINTS, LOG_SIGMA, UP
from engine.reconstruction.body_size import LIMBS
from training.errors import WeightsError
from training.export.export import CardFacts, describe_file, write_graph
from training.lifting.network import LifterEnsemble, LifterNetwork, LifterShape

SKELETON = "blazepose_33"
"""Whose joints it was trained on; the twelve limb joints of any other serve as well."""
WINDOW = ModelInput((len(OFFSETS_S), len(LIMBS)), "joints", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def export_lifter(
    network: LifterEnsemble, onnx_path: Path, card_path: Path, name: str, facts: CardFacts
) -> ModelCard:
    """Write a lifter's file, then its card.

    Parameters
    ----------
    network
        Ready for use.
    onnx_path, card_path
        In one folder, or the file below the card; existing ones are replaced.
    name
        What people type.
    facts

    Raises
    ------
    TrainingError
        If onnxscript is missing, or torch cannot express the network in ONNX.
    OSError
        If the disk refuses.
    """
    card_path.unlink(missing_ok=True)  # no moment at which an old card speaks of a new file
    still = network.cpu().eval()
    example = torch.zeros(2, still.inputs)
    write_graph(still, example, onnx_path, (INPUT, JOINTS, LOG_SIGMA, UP))
    card = ModelCard(
        name=name,
        task=MONOCULAR_TASK,
        licence=facts.licence,
        source=PathSource(onnx_path.parent.resolve()),
        files=(describe_file(onnx_path),),
        codec=LIFTER_CODEC,
        skeleton=SKELETON,
        input=WINDOW,
        note=facts.note,
        trained=facts.trained,
    )
    write_card(card, card_path)
    return card


def read_lifter(onnx_path: Path) -> LifterEnsemble:
    """Read a lifter back from its file, to train it further.

    Raises
    ------
    WeightsError
        If the file is no lifter that this program wrote.
    """
    # Imported here: onnx comes with the extra for training, and only this function reads a file.
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    try:
        stored = {
            one.name: torch.from_numpy(numpy_helper.to_array(one).copy())
            for one in onnx.load(onnx_path).graph.initializer
        }
        first = stored["members.0.first.weight"]
        count = len({name.split(".")[1] for name in stored if name.startswith("members.")})
        blocks = len({name.split(".")[3] for name in stored if ".blocks." in name})
        shape = LifterShape(first.shape[1], first.shape[0], blocks)
        mask = stored.get("mask", torch.ones(count, 1))
        members = [LifterNetwork(shape) for _ in range(count)]
        network = LifterEnsemble(members, [bool(row[-1]) for row in mask])
        state = network.state_dict()
        state.update({name: value for name, value in stored.items() if name in state})
        network.load_state_dict(state)
    except (OSError, KeyError, ValueError, RuntimeError, DecodeError) as error:
        raise WeightsError(f"'{onnx_path}' is no lifter that can be trained further.") from error
    return network.eval()
