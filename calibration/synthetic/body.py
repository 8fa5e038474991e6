"""A body: all joints of a procedural person from a posture and the places of the feet.

The proportions are those of Drillis & Contini (1966) with ankle and shoulder where a network puts
them (the chain from shoulder to ankle is 0.756 of stature), upper arm and forearm 0.167 and 0.155.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize, rotation_from_rotvec
from calibration.skeleton import load_skeleton

SKELETON = load_skeleton("blazepose_33")
# Shares of stature.
SHOULDER_HEIGHT = 0.810
HIP_HEIGHT = 0.530
THIGH = 0.245
SHANK = 0.231
ANKLE_HEIGHT = 0.054
UPPER_ARM = 0.167
FOREARM = 0.155
HALF_SHOULDERS = 0.100
HALF_HIPS = 0.055
HALF_STANCE = 0.055
SEAT_HEIGHT, SOLE = 0.27, 0.0143
HEAD = {  # forward, to the side, above the shoulders; names without a side lie in the middle
    "nose": (0.060, 0.0, 0.105),
    "eye_inner": (0.050, 0.009, 0.122),
    "eye": (0.048, 0.018, 0.122),
    "eye_outer": (0.044, 0.027, 0.122),
    "ear": (0.000, 0.042, 0.112),
    "mouth": (0.052, 0.014, 0.086),
}
HAND = {  # along the forearm, to the side
    "pinky": (0.047, 0.018),
    "index": (0.052, -0.012),
    "thumb": (0.030, -0.024),
}
FOOT = {"heel": -0.030, "foot_index": 0.105}  # ahead of the ankle
SIDES = {"left": 1.0, "right": -1.0}
LIMB_JOINTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True, slots=True, eq=False)
class Feet:
    """Where the feet are, left first.

    Parameters
    ----------
    ankle : (T, 2, 3), m, world
    heading, pitch : (T, 2), rad
    """

    ankle: F64
    heading: F64
    pitch: F64


@dataclass(frozen=True, slots=True, eq=False)
class Posture:
    """What the rest of the body does.

    Parameters
    ----------
    hip : (T, 3), m, world
        The middle of the hips.
    heading : (T,), rad
    trunk : (T, 3), rad
        Forward lean, side lean and twist.
    arm : (T, 2, 3), rad
        Flexion, abduction and the elbow's flexion, left first.
    """

    hip: F64
    heading: F64
    trunk: F64
    arm: F64


def build_body(stature_m: float, posture: Posture, feet: Feet) -> F64:
    """Build all joints from a posture.

    Parameters
    ----------
    stature_m
    posture, feet
        A leg that is too short for its foot pulls it in.

    Returns
    -------
    xyz : (T, 33, 3), m, world
        In the order of the skeleton ``blazepose_33``.
    """
    size = stature_m
    joints: dict[str, F64] = {}
    pelvis = _rotate_about(posture.heading, np.array([0.0, 0.0, 1.0]))
    trunk = (
        pelvis
        @ _rotate_about(posture.trunk[:, 2], np.array([0.0, 0, 1]))
        @ _rotate_about(posture.trunk[:, 0], np.array([0.0, 1, 0]))
    )
    trunk = trunk @ _rotate_about(posture.trunk[:, 1], np.array([1.0, 0, 0]))
    shoulders = posture.hip + trunk @ np.array([0, 0, (SHOULDER_HEIGHT - HIP_HEIGHT) * size])
    joints |= _add_head(shoulders, trunk, size)
    for index, (side, sign) in enumerate(SIDES.items()):
        arm = posture.arm[:, index]
        shoulder = shoulders + trunk @ np.array([0, sign * HALF_SHOULDERS * size, 0])
        upper = _compute_arm_direction(trunk, arm, sign, 0.0)
        fore = _compute_arm_direction(trunk, arm, sign, 1.0)
        elbow = shoulder + UPPER_ARM * size * upper
        wrist = elbow + FOREARM * size * fore
        across = np.cross(fore, trunk[:, :, 1])
        joints[f"{side}_shoulder"], joints[f"{side}_elbow"], joints[f"{side}_wrist"] = (
            shoulder,
            elbow,
            wrist,
        )
        for name, (along, lateral) in HAND.items():
            joints[f"{side}_{name}"] = wrist + size * (along * fore + lateral * across)
        hip = posture.hip + pelvis @ np.array([0, sign * HALF_HIPS * size, 0])
        knee, ankle = _solve_leg(hip, feet.ankle[:, index], pelvis[:, :, 0], size)
        joints[f"{side}_hip"], joints[f"{side}_knee"], joints[f"{side}_ankle"] = hip, knee, ankle
        foot = _rotate_about(feet.heading[:, index], np.array([0.0, 0, 1])) @ _rotate_about(
            feet.pitch[:, index], np.array([0.0, 1, 0])
        )
        for name, ahead in FOOT.items():
            joints[f"{side}_{name}"] = ankle + foot @ (
                size * np.array([ahead, 0, SOLE - ANKLE_HEIGHT])
            )
    return np.stack([joints[name] for name in SKELETON.joints], 1)


def _solve_leg(hip: F64, ankle: F64, forward: F64, size: float) -> tuple[F64, F64]:
    """Bend the knee forwards so that the leg reaches the ankle; pull in one too far away."""
    thigh, shank = THIGH * size, SHANK * size
    way = ankle - hip
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    along = way / length
    reached = np.minimum(length, 0.9995 * (thigh + shank))
    share = (reached**2 + thigh**2 - shank**2) / (2 * reached)
    ahead = forward - (forward * along).sum(-1, keepdims=True) * along
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    knee = hip + share * along + np.sqrt(np.maximum(thigh**2 - share**2, 0)) * ahead
    return knee, hip + reached * along


def _compute_arm_direction(trunk: F64, arm: F64, sign: float, bent: float) -> F64:
    """Point the upper arm (bent 0) or the forearm (bent 1), (T, 3)."""
    flexion = arm[:, 0] + bent * arm[:, 2]
    hanging = np.stack([0 * flexion, sign * np.sin(arm[:, 1]), -np.cos(arm[:, 1])], 1)
    return (trunk @ _rotate_about(-flexion, np.array([0.0, 1.0, 0.0])) @ hanging[..., None])[..., 0]


def _rotate_about(angle: F64, axis: F64) -> F64:
    """Turn by angles about one axis, (T, 3, 3)."""
    return rotation_from_rotvec(angle[:, None] * axis)


def complete_body(limbs: F64, stature_m: float) -> F64:
    """Add face, hands and feet to the limbs of a real person.

    Parameters
    ----------
    limbs : (T, 12, 3), m, world
        Shoulders, elbows, wrists, hips, knees and ankles, left before right.
    stature_m
        Sizes what is added.

    Returns
    -------
    xyz : (T, 33, 3), m, world
        In the order of the skeleton ``blazepose_33``. The face turns with the trunk, a hand lies
        along the forearm, and a foot points where the hips face, sole down.
    """
    names = [f"{side}_{joint}" for joint in LIMB_JOINTS for side in SIDES]
    joints = {name: limbs[:, index] for index, name in enumerate(names)}
    middle = limbs[:, 0:2].mean(1)
    up = middle - limbs[:, 6:8].mean(1)
    trunk = _face(limbs[:, 0] - limbs[:, 1], up)
    pelvis = _face(limbs[:, 6] - limbs[:, 7], np.broadcast_to([0.0, 0.0, 1.0], up.shape))
    joints |= _add_head(middle, trunk, stature_m)
    for side in SIDES:
        wrist, ankle = joints[f"{side}_wrist"], joints[f"{side}_ankle"]
        fore = normalize(wrist - joints[f"{side}_elbow"])
        across = np.cross(fore, trunk[:, :, 1])
        for name, (along, lateral) in HAND.items():
            joints[f"{side}_{name}"] = wrist + stature_m * (along * fore + lateral * across)
        for name, ahead in FOOT.items():
            sole = stature_m * np.array([ahead, 0, SOLE - ANKLE_HEIGHT])
            joints[f"{side}_{name}"] = ankle + pelvis @ sole
    return np.stack([joints[name] for name in SKELETON.joints], 1)


def _add_head(shoulders: F64, trunk: F64, size: float) -> dict[str, F64]:
    """Place the joints of the head above the middle of the shoulders."""
    joints: dict[str, F64] = {}
    for name, (ahead, lateral, above) in HEAD.items():
        for side, sign in SIDES.items() if lateral else (("", 0.0),):
            joint = f"mouth_{side}" if name == "mouth" else f"{side}_{name}".lstrip("_")
            joints[joint] = shoulders + trunk @ (size * np.array([ahead, sign * lateral, above]))
    return joints


def _face(left: F64, up: F64) -> F64:
    """Find the frames, (T, 3, 3), ahead, left and up, of which up is exact."""
    up = normalize(up)
    left = normalize(left - (left * up).sum(-1, keepdims=True) * up)
    return np.stack([np.cross(left, up), left, up], -1)
