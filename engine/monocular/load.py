"""Load the monocular model: the one that was named, or the one adopted for the person."""

import logging

from calibration.rig import Rig
from engine.errors import ModelMissingError
from engine.inference import monocular as pictures
from engine.models.card import LIFTER_CODEC, ModelCard, load_card
from engine.models.library import ModelLibrary, compute_rig_id
from engine.monocular.lifter import Lifter
from engine.monocular.source import MonocularModel

NO_MODEL = "none"
MISSING_MESSAGE = (
    "No model for one camera is installed, so poses need two cameras. "
    "'epipole models list' shows the models that are available."
)

logger = logging.getLogger(__name__)


def load_monocular_model(
    name: str, person: str = "", *, rig: Rig | None = None, loaded_name: str = ""
) -> MonocularModel | None:
    """Load a monocular model.

    Parameters
    ----------
    name
        Of the library or of a card, or the path of a card; `NO_MODEL` for none; empty for the one
        adopted for the person.
    person
        Name of the person; empty where it is not known.
    rig
        The rig in front of the person; None where it is not known.
    loaded_name
        The loaded model's name; empty where none is loaded.

    Returns
    -------
    model
        None where none is wanted, or the right one is loaded already.

    Raises
    ------
    ModelMissingError
        If no model is installed.
    EngineError
        If the named one cannot be used; the message says why.
    """
    if name == NO_MODEL:
        return None
    card = _find_card(name) if name else _find_serving_card(person, rig)
    if loaded_name.startswith(f"{card.name} ("):
        return None
    model = Lifter(card) if card.codec == LIFTER_CODEC else pictures.MonocularModel(card)
    model.warm_up()
    return model


def _find_card(name: str) -> ModelCard:
    """Find a card by name in the library, else among all cards."""
    known = {entry.name: entry.card for entry in ModelLibrary().list_models()}
    return known[name] if name in known else load_card(name)


def _find_serving_card(person: str, rig: Rig | None) -> ModelCard:
    """Find the card of the model adopted for a person in front of a rig."""
    choice = ModelLibrary().choose_model(
        person or None, compute_rig_id(rig) if rig is not None else None
    )
    for remark in choice.remarks:
        logger.warning("%s", remark)
    if choice.entry is None:
        raise ModelMissingError(MISSING_MESSAGE)
    return choice.entry.card
