import numpy as np
import pytest

from calibration.rig import load_rig
from calibration.skeleton import load_skeleton
from engine.pipeline import Pipeline
from engine.reconstruction.associate import Associate
from engine.reconstruction.reconstruct import Reconstruct
from engine.session.pose_files import PoseReader
from tests.golden.make_walk import HERE, reconstructed
from tests.support.replay import ReplayEstimator, make_empty_framesets

TOLERANCE_MM = 0.5


class Kept:
    """A sink that keeps the joints."""

    def __init__(self):
        self.xyz = []

    def put(self, frames, poses_2d, poses_3d):
        people = poses_3d.people
        self.xyz.append(people[0].xyz if people else np.full((33, 3), np.nan))


@pytest.fixture(scope="module")
def expected():
    return np.load(HERE / "expected.npz")["xyz"].astype(float)


def test_a_stored_take_is_reconstructed_as_it_was(expected):
    xyz = reconstructed(HERE / "poses_2d_raw.bin", HERE / "rig.toml")
    assert (np.isfinite(xyz) == np.isfinite(expected)).mean() > 0.999
    assert np.nanmax(np.abs(xyz - expected)) * 1e3 < TOLERANCE_MM


def test_the_page_carries_a_stored_take_to_nearly_the_same_place(expected):
    rig, skeleton = load_rig(HERE / "rig.toml"), load_skeleton("blazepose_33")
    sets = list(PoseReader(HERE / "poses_2d_raw.bin").sets_2d())
    kept = Kept()
    Pipeline(
        framesets=make_empty_framesets(sets),
        estimate=ReplayEstimator(sets),
        associate=Associate(skeleton),
        reconstruct=Reconstruct(skeleton),
        smooth=lambda poses: poses,
        sinks=[kept],
        rig=lambda: rig,
    ).run()
    error_mm = np.linalg.norm(np.array(kept.xyz) - expected, axis=-1) * 1e3
    assert np.nanmedian(error_mm) < 3
    assert np.nanpercentile(error_mm, 95) < 25
