"""What the page of fine-tuning says, computed from what is on the disk."""

import math
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.presenters.finetune import NetworkRow, RunLook, present_choice, present_finetune, present_run
from app.presenters.tone import Tone
from engine.session_summary import SessionSummary
from training.finetune import Steps
from training.finetune_request import FinetuneRequest
from training.finetune_run import Phase, RunState
from training.finetune_verdict import ActionRow, Verdict
from training.history import Row
from training.intervals import Interval

WALK = SessionSummary(
    Path("/takes/walk"), datetime(2026, 11, 21, tzinfo=UTC), 62.0, ("left", "right"), 3720, joints_found=0.97,
    model="blazepose", has_rig=True, verdict="accepted", thumbnail=b"",
)  # fmt: skip
REQUEST = FinetuneRequest((WALK.path,), "Anna")
VERDICT = Verdict(True, "Better.", 61.2, 48.4, Interval(9, 13, 17), 480, 12, 0.04, 0.03, (ActionRow("low", 72, 50, 9),))
ALL = tuple(Steps.__dataclass_fields__)


def look(**state):
    return RunLook(Path("/runs/anna"), REQUEST, RunState(**state))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"has_rig": False}, "calibrate"),
        ({"cameras": ("left",)}, "one camera"),
        ({"joints_found": math.nan}, "Track again"),
        ({"problem": "It is damaged."}, "damaged"),
    ],
)
def test_a_session_that_cannot_teach_says_why(change, words):
    choice = present_choice(replace(WALK, **change))
    assert not choice.can_learn
    assert words in choice.facts


def test_a_good_session_can_teach():
    assert present_choice(WALK).can_learn


def test_an_empty_page_says_what_to_do_first():
    state = present_finetune([], None)
    assert state.headline == "Nothing to learn from yet"
    assert "Record" in state.message


def test_every_step_of_the_recipe_belongs_to_a_stage_and_has_words():
    for step in ALL:
        card = present_run(look(step=step, share=0.5))
        assert card.doing != "Starting"
        assert any(0 < stage.share < 1 for stage in card.stages)


def test_stages_fill_one_after_the_other():
    results = {step: {} for step in ALL[:4]}
    card = present_run(look(step="train", share=0.43, seconds_left=342.0, results=results))
    assert [stage.share for stage in card.stages] == pytest.approx([1, 1, 0.43, 0, 0, 0])
    assert card.doing == "Teaching, 5 min 42 s left"
    assert (card.can_pause, card.can_resume, card.can_cancel) == (True, False, True)


def test_a_rolled_back_run_says_so_and_promises_nothing():
    card = present_run(look(phase=Phase.ROLLED_BACK, sentence="48 → 61 mm.", results={step: {} for step in ALL[:9]}))
    assert card.headline == "Not better: nothing was changed"
    assert card.tone is Tone.CARE
    assert not card.can_cancel
    assert not card.can_resume


def test_figures_and_report_come_from_what_the_steps_left():
    results = {"compare": {"verdict": asdict(VERDICT)}, "report": {"page": "report.html"}}
    card = present_run(look(phase=Phase.KEPT, results=results))
    assert card.rows == (("All together", "61 mm", "48 mm"), ("low", "72 mm", "50 mm"))
    assert card.report == Path("/runs/anna/report.html")


def test_curves_leave_out_what_was_not_judged():
    rows = tuple(
        Row(n, n, n / 9, 6.0 * n, 1e-3, 1 / (n + 1), 50.0 if n % 3 == 0 else math.nan, 100, 0.0) for n in range(9)
    )
    loss, judged = present_run(replace(look(), history=rows)).plots
    assert len(loss.curves[0].value) == 9
    assert judged.curves[0].value.tolist() == [50.0] * 3
    assert judged.curves[0].at_s.tolist() == pytest.approx([0, 0.3, 0.6])


def test_names_that_were_used_are_offered_the_newest_first():
    networks = [NetworkRow("ben-1", "Ben", "", True), NetworkRow("anna-1", "Anna", "", True)]
    assert present_finetune([WALK], look(), networks).persons == ("Anna", "Ben")


@pytest.mark.parametrize("phase", list(Phase))
def test_nothing_starts_while_something_is_taught(phase):
    state = present_finetune([WALK], look(phase=phase))
    assert state.can_start == (phase not in (Phase.RUNNING, Phase.PAUSED))
