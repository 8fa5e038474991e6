from dataclasses import replace

import numpy as np
import pytest

from calibration.evidence.observations import Observations
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from tests.support.calibrations import make_scene
from tests.support.pose_recordings import make_recording
from training.errors import TrainingError
from training.labels.actions import name_actions
from training.labels.calibration import CalibrationState, make_calibration_id
from training.labels.gates import LabelGates
from training.labels.person import find_person, repair_person
from training.labels.pseudo_labels import LabelConfig, Status, demand_enough_labels, make_labels
from training.labels.reasons import DESCRIPTIONS, Reason
from training.labels.report import format_summary, summarise_labels

STATE = CalibrationState("0123456789ab", "f" * 64, "accepted")
NOISE = NoiseConfig(jitter_of_torso=0.01, drift_of_torso=0.01, confidence_spread=0.3)
BODY = slice(11, 17)  # shoulders, elbows, wrists


@pytest.fixture(scope="module")
def walk():
    return make_scene(RigPlan(cameras=4), "room", NOISE, seed=1, seconds=6)


@pytest.fixture(scope="module")
def labels(walk):
    return make_labels(repair_person(walk.seen.observations, walk.rig), walk.rig, STATE)


def labelled(walk, seen: Observations, config: LabelConfig | None = None):
    return make_labels(repair_person(seen, walk.rig), walk.rig, STATE, config)


def only_seen(seen, confidence):
    return replace(
        seen, confidence=confidence, xy=np.where(confidence[..., None] > 0, seen.xy, np.nan)
    )


def error_m(labels, walk):
    return np.linalg.norm(labels.xyz - walk.seen.xyz, axis=-1)


def test_labels_of_a_good_take_lie_near_the_truth(labels, walk):
    assert labels.accepted[:, BODY].mean() > 0.9
    assert np.median(error_m(labels, walk)[:, BODY]) < 0.015


def test_the_covariance_has_the_trace_of_the_expected_error(labels):
    known = np.isfinite(labels.sigma_m)
    trace = np.trace(labels.covariance, axis1=2, axis2=3)
    np.testing.assert_allclose(trace[known], labels.sigma_m[known] ** 2, rtol=1e-6)
    assert (np.linalg.eigvalsh(labels.covariance[known]) > 0).all()


def test_hips_have_a_gate_of_their_own(walk, labels):
    config = LabelConfig(gates=LabelGates(hip_sigma_mm=1.0))
    strict = labelled(walk, walk.seen.observations, config)
    hips, knees = (
        labels.skeleton.indices([f"left_{joint}", f"right_{joint}"]) for joint in ("hip", "knee")
    )
    assert ((strict.reasons[:, hips] & Reason.UNCERTAIN) > 0).all()
    np.testing.assert_array_equal(strict.reasons[:, knees], labels.reasons[:, knees])


def test_hands_are_never_labels(labels):
    thumb = labels.skeleton.index("left_thumb")
    assert not labels.accepted[:, thumb].any()
    assert (labels.reasons[:, thumb] & Reason.DOUBTFUL_JOINT).all()


def test_a_view_that_is_grossly_wrong_does_not_carry_the_joint(walk):
    seen = walk.seen.observations
    xy = seen.xy.copy()
    elbow = seen.skeleton.index("left_elbow")
    xy[20:30, 2, elbow] += 150
    labels = labelled(walk, replace(seen, xy=xy))
    assert not labels.evidence.views.carries[2, 21:29, elbow].any()
    assert error_m(labels, walk)[21:29, elbow].max() < 0.05


def test_a_joint_that_one_view_sees_is_interpolated_and_no_label(walk):
    seen = walk.seen.observations
    knee = seen.skeleton.index("left_knee")
    xy, confidence = seen.xy.copy(), seen.confidence.copy()
    xy[30:33, 1:, knee], confidence[30:33, 1:, knee] = np.nan, 0
    labels = labelled(walk, replace(seen, xy=xy, confidence=confidence))
    assert (labels.status[30:33, knee] == Status.INTERPOLATED).all()
    assert (labels.reasons[30:33, knee] & Reason.NOT_SEEN_BY_TWO).all()
    assert np.isfinite(labels.xyz[30:33, knee]).all()
    assert (labels.weight[30:33, knee] == 0).all()


def test_two_views_count_half_at_most(walk):
    seen = walk.seen.observations
    confidence = seen.confidence.copy()
    confidence[:, 2:] = 0
    labels = labelled(walk, only_seen(seen, confidence))
    assert labels.weight.max() <= 0.5
    assert (labels.evidence.joints.leave_one_out_view[labels.accepted] == -1).all()


def test_exchanged_sides_are_put_right_and_told(walk):
    seen = walk.seen.observations
    swapped = np.zeros(seen.view_time_ns.shape, bool)
    swapped[25:30, 1] = True
    labels = labelled(walk, seen.swap_sides(swapped))
    assert labels.person.swapped[25:30, 1].all()
    assert np.median(error_m(labels, walk)[25:30, BODY]) < 0.02


def test_leaving_out_the_wrong_view_is_what_moves_a_joint(walk):
    seen = walk.seen.observations
    xy = seen.xy.copy()
    wrist = seen.skeleton.index("right_wrist")
    xy[:, 3, wrist, 0] += 6  # little enough to stay
    joints = labelled(walk, replace(seen, xy=xy)).evidence.joints
    all_four = joints.dof[:, wrist] == 5
    assert all_four.mean() > 0.5
    assert (joints.leave_one_out_view[all_four, wrist] == 3).mean() > 0.6


def test_a_stricter_gate_accepts_less_and_says_why(walk, labels):
    strict = LabelConfig(gates=LabelGates(sigma_mm=1.0, hip_sigma_mm=1.0, surface_sigma_mm=1.0))
    none = labelled(walk, walk.seen.observations, strict)
    assert none.accepted.sum() < labels.accepted.sum()
    assert (none.reasons[:, BODY] & Reason.UNCERTAIN).all()
    with pytest.raises(TrainingError, match=r"Only 0\.0 % of the joints can serve as labels"):
        demand_enough_labels(none)


def test_gates_in_pixels_grow_with_the_focal_length(walk):
    tight = LabelConfig(gates=LabelGates(largest_residual_px=4.0))
    labels = labelled(walk, walk.seen.observations, tight)
    views = labels.evidence.views
    focal = np.array([camera.focal_px for camera in walk.rig])[:, None, None]
    scaled = np.where(
        views.carries, np.linalg.norm(views.residual_px, axis=-1) * 1100 / focal, 0
    ).max(0)
    carried = views.carries.sum(0) >= 2
    far = (labels.reasons & Reason.FAR_FROM_A_VIEW) > 0
    assert (far[carried] == (scaled >= 4.0)[carried]).all()
    assert far[carried].any()


def test_a_frameset_with_half_a_body_is_rejected_whole(walk):
    seen = walk.seen.observations
    confidence = seen.confidence.copy()
    confidence[40, :, 23:] = 0
    labels = labelled(walk, only_seen(seen, confidence))
    assert (labels.reasons[40] & Reason.FEW_JOINTS).all()
    assert not labels.accepted[40].any()


def test_one_camera_is_refused(walk):
    seen = walk.seen.observations
    alone = Observations(
        seen.skeleton, seen.view_names[:1], seen.sizes_wh[:1], seen.time_ns, seen.xy[:, :1],
        seen.confidence[:, :1],
        seen.view_time_ns[:, :1],
    )  # fmt: skip
    with pytest.raises(TrainingError, match="Only one camera"):
        find_person(make_recording(alone), walk.rig)


def test_an_empty_room_is_refused(walk):
    seen = walk.seen.observations
    nobody = replace(
        seen, xy=np.full(seen.xy.shape, np.nan), confidence=np.zeros(seen.confidence.shape)
    )
    with pytest.raises(TrainingError, match="Nobody was found in any view"):
        find_person(make_recording(nobody), walk.rig)


def test_somebody_in_one_view_only_is_refused(walk):
    seen = walk.seen.observations
    confidence = seen.confidence.copy()
    confidence[:, 1:] = 0
    only = only_seen(seen, confidence)
    with pytest.raises(TrainingError, match="in 'cam_0' only"):
        find_person(make_recording(only), walk.rig)


def test_a_short_take_is_refused(walk):
    with pytest.raises(TrainingError, match="only 12 framesets"):
        labelled(walk, walk.seen.observations.select_framesets(slice(0, 12)))


def test_a_take_finds_its_person(walk, labels):
    person = find_person(make_recording(walk.seen.observations), walk.rig)
    assert not person.contested.any()
    np.testing.assert_allclose(make_labels(person, walk.rig, STATE).xyz, labels.xyz, atol=1e-6)


def test_labels_without_a_calibration_do_not_exist():
    with pytest.raises(TrainingError, match="without the id of their calibration"):
        CalibrationState("", "f" * 64, "accepted")


def test_a_refused_rig_labels_nothing():
    with pytest.raises(TrainingError, match="The rig was refused"):
        CalibrationState("0123456789ab", "f" * 64, "refused")


def test_another_verdict_or_sigma_is_another_calibration():
    ids = {
        make_calibration_id("f", "accepted", [[0.1]]),
        make_calibration_id("f", "usable", [[0.1]]),
        make_calibration_id("f", "usable", [[0.2]]),
    }
    assert len(ids) == 3


def test_the_report_tells_joints_actions_and_reasons_in_words(labels):
    summary = summarise_labels(labels)
    assert summary["calibration_id"] == STATE.id
    assert set(summary["by_action"]) <= {
        "standing",
        "walking",
        "low",
        "bent",
        "arms up",
        "out of view",
    }
    assert "left_thumb" not in summary["by_joint"]
    said = " ".join(format_summary(summary))
    assert "became labels" in said
    assert "'walking'" in said


def test_every_reason_has_words():
    assert all(DESCRIPTIONS[reason] for reason in Reason)


def test_squats_and_raised_arms_are_named(walk):
    skeleton = walk.seen.observations.skeleton
    xyz = np.repeat(walk.seen.xyz[:1], 60, axis=0)
    time_s = np.arange(60) / 30
    assert set(name_actions(xyz, time_s, skeleton)) == {"standing"}
    up = xyz.copy()
    up[30:, skeleton.index("left_wrist"), 2] = 2.2
    assert set(name_actions(up, time_s, skeleton)[30:]) == {"arms up"}
    low = xyz.copy()
    low[40:, :, 2] *= 0.6
    assert set(name_actions(low, time_s, skeleton)[40:]) == {"low"}
