"""A network that sees the walker in every view, for live programs without a model."""

from dataclasses import replace

from engine.frames import FrameSet
from engine.poses import PoseSet2D
from tests.support.scenes import poses_2d, skeleton, square_rig


class WalkerSeen:
    """An estimator that looks at no image; counts what it was asked."""

    def __init__(self, views: int) -> None:
        self.skeleton, self.model_hash, self.name = skeleton(), "0" * 64, "walker"
        self.asked, self.closed = 0, False
        self._rig = square_rig(max(views, 2))
        self._views = views

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        self.asked += 1
        seen = poses_2d(self._rig, frames.index)
        there = [frame is not None for frame in frames.frames]
        views = tuple(people if is_there else () for people, is_there in zip(seen.views[: self._views], there))
        times = tuple(frame.timestamp_ns if frame else None for frame in frames.frames)
        return replace(seen, timestamp_ns=frames.timestamp_ns, views=views, view_time_ns=times)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
