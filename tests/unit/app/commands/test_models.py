"""`epipole models`: the fine-tuned models, and whom each is used for."""

import numpy as np
import pytest

from app.cli import main as cli
from calibration.rig import Camera, Rig, load_rig, save_rig
from engine.models import library as network_library
from engine.models.library import ModelLibrary, compute_rig_id
from tests.support.trained_models import write_card_and_model, write_finetuned_model


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library with a supplied and a fine-tuned model, where the program looks for them."""
    shipped = write_card_and_model(
        tmp_path / "assets/models/root.toml", tmp_path / "assets/models/root.onnx", "root"
    )
    monkeypatch.setattr(network_library, "embedded_card_path", lambda *_: shipped)
    monkeypatch.setenv("EPIPOLE_NETWORKS", str(tmp_path / "networks"))
    library = ModelLibrary()
    library.add(
        write_finetuned_model(tmp_path / "run", "anna", parent="root", metrics={"mpjpe_mm": 48.04})
    )
    return library


def test_taught_networks_are_listed_with_where_they_come_from_and_whom_they_serve(library, capsys):
    library.adopt("anna", "Anna")
    assert cli.main(["models", "list"]) == 0
    said = capsys.readouterr().out.splitlines()
    anna = next(line for line in said if line.startswith("anna"))
    root = next(line for line in said if line.startswith("root"))
    assert all(
        word in anna for word in ("Apache-2.0", "from root", "MPJPE 48.0 mm", "In use for Anna.")
    )
    assert "In use for everybody." in root


def test_a_damaged_network_is_said_in_the_list(library, capsys):
    library.adopt("anna", "Anna")
    with (library.folder / "anna/network.onnx").open("r+b") as file:
        file.write(b"spoiled")
    assert cli.main(["models", "list"]) == 0
    assert "Model 'anna' cannot be used; the one before it is." in capsys.readouterr().out


def test_a_network_is_put_to_use_for_everybody_and_taken_back(library, capsys):
    assert cli.main(["models", "use", "anna"]) == 0
    assert "'anna' is now used for everybody" in capsys.readouterr().out
    assert library.find_serving_model().name == "anna"
    assert cli.main(["models", "roll-back"]) == 0
    assert "'root' is used for everybody again" in capsys.readouterr().out
    assert library.find_serving_model().name == "root"
    assert [change.by for change in library.read_history()] == ["a person", "a person"]


def test_a_network_is_put_to_use_for_a_person_in_front_of_a_rig(library, tmp_path):
    matrix = np.array([[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]])
    rig = tmp_path / "rig.toml"
    save_rig(Rig((Camera("left", (1280, 720), matrix, np.zeros(5), np.eye(4)),)), rig)
    assert cli.main(["models", "use", "anna", "--person", "Anna", "--rig", str(rig)]) == 0
    where = compute_rig_id(load_rig(rig))
    assert library.find_serving_model("Anna", where).name == "anna"
    assert (
        library.find_serving_model("Anna").name
        == library.find_serving_model(None, where).name
        == "root"
    )
    assert cli.main(["models", "roll-back", "--person", "anna", "--rig", str(rig)]) == 0
    assert library.find_serving_model("Anna", where).name == "root"


def test_a_network_that_does_not_exist_is_answered_with_the_nearest(library, capsys):
    assert cli.main(["models", "use", "ana"]) == 1
    assert "Did you mean 'anna'" in capsys.readouterr().err


def test_rolling_back_where_nothing_was_chosen_is_a_sentence(library, capsys):
    assert cli.main(["models", "roll-back", "--person", "Ben"]) == 1
    assert "nothing to roll back" in capsys.readouterr().err


def test_an_unknown_action_is_a_usage_mistake():
    assert cli.main(["models", "delete", "anna"]) == 2
