"""The process of a run: it outlives its parent, follows requests, and never dies without a word."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.finetune_steps import read_turns
from tests.support.patience import PATIENCE_S, wait_until
from training.errors import TrainingError
from training.finetuning.process import FAILED, run_process, start_process
from training.finetuning.request import FinetuneRequest
from training.finetuning.run import (
    STATE,
    Phase,
    RunState,
    is_held,
    make_run,
    read_state,
    request_cancel,
    request_pause,
    request_resume,
    write_state,
)

FAKES = "tests.support.finetune_steps"


@pytest.fixture
def folder(tmp_path):
    return make_run(tmp_path, FinetuneRequest((Path("walk"),), threads=1))


@pytest.fixture
def start(folder):
    """Start processes, and see them gone at the end."""
    started = []

    def begin(name):
        started.append(start_process(folder, f"{FAKES}:{name}"))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait(PATIENCE_S)


def wait_for(look):
    assert wait_until(look)


def test_a_run_is_done_in_a_process_of_its_own(folder, start):
    process = start("GOOD")
    assert process.wait(PATIENCE_S) == 0
    assert read_state(folder).phase is Phase.KEPT
    assert not is_held(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sessions of processes")
def test_it_is_out_of_the_way_and_out_of_reach_of_ctrl_c(folder, start):
    process = start("SLOW")
    wait_for(lambda: "train" in read_turns(folder))
    assert os.getsid(process.pid) == process.pid
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
    request_cancel(folder)
    assert process.wait(PATIENCE_S) == 0
    state = read_state(folder)
    assert state.phase is Phase.CANCELLED
    assert "unchanged" in state.message


def test_a_run_pauses_and_goes_on(folder, start):
    start("SLOW")
    wait_for(lambda: "train" in read_turns(folder))
    request_pause(folder)
    wait_for(lambda: read_state(folder).phase is Phase.PAUSED)
    request_resume(folder)
    wait_for(lambda: read_state(folder).phase is Phase.RUNNING)


def test_a_run_under_way_is_not_started_twice(folder, start):
    start("SLOW")
    with pytest.raises(TrainingError, match="under way already"):
        start("SLOW")


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_run_that_was_killed_is_seen_and_goes_on_where_it_was(folder, start):
    process = start("KILLED_ONCE")
    process.wait(PATIENCE_S)
    state = read_state(folder)
    assert state.phase is Phase.FAILED
    assert "interrupted" in state.message
    assert start("KILLED_ONCE").wait(PATIENCE_S) == 0
    assert read_state(folder).phase is Phase.KEPT
    assert read_turns(folder).count("label") == 1
    assert read_turns(folder).count("train") == 2


def test_what_is_done_is_not_done_again(folder, start):
    start("GOOD").wait(PATIENCE_S)
    with pytest.raises(TrainingError, match="is done"):
        start("GOOD")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("REFUSED", "Nothing in the session can be trained on"),
        ("FULL", "free some space"),
        ("TORCHLESS", "pip install 'epipole[train]'"),
        ("BROKEN", "Internal error"),
    ],
)
def test_every_failure_is_one_sentence_and_nothing_serves(folder, name, words, monkeypatch):
    monkeypatch.setattr("training.finetuning.process.lower_priority", lambda: None)
    assert run_process(folder, f"{FAKES}:{name}") == FAILED
    state = read_state(folder)
    assert state.phase is Phase.FAILED
    assert words in state.message
    assert "adopt" not in read_turns(folder)


def test_a_disk_that_takes_not_even_the_last_word_leaves_a_run_that_reads_as_broken_off(
    folder, monkeypatch
):
    monkeypatch.setattr("training.finetuning.process.lower_priority", lambda: None)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.finetuning.finetune.write_state", full)
    monkeypatch.setattr("training.finetuning.process.write_state", full)
    assert run_process(folder, f"{FAKES}:GOOD") == FAILED
    assert "interrupted" in read_state(folder).message


def test_a_process_that_cannot_work_says_so(folder, start):
    start("NOTHING_OF_THE_KIND").wait(PATIENCE_S)
    assert "Internal error" in read_state(folder).message


def test_a_run_of_an_older_version_is_read(tmp_path: Path):
    state = RunState(Phase.KEPT, message="61 → 48 mm.", results={"compare": {"message": "Better."}})
    write_state(tmp_path, state)
    file = tmp_path / STATE
    file.write_text(file.read_text(encoding="utf-8").replace('"message"', '"sentence"'), "utf-8")
    read = read_state(tmp_path)
    assert (read.message, read.results) == (state.message, state.results)
