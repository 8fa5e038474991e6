"""Shards: a child draws ahead, in order, within its room on the disk, and ends with its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.child import NICENESS
from tests.support.patience import wait_until
from training.data.samples import ARRAYS, open_samples
from training.errors import TrainingError
from training.studio import samples as studio_samples
from training.studio.samples import StudioSampleConfig, StudioSampler
from training.studio.shards import Shard, ShardSpool, render_shard, shard_folder

MAX_NICENESS = 19  # of the operating system
FAKE = """
import os, time
from pathlib import Path
from training.errors import TrainingError

def quick(config_toml):
    def make(spool, number, watch):
        folder = Path(spool) / f"shard_{number:06d}"
        folder.mkdir()
        (folder / "child").write_text(f"{os.getpid()} {os.nice(0)} {os.environ['OMP_NUM_THREADS']}")
        watch()
    return make

def full_disk(config_toml):
    def make(spool, number, watch):
        raise TrainingError("The samples cannot be written: No space left. Free some space.")
    return make

def broken(config_toml):
    raise KeyError("a bug")

def endless(config_toml):
    def make(spool, number, watch):
        folder = Path(spool) / f"shard_{number:06d}"
        folder.mkdir()
        (folder / "child").write_text(str(os.getpid()))
        while True:
            watch()
            time.sleep(0.02)
    return make
"""
TINY = StudioSampleConfig(seed=1, samples=3, stored_px=32)
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and kills")


@pytest.fixture(scope="module")
def sampler() -> Iterator[StudioSampler]:
    """A sampler that draws its rooms once: two, since each takes as long as a dozen samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio_samples, "ROOM_COUNT", 2)
        yield StudioSampler()


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put quick makers of shards where a child finds them."""
    (tmp_path / "fake_shards.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def spool(fakes: Path) -> Iterator[ShardSpool]:
    """Start a spool of two shards."""
    with ShardSpool(fakes / "spool", TINY, ahead=2, first=4, work="fake_shards:quick") as running:
        yield running


def shards_in(folder: Path) -> list[str]:
    """List the shards on the disk."""
    return sorted(path.name for path in folder.glob("shard_*"))


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or only its exit code is left."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_shards_come_in_order_and_no_more_than_there_is_room_for(spool: ShardSpool, fakes: Path):
    one, two = spool.next(), spool.next()
    assert (one.number, two.number) == (4, 5)
    assert spool.ready() is None
    time.sleep(0.1)
    assert shards_in(fakes / "spool") == ["shard_000004", "shard_000005"]
    spool.release(one)
    assert spool.next().number == 6
    assert shards_in(fakes / "spool") == ["shard_000005", "shard_000006"]


def test_the_child_is_nice_and_of_one_thread(spool: ShardSpool):
    pid, niceness, threads = (spool.next().folder / "child").read_text().split()
    assert int(pid) != os.getpid()
    assert int(niceness) == min(os.nice(0) + NICENESS, MAX_NICENESS)
    assert threads == "1"


@linux
def test_closing_ends_the_child_and_leaves_nothing(fakes: Path):
    spool = ShardSpool(fakes / "spool", TINY, work="fake_shards:quick")
    pid = int((spool.next().folder / "child").read_text().split()[0])
    spool.close()
    spool.close()
    assert wait_until(lambda: has_ended(pid))
    assert shards_in(fakes / "spool") == []


@linux
def test_a_killed_child_is_told_in_a_sentence(spool: ShardSpool):
    one, _ = spool.next(), spool.next()
    pid = int((one.folder / "child").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: has_ended(pid))
    spool.release(one)
    with pytest.raises(TrainingError, match="ended unexpectedly"):
        spool.next()


@pytest.mark.parametrize(
    ("work", "sentence"), [("full_disk", "Free some space"), ("broken", "Internal error")]
)
def test_what_the_child_cannot_do_is_told_in_a_sentence(fakes: Path, work: str, sentence: str):
    with (
        ShardSpool(fakes / "spool", TINY, work=f"fake_shards:{work}") as spool,
        pytest.raises(TrainingError, match=sentence),
    ):
        spool.next()


def test_the_next_shard_is_refused_where_all_are_in_use(spool: ShardSpool):
    shards = [spool.next(), spool.next()]
    with pytest.raises(ValueError, match="All shards are in use"):
        spool.next()
    spool.release(shards[0])
    assert spool.next().number == 6


def test_a_shard_that_is_not_finished_is_not_ready(fakes: Path):
    with ShardSpool(fakes / "spool", TINY, work="fake_shards:endless") as spool:
        assert spool.ready(0.05) is None


@linux
def test_the_child_of_a_killed_program_ends(fakes: Path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from training.studio.shards import ShardSpool\n"
        "from training.studio.samples import StudioSampleConfig\n"
        f"spool = ShardSpool(Path({str(fakes / 'spool')!r}), StudioSampleConfig(), "
        "work='fake_shards:endless')\n"
        "time.sleep(100)\n"
    )
    path = os.pathsep.join([str(fakes), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}
    )
    word = fakes / "spool" / "shard_000000" / "child"
    assert wait_until(lambda: word.exists() and bool(word.read_text()))
    parent.kill()
    parent.wait()
    pid = int(word.read_text())
    assert wait_until(lambda: has_ended(pid))


def test_a_spool_in_use_is_not_shared(spool: ShardSpool, fakes: Path):
    with pytest.raises(TrainingError, match="Another run"):
        ShardSpool(fakes / "spool", TINY, work="fake_shards:quick")
    assert spool.next().number == 4


def test_what_an_earlier_run_left_is_deleted_and_nothing_else(fakes: Path):
    folder = fakes / "spool"
    (folder / "shard_000000").mkdir(parents=True)
    (folder / "shard_000000" / "images.u8").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    with ShardSpool(folder, TINY, work="fake_shards:endless"):
        assert not (folder / "shard_000000" / "images.u8").exists()
        assert (folder / "notes.txt").exists()


def test_a_shard_is_the_samples_of_its_number(sampler: StudioSampler, tmp_path: Path):
    render_shard(tmp_path / "a", TINY, 3, sampler=sampler)
    samples = Shard(3, tmp_path / "a").samples()
    again = next(sampler.draw(TINY, 3))
    np.testing.assert_array_equal(samples.image, again.image)
    np.testing.assert_array_equal(samples.xyz, again.xyz)
    with pytest.raises(TrainingError, match="none is overwritten"):
        render_shard(tmp_path / "a", TINY, 3, sampler=sampler)


def test_a_shard_that_was_cut_short_is_no_set(sampler: StudioSampler, tmp_path: Path):
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_shard(tmp_path / "a", TINY, 3, on_progress=stop, sampler=sampler)
    assert not (tmp_path / "a" / ARRAYS).exists()


def test_the_real_child_draws_real_samples(tmp_path: Path):
    with ShardSpool(tmp_path / "spool", TINY, ahead=1) as spool:
        shard = spool.next()
        samples = open_samples(shard.folder)
        assert samples.image.shape == (3, 32, 32, 3)
        assert shard.folder == shard_folder(tmp_path / "spool", 0)
        del samples
        spool.release(shard)
        assert not shard.folder.exists()
