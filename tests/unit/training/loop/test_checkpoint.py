"""Checkpoints: what they hold, and what is said of those that cannot be read."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from tests.support.tiny_training import TINY, make_tiny_network  # noqa: E402
from training.errors import TrainingError, WeightsError  # noqa: E402
from training.loop.checkpoint import (  # noqa: E402
    Checkpoint,
    load_checkpoint,
    network_from_checkpoint,
    save_checkpoint,
)


@pytest.fixture
def checkpoint() -> Checkpoint:
    weights, ema = (dict(make_tiny_network(seed).state_dict()) for seed in (1, 2))
    history = [{"step": 25, "loss": 0.5}]
    return Checkpoint(
        TINY, "mpii_16", weights, ema, {"adam": {}}, 25, {"train": {"minutes": 1.0}}, history
    )


def test_what_was_saved_is_read_again(tmp_path: Path, checkpoint: Checkpoint):
    save_checkpoint(tmp_path / "new" / "a.pt", checkpoint)
    read = load_checkpoint(tmp_path / "new" / "a.pt")
    for name in (
        "network",
        "skeleton",
        "optimizer",
        "step",
        "config",
        "history",
        "random",
        "position",
    ):
        assert getattr(read, name) == getattr(checkpoint, name)
    assert all(torch.equal(read.weights[name], value) for name, value in checkpoint.weights.items())


def test_the_network_of_a_checkpoint_has_the_averaged_weights_and_is_ready_for_use(
    checkpoint: Checkpoint,
):
    network = network_from_checkpoint(checkpoint)
    assert not network.training
    assert checkpoint.ema is not None
    assert torch.equal(network.state_dict()["scores.weight"], checkpoint.ema["scores.weight"])


def test_without_an_average_it_has_the_weights(checkpoint: Checkpoint):
    network = network_from_checkpoint(replace(checkpoint, ema=None))
    assert torch.equal(network.state_dict()["scores.weight"], checkpoint.weights["scores.weight"])


def test_weights_of_another_network_are_refused(checkpoint: Checkpoint):
    with pytest.raises(WeightsError, match="not those of its own network"):
        network_from_checkpoint(replace(checkpoint, network=replace(TINY, joints=5)))


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_damaged(tmp_path: Path, checkpoint: Checkpoint, kept: float):
    path = tmp_path / "a.pt"
    save_checkpoint(path, checkpoint)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    with pytest.raises(TrainingError, match="damaged"):
        load_checkpoint(path)


def test_a_file_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path):
    path, touched = tmp_path / "evil.pt", tmp_path / "touched"

    class Evil:
        def __reduce__(self):
            return Path.touch, (touched,)

    path.write_bytes(pickle.dumps({"schema": 1, "weights": Evil()}))
    with pytest.raises(TrainingError, match="no checkpoint, or a damaged one"):
        load_checkpoint(path)
    assert not touched.exists()


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(TrainingError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_newer_file_asks_for_a_newer_program(tmp_path: Path):
    torch.save({"schema": 99}, tmp_path / "a.pt")
    with pytest.raises(TrainingError, match="newer Epipole"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_network_of_an_unknown_make_is_named(tmp_path: Path, checkpoint: Checkpoint):
    save_checkpoint(tmp_path / "a.pt", checkpoint)
    table = torch.load(tmp_path / "a.pt", weights_only=True)
    torch.save({**table, "network": {"make": "wonder"}}, tmp_path / "a.pt")
    with pytest.raises(TrainingError, match="wonder"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_disk_that_refuses_leaves_the_file_that_was_there(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch
):
    path = tmp_path / "a.pt"
    save_checkpoint(path, checkpoint)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.disk.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, replace(checkpoint, step=26))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]
