"""Swap the network that looks where one camera alone sees the person, while the live view runs."""

from app.control.live import LiveControl
from engine.monocular.network import NO_MODEL


def swap_model(control: LiveControl, person: str) -> None:
    """Let the live view look again which network serves, as the library now has it.

    Parameters
    ----------
    control
        Of the live view; nothing happens where the person wants no such network, or somebody else
        is in view.
    person
        For whom the library changed; empty for everybody.

    Notes
    -----
    A network that was named for good gives way: somebody has just chosen. Nothing is loaded in
    here, and nothing is remembered of the network itself: at the next start the library is asked
    again. Where nobody has said who is in view, it is whom the network was taught for.
    """
    settings = control.settings
    if settings.lift == NO_MODEL or (person and settings.person not in ("", person)):
        return
    control.update_settings(lift="", person=settings.person or person)
    if control.live is not None:
        control.live.reload_monocular()
