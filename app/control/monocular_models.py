"""The monocular model of the live view: which one is in use, and how another takes over."""

from collections.abc import Callable
from typing import Any, Protocol

from app.settings import Settings
from calibration.rig import Rig
from engine.live.live import Live
from engine.live.single_view import MakeMonocular
from engine.models.card import has_own_pose, load_card
from engine.monocular.load import NO_MODEL, load_monocular_model
from engine.monocular.source import MonocularModel


class LiveView(Protocol):
    """What `swap_model` needs of `app.control.live.LiveControl`."""

    live: Live | None

    @property
    def settings(self) -> Settings:
        """What is remembered."""
        ...

    def update_settings(self, **changes: Any) -> None:
        """Change settings and keep them."""
        ...


def make_monocular_loader(settings: Callable[[], Settings]) -> MakeMonocular:
    """Return what loads the monocular model in use.

    Parameters
    ----------
    settings
        Called at each load: the person may have changed, or no model be named any more.

    Returns
    -------
    make_monocular
        As `engine.live.live.Live` takes it; errors as `load_monocular_model`.
    """

    def load(rig: Rig | None, have: str) -> MonocularModel | None:
        """Load it, unless it is there already."""
        now = settings()
        return load_monocular_model(
            now.lift,
            now.person,
            rig=rig,
            loaded_name=have,
            has_own_pose=lambda: has_own_pose(load_card(now.model)),
        )

    return load


def swap_model(control: LiveView, person: str) -> None:
    """Let the live view load the monocular model that the library now names.

    Parameters
    ----------
    control
        Of the live view; nothing happens where the settings exclude such a model, or another
        person is in view.
    person
        For whom the library changed; empty for everybody.

    Notes
    -----
    A model that the settings name gives way: the user has just chosen another. Nothing is loaded
    here, and the model's name is not remembered: at the next start the library decides again.
    Where no person is set, it becomes the one whom the model was fine-tuned for.
    """
    settings = control.settings
    if settings.lift == NO_MODEL or (person and settings.person not in ("", person)):
        return
    control.update_settings(lift="", person=settings.person or person)
    if control.live is not None:
        control.live.reload_monocular()
