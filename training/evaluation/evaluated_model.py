"""The model to evaluate: a checkpoint, a card, or a name in the library of models."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from calibration.skeleton import load_skeleton
from engine.inference.picture_model import PictureModel
from engine.loading import load_attribute
from engine.models.card import ModelCard, read_card
from engine.models.files import CARD_FILE
from engine.models.library import ModelLibrary
from training.data.samples import Samples
from training.errors import TrainingError
from training.evaluation.estimate_samples import EstimateFunction

CHECKPOINT_SUFFIX, CARD_SUFFIX = ".pt", ".toml"
_CHECKPOINT_OPENER = "training.evaluation.estimate_torch:open_checkpoint"


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """A network that is ready to be judged.

    Parameters
    ----------
    name
        For a person.
    skeleton
        Name of that of its joints.
    size_px
        Side of its input.
    estimate
    """

    name: str
    skeleton: str
    size_px: int
    estimate: EstimateFunction


@contextmanager
def open_model(what: str) -> Iterator[EvaluatedModel]:
    """Open a network to be judged.

    Parameters
    ----------
    what
        Path of a checkpoint (``.pt``), of a card or of its folder; or a name in the library of
        networks.

    Raises
    ------
    TrainingError
        If there is no such file, it is damaged, or PyTorch is needed and missing.
    EngineError
        If the card or what it names cannot be used.
    """
    path = Path(what)
    if path.suffix == CHECKPOINT_SUFFIX:
        yield _open_torch_checkpoint(path)
        return
    network = PictureModel(_find_card(what, path))
    try:
        yield EvaluatedModel(
            network.name,
            network.skeleton_name,
            network.size_px,
            lambda image: network.infer(image)[0],
        )
    finally:
        network.close()


def demand_same_joints(model: EvaluatedModel, samples: Samples) -> None:
    """Raise TrainingError if a network finds other joints than the samples have."""
    if model.skeleton != samples.skeleton.name:
        joints = len(load_skeleton(model.skeleton).joints)
        raise TrainingError(
            f"'{model.name}' finds the {joints} joints of '{model.skeleton}', the samples have "
            f"those of '{samples.skeleton.name}'. Give samples that were made for this model."
        )


def _find_card(what: str, path: Path) -> ModelCard:
    """Find the card of a network."""
    if path.is_dir() and (path / CARD_FILE).is_file():
        return read_card(path / CARD_FILE)
    if path.is_file() and path.suffix == CARD_SUFFIX:
        return read_card(path)
    if path.exists():
        raise TrainingError(
            f"'{what}' is no model that can be evaluated. Give a checkpoint (.pt), a model's card "
            f"({CARD_FILE}) or its folder, or a name of 'epipole models list'."
        )
    return ModelLibrary().find_model(what).card


def _open_torch_checkpoint(path: Path) -> EvaluatedModel:
    """Open a checkpoint in torch, which only this needs."""
    try:
        open_checkpoint: Callable[[Path], EvaluatedModel] = load_attribute(_CHECKPOINT_OPENER)
    except ImportError as error:
        raise TrainingError(
            f"A checkpoint needs PyTorch, which is not installed ({error}). Install it with: "
            "pip install 'epipole[train]'"
        ) from error
    return open_checkpoint(path)
