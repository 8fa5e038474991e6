"""Adopting a new model: once, however often a run is killed, and only past its rival."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from engine.errors import EngineError
from engine.models import files as network_files
from engine.models.card import PICTURE_CODEC
from engine.models.library import ModelLibrary
from tests.support.trained_models import write_finetuned_model
from training.errors import TrainingError
from training.evaluation.intervals import Interval
from training.finetuning.evaluate_and_adopt import PAGE, add, adopt
from training.finetuning.finetune import ProgressReporter, StepContext
from training.finetuning.request import FinetuneRequest
from training.finetuning.run import RunState
from training.finetuning.verdict import Verdict

VERDICT = Verdict(True, "61 → 48 mm.", 61.0, 48.0, Interval(8.0, 13.0, 18.0), 60, 6, 0.01, 0.01, ())


@pytest.fixture
def library(tmp_path):
    return ModelLibrary(tmp_path / "networks")


@pytest.fixture
def work(tmp_path, library):
    """A run whose network is exported and better than the one in use."""
    folder = tmp_path / "run"
    made = write_finetuned_model(folder / "network", "anna")
    (folder / PAGE).write_text("better")
    serving = library.choose_model("Anna", codec=PICTURE_CODEC).entry
    results = {
        "parent": {"rival": serving.name if serving else "first"},
        "export": {"card": str(made / "card.toml"), "name": "anna"},
        "compare": {
            "verdict": asdict(VERDICT),
            "sight": {"across_mm": 50.0, "along_mm": 70.0},
            "message": "Better.",
        },
    }
    return StepContext(
        folder, FinetuneRequest((Path("walk"),), "Anna", library=str(library.folder)), results
    )


def done(work, name, step):
    """Do a step and remember what came of it."""
    result = step(work, ProgressReporter(work.folder, RunState()))
    return replace(work, results={**work.results, name: result})


def test_a_run_that_is_killed_after_its_network_came_into_the_library_does_not_add_it_again(
    work, library
):
    added = done(work, "add", add).results["add"]
    assert done(work, "add", add).results["add"] == added
    assert [entry.name for entry in library.list_models()].count("anna") == 1
    assert "anna-2" not in [entry.name for entry in library.list_models()]


def test_a_run_that_is_killed_after_the_choice_does_not_choose_twice(work, library):
    work = done(work, "add", add)
    done(work, "adopt", adopt)
    done(work, "adopt", adopt)
    assert [change.network for change in library.read_history()] == ["anna"]
    assert library.find_serving_model("Anna").name == "anna"


def test_a_network_that_was_not_compared_with_the_one_in_use_does_not_replace_it(
    work, library, tmp_path
):
    work = done(work, "add", add)
    other = library.add(write_finetuned_model(tmp_path / "other", "other", command="meanwhile"))
    library.adopt(other.name, "Anna")
    with pytest.raises(
        TrainingError, match=r"'other' came into use.*models use anna --person Anna"
    ):
        done(work, "adopt", adopt)
    assert library.find_serving_model("Anna").name == "other"


def test_a_disk_that_fills_while_a_network_is_copied_is_said_in_words(work, library, monkeypatch):
    def full(source, target, **_):
        refused = [
            (
                f"{source}/network.onnx",
                f"{target}/network.onnx",
                "[Errno 28] No space left on device: 'x'",
            )
        ]
        raise network_files.shutil.Error(refused)

    monkeypatch.setattr(network_files.shutil, "copytree", full)
    with pytest.raises(
        EngineError, match=r"cannot be changed: No space left on device\. Nothing was changed"
    ):
        done(work, "add", add)
    assert "anna" not in [entry.name for entry in library.list_models()]
