"""LiveCalibration: calibrates cameras from a moving person while they run, then refines the rig.

It tries as soon as enough motion was seen, in a process of its own. A usable rig is used at once
and replaced by better ones while the person goes on; then calibration stops. The gates are those of
a recorded session: a rig that would be refused there is refused here.

Its more than 400 lines are one state machine, whose states share one lock.
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

# Synthetic walks, 10 poses a second (tests/benchmarks/bench_live_calibration.py), four cameras: 6 s
# gave an acceptable rig in 14 of 20 cases, 9 s in 20 of 20, at most 1.3 degrees off; a refusal
# costs only 2 s of another core. With two cameras, 6 s gave one that was 2.7 degrees off, 9 s none
# beyond 1.1.
FIRST_S, FIRST_OF_TWO_S = 6.0, 9.0
# Additional motion before the next attempt: as a share, at most, at least.
GROWTH_SHARE = 0.3
MAX_GROWTH_S = 5.0
MIN_GROWTH_S = 2.0
MAX_QUICK_REFUSALS, SLOW_GROWTH_S = 6, 15.0  # after more refusals in a row, attempts are rarer
# Attempts after the first rig, and the share of additional motion for each.
MAX_REFINEMENTS, REFINEMENT_GROWTH_SHARE = 5, 0.5
# A rig is replaced if the doubt falls to this share: less is not worth a jump of the room.
MAX_DOUBT_RATIO = 0.95
MAX_FAILURES = 3
# A camera may have been moved: every other attempt after a refusal uses only this much motion.
RECENT_S = 20.0

CALIBRATED_NOW = "calibrated now"
KEEP_CAMERAS = "Leave the cameras where they are."
GAVE_UP = "The calibration failed. Press Calibrate to try it again; the log has the details."


class LiveCalibration:
    """The live calibration of one set of cameras; thread-safe, and no call waits for a calibration.

    Parameters
    ----------
    skeleton
        Of the 2D poses.
    view_names
        In camera order. With fewer than two, nothing is calibrated.
    sizes_wh : V of them, px
    options
    on_rig
        Called with each rig to be used from now on and its report (None where it has none), and
        with two None where there is no rig any more; from inside `put`, `state` or a command. It
        must not wait.
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
        """Add the 2D poses of an instant, before association; takes some tenths of a millisecond.

        Parameters
        ----------
        poses
            Poses interpolated from an earlier instant are left out.
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
        """Return the state of the calibration."""
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
        """Whether a calibration is running."""
        return self._pending_number is not None

    def recalibrate(self) -> None:
        """Forget the rig and the motion, and start again."""
        with self._lock:
            self._motion.clear()
            self._log.clear()
            self._restart()

    def test(self, source: str) -> None:
        """Show that a saved rig is being checked; motion is collected meanwhile.

        Parameters
        ----------
        source
            Where the rig comes from, for messages.
        """
        with self._lock:
            self._restart()
            if len(self._view_names) >= 2:
                self._phase, self._source = CalibrationPhase.TESTING, source

    def use(self, rig: Rig, source: str, report: CalibrationReport | None = None) -> None:
        """Use a trusted rig, and stop calibrating.

        Parameters
        ----------
        rig
            Its cameras in the order of the views.
        source
            Where it comes from, for messages.
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
        """Update the time offsets of the rig in use; a running calibration continues.

        Parameters
        ----------
        rig
            The one in use, with other time offsets.
        """
        with self._lock:
            if self._rig is not None:
                self._rig = rig
                self._on_rig(rig, self._report)

    def reject_tested_rig(self) -> None:
        """Report that the checked rig does not fit; calibrate from the motion seen so far."""
        with self._lock:
            if self._phase is CalibrationPhase.TESTING:
                self._reset()

    def set_stature(self, stature_m: float | None) -> None:
        """Set the person's stature; a rig that was calibrated here is rescaled, no other.

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
        """Stop everything; takes less than 2 s."""
        with self._lock:
            self._closed, self._pending_number = True, None
        self._solver.stop()

    def _reset(self) -> None:
        """Reset to the start, with the motion there is."""
        self._phase = (
            CalibrationPhase.OFF if len(self._view_names) < 2 else CalibrationPhase.WATCHING
        )
        self._rig: Rig | None = None
        self._report: CalibrationReport | None = None
        self._source = ""
        self._pending_number: int | None = None
        self._pending_motion_s = 0.0  # of motion, at the last attempt
        self._required_s = FIRST_OF_TWO_S if len(self._view_names) == 2 else FIRST_S
        self._refusals = self._refinements = self._failures = 0
        self._finished = False
        self._progress = 0.0  # never decreases while watching
        self._problem = ""

    @property
    def _is_watching(self) -> bool:
        """Whether more motion is useful."""
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
        """Abandon the running calibration and the rig; start with the motion there is."""
        had_rig = self._rig is not None
        if self._pending_number is not None:
            self._solver.cancel()
        self._reset()
        if had_rig:
            self._on_rig(None, None)

    def _poll_solver(self) -> None:
        """Handle the result of the solver, if there is one."""
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
        """Try again with the same motion, a limited number of times."""
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
        """Continue watching; a rig in use stays."""
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
        """Use a rig if it is better than the one in use, and decide whether to continue."""
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
        """Stop using the processor until calibration is requested again."""
        self._finished = True
        self._solver.cancel()

    def _describe(self, motion: Motion) -> tuple[CalibrationPhase, float, str, str]:
        """Return phase, progress, headline and instruction."""
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
    """Return whether a rig is clearly less doubtful than another one."""
    return new[1].verdict == ACCEPTED or _measure_doubt(*new) < MAX_DOUBT_RATIO * _measure_doubt(
        *old
    )


def _measure_doubt(rig: Rig, report: CalibrationReport) -> float:
    """Measure a rig's doubt: its largest sigma, in units of the accepted one."""
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
