"""Which network looks where one camera alone sees the person: one that was named, or the one that serves them."""

import logging

from calibration.rig import Rig
from engine.errors import ModelMissingError
from engine.inference.model_card import ModelCard, load_card
from engine.inference.monocular import MonocularNetwork
from engine.inference.network_library import NetworkLibrary, rig_id

NONE = "none"
MISSING = (
    "There is no network here that sees depth with one camera, so that poses need two cameras. "
    "'epipole models list' shows which there are."
)

logger = logging.getLogger(__name__)


def load_lifter(name: str, person: str = "", *, rig: Rig | None = None, have: str = "") -> MonocularNetwork | None:
    """Load a network for one camera.

    Parameters
    ----------
    name
        Of the library or of a card, or the path of a card; `NONE` for no network; empty for the one in service.
    person
        Whom it shall serve; empty where nobody said who is there.
    rig
        In front of which the person is; None where it is not known.
    have
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
    if name == NONE:
        return None
    card = _named(name) if name else _in_service(person, rig)
    if have.startswith(f"{card.name} ("):
        return None
    network = MonocularNetwork(card)
    network.warm_up()
    return network


def _named(name: str) -> ModelCard:
    """Find a card in the library, else among all cards."""
    known = {entry.name: entry.card for entry in NetworkLibrary().networks()}
    return known[name] if name in known else load_card(name)


def _in_service(person: str, rig: Rig | None) -> ModelCard:
    """Find the card of the network that serves a person in front of a rig."""
    choice = NetworkLibrary().choice(person or None, rig_id(rig) if rig is not None else None)
    for remark in choice.remarks:
        logger.warning("%s", remark)
    if choice.entry is None:
        raise ModelMissingError(MISSING)
    return choice.entry.card
