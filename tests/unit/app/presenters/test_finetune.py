"""What the page of fine-tuning says, computed from what is on the disk."""

import math
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.presenters.finetune import (
    ModelRow,
    parse_person,
    present_choice,
    present_finetune,
    suggest_person,
)
from app.presenters.finetune_run import RunSnapshot, present_run
from app.presenters.severity import Severity
from engine.session.summary import SessionSummary
from training.evaluation.intervals import Interval
from training.finetuning.finetune import Steps
from training.finetuning.request import FinetuneRequest
from training.finetuning.run import INTERRUPTED, Phase, RunState
from training.finetuning.verdict import ActionRow, Verdict
from training.loop.history import Row

WALK = SessionSummary(
    Path("/takes/walk"), datetime(2026, 11, 21, tzinfo=UTC), 62.0, ("left", "right"), 3720,
    joints_found=0.97,
    model="blazepose", has_rig=True, verdict="accepted", thumbnail=b"",
)  # fmt: skip
REQUEST = FinetuneRequest((WALK.path,), "Anna")
VERDICT = Verdict(
    True,
    "Better.",
    61.2,
    48.4,
    Interval(9, 13, 17),
    480,
    12,
    0.04,
    0.03,
    (ActionRow("low", 72, 50, 9),),
)
ALL = tuple(Steps.__dataclass_fields__)


def look(**state):
    return RunSnapshot(Path("/runs/anna"), REQUEST, RunState(**state))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"has_rig": False}, "calibrate"),
        ({"cameras": ("left",)}, "Only one camera"),
        ({"joints_found": math.nan}, "Track again"),
        ({"joints_found": 0.0}, "No person was found"),
        ({"problem": "It is damaged."}, "damaged"),
    ],
)
def test_a_session_that_cannot_teach_says_why(change, words):
    choice = present_choice(replace(WALK, **change))
    assert not choice.can_finetune
    assert words in choice.facts


def test_a_good_session_can_teach():
    assert present_choice(WALK).can_finetune


def test_who_is_in_a_session_is_said():
    choice = present_choice(replace(WALK, person="Anna"))
    assert choice.person == "Anna"
    assert choice.facts.startswith("Anna · ")


def test_what_can_be_learned_from_comes_first():
    raw = replace(WALK, path=Path("/takes/raw"), has_rig=False)
    assert [choice.name for choice in present_finetune([raw, WALK], None).choices] == [
        "walk",
        "raw",
    ]


@pytest.mark.parametrize(
    ("persons", "suggested"),
    [
        (("Anna",), "Anna"),
        (("Anna", ""), "Anna"),
        (("",), "Cleo"),
        ((), "Cleo"),
        (("Anna", "Ben"), ""),
    ],
)
def test_the_person_is_who_the_sessions_show_or_else_the_usual_one(persons, suggested):
    assert (
        suggest_person([present_choice(replace(WALK, person=name)) for name in persons], "Cleo")
        == suggested
    )


@pytest.mark.parametrize(
    ("words", "name"), [(" Anna  Lee ", "Anna Lee"), ("everybody", ""), ("", "")]
)
def test_what_is_typed_becomes_a_name(words, name):
    assert parse_person(words) == name


def test_the_time_left_in_all_is_said_beside_that_of_the_step():
    assert "about 7 min left of 10 minutes" in present_run(look(seconds_used=170.0)).title
    assert "almost done" in present_run(look(seconds_used=700.0)).title


def test_a_run_that_was_broken_off_is_no_failure_and_says_where_it_stopped():
    card = present_run(
        look(phase=Phase.FAILED, message=INTERRUPTED, step="train", seconds_used=200.0)
    )
    assert card.headline == "Interrupted"
    assert card.severity is Severity.WARNING
    assert card.activity == "It stopped at 'Train' after 3 min 20 s."


def test_an_action_that_became_worse_is_marked():
    worse = replace(VERDICT, actions=(ActionRow("low", 72, 50, 9), ActionRow("high", 65, 69, 4)))
    card = present_run(look(phase=Phase.KEPT, results={"compare": {"verdict": asdict(worse)}}))
    assert card.worse == (False, False, True)


def test_an_empty_page_says_what_to_do_first():
    state = present_finetune([], None)
    assert state.headline == "No sessions to train on yet"
    assert "Record" in state.message


def test_every_step_of_the_recipe_belongs_to_a_stage_and_has_words():
    for step in ALL:
        card = present_run(look(step=step, share=0.5))
        assert card.activity != "Starting"
        assert any(0 < stage.share < 1 for stage in card.stages)


def test_stages_fill_one_after_the_other():
    results = {step: {} for step in ALL[:4]}
    card = present_run(look(step="train", share=0.43, seconds_left=342.0, results=results))
    assert [stage.share for stage in card.stages] == pytest.approx([1, 1, 0.43, 0, 0, 0])
    assert card.activity == "Training, 5 min 42 s left"
    assert (card.can_pause, card.can_resume, card.can_cancel) == (True, False, True)


def test_a_rolled_back_run_says_so_and_promises_nothing():
    card = present_run(
        look(phase=Phase.ROLLED_BACK, message="48 → 61 mm.", results={step: {} for step in ALL[:9]})
    )
    assert card.headline == "Not better: nothing was changed"
    assert card.severity is Severity.WARNING
    assert not card.can_cancel
    assert not card.can_resume


def test_figures_and_report_come_from_what_the_steps_left():
    results = {"compare": {"verdict": asdict(VERDICT)}, "report": {"page": "report.html"}}
    card = present_run(look(phase=Phase.KEPT, results=results))
    assert card.rows == (("All actions", "61 mm", "48 mm"), ("low", "72 mm", "50 mm"))
    assert card.report == Path("/runs/anna/report.html")


def test_curves_leave_out_what_was_not_judged():
    rows = tuple(
        Row(n, n, n / 9, 6.0 * n, 1e-3, 1 / (n + 1), 50.0 if n % 3 == 0 else math.nan, 100, 0.0)
        for n in range(9)
    )
    loss, judged = present_run(replace(look(), history=rows)).plots
    assert len(loss.curves[0].value) == 9
    assert judged.curves[0].value.tolist() == [50.0] * 3
    assert judged.curves[0].at_s.tolist() == pytest.approx([0, 0.3, 0.6])


def test_names_that_were_used_are_offered_the_newest_first():
    networks = [ModelRow("ben-1", "Ben", "", True), ModelRow("anna-1", "Anna", "", True)]
    assert present_finetune([WALK], look(), networks).persons == ("Anna", "Ben")


@pytest.mark.parametrize("phase", list(Phase))
def test_nothing_starts_while_something_is_taught(phase):
    state = present_finetune([WALK], look(phase=phase))
    assert state.can_start == (phase not in (Phase.RUNNING, Phase.PAUSED))


def test_a_run_under_way_says_how_far_it_is_on_its_tab():
    used_s = 60 * REQUEST.minutes
    assert present_run(look(phase=Phase.RUNNING, seconds_used=0.431 * used_s)).progress == "43 %"
    assert present_run(look(phase=Phase.RUNNING, seconds_used=1.2 * used_s)).progress == "99 %"
    assert present_run(look(phase=Phase.PAUSED, seconds_used=0.5 * used_s)).progress == "paused"
    assert present_run(look(phase=Phase.KEPT, seconds_used=used_s)).progress == ""
