"""Whether a real pose network takes the studio's person for one."""

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate
from engine.frames import FrameSet
from engine.inference.estimator import EstimatorOptions, create_estimator
from engine.studio.address import StudioConfig
from engine.studio.body.landmarks import ANATOMICAL
from engine.studio.scene import Studio

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def scene() -> Studio:
    """A walk through the room."""
    return Studio(
        StudioConfig(motion="walk", seed=6, seconds=2.0, drop_share=0.0, time_offset_ms=0.0)
    )


@pytest.fixture(scope="module")
def detected(scene: Studio) -> np.ndarray:
    """The network's joints in ten framesets, (T, V, J, 2), px; NaN where it saw nobody."""
    estimator = create_estimator("blazepose", 4, EstimatorOptions(max_people=1))
    joints = scene.skeleton.indices(ANATOMICAL)
    xy = np.full((10, 4, len(joints), 2), np.nan)
    for row, index in enumerate(range(10, 30, 2)):
        frames = tuple(scene.render(camera, index) for camera in range(4))
        poses = estimator(FrameSet(index, int(scene.own_time_ns(index)), frames))
        for view, people in enumerate(poses.poses_by_view):
            if people:
                xy[row, view] = people[0].xy[joints]
    estimator.close()
    return xy


def truth(scene: Studio) -> np.ndarray:
    """Return where the joints are in those framesets, (T, J, 3)."""
    return scene.truth(scene.own_time_ns(np.arange(10, 30, 2)))[
        :, scene.skeleton.indices(ANATOMICAL)
    ]


def test_the_person_is_found_in_every_view(detected: np.ndarray):
    assert np.isfinite(detected).all(axis=(2, 3)).all()


def test_joints_are_found_within_a_few_pixels_and_on_their_own_side(
    scene: Studio, detected: np.ndarray
):
    true_xy = np.stack([project(truth(scene), camera) for camera in scene.rig], 1)
    error = np.linalg.norm(detected - true_xy, axis=-1).mean(-1)
    other_side = np.array([ANATOMICAL.index(_other(joint)) for joint in ANATOMICAL])
    swapped = np.linalg.norm(detected[:, :, other_side] - true_xy, axis=-1).mean(-1) < error
    assert np.median(error) < 6.0
    assert swapped.mean() < 0.1


def test_triangulated_joints_lie_within_centimetres_of_the_truth(
    scene: Studio, detected: np.ndarray
):
    xyz = np.stack([triangulate(xy, np.ones(xy.shape[:2]), scene.rig.cameras) for xy in detected])
    error = np.linalg.norm(xyz - truth(scene), axis=-1)
    assert np.median(error) < 0.035


def _other(joint: str) -> str:
    """Name the same joint of the other side."""
    side, _, name = joint.partition("_")
    return f"{'right' if side == 'left' else 'left'}_{name}"
