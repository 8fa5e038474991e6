"""Networks for 3D from one view to read off: every joint is at the mean colour of its crop."""

import hashlib
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from calibration.skeleton import load_skeleton
from engine.models.card import (
    ModelCard,
    ModelFile,
    ModelInput,
    PathSource,
    TrainingRecord,
    write_card,
)

SIZE_PX = 32
MPII = len(load_skeleton("mpii_16").joints)


def write_colour_model(path: Path, joints: int = MPII, output: str = "uvw") -> None:
    """Write ``uvw = mean of red, green, blue`` for every joint, and ``spread = |uvw|``."""
    shape = ["batch", joints, 3]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("Unsqueeze", ["mean", "axis"], ["one"]),
            helper.make_node("Expand", ["one", "joints"], [output]),
            helper.make_node("Abs", [output], ["spread"]),
        ],
        "colour",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIZE_PX, SIZE_PX])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in (output, "spread")
        ],
        [
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("joints", TensorProto.INT64, [3], [1, joints, 1]),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )


def write_finetuned_model(folder: Path, name: str = "colour", **trained) -> Path:
    """Write such a network with its card, as the library keeps it; return the folder."""
    return write_card_and_model(
        folder / "card.toml", folder / "network.onnx", name, **trained
    ).parent


def write_card_and_model(card: Path, network: Path, name: str, **trained) -> Path:
    """Write such a network and its card under these names; return the card's path."""
    card.parent.mkdir(parents=True, exist_ok=True)
    write_colour_model(network)
    data = network.read_bytes()
    file = ModelFile(network.name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    write_card(
        ModelCard(
            name=name,
            task="pose3d",
            licence="Apache-2.0",
            source=PathSource(network.parent),
            files=(file,),
            codec="soft-argmax-3d",
            skeleton="mpii_16",
            input=ModelInput((SIZE_PX, SIZE_PX)),
            note="For tests.",
            trained=TrainingRecord(**trained),
        ),
        card,
    )
    return card
