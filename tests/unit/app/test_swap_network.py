"""The live view takes over a network that was taught, without a restart."""

from types import SimpleNamespace

import pytest

from app import swap_network as swapping
from app.settings import Settings
from app.swap_network import swap_network


class Control:
    """A live view that notes what it is told."""

    def __init__(self, lift=""):
        self.settings, self.used, self.remembered = Settings(lift=lift), [], []
        self.live = SimpleNamespace(use_lifter=self.used.append)

    def remember(self, **changes):
        self.remembered.append(changes)


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    monkeypatch.setattr(swapping, "load_lifter", lambda name: f"the loaded {name}")


def library(name):
    return SimpleNamespace(serving=lambda _person: SimpleNamespace(name=name) if name else None)


def test_the_network_of_a_person_is_used_at_once_and_remembered():
    control = Control()
    swap_network(control, library("anna-1"), "Anna")
    assert control.used == ["the loaded anna-1"]
    assert control.remembered == [{"lift": "anna-1"}]


def test_a_network_for_everybody_leaves_the_choice_to_the_library():
    control = Control(lift="anna-1")
    swap_network(control, library("own-1"), "")
    assert control.remembered == [{"lift": ""}]


def test_without_cameras_it_is_only_remembered():
    control = Control()
    control.live = None
    swap_network(control, library("anna-1"), "Anna")
    assert control.used == []
    assert control.remembered


@pytest.mark.parametrize(("lift", "name"), [("none", "anna-1"), ("", "")])
def test_nothing_happens_where_none_is_wanted_or_there_is_none(lift, name):
    control = Control(lift)
    swap_network(control, library(name), "Anna")
    assert control.used == control.remembered == []
