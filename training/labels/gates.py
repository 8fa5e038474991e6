"""LabelGates: what a joint and a frameset must satisfy to be a label; units are in the names."""

from dataclasses import dataclass

GATES_FOCAL_PX = 1100.0
"""The focal length for which gates in pixels are given; they grow with a camera's own."""


@dataclass(frozen=True, slots=True)
class LabelGates:
    """What is demanded of a label.

    Parameters
    ----------
    least_angle_deg, two_view_least_angle_deg
        Largest angle between two rays, folded at 90 degrees, of more views and of two.
    least_depth_m
        In front of every camera that carries it.
    least_confidence
        Mean of the views that carry it. Low, because leave-one-out says more (confidence is poorly
        calibrated across views).
    largest_residual_px
        In any view that carries it, at a focal length of 1100 px.
    two_view_sampson_px
        At a focal length of 1100 px.
    chi2_factor
        Times the 99 % point of chi squared; more than one because a network's errors have heavy
        tails.
    leave_one_out_mm
        How far it may move without one of its views.
    sigma_mm, hip_sigma_mm, surface_sigma_mm
        Largest expected error; of hips, without which a picture has no root and can neither train
        3D nor be judged, and whose errors are seldom gross (22 instead of 18.5 mm costs 0.2 points
        of the limbs' precision, and 92 instead of 80 % of the framesets have a root; 59 studio
        people); of points of the skin (face, toes), which are defined less well.
    bone_percent, loose_bone_percent
        How far a bone may be from its usual length; loose: at hips and feet.
    two_view_bone_z
        In sigmas of the bone, of joints that two views carry.
    acceleration_m_s2, limb_end_acceleration_m_s2
        Largest; of wrists, ankles and feet.
    least_body_share
        Of the body's joints (limbs' ends, hips, shoulders) that must be found in a frameset.
    body_bone_percent
        Median deviation over all bones of a frameset.
    clock_sigma_ms, clock_shift_mm
        How well the cameras' clocks are known to agree, and how far a joint may move meanwhile.
    two_view_weight
        Most that a label of two views counts.
    weight_sigma_mm
        Labels with a smaller expected error count fully.
    """

    least_angle_deg: float = 15.0
    two_view_least_angle_deg: float = 25.0
    least_depth_m: float = 0.3
    least_confidence: float = 0.3
    largest_residual_px: float = 30.0
    two_view_sampson_px: float = 12.0
    chi2_factor: float = 2.0
    leave_one_out_mm: float = 80.0
    sigma_mm: float = 18.5
    hip_sigma_mm: float = 22.0
    surface_sigma_mm: float = 28.0
    bone_percent: float = 10.0
    loose_bone_percent: float = 15.0
    two_view_bone_z: float = 2.5
    acceleration_m_s2: float = 60.0
    limb_end_acceleration_m_s2: float = 120.0
    least_body_share: float = 0.7
    body_bone_percent: float = 8.0
    clock_sigma_ms: float = 3.0
    clock_shift_mm: float = 15.0
    two_view_weight: float = 0.5
    weight_sigma_mm: float = 20.0
