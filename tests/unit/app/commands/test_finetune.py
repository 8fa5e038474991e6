"""`epipole finetune`: its output, its exit codes, and a message for every refusal."""

from functools import partial

import pytest

from app.cli import main as cli
from app.commands import finetune
from engine.session.session import SessionFacts
from tests.support.finetune_steps import read_turns
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.sessions import record_session
from training.finetuning import process as finetune_process
from training.finetuning.follow import follow_run, wait_until_released
from training.finetuning.request import FinetuneRequest, load_request
from training.finetuning.run import Phase, is_held, list_runs, make_run, read_state, request_cancel

FAKES = "tests.support.finetune_steps"


@pytest.fixture
def epipole(tmp_path, monkeypatch, capsys):
    """Run a command line with telling steps; returns code, what was said and what was refused."""
    monkeypatch.setattr(finetune, "follow_run", partial(follow_run, poll_interval_s=0.01))
    monkeypatch.setattr(
        finetune,
        "wait_until_released",
        partial(wait_until_released, timeout_s=PATIENCE_S, poll_interval_s=0.01),
    )

    def run(*words, steps="GOOD"):
        monkeypatch.setattr(
            finetune,
            "start_process",
            lambda folder: finetune_process.start_process(folder, f"{FAKES}:{steps}"),
        )
        code = cli.main(["finetune", *map(str, words), "--out", str(tmp_path / "runs")])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    for folder in list_runs(tmp_path / "runs"):
        request_cancel(folder)
        assert wait_until(lambda folder=folder: not is_held(folder))


@pytest.fixture
def walk(tmp_path):
    return record_session(tmp_path / "walk", 5).path


def test_a_better_network_is_told_and_ends_with_0(epipole, walk):
    code, said, _ = epipole(walk, "--person", "Anna")
    assert code == 0
    assert "61 → 48 mm" in said


def test_a_network_that_is_not_better_ends_with_3(epipole, walk, tmp_path):
    code, said, _ = epipole(walk, steps="WORSE")
    assert code == 3
    assert "48 → 61 mm" in said
    assert "adopt" not in read_turns(list_runs(tmp_path / "runs")[0])


def test_a_step_that_refuses_ends_with_1_and_says_how_to_go_on(epipole, walk, tmp_path):
    code, _, err = epipole(walk, steps="REFUSED")
    assert code == 1
    assert "Nothing in the session can be trained on" in err
    name = list_runs(tmp_path / "runs")[0].name
    code, said, _ = epipole("--resume", name)
    assert (code, "61 → 48 mm" in said) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "Give the sessions to train on"),
        (("nowhere",), 1, "nowhere"),
        (("{walk}", "--minutes", "0.5"), 1, "too short"),
        (("{walk}", "--minutes", "soon"), 2, "--minutes takes"),
        (("{walk}", "--method", "magic"), 1, "no method 'magic'"),
        (("{walk}", "--threads", "-1"), 2, "--threads takes a whole number, 0 or more"),
        (("--resume", "nothing"), 1, "no run 'nothing'"),
        (("{walk}", "--pause", "nothing"), 2, "not both"),
        (("--pause", "a", "--cancel", "b"), 2, "not allowed"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(epipole, walk, words, code, message):
    done, _, err = epipole(*(word.format(walk=walk) for word in words))
    assert done == code
    assert message in err
    assert err.count("\n") == 1


def test_a_run_is_resumed_with_more_minutes(epipole, walk, tmp_path):
    epipole(walk, steps="REFUSED")
    folder = list_runs(tmp_path / "runs")[0]
    assert epipole("--resume", folder.name, "--minutes", "25")[0] == 0
    assert finetune_process.load_request(folder).minutes == 25


def test_a_session_without_calibration_is_refused_before_any_process(epipole, tmp_path):
    path = record_session(tmp_path / "raw", 5, posed=False).path
    code, _, err = epipole(path)
    assert code == 1
    assert "no calibration" in err
    assert list_runs(tmp_path / "runs") == ()


def test_a_running_run_rests_goes_on_and_ends_when_it_is_told(epipole, tmp_path):
    folder = make_run(tmp_path / "runs", FinetuneRequest((tmp_path,)))
    process = finetune_process.start_process(folder, f"{FAKES}:SLOW")
    assert epipole("--pause", folder.name)[0] == 0
    assert wait_until(lambda: read_state(folder).phase is Phase.PAUSED)
    assert epipole("--resume", folder.name)[0] == 0
    assert epipole("--cancel", folder.name)[0] == 0
    assert process.wait(PATIENCE_S) == 0
    assert read_state(folder).phase is Phase.CANCELLED


def test_nobody_rests_who_does_not_work(epipole, tmp_path):
    folder = make_run(tmp_path / "runs", FinetuneRequest((tmp_path,)))
    code, _, err = epipole("--pause", folder.name)
    assert code == 1
    assert "is not running" in err


def test_ctrl_c_ends_the_run_so_that_it_can_be_resumed(epipole, walk, tmp_path, monkeypatch):
    def pressed(folder, process, progress):
        assert wait_until(lambda: "train" in read_turns(folder))
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune, "follow_run", pressed)
    code, said, _ = epipole(walk, steps="SLOW")
    assert code == 130
    folder = list_runs(tmp_path / "runs")[0]
    assert f"--resume {folder}" in said
    assert read_state(folder).phase is Phase.CANCELLED


def of(path, person):
    return record_session(
        path, 5, facts=SessionFacts(model={"name": "blazepose"}, person=person)
    ).path


def test_whose_network_it_becomes_is_whom_the_sessions_show(epipole, tmp_path):
    assert epipole(of(tmp_path / "one", "Anna"), of(tmp_path / "two", "Anna"))[0] == 0
    assert load_request(list_runs(tmp_path / "runs")[0]).person == "Anna"


def test_sessions_of_different_people_need_a_word_for_whom(epipole, tmp_path):
    both = of(tmp_path / "one", "Anna"), of(tmp_path / "two", "Ben")
    code, _, err = epipole(*both)
    assert code == 2
    assert "'Anna' and 'Ben'" in err
    assert epipole(*both, "--person", "")[0] == 0
    assert load_request(list_runs(tmp_path / "runs")[0]).person == ""


def test_whoever_chose_a_folder_for_runs_is_told_a_way_to_go_on_that_works(epipole, walk, tmp_path):
    _, _, err = epipole(walk, steps="REFUSED")
    folder = list_runs(tmp_path / "runs")[0]
    assert f"epipole finetune --resume {folder}" in err
    assert (
        cli.main(["finetune", "--pause", str(folder)]) == 1
    )  # found by its path alone; nobody works on it


def test_an_unknown_run_is_told_with_those_there_are(epipole, walk, tmp_path):
    assert "none yet" in epipole("--resume", "nothing")[2]
    epipole(walk)
    assert list_runs(tmp_path / "runs")[0].name in epipole("--resume", "nothing")[2]


def test_ctrl_c_while_a_process_starts_leaves_none_that_works(epipole, walk, tmp_path, monkeypatch):
    def pressed(folder, process, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune, "follow_run", pressed)
    code, said, _ = epipole(walk, steps="SLOW")
    assert (code, "Continue with" in said) == (130, True)
    assert not is_held(list_runs(tmp_path / "runs")[0])


def test_ctrl_c_in_a_step_that_cannot_be_stopped_is_no_fault_of_the_program(
    epipole, walk, tmp_path, monkeypatch
):
    def pressed(folder, process, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune, "follow_run", pressed)
    monkeypatch.setattr(
        finetune, "wait_until_released", partial(wait_until_released, timeout_s=0.0)
    )
    monkeypatch.setattr(finetune, "request_cancel", lambda folder: None)
    code, said, err = epipole(walk, steps="SLOW")
    assert code == 130
    assert "cannot be interrupted; it ends after that step" in said
    assert "no fault" not in err


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("network.onnx", "only a checkpoint"),
        ("gone.pt", "no checkpoint"),
        ("nobody", "no model 'nobody'"),
    ],
)
def test_a_start_that_is_not_there_is_told_before_any_process(
    epipole, walk, tmp_path, monkeypatch, start, message
):
    (tmp_path / "network.onnx").write_bytes(b"onnx")
    monkeypatch.chdir(tmp_path)
    code, _, err = epipole(walk, "--start", start)
    assert code == 1
    assert message in err
    assert list_runs(tmp_path / "runs") == ()


def test_a_refused_calibration_is_told_with_its_session(epipole, walk, tmp_path):
    other = record_session(tmp_path / "other", 5).path
    rig = (other / "rig.toml").read_text()
    (other / "rig.toml").write_text(rig.replace('"accepted"', '"refused"'))
    code, _, err = epipole(walk, other)
    assert code == 1
    assert "session 'other' cannot be used: The rig was refused" in err
