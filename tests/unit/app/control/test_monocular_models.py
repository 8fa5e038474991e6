"""The live view takes over a model that was taught, without a restart."""

from types import SimpleNamespace

import pytest

from app.control import monocular_models
from app.control.monocular_models import make_monocular_loader, swap_model
from app.settings import Settings


class Control:
    """A live view that notes what it is told."""

    def __init__(self, **settings):
        self.settings, self.asked, self.remembered = Settings(**settings), 0, []
        self.live = SimpleNamespace(reload_monocular=self.renew)

    def renew(self):
        self.asked += 1

    def update_settings(self, **changes):
        self.remembered.append(changes)


def test_the_live_view_looks_again_and_keeps_no_models_name():
    control = Control(person="Anna", lift="anna-1")
    swap_model(control, "Anna")
    assert control.asked == 1
    assert control.remembered == [{"lift": "", "person": "Anna"}]


def test_where_nobody_said_who_is_in_view_it_is_whom_the_model_was_taught_for():
    control = Control()
    swap_model(control, "Anna")
    assert control.remembered == [{"lift": "", "person": "Anna"}]


def test_a_model_for_everybody_leaves_the_person_as_it_is():
    control = Control(person="Ben")
    swap_model(control, "")
    assert control.remembered == [{"lift": "", "person": "Ben"}]
    assert control.asked == 1


def test_without_cameras_it_is_only_remembered():
    control = Control()
    control.live = None
    swap_model(control, "Anna")
    assert control.remembered


@pytest.mark.parametrize("settings", [{"lift": "none"}, {"person": "Ben"}])
def test_nothing_happens_where_none_is_wanted_or_somebody_else_is_in_view(settings):
    control = Control(**settings)
    swap_model(control, "Anna")
    assert (control.asked, control.remembered) == (0, [])


def test_the_model_is_looked_for_by_what_is_set_at_that_moment(monkeypatch):
    asked = []
    monkeypatch.setattr(
        monocular_models, "load_monocular_model", lambda *words, **more: asked.append((words, more))
    )
    now = [Settings(person="Anna", lift="anna-1")]
    make = make_monocular_loader(lambda: now[0])
    make(None, "")
    now[0] = Settings(person="Ben", model="rtmpose-m")
    make(None, "old (fake)")
    assert [more.pop("has_own_pose")() for _, more in asked] == [True, False]
    assert asked == [
        (("anna-1", "Anna"), {"rig": None, "loaded_name": ""}),
        (("", "Ben"), {"rig": None, "loaded_name": "old (fake)"}),
    ]
