import itertools
from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.observations import Observations
from calibration.rig import Rig
from calibration.skeleton import load_skeleton, strip_side
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from tests.support.calibrations import make_scene
from training.labels.error_network import (
    BLOCK_FRAMESETS,
    ErrorNetwork,
    load_error_network,
    save_error_network,
)
from training.labels.evidence import LabelEvidence, gather_label_evidence
from training.labels.features import compute_basic_features, compute_body_features
from training.labels.refinement import RefinementConfig
from training.labels.sigma import LABELLED_JOINTS, predict_errors

SKELETON = load_skeleton("blazepose_33")
MIRROR = np.diag([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def walk():
    return make_scene(
        RigPlan(cameras=4), "room", NoiseConfig(jitter_of_torso=0.01), seed=1, seconds=4
    )


@pytest.fixture(scope="module")
def evidence(walk):
    return gather_label_evidence(walk.seen.observations, walk.rig, RefinementConfig())


@pytest.fixture(scope="module")
def time_s(walk):
    return seconds_of(walk.seen.observations)


def seconds_of(seen: Observations) -> np.ndarray:
    return (seen.time_ns - seen.time_ns[0]) * 1e-9


def signs_of(walk, seen: Observations):
    return compute_body_features(
        gather_label_evidence(seen, walk.rig, RefinementConfig()),
        walk.rig,
        SKELETON,
        seconds_of(seen),
    )


def a_network(signs, seed=0) -> ErrorNetwork:
    rng = np.random.default_rng(seed)
    kinds = tuple(dict.fromkeys(strip_side(joint) for joint in SKELETON.joints))
    sizes = (len(signs) + len(kinds), 8, 1)
    layers = tuple(
        (rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in itertools.pairwise(sizes)
    )
    return ErrorNetwork(
        tuple(signs), kinds, rng.normal(size=len(signs)), rng.uniform(1, 2, len(signs)), layers
    )


def in_mirror(evidence: LabelEvidence, rig: Rig) -> tuple[LabelEvidence, Rig]:
    """What a looking-glass shows: left joints are right ones."""

    def exchanged(part, axis_of):
        arrays = {name: getattr(part, name) for name in part.__slots__}
        return replace(
            part, **{n: np.take(a, SKELETON.mirror, axis=axis_of) for n, a in arrays.items()}
        )

    views, joints = exchanged(evidence.views, 2), exchanged(evidence.joints, 1)
    cameras = []
    for camera in rig.cameras:
        cam_from_world = camera.cam_from_world.copy()
        cam_from_world[:3, 3] = -camera.R @ MIRROR @ camera.centre
        cameras.append(replace(camera, cam_from_world=cam_from_world))
    return replace(
        evidence, xyz=evidence.xyz[:, SKELETON.mirror] @ MIRROR, views=views, joints=joints
    ), replace(rig, cameras=tuple(cameras))  # fmt: skip


def test_a_mirrored_person_has_the_signs_of_the_other_side(walk, evidence, time_s):
    shape = evidence.xyz.shape[:2]
    signs = compute_body_features(evidence, walk.rig, SKELETON, time_s)
    mirrored = compute_body_features(*in_mirror(evidence, walk.rig), SKELETON, time_s)
    in_the_middle = [i for i, twin in enumerate(SKELETON.mirror) if twin == i]
    for name in signs:
        here, there = (np.broadcast_to(values[name], shape) for values in (signs, mirrored))
        if name in (
            "place_left",
            *(f"{a}_left" for a in ("shoulder_elbow", "elbow_wrist", "hip_knee", "knee_ankle")),
        ):
            here, there = (
                np.delete(here, in_the_middle, 1),
                np.delete(there[:, SKELETON.mirror], in_the_middle, 1),
            )
        else:
            there = there[:, SKELETON.mirror]
        np.testing.assert_allclose(there, here, atol=1e-5, err_msg=name)


def test_signs_do_not_know_where_in_the_room_the_person_stands(walk, evidence, time_s):
    new_from_old = np.eye(4)
    new_from_old[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]
    new_from_old[:3, 3] = [2.0, -1.0, 0.3]
    turned = replace(evidence, xyz=evidence.xyz @ new_from_old[:3, :3].T + new_from_old[:3, 3])
    signs = compute_body_features(evidence, walk.rig, SKELETON, time_s)
    for name, values in compute_body_features(
        turned, walk.rig.with_world(new_from_old), SKELETON, time_s
    ).items():
        np.testing.assert_allclose(values, signs[name], atol=1e-5, err_msg=name)


def test_a_point_of_the_face_that_leaves_the_others_is_told(walk, evidence, time_s):
    nose, ear = SKELETON.index("nose"), SKELETON.index("left_ear")
    xyz = evidence.xyz.copy()
    xyz[20:25, nose, 2] += 0.03
    signs = compute_body_features(replace(evidence, xyz=xyz), walk.rig, SKELETON, time_s)
    before = compute_body_features(evidence, walk.rig, SKELETON, time_s)
    risen = np.exp(signs["face_off"]) - np.exp(before["face_off"])
    assert risen[22, nose] > 0.01
    assert risen[22, ear] < risen[22, nose] / 2
    assert (signs["face_off"][:, SKELETON.index("left_hip")] == 0).all()


def test_a_joint_that_nobody_ever_saw_leaves_the_others_their_signs(walk):
    seen = walk.seen.observations
    lost = [SKELETON.index("left_ankle"), SKELETON.index("nose")]
    xy, confidence = seen.xy.copy(), seen.confidence.copy()
    xy[:, :, lost], confidence[:, :, lost] = np.nan, 0
    signs = signs_of(walk, replace(seen, xy=xy, confidence=confidence))
    shoulder = SKELETON.index("right_shoulder")
    shape = (len(seen.time_ns), len(SKELETON.joints))
    of_shoulder = {
        name: np.broadcast_to(values, shape)[:, shoulder] for name, values in signs.items()
    }
    assert not [name for name, values in of_shoulder.items() if not np.isfinite(values).all()]
    network = a_network(signs)
    assert np.isfinite(network.predict_log_sigma(signs, SKELETON)).all()


def test_a_take_of_one_frameset_has_signs(walk):
    seen = walk.seen.observations.select_framesets(slice(0, 1))
    signs = signs_of(walk, seen)
    assert np.isfinite(a_network(signs).predict_log_sigma(signs, SKELETON)).all()


def test_the_network_works_out_what_torch_does(walk, evidence, time_s):
    torch = pytest.importorskip("torch", reason="torch is the extra [train]")
    signs = compute_body_features(evidence, walk.rig, SKELETON, time_s)
    network = a_network(signs)
    layers = []
    for weight, bias in network.layers:
        linear = torch.nn.Linear(*weight.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = (
            torch.from_numpy(weight.T.copy()),
            torch.from_numpy(bias),
        )
        layers += [linear, torch.nn.SiLU()]
    table = np.stack(
        [np.broadcast_to(signs[name], evidence.xyz.shape[:2]) for name in network.features], -1
    )
    usual = np.nan_to_num(np.clip((table - network.mean) / network.scale, -3, 3))
    kinds = np.eye(len(network.kinds))[
        [network.kinds.index(strip_side(joint)) for joint in SKELETON.joints]
    ]
    inputs = np.concatenate([usual, np.broadcast_to(kinds, (len(usual), *kinds.shape))], -1)
    with torch.no_grad():
        expected = torch.nn.Sequential(*layers[:-1])(torch.from_numpy(inputs))[..., 0].numpy()
    np.testing.assert_allclose(network.predict_log_sigma(signs, SKELETON), expected, atol=1e-9)


def test_blocks_of_framesets_change_nothing():
    rng = np.random.default_rng(0)
    framesets = BLOCK_FRAMESETS + 7
    signs = {
        "own": rng.normal(size=(framesets, 33)),
        "frameset": rng.normal(size=(framesets, 1)),
        "take": np.array(0.3),
    }
    network = a_network(signs)
    whole = network.predict_log_sigma(signs, SKELETON)
    some = {name: values if np.ndim(values) == 0 else values[-9:] for name, values in signs.items()}
    assert whole.shape == (framesets, 33)
    np.testing.assert_allclose(network.predict_log_sigma(some, SKELETON), whole[-9:])


def test_a_network_is_read_as_it_was_written(tmp_path, monkeypatch):
    network = a_network({"own": 0, "other": 0})
    (tmp_path / "sigma").mkdir()
    save_error_network(network, tmp_path / "sigma" / "mine.npz")
    monkeypatch.setattr("training.labels.error_network.resources.files", lambda _: tmp_path)
    read = load_error_network("mine")
    assert (read.features, read.kinds) == (network.features, network.kinds)
    np.testing.assert_allclose(read.layers[0][0], network.layers[0][0], rtol=1e-6)
    assert load_error_network("nobody's") is None


def test_the_network_that_comes_with_the_program_knows_every_sign_and_every_joint(
    walk, evidence, time_s
):
    network = load_error_network("blazepose_33")
    assert set(network.features) <= set(compute_body_features(evidence, walk.rig, SKELETON, time_s))
    assert {strip_side(joint) for joint in SKELETON.joints} == set(network.kinds)


def test_views_that_disagree_raise_what_is_expected(walk, evidence, time_s):
    seen = walk.seen.observations
    rng = np.random.default_rng(3)
    rough = replace(seen, xy=seen.xy + rng.normal(size=seen.xy.shape) * 12)
    loose = gather_label_evidence(rough, walk.rig, RefinementConfig())
    labelled = [
        i for i, joint in enumerate(SKELETON.joints) if strip_side(joint) in LABELLED_JOINTS
    ]
    for network in (load_error_network("blazepose_33"), None):
        fine, coarse = (
            predict_errors(e, walk.rig, SKELETON, time_s, network)[:, labelled]
            for e in (evidence, loose)
        )
        assert np.median(coarse) > 1.15 * np.median(fine)


def test_a_skeleton_without_a_network_has_seven_signs(walk, evidence, time_s):
    assert load_error_network("coco_17") is None
    assert len(compute_basic_features(evidence, SKELETON)) == 7
    sigma_m = predict_errors(evidence, walk.rig, SKELETON, time_s, None)
    assert ((sigma_m > 0.003) & (sigma_m < 0.2)).all()
