"""Empty rooms of the studio, drawn once: most of a small studio's time goes into them."""

import pickle

import pytest

from calibration.rig import Camera
from engine.studio.room import Backdrop, Room

draw_backdrop = Room.draw_backdrop
_drawn: dict[bytes, Backdrop] = {}


def draw_once(room: Room, camera: Camera, blur_px: float) -> Backdrop:
    """Draw an empty room, unless this very room was drawn for this very camera before."""
    seen = pickle.dumps((vars(room), camera, blur_px))
    if seen not in _drawn:
        _drawn[seen] = draw_backdrop(room, camera, blur_px)
    return _drawn[seen]


@pytest.fixture(autouse=True, scope="module")
def rooms_drawn_once():
    """Draw no room twice in the tests of a module that imports this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Room, "draw_backdrop", draw_once)
        yield
    _drawn.clear()
