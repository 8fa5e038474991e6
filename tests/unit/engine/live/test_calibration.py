import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from calibration.self_calibrate import Calibration, CalibrationOptions
from calibration.synthetic.synthetic import NETWORK_NOISE, RigPlan
from engine.live.calibration import (
    CALIBRATED_NOW,
    FIRST_S,
    MAX_FAILURES,
    MAX_REFINEMENTS,
    LiveCalibration,
)
from engine.live.calibration_process import CalibrationOutcome, CalibrationProcess
from engine.live.state import CalibrationPhase
from tests.support.calibrations import make_scene, measure_pair_rotation_errors_deg
from tests.support.pose_recordings import make_pose_sets
from tests.support.scenes import make_report, make_square_rig

RIG = make_square_rig(3)


@cache
def filmed(motion, cameras, seconds):
    """A person in front of some cameras, and the poses that a network finds."""
    taken = make_scene(
        RigPlan(cameras), motion, NETWORK_NOISE, seed=1, seconds=seconds
    ).seen.observations
    return taken, make_pose_sets(taken)


class ScriptedSolver:
    """Records its requests and answers when the test says so."""

    def __init__(self):
        self.tasks, self.started, self.rested, self.stopped = [], 0, 0, False
        self.progress, self._answer = 0.25, None

    def start(self):
        self.started += 1

    def solve(self, task):
        self.tasks.append(task)

    def take_outcome(self):
        answer, self._answer = self._answer, None
        return answer

    def cancel(self):
        self.rested += 1

    def stop(self):
        self.stopped = True

    def answer(self, verdict="usable", doubt=1.0, sentence=""):
        number = self.tasks[-1].number
        if sentence:
            self._answer = CalibrationOutcome(number, message=sentence, crashed=verdict == "broken")
            return
        judged = make_report(RIG, verdict)
        cameras = tuple(replace(each, focal_sigma_percent=5 * doubt) for each in judged.cameras)
        judged = replace(judged, cameras=cameras, reasons=("As it is.",))
        rig = None if verdict == "refused" else replace(RIG, metadata={"attempt": len(self.tasks)})
        self._answer = CalibrationOutcome(number, Calibration(rig, judged, np.zeros((1, 3), bool)))


class Watched:
    """A live calibration of three cameras, a walk in front of them, and a scripted solver."""

    def __init__(self, motion="room", *, cameras=3, seconds=60):
        taken, sets = filmed(motion, cameras, seconds)
        self.solver, self.rigs = ScriptedSolver(), []
        self.live = LiveCalibration(
            taken.skeleton,
            taken.view_names,
            taken.sizes_wh,
            CalibrationOptions(stature_m=1.75),
            on_rig=lambda rig, judged: self.rigs.append((rig, judged)),
            solver=self.solver,
        )
        self.sets = iter(sets)

    def walk(self, seconds):
        for _ in range(round(seconds * 10)):
            self.live.put(next(self.sets))
        return self.live.state()

    def walk_until_asked(self, most_s=30.0):
        asked = len(self.solver.tasks)
        for step in range(round(most_s * 10)):
            self.live.put(next(self.sets))
            if len(self.solver.tasks) > asked:
                return (step + 1) / 10
        raise AssertionError(f"no request within {most_s} s")

    def answer(self, *args, **kwargs):
        self.solver.answer(*args, **kwargs)
        return self.live.state()


def test_it_watches_until_there_is_enough_motion_then_it_solves():
    watched = Watched()
    progress = [watched.walk(1).progress for _ in range(5)]
    assert progress == sorted(progress)
    assert watched.live.state().phase is CalibrationPhase.WATCHING
    assert watched.solver.started > 0
    assert watched.walk_until_asked() == pytest.approx(FIRST_S - 4, abs=1)
    state = watched.live.state()
    assert state.phase is CalibrationPhase.SOLVING
    assert state.progress == 0.25


def test_standing_still_is_never_solved_and_said():
    watched = Watched("stand")
    state = watched.walk(40)
    assert not watched.solver.tasks
    assert state.phase is CalibrationPhase.WATCHING
    assert state.headline == "You stand still"


def test_a_usable_rig_is_used_at_once_and_refined():
    watched = Watched()
    watched.walk_until_asked()
    state = watched.answer("usable")
    assert state.phase is CalibrationPhase.CALIBRATED
    assert state.rig is watched.rigs[0][0]
    assert state.rig_source == CALIBRATED_NOW
    assert watched.live.state().report is watched.rigs[0][1]
    watched.walk_until_asked()
    assert watched.live.state().phase is CalibrationPhase.CALIBRATED


def test_a_refinement_that_is_clearly_more_doubtful_changes_nothing():
    watched = Watched()
    watched.walk_until_asked()
    watched.answer("usable", doubt=1.0)
    watched.walk_until_asked()
    state = watched.answer("usable", doubt=2.0)
    assert len(watched.rigs) == 1
    assert state.rig is watched.rigs[0][0]
    assert state.report is watched.rigs[0][1]
    watched.walk_until_asked()
    assert watched.answer("usable", doubt=0.5).rig.metadata["attempt"] == 3
    assert len(watched.rigs) == 2


def test_a_refinement_that_is_refused_leaves_the_rig():
    watched = Watched()
    watched.walk_until_asked()
    watched.answer("usable")
    watched.walk_until_asked()
    state = watched.answer("refused")
    assert state.phase is CalibrationPhase.CALIBRATED
    assert state.report.verdict == "usable"


def test_an_accepted_rig_ends_the_watch():
    watched = Watched()
    watched.walk_until_asked()
    state = watched.answer("accepted")
    assert state.headline == "Calibrated"
    started, rested = watched.solver.started, watched.solver.rested
    watched.walk(20)
    assert rested == 1
    assert watched.solver.started == started
    assert len(watched.solver.tasks) == 1


def test_refinements_come_to_an_end_and_grow_apart():
    watched = Watched(seconds=200)
    waits = [watched.walk_until_asked()]
    for _ in range(MAX_REFINEMENTS):
        watched.answer("usable")
        waits.append(watched.walk_until_asked(60))
    watched.answer("usable")
    watched.walk(20)
    assert len(watched.solver.tasks) == 1 + MAX_REFINEMENTS
    assert waits[1:] == sorted(waits[1:])
    assert watched.solver.rested == 1


def test_a_refusal_says_why_and_goes_on_with_more_motion():
    watched = Watched()
    watched.walk_until_asked()
    state = watched.answer("refused")
    assert state.phase is CalibrationPhase.REFUSED
    assert state.report.verdict == "refused"
    assert state.headline == "Not sure yet"
    assert state.instruction
    assert not watched.rigs
    assert 1.5 < watched.walk_until_asked() < 5.5
    assert len(watched.solver.tasks[1].candidates.time_ns) > len(
        watched.solver.tasks[0].candidates.time_ns
    )


def test_after_two_refusals_every_other_attempt_leaves_out_what_is_old():
    watched = Watched(seconds=120)
    spans_s = []
    for _ in range(6):
        watched.walk_until_asked()
        watched.walk(4)
        times = watched.solver.tasks[-1].candidates.time_ns
        spans_s.append((times[-1] - times[0]) * 1e-9)
        watched.answer("refused")
    assert spans_s[4] == pytest.approx(20, abs=0.2)
    assert spans_s[5] > 25


def test_a_solver_that_dies_is_asked_again_then_given_up_with_a_sentence():
    watched = Watched()
    watched.walk_until_asked()
    for _ in range(MAX_FAILURES - 1):
        assert watched.answer(
            "broken", sentence="It ended; it is tried again."
        ).instruction.startswith("It ended")
        watched.walk_until_asked(1)
    state = watched.answer("broken", sentence="It ended; it is tried again.")
    watched.walk(20)
    assert len(watched.solver.tasks) == MAX_FAILURES
    assert "Press Calibrate" in state.instruction
    watched.live.recalibrate()
    watched.walk_until_asked()


def test_poses_carried_by_optical_flow_are_left_out():
    watched = Watched()
    for _ in range(200):
        watched.live.put(replace(next(watched.sets), is_interpolated=True))
    assert not watched.solver.tasks
    assert watched.live.state().progress == 0


def test_calibrating_anew_forgets_rig_motion_and_what_is_being_solved():
    watched = Watched()
    watched.walk_until_asked()
    watched.answer("usable")
    watched.walk_until_asked()
    watched.live.recalibrate()
    state = watched.live.state()
    assert watched.rigs[-1] == (None, None)
    assert state.phase is CalibrationPhase.WATCHING
    assert state.rig is None
    assert state.progress == 0
    assert watched.solver.rested == 1
    watched.solver.answer("usable")  # too late: of what was forgotten
    assert watched.live.state().rig is None
    assert watched.walk_until_asked() > 5


def test_one_camera_does_nothing_and_says_why():
    watched = Watched(cameras=1)
    state = watched.walk(20)
    assert state.phase is CalibrationPhase.OFF
    assert "second camera" in state.instruction
    assert watched.solver.started == 0


def test_two_cameras_wait_for_more_motion_than_three():
    assert Watched(cameras=2).walk_until_asked() > Watched(cameras=3).walk_until_asked() + 2


def test_another_stature_scales_the_rig_at_once_and_the_next_ones_too():
    watched = Watched()
    watched.walk_until_asked()
    watched.answer("usable")
    watched.live.set_stature(1.75 * 1.1)
    rig, judged = watched.rigs[-1]
    assert np.allclose([camera.centre for camera in rig], [1.1 * camera.centre for camera in RIG])
    assert judged.stature_m == pytest.approx(1.925)
    watched.walk_until_asked()
    assert watched.solver.tasks[-1].options.stature_m == pytest.approx(1.925)
    watched.live.set_stature(1.75)
    watched.live.set_stature(
        1.925
    )  # changed while it solves, and back: the solver answers with 1.75
    watched.answer("usable", doubt=0.5)
    assert np.allclose(watched.rigs[-1][0][0].centre, 1.1 * RIG[0].centre)


def test_the_stature_of_today_does_not_change_a_rig_of_yesterday():
    watched = Watched()
    watched.live.use(RIG, "rig.toml", make_report(RIG))
    watched.live.set_stature(1.5)
    assert watched.live.state().rig is RIG
    assert len(watched.rigs) == 1


def test_a_rig_under_test_is_not_used_and_nothing_is_solved_meanwhile():
    watched = Watched()
    watched.live.test("rig.toml")
    state = watched.walk(10)
    assert state.phase is CalibrationPhase.TESTING
    assert state.rig is None
    assert state.rig_source == "rig.toml"
    assert not watched.solver.tasks


def test_a_rig_that_fits_is_used_and_costs_nothing():
    watched = Watched()
    watched.live.test("rig.toml")
    watched.walk(3)
    watched.live.use(RIG, "rig.toml")
    state = watched.walk(20)
    assert state.phase is CalibrationPhase.CALIBRATED
    assert watched.rigs == [(RIG, None)]
    assert watched.solver.rested == 1
    assert not watched.solver.tasks


def test_a_rig_that_does_not_fit_leaves_the_motion_that_was_seen():
    watched = Watched()
    watched.live.test("rig.toml")
    watched.walk(8)
    watched.live.reject_tested_rig()
    assert watched.walk_until_asked() <= 0.2


def test_after_close_nothing_happens():
    watched = Watched()
    watched.walk_until_asked()
    watched.live.close()
    watched.solver.answer("usable")
    watched.walk(20)
    assert watched.solver.stopped
    assert not watched.rigs
    assert len(watched.solver.tasks) == 1


def test_a_walk_becomes_a_rig_in_a_process_of_its_own():
    truth = make_scene(RigPlan(3), "room", NETWORK_NOISE, seed=3, seconds=9)
    observations = truth.seen.observations
    rigs = []
    live = LiveCalibration(
        observations.skeleton,
        observations.view_names,
        observations.sizes_wh,
        CalibrationOptions(stature_m=1.75),
        on_rig=lambda rig, judged: rigs.append((rig, judged)),
        solver=CalibrationProcess(),
    )
    try:
        for poses in make_pose_sets(observations):
            live.put(poses)
        while not rigs:
            wait_for(live)
        assert live.state().phase is CalibrationPhase.CALIBRATED
        assert rigs[0][1].verdict in ("usable", "accepted")
        assert measure_pair_rotation_errors_deg(rigs[0][0], truth.rig).max() < 1.5
    finally:
        live.close()


def wait_for(live):
    """Let the process work; a refusal would never become a rig."""
    time.sleep(0.05)
    assert live.state().phase in (CalibrationPhase.SOLVING, CalibrationPhase.CALIBRATED)
