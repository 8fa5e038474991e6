"""The loop: its steps, its end, and what a kill, a full disk or a bad sample leave behind."""

import errno
import json
import math
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install -e '.[train]'")

from tests.support.patience import PATIENCE_S  # noqa: E402
from tests.support.tiny_training import JOINTS, TINY, FakeBatches, make_tiny_network, make_views  # noqa: E402
from training.data.reprojection import OtherView  # noqa: E402
from training.errors import DatasetError, DivergedError, TrainingError  # noqa: E402
from training.loop.checkpoint import load_checkpoint, network_from_checkpoint, save_checkpoint  # noqa: E402
from training.loop.config import TrainConfig  # noqa: E402
from training.loop.devices import choose_precision, count_free_threads, set_up_placement  # noqa: E402
from training.loop.history import read_history  # noqa: E402
from training.loop.learner import compute_loss  # noqa: E402
from training.loop.meter import Stopwatch  # noqa: E402
from training.loop.runs import Run, StopReason  # noqa: E402
from training.loop.schedule import BudgetUsed, compute_learning_rate, compute_share_used  # noqa: E402
from training.loop.train import resume, train  # noqa: E402

ROOT = Path(__file__).parents[4]
SHORT = TrainConfig(
    samples=48, learning_rate=3e-3, warmup_steps=2, precision="f32", threads=1, judgements=4
)
PROCESSOR = torch.device("cpu")


def off_mm(network) -> float:
    """Judge a network by batches it never saw."""
    batch = FakeBatches().batch(torch.Generator().manual_seed(10**6))
    with torch.no_grad():
        return float((network(batch.image) - batch.uvw).norm(dim=-1).mean()) * 2000


def same(left, right) -> bool:
    """Whether two values hold the same, to the last bit."""
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right or (left != left and right != right)


def learned(folder: Path) -> dict:
    """Read what a run's state says of the network, without anything that hangs on the clock."""
    state = load_checkpoint(folder / "last.pt")
    rows = [
        {name: row[name] for name in ("step", "samples", "loss", "judged_mm")}
        for row in state.history
    ]
    position = {name: value for name, value in state.position.items() if name != "elapsed_s"}
    return {
        "weights": state.weights, "ema": state.ema, "optimizer": state.optimizer,
        "random": state.random,
        "rows": rows, "position": position,
    }  # fmt: skip


def test_a_network_learns_what_can_be_seen_and_the_best_is_kept(tmp_path: Path):
    config = replace(SHORT, samples=640, learning_rate=1e-2, ema=0.9, judgements=2)
    network = make_tiny_network(config=replace(TINY, widths=(8, 8, 8, 8)))
    before = off_mm(network.eval())
    trained = train(network, FakeBatches(size=16), config, Run(tmp_path, judge=off_mm))
    assert trained.stopped_because is StopReason.BUDGET
    assert trained.best_mm < 0.3 * before
    kept = load_checkpoint(trained.checkpoint)
    assert off_mm(network_from_checkpoint(kept)) == pytest.approx(trained.best_mm, rel=1e-5)
    assert kept.optimizer is None
    assert kept.config["train"]["learning_rate"] == config.learning_rate


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_a_training_that_was_stopped_in_an_epoch_goes_on_bit_for_bit(
    tmp_path: Path, precision: str
):
    config = replace(SHORT, precision=precision)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train(make_tiny_network(), FakeBatches(), config, Run(whole, judge=off_mm))
    countdown = iter([False] * 5)
    stopped = train(
        make_tiny_network(),
        FakeBatches(),
        config,
        Run(halves, judge=off_mm, should_stop=lambda: next(countdown, True)),
    )
    assert stopped.stopped_because is StopReason.CANCELLED
    assert load_checkpoint(halves / "last.pt").step == 6
    torch.manual_seed(99)
    assert resume(FakeBatches(), Run(halves, judge=off_mm)).stopped_because is StopReason.BUDGET
    assert same(learned(halves), learned(whole))
    assert same(
        load_checkpoint(halves / "best.pt").weights, load_checkpoint(whole / "best.pt").weights
    )
    assert [row.step for row in read_history(halves)] == [row.step for row in read_history(whole)]


def test_a_training_that_was_killed_goes_on_from_its_last_state_bit_for_bit(tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(make_tiny_network(), FakeBatches(), SHORT, Run(whole, judge=off_mm))

    class Kill(BaseException):
        pass

    class Killed(FakeBatches):
        def batch(self, generator):
            if self.served_count == 7:
                raise Kill
            return super().batch(generator)

    with pytest.raises(Kill):
        train(
            make_tiny_network(),
            Killed(),
            replace(SHORT, save_every_s=1e-9),
            Run(killed, judge=off_mm),
        )
    assert load_checkpoint(killed / "last.pt").step == 7
    resume(FakeBatches(), Run(killed, judge=off_mm), SHORT)
    assert same(learned(killed), learned(whole))


def test_what_watch_raises_ends_the_training_and_finds_the_state_kept(tmp_path: Path):
    told = []

    class Enough(Exception):
        pass

    def watch(progress):
        told.append(progress)
        raise Enough

    with pytest.raises(Enough):
        train(make_tiny_network(), FakeBatches(), SHORT, Run(tmp_path, on_progress=watch))
    assert load_checkpoint(tmp_path / "last.pt").step == 1
    assert (told[0].step, told[0].steps) == (1, 12)


def test_the_first_network_is_the_best_where_teaching_makes_it_worse(tmp_path: Path):
    answers = iter([50.0, 60.0, 55.0, 70.0, 80.0])
    network = make_tiny_network()
    first = {name: value.clone() for name, value in network.state_dict().items()}
    trained = train(network, FakeBatches(), SHORT, Run(tmp_path, judge=lambda _: next(answers)))
    assert trained.best_mm == 50.0
    assert same(dict(load_checkpoint(trained.checkpoint).weights), first)


def test_a_network_that_no_longer_gets_better_is_taught_no_further(tmp_path: Path):
    answers = iter([50.0, 40.0, 41.0, 42.0])
    config = replace(SHORT, samples=4000, judgements=1000, patience=2)
    trained = train(
        make_tiny_network(), FakeBatches(), config, Run(tmp_path, judge=lambda _: next(answers))
    )
    assert trained.stopped_because is StopReason.PATIENCE
    assert trained.best_mm == 40.0
    again = resume(FakeBatches(), Run(tmp_path, judge=lambda _: 1.0))
    assert again.stopped_because is StopReason.PATIENCE


def test_a_judge_without_an_answer_stops_nothing(tmp_path: Path):
    config = replace(SHORT, patience=1)
    trained = train(
        make_tiny_network(), FakeBatches(), config, Run(tmp_path, judge=lambda _: math.nan)
    )
    assert trained.stopped_because is StopReason.BUDGET
    assert math.isnan(trained.best_mm)
    assert load_checkpoint(trained.checkpoint).step == 12


def test_one_loss_that_is_no_number_is_stepped_back_from(tmp_path: Path):
    trained = train(make_tiny_network(), FakeBatches(spoiled=(5,)), SHORT, Run(tmp_path))
    state = load_checkpoint(tmp_path / "last.pt")
    assert trained.stopped_because is StopReason.BUDGET
    assert state.position["setbacks"] == 1
    assert all(torch.isfinite(value).all() for value in state.weights.values())
    assert trained.history[-1].learning_rate < SHORT.learning_rate * 0.01


def test_a_second_one_ends_the_training_with_the_good_weights_on_the_disk(tmp_path: Path):
    with pytest.raises(DivergedError, match=r"step 8 .*last\.pt"):
        train(make_tiny_network(), FakeBatches(spoiled=(5, 7)), SHORT, Run(tmp_path))
    assert all(
        torch.isfinite(value).all()
        for value in load_checkpoint(tmp_path / "last.pt").weights.values()
    )


def test_a_disk_that_fills_is_a_sentence_and_the_last_state_stays_whole(
    tmp_path: Path, monkeypatch
):
    written, fsync = [], os.fsync

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 9:
            raise OSError(errno.ENOSPC, "No space left on device", "last.pt")
        fsync(descriptor)

    monkeypatch.setattr("engine.disk.os.fsync", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        train(make_tiny_network(), FakeBatches(), replace(SHORT, save_every_s=1e-9), Run(tmp_path))
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / "last.pt").step > 0
    assert not list(tmp_path.glob("*.part"))
    assert resume(FakeBatches(), Run(tmp_path)).stopped_because is StopReason.BUDGET


def test_a_folder_with_a_training_is_not_written_over(tmp_path: Path):
    train(make_tiny_network(), FakeBatches(), SHORT, Run(tmp_path))
    before = (tmp_path / "last.pt").read_bytes()
    with pytest.raises(TrainingError, match="--resume"):
        train(make_tiny_network(), FakeBatches(), SHORT, Run(tmp_path))
    assert (tmp_path / "last.pt").read_bytes() == before


def test_more_time_can_be_given_to_a_training_that_has_ended(tmp_path: Path):
    train(make_tiny_network(), FakeBatches(), SHORT, Run(tmp_path))
    trained = resume(FakeBatches(), Run(tmp_path), replace(SHORT, samples=64))
    assert trained.history[-1].step == 16


def test_a_finished_network_cannot_be_gone_on_from(tmp_path: Path):
    trained = train(make_tiny_network(), FakeBatches(), SHORT, Run(tmp_path / "a"))
    other = tmp_path / "b"
    save_checkpoint(other / "last.pt", load_checkpoint(trained.checkpoint))
    with pytest.raises(TrainingError, match="finished"):
        resume(FakeBatches(), Run(other))


def test_data_without_a_batch_are_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match="fewer samples than a batch"):
        train(make_tiny_network(), FakeBatches(count=0), SHORT, Run(tmp_path))


def test_a_budget_in_epochs_ends_with_an_epoch(tmp_path: Path):
    config = replace(SHORT, samples=math.inf, epochs=2)
    assert (
        train(make_tiny_network(), FakeBatches(count=3), config, Run(tmp_path)).history[-1].step
        == 6
    )


def test_two_processes_teach_one_network_and_one_of_them_writes(tmp_path: Path):
    # Dear, and worth it: two processes import torch, and nothing less shows that their gradients
    # meet.
    script = (
        "import os, sys; from pathlib import Path\n"
        "from tests.support.tiny_training import FakeBatches, make_tiny_network\n"
        "from training.loop.runs import Run; from training.loop.train import train\n"
        "from training.loop.config import TrainConfig\n"
        "import torch; rank = os.environ['RANK']; out = Path(sys.argv[1])\n"
        "config = TrainConfig(samples=64, precision='f32', threads=1, judgements=2, "
        "save_every_s=1e-9)\n"
        "network = make_tiny_network(int(rank))\n"
        "run = Run(out / f'run-{rank}', judge=lambda n: 5.0 + int(rank))\n"
        "trained = train(network, FakeBatches(), config, run)\n"
        "torch.save(network.state_dict(), out / f'{rank}.pt'); print(len(trained.history), "
        "trained.best_mm)\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=ROOT,
            env={**shared, "RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=5 * PATIENCE_S) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert [words.split()[-1] for words, _ in said] == ["5.0", "5.0"]
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    learned_alike = [same(first[name], second[name]) for name in first if "running" not in name]
    assert all(learned_alike)
    assert load_checkpoint(tmp_path / "run-0" / "last.pt").position["samples"] == 64
    assert not (tmp_path / "run-1").exists()


def test_a_flat_network_is_not_asked_for_depth():
    batch = FakeBatches().batch(torch.Generator().manual_seed(0))
    batch.uvw[..., 2] = 0.3
    assert compute_loss(batch.uvw * torch.tensor([1.0, 1.0, 0.0]), batch, SHORT, flat=True) == 0.0
    assert compute_loss(batch.uvw * torch.tensor([1.0, 1.0, 0.0]), batch, SHORT, flat=False) > 0.0


def test_a_joint_whose_label_was_rejected_still_learns_from_the_other_view():
    batch = FakeBatches().batch(torch.Generator().manual_seed(0))
    count = len(batch)
    other = OtherView(
        make_views(count), torch.full((count, JOINTS, 2), 0.1), torch.ones(count, JOINTS)
    )
    alone = replace(batch, weight=torch.zeros(count, JOINTS))
    uvw = torch.zeros(count, JOINTS, 3, requires_grad=True)
    compute_loss(uvw, alone, SHORT, flat=False).backward()
    assert uvw.grad is not None
    assert not uvw.grad.any()
    compute_loss(uvw, replace(alone, other=other), SHORT, flat=False).backward()
    assert (uvw.grad[..., :2] != 0).all()


def test_the_rate_rises_then_falls_to_almost_nothing_at_the_end_of_the_budget():
    config = TrainConfig(minutes=1, learning_rate=1.0, warmup_steps=9)
    assert [compute_learning_rate(step, 0.0, config) for step in (0, 4, 9)] == pytest.approx(
        [0.1, 0.5, 1.0]
    )
    assert [compute_learning_rate(99, share, config) for share in (0.5, 1.0)] == pytest.approx(
        [0.505, 0.01]
    )


def test_drops_leave_a_tenth_each():
    config = TrainConfig(
        epochs=140, learning_rate=1e-3, warmup_steps=0, drops=(90 / 140, 120 / 140)
    )
    at = [compute_share_used(BudgetUsed(0.0, epochs, 0), config) for epochs in (89.9, 90, 120)]
    assert [compute_learning_rate(9, share, config) for share in at] == pytest.approx(
        [1e-3, 1e-4, 1e-5]
    )


def test_the_limit_that_is_nearest_ends_the_budget():
    config = TrainConfig(minutes=10, epochs=2, samples=1000)
    assert compute_share_used(BudgetUsed(60.0, 1.0, 900), config) == 0.9
    assert compute_share_used(BudgetUsed(900.0, 0.0, 0), config) == 1.0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "how long"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 1, "ema": 1.0}, "ema"),
        ({"minutes": 1, "drops": (0.9, 0.5)}, "drops"),
        ({"minutes": 1, "precision": "f8"}, "f8"),
        ({"minutes": math.nan}, "how long"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(values: dict, says: str):
    with pytest.raises(ValueError, match=says):
        TrainConfig(**values)


def test_a_pause_does_not_count(monkeypatch):
    now = iter([100.0, 103.0, 103.0, 110.0, 112.0])
    monkeypatch.setattr("training.loop.meter.time.monotonic", lambda: next(now))
    stopwatch = Stopwatch(5.0)
    assert stopwatch.seconds == 8.0
    with stopwatch.pause():
        pass
    assert stopwatch.seconds == 10.0


def test_a_place_leaves_the_threads_as_they_were():
    before = torch.get_num_threads()
    with set_up_placement(replace(SHORT, threads=2)) as place:
        assert torch.get_num_threads() == 2
        assert place.is_main
    assert torch.get_num_threads() == before


def test_processes_on_one_machine_share_its_threads():
    assert count_free_threads(1) >= 1
    assert count_free_threads(10**6) == 1


def test_a_processor_refuses_what_only_a_gpu_can():
    with (
        pytest.raises(TrainingError, match="f16"),
        set_up_placement(replace(SHORT, precision="f16")),
    ):
        pass


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [({}, "f32"), ({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16")],
)
def test_a_processor_says_which_precision_it_has(monkeypatch, capabilities, precision):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision(PROCESSOR) == precision


def test_the_state_of_a_run_is_plain(tmp_path: Path):
    train(make_tiny_network(), FakeBatches(), SHORT, Run(tmp_path, notes={"recipe": "tiny"}))
    state = load_checkpoint(tmp_path / "last.pt")
    assert state.config["recipe"] == "tiny"
    json.dumps([state.config, state.position, state.history])
