import numpy as np
import pytest

from engine.studio.body.anatomy import INDEX, build_anatomy
from engine.studio.body.posture import compute_bones
from engine.studio.body.retarget import DRIVING_JOINTS, retarget
from engine.studio.motion.performance import plan_performance
from engine.studio.motion.route import Route

LIMBS = [INDEX[joint] for joint in DRIVING_JOINTS]


@pytest.fixture(scope="module")
def squatting():
    anatomy = build_anatomy(1.75)
    route = Route(np.random.default_rng([3, 10]))
    play = plan_performance("squat", 8.0, anatomy, route, np.random.default_rng([3, 11]))
    return compute_bones(play.posture(np.linspace(0, play.seconds, 40)), anatomy)


def joints_of(bones):
    return {name: bones.xyz[:, INDEX[name]] for name in DRIVING_JOINTS}


def bone_directions(xyz):
    pairs = [("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
             ("right_hip", "right_knee"), ("right_knee", "right_ankle")]  # fmt: skip
    ends = np.stack([xyz[:, INDEX[b]] - xyz[:, INDEX[a]] for a, b in pairs], 1)
    return ends / np.linalg.norm(ends, axis=-1, keepdims=True)


def test_a_body_that_follows_itself_is_where_it_was(squatting):
    found = retarget(joints_of(squatting), build_anatomy(1.75))
    # The spine bends between pelvis and chest, which two lines and a middle describe nearly.
    assert np.abs(found.xyz[:, LIMBS] - squatting.xyz[:, LIMBS]).max() < 0.06
    np.testing.assert_allclose(
        bone_directions(found.xyz), bone_directions(squatting.xyz), atol=1e-6
    )


def test_bones_keep_the_lengths_of_the_body_that_follows(squatting):
    tall = build_anatomy(1.95)
    found = retarget(joints_of(squatting), tall)
    thigh = found.xyz[:, INDEX["left_knee"]] - found.xyz[:, INDEX["left_hip"]]
    np.testing.assert_allclose(np.linalg.norm(thigh, axis=-1), tall.thigh_m, rtol=1e-9)
    identity = np.einsum("tjab,tjcb->tjac", found.rotation, found.rotation)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-9)
    assert (np.linalg.det(found.rotation) > 0.99).all()


def test_joints_move_with_their_bones(squatting):
    """A rest joint that its bone carries is where the next bone begins: skin will not tear."""
    anatomy = build_anatomy(1.75)
    found = retarget(joints_of(squatting), anatomy)
    shift = found.translation(anatomy)
    for bone, end in (("left_hip", "left_knee"), ("right_shoulder", "right_elbow")):
        rotation, offset = found.rotation[:, INDEX[bone]], shift[:, INDEX[bone]]
        carried = np.einsum("tab,b->ta", rotation, anatomy.joint(end)) + offset
        np.testing.assert_allclose(carried, found.xyz[:, INDEX[end]], atol=1e-9)


def test_known_toes_and_a_known_head_are_looked_at(squatting):
    joints = joints_of(squatting)
    joints["left_toe"] = joints["left_ankle"] + np.array([0.1, 0.0, -0.02])
    joints["head"] = (joints["left_shoulder"] + joints["right_shoulder"]) / 2 + np.array(
        [0.2, 0.0, 0.2]
    )
    found = retarget(joints, build_anatomy(1.75))
    foot = found.xyz[:, INDEX["left_toe"]] - found.xyz[:, INDEX["left_ankle"]]
    assert (foot[:, 0] / np.linalg.norm(foot, axis=-1) > 0.95).all()
    plain = retarget(joints_of(squatting), build_anatomy(1.75))
    assert (found.xyz[:, INDEX["head"], 0] > plain.xyz[:, INDEX["head"], 0]).all()


def test_a_motion_without_a_limb_is_no_motion(squatting):
    joints = joints_of(squatting)
    del joints["left_wrist"]
    with pytest.raises(KeyError, match="left_wrist"):
        retarget(joints, build_anatomy(1.75))
