import numpy as np
import pytest

from calibration.skeleton import Skeleton, load_skeleton, strip_side


def test_the_default_skeleton_has_the_landmarks_of_the_contract():
    skeleton = load_skeleton("blazepose_33")
    assert len(skeleton.joints) == 33
    assert skeleton.joints[0] == "nose"
    assert skeleton.joints[11] == "left_shoulder"
    assert skeleton.joints[32] == "right_foot_index"


def test_every_joint_of_a_side_has_its_twin():
    skeleton = load_skeleton("blazepose_33")
    np.testing.assert_array_equal(skeleton.mirror[skeleton.mirror], np.arange(33))
    for joint, twin in zip(skeleton.joints, skeleton.mirror):
        if joint != "nose":
            assert skeleton.joints[twin] != joint


def test_bones_are_listed_by_position():
    skeleton = Skeleton(
        "arm", ("shoulder", "elbow", "wrist"), (("shoulder", "elbow"), ("wrist", "elbow"))
    )
    np.testing.assert_array_equal(skeleton.bone_indices, [[0, 1], [2, 1]])
    np.testing.assert_array_equal(skeleton.mirror, [0, 1, 2])


def test_a_skeleton_without_bones_has_an_empty_list():
    assert Skeleton("dot", ("nose",), ()).bone_indices.shape == (0, 2)


def test_a_bone_to_nowhere_is_refused_by_name():
    with pytest.raises(ValueError, match="Skeleton 'x' has no joint tail"):
        Skeleton("x", ("nose",), (("nose", "tail"),))


def test_a_joint_named_twice_is_refused():
    with pytest.raises(ValueError, match="names a joint twice"):
        Skeleton("x", ("nose", "nose"), ())


def test_an_unknown_skeleton_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"There is no skeleton 'octopus'\. Known: .*blazepose_33"):
        load_skeleton("octopus")


def test_names_give_positions():
    skeleton = load_skeleton("blazepose_33")
    np.testing.assert_array_equal(skeleton.indices(["nose", "right_hip"]), [0, 24])
    assert skeleton.index("left_hip") == 23


@pytest.mark.parametrize(
    ("joint", "kind"), [("left_hip", "hip"), ("right_foot_index", "foot_index"), ("nose", "nose")]
)
def test_twins_are_of_one_kind(joint: str, kind: str):
    assert strip_side(joint) == kind
