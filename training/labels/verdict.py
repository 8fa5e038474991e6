"""The verdict on every joint: all reasons that speak against it, as bits."""

from typing import Any

import numpy as np
from scipy.stats import chi2

from calibration.geometry.arrays import F64, Mask
from calibration.rig import Rig
from calibration.skeleton import Skeleton, strip_side
from training.labels.evidence import LabelEvidence
from training.labels.features import compute_frameset_median
from training.labels.gates import GATES_FOCAL_PX, LabelGates
from training.labels.person import PersonInViews
from training.labels.reasons import Reason
from training.labels.sigma import LABELLED_JOINTS, SURFACE_JOINTS

LIMB_ENDS = ("wrist", "ankle", "heel", "foot_index")
LOOSE_JOINTS = ("hip", "ankle", "heel", "foot_index")
BODY_JOINTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
REQUIRED_JOINTS = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def judge_labels(
    evidence: LabelEvidence, sigma_m: F64, person: PersonInViews, rig: Rig, gates: LabelGates
) -> np.ndarray:
    """Find every reason against every joint.

    Parameters
    ----------
    evidence
    sigma_m : (T, J)
        Expected error.
    person
    rig
    gates

    Returns
    -------
    reasons : (T, J), uint32
        Bits of `Reason`; 0 is an accepted label.
    """
    skeleton = person.common.skeleton
    found: dict[Reason, Any] = {
        **_find_view_reasons(evidence, rig, gates),
        **_find_joint_reasons(evidence, sigma_m, skeleton, gates),
    }
    reasons = _to_bits(found, sigma_m.shape)
    accepted = reasons == 0
    return reasons | _to_bits(
        _find_frameset_reasons(evidence, accepted, person, gates), sigma_m.shape
    )


def _find_view_reasons(evidence: LabelEvidence, rig: Rig, gates: LabelGates) -> dict[Reason, Any]:
    """Reasons that the views give."""
    views, joints = evidence.views, evidence.joints
    count = views.carries.sum(0)
    two = count == 2
    angle_deg = np.degrees(joints.angle_rad)
    focal = np.array([camera.focal_px for camera in rig.cameras])[:, None, None]
    residual = np.where(
        views.carries, np.linalg.norm(views.residual_px, axis=-1) * GATES_FOCAL_PX / focal, 0.0
    )
    depth = np.where(views.carries, views.depth_m, np.inf)
    confidence = np.where(views.carries, views.confidence, 0.0).sum(0) / np.maximum(count, 1)
    limit = gates.chi2_factor * chi2.ppf(0.99, np.maximum(joints.dof, 1))
    epipolar_px = joints.sampson_px[..., 2] * GATES_FOCAL_PX / float(np.median(focal))
    return {
        Reason.NOT_SEEN_BY_TWO: np.isfinite(views.sigma_px).sum(0) < 2,
        Reason.ONE_VIEW: count < 2,
        Reason.NARROW_RAYS: angle_deg
        < np.where(two, gates.two_view_least_angle_deg, gates.least_angle_deg),
        Reason.BEHIND_A_CAMERA: ~(depth > gates.least_depth_m).all(0),
        Reason.LOW_CONFIDENCE: confidence < gates.least_confidence,
        Reason.VIEWS_DISAGREE: joints.chi2 > limit,
        Reason.FAR_FROM_A_VIEW: ~(residual < gates.largest_residual_px).all(0),
        Reason.OFF_THE_EPIPOLAR_LINE: two & ~(epipolar_px < gates.two_view_sampson_px),
        Reason.ONE_VIEW_DECIDES: np.nan_to_num(joints.leave_one_out_m) * 1e3
        > gates.leave_one_out_mm,
        Reason.BONE_LENGTH: two & (np.nan_to_num(joints.bone_z) > gates.two_view_bone_z),
    }


def _find_joint_reasons(
    evidence: LabelEvidence, sigma_m: F64, skeleton: Skeleton, gates: LabelGates
) -> dict[Reason, Any]:
    """Reasons that the body, its motion and the expected error give."""
    joints = evidence.joints
    kinds = [strip_side(joint) for joint in skeleton.joints]
    loose = np.array([kind in LOOSE_JOINTS for kind in kinds])
    ends = np.array([kind in LIMB_ENDS for kind in kinds])
    bone_percent = np.where(loose, gates.loose_bone_percent, gates.bone_percent)
    largest = np.where(ends, gates.limb_end_acceleration_m_s2, gates.acceleration_m_s2)
    short = np.nan_to_num(joints.bone_share) * 100 > bone_percent
    speed_mm = np.nan_to_num(joints.speed_m_s) * gates.clock_sigma_ms
    sigma_mm = [_get_max_sigma_mm(kind, gates) for kind in kinds]
    doubtful = np.array([kind not in LABELLED_JOINTS for kind in kinds])
    return {
        Reason.UNCERTAIN: ~(sigma_m * 1e3 < np.array(sigma_mm)),
        Reason.BONE_LENGTH: short,
        Reason.JERK: np.nan_to_num(joints.refined_acceleration_m_s2) > largest,
        Reason.TOO_FAST_FOR_THE_CLOCKS: speed_mm > gates.clock_shift_mm,
        Reason.DOUBTFUL_JOINT: np.broadcast_to(doubtful, sigma_m.shape),
    }


def _get_max_sigma_mm(kind: str, gates: LabelGates) -> float:
    """Return the largest expected error that a kind of joint may have, mm."""
    if kind in SURFACE_JOINTS:
        return gates.surface_sigma_mm
    return gates.hip_sigma_mm if kind == "hip" else gates.sigma_mm


def _find_frameset_reasons(
    evidence: LabelEvidence, accepted: Mask, person: PersonInViews, gates: LabelGates
) -> dict[Reason, Any]:
    """Reasons that hold for all joints of a frameset."""
    skeleton = person.common.skeleton
    body = [i for i, joint in enumerate(skeleton.joints) if strip_side(joint) in BODY_JOINTS]
    needed = [skeleton.index(joint) for joint in REQUIRED_JOINTS if joint in skeleton.joints]
    carried = evidence.views.carries.sum(0) >= 2
    few = (carried[:, body].mean(1) < gates.least_body_share) | ~carried[:, needed].all(1)
    share = 100 * np.where(carried, evidence.joints.bone_share, np.nan)
    odd = compute_frameset_median(share, 0.0) > gates.body_bone_percent
    doubted = person.contested.sum(1) > np.maximum(len(person.common.view_names) - 3, 0)
    return {
        Reason.FEW_JOINTS: np.broadcast_to(few[:, None], accepted.shape),
        Reason.BODY_OUT_OF_SHAPE: np.broadcast_to(odd[:, None], accepted.shape),
        Reason.OTHER_PERSON_NEAR: np.broadcast_to(doubted[:, None], accepted.shape),
    }


def _to_bits(found: dict[Reason, Any], shape: tuple[int, ...]) -> np.ndarray:
    """Combine masks (T, J) into bits."""
    reasons = np.zeros(shape, np.uint32)
    for reason, mask in found.items():
        reasons |= np.where(mask, np.uint32(reason), np.uint32(0))
    return reasons
