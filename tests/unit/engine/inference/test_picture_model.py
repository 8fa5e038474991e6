"""3D from one view: crops in, poses in their patches out, without torch."""

import numpy as np
import pytest

from engine.errors import ModelMismatchError, ModelMissingError
from engine.inference.backends import BACKENDS
from engine.inference.picture_model import PictureModel
from engine.inference.preprocess import Region
from engine.models.card import ModelCardError, read_card
from tests.support.trained_models import MPII, SIZE_PX, write_colour_model, write_finetuned_model

HALVES = np.zeros((100, 200, 3), np.uint8)
HALVES[:, :100] = (51, 102, 204)  # BGR
LEFT, RIGHT = Region((50.0, 50.0), (60.0, 60.0)), Region((150.0, 50.0), (60.0, 60.0))


@pytest.fixture
def card_path(tmp_path):
    return write_finetuned_model(tmp_path / "colour") / "card.toml"


@pytest.fixture(params=sorted(BACKENDS))
def network(request, card_path):
    network = PictureModel(read_card(card_path), request.param)
    yield network
    network.close()


def test_every_region_is_seen_in_red_green_blue_and_answered_in_its_place(network):
    uvw, spread = network.estimate([(HALVES, RIGHT), (HALVES, LEFT)])
    assert uvw.shape == spread.shape == (2, MPII, 3)
    np.testing.assert_allclose(uvw[0], 0.0, atol=1e-6)
    np.testing.assert_allclose(uvw[1], np.broadcast_to([0.8, 0.4, 0.2], (MPII, 3)), atol=1e-6)
    np.testing.assert_allclose(spread, np.abs(uvw), atol=1e-6)


def test_views_of_different_sizes_go_through_in_one_call(network):
    uvw, _ = network.estimate(
        [(HALVES, LEFT), (HALVES[:40, :40], Region((20.0, 20.0), (30.0, 30.0)))]
    )
    np.testing.assert_allclose(uvw[0], uvw[1], atol=1e-6)


@pytest.mark.parametrize(
    "nowhere",
    [
        Region((np.nan, 50.0), (60.0, 60.0)),
        Region((50.0, 50.0), (0.0, 0.0)),
        Region((50.0, 50.0), (np.inf, np.inf)),
    ],
)
def test_a_region_without_place_or_size_is_nan_and_spoils_no_other(network, nowhere):
    uvw, spread = network.estimate([(HALVES, nowhere), (HALVES, LEFT)])
    assert np.isnan(uvw[0]).all()
    assert np.isnan(spread[0]).all()
    np.testing.assert_allclose(uvw[1, :, 0], 0.8, atol=1e-6)


def test_no_region_at_all_is_no_pose(network):
    assert network.estimate([])[0].shape == (0, MPII, 3)
    assert np.isnan(network.estimate([(HALVES, Region((0.0, 0.0), (0.0, 0.0)))])[0]).all()


def test_a_pose_that_is_no_number_is_missing(network):
    batch = np.zeros((2, 3, SIZE_PX, SIZE_PX), np.float32)
    batch[0, 1] = np.inf
    uvw, spread = network.infer(batch)
    assert np.isnan(uvw[0]).all()
    assert np.isnan(spread[0]).all()
    assert np.isfinite(uvw[1]).all()


def test_it_warms_up_and_may_be_closed_twice(network):
    network.warm_up(3)
    network.close()
    network.close()


def edited(card_path, *pairs):
    text = card_path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    card_path.write_text(text, encoding="utf-8")
    return read_card(card_path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"soft-argmax-3d"', '"simcc"', "codec 'simcc'; 3D from one view needs task 'pose3d'"),
        ('"pose3d"', '"pose2d"', "has task 'pose2d'"),
        ("    32,\n    32,\n", "    64,\n    64,\n", "promises 'image' of any×3×64×64"),
        ("    32,\n    32,\n", "    32,\n    64,\n", "takes 32×64 px"),
        ('"nchw"', '"nhwc"', "needs a square, as nchw"),
        ('"mpii_16"', '"h36m_17"', "finds 16 joints, its skeleton 'h36m_17' has 17"),
        ('"mpii_16"', '"octopus_8"', "octopus_8"),
    ],
)
def test_a_card_that_does_not_fit_says_what_to_correct(card_path, old, new, sentence):
    with pytest.raises(ModelCardError, match=sentence):
        PictureModel(edited(card_path, (old, new)))


def test_a_file_with_other_outputs_is_refused(card_path):
    write_colour_model(card_path.with_name("network.onnx"), output="xyz")
    text = "\n".join(line for line in card_path.read_text().splitlines() if "sha256" not in line)
    card_path.write_text(text)
    with pytest.raises(ModelCardError, match=r"gives .*xyz.*export the model again"):
        PictureModel(read_card(card_path))


def test_a_missing_file_is_named(card_path):
    card_path.with_name("network.onnx").unlink()
    with pytest.raises(ModelMissingError, match=r"there is no file .*network\.onnx"):
        PictureModel(read_card(card_path))


def test_a_damaged_file_is_told_by_its_hash(card_path):
    path = card_path.with_name("network.onnx")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelMismatchError, match="damaged or not that model"):
        PictureModel(read_card(card_path))
