"""Sets of samples: in memory, on the disk, and what breaks them."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from tests.support.dots import STORED_PX, make_dot_samples
from training.data.samples import (
    ARRAYS,
    IMAGES,
    Samples,
    SampleWriter,
    join,
    open_samples,
    write_samples,
)
from training.errors import DatasetError, TrainingError


@pytest.fixture(scope="module")
def samples() -> Samples:
    return make_dot_samples(4)


def assert_same(one: Samples, other: Samples) -> None:
    for field in fields(Samples):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
            assert a.dtype == b.dtype, field.name
        elif field.name != "cameras":
            assert a == b, field.name
    for a, b in zip(one.cameras, other.cameras, strict=True):
        assert (a.name, a.size_wh) == (b.name, b.size_wh)
        np.testing.assert_array_equal(a.cam_from_world, b.cam_from_world)
        np.testing.assert_array_equal(a.distortion, b.distortion)


def test_a_set_comes_back_from_the_disk_as_it_was_and_its_crops_stay_there(samples, tmp_path):
    write_samples(tmp_path / "set", samples)
    back = open_samples(tmp_path / "set")
    assert_same(samples, back)
    assert isinstance(back.image, np.memmap)


def test_some_samples_are_taken_in_the_order_asked_for(samples):
    some = samples.select(np.array([5, 2]))
    np.testing.assert_array_equal(some.xyz, samples.xyz[[5, 2]])
    np.testing.assert_array_equal(some.image, samples.image[[5, 2]])
    assert len(samples.select(samples.camera == 1)) == 4


def test_the_depth_of_the_root_is_the_pelvis(samples):
    np.testing.assert_allclose(samples.root_depth_m, 3.0, atol=1e-6)


def test_arrays_that_do_not_belong_together_are_refused(samples):
    with pytest.raises(ValueError, match="weight is"):
        replace(samples, weight=samples.weight[:, :3])
    with pytest.raises(ValueError, match="time_ns is"):
        replace(samples, time_ns=samples.time_ns[1:])


def test_a_set_keeps_whence_its_joints_are_known(samples, tmp_path):
    write_samples(tmp_path / "set", replace(samples, teacher="annotation"))
    assert open_samples(tmp_path / "set").teacher == "annotation"
    with pytest.raises(ValueError, match="unknown teacher 'rumour'"):
        replace(samples, teacher="rumour")


def test_joined_sets_are_as_sure_as_the_least_sure_of_them(samples):
    labelled, marked = replace(samples, teacher="labels"), replace(samples, teacher="annotation")
    sets = ([samples] * 2, [marked, samples], [samples, labelled, marked])
    assert [join(parts).teacher for parts in sets] == [
        "truth", "annotation", "labels",
    ]  # fmt: skip


def test_joined_sets_keep_their_names_cameras_and_instants_apart(samples):
    other = replace(make_dot_samples(2, view_count=2), persons=("bob",), actions=("squat",))
    both = join([samples, other])
    assert both.persons == ("ada", "bob")
    assert both.clips == ("monday",)
    assert len(both.cameras) == 5
    assert [both.actions[action] for action in both.action[-4:]] == ["squat"] * 4
    np.testing.assert_array_equal(
        both.cameras[both.camera[-1]].cam_from_world, other.cameras[1].cam_from_world
    )
    assert not set(both.frameset[: len(samples)]) & set(both.frameset[len(samples) :])
    np.testing.assert_array_equal(both.image[len(samples) :], other.image)


def test_sets_of_one_rig_share_its_cameras_when_they_are_joined(samples):
    halves = [samples.select(np.arange(6)), samples.select(np.arange(6, 12))]
    assert len(join(halves).cameras) == 3


def test_sets_of_two_sizes_cannot_be_joined(samples):
    with pytest.raises(ValueError, match="one size"):
        join([samples, replace(samples, image=samples.image[:, ::2, ::2])])


def test_a_set_written_in_pieces_keeps_which_samples_are_of_one_instant(samples, tmp_path):
    with SampleWriter(tmp_path, samples.skeleton, STORED_PX) as writer:
        for camera in range(3):
            writer.append(samples.select(samples.camera == camera))
        writer.finish()
    assert_same(samples, open_samples(tmp_path))


def test_a_set_that_was_not_finished_is_none(samples, tmp_path):
    with SampleWriter(tmp_path, samples.skeleton, STORED_PX) as writer:
        writer.append(samples)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DatasetError, match="no finished set"):
        open_samples(tmp_path)


def test_what_a_killed_making_left_behind_is_written_over(samples, tmp_path):
    (tmp_path / IMAGES).write_bytes(b"half a crop")
    write_samples(tmp_path, samples)
    assert_same(samples, open_samples(tmp_path))


def test_a_finished_set_is_never_written_over(samples, tmp_path):
    write_samples(tmp_path, samples)
    with pytest.raises(TrainingError, match="none is overwritten"):
        SampleWriter(tmp_path, samples.skeleton, STORED_PX)
    assert_same(samples, open_samples(tmp_path))


def test_a_set_without_a_sample_is_refused(samples, tmp_path):
    with (
        SampleWriter(tmp_path, samples.skeleton, STORED_PX) as writer,
        pytest.raises(TrainingError, match="No sample"),
    ):
        writer.finish()


def test_crops_of_another_size_are_refused_while_writing(samples, tmp_path):
    with (
        SampleWriter(tmp_path, samples.skeleton, 64) as writer,
        pytest.raises(ValueError, match="at 64 px"),
    ):
        writer.append(samples)


def test_a_disk_that_is_full_is_one_sentence_and_leaves_no_set(samples, tmp_path, monkeypatch):
    def no_room(path, merged, stored_px):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.data.samples._write_arrays", no_room)
    with pytest.raises(TrainingError, match=r"No space left on device\. Free some space"):
        write_samples(tmp_path, samples)
    assert list(tmp_path.iterdir()) == []


def test_crops_for_which_the_disk_has_no_room_are_told_without_bytes_and_offsets(
    samples, tmp_path, monkeypatch
):
    monkeypatch.setattr("training.data.samples.np.ascontiguousarray", lambda image: Refused())
    with pytest.raises(
        TrainingError, match=r"not enough free space for them\. Free some space"
    ) as refused:
        write_samples(tmp_path, samples)
    assert "offset" not in str(refused.value)


class Refused:
    """An array that the disk does not take, in numpy's words."""

    def tofile(self, file):
        raise OSError("Not enough free space to write 99311616 bytes after offset 0")


def test_a_folder_that_cannot_be_made_is_one_sentence(samples, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TrainingError, match="cannot be written"):
        write_samples(tmp_path / "file" / "set", samples)


def test_crops_that_were_cut_short_are_one_sentence(samples, tmp_path):
    write_samples(tmp_path, samples)
    images = tmp_path / IMAGES
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(DatasetError, match="cut short"):
        open_samples(tmp_path)


def test_a_torn_file_of_arrays_is_one_sentence(samples, tmp_path):
    write_samples(tmp_path, samples)
    (tmp_path / ARRAYS).write_bytes((tmp_path / ARRAYS).read_bytes()[:400])
    with pytest.raises(DatasetError, match="are damaged"):
        open_samples(tmp_path)


def test_a_set_of_a_newer_program_asks_for_an_update(samples, tmp_path):
    write_samples(tmp_path, samples)
    with np.load(tmp_path / ARRAYS) as file:
        arrays = dict(file)
    facts = {**json.loads(str(arrays.pop("facts"))), "schema": 99}
    np.savez(tmp_path / ARRAYS, **arrays, facts=np.array(json.dumps(facts)))
    with pytest.raises(DatasetError, match="Update Epipole"):
        open_samples(tmp_path)
