import numpy as np
import pytest

from engine.errors import ModelMismatchError
from engine.inference.decode import decode_heatmap, decode_simcc

CROP = (192, 256)


def simcc(xy, confidence, bins=2):
    """Maps (1, J, n) with one peak for each joint."""
    maps = [np.full((1, len(xy), side * bins), 0.01, np.float32) for side in CROP]
    for joint, ((x, y), sure) in enumerate(zip(xy, confidence)):
        maps[0][0, joint, round(x * bins)] = sure
        maps[1][0, joint, round(y * bins)] = 0.9
    return maps


def test_simcc_finds_the_highest_bins_and_trusts_the_worse_axis():
    found = decode_simcc(simcc([(10.5, 20.0), (191.0, 255.5)], (0.8, 0.95)), CROP)
    np.testing.assert_allclose(found.xy[0], [(10.5, 20.0), (191.0, 255.5)])
    np.testing.assert_allclose(found.confidence[0], (0.8, 0.9), atol=1e-6)


@pytest.mark.parametrize(
    "outputs",
    [
        [np.zeros((1, 17, 384), np.float32)],
        [np.zeros((1, 17, 512), np.float32), np.zeros((1, 17, 384), np.float32)],
        [np.zeros((1, 17, 64, 48), np.float32), np.zeros((1, 17), np.float32)],
    ],
)
def test_simcc_refuses_other_outputs_and_says_their_shapes(outputs):
    with pytest.raises(ModelMismatchError, match="the model gave 1×17"):
        decode_simcc(outputs, CROP)


def heat(xy, sigma=2.0):
    """Maps (1, J, 64, 48) of Gaussians; xy in cells."""
    columns, rows = np.arange(48), np.arange(64)[:, None]
    maps = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)) for x, y in xy]
    return np.array(maps, np.float32)[None]


def test_heatmap_finds_a_peak_between_the_cells():
    xy = np.array([(20.3, 30.7), (10.0, 40.45), (30.5, 12.1)])
    found = decode_heatmap([heat(xy)], CROP)
    np.testing.assert_allclose(
        found.xy[0], xy * 4, atol=0.15
    )  # px of the crop; argmax alone is off by up to 2
    assert (found.confidence > 0.85).all()


def test_heatmap_stays_at_the_cell_on_the_border_and_on_a_flat_map():
    maps = np.concatenate([heat([(0.0, 63.0)]), np.zeros((1, 1, 64, 48), np.float32)], axis=1)
    found = decode_heatmap([maps], CROP)
    np.testing.assert_allclose(found.xy[0], [(0.0, 252.0), (0.0, 0.0)])
    assert found.confidence[0, 1] == 0


def test_heatmap_refuses_what_is_no_map():
    with pytest.raises(ModelMismatchError, match="codec 'heatmap'"):
        decode_heatmap([np.zeros((1, 17, 3), np.float32)], CROP)
