"""Swap the network that looks where one camera alone sees the person, while the live view runs."""

from app.live_control import LiveControl
from engine.inference.network_library import NetworkLibrary
from engine.lift_network import NONE, load_lifter


def swap_network(control: LiveControl, library: NetworkLibrary, person: str) -> None:
    """Let the live view use the network that serves a person now, and remember it for the next start.

    Parameters
    ----------
    control
        Of the live view; nothing happens where the person wants no such network.
    library
    person
        Empty for everybody: then the live view asks the library itself, which knows its rig.

    Raises
    ------
    EngineError
        If the network cannot be loaded; the live view goes on with the one it has.

    Notes
    -----
    Takes a second or so to load the network: never in the window's own thread.
    """
    if control.settings.lift == NONE:
        return
    entry = library.serving(person)
    if entry is None:
        return
    name = entry.name if person else ""
    live = control.live
    if live is not None:
        live.use_lifter(load_lifter(entry.name))
    control.remember(lift=name)
