"""The recipe of one click: the order of the steps, what a resumed run keeps, what serves when."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from calibration.rig import save_rig
from engine.errors import SessionError
from tests.support.finetune_steps import BETTER, NAMES, make_steps, read_turns, refuse
from tests.support.sessions import make_named_rig, record_session
from training.errors import TrainingError
from training.finetuning.finetune import CancelledRunError, finetune
from training.finetuning.request import FinetuneRequest, check_sessions, load_request, save_request
from training.finetuning.run import (
    INTERRUPTED,
    Phase,
    RunState,
    list_runs,
    make_run,
    read_state,
    request_cancel,
    request_pause,
    request_resume,
    write_state,
)

WORSE = {"better": False, "message": "48 → 61 mm."}


@pytest.fixture
def folder(tmp_path):
    return make_run(tmp_path / "runs", FinetuneRequest((Path("walk"),), "Anna Ö"))


def test_the_steps_come_in_order_and_build_upon_each_other(folder):
    state = finetune(folder, make_steps())
    assert read_turns(folder) == [name for name in NAMES if name != "compare"]
    assert state.phase is Phase.KEPT
    assert state.results["adopt"]["after"] == sorted(set(NAMES) - {"adopt"})


def test_a_network_that_is_not_better_is_neither_added_nor_adopted(folder):
    state = finetune(folder, make_steps(compare=lambda work, watch: WORSE))
    assert state.phase is Phase.ROLLED_BACK
    assert state.message == WORSE["message"]
    assert not {"add", "adopt"} & set(read_turns(folder))
    assert "report" in read_turns(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_that_refuses_ends_the_run_before_anything_serves(folder, name):
    with pytest.raises(TrainingError):
        finetune(folder, make_steps(**{name: refuse}))
    assert "adopt" not in read_turns(folder)


def test_a_run_goes_on_after_the_last_step_that_was_done(folder):
    with pytest.raises(TrainingError):
        finetune(folder, make_steps(train=refuse))
    before = read_turns(folder)
    state = finetune(folder, make_steps(compare=lambda work, watch: BETTER))
    assert read_turns(folder)[len(before) :][0] == "train"
    assert read_turns(folder).count("label") == 1
    assert state.phase is Phase.KEPT


def test_a_wish_to_cancel_is_heard_in_the_middle_of_a_step(folder):
    def cancelled(work, watch):
        request_cancel(folder)
        watch(0.3)

    with pytest.raises(CancelledRunError):
        finetune(folder, make_steps(train=cancelled))
    assert "export" not in read_turns(folder)


def test_a_pause_lasts_until_it_is_taken_back_and_costs_no_time(folder):
    phases = []

    def paused(work, watch):
        request_pause(folder)
        threading.Timer(
            0.5, lambda: (phases.append(read_state(folder)), request_resume(folder))
        ).start()
        watch(0.3)
        return {}

    began = time.monotonic()
    state = finetune(folder, make_steps(train=paused))
    took = time.monotonic() - began
    assert state.phase is Phase.KEPT
    assert took - state.seconds_used > 0.4


def test_a_training_asks_whether_to_end_without_being_thrown_out(folder):
    def trains(work, watch):
        assert not watch.should_stop()
        request_cancel(folder)
        assert watch.should_stop()
        raise CancelledRunError

    with pytest.raises(CancelledRunError):
        finetune(folder, make_steps(train=trains))


def test_a_run_that_nobody_works_on_is_told_to_be_broken_off(folder):
    write_state(folder, RunState(Phase.RUNNING, "train", 0.5))
    state = read_state(folder)
    assert (state.phase, state.message) == (Phase.FAILED, INTERRUPTED)


def test_a_state_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    write_state(folder, RunState(Phase.CANCELLED, "train"))
    with monkeypatch.context() as patched:
        patched.setattr(
            "engine.disk.os.fsync", lambda _descriptor: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(OSError, match="full"):
            write_state(folder, RunState(Phase.KEPT))
    assert read_state(folder).phase is Phase.CANCELLED


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"phase": "dancing"}', '{"phase": "kept", "began": 3']
)
def test_a_damaged_state_is_one_sentence(folder, text):
    (folder / "state.json").write_text(text)
    with pytest.raises(TrainingError, match="damaged"):
        read_state(folder)


def test_what_was_asked_for_is_kept_as_it_was(tmp_path):
    request = FinetuneRequest(
        (tmp_path / "walk",), "Anna", start="compact", minutes=2.5, threads=1, seed=7
    )
    save_request(tmp_path, request)
    assert load_request(tmp_path) == request


def test_a_request_of_a_newer_program_is_refused(tmp_path):
    save_request(tmp_path, FinetuneRequest((tmp_path,)))
    path = tmp_path / "request.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(TrainingError, match="newer"):
        load_request(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"minutes": 0.5}, "too short"),
        ({"minutes": float("nan")}, "more than a day"),
        ({"minutes": 5000}, "more than a day"),
        ({"sessions": ()}, "nothing to train on"),
        ({"method": "magic"}, "no method 'magic'"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(change, words):
    with pytest.raises(TrainingError, match=words):
        replace(FinetuneRequest((Path("walk"),)), **change)


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path):
    made = [make_run(tmp_path, FinetuneRequest((Path("walk"),), "anna")) for _ in range(2)]
    (tmp_path / "notes").mkdir()
    assert set(list_runs(tmp_path)) == set(made)
    assert made[0] != made[1]
    assert list_runs(tmp_path / "nowhere") == ()


def test_a_good_session_passes(tmp_path):
    check_sessions([record_session(tmp_path / "walk", 5).path])


def test_a_session_without_a_calibration_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no calibration"):
        check_sessions([record_session(tmp_path / "walk", 5, posed=False).path])


def test_a_session_with_a_refused_calibration_is_refused(tmp_path):
    path = record_session(tmp_path / "walk", 5).path
    rig = make_named_rig()
    save_rig(replace(rig, metadata={"verdict": "refused"}), path / "rig.toml")
    with pytest.raises(TrainingError, match="was refused"):
        check_sessions([path])


def test_a_folder_that_is_no_session_is_refused(tmp_path):
    with pytest.raises(SessionError):
        check_sessions([tmp_path / "nowhere"])
