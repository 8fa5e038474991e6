"""LiveLift: one camera's guess while cameras run: it keeps the images it may need, and changes networks on the way.

While several cameras see the person it looks now and then all the same, aside, to learn how far the network is off.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.capture.camera import CameraFeed
from engine.errors import EngineError, UnreadableSourceError
from engine.frames import FrameSet
from engine.lift import Glance, Lesson, Lift, LiftConfig, Lifter, Look
from engine.lift_square import square_of
from engine.live_state import LiftState
from engine.one_camera import GuessedRoom, is_turned
from engine.poses import Pose2D, PoseSet2D, PoseSet3D
from engine.stages import BETWEEN, Aside

logger = logging.getLogger(__name__)

MOST_FRAMESETS = BETWEEN + 2  # one at each of the two stages, and those between them
MakeLifter: TypeAlias = Callable[[Rig | None, str], Lifter | None]
NO_NETWORK = LiftState()
FAILURES = (EngineError, RuntimeError, ValueError)  # of a runtime; anything else is a mistake in here
FAILED = "The network that sees depth with one camera failed ({error}). Poses need two cameras until the next start."


class LiveLift:
    """Fills in what one camera alone sees. Its network may be exchanged from any thread; the stages never wait.

    Parameters
    ----------
    skeleton
        Of the poses.
    make_lifter
        Loads the network for a rig, or for none yet, unless the one of the given name is right; None where there is
        none to load. Called at once, and in a thread of its own for each new rig and whenever it is to look again.
    stature_m
        Of the person; None where it is not known.

    Notes
    -----
    Where no network can be loaded nothing changes, nothing is kept, and the state says why.
    """

    def __init__(self, skeleton: Skeleton, make_lifter: MakeLifter, stature_m: float | None) -> None:
        self._skeleton, self._make_lifter, self._stature_m = skeleton, make_lifter, stature_m
        self._using = threading.Lock()  # around the network, at which stage and lesson may look
        self._lifter: Lifter | None = None  # exchanged by the stage alone until `close`
        self._lift: Lift | None = None
        self._rig: Rig | None = None
        self._renew = threading.Event()
        self._other: Aside[Lifter | None] = Aside("network for one camera")
        self._lessons: Aside[_Taught] = Aside("lesson for one camera")
        self._frames: deque[FrameSet] = deque(maxlen=MOST_FRAMESETS)
        self._room: GuessedRoom | None = None  # turned by the stage alone
        self._state = NO_NETWORK
        try:
            self._take(make_lifter(None, ""))
        except EngineError as error:
            logger.info("No network for one camera: %s", error)
            self._state = LiftState(sentence=str(error))

    def serve(self, rig: Rig) -> None:
        """Look for the network that serves a new rig; never waits."""
        self._rig = rig
        self._renew.set()

    def renew(self) -> None:
        """Look again which network serves: another person came, or another one was taught. From any thread."""
        self._renew.set()

    def remembering(self, framesets: Iterable[FrameSet]) -> Iterator[FrameSet]:
        """Keep the images of framesets until they have become a skeleton; runs in the network's thread."""
        for frames in framesets:
            if self._lifter is not None:
                self._frames.append(frames)
            yield frames

    def after(
        self, reconstruct: Callable[[PoseSet2D, Rig | None], PoseSet3D]
    ) -> Callable[[PoseSet2D, Rig | None], PoseSet3D]:
        """Return the stage that reconstructs, and lifts what could not be; runs in its thread."""

        def stage(poses_2d: PoseSet2D, rig: Rig | None) -> PoseSet3D:
            """Reconstruct one instant."""
            poses_3d = reconstruct(poses_2d, rig)
            self._change()
            frames = self._frames_of(poses_2d.index)
            return self._lifted(frames, poses_2d, poses_3d, rig) if frames is not None else poses_3d

        return stage

    def set_stature(self, stature_m: float | None) -> None:
        """Take this as the person's height, m."""
        self._stature_m = stature_m
        if self._lift is not None:
            self._lift.set_stature(stature_m)

    def state(self) -> LiftState:
        """Say which network there is, and what it does."""
        return self._state

    def guessed_rig(self, feeds: Sequence[CameraFeed]) -> Rig | None:
        """Return a made-up rig where there is one camera alone; None before its first image, or without a network.

        It is turned as the person shows where up is.
        """
        size_wh = feeds[0].state().size_wh if len(feeds) == 1 and self._lift is not None else None
        if size_wh is None:
            return None
        room = self._room
        if room is None or room.rig[0].size_wh != size_wh:
            room = self._room = GuessedRoom(feeds[0].name, size_wh)
        return room.rig

    def close(self) -> None:
        """Release all networks; the stage has ended before. May be called twice."""
        self._frames.clear()
        self._lessons.close()
        waiting = self._other.take()
        self._other.close()
        with self._using:
            for lifter in (waiting, self._lifter):
                if lifter is not None:
                    lifter.close()
        self._lifter = self._lift = None

    def _change(self) -> None:
        """Take the network that serves now, where one was looked for, and what a lesson taught."""
        other, taught = self._other.take(), self._lessons.take()
        if other is not None:
            self._take(other)
        if self._renew.is_set() and not self._other.busy:
            self._renew.clear()
            self._other.begin(partial(self._made, self._rig, self._lifter.name if self._lifter is not None else ""))
        if taught is None or taught.by is not self._lift:
            return
        if isinstance(taught.glance, Glance):
            taught.by.learn(taught.lesson, taught.glance)
        elif taught.glance is not None:
            self._fail(taught.glance)

    def _made(self, rig: Rig | None, have: str) -> Lifter | None:
        """Load the network that serves now; None where it is the one there is, or it cannot be loaded."""
        try:
            return self._make_lifter(rig, have)
        except EngineError as error:
            logger.warning("The network for one camera stays: %s", error)
            return None

    def _take(self, lifter: Lifter | None) -> None:
        """Use a network from now on; the old one is closed."""
        old, self._lifter = self._lifter, lifter
        if old is not None and old is not lifter:
            with self._using:
                old.close()
        if lifter is None:
            self._lift, self._state = None, NO_NETWORK
            return
        self._lift = Lift(self._skeleton, lifter.skeleton_name, self._stature_m, LiftConfig.measured(lifter.metrics))
        self._state = LiftState(lifter.name)

    def _fail(self, error: Exception) -> None:
        """Use a network no more that failed; the cameras go on."""
        logger.error("One camera's guess failed", exc_info=error)
        self._take(None)
        self._state = LiftState(sentence=FAILED.format(error=error))

    def _frames_of(self, index: int) -> FrameSet | None:
        """Find the images of an instant; older ones are let go."""
        while self._frames and self._frames[0].index < index:
            self._frames.popleft()
        return self._frames.popleft() if self._frames and self._frames[0].index == index else None

    def _lifted(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D, rig: Rig | None) -> PoseSet3D:
        """Lift one instant; a network that fails is used no more, and the cameras go on."""
        if self._lift is None or self._lifter is None:
            return poses_3d
        look = self._looking(self._lifter, frames)
        try:
            lifted = self._lift(look, poses_2d, poses_3d, rig)
        except FAILURES as error:
            self._fail(error)
            return poses_3d
        if self._room is not None and rig is not None and is_turned(rig, self._room.rig):
            self._room.put(self._lift.floor(), poses_2d.timestamp_ns)
        lesson = self._lift.lesson(poses_2d, poses_3d, rig) if lifted is poses_3d and not self._lessons.busy else None
        if lesson is not None:
            self._lessons.begin(partial(_teach, self._lift, lesson, look))
        view = self._lift.view if lifted is not poses_3d and rig is not None else None
        name = rig[view].name if view is not None and rig is not None else ""
        if name != self._state.view:
            self._state = replace(self._state, view=name)
        return lifted

    def _looking(self, lifter: Lifter, frames: FrameSet) -> Look:
        """Return what looks at a person in the images of an instant; stage and lesson look one after the other."""

        def look(view: int, seen: Pose2D) -> Glance | None:
            """Look at one view's."""
            frame = frames.frames[view]
            region = square_of(seen, self._skeleton, frame.size_wh) if frame is not None else None
            if frame is None or region is None:
                return None
            try:
                image = frame.image_bgr
            except UnreadableSourceError:  # it was counted where it was received
                return None
            with self._using:
                uvw, spread = lifter.estimate([(image, region)])
            return Glance(region, uvw[0], spread[0])

        return look


@dataclass(frozen=True, slots=True, eq=False)
class _Taught:
    """What a lesson gave: a look, nothing where there was no image, or how the network failed."""

    by: Lift
    lesson: Lesson
    glance: Glance | Exception | None


def _teach(lift: Lift, lesson: Lesson, look: Look) -> _Taught:
    """Look as a lesson wants it; the network was perhaps exchanged meanwhile, and is then no more. Runs aside."""
    try:
        return _Taught(lift, lesson, look(lesson.view, lesson.seen))
    except FAILURES as error:
        return _Taught(lift, lesson, error)
