from dataclasses import replace

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from tests.support.calibrations import make_scene
from training.labels.body import TRUNK_DIAGONALS, add_trunk_diagonals, measure_bones
from training.labels.evidence import gather_label_evidence
from training.labels.refinement import RefinementConfig, estimate_body
from training.labels.sides import SIDE_VIEW_SIGMA_GROWTH, compute_side_factors

CONFIG = RefinementConfig()


@pytest.fixture(scope="module")
def walk():
    return make_scene(
        RigPlan(cameras=4), "room", NoiseConfig(jitter_of_torso=0.01), seed=1, seconds=3
    )


def sides_of(walk, xyz=None):
    return compute_side_factors(
        walk.seen.xyz if xyz is None else xyz, walk.rig, walk.seen.observations.skeleton
    )


def sine_to_the_side(walk, camera, joint):
    xyz, skeleton = walk.seen.xyz, walk.seen.observations.skeleton
    ends = [xyz[:, skeleton.index(f"{side}_shoulder")] for side in ("left", "right")]
    across, view = ends[1] - ends[0], xyz[:, skeleton.index(joint)] - camera.centre
    return (
        np.abs((across * view).sum(-1))
        / np.linalg.norm(across, axis=-1)
        / np.linalg.norm(view, axis=-1)
    )


def test_a_shoulder_seen_from_the_side_is_trusted_less_than_one_seen_from_the_front(walk):
    skeleton = walk.seen.observations.skeleton
    factor = sides_of(walk)[:, :, skeleton.index("left_shoulder")]
    sine = np.stack(
        [sine_to_the_side(walk, camera, "left_shoulder") for camera in walk.rig.cameras]
    )
    assert factor[sine < 0.3].max() < 1.1
    assert factor[sine > 0.95].min() > 2.0
    assert factor.max() <= 1 + SIDE_VIEW_SIGMA_GROWTH["shoulder"] + 1e-9


def test_mirroring_the_person_changes_no_factor(walk):
    mirrored = walk.seen.xyz[:, walk.seen.observations.skeleton.mirror]
    shoulders = walk.seen.observations.skeleton.indices(["right_shoulder", "left_shoulder"])
    np.testing.assert_allclose(
        sides_of(walk, mirrored)[:, :, shoulders], sides_of(walk)[:, :, shoulders[::-1]]
    )


def test_knees_and_a_trunk_that_was_not_found_keep_their_sigma(walk):
    skeleton = walk.seen.observations.skeleton
    assert (sides_of(walk)[:, :, skeleton.index("left_knee")] == 1).all()
    lost = walk.seen.xyz.copy()
    lost[:, skeleton.index("left_hip")] = np.nan
    assert (sides_of(walk, lost) == 1).all()


def test_a_skeleton_without_a_trunk_has_no_sides_and_no_diagonals(walk):
    skeleton = load_skeleton("blazepose_33")
    arm = replace(
        skeleton,
        name="arm",
        joints=("left_shoulder", "left_elbow"),
        bones=skeleton.bones[:1],
        lines=(),
    )
    xyz = walk.seen.xyz[:, skeleton.indices(arm.joints)]
    assert (compute_side_factors(xyz, walk.rig, arm) == 1).all()
    bones = measure_bones(xyz, arm)
    assert add_trunk_diagonals(bones, xyz, arm) is bones


def test_the_trunk_is_braced_by_two_diagonals_of_one_length(walk):
    skeleton = walk.seen.observations.skeleton
    bones = measure_bones(walk.seen.xyz, skeleton)
    braced = add_trunk_diagonals(bones, walk.seen.xyz, skeleton)
    assert len(braced.length_m) == len(bones.length_m) + 2
    np.testing.assert_array_equal(
        braced.ends[-2:], [skeleton.indices(pair) for pair in TRUNK_DIAGONALS]
    )
    assert braced.length_m[-1] == braced.length_m[-2]


def test_the_trunk_moves_with_less_acceleration_than_feet(walk):
    skeleton = walk.seen.observations.skeleton
    body = estimate_body(walk.seen.xyz, skeleton, CONFIG)
    assert body.acceleration_m_s2[skeleton.index("left_hip")] == CONFIG.trunk_acceleration_m_s2
    assert body.acceleration_m_s2[skeleton.index("left_ankle")] == CONFIG.acceleration_m_s2


def test_shoulders_that_side_views_put_forward_stay_with_the_front_views(walk, monkeypatch):
    """Two centimetres of bias that grows as a view turns to the side, as networks have it."""
    seen, rig = walk.seen.observations, walk.rig
    xy = seen.xy.copy()
    for v, camera in enumerate(rig.cameras):
        for joint in ("left_shoulder", "right_shoulder"):
            j = seen.skeleton.index(joint)
            depth = (walk.seen.xyz[:, j] @ camera.R.T + camera.t)[:, 2]
            biased = sine_to_the_side(walk, camera, joint) > 0.8
            xy[biased, v, j, 0] += 0.03 * camera.focal_px / depth[biased]
    spoiled = replace(seen, xy=xy)
    shoulders = seen.skeleton.indices(["left_shoulder", "right_shoulder"])

    def error_m():
        labels = gather_label_evidence(spoiled, rig, CONFIG).xyz
        return np.linalg.norm(labels - walk.seen.xyz, axis=-1)[:, shoulders].mean()

    weighed = error_m()
    monkeypatch.setitem(SIDE_VIEW_SIGMA_GROWTH, "shoulder", 0.0)
    assert weighed < 0.8 * error_m()
