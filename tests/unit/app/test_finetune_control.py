"""What the page of fine-tuning asks for: a process that any window sees again, and every refusal a sentence."""

import time
from pathlib import Path

import pytest

from app import finetune_control, requests
from app.finetune_control import FinetuneControl, Surroundings
from app.presenters.finetune import NetworkRow
from app.presenters.tone import Tone
from engine.errors import EngineError
from engine.library import Library
from tests.support.ip_cameras import wait_until
from tests.support.sessions import recorded_session
from training import finetune_process
from training.finetune_request import FinetuneRequest
from training.finetune_run import Phase, RunState, ask_to_cancel, is_held, list_runs, make_run, write_state

FAKES = "tests.support.finetune_steps"
ROW = NetworkRow("anna-1", "Anna", "48 mm", True, True)


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

    def begin(steps="GOOD", *, live=False):
        monkeypatch.setattr(
            finetune_control,
            "start_process",
            lambda folder: finetune_process.start_process(folder, f"{FAKES}:{steps}"),
        )
        library = Library(tmp_path / "index.sqlite", [tmp_path / "takes"])
        around = Surroundings(lambda words, tone: told.append((words, tone)), lambda: live, swapped.append)
        made.append(FinetuneControl(tmp_path / "runs", library, Shelf(), around))
        return made[-1]

    yield begin
    for folder in list_runs(tmp_path / "runs"):
        ask_to_cancel(folder)
        assert wait_until(lambda folder=folder: not is_held(folder), 20)
    for control in made:
        control.close()


def seen(control, look, timeout_s=20.0):
    """Wait until the page's state is such."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        state = control.look(0.02)
        if state is not None and look(state):
            return state
        time.sleep(0.01)
    return pytest.fail("the page never looked like that")


def start(tmp_path, control):
    walk = recorded_session(tmp_path / "takes" / "walk", 5).path
    control.ask(requests.Finetune((walk,), " Anna ", 2.0))


def test_a_run_is_begun_followed_and_its_end_told_once(make, tmp_path, told, swapped):
    control = make("SLOW")
    start(tmp_path, control)
    state = seen(control, lambda s: s.run is not None and s.run.can_pause and s.run.share > 0)
    assert not state.can_start
    control.ask(requests.CancelFinetune())
    seen(control, lambda s: s.run.can_resume)
    assert told == []
    assert swapped == []


def test_a_kept_network_is_swapped_in_by_the_window_that_saw_it_taught(make, tmp_path, told, swapped):
    control = make("SLOW")
    start(tmp_path, control)
    seen(control, lambda s: s.run is not None and s.run.can_pause)
    folder = list_runs(tmp_path / "runs")[0]
    ask_to_cancel(folder)
    assert wait_until(lambda: not is_held(folder), 20)
    write_state(folder, RunState(Phase.KEPT, sentence="61 → 48 mm."))
    seen(control, lambda s: "Better" in s.run.headline)
    seen(control, lambda s: True)
    assert swapped == ["Anna"]
    assert told == [("61 → 48 mm.", Tone.GOOD)]


def test_a_run_outlives_the_window_and_the_next_window_finds_it(make, tmp_path):
    first = make("SLOW")
    start(tmp_path, first)
    seen(first, lambda s: s.run is not None and s.run.can_pause)
    first.close()
    second = make("SLOW")
    seen(second, lambda s: s.run is not None and s.run.can_pause)
    second.ask(requests.PauseFinetune())
    seen(second, lambda s: s.run.headline == "Resting")
    second.ask(requests.ResumeFinetune())
    seen(second, lambda s: s.run.can_pause)


def test_a_cancelled_run_is_resumed(make, tmp_path):
    control = make("SLOW")
    start(tmp_path, control)
    seen(control, lambda s: s.run is not None and s.run.can_pause)
    control.ask(requests.CancelFinetune())
    seen(control, lambda s: s.run.headline == "Cancelled")
    control.ask(requests.ResumeFinetune())
    seen(control, lambda s: s.run.can_pause)


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
    control.ask(requests.Finetune((tmp_path / "takes" / "walk",), "", 2.0))
    assert wait_until(lambda: bool(told), 10)
    assert "already" in told[0][0]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (requests.Finetune((Path("/nowhere"),), "", 2.0), "nowhere"),
        (requests.Finetune((Path("/nowhere"),), "", 0.1), "too short"),
        (requests.PauseFinetune(), "no teaching under way"),
        (requests.RollBackNetwork("Anna"), "nothing to roll back"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(make, told, request_, words):
    control = make()
    assert control.ask(request_)
    assert wait_until(lambda: bool(told), 10)
    assert words in told[0][0]
    assert told[0][1] is Tone.BAD


def test_a_network_that_is_chosen_serves_and_the_live_view_swaps(make, told, swapped):
    control = make()
    control.ask(requests.UseNetwork("anna-1", "Anna"))
    assert wait_until(lambda: bool(told), 10)
    assert swapped == ["Anna"]


def test_a_damaged_run_is_told_on_the_page_and_hides_nothing_else(make, tmp_path):
    folder = make_run(tmp_path / "runs", FinetuneRequest((Path("walk"),)))
    (folder / "state.json").write_text("{")
    recorded_session(tmp_path / "takes" / "walk", 5)
    control = make()
    state = seen(control, lambda s: bool(s.notices))
    assert "damaged" in state.notices[0]
    assert state.run is None


def test_what_concerns_something_else_is_left_to_it(make):
    assert not make().ask(requests.Record())
