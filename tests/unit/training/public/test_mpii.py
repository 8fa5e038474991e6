"""MPII in its published layout: joints by number, pixels from 0, squares, damaged files."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from training.data.samples import SampleWriter, join, open_samples
from training.errors import DatasetError
from training.public.clips import ImageSelection
from training.public.mpii import read_mpii

EVERY = ImageSelection(every=1, stored_px=48)
FILE = "mpii_human_pose_v1_u12_1.mat"


def structs(rows, fields):
    """Make a row of MATLAB structures."""
    array = np.empty((1, len(rows)), [(name, object) for name in fields])
    for index, row in enumerate(rows):
        for name in fields:
            array[0, index][name] = row.get(name, np.empty((0, 0)))
    return array


def person(points, *, scale=0.4, middle=(101.0, 81.0)):
    """Describe an annotated person; `points` by the number of the joint, counted from 1."""
    fields = ("x", "y", "id", "is_visible")
    rows = [
        {"x": float(x), "y": float(y), "id": joint, "is_visible": 1}
        for joint, (x, y) in points.items()
    ]
    return {
        "scale": scale,
        "objpos": structs([{"x": middle[0], "y": middle[1]}], ("x", "y")),
        "annopoints": structs([{"point": structs(rows, fields)}], ("point",)),
    }


def image(name, people, video=7):
    """Describe an image of the list."""
    return {
        "image": structs([{"name": name}], ("name",)),
        "annorect": structs(people, ("scale", "objpos", "annopoints"))
        if people
        else np.empty((0, 0)),
        "vididx": video,
    }


def write(folder, images, training):
    """Write the annotations as published."""
    release = {
        "annolist": structs(images, ("image", "annorect", "vididx")),
        "img_train": np.array([training], np.uint8),
        "act": structs([{"cat_name": "sports"}] * len(images), ("cat_name",)).T,
    }
    savemat(folder / FILE, {"RELEASE": structs([release], tuple(release))})


FULL = {joint: (50 + 3 * joint, 20 + 7 * joint) for joint in range(16)}


@pytest.fixture
def folder(tmp_path):
    """Three images: one of two people, one of the test set, one with a single joint."""
    (tmp_path / "images").mkdir()
    for number in range(3):
        cv2.imwrite(
            str(tmp_path / "images" / f"00{number}.jpg"),
            np.full((160, 200, 3), 60 + 60 * number, np.uint8),
        )
    both = [person(FULL), person({6: (11.0, 21.0)}, scale=0.2), {"scale": 0.3}]
    images = [
        image("000.jpg", both),
        image("001.jpg", [person(FULL)]),
        image("002.jpg", [person({9: (31, 41)})], 8),
    ]
    write(tmp_path, images, [1, 0, 1])
    return tmp_path


def test_joints_are_those_of_their_numbers_with_pixels_counted_from_0(folder):
    samples = join(list(read_mpii(folder, EVERY)))
    wanted = np.array([[49 + 3 * joint, 19 + 7 * joint] for joint in range(16)])
    np.testing.assert_array_equal(samples.xy[0], wanted)
    index = samples.skeleton.index
    assert [
        index(joint) for joint in ("right_ankle", "left_hip", "pelvis", "head_top", "left_wrist")
    ] == [
        0,
        3,
        6,
        9,
        15,
    ]
    np.testing.assert_array_equal(samples.xy[1, index("pelvis")], [10, 20])


def test_joints_that_nobody_annotated_are_nan_with_no_confidence(folder):
    samples = join(list(read_mpii(folder, EVERY)))
    assert np.isfinite(samples.xy[1]).all(-1).sum() == 1
    np.testing.assert_array_equal(samples.confidence, np.isfinite(samples.xy).all(-1))


def test_nothing_is_said_of_depth(folder):
    samples = join(list(read_mpii(folder, EVERY)))
    assert np.isnan(samples.xyz).all()
    assert not samples.weight.any()
    assert np.isnan(samples.root_depth_m).all()


def test_squares_follow_the_scale_of_the_set(folder):
    samples = join(list(read_mpii(folder, EVERY)))
    np.testing.assert_allclose(samples.region[0], [100, 80 + 15 * 0.4, 1.25 * 200 * 0.4])
    np.testing.assert_allclose(samples.region[1], [100, 80 + 15 * 0.2, 1.25 * 200 * 0.2])


def test_images_of_the_test_set_and_people_without_joints_are_left_out(folder):
    samples = join(list(read_mpii(folder, EVERY)))
    assert len(samples) == 3
    assert np.abs(samples.image[:, 24, 24, 0].astype(int) - [60, 60, 180]).max() < 4
    assert [samples.clips[clip] for clip in samples.clip] == ["video 7", "video 7", "video 8"]
    assert samples.actions == ("sports",)


def test_no_more_people_than_wanted_are_spread_over_all_photographs(folder):
    every = next(read_mpii(folder, EVERY))
    some = next(read_mpii(folder, replace(EVERY, max_samples=2)))
    np.testing.assert_array_equal(some.xy, every.xy[[0, 1]])
    assert len(next(read_mpii(folder, replace(EVERY, max_samples=9)))) == 3
    assert some.teacher == "annotation"


def test_people_of_one_photograph_share_its_time_and_nothing_else(folder):
    samples = join(list(read_mpii(folder, EVERY)))
    assert list(samples.time_ns) == [0, 0, 2_000_000_000]
    assert len(set(samples.frameset)) == 3


def test_a_set_that_was_stored_is_read_back(folder, tmp_path):
    samples = join(list(read_mpii(folder, EVERY)))
    with SampleWriter(tmp_path / "set", samples.skeleton, 48) as writer:
        for part in read_mpii(folder, EVERY):
            writer.append(part)
        writer.finish()
    again = open_samples(tmp_path / "set")
    np.testing.assert_array_equal(again.image, samples.image)
    np.testing.assert_array_equal(again.xy, samples.xy)


def test_a_missing_image_is_one_sentence(folder):
    (folder / "images" / "002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"no readable image.*002\.jpg"):
        list(read_mpii(folder, EVERY))


def test_missing_annotations_are_one_sentence(folder):
    (folder / FILE).unlink()
    with pytest.raises(DatasetError, match="has no 'mpii_human_pose"):
        list(read_mpii(folder, EVERY))


@pytest.mark.parametrize("keep", [0, 100, 128, 700, 2000])
def test_annotations_that_are_cut_short_are_one_sentence(folder, keep):
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:keep])
    with pytest.raises(DatasetError, match="mpii_human_pose"):
        list(read_mpii(folder, EVERY))


@pytest.mark.parametrize("content", [{"other": 1}, {"RELEASE": 1}, {"RELEASE": {"annolist": 3}}])
def test_another_matlab_file_is_one_sentence(folder, content):
    savemat(folder / FILE, content)
    with pytest.raises(DatasetError, match="Fetch it again"):
        list(read_mpii(folder, EVERY))


def test_nobody_among_the_images_asked_for_is_one_sentence(folder):
    write(folder, [image("000.jpg", [])], [1])
    with pytest.raises(DatasetError, match="no annotated person"):
        list(read_mpii(folder, EVERY))
