import dataclasses

import pytest

from calibration.skeleton import load_skeleton
from engine.models import card as model_card
from engine.models.card import (
    ModelCardError,
    PathSource,
    TrainingRecord,
    UrlSource,
    WheelSource,
    list_cards,
    load_card,
    read_card,
    write_card,
)

CARD = """
name = "mine"
task = "pose2d"
licence = "MIT"
codec = "simcc"
skeleton = "coco_17"
[source]
path = "weights"
[input]
size_wh = [192, 256]
[[files]]
name = "net.onnx"
"""


@pytest.fixture
def own_cards(tmp_path, monkeypatch):
    monkeypatch.setattr(model_card, "cards_folder", lambda: tmp_path)
    return tmp_path


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_cards_are_read_and_their_skeletons_exist(own_cards):
    cards = {card.name: card for card in list_cards()}
    two_d = {name for name, card in cards.items() if card.task == "pose2d"}
    assert two_d == {
        "blazepose",
        "rtmpose-s",
        "rtmpose-m",
        "rtmpose-s-halpe26",
        "rtmpose-m-halpe26",
    }
    assert all(load_skeleton(card.skeleton).joints for card in cards.values())
    assert cards["blazepose"].source == WheelSource("mediapipe==0.10.21")
    assert isinstance(cards["rtmpose-m"].source, UrlSource)


def test_a_card_of_the_user_is_found_by_its_name_and_by_its_path(own_cards):
    path = write(own_cards, CARD)
    assert load_card("mine") == load_card(str(path))
    assert load_card("mine").source == PathSource((own_cards / "weights").resolve())


def test_a_card_of_the_user_hides_the_shipped_one_of_the_same_name(own_cards):
    write(own_cards, CARD.replace('"mine"', '"blazepose"'))
    assert load_card("blazepose").licence == "MIT"


def test_an_unknown_model_is_refused_with_the_nearest_name(own_cards):
    with pytest.raises(ModelCardError, match=r"no model 'blazepos'. Did you mean 'blazepose'"):
        load_card("blazepos")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("licence", "license", "unknown key 'license'. Did you mean 'licence'"),
        ("path =", "pathh =", "unknown key 'pathh'. Did you mean 'path'"),
        ('[source]\npath = "weights"', "[source]", "must have one of wheel, url, path"),
        ('task = "pose2d"', 'task = "dance"', "must be one of detect, pose2d, pose3d"),
        ('codec = "simcc"\n', "", "lacks codec"),
        ("size_wh", "size_hw", "Did you mean 'size_wh'"),
        ('[[files]]\nname = "net.onnx"', "", "lists no file"),
        ('name = "net.onnx"', 'name = "net.onnx"\nsha256 = "123"', "not 64 hex digits"),
        ("[input]", "[input", "is not TOML"),
        (
            "[input]",
            "[trained]\nparnt = 'x'\n[input]",
            "unknown key 'parnt'. Did you mean 'parent'",
        ),
        (
            "[input]",
            "[trained.metrics]\nmpjpe_mm = 'good'\n[input]",
            "the metric mpjpe_mm = 'good'",
        ),
    ],
)
def test_a_wrong_card_is_refused_with_what_to_change(own_cards, old, new, sentence):
    path = write(own_cards, CARD.replace(old, new))
    with pytest.raises(ModelCardError, match=sentence):
        read_card(path)


def test_a_card_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelCardError, match=r"nowhere\.toml cannot be read"):
        load_card(str(tmp_path / "nowhere.toml"))


def test_the_card_of_a_taught_network_survives_its_file(tmp_path):
    card = read_card(write(tmp_path, CARD))
    record = TrainingRecord(
        "root",
        ("session a", "session b"),
        ("0123",),
        {"mpjpe_mm": 48.5},
        "anna",
        "2026-11-21",
        "x",
        9.5,
    )
    card = dataclasses.replace(card, source=PathSource(tmp_path.resolve()), trained=record)
    write_card(card, tmp_path / "written.toml")
    assert read_card(tmp_path / "written.toml") == card
    assert str(tmp_path) not in (tmp_path / "written.toml").read_text()


def test_the_card_of_a_download_is_not_written(tmp_path):
    card = dataclasses.replace(
        read_card(write(tmp_path, CARD)), source=UrlSource("https://example.org/net.onnx")
    )
    with pytest.raises(ModelCardError, match="not on this machine"):
        write_card(card, tmp_path / "written.toml")
