"""Splits: nothing that judges was seen a moment before."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.dots import make_dot_samples
from training.data.samples import Samples
from training.data.splits import SplitConfig, split
from training.errors import TrainingError

MINUTE = 600  # instants at ten per second
CONFIG = SplitConfig()


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Two views of a minute; the pictures do not matter."""
    made = make_dot_samples(1, view_count=2)
    rows = np.repeat([0, 1], MINUTE)
    time = np.tile(np.arange(MINUTE), 2)
    small = replace(made, image=made.image[:, :2, :2])
    return replace(small.select(rows), time_ns=10**12 + time * 100_000_000, frameset=time)


def seconds(samples: Samples, rows: np.ndarray) -> np.ndarray:
    return (samples.time_ns[rows] - samples.time_ns[0]) / 1e9


def test_about_the_share_asked_for_judges_and_the_rest_teaches_but_for_the_gaps(samples):
    found = split(samples, CONFIG)
    assert len(found.judge) / len(samples) == pytest.approx(0.2, abs=0.01)
    assert len(found.train) / len(samples) == pytest.approx(0.7, abs=0.01)
    assert not set(found.train.tolist()) & set(found.judge.tolist())


@pytest.mark.parametrize("gap_s", [0.0, 0.5, 2.0])
def test_nothing_that_teaches_is_nearer_in_time_than_the_gap(samples, gap_s):
    found = split(samples, replace(CONFIG, gap_s=gap_s))
    judge, train = seconds(samples, found.judge), seconds(samples, found.train)
    assert np.abs(judge[:, None] - train).min() >= max(gap_s, 0.05)
    assert not np.isin(samples.frameset[found.train], samples.frameset[found.judge]).any()


def test_an_instant_whose_images_straddle_the_limit_does_not_teach(samples):
    late = replace(samples, time_ns=samples.time_ns + np.where(samples.camera == 1, 50_000_000, 0))
    found = split(late, replace(CONFIG, gap_s=0.0, held_out_share=0.157))
    assert not np.isin(samples.frameset[found.train], samples.frameset[found.judge]).any()
    assert len(found.train) + len(found.judge) < len(
        samples
    )  # the limits do lie between two views of an instant


def test_time_is_held_out_in_the_beginning_the_middle_and_the_end(samples):
    thirds = np.unique(seconds(samples, split(samples, CONFIG).judge) // 20)
    assert list(thirds) == [0, 1, 2]


def test_a_held_out_camera_judges_alone_and_never_teaches(samples):
    found = split(samples, replace(CONFIG, held_out_camera="cam_1"))
    assert set(samples.camera[found.judge]) == {1}
    assert set(samples.camera[found.train]) == {0}
    assert len(found.judge) == pytest.approx(0.1 * len(samples), rel=0.05)


def test_every_clip_is_split_by_itself(samples):
    clip = np.tile((np.arange(MINUTE) >= 300).astype(np.int32), 2)
    two = replace(samples, clip=clip, clips=("monday", "friday"))
    shares = [(clip[split(two, CONFIG).judge] == number).mean() for number in (0, 1)]
    assert shares == pytest.approx([0.5, 0.5], abs=0.02)


def test_a_camera_that_is_not_there_is_named_with_those_that_are(samples):
    with pytest.raises(TrainingError, match="no camera 'left' to hold out; there are cam_0, cam_1"):
        split(samples, replace(CONFIG, held_out_camera="left"))


def test_a_take_too_short_to_be_split_is_refused(samples):
    with pytest.raises(TrainingError, match="Record longer"):
        split(samples.select(samples.time_ns < samples.time_ns[0] + 4 * 10**9), CONFIG)


@pytest.mark.parametrize(
    "broken", [{"held_out_share": 0.0}, {"held_out_share": 1.0}, {"gap_s": -1.0}]
)
def test_shares_and_gaps_that_mean_nothing_are_refused(samples, broken):
    with pytest.raises(TrainingError, match="share between 0 and 1"):
        split(samples, replace(CONFIG, **broken))
