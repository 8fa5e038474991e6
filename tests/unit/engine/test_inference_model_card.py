import pytest

from calibration.skeleton import load_skeleton
from engine.inference import model_card
from engine.inference.model_card import (
    ModelCardError,
    PathSource,
    UrlSource,
    WheelSource,
    list_cards,
    load_card,
    read_card,
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
    assert set(cards) == {"blazepose", "rtmpose-s", "rtmpose-m", "rtmpose-s-halpe26", "rtmpose-m-halpe26"}
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
        ('codec = "simcc"\n', "", "does not say codec"),
        ("size_wh", "size_hw", "Did you mean 'size_wh'"),
        ('[[files]]\nname = "net.onnx"', "", "lists no file"),
        ('name = "net.onnx"', 'name = "net.onnx"\nsha256 = "123"', "not 64 hex digits"),
        ("[input]", "[input", "is not TOML"),
    ],
)
def test_a_wrong_card_is_refused_with_what_to_change(own_cards, old, new, sentence):
    path = write(own_cards, CARD.replace(old, new))
    with pytest.raises(ModelCardError, match=sentence):
        read_card(path)


def test_a_card_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelCardError, match=r"nowhere\.toml cannot be read"):
        load_card(str(tmp_path / "nowhere.toml"))
