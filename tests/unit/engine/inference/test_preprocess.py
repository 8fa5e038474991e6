import math

import numpy as np
import pytest

from engine.inference.preprocess import (
    BLACK,
    EDGE,
    Region,
    crop_to_image,
    cut,
    image_from_crop,
    region_from_box,
    region_from_points,
    search_windows,
    to_batch,
    whole_image,
)
from engine.models.card import ModelInput


def gradient(width=320, height=240):
    """An image whose blue is x and whose green is y."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width) % 256, np.arange(height)[:, None]
    return image


def test_a_crop_shows_the_image_where_its_matrix_says():
    region = Region((120.0, 100.0), (80.0, 80.0), 0.4)
    crop = cut(gradient(), region, (64, 64), EDGE)
    x, y = image_from_crop(region, (64, 64)) @ (20, 40, 1)
    np.testing.assert_allclose(crop[40, 20, :2], (x, y), atol=1.0)


def test_crop_to_image_undoes_the_crop():
    region = Region((120.0, 100.0), (80.0, 160.0), -2.0)
    corners = np.array([[0.0, 0.0], [32.0, 64.0], [16.0, 32.0]])
    found = crop_to_image(corners, region, (32, 64))
    np.testing.assert_allclose(found[2], (120, 100))
    np.testing.assert_allclose(np.linalg.norm(found[0] - found[1]), math.hypot(80, 160))


def test_a_person_stands_upright_in_the_region_of_its_points():
    hips, head = np.array([100.0, 100.0]), np.array([150.0, 100.0])  # lying, head to the right
    region = region_from_points(hips, head, 1.25)
    assert region.size_wh == (125.0, 125.0)
    np.testing.assert_allclose(
        crop_to_image(np.array([[50.0, 10.0]]), region, (100, 100)), [[150.0, 100.0]]
    )


@pytest.mark.parametrize("box", [(10, 20, 50, 200), (10, 20, 300, 60)])
def test_the_region_of_a_box_holds_it_in_the_shape_of_the_network(box):
    region = region_from_box(np.array(box, float), 1.25, (192, 256))
    width, height = region.size_wh
    assert width / height == pytest.approx(0.75)
    assert min(width / (box[2] - box[0]), height / (box[3] - box[1])) == pytest.approx(1.25)
    assert region.center_xy == ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def test_the_letterbox_is_black_beside_the_image():
    crop = cut(np.full((100, 200, 3), 255, np.uint8), whole_image((200, 100)), (64, 64), BLACK)
    assert crop[32].min() == 255
    assert crop[4].max() == crop[60].max() == 0


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (1080, 1920), (480, 480)])
def test_every_person_of_a_fifth_of_the_height_is_large_in_some_window(size):
    windows = search_windows(size)
    side = 0.2 * min(size)
    for x in np.linspace(side / 2, size[0] - side / 2, 23):
        for y in np.linspace(side / 2, size[1] - side / 2, 23):
            held = [
                side / window.size_wh[0]
                for window in windows
                if max(abs(x - window.center_xy[0]), abs(y - window.center_xy[1])) + side / 2
                <= window.size_wh[0] / 2 + 1e-6
            ]
            assert max(held) > 0.3


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_a_batch_is_rgb_normalised_and_in_the_layout_of_the_network(layout):
    crop = np.zeros((4, 3, 3), np.uint8)
    crop[...] = (10, 20, 30)  # blue, green, red
    batch = to_batch([crop, crop], ModelInput((3, 4), layout, (5.0, 0.0, 10.0), (1.0, 2.0, 5.0)))
    assert batch.shape == ((2, 4, 3, 3) if layout == "nhwc" else (2, 3, 4, 3))
    pixel = batch[1, 2, 1] if layout == "nhwc" else batch[1, :, 2, 1]
    np.testing.assert_allclose(pixel, (25.0, 10.0, 0.0), atol=1e-5)
    assert batch.flags.c_contiguous
    assert batch.dtype == np.float32
