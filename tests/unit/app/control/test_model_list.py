"""The list of networks: who is served by which, read anew only when something changed."""

from types import SimpleNamespace

import pytest

from app.control.model_list import ModelList
from engine.models.journal import ADOPT, Change
from engine.models.library import ModelChoice


class Library:
    """Two networks of Anna's and the shipped one; only what the shelf asks for."""

    def __init__(self, folder):
        self.folder, self.reads, self.asked = folder, 0, []
        self.changes = [Change(1, ADOPT, "anna-1", "Anna"), Change(2, ADOPT, "anna-2", "Anna")]

    def read_history(self):
        return tuple(self.changes)

    def list_models(self):
        self.reads += 1
        taught = SimpleNamespace(
            person="Anna", made="2026-11-21", metrics={"before_mm": 61.0, "mpjpe_mm": 48.0}
        )
        own = [
            SimpleNamespace(name=f"anna-{n}", card=SimpleNamespace(trained=taught, note=""))
            for n in (1, 2)
        ]
        shipped = SimpleNamespace(trained=None, note="trained on synthetic people")
        return (SimpleNamespace(name="compact-studio", card=shipped), *own)

    def choose_model(self, person, rig_id):
        return ModelChoice(SimpleNamespace(name="anna-2" if person else "compact-studio"))

    def adopt(self, *wish, reason, by):
        self.asked.append(wish)


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path)


def test_each_network_says_whom_it_is_for_and_which_serves(library):
    rows = {row.name: row for row in ModelList(library).rows()}
    assert rows["anna-2"].in_use
    assert rows["anna-2"].can_roll_back
    assert not rows["anna-1"].in_use
    assert rows["anna-1"].person == "Anna"
    assert "61 → 48 mm" in rows["anna-1"].facts
    assert rows["compact-studio"].in_use
    assert not rows["compact-studio"].can_roll_back


def test_the_library_is_read_anew_only_when_it_changed(library):
    shelf = ModelList(library)
    for _ in range(3):
        shelf.rows()
    assert library.reads == 1
    (library.folder / "serving.jsonl").write_text("{}\n")
    shelf.rows()
    assert library.reads == 2


def test_a_wish_is_handed_on(library):
    ModelList(library).use("anna-1", "Anna", "")
    assert library.asked == [("anna-1", "Anna", "")]


def test_a_network_that_serves_one_person_stays_listed_for_whom_it_was_meant(library):
    library.changes.append(Change(3, ADOPT, "compact-studio", "Anna"))
    listed = [(row.name, row.person) for row in ModelList(library).rows()]
    assert ("compact-studio", "") in listed
    assert ("compact-studio", "Anna") in listed
