"""Drawn people that all runs share: no kill, other run or damaged disk spoils them."""

import numpy as np
import pytest

from tests.support.dots import make_dot_samples
from training.data.samples import ARRAYS, IMAGES, open_samples, write_samples
from training.errors import TrainingError
from training.finetuning.shared import open_shared_samples


def draw(folder):
    write_samples(folder, make_dot_samples(4))


@pytest.fixture
def places(tmp_path):
    """The shared set's folder, and those of two runs."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    return tmp_path / "drawn", tmp_path / "one", tmp_path / "two"


def never(_folder):
    raise AssertionError("it is there already")


def test_a_set_is_drawn_once_and_leaves_nothing_in_the_run(places):
    folder, one, two = places
    assert len(open_shared_samples(folder, one, draw)) == len(make_dot_samples(4))
    assert len(open_shared_samples(folder, two, never)) == len(make_dot_samples(4))
    assert list(one.iterdir()) == []


def test_of_two_runs_that_draw_at_once_the_first_ones_set_stays_whole(places):
    folder, one, two = places

    before = []

    def overtaken(unfinished):
        draw(unfinished)
        open_shared_samples(folder, two, draw)
        before.append(stamp(folder))

    samples = open_shared_samples(folder, one, overtaken)
    assert before == [stamp(folder)]
    assert np.array_equal(samples.image, make_dot_samples(4).image)


def stamp(folder):
    return (folder / ARRAYS).stat().st_mtime_ns


def test_a_run_that_is_cancelled_while_it_draws_takes_nothing_from_another(places):
    folder, one, two = places

    def cancelled(unfinished):
        unfinished.mkdir()
        (unfinished / IMAGES).write_bytes(b"half")
        open_shared_samples(folder, two, draw)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_shared_samples(folder, one, cancelled)
    assert len(open_samples(folder)) == len(make_dot_samples(4))
    assert list(one.iterdir()) == []


@pytest.mark.parametrize("spoil", ["images cut short", "images gone", "never finished"])
def test_a_damaged_set_is_drawn_anew(places, spoil):
    folder, one, _ = places
    open_shared_samples(folder, one, draw)
    if spoil == "images cut short":
        (folder / IMAGES).write_bytes(b"half")
    else:
        (folder / (IMAGES if spoil == "images gone" else ARRAYS)).unlink()
    assert np.array_equal(open_shared_samples(folder, one, draw).image, make_dot_samples(4).image)


def test_what_a_killed_run_left_behind_makes_way(places):
    folder, one, _ = places
    (one / folder.name).mkdir()
    (one / folder.name / IMAGES).write_bytes(b"half")
    assert len(open_shared_samples(folder, one, draw)) == len(make_dot_samples(4))


def test_a_place_that_cannot_be_had_is_one_sentence(places, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        open_shared_samples(tmp_path / "file" / "drawn", places[1], draw)
