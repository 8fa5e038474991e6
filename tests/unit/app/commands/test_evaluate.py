"""`epipole evaluate`: what it judges by, what it writes and says, and what it refuses."""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.cli import main as cli
from app.commands import evaluate
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from training.data.samples import Samples, write_samples
from training.errors import TrainingError
from training.evaluation import evaluate_models
from training.evaluation.evaluated_model import EvaluatedModel

pytest.importorskip("torch")

SKELETON = load_skeleton("mpii_16")


def people(count: int = 12) -> Samples:
    rng = np.random.default_rng(0)
    camera = Camera("left", (640, 480), np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]))
    xyz = rng.uniform(-0.4, 0.4, (count, 16, 3)) + np.array([0, 0, 4.0])
    xy = xyz[..., :2] / xyz[..., 2:] * 600 + [320, 240]
    number, zero = np.arange(count), np.zeros(count, np.int32)
    return Samples(
        np.zeros((count, 24, 24, 3), np.uint8),
        np.tile([320.0, 240.0, 240.0], (count, 1)), zero, (camera,),
        xyz.astype(np.float32), np.ones((count, 16), np.float32), xy.astype(np.float32),
        np.ones((count, 16), np.float32),
        number, number * 10**9, zero, zero, (number % 2).astype(np.int32),
        ("anna",), ("take",), ("walk", "squat"), SKELETON,
    )  # fmt: skip


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch):
    """Two networks: one sees the same pose everywhere, the other any."""
    still = people().xyz[0] / 4 - [0, 0, 1]
    wide = np.random.default_rng(1).uniform(-0.5, 0.5, (16, 3))

    def always(pose: np.ndarray):
        return lambda image: np.tile(pose, (len(image), 1, 1))

    known = {
        "still": EvaluatedModel("still", "mpii_16", 128, always(still)),
        "worse": EvaluatedModel("worse", "mpii_16", 128, always(wide)),
        "human": EvaluatedModel("human", "h36m_17", 128, always(np.zeros((17, 3), np.float32))),
    }

    @contextmanager
    def open_network(what: str):
        yield known[what]

    monkeypatch.setattr(evaluate_models, "open_model", open_network)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_samples(tmp_path / "data", people())
    return tmp_path / "data"


def test_stored_samples_are_judged_by_their_truth_and_everything_is_written(
    networks, data: Path, capsys
):
    out = data.parent / "out"
    assert cli.main(["evaluate", "still", "--data", str(data), "--out", str(out)]) == 0
    table = json.loads((out / "evaluation.json").read_text())
    assert table["network"] == "still"
    assert table["judge"] == "the truth that came with the samples"
    assert table["ways"][0]["way"] == "box of the detector, depth from stature"
    assert {path.name for path in out.iterdir()} >= {"report.html", "evaluation.txt", "worst.png"}
    said = capsys.readouterr().out
    assert "MPJPE" in said
    assert str(out / "report.html") in said


def test_several_sets_are_judged_as_one(networks, data: Path):
    write_samples(data.parent / "more", people(8))
    words = [
        "evaluate",
        "still",
        "--data",
        str(data),
        str(data.parent / "more"),
        "--out",
        str(data.parent / "out"),
    ]
    assert cli.main(words) == 0
    assert json.loads((data.parent / "out" / "evaluation.json").read_text())["samples"] == 20


def test_another_network_gives_a_paired_difference(networks, data: Path, capsys):
    out = data.parent / "out"
    assert (
        cli.main(
            ["evaluate", "still", "--data", str(data), "--against", "worse", "--out", str(out)]
        )
        == 0
    )
    assert "Against the other model" in capsys.readouterr().out
    text = (out / "evaluation.txt").read_text()
    assert "→" in text
    assert "Against the other model" in (out / "report.html").read_text()


def test_a_network_of_other_joints_is_refused_in_a_sentence(networks, data: Path, capsys):
    assert (
        cli.main(["evaluate", "human", "--data", str(data), "--out", str(data.parent / "out")]) == 1
    )
    assert "'human' finds the 17 joints of 'h36m_17'" in capsys.readouterr().err


def test_labels_of_a_session_are_the_judge_and_that_is_said(
    networks, tmp_path: Path, monkeypatch, capsys
):
    session = SimpleNamespace(path=tmp_path, name="s", facts=SimpleNamespace(stature_m=1.8))
    labels = SimpleNamespace(calibration=SimpleNamespace(id="abc", verdict="usable"))
    weighed = replace(people(), weight=np.full((12, 16), 0.5, np.float32))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "abc-1.npz").touch()
    monkeypatch.setattr(evaluate.Session, "open", lambda path: session)
    monkeypatch.setattr(evaluate_models, "load_labels", lambda path: labels)
    monkeypatch.setattr(evaluate_models, "samples_from_session", lambda *a, **k: weighed)
    words = [
        "evaluate",
        "still",
        "--session",
        str(tmp_path),
        "--labels",
        "abc-1",
        "--out",
        str(tmp_path / "out"),
    ]
    assert cli.main(words) == 0
    table = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert table["stature_m"] == {"anna": 1.8}
    assert "calibration abc, usable" in capsys.readouterr().out


def test_a_session_without_labels_says_what_to_run(networks, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate.Session, "open", lambda path: SimpleNamespace(path=tmp_path))
    assert (
        cli.main(["evaluate", "still", "--session", str(tmp_path), "--out", str(tmp_path / "out")])
        == 1
    )
    assert "epipole label" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--data", "a", "--session", "b"]])
def test_one_judge_must_be_named(words: list[str], capsys):
    assert cli.main(["evaluate", "still", *words]) == 2


def test_labels_without_a_session_are_a_usage_mistake(data: Path, capsys):
    assert cli.main(["evaluate", "still", "--data", str(data), "--labels", "x"]) == 2
    assert "--session" in capsys.readouterr().err


def test_a_missing_checkpoint_is_one_sentence(data: Path, capsys):
    pytest.importorskip("torch")
    assert (
        cli.main(
            ["evaluate", str(data / "no.pt"), "--data", str(data), "--out", str(data.parent / "o")]
        )
        == 1
    )
    assert capsys.readouterr().err.strip().endswith("Check the path.")


def test_data_that_are_no_samples_are_one_sentence(networks, tmp_path: Path, capsys):
    assert (
        cli.main(
            ["evaluate", "still", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "o")]
        )
        == 1
    )
    assert not (tmp_path / "o").exists()
    assert "no finished set of samples" in capsys.readouterr().err


def test_labels_and_truth_are_not_mixed_in_one_table(networks, data: Path, capsys):
    write_samples(data.parent / "labelled", replace(people(8), teacher="labels"))
    sets = [str(data), str(data.parent / "labelled")]
    assert cli.main(["evaluate", "still", "--data", *sets, "--out", str(data.parent / "out")]) == 1
    assert "labelled (labels)" in capsys.readouterr().err


def test_sets_of_different_joints_are_refused(networks, data: Path, capsys, monkeypatch):
    sets = iter((people(), replace(people(), skeleton=replace_name(SKELETON))))
    monkeypatch.setattr(evaluate_models, "open_samples", lambda folder: next(sets))
    with pytest.raises(TrainingError, match="do not fit together"):
        evaluate_models.load_samples([data, data])


def replace_name(skeleton):
    return type(skeleton)("other", skeleton.joints, skeleton.bones, skeleton.lines)


def test_labels_of_a_name_that_is_not_there_are_told_with_those_that_are(
    networks, tmp_path: Path, monkeypatch, capsys
):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "abc-1.npz").touch()
    monkeypatch.setattr(evaluate.Session, "open", lambda path: SimpleNamespace(path=tmp_path))
    words = [
        "evaluate",
        "still",
        "--session",
        str(tmp_path),
        "--labels",
        "abc-2",
        "--out",
        str(tmp_path / "out"),
    ]
    assert cli.main(words) == 1
    said = capsys.readouterr().err
    assert "no labels 'abc-2'. It has abc-1." in said


@pytest.mark.parametrize("what", ["network.onnx", "empty"])
def test_what_is_no_network_is_told_what_is_one(tmp_path: Path, data: Path, capsys, what: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "network.onnx").write_bytes(b"onnx")
    assert (
        cli.main(
            ["evaluate", str(tmp_path / what), "--data", str(data), "--out", str(tmp_path / "out")]
        )
        == 1
    )
    said = capsys.readouterr().err
    assert "Give a checkpoint (.pt)" in said
    assert "Errno" not in said


def test_an_unknown_rival_is_refused_before_the_first_network_is_judged(
    networks, data: Path, monkeypatch
):
    monkeypatch.setattr(evaluate_models, "evaluate_model", lambda *_: pytest.fail("it was judged"))
    with pytest.raises(KeyError):
        evaluate.run(
            cli.arguments.parse(["evaluate", "still", "--data", str(data), "--against", "nobody"])
        )


def test_a_file_in_place_of_samples_is_one_sentence_without_the_systems_words(
    networks, tmp_path: Path, capsys
):
    (tmp_path / "file").write_text("hello")
    assert (
        cli.main(
            ["evaluate", "still", "--data", str(tmp_path / "file"), "--out", str(tmp_path / "out")]
        )
        == 1
    )
    said = capsys.readouterr().err
    assert "is a file, not a folder" in said
    assert "Errno" not in said
