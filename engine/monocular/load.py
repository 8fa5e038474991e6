"""Load the monocular model: the one that was named, or the one adopted for the person."""

import logging
from collections.abc import Callable

from calibration.rig import Rig
from engine.errors import ModelMissingError
from engine.inference.picture_model import PictureModel
from engine.models.card import LIFTER_CODEC, ModelCard, load_card
from engine.models.library import ModelLibrary, compute_rig_id
from engine.monocular.lifter import Lifter
from engine.monocular.own_pose import OwnPose
from engine.monocular.source import MonocularModel

NO_MODEL = "none"
OWN_POSE = "own-pose"
"""Names that are no model's: none at all, and what the 2D model itself guesses."""
MISSING_MESSAGE = (
    "No model for one camera is installed, and this 2D model makes no guess of its own, so poses "
    "need two cameras. 'epipole models list' shows the models that are available."
)

logger = logging.getLogger(__name__)


def load_monocular_model(
    name: str,
    person: str = "",
    *,
    rig: Rig | None = None,
    loaded_name: str = "",
    has_own_pose: Callable[[], bool] = lambda: True,
) -> MonocularModel | None:
    """Load a monocular model.

    Parameters
    ----------
    name
        Of the library or of a card, or the path of a card; `NO_MODEL` for none, `OWN_POSE` for what
        the 2D model itself guesses; empty for the one adopted for the person, or else the one that
        comes with the program.
    person
        Name of the person; empty where it is not known.
    rig
        The rig in front of the person; None where it is not known.
    loaded_name
        The loaded model's name; empty where none is loaded.
    has_own_pose
        Tells whether the 2D model guesses a pose in depth: then that serves where no model is
        installed. Called only in that case.

    Returns
    -------
    model
        None where none is wanted, or the right one is loaded already.

    Raises
    ------
    ModelMissingError
        If no model is installed, and the 2D model makes no guess.
    EngineError
        If the named one cannot be used; the message says why.
    """
    if name == NO_MODEL:
        return None
    card = _find_card(name) if name not in ("", OWN_POSE) else None
    if not name:
        card = _find_serving_card(person, rig)
    if card is None:  # named, or nothing better is installed
        if not has_own_pose():
            raise ModelMissingError(MISSING_MESSAGE)
        return None if loaded_name == OwnPose.name else OwnPose()
    if loaded_name.startswith(f"{card.name} ("):
        return None
    model = Lifter(card) if card.codec == LIFTER_CODEC else PictureModel(card)
    model.warm_up()
    return model


def _find_card(name: str) -> ModelCard:
    """Find a card by name in the library, else among all cards."""
    known = {entry.name: entry.card for entry in ModelLibrary().list_models()}
    return known[name] if name in known else load_card(name)


def _find_serving_card(person: str, rig: Rig | None) -> ModelCard | None:
    """Find the card of the model adopted for a person in front of a rig; None if none is there."""
    choice = ModelLibrary().choose_model(
        person or None, compute_rig_id(rig) if rig is not None else None
    )
    for remark in choice.remarks:
        logger.warning("%s", remark)
    return choice.entry.card if choice.entry is not None else None
