"""`epipole samples`: parts become one stored set, bounded, or nothing at all."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.cli import main as cli
from app.commands import samples as command
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from engine.session.session import SessionFacts
from engine.session.writer import SessionWriter
from training.data.samples import Samples, open_samples
from training.errors import DatasetError, TrainingError

CAMERA = Camera("left", (64, 48), np.diag([50.0, 50.0, 1.0]))


def part(first, count=4):
    """Make samples whose crops are as light as their numbers."""
    numbers = np.arange(first, first + count)
    none = np.zeros(count, np.int32)
    skeleton = load_skeleton("mpii_16")
    return Samples(
        image=np.broadcast_to(numbers.astype(np.uint8)[:, None, None, None], (count, 8, 8, 3)),
        region=np.ones((count, 3)),
        camera=none,
        cameras=(CAMERA,),
        xyz=np.zeros((count, 16, 3), np.float32),
        weight=np.ones((count, 16), np.float32),
        xy=np.zeros((count, 16, 2), np.float32),
        confidence=np.ones((count, 16), np.float32),
        frameset=numbers,
        time_ns=numbers,
        person=none,
        clip=none,
        action=none,
        persons=("anna",),
        clips=("walk",),
        actions=("walking",),
        skeleton=skeleton,
    )


def read(monkeypatch, parts):
    """Replace the reader of MPII by these parts, and record its arguments."""
    asked = []

    def reader(folder, choice):
        asked.append((folder, choice))
        yield from parts

    monkeypatch.setattr(command, "PUBLIC_DATASETS", dict.fromkeys(command.PUBLIC_DATASETS, reader))
    return asked


def test_parts_become_one_set(tmp_path, monkeypatch, capsys):
    asked = read(monkeypatch, [part(0), part(4)])
    words = [
        "samples",
        "human36m",
        str(tmp_path),
        "--out",
        str(tmp_path / "set"),
        "--people",
        "S1,S5",
    ]
    assert cli.main(words) == 0
    np.testing.assert_array_equal(open_samples(tmp_path / "set").image[:, 0, 0, 0], np.arange(8))
    assert "(8, joints from ground truth)" in capsys.readouterr().out
    assert (asked[0][1].every, asked[0][1].people, asked[0][1].max_samples) == (
        5,
        ("S1", "S5"),
        None,
    )


def test_every_photograph_counts_where_nobody_says_otherwise(tmp_path, monkeypatch):
    asked = read(monkeypatch, [part(0)])
    assert cli.main(["samples", "mpii", str(tmp_path), "--out", str(tmp_path / "set")]) == 0
    assert asked[0][1].every == 1


@pytest.mark.parametrize("most", [1, 4, 6, 8, 9])
def test_no_more_than_asked_for_are_stored(tmp_path, monkeypatch, most):
    read(monkeypatch, [part(0), part(4)])
    assert (
        cli.main(["samples", "mpii", "m", "--most", str(most), "--out", str(tmp_path / "set")]) == 0
    )
    assert len(open_samples(tmp_path / "set")) == min(most, 8)


def test_a_set_whose_reading_fails_half_way_is_no_set(tmp_path):
    def failing():
        yield part(0)
        raise DatasetError("The second video is cut short.")

    with pytest.raises(DatasetError, match="cut short"):
        command.store_samples(failing(), tmp_path / "set", None)
    with pytest.raises(DatasetError, match="no finished set"):
        open_samples(tmp_path / "set")


def test_parts_of_two_sizes_are_refused(tmp_path):
    other = replace(part(4), image=np.zeros((4, 16, 16, 3), np.uint8))
    with pytest.raises(ValueError, match="8 px"):
        command.store_samples(iter([part(0), other]), tmp_path / "set", None)


def test_a_session_without_labels_is_told_how_to_get_them(tmp_path, capsys):
    with SessionWriter(tmp_path / "walk", SessionFacts()):
        pass
    assert (
        cli.main(["samples", "session", str(tmp_path / "walk"), "--out", str(tmp_path / "set")])
        == 1
    )
    assert "Run 'epipole label" in capsys.readouterr().err


def test_each_other_instant_of_a_session_is_kept_in_all_its_views(tmp_path, monkeypatch):
    with SessionWriter(tmp_path / "walk", SessionFacts()):
        pass
    (tmp_path / "walk" / "labels").mkdir()
    (tmp_path / "walk" / "labels" / "a.npz").touch()
    views = replace(part(0, 6), frameset=np.array([3, 5, 9, 3, 5, 9]))
    monkeypatch.setattr(command, "load_labels", lambda file: file)
    monkeypatch.setattr(command, "samples_from_session", lambda *_, **__: views)
    words = [
        "samples",
        "session",
        str(tmp_path / "walk"),
        "--every",
        "2",
        "--out",
        str(tmp_path / "set"),
    ]
    assert cli.main(words) == 0
    assert list(open_samples(tmp_path / "set").frameset) == [3, 9, 3, 9]


def test_labels_of_another_rig_and_that_rig_are_used_where_they_are_named(
    tmp_path, monkeypatch, capsys
):
    with SessionWriter(tmp_path / "walk", SessionFacts()):
        pass
    (tmp_path / "walk" / "labels").mkdir()
    for name in ("better-1", "other-1"):  # the other ones are newer
        (tmp_path / "walk" / "labels" / f"{name}.npz").touch()
    asked = []
    monkeypatch.setattr(
        command, "read_calibration", lambda path: (None, SimpleNamespace(id="better"))
    )
    monkeypatch.setattr(command, "load_labels", lambda file: file.stem)

    def cut(session, labels, config, rig_file=None):
        asked.append((labels, rig_file))
        return replace(part(0), teacher="labels")

    monkeypatch.setattr(command, "samples_from_session", cut)
    words = ["samples", "session", str(tmp_path / "walk"), "--out"]
    assert cli.main([*words, str(tmp_path / "one"), "--rig", "better.toml"]) == 0
    assert cli.main([*words, str(tmp_path / "two"), "--labels", "other-1"]) == 0
    assert asked == [("better-1", Path("better.toml")), ("other-1", None)]
    assert "joints from labels of a session" in capsys.readouterr().out
    assert open_samples(tmp_path / "two").teacher == "labels"


def test_a_session_without_labels_of_the_rig_is_told_how_to_get_them(tmp_path, monkeypatch, capsys):
    with SessionWriter(tmp_path / "walk", SessionFacts()):
        pass
    monkeypatch.setattr(
        command, "read_calibration", lambda path: (None, SimpleNamespace(id="better"))
    )
    words = [
        "samples",
        "session",
        str(tmp_path / "walk"),
        "--rig",
        "r.toml",
        "--out",
        str(tmp_path / "set"),
    ]
    assert cli.main(words) == 1
    assert "no labels based on the calibration better" in capsys.readouterr().err


def test_no_sample_at_all_is_one_sentence(tmp_path):
    with pytest.raises(TrainingError, match="None of these images"):
        command.store_samples(iter([]), tmp_path / "set", None)


@pytest.mark.parametrize(
    "words",
    [
        ["studio", "folder"],
        ["mpii"],
        ["mpii", "m", "--every", "0"],
        ["mpii", "m", "--people", ","],
        ["mpii", "m", "--labels", "a"],
        ["studio", "--rig", "r.toml"],
        ["coco"],
    ],
)
def test_words_that_cannot_be_meant_are_refused(tmp_path, words, capsys):
    assert cli.main(["samples", *words, "--out", str(tmp_path / "set")]) == 2
    assert capsys.readouterr().err.startswith("epipole: ")


def test_the_studio_is_asked_for_as_many_as_are_wanted_by_their_seed(tmp_path, monkeypatch):
    class Sampler:
        def draw(self, config):
            assert (config.seed, config.samples) == (2, 8)
            yield from (part(0), part(4))

    monkeypatch.setattr(command, "StudioSampler", Sampler)
    assert (
        cli.main(
            ["samples", "studio", "--most", "8", "--seed", "2", "--out", str(tmp_path / "set")]
        )
        == 0
    )
    assert len(open_samples(tmp_path / "set")) == 8


def test_who_asks_for_few_samples_of_a_session_is_not_told_to_record_longer(tmp_path, monkeypatch):
    with SessionWriter(tmp_path / "walk", SessionFacts()):
        pass
    (tmp_path / "walk" / "labels").mkdir()
    (tmp_path / "walk" / "labels" / "a.npz").touch()
    asked = []
    monkeypatch.setattr(command, "load_labels", lambda file: file)
    monkeypatch.setattr(
        command, "samples_from_session", lambda *words, **_: asked.append(words[2]) or part(0)
    )
    words = ["samples", "session", str(tmp_path / "walk"), "--out"]
    assert cli.main([*words, str(tmp_path / "few"), "--most", "5"]) == 0
    assert cli.main([*words, str(tmp_path / "all")]) == 0
    assert [config.min_samples for config in asked] == [1, 30]


def test_an_out_that_is_a_file_asks_for_another_folder_and_not_for_space(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(TrainingError, match="Choose another folder, then") as refused:
        command.store_samples(iter([part(0)]), tmp_path / "file", None)
    assert "space" not in str(refused.value)
