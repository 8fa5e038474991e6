"""`epipole play` without a screen: facts in the terminal and a picture of the best moment."""

import cv2
import pytest

from app.cli import main as cli
from tests.support.sessions import record_session


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    path = tmp_path_factory.mktemp("play") / "walk"
    record_session(path, 12, lost=(3,))
    return path


def test_the_best_moment_is_drawn_and_the_facts_are_said(walk, tmp_path, capsys):
    assert cli.main(["play", str(walk), "--headless", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "Cameras   2: cam_0, cam_1" in said
    assert "Images    23 of 24" in said
    assert cv2.imread(str(tmp_path / "out" / "window.png")).shape == (720, 1280, 3)


def test_a_session_that_is_none_is_one_sentence(tmp_path, capsys):
    assert cli.main(["play", str(tmp_path), "--headless", "--out", str(tmp_path / "out")]) == 1
    assert "is no session" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
