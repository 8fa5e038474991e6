"""LiveCalibration: watches a person through uncalibrated cameras until it knows where these stand,
then makes sure.

It tries as soon as enough motion was seen, in a process of its own; a rig that may be used is used
at once and replaced by better ones while the person goes on; then it rests. A gate is never
loosened: what the verdict of a whole take refuses is refused here.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from calibration.judge.report import ACCEPTED, CalibrationReport
from calibration.judge.verdict import (
    ACCEPTED_FOCAL_PERCENT,
    ACCEPTED_POSITION_SHARE,
    ACCEPTED_ROTATION_DEG,
)
from calibration.rig import Rig
from calibration.self_calibrate import Calibration, CalibrationOptions
from calibration.skeleton import Skeleton
from calibration.world.scale import rescale_to_stature
from engine.live.calibration_process import (
    CalibrationOutcome,
    CalibrationProcess,
    CalibrationTask,
    Solver,
)
from engine.live.coach import NO_CAMERA, ONE_CAMERA, advise, advise_refinement, compute_view_overlap
from engine.live.motion_accumulator import Motion, MotionAccumulator
from engine.live.motion_log import MAX_AGE_S, MotionLog
from engine.live.state import CalibrationPhase, CalibrationState
from engine.poses import PoseSet2D

logger = logging.getLogger(__name__)

# Studio takes, 10 poses a second (tests/benchmarks/bench_live_calibration.py), four cameras: 6 s
# gave a rig that the verdict lets pass in 14 of 20 cases, 9 s in 20 of 20, at most 1.3 degrees off;
# a refusal costs nothing but 2 s of another core. With two cameras 6 s gave one that was 2.7
# degrees off, 9 s none beyond 1.1.
FIRST_S, FIRST_OF_TWO_S = 6.0, 9.0
# more motion before the next attempt: a share, at most, at least
GROWTH_SHARE = 0.3
MAX_GROWTH_S = 5.0
MIN_GROWTH_S = 2.0
MAX_QUICK_REFUSALS, SLOW_GROWTH_S = 6, 15.0  # after so many refusals in a row it tries less often
MAX_REFINEMENTS, REFINEMENT_GROWTH_SHARE = (
    5,
    0.5,
)  # attempts after the first rig; each with so much more motion
# a rig is replaced by one whose doubt is this much smaller: less is not worth a jump of the room
MAX_DOUBT_RATIO = 0.95
MAX_FAILURES = 3
# a camera may have been moved before: every other attempt after a refusal sees only this much
RECENT_S = 20.0

CALIBRATED_NOW = "calibrated now"
KEEP_CAMERAS = "Leave the cameras where they are."
GAVE_UP = "The calibration failed. Press Calibrate to try it again; the log has the details."


class LiveCalibration:
    """The live calibration of one set of cameras. Any thread may call any method; none waits for a
    calibration.

    Parameters
    ----------
    skeleton
        Of the network.
    view_names
        Names, in camera order. With fewer than two nothing is done.
    sizes_wh : V of them, px
    options
    on_rig
        Called with every rig that is to be used from now on and its report (None where it has
        none), and with two None where there is none any more; from inside `put`, `state` or a
        command. It must not wait.
    solver
        For tests.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        view_names: tuple[str, ...],
        sizes_wh: tuple[tuple[int, int], ...],
        options: CalibrationOptions,
        *,
        on_rig: Callable[[Rig | None, CalibrationReport | None], None] = lambda _rig, _report: None,
        solver: Solver | None = None,
    ) -> None:
        self._view_names = view_names
        self._options = options
        self._on_rig = on_rig
        self._solver: Solver = CalibrationProcess() if solver is None else solver
        self._motion = MotionAccumulator(skeleton, view_names, sizes_wh)
        self._log = MotionLog(skeleton, view_names, sizes_wh)
        self._lock = threading.RLock()
        self._number = 0
        self._closed = False
        self._reset()

    def put(self, poses: PoseSet2D) -> None:
        """Take what the network saw at an instant, before anything was associated; some tenths of a
        millisecond.

        Parameters
        ----------
        poses
            Those that were carried on from an earlier instant are left out.
        """
        with self._lock:
            self._poll_solver()
            if poses.is_interpolated or not self._is_watching:
                return
            self._solver.start()
            if self._motion.put(poses):
                self._log.put(poses)
            idle = self._pending_number is None and self._phase is not CalibrationPhase.TESTING
            if (
                idle
                and self._motion.seconds >= self._required_s
                and advise(self._motion.summarize(), self._required_s).is_enough
            ):
                self._attempt()

    def state(self) -> CalibrationState:
        """Say how it stands.

        Returns
        -------
        state
        """
        with self._lock:
            self._poll_solver()
            motion = self._motion.summarize()
            phase, progress, headline, instruction = self._describe(motion)
            return CalibrationState(
                phase=phase,
                progress=progress,
                headline=headline,
                instruction=instruction,
                coverage=tuple(motion.coverage),
                view_overlap=compute_view_overlap(motion) if self._view_names else None,
                report=self._report,
                rig=self._rig,
                rig_source=self._source,
            )

    @property
    def is_busy(self) -> bool:
        """Whether something is being calibrated."""
        return self._pending_number is not None

    def recalibrate(self) -> None:
        """Forget the rig and the motion, and begin from nothing."""
        with self._lock:
            self._motion.clear()
            self._log.clear()
            self._restart()

    def test(self, source: str) -> None:
        """Say that a rig from before is being compared with what the cameras see; motion is
        collected meanwhile.

        Parameters
        ----------
        source
            In words where the rig comes from.
        """
        with self._lock:
            self._restart()
            if len(self._view_names) >= 2:
                self._phase, self._source = CalibrationPhase.TESTING, source

    def use(self, rig: Rig, source: str, report: CalibrationReport | None = None) -> None:
        """Use a rig that can be trusted, and rest.

        Parameters
        ----------
        rig
            Its cameras in the order of the views.
        source
            In words where it comes from.
        report
            Where there is one.
        """
        with self._lock:
            self._pending_number = None
            self._report = report
            self._problem = ""
            self._pause()
            self._adopt(rig, report, source)

    def update_clocks(self, rig: Rig) -> None:
        """Go on with the rig in use, its time offsets known better; what is still being calibrated
        goes on, too.

        Parameters
        ----------
        rig
            The one in use but for its offsets.
        """
        with self._lock:
            if self._rig is not None:
                self._rig = rig
                self._on_rig(rig, self._report)

    def reject_tested_rig(self) -> None:
        """Say that the rig under test does not fit; it goes on from the motion seen so far."""
        with self._lock:
            if self._phase is CalibrationPhase.TESTING:
                self._reset()

    def set_stature(self, stature_m: float | None) -> None:
        """Take this as the person's height, from now on and for a rig that was calibrated here; no
        other is changed.

        Parameters
        ----------
        stature_m
            None where it is not known.
        """
        with self._lock:
            self._options = replace(self._options, stature_m=stature_m)
            if (
                self._rig is not None
                and self._report is not None
                and self._source == CALIBRATED_NOW
            ):
                self._rig, self._report = rescale_to_stature(self._rig, self._report, stature_m)
                self._on_rig(self._rig, self._report)

    def close(self) -> None:
        """End everything; takes less than 2 s."""
        with self._lock:
            self._closed, self._pending_number = True, None
        self._solver.stop()

    def _reset(self) -> None:
        """Stand at the beginning, with whatever motion there is."""
        self._phase = (
            CalibrationPhase.OFF if len(self._view_names) < 2 else CalibrationPhase.WATCHING
        )
        self._rig: Rig | None = None
        self._report: CalibrationReport | None = None
        self._source = ""
        self._pending_number: int | None = None
        self._pending_motion_s = 0.0  # of motion, when it was asked
        self._required_s = FIRST_OF_TWO_S if len(self._view_names) == 2 else FIRST_S
        self._refusals = self._refinements = self._failures = 0
        self._finished = False
        self._progress = 0.0  # never goes back while it watches
        self._problem = ""

    @property
    def _is_watching(self) -> bool:
        """Whether more motion is of use."""
        return not (self._closed or self._finished or self._phase is CalibrationPhase.OFF)

    def _attempt(self) -> None:
        """Calibrate from the motion so far."""
        self._number += 1
        self._pending_number = self._number
        self._pending_motion_s = self._motion.seconds
        if self._rig is None:
            self._phase = CalibrationPhase.SOLVING
        only_recent = self._rig is None and self._refusals >= 2 and self._refusals % 2 == 0
        candidates = self._log.candidates(RECENT_S if only_recent else MAX_AGE_S)
        logger.info(
            "Calibrating from %.0f s of motion in %d framesets.",
            self._pending_motion_s,
            len(candidates.time_ns),
        )
        self._solver.solve(CalibrationTask(self._number, candidates, self._options))

    def _restart(self) -> None:
        """Give up what is being calibrated, and the rig; begin with whatever motion there is."""
        had_rig = self._rig is not None
        if self._pending_number is not None:
            self._solver.cancel()
        self._reset()
        if had_rig:
            self._on_rig(None, None)

    def _poll_solver(self) -> None:
        """Act on what the solver has found, if it has."""
        if self._pending_number is None:
            return
        outcome = self._solver.take_outcome()
        if outcome is None or outcome.number != self._pending_number:
            return
        self._pending_number = None
        self._progress = 0.0
        self._problem = ""
        if outcome.crashed:
            self._fail(outcome.message)
        elif outcome.calibration is None or outcome.calibration.rig is None:
            self._refuse(outcome)
        else:
            self._failures = self._refusals = 0
            self._judge(outcome.calibration, outcome.calibration.rig)

    def _fail(self, message: str) -> None:
        """Try again with the same motion, but not for ever."""
        self._failures += 1
        gave_up = self._failures >= MAX_FAILURES
        self._problem = GAVE_UP if gave_up else message
        logger.warning("%s", self._problem)
        self._phase = CalibrationPhase.REFUSED if self._rig is None else CalibrationPhase.CALIBRATED
        if gave_up:
            self._pause()
        else:
            self._required_s = self._pending_motion_s

    def _refuse(self, outcome: CalibrationOutcome) -> None:
        """Go on watching; a rig that is in use stays."""
        if self._rig is not None:
            self._refine_later()
            return
        self._refusals += 1
        self._phase = CalibrationPhase.REFUSED
        self._report = outcome.calibration.report if outcome.calibration is not None else None
        reasons = self._report.reasons if self._report is not None else (outcome.message,)
        logger.info("No calibration yet: %s", " ".join(reasons))
        grown_s = min(max(GROWTH_SHARE * self._pending_motion_s, MIN_GROWTH_S), MAX_GROWTH_S)
        self._required_s = self._pending_motion_s + (
            grown_s if self._refusals < MAX_QUICK_REFUSALS else SLOW_GROWTH_S
        )

    def _judge(self, calibration: Calibration, rig: Rig) -> None:
        """Use a rig that is better than the one in use, and decide whether to go on."""
        report = calibration.report
        better = (
            self._rig is None
            or self._report is None
            or _is_better((rig, report), (self._rig, self._report))
        )
        logger.info(
            "Calibrated: %s%s.", report.verdict, "" if better else ", no better than before"
        )
        if better:
            if report.stature_m != self._options.stature_m:  # changed meanwhile, or not known
                rig, report = rescale_to_stature(rig, report, self._options.stature_m)
            self._report = report
            self._adopt(rig, report, CALIBRATED_NOW)
        if report.verdict == ACCEPTED:
            self._pause()
        else:
            self._refine_later()

    def _refine_later(self) -> None:
        """Try again with clearly more motion, a few times."""
        self._required_s = self._pending_motion_s * (1 + REFINEMENT_GROWTH_SHARE)
        self._refinements += 1
        if self._refinements > MAX_REFINEMENTS:
            self._pause()

    def _adopt(self, rig: Rig, report: CalibrationReport | None, source: str) -> None:
        """Use a rig from now on."""
        self._phase = CalibrationPhase.CALIBRATED
        self._rig = rig
        self._source = source
        self._on_rig(rig, report)

    def _pause(self) -> None:
        """Cost nothing until somebody asks."""
        self._finished = True
        self._solver.cancel()

    def _describe(self, motion: Motion) -> tuple[CalibrationPhase, float, str, str]:
        """Say phase, progress, headline and instruction."""
        phase = self._phase
        if phase is CalibrationPhase.OFF:
            return phase, 0.0, "", ONE_CAMERA if self._view_names else NO_CAMERA
        if phase is CalibrationPhase.TESTING:
            return (
                phase,
                0.0,
                "Checking the last calibration",
                "Walk a few steps, in view of all cameras.",
            )
        if phase is CalibrationPhase.SOLVING:
            return (
                phase,
                self._solver.progress,
                "Working it out",
                "Keep walking: the room appears in a moment.",
            )
        if phase is CalibrationPhase.CALIBRATED:
            if self._finished:
                return phase, 1.0, "Calibrated", self._problem or KEEP_CAMERAS
            return phase, 1.0, "Calibrated, and getting sharper", advise_refinement(motion)
        if self._finished:
            return phase, 0.0, "Not calibrated", self._problem
        advice = advise(motion, self._required_s)
        self._progress = max(self._progress, advice.progress)
        headline = (
            "Not sure yet"
            if phase is CalibrationPhase.REFUSED and advice.needs_only_time
            else advice.headline
        )
        return phase, self._progress, headline, self._problem or advice.instruction


def _is_better(new: tuple[Rig, CalibrationReport], old: tuple[Rig, CalibrationReport]) -> bool:
    """Whether a rig is clearly less doubtful than another one."""
    return new[1].verdict == ACCEPTED or _measure_doubt(*new) < MAX_DOUBT_RATIO * _measure_doubt(
        *old
    )


def _measure_doubt(rig: Rig, report: CalibrationReport) -> float:
    """How far a rig is from being accepted: its largest sigma, in units of what the verdict accepts."""
    centres = np.array([camera.centre for camera in rig])
    baseline_m = np.linalg.norm(centres[:, None] - centres[None], axis=-1).max()
    return max(
        max(
            camera.rotation_sigma_deg / ACCEPTED_ROTATION_DEG,
            camera.position_sigma_m / baseline_m / ACCEPTED_POSITION_SHARE,
            camera.focal_sigma_percent / ACCEPTED_FOCAL_PERCENT,
        )
        for camera in report.cameras
    )
