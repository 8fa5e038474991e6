"""The library of trained models: nothing is overwritten, and a damaged model is replaced."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Camera, Rig, load_rig, save_rig
from engine.disk import FolderLock
from engine.errors import EngineError, ModelMismatchError, ModelMissingError
from engine.models import files as network_files
from engine.models import journal as serving_journal
from engine.models.library import JOURNAL, ModelLibrary, compute_rig_id, finetuned_models_folder
from engine.models.library import file_name_from_words as plain_name
from tests.support.patience import PATIENCE_S
from tests.support.trained_models import write_card_and_model, write_finetuned_model


@pytest.fixture
def shipped(tmp_path):
    card = write_card_and_model(
        tmp_path / "shipped/root.toml", tmp_path / "shipped/root.onnx", "root"
    )
    card.with_suffix(".pt").write_bytes(b"weights")
    return card


@pytest.fixture
def library(tmp_path, shipped):
    return ModelLibrary(tmp_path / "networks", shipped)


@pytest.fixture
def trained(tmp_path):
    folder = write_finetuned_model(
        tmp_path / "run/export", "anna", parent="root", metrics={"mpjpe_mm": 48.0}
    )
    (folder / "checkpoint.pt").write_bytes(b"weights")
    return folder


def damage(folder: Path):
    data = bytearray((folder / "network.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "network.onnx").write_bytes(data)


def names(library):
    return [entry.name for entry in library.list_models()]


def test_where_nothing_was_taught_the_shipped_network_serves(library):
    assert names(library) == ["root"]
    assert library.find_serving_model("anna", "r1").name == "root"
    assert library.list_models()[0].checkpoint.read_bytes() == b"weights"
    assert not library.folder.exists()  # looking changes nothing


def test_without_any_network_nobody_serves(tmp_path):
    library = ModelLibrary(tmp_path / "none", tmp_path / "none.toml")
    assert library.list_models() == ()
    assert library.find_serving_model() is None


def test_a_network_that_was_added_is_whole_and_serves_nobody_yet(library, trained):
    entry = library.add(trained, "Anna 2026-11-21")
    assert entry.name == entry.card.name == "anna-2026-11-21"
    assert entry.parent == "root"
    assert entry.card.trained.metrics == {"mpjpe_mm": 48.0}
    assert entry.checkpoint.read_bytes() == b"weights"
    assert library.find_serving_model("anna").name == "root"


def test_a_second_network_of_one_name_is_added_beside_the_first(library, trained):
    first = library.add(trained)
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    assert [library.add(trained).name, library.add(trained).name] == ["anna-2", "anna-3"]
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == before


def test_no_network_takes_the_name_of_the_shipped_one(library, trained):
    assert library.add(trained, "root").name == "root-2"


def test_a_name_of_any_words_becomes_that_of_a_folder():
    assert plain_name("../Änne: B/2026") == "änne-b-2026"
    assert plain_name("...") == "network"


def test_a_damaged_network_is_not_added(library, trained):
    damage(trained)
    with pytest.raises(ModelMismatchError):
        library.add(trained)
    assert names(library) == ["root"]


def test_a_full_disk_while_a_network_is_added_leaves_nothing(library, trained, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(network_files, "sync_to_disk", full)
    with pytest.raises(EngineError, match="No space left on device"):
        library.add(trained)
    assert list(library.folder.iterdir()) == []


def test_the_remains_of_a_killed_copy_are_no_network_and_go(library, trained):
    write_finetuned_model(library.folder / ".anna.part", "anna")
    assert names(library) == ["root"]
    assert library.add(trained).name == "anna"
    assert not (library.folder / ".anna.part").exists()


def test_the_nearest_choice_serves_person_and_rig_before_person_before_rig_before_all(
    library, trained
):
    for name, scope in (
        ("all", ()),
        ("rig", (None, "r1")),
        ("person", ("Anna",)),
        ("both", ("Anna", "r1")),
    ):
        library.add(trained, name)
        library.adopt(name, *scope)
    assert library.find_serving_model().name == "all"
    assert library.find_serving_model(None, "r1").name == "rig"
    assert library.find_serving_model(" anna ", "r2").name == "person"
    assert library.find_serving_model("ANNA", "r1").name == "both"
    assert library.find_serving_model("Ben", "r1").name == "rig"


def test_rolling_back_returns_to_what_served_before_down_to_the_shipped_one(library, trained):
    for name in ("one", "two"):
        library.add(trained, name)
        library.adopt(name, "anna", reason="Better by 13 mm.", by="fine-tuning")
    assert library.roll_back("anna").name == "one"
    assert library.roll_back("anna").name == "root"
    with pytest.raises(
        EngineError, match="No model was adopted for anna, so there is nothing to roll back"
    ):
        library.roll_back("anna")
    assert [change.action for change in library.read_history()] == [
        "adopt",
        "adopt",
        "roll-back",
        "roll-back",
    ]
    assert library.read_history()[0].reason == "Better by 13 mm."
    assert names(library) == ["root", "one", "two"]  # rolled back, never deleted


def test_the_shipped_network_can_be_chosen_again(library, trained):
    library.add(trained)
    library.adopt("anna")
    library.adopt("root")
    assert library.find_serving_model().name == "root"


def test_two_windows_that_roll_back_at_once_take_back_one_choice(library, trained, monkeypatch):
    for name in ("one", "two"):
        library.add(trained, name)
        library.adopt(name)
    seen = library.read_history()
    library.roll_back()
    monkeypatch.setattr(library, "read_history", lambda: seen)  # the other window had looked before
    library.roll_back()
    monkeypatch.undo()
    assert library.find_serving_model().name == "one"


def test_an_unknown_network_is_refused_with_the_nearest_and_changes_nothing(library, trained):
    library.add(trained)
    with pytest.raises(ModelMissingError, match="Did you mean 'anna'"):
        library.adopt("ana")
    assert library.read_history() == ()


def test_in_place_of_a_damaged_network_its_parent_serves(library, tmp_path, trained):
    library.add(trained, "mother")
    library.add(trained, "other")
    library.add(write_finetuned_model(tmp_path / "b", "child", parent="mother"))
    library.adopt("other")
    library.adopt("child")
    damage(library.folder / "child")
    choice = library.choose_model()
    assert choice.entry.name == "mother"
    assert "Model 'child' cannot be used" in choice.remarks[0]


def test_a_network_without_a_readable_card_is_skipped_with_a_message(library, trained):
    library.add(trained)
    library.adopt("anna")
    (library.folder / "anna/card.toml").write_bytes(b"\xff\x00 no card")
    assert library.find_serving_model().name == "root"
    assert names(library) == ["root"]
    assert "Model 'anna' is damaged" in library.remarks()[0]


def test_a_network_that_is_cut_off_is_left_out_of_the_list(library, trained):
    library.add(trained)
    with (library.folder / "anna/network.onnx").open("r+b") as file:
        file.truncate(100)
    assert names(library) == ["root"]
    assert "missing or incomplete" in library.remarks()[0]
    with pytest.raises(ModelMismatchError):
        library.adopt("anna")


def test_networks_that_name_each_other_as_parents_end_at_the_shipped_one(library, tmp_path):
    for name, parent in (("a", "b"), ("b", "a")):
        library.add(write_finetuned_model(tmp_path / name, name, parent=parent))
        library.adopt(name)
        damage(library.folder / name)
    assert library.find_serving_model().name == "root"


def test_a_line_that_a_kill_cut_off_is_said_and_swallows_no_later_one(library, trained):
    library.add(trained)
    library.adopt("anna")
    with (library.folder / JOURNAL).open("ab") as file:
        file.write(b'{"time_ns": 17, "acti')
    assert library.find_serving_model().name == "anna"
    assert "Line 2" in library.remarks()[0]
    library.roll_back()
    assert library.find_serving_model().name == "root"
    assert [change.action for change in library.read_history()] == ["adopt", "roll-back"]


def test_a_disk_that_refuses_leaves_the_journal_as_it_was(library, trained, monkeypatch):
    library.add(trained)
    library.adopt("anna")
    before = (library.folder / JOURNAL).read_bytes()

    def full(file, data, length):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serving_journal, "append_atomic", full)
    with pytest.raises(EngineError, match="Nothing was changed"):
        library.roll_back()
    assert (library.folder / JOURNAL).read_bytes() == before


def test_a_lock_that_another_program_keeps_is_reported_in_time(library, trained, shipped):
    library.add(trained)
    hasty = ModelLibrary(library.folder, shipped, lock_timeout_s=0.1)
    hold = FolderLock(library.folder)
    with pytest.raises(EngineError, match="Another program has locked the models"):
        hasty.adopt("anna")
    hold.release()
    library.adopt("anna")


ADD_AND_ADOPT = (
    "import sys; from pathlib import Path; from engine.models.library import ModelLibrary\n"
    "library = ModelLibrary(Path(sys.argv[1]), Path(sys.argv[2])); print('ready', flush=True)\n"
    "for _ in range(int(sys.argv[4])): library.adopt(library.add(Path(sys.argv[3])).name)"
)


def adding(library, shipped, trained, count):
    words = [
        sys.executable,
        "-c",
        ADD_AND_ADOPT,
        str(library.folder),
        str(shipped),
        str(trained),
        str(count),
    ]
    return subprocess.Popen(words, stdout=subprocess.PIPE)


def test_two_processes_lose_nothing_of_each_other(library, shipped, trained):
    children = [adding(library, shipped, trained, 5) for _ in range(2)]
    assert [child.communicate(timeout=PATIENCE_S)[0] for child in children] == [b"ready\n"] * 2
    assert [child.returncode for child in children] == [0, 0]
    assert len(library.list_models()) == 11
    assert len({change.network for change in library.read_history()}) == 10
    assert library.remarks() == ()


def test_a_kill_at_any_moment_leaves_a_library_that_serves(library, shipped, trained):
    child = adding(library, shipped, trained, 10_000)
    child.stdout.readline()
    while not library.read_history():
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(PATIENCE_S)
    child.stdout.close()
    assert library.choose_model().remarks == ()
    assert library.find_serving_model().name.startswith("anna")
    assert library.adopt(library.add(trained).name).name == library.find_serving_model().name


def camera(name, angle):
    matrix = np.array([[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]])
    pose = rigid_transform(
        rotation_from_rotvec(np.array([1.2, angle, -0.4])), np.array([0.1, 0.2, 3.0])
    )
    return Camera(name, (1280, 720), matrix, np.zeros(5), pose)


def test_a_rig_keeps_its_id_through_its_file_and_another_has_another(tmp_path):
    rig = Rig((camera("left", 0.3), camera("right", -0.7)))
    save_rig(rig, tmp_path / "rig.toml")
    assert compute_rig_id(load_rig(tmp_path / "rig.toml")) == compute_rig_id(rig)
    assert compute_rig_id(
        replace(rig, cameras=(camera("left", 0.31), camera("right", -0.7)))
    ) != compute_rig_id(rig)


def test_the_folder_of_own_networks_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("EPIPOLE_NETWORKS", str(tmp_path))
    assert finetuned_models_folder() == tmp_path
    monkeypatch.delenv("EPIPOLE_NETWORKS")
    assert finetuned_models_folder().name == "networks"
