"""A network that sees the walker in every view, for live programs without a model."""

from dataclasses import replace

import numpy as np

from calibration.skeleton import load_skeleton
from engine.frames import FrameSet
from engine.poses import PoseSet2D
from tests.support.scenes import load_walker_skeleton, make_poses_2d, make_square_rig


class FakeWalkerEstimator:
    """An estimator that looks at no image; counts what it was asked."""

    def __init__(self, view_count: int) -> None:
        self.skeleton, self.model_hash, self.name = load_walker_skeleton(), "0" * 64, "walker"
        self.call_count, self.closed = 0, False
        self._rig = make_square_rig(max(view_count, 2))
        self._view_count = view_count

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        self.call_count += 1
        seen = make_poses_2d(self._rig, frames.index)
        is_present = [frame is not None for frame in frames.frames]
        views = tuple(
            people if is_there else ()
            for people, is_there in zip(seen.poses_by_view[: self._view_count], is_present)
        )
        times = tuple(frame.timestamp_ns if frame else None for frame in frames.frames)
        return replace(
            seen, timestamp_ns=frames.timestamp_ns, poses_by_view=views, view_time_ns=times
        )

    def reset(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class FakeMonocularEstimator:
    """A network that sees the same body in every square; may be told to fail."""

    def __init__(self, name="standing (fake)"):
        self.name, self.skeleton_name, self.metrics = name, "mpii_16", {}
        self.call_count, self.closed, self.fails = 0, False, False

    def estimate(self, images):
        assert not self.closed
        self.call_count += 1
        if self.fails:
            raise RuntimeError("the runtime is gone")
        heights = {
            "ankle": 0.4,
            "knee": 0.2,
            "hip": 0.0,
            "pelvis": 0.0,
            "thorax": -0.25,
            "neck": -0.3,
            "top": -0.4,
        }
        heights |= {"shoulder": -0.25, "elbow": -0.1, "wrist": 0.0}
        uvw = np.zeros((len(images), 16, 3))
        for j, joint in enumerate(load_skeleton(self.skeleton_name).joints):
            side = -1 if joint.startswith("right") else 1 if joint.startswith("left") else 0
            uvw[:, j] = (0.06 * side, heights[joint.rsplit("_", 1)[-1]], 0.0)
        return uvw, np.full(uvw.shape, 0.02)

    def close(self):
        self.closed = True
