"""Which network looks where one camera alone sees the person: one that was named, or the one that serves them."""

import logging

from calibration.rig import Rig
from engine.errors import ModelMissingError
from engine.inference.monocular import MonocularModel
from engine.models.card import ModelCard, load_card
from engine.models.library import ModelLibrary, compute_rig_id

NO_MODEL = "none"
MISSING_MESSAGE = (
    "There is no network here that sees depth with one camera, so that poses need two cameras. "
    "'epipole models list' shows which there are."
)

logger = logging.getLogger(__name__)


def load_monocular_model(
    name: str, person: str = "", *, rig: Rig | None = None, loaded_name: str = ""
) -> MonocularModel | None:
    """Load a network for one camera.

    Parameters
    ----------
    name
        Of the library or of a card, or the path of a card; `NO_MODEL` for no network; empty for the
        one in service.
    person
        Whom it shall serve; empty where nobody said who is there.
    rig
        In front of which the person is; None where it is not known.
    loaded_name
        Name of the network that is loaded already, as it says itself.

    Returns
    -------
    network
        None where none is wanted, or the one that is loaded is the right one.

    Raises
    ------
    ModelMissingError
        If there is none at all.
    EngineError
        If the one that was named cannot be used; the sentence says why.
    """
    if name == NO_MODEL:
        return None
    card = _find_card(name) if name else _find_serving_card(person, rig)
    if loaded_name.startswith(f"{card.name} ("):
        return None
    model = MonocularModel(card)
    model.warm_up()
    return model


def _find_card(name: str) -> ModelCard:
    """Find a card in the library, else among all cards."""
    known = {entry.name: entry.card for entry in ModelLibrary().list_models()}
    return known[name] if name in known else load_card(name)


def _find_serving_card(person: str, rig: Rig | None) -> ModelCard:
    """Find the card of the network that serves a person in front of a rig."""
    choice = ModelLibrary().choose_model(
        person or None, compute_rig_id(rig) if rig is not None else None
    )
    for remark in choice.remarks:
        logger.warning("%s", remark)
    if choice.entry is None:
        raise ModelMissingError(MISSING_MESSAGE)
    return choice.entry.card
