"""LiveRig: the rig in use while cameras run, from live calibration or saved; then watched."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions
from calibration.skeleton import Skeleton
from engine.clock import NS_PER_S
from engine.live.calibration import LiveCalibration
from engine.live.calibration_process import CalibrationProcess, Solver
from engine.live.feed import CameraFeed
from engine.live.rig_check import CALIBRATE_AGAIN, RigCheck, RigFinding, RigVerdict
from engine.live.state import CalibrationPhase, CalibrationState
from engine.poses import PoseSet2D
from engine.stages import CLOSE_S, BackgroundTask

logger = logging.getLogger(__name__)

WAITING = CalibrationState(CalibrationPhase.WATCHING, headline="Waiting for the cameras")
CHECK_EVERY_NS = 60 * NS_PER_S  # of a rig in use; a check takes 0.4 s of one core
RECHECK_NS = 2 * NS_PER_S  # of a rig under test that could not be judged yet
RECALIBRATION_HINT = "A new one is made as soon as a person walks through the room."
MAX_SHOWN_PROGRESS = 0.95  # of a test: evaluating what was seen takes a moment
MIN_CLOCKS_S = 10.0  # of motion; with less, the clocks get worse
# The error of the search; and a new rig restarts the trail on the floor.
MIN_CLOCK_STEP_NS = 5_000_000
MIN_WRONG_CHECKS = 2  # in a row, before the user is warned


class LiveRig:
    """The rig in use; thread-safe, and no call waits for a calibration.

    Parameters
    ----------
    skeleton
    feeds
        In camera order. The calibration starts once each has sent an image, which gives its size.
    stature_m
        Of the person; None where it is not known.
    on_rig
        Called with each new rig, and its report where it has one.
    make_solver
        For tests.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        feeds: Sequence[CameraFeed],
        stature_m: float | None,
        on_rig: Callable[[Rig, CalibrationReport | None], None],
        make_solver: Callable[[], Solver] = CalibrationProcess,
    ) -> None:
        self._skeleton = skeleton
        self._feeds = tuple(feeds)
        self._stature_m = stature_m
        self._on_rig = on_rig
        self._make_solver = make_solver
        self._lock = threading.RLock()
        self._calibration: LiveCalibration | None = None
        self._rig: Rig | None = None
        self._tested: tuple[Rig, str] | None = None  # under test, and where it comes from
        self._check: RigCheck | None = None
        self._check_task: BackgroundTask[tuple[RigCheck, RigFinding]] = BackgroundTask(
            "look at the rig"
        )
        self._checked_ns = 0
        self._wrong_count = 0
        self._notices: tuple[str, ...] = ()
        self._closed = False

    def put(self, poses: PoseSet2D) -> None:
        """Add the 2D poses of an instant, each view on its own."""
        if self._closed:
            return
        calibration = self._calibration or self._begin()
        if calibration is None:
            return
        calibration.put(poses)
        if not poses.is_interpolated:
            self._compare(calibration, poses)

    def rig(self) -> Rig | None:
        """Return the rig that can be trusted; None where there is none."""
        return self._rig

    def state(self) -> CalibrationState:
        """Return the state of calibration or test."""
        if self._calibration is None:
            return self._describe_waiting()
        state, check = self._calibration.state(), self._check
        if state.phase is CalibrationPhase.TESTING and check is not None:
            return replace(state, progress=MAX_SHOWN_PROGRESS * check.progress)
        return state

    def notices(self) -> tuple[str, ...]:
        """Return messages on the rig for the user."""
        return self._notices

    def test(self, rig: Rig, source: str) -> None:
        """Compare a rig with what the cameras see, and use it if it fits.

        Parameters
        ----------
        rig
            Its cameras are the views, in their order.
        source
            Where it comes from, for messages.
        """
        with self._lock:
            if self._calibration is not None:
                self._calibration.test(source)  # first, because it withdraws the rig in use
            self._tested = (rig, source)
            self._check = RigCheck(rig, self._skeleton)
            self._notices = ()
            if self._calibration is not None:
                self._refuse_other_sizes(
                    rig, [size for feed in self._feeds if (size := feed.state().size_wh)]
                )

    def recalibrate(self) -> None:
        """Forget the rig, and calibrate from what is seen from now on."""
        with self._lock:
            self._tested = None
            self._check = None
            self._notices = ()
            if self._calibration is not None:
                self._calibration.recalibrate()

    def set_stature(self, stature_m: float | None) -> None:
        """Set the person's stature, m."""
        with self._lock:
            self._stature_m = stature_m
            if self._calibration is not None:
                self._calibration.set_stature(stature_m)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Close the calibration; a check of the rig that takes longer ends by itself."""
        with self._lock:
            self._closed = True
            calibration = self._calibration
        self._check_task.close(timeout_s)
        if calibration is not None:
            calibration.close()

    def _begin(self) -> LiveCalibration | None:
        """Start the calibration once the sizes of all images are known."""
        sizes = tuple(size for feed in self._feeds if (size := feed.state().size_wh) is not None)
        if len(sizes) < len(self._feeds):
            return None
        names = tuple(feed.name for feed in self._feeds)
        with self._lock:
            if self._closed:
                return None
            options = CalibrationOptions(self._stature_m)
            solver = self._make_solver()
            self._calibration = LiveCalibration(
                self._skeleton, names, sizes, options, on_rig=self._use_rig, solver=solver
            )
            if self._tested is not None:
                self._calibration.test(self._tested[1])
                self._refuse_other_sizes(self._tested[0], sizes)
            return self._calibration

    def _refuse_other_sizes(self, rig: Rig, sizes: Sequence[tuple[int, int]]) -> None:
        """Reject a rig for images of another size, about which nothing else can be judged."""
        for camera, size in zip(rig, sizes):
            if tuple(camera.size_wh) != tuple(size):
                was, now = (f"{width}x{height}" for width, height in (camera.size_wh, size))
                self._reject_tested(f"Camera '{camera.name}' sent {was} then and sends {now} now.")
                return

    def _reject_tested(self, why: str) -> None:
        """Reject the rig under test, and calibrate from the motion seen so far and later."""
        if self._tested is None or self._calibration is None:
            return
        (_, source), self._tested, self._check = self._tested, None, None
        self._calibration.reject_tested_rig()
        reason = " ".join(why.replace(CALIBRATE_AGAIN, "").split())
        self._notices = (f"The rig {source} is not used. {reason} {RECALIBRATION_HINT}",)

    def _use_rig(self, rig: Rig | None, report: CalibrationReport | None) -> None:
        """Use a rig from now on, or none."""
        self._rig = rig
        self._wrong_count, self._notices = 0, ()  # earlier messages are about another rig
        self._check = RigCheck(rig, self._skeleton) if rig is not None else None
        if rig is not None:
            self._on_rig(rig, report)

    def _compare(self, calibration: LiveCalibration, poses: PoseSet2D) -> None:
        """Check now and then whether the rig still fits."""
        with self._lock:
            result = self._check_task.take()
            if result is not None and result[0] is self._check:
                self._apply_finding(calibration, result[1])
            check = self._check
            if check is None or self._check_task.is_busy:
                return
            check.put(poses)
            watching = self._tested is None
            enough = check.span_s >= MIN_CLOCKS_S if watching else check.progress >= 1
            if enough and poses.timestamp_ns - self._checked_ns >= (
                CHECK_EVERY_NS if watching else RECHECK_NS
            ):
                self._checked_ns = poses.timestamp_ns
                self._check_task.start(
                    lambda: (check, _check_and_refine(check) if watching else check.evaluate())
                )

    def _apply_finding(self, calibration: LiveCalibration, found: RigFinding) -> None:
        """Act on a finding."""
        if found.verdict is RigVerdict.NOT_ENOUGH:
            return
        if self._tested is None:
            self._watch_rig(calibration, found)
            return
        if found.rig is None:
            self._reject_tested(found.message)
            return
        (_, source), self._tested = self._tested, None
        calibration.use(found.rig, source)
        self._notices = () if found.verdict is RigVerdict.FITS else (found.message,)

    def _watch_rig(self, calibration: LiveCalibration, found: RigFinding) -> None:
        """Report what happened to a rig in use, once it is sure; correct drifting clocks."""
        if found.verdict is RigVerdict.FITS:
            self._wrong_count, self._notices = 0, ()
            if (
                found.rig is not None
                and self._rig is not None
                and _measure_clock_step_ns(self._rig, found.rig) > MIN_CLOCK_STEP_NS
            ):
                self._update_clocks(calibration, found.rig)
            return
        self._wrong_count += 1
        if self._wrong_count < MIN_WRONG_CHECKS:
            return
        if found.verdict is RigVerdict.CLOCKS_CHANGED and found.rig is not None:
            self._update_clocks(calibration, found.rig)
        self._notices = (found.message,)

    def _update_clocks(self, calibration: LiveCalibration, rig: Rig) -> None:
        """Correct the clocks of the rig in use."""
        logger.info("Clocks corrected: %s", rig.time_offset_ns)
        calibration.update_clocks(rig)

    def _describe_waiting(self) -> CalibrationState:
        """Describe which camera is waited for."""
        if len(self._feeds) < 2:
            return CalibrationState(CalibrationPhase.OFF)
        missing = [feed.name for feed in self._feeds if feed.state().size_wh is None]
        if not missing or len(missing) == len(self._feeds):
            return WAITING
        return replace(
            WAITING,
            instruction=f"Camera '{missing[0]}' has sent no image yet. Check it, or remove it.",
        )


def _check_and_refine(check: RigCheck) -> RigFinding:
    """Check a rig in use and, if it fits, correct its clocks from the body's motion."""
    found = check.evaluate()
    if found.rig is None or found.offsets_ns is None:
        return found
    return replace(found, rig=replace(found.rig, time_offset_ns=found.offsets_ns))


def _measure_clock_step_ns(one: Rig, other: Rig) -> int:
    """Return the largest difference of two rigs' offsets, relative to their first cameras."""
    first, second = (
        [
            rig.time_offset_ns.get(name, 0) - rig.time_offset_ns.get(rig.names[0], 0)
            for name in rig.names
        ]
        for rig in (one, other)
    )
    return max(abs(a - b) for a, b in zip(first, second))
