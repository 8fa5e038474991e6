"""LiveRig: the rig in use while cameras run: found by the live calibration, or from before and tested; then watched."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from calibration.report import CalibrationReport
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions
from calibration.skeleton import Skeleton
from engine.capture.camera import CameraFeed
from engine.clock import NS_PER_S
from engine.live_calibration import LiveCalibration
from engine.live_state import CalibrationPhase, CalibrationState
from engine.poses import PoseSet2D
from engine.rig_check import RigCheck, RigFinding, RigVerdict
from engine.stages import Aside

WAITING = CalibrationState(CalibrationPhase.WATCHING, headline="Waiting for the cameras")
LOOK_EVERY_NS = 60 * NS_PER_S  # at a rig in use; a look takes about half a second of one core
LOOK_AGAIN_NS = 2 * NS_PER_S  # at a rig under test that could not be judged yet
TIMES_WRONG = 2  # looks in a row, before a person is alarmed


class LiveRig:
    """The rig in use. Any thread may call any method; none waits for a calibration.

    Parameters
    ----------
    skeleton
    feeds
        In camera order. The calibration begins once each has sent an image: until then nobody knows their sizes.
    stature_m
        Of the person; None where it is not known.
    on_rig
        Gets each new rig, and its report where it has one.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        feeds: Sequence[CameraFeed],
        stature_m: float | None,
        on_rig: Callable[[Rig, CalibrationReport | None], None],
    ) -> None:
        self._skeleton, self._feeds, self._stature_m, self._on_rig = skeleton, tuple(feeds), stature_m, on_rig
        self._lock = threading.RLock()
        self._calibration: LiveCalibration | None = None
        self._rig: Rig | None = None
        self._given: tuple[Rig, str] | None = None  # under test, and where it comes from
        self._check: RigCheck | None = None
        self._look: Aside[tuple[RigCheck, RigFinding]] = Aside("look at the rig")
        self._looked_ns = 0
        self._wrong = 0
        self._notices: tuple[str, ...] = ()

    def put(self, poses: PoseSet2D) -> None:
        """Take what the network saw at an instant, each view alone."""
        calibration = self._calibration or self._begin()
        if calibration is None:
            return
        calibration.put(poses)
        if not poses.carried:
            self._compare(calibration, poses)

    def rig(self) -> Rig | None:
        """Return the rig that can be trusted; None where there is none."""
        return self._rig

    def state(self) -> CalibrationState:
        """Say how it stands."""
        if self._calibration is None:
            return self._waiting()
        return self._calibration.state()

    def notices(self) -> tuple[str, ...]:
        """Return sentences on the rig that a person should read."""
        return self._notices

    def test(self, rig: Rig, source: str) -> None:
        """Compare a rig with what the cameras see, and use it if it fits.

        Parameters
        ----------
        rig
            Its cameras are the views, in their order.
        source
            Where it comes from, in words.
        """
        with self._lock:
            self._given, self._check, self._notices = (rig, source), RigCheck(rig, self._skeleton), ()
            if self._calibration is not None:
                self._calibration.test(source)

    def anew(self) -> None:
        """Forget the rig, and calibrate from what is seen from now on."""
        with self._lock:
            self._given, self._check, self._notices = None, None, ()
            if self._calibration is not None:
                self._calibration.calibrate_anew()

    def set_stature(self, stature_m: float | None) -> None:
        """Take this as the person's height, m."""
        with self._lock:
            self._stature_m = stature_m
            if self._calibration is not None:
                self._calibration.set_stature(stature_m)

    def close(self) -> None:
        """End the calibration."""
        with self._lock:
            calibration = self._calibration
        self._look.close()
        if calibration is not None:
            calibration.close()

    def _begin(self) -> LiveCalibration | None:
        """Begin to calibrate once the sizes of all images are known."""
        sizes = tuple(size for feed in self._feeds if (size := feed.state().size_wh) is not None)
        if len(sizes) < len(self._feeds):
            return None
        names = tuple(feed.name for feed in self._feeds)
        with self._lock:
            options = CalibrationOptions(self._stature_m)
            self._calibration = LiveCalibration(self._skeleton, names, sizes, options, on_rig=self._take)
            if self._given is not None:
                self._calibration.test(self._given[1])
            return self._calibration

    def _take(self, rig: Rig | None, report: CalibrationReport | None) -> None:
        """Use a rig from now on, or none."""
        self._rig = rig
        self._wrong = 0
        self._check = RigCheck(rig, self._skeleton) if rig is not None else None
        if rig is not None:
            self._on_rig(rig, report)

    def _compare(self, calibration: LiveCalibration, poses: PoseSet2D) -> None:
        """Look now and then whether the rig is still true."""
        with self._lock:
            made = self._look.take()
            if made is not None and made[0] is self._check:
                self._act(calibration, made[1])
            check = self._check
            if check is None or self._look.busy:
                return
            check.put(poses)
            wait_ns = LOOK_EVERY_NS if self._given is None else LOOK_AGAIN_NS
            if check.progress >= 1 and poses.timestamp_ns - self._looked_ns >= wait_ns:
                self._looked_ns = poses.timestamp_ns
                self._look.begin(lambda: (check, check.finding()))

    def _act(self, calibration: LiveCalibration, found: RigFinding) -> None:
        """Do what a finding asks for."""
        if found.verdict is RigVerdict.NOT_ENOUGH:
            return
        if self._given is None:
            self._watch(calibration, found)
            return
        (_, source), self._given = self._given, None
        if found.rig is not None:
            calibration.use(found.rig, source)
            self._notices = () if found.verdict is RigVerdict.FITS else (found.sentence,)
        else:
            self._check = None
            calibration.distrust()
            self._notices = (f"The rig {source} is not used. {found.sentence}",)

    def _watch(self, calibration: LiveCalibration, found: RigFinding) -> None:
        """Tell what became of a rig in use, once it is sure; follow clocks that drift."""
        if found.verdict is RigVerdict.FITS:
            self._wrong, self._notices = 0, ()
            return
        self._wrong += 1
        if self._wrong < TIMES_WRONG:
            return
        if found.verdict is RigVerdict.CLOCKS_CHANGED and found.rig is not None:
            state = calibration.state()
            calibration.use(found.rig, state.rig_source, state.report)
        self._notices = (found.sentence,)

    def _waiting(self) -> CalibrationState:
        """Say which camera is waited for."""
        if len(self._feeds) < 2:
            return CalibrationState(CalibrationPhase.OFF)
        missing = [feed.name for feed in self._feeds if feed.state().size_wh is None]
        if not missing or len(missing) == len(self._feeds):
            return WAITING
        return replace(WAITING, instruction=f"Camera '{missing[0]}' has sent no image yet. Check it, or remove it.")
