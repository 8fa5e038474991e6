"""The judge of a training, and shards as epochs."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from tests.support.dots import make_dot_samples  # noqa: E402
from tests.support.tiny_training import FakeBatches, make_tiny_network  # noqa: E402
from training.data.batches import BatchConfig, Batches  # noqa: E402
from training.data.crops import Crop, camera_from_patch  # noqa: E402
from training.data.samples import ROOT  # noqa: E402
from training.loop.judge import make_judge  # noqa: E402
from training.studio.shard_batches import ShardBatches  # noqa: E402

CONFIG = BatchConfig(batch=12, size_px=96, other_views=0.0)


class Knows(torch.nn.Module):
    """A network that is told the answer, and adds an error to it."""

    def __init__(self, batches: Batches, error: float, depth: int = 2) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.volume_depth = depth
        self.answers = [torch.nan_to_num(batch.uvw) + error for batch in batches.epoch(0)]

    def forward(self, image):
        return self.answers.pop(0)


@pytest.fixture
def batches() -> Batches:
    return Batches(make_dot_samples(8), CONFIG)


def judged(batches: Batches, network) -> float:
    return make_judge(batches, root=make_dot_samples(1).skeleton.index(ROOT))(network)


def test_the_truth_is_not_off(batches: Batches):
    assert judged(batches, Knows(batches, 0.0)) == pytest.approx(0.0, abs=0.05)


def test_an_error_is_measured_in_millimetres_around_the_root(batches: Batches):
    error = np.array([0.01, -0.02, 0.03], np.float32)
    samples, wanted = make_dot_samples(8), []
    root = samples.skeleton.index(ROOT)
    for batch in batches.epoch(0):
        for row, uvw in zip(batch.index.tolist(), batch.uvw.numpy().astype(float)):
            crop = Crop(
                batches._get_region(row), CONFIG.size_px, samples.cameras[samples.camera[row]]
            )
            depth = float(samples.root_depth_m[row])
            spoiled = uvw + np.where(np.arange(len(uvw))[:, None] == root, 0.0, error)
            found, truth = (camera_from_patch(pose, crop, depth) for pose in (spoiled, uvw))
            off = np.linalg.norm((found - found[root]) - (truth - truth[root]), axis=-1)
            wanted.append(off[np.isfinite(off)])
    network = Knows(batches, 0.0)
    for answer in network.answers:
        answer += torch.from_numpy(error) * (torch.arange(answer.shape[1]) != root)[:, None]
    assert judged(batches, network) == pytest.approx(1000 * np.concatenate(wanted).mean(), rel=1e-3)


def test_a_flat_network_is_given_the_depth(batches: Batches):
    network = Knows(batches, 0.0, depth=1)
    for answer in network.answers:
        answer[..., 2] = 0.0
    assert judged(batches, network) == pytest.approx(0.0, abs=0.05)


def test_without_depth_a_crop_counts_as_two_metres():
    samples = make_dot_samples(8)
    flat = Batches(replace(samples, xyz=np.full_like(samples.xyz, np.nan)), CONFIG)
    network = Knows(flat, 0.0)
    for answer in network.answers:
        answer[..., 0] += 0.05
    assert judged(flat, network) == pytest.approx(100.0, rel=1e-4)


def test_nothing_to_judge_by_is_no_figure():
    assert np.isnan(make_judge(FakeBatches(count=0), root=0)(make_tiny_network()))


def test_each_shard_is_shown_as_often_as_it_should_be_and_fetched_once():
    fetched, shown = [], []

    class Shards:
        def get_shard(self, number):
            fetched.append(number)
            return number

    class Shown(FakeBatches):
        def __init__(self, shard):
            super().__init__()
            self.shard = shard

        def epoch(self, number, first=0):
            shown.append((self.shard, number, first))
            return super().epoch(number, first)

    epochs = ShardBatches(Shards(), Shown, repeats=2, count=4)
    for number, first in ((0, 0), (1, 0), (2, 0), (3, 2)):
        assert len(list(epochs.epoch(number, first))) == 4 - first
    assert fetched == [0, 1]
    assert shown == [(0, 0, 0), (0, 1, 0), (1, 2, 0), (1, 3, 2)]
    assert len(epochs) == 4


def test_a_training_that_goes_on_begins_with_the_shard_it_was_at():
    fetched = []

    class Shards:
        def get_shard(self, number):
            fetched.append(number)
            return number

    next(ShardBatches(Shards(), lambda _: FakeBatches(), repeats=2, count=4).epoch(5, 1))
    assert fetched == [2]
