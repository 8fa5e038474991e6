"""Joints of one skeleton from those of another."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.transforms import rotation_from_rotvec
from calibration.skeleton import load_skeleton
from engine.studio.body.anatomy import build_anatomy
from training.data.topology import map_joints

BLAZEPOSE, MPII, H36M = (load_skeleton(name) for name in ("blazepose_33", "mpii_16", "h36m_17"))
SOURCES = pytest.mark.parametrize("source", ["blazepose_33", "halpe_26", "coco_17"])
TARGETS = pytest.mark.parametrize("target", [MPII, H36M], ids=lambda skeleton: skeleton.name)


def poses(seed: int, count: int = 4, joints: int = 33):
    return np.random.default_rng(seed).normal(0, 0.5, (count, joints, 3))


def test_the_spine_is_all_that_h36m_has_more_than_mpii():
    assert set(H36M.joints) - set(MPII.joints) == {"spine"}
    assert set(MPII.joints) <= set(H36M.joints)


@TARGETS
def test_every_side_has_its_other(target):
    sided = [joint for joint in target.joints if joint.startswith(("left", "right"))]
    assert [target.joints[target.mirror[target.index(joint)]] for joint in sided] == [
        joint.replace("left", "x").replace("right", "left").replace("x", "right") for joint in sided
    ]


@SOURCES
@TARGETS
def test_joints_can_be_had_from_every_skeleton_of_the_house(source, target):
    weight = map_joints(load_skeleton(source), target).weight
    np.testing.assert_allclose(weight.sum(1), 1.0)


def test_a_joint_of_the_same_name_is_the_same():
    xyz = poses(1)
    mapped = map_joints(BLAZEPOSE, MPII).points(xyz)
    np.testing.assert_array_equal(
        mapped[:, MPII.index("left_knee")], xyz[:, BLAZEPOSE.index("left_knee")]
    )


def test_the_pelvis_is_between_the_hips():
    xyz = poses(2)
    hips = xyz[:, BLAZEPOSE.indices(["left_hip", "right_hip"])]
    np.testing.assert_allclose(map_joints(BLAZEPOSE, H36M).points(xyz)[:, 0], hips.mean(1))


def test_a_standing_persons_crown_and_neck_are_where_anatomy_has_them():
    stature, xyz = 1.8, np.zeros((1, 33, 3))
    anatomy = build_anatomy(stature)
    for side, sign in (("left", 1), ("right", -1)):
        xyz[0, BLAZEPOSE.index(f"{side}_shoulder")] = anatomy.joint(f"{side}_shoulder")
        xyz[0, BLAZEPOSE.index(f"{side}_ear")] = (sign * 0.08, 0.01, 1.625 / 1.75 * stature)
    mapped = map_joints(BLAZEPOSE, MPII).points(xyz)[0]
    assert abs(mapped[MPII.index("head_top"), 2] - stature) < 0.02
    assert anatomy.joint("neck")[2] < mapped[MPII.index("upper_neck"), 2] < anatomy.joint("head")[2]


def test_a_moved_body_gives_moved_joints():
    joint_map, xyz = map_joints(BLAZEPOSE, H36M), poses(3)
    rotation, shift = rotation_from_rotvec(np.array([0.3, -1.0, 0.4])), np.array([1.0, 2.0, 3.0])
    moved = joint_map.points(xyz @ rotation.T + shift)
    np.testing.assert_allclose(moved, joint_map.points(xyz) @ rotation.T + shift)


def test_a_missing_joint_spoils_only_what_is_made_of_it():
    xyz = poses(4)
    xyz[0, BLAZEPOSE.index("left_ear")] = np.nan
    mapped = map_joints(BLAZEPOSE, MPII).points(xyz)
    missing = {MPII.joints[j] for j in np.flatnonzero(np.isnan(mapped[0]).any(-1))}
    assert missing == {"upper_neck", "head_top"}
    assert np.isfinite(mapped[1:]).all()


def test_the_mean_of_two_joints_is_surer_than_either():
    covariance = np.tile(1e-4 * np.eye(3), (2, 33, 1, 1))
    mapped = map_joints(BLAZEPOSE, MPII).covariance(covariance)
    np.testing.assert_allclose(
        mapped[:, MPII.index("pelvis")], np.tile(0.5e-4 * np.eye(3), (2, 1, 1))
    )
    np.testing.assert_allclose(
        mapped[:, MPII.index("left_wrist")], np.tile(1e-4 * np.eye(3), (2, 1, 1))
    )
    assert (
        mapped[0, MPII.index("head_top"), 0, 0] > 1e-4
    )  # beyond the ears: less sure than they are


def test_confidence_is_that_of_the_least_certain():
    confidence = np.full((1, 33), 0.9)
    confidence[0, BLAZEPOSE.index("right_hip")] = 0.2
    mapped = map_joints(BLAZEPOSE, MPII).confidence(confidence)[0]
    assert mapped[MPII.index("pelvis")] == 0.2
    assert mapped[MPII.index("thorax")] == 0.9


def test_a_joint_that_cannot_be_made_is_named():
    bare = replace(MPII, name="bare", joints=("left_hip",), bones=(), lines=())
    with pytest.raises(ValueError, match="'bare' cannot give 'right_ankle'"):
        map_joints(bare, MPII)
