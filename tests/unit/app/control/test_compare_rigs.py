"""How two rigs differ, whatever world each is in."""

from dataclasses import replace

import numpy as np
import pytest

from app.control.compare_rigs import compare_rigs, measure_rig_differences
from calibration.geometry.transforms import rotation_from_rotvec
from calibration.rig import Rig
from tests.support.scenes import make_square_rig

TURN = rotation_from_rotvec(np.array([0.3, -0.5, 1.1]))
SHIFT = np.array([4.0, -1.0, 0.7])


def elsewhere(rig: Rig, scale: float = 1.0) -> Rig:
    """Describe the same cameras in another world, which may be larger."""
    cameras = []
    for camera in rig:
        pose = np.eye(4)
        pose[:3, :3] = camera.R @ TURN.T
        pose[:3, 3] = -pose[:3, :3] @ (scale * TURN @ camera.centre + SHIFT)
        cameras.append(replace(camera, cam_from_world=pose))
    return replace(rig, cameras=tuple(cameras))


def knocked(rig: Rig, v: int, degrees: float) -> Rig:
    """Turn one camera where it stands."""
    camera, pose = rig[v], np.eye(4)
    pose[:3, :3] = rotation_from_rotvec(np.radians([0.0, degrees, 0.0])) @ camera.R
    pose[:3, 3] = -pose[:3, :3] @ camera.centre
    cameras = list(rig.cameras)
    cameras[v] = replace(camera, cam_from_world=pose)
    return replace(rig, cameras=tuple(cameras))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_same_cameras_in_another_world_agree(count):
    rig = make_square_rig(count)
    rotation, centre_m, focal, scale = measure_rig_differences(rig, elsewhere(rig))
    assert rotation.max() < 1e-4
    assert centre_m.max() < 1e-6
    assert focal.max() < 1e-9
    assert abs(scale) < 1e-6
    assert compare_rigs(rig, elsewhere(rig)).startswith("The two rigs agree: ")


@pytest.mark.parametrize("count", [2, 4])
def test_a_larger_world_is_a_difference_of_scale_only(count):
    rig = make_square_rig(count)
    rotation, centre_m, _, scale = measure_rig_differences(rig, elsewhere(rig, 1.1))
    assert scale == pytest.approx(10.0, abs=1e-6)
    assert rotation.max() < 1e-4
    assert centre_m.max() < 1e-6
    assert "scale +10.0 %" in compare_rigs(rig, elsewhere(rig, 1.1))


def test_the_camera_that_was_turned_is_named():
    rig = make_square_rig(4)
    sentence = compare_rigs(rig, elsewhere(knocked(rig, 2, 8.0)))
    assert sentence.startswith("The two rigs differ most in camera 'cam_2'")


def test_the_camera_that_was_carried_away_is_named():
    rig = make_square_rig(4)
    camera, pose = rig[1], rig[1].cam_from_world.copy()
    pose[:3, 3] = -camera.R @ (camera.centre + np.array([0, 0.4, 0]))
    moved = replace(rig, cameras=(rig[0], replace(camera, cam_from_world=pose), *rig.cameras[2:]))
    assert "camera 'cam_1'" in compare_rigs(rig, moved)


def test_another_lens_is_a_difference():
    rig = make_square_rig(3)
    zoomed = rig[0].matrix * [[1.05, 1, 1], [1, 1.05, 1], [1, 1, 1]]
    other = replace(rig, cameras=(replace(rig[0], matrix=zoomed), *rig.cameras[1:]))
    assert measure_rig_differences(rig, other)[2] == pytest.approx([5, 0, 0])
    assert "differ" in compare_rigs(rig, other)
