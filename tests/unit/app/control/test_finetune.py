"""Fine-tuning behind the window: a process that any window finds, and clear refusals."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app import requests
from app.control import finetune as finetune_control
from app.control.controller import dispatch
from app.control.finetune import FinetuneCallbacks, FinetuneControl
from app.presenters.finetune import ModelRow
from app.presenters.severity import Severity
from engine.disk import FolderLock
from engine.errors import EngineError
from engine.session.library import Library
from tests.support.patience import PATIENCE_S, wait_until
from tests.support.sessions import record_session
from training.finetuning import process as finetune_process
from training.finetuning.request import FinetuneRequest, load_request
from training.finetuning.run import (
    Phase,
    RunState,
    is_held,
    list_runs,
    make_run,
    request_cancel,
    write_state,
)

FAKES = "tests.support.finetune_steps"
ROW = ModelRow("anna-1", "Anna", "48 mm", True, True)


class Shelf:
    def __init__(self):
        self.asked = []

    def rows(self):
        return (ROW,)

    def use(self, name, person, rig_id):
        self.asked.append((name, person, rig_id))

    def roll_back(self, person, rig_id):
        raise EngineError("There is nothing to roll back.")


@pytest.fixture
def told():
    return []


@pytest.fixture
def swapped():
    return []


@pytest.fixture
def make(tmp_path, told, swapped, monkeypatch):
    """Make windows' controls; at the end nothing is left running."""
    made = []

    def begin(steps="GOOD", *, live=False, person="", looked=True):
        monkeypatch.setattr(
            finetune_control,
            "start_process",
            lambda folder: finetune_process.start_process(folder, f"{FAKES}:{steps}"),
        )
        library = Library(tmp_path / "index.sqlite", [tmp_path / "takes"])
        around = FinetuneCallbacks(
            lambda words, tone: told.append((words, tone)),
            lambda: live,
            swapped.append,
            get_person=lambda: person,
            has_scanned=lambda: looked,
        )
        made.append(FinetuneControl(tmp_path / "runs", library, Shelf(), around, PATIENCE_S))
        made[-1].interval_s = 0.02
        return made[-1]

    yield begin
    for folder in list_runs(tmp_path / "runs"):
        request_cancel(folder)
        assert wait_until(lambda folder=folder: not is_held(folder))
    for control in made:
        control.close()


def seen(control, look):
    """Wait until the page's state is such."""
    states = []

    def is_such():
        control.tick()
        states.append(control.take_state())
        return states[-1] is not None and look(states[-1])

    assert wait_until(is_such, 2 * PATIENCE_S), "the page never looked like that"
    return states[-1]


def start(tmp_path, control):
    walk = record_session(tmp_path / "takes" / "walk", 5).path
    dispatch(control.handlers, requests.StartFinetune((walk,), " Anna ", 2.0))


def test_a_run_is_begun_followed_and_its_end_told_once(make, tmp_path, told, swapped):
    control = make("SLOW")
    start(tmp_path, control)
    state = seen(control, lambda s: s.run is not None and s.run.can_pause and s.run.share > 0)
    assert not state.can_start
    dispatch(control.handlers, requests.CancelFinetune())
    seen(control, lambda s: s.run.can_resume)
    assert told == []
    assert swapped == []


def test_a_kept_network_is_swapped_in_by_the_window_that_saw_it_taught(
    make, tmp_path, told, swapped
):
    control = make("SLOW")
    start(tmp_path, control)
    seen(control, lambda s: s.run is not None and s.run.can_pause)
    assert wait_until(
        lambda: not control._polling
    )  # a look that is late must not see the run between its two ends
    folder = list_runs(tmp_path / "runs")[0]
    request_cancel(folder)
    assert wait_until(lambda: not is_held(folder))
    write_state(folder, RunState(Phase.KEPT, message="61 → 48 mm."))
    seen(control, lambda s: "Better" in s.run.headline)
    seen(control, lambda s: True)
    assert swapped == ["Anna"]
    assert told == [("61 → 48 mm.", Severity.GOOD)]


def test_a_run_outlives_the_window_and_the_next_window_finds_it(make, tmp_path):
    first = make("SLOW")
    start(tmp_path, first)
    seen(first, lambda s: s.run is not None and s.run.can_pause)
    first.close()
    second = make("SLOW")
    seen(second, lambda s: s.run is not None and s.run.can_pause)
    dispatch(second.handlers, requests.PauseFinetune())
    seen(second, lambda s: s.run.headline == "Paused")
    dispatch(second.handlers, requests.ResumeFinetune())
    seen(second, lambda s: s.run.can_pause)


def test_a_cancelled_run_is_resumed(make, tmp_path):
    control = make("SLOW")
    start(tmp_path, control)
    seen(control, lambda s: s.run is not None and s.run.can_pause)
    dispatch(control.handlers, requests.CancelFinetune())
    seen(control, lambda s: s.run.headline == "Cancelled")
    dispatch(control.handlers, requests.ResumeFinetune())
    seen(control, lambda s: s.run.can_pause)


def test_a_run_that_is_resumed_gets_more_time_but_never_less(make, tmp_path, told):
    control = make("REFUSED")
    start(tmp_path, control)
    seen(control, lambda s: s.run is not None and s.run.can_resume)
    folder = list_runs(tmp_path / "runs")[0]
    for minutes, kept in ((5.0, 5.0), (3.0, 5.0)):
        told.clear()
        assert wait_until(lambda: not is_held(folder))
        dispatch(control.handlers, requests.ResumeFinetune(minutes))
        dispatch(
            control.handlers, requests.UseModel("anna-1", "Anna")
        )  # its turn comes afterwards, and it is told
        assert wait_until(lambda: bool(told))
        assert load_request(folder).minutes == kept


def test_who_is_usually_there_is_suggested(make, tmp_path):
    assert seen(make(person="Cleo"), lambda s: s.default_person).persons == ("Cleo", "Anna")


def test_an_empty_list_is_no_news_before_the_folders_were_looked_at(make):
    assert seen(make(looked=False), lambda s: s.models).headline == "Looking for sessions"
    assert seen(make(), lambda s: s.models).headline == "No sessions to train on yet"


def test_a_run_whose_process_is_just_ending_is_resumed(make, tmp_path):
    folder = make_run(tmp_path / "runs", FinetuneRequest((tmp_path,)))
    write_state(folder, RunState(Phase.CANCELLED))
    hold = FolderLock(folder)
    control = make("SLOW")
    seen(control, lambda s: s.run is not None and s.run.headline == "Cancelled")
    dispatch(control.handlers, requests.ResumeFinetune())
    ending = threading.Timer(0.3, hold.release)
    ending.start()
    seen(control, lambda s: s.run.can_pause)
    ending.join()


def test_a_run_whose_process_does_not_end_is_not_started_a_second_time(
    make, tmp_path, told, monkeypatch
):
    folder = make_run(tmp_path / "runs", FinetuneRequest((tmp_path,)))
    write_state(folder, RunState(phase=Phase.CANCELLED))
    monkeypatch.setattr("app.control.finetune.wait_until_released", lambda _folder: False)
    dispatch(make("SLOW").handlers, requests.ResumeFinetune())
    assert wait_until(lambda: bool(told))
    assert "has not ended yet" in told[0][0]


def test_a_live_view_keeps_its_processor(make, tmp_path):
    control = make("SLOW", live=True)
    start(tmp_path, control)
    state = seen(control, lambda s: s.run is not None)
    assert state.run.title.startswith("Anna")
    request = finetune_process.load_request(list_runs(tmp_path / "runs")[0])
    assert request.threads == 1


def test_two_runs_at_once_are_refused(make, tmp_path, told):
    control = make("SLOW")
    start(tmp_path, control)
    seen(control, lambda s: s.run is not None and s.run.can_pause)
    dispatch(control.handlers, requests.StartFinetune((tmp_path / "takes" / "walk",), "", 2.0))
    assert wait_until(lambda: bool(told))
    assert "already" in told[0][0]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (requests.StartFinetune((Path("/nowhere"),), "", 2.0), "nowhere"),
        (requests.StartFinetune((Path("/nowhere"),), "", 0.1), "too short"),
        (requests.PauseFinetune(), "No fine-tuning is running"),
        (requests.RollBackModel("Anna"), "nothing to roll back"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(make, told, request_, words):
    control = make()
    dispatch(control.handlers, request_)
    assert wait_until(lambda: bool(told))
    assert words in told[0][0]
    assert told[0][1] is Severity.ERROR


def test_a_network_that_is_chosen_serves_and_the_live_view_swaps(make, told, swapped):
    control = make()
    dispatch(control.handlers, requests.UseModel("anna-1", "Anna"))
    assert wait_until(lambda: bool(told))
    assert swapped == ["Anna"]


def test_a_damaged_run_is_told_on_the_page_and_hides_nothing_else(make, tmp_path):
    folder = make_run(tmp_path / "runs", FinetuneRequest((Path("walk"),)))
    (folder / "state.json").write_text("{")
    record_session(tmp_path / "takes" / "walk", 5)
    control = make()
    state = seen(control, lambda s: bool(s.notices))
    assert "damaged" in state.notices[0]
    assert state.run is None


def test_who_fine_tunes_a_model_for_a_person_is_that_person_where_none_is_set(make, tmp_path):
    control, present = make(), make(person="Ben")
    persons = []
    for one in (control, present):
        one._callbacks = replace(one._callbacks, set_person=persons.append)
        dispatch(one.handlers, requests.StartFinetune((tmp_path,), "Anna", 2.0))
    assert persons == ["Anna"]
