"""What is done to crops, and the things that stand in them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.inference.preprocess import Region
from tests.support.voc import BLUE, GREEN, RED, write_voc
from training.data.augment import (
    AugmentConfig,
    augment,
    degrade,
    jitter_colours,
    jitter_region,
    occlude,
)
from training.data.occluders import draw_occluders, load_voc_occluders
from training.errors import DatasetError

CONFIG = AugmentConfig()
THINGS = draw_occluders(30, np.random.default_rng(11))
REGION = Region((300.0, 200.0), (400.0, 400.0))


def grey_crop(size_px: int = 128, level: int = 120):
    return np.full((size_px, size_px, 3), level, np.uint8)


def rng_of(seed: int = 0):
    return np.random.default_rng(seed)


def test_whole_things_are_cut_out_of_a_voc_copy_at_half_their_size(tmp_path):
    folder = write_voc(tmp_path / "VOC2012", [("chair", 0, 0), ("dog", 0, 0), ("sofa", 0, 0)])
    occluders = load_voc_occluders(folder)
    assert [thing.shape for thing in occluders] == [(20, 20, 4)] * 3
    for thing, colour in zip(occluders, (RED, GREEN, BLUE)):
        np.testing.assert_allclose(thing[10, 10, :3], colour, atol=12)
        assert thing[10, 10, 3] == 255
        assert thing[0, 10, 3] == 192


def test_people_and_spoilt_things_stay_in_their_pictures(tmp_path):
    folder = write_voc(tmp_path / "VOC2012", [("person", 0, 0), ("dog", 0, 0), ("sofa", 1, 0)])
    occluders = load_voc_occluders(folder)
    assert len(occluders) == 1
    np.testing.assert_allclose(occluders[0][10, 10, :3], GREEN, atol=12)


def test_a_voc_copy_without_whole_things_is_one_sentence(tmp_path):
    folder = write_voc(tmp_path / "VOC2012", [("person", 0, 0), ("dog", 1, 0), ("sofa", 0, 1)])
    with pytest.raises(DatasetError, match="no object"):
        load_voc_occluders(folder)


def test_a_folder_that_is_no_voc_copy_says_what_it_lacks(tmp_path):
    with pytest.raises(DatasetError, match="no folder 'Annotations'"):
        load_voc_occluders(tmp_path)


@pytest.mark.parametrize("file", ["JPEGImages/2007_000001.jpg", "Annotations/2007_000001.xml"])
def test_a_damaged_voc_file_is_named(tmp_path, file):
    folder = write_voc(tmp_path / "VOC2012", [("chair", 0, 0)] * 3)
    (folder / file).write_bytes(b"damaged")
    with pytest.raises(DatasetError, match="2007_000001"):
        load_voc_occluders(folder)


def test_drawn_things_are_opaque_somewhere_and_differ():
    assert all(thing.dtype == np.uint8 and (thing[..., 3] == 255).mean() > 0.2 for thing in THINGS)
    assert len({thing.shape for thing in THINGS}) > 25


@pytest.mark.parametrize("degree", [0.0, 0.3, 0.6])
def test_as_much_is_covered_as_was_asked_for(degree):
    covered = [
        occlude(grey_crop(), THINGS, degree, CONFIG, rng_of(seed))[1].mean() for seed in range(20)
    ]
    assert min(covered) >= degree - 0.2
    assert np.median(covered) >= degree
    assert max(covered) <= 0.7


def test_what_is_not_covered_is_as_it_was():
    crop = grey_crop()
    hidden, covered = occlude(crop, THINGS, 0.4, CONFIG, rng_of(1))
    outside = (
        cv2.dilate(covered.astype(np.uint8), np.ones((5, 5))) == 0
    )  # soft edges reach a little further
    np.testing.assert_array_equal(hidden[outside], crop[outside])
    assert (hidden[covered] != 120).any()
    assert (crop == 120).all()


def test_about_half_of_the_crops_have_something_in_them():
    calm = replace(
        CONFIG, colour_gain=(1, 1), blur_probability=0, noise_probability=0, jpeg_probability=0
    )
    rng, crop = rng_of(2), grey_crop(64)
    changed = [not np.array_equal(augment(crop, THINGS, calm, rng), crop) for _ in range(200)]
    assert 0.38 < np.mean(changed) < 0.6


def test_augmentation_is_the_same_for_the_same_seed_and_another_for_another():
    crop = grey_crop()
    one, again, other = (augment(crop, THINGS, CONFIG, rng_of(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.dtype == np.uint8
    assert one.shape == crop.shape


def test_colours_keep_within_their_gains():
    levels = np.array(
        [jitter_colours(grey_crop(4), CONFIG, rng_of(seed))[0, 0] for seed in range(200)]
    )
    assert levels.min() >= 0.8 * 120 - 1
    assert levels.max() <= 1.2 * 120
    assert (levels.std(0) > 8).all()
    assert jitter_colours(grey_crop(4, 250), CONFIG, rng_of(1)).max() <= 255


def test_squares_keep_within_their_scale_and_turn():
    regions = [jitter_region(REGION, CONFIG, rng_of(seed)) for seed in range(300)]
    sides = np.array([region.size_wh[0] for region in regions]) / 400
    angles = np.array([region.angle_rad for region in regions])
    assert 0.75 - 1e-9 <= sides.min() < sides.max() <= 1.25 + 1e-9
    assert np.abs(angles).max() <= np.deg2rad(60) + 1e-9
    assert 0.3 < (angles == 0).mean() < 0.5
    places = np.array([np.subtract(region.center_xy, REGION.center_xy) for region in regions]) / 400
    assert 0.02 < places.std() < 0.04
    assert np.abs(places).max() <= 0.06 + 1e-9


def test_a_poor_camera_changes_the_picture_and_keeps_its_subject():
    poor = replace(CONFIG, blur_probability=1, noise_probability=1, jpeg_probability=1)
    y, x = np.mgrid[:128, :128]
    crop = np.repeat((60 + (x + y) // 2)[..., None], 3, 2).astype(np.uint8)
    result = degrade(crop, poor, rng_of(5))
    assert not np.array_equal(result, crop)
    assert np.abs(result.astype(float) - crop).mean() < 15


def test_with_every_chance_at_zero_nothing_happens():
    calm = AugmentConfig(
        0, 0, 0, 0, (1, 1), 0, blur_probability=0, noise_probability=0, jpeg_probability=0
    )
    crop = grey_crop()
    np.testing.assert_array_equal(augment(crop, (), calm, rng_of()), crop)
    assert jitter_region(REGION, calm, rng_of()) == REGION


def test_to_cover_a_crop_with_nothing_is_refused():
    with pytest.raises(ValueError, match="Nothing was given"):
        occlude(grey_crop(), (), 0.5, CONFIG, rng_of())
