"""The precision gate: a cheaper number format is offered only if it costs less than 1 mm."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from calibration.geometry.arrays import F32, U8
from engine.errors import BackendUnavailableError
from engine.inference.backends import BackendOptions
from engine.inference.picture_model import INPUT, PictureModel
from engine.inference.quantize import quantize_convolutions
from engine.models.card import ModelCard, ModelFile, PathSource, read_card, write_card
from training.errors import TrainingError
from training.evaluation.estimate_samples import EstimateFunction
from training.export.parity import crops_to_batch

MAX_LOSS_MM = 1.0
MIN_CROPS = 100
BATCH = 10

Judge = Callable[[EstimateFunction], float]
"""Measures a network's MPJPE, mm, on people it was not trained on."""


@dataclass(frozen=True, slots=True)
class PrecisionVerdict:
    """What a number format costs.

    Parameters
    ----------
    model
        Name.
    precision
        ``bf16`` or ``int8``.
    f32_mm, mm
        MPJPE as trained, and in this format; NaN where this processor does not have it.
    """

    model: str
    precision: str
    f32_mm: float
    mm: float

    @property
    def accepted(self) -> bool:
        """Whether the format may be used."""
        return self.mm - self.f32_mm <= MAX_LOSS_MM


def judge_bf16(card: ModelCard, judge: Judge) -> PrecisionVerdict:
    """Measure what bfloat16 costs in OpenVINO, on this processor.

    Parameters
    ----------
    card
        Of the network in f32.
    judge

    Returns
    -------
    verdict
        Not accepted where the processor computes no bfloat16.
    """
    reference = _measure(card, judge, "f32")
    try:
        found = _measure(card, judge, "bf16")
    except BackendUnavailableError:
        found = float("nan")
    return PrecisionVerdict(card.name, "bf16", reference, found)


def offer_int8(card_path: Path, crops_bgr: U8, judge: Judge) -> PrecisionVerdict:
    """Make an 8-bit copy of a network, measure it, and keep it only if it is good enough.

    Parameters
    ----------
    card_path
        Of the network in f32: ``card.toml`` gets a ``card-int8.toml`` beside it, with its own file.
    crops_bgr : (N, P, P, 3), uint8
        100 or more real ones: the ranges of the layers are taken from them. None that the judge
        uses.
    judge

    Returns
    -------
    verdict
        Where it is not accepted, no file is left.

    Raises
    ------
    TrainingError
        If there are too few crops.
    """
    if len(crops_bgr) < MIN_CROPS:
        raise TrainingError(
            f"{len(crops_bgr)} crops are too few to set the ranges of an 8-bit model; give "
            f"{MIN_CROPS}."
        )
    card, int8 = read_card(card_path), int8_card_path(card_path)
    source = card_path.parent / card.files[0].name
    target = source.with_name(f"{source.stem}-int8.onnx")
    int8.unlink(missing_ok=True)
    quantize_convolutions(source, target, INPUT, _iter_batches(crops_bgr, card))
    write_card(_build_int8_card(card, target), int8)
    reference = _measure(card, judge, "f32")
    found = _measure(read_card(int8), judge, "f32")
    verdict = PrecisionVerdict(card.name, "int8", reference, found)
    if not verdict.accepted:
        int8.unlink()
        target.unlink()
    return verdict


def int8_card_path(card_path: Path) -> Path:
    """Return where the card of a network's 8-bit copy is, if there is one."""
    return card_path.with_name(f"{card_path.stem}-int8.toml")


def _measure(card: ModelCard, judge: Judge, precision: str) -> float:
    """Measure a network in one number format."""
    network = PictureModel(card, run=BackendOptions(threads=1, precision=precision))
    try:
        return judge(lambda batch: network.infer(batch)[0])
    finally:
        network.close()


def _iter_batches(crops_bgr: U8, card: ModelCard) -> Iterator[F32]:
    """Convert crops to the input of the network, some at a time."""
    for start in range(0, len(crops_bgr), BATCH):
        yield crops_to_batch(crops_bgr[start : start + BATCH], card)


def _build_int8_card(card: ModelCard, target: Path) -> ModelCard:
    """Describe the 8-bit copy of a network."""
    data = target.read_bytes()
    file = ModelFile(target.name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    note = f"{card.note} Convolutions in 8 bits.".strip()
    return replace(
        card,
        name=f"{card.name}-int8",
        source=PathSource(target.parent.resolve()),
        files=(file,),
        note=note,
    )
