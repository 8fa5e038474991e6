"""Bodies: the same motion in people of other proportions, straighter or mixed of two.

Captured people are dancers and fighters with bent knees; real ones mostly stand. And what a file
calls a hip is a bone's end, while a 2D model puts it lower. So of a motion only the directions of
the bones are kept, some of them bent towards straight, and bodies are built from them again.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from engine.monocular.joint_window import NOW
from engine.reconstruction.body_size import LIMBS
from training.lifting.motion_bank import turn_about_vertical

MIRROR = np.arange(len(LIMBS)) ^ 1
_SHOULDER, _ELBOW, _WRIST, _HIP, _KNEE, _ANKLE = range(0, len(LIMBS), 2)
_UPPER = np.array([*range(_SHOULDER, _WRIST + 2)])
_UPRIGHT_MIN = 0.5  # cosine: a trunk that leans further is not brought upright


@dataclass(frozen=True, slots=True)
class Proportions:
    """Lengths of a person of usual size as a 2D model sees them, m, and how much people differ.

    Parameters
    ----------
    upper_arm_m, forearm_m, thigh_m, shank_m, shoulders_m, hips_m, trunk_m
        Medians; thigh and shank from the hip and to the ankle as they are detected.
    hip_drop_m
        How far below its joint, along the thigh, a hip is detected (specs/STUDIO.md 3, measured on
        the studio's bodies with the real detector).
    spread
        Standard deviation of each, as a share; the two widths and the drop have three times that.
    """

    upper_arm_m: float = 0.285
    forearm_m: float = 0.255
    thigh_m: float = 0.385
    shank_m: float = 0.390
    shoulders_m: float = 0.360
    hips_m: float = 0.200
    trunk_m: float = 0.500
    hip_drop_m: float = 0.037
    spread: float = 0.042


def mix_bodies(lower: F64, upper: F64) -> F64:
    """Put the upper bodies of some motions onto the legs of others.

    Parameters
    ----------
    lower, upper : (N, S, 12, 3), m, z up

    Returns
    -------
    mixed : (N, S, 12, 3)
        Facing as the legs do now.
    """
    angle = _heading(lower[:, NOW]) - _heading(upper[:, NOW])
    turned = turn_about_vertical(upper - _middle(upper, _HIP)[:, :, None], angle)
    mixed = lower.copy()
    mixed[:, :, _UPPER] = (turned + _middle(lower, _HIP)[:, :, None])[:, :, _UPPER]
    return mixed


def straighten(xyz: F64, rng: np.random.Generator) -> F64:
    """Bend limbs and trunk towards straight and upright, a different amount for each window.

    Parameters
    ----------
    xyz : (N, S, 12, 3), m, z up
    rng

    Returns
    -------
    straighter : (N, S, 12, 3)
        Bones keep their lengths.
    """
    moved, legs = xyz.copy(), _draw_share(len(xyz), 0.5, rng)
    for joint, share in (
        (_HIP, legs),
        (_HIP + 1, legs),
        (_SHOULDER, _draw_share(len(xyz), 0.3, rng)),
        (_SHOULDER + 1, _draw_share(len(xyz), 0.3, rng)),
    ):
        top, middle, end = (moved[:, :, joint + step] for step in (0, 2, 4))
        straight = normalize(end - top)
        upper, lower = middle - top, end - middle
        knee = top + _length(upper) * normalize((1 - share) * normalize(upper) + share * straight)
        moved[:, :, joint + 2] = knee
        moved[:, :, joint + 4] = knee + _length(lower) * normalize(
            (1 - share) * normalize(lower) + share * straight
        )
    return _raise_trunk(moved, _draw_share(len(xyz), 0.3, rng))


def build_bodies(xyz: F64, proportions: Proportions, rng: np.random.Generator) -> F64:
    """Build bodies of drawn proportions from the directions of a motion's bones.

    Parameters
    ----------
    xyz : (N, S, 12, 3), m, z up
    proportions
    rng

    Returns
    -------
    detected : (N, S, 12, 3), m
        Where a 2D model without error would see the joints.
    """

    def draw(median_m: float, times: float = 1.0) -> F64:
        """Draw a length for each window."""
        factor = 1 + times * proportions.spread * rng.standard_normal((len(xyz), 1, 1))
        return median_m * factor

    bottom, top = _middle(xyz, _HIP), _middle(xyz, _SHOULDER)
    hip_line, shoulder_line = (
        normalize(xyz[:, :, joint] - xyz[:, :, joint + 1]) for joint in (_HIP, _SHOULDER)
    )
    neck = bottom + draw(proportions.trunk_m) * normalize(top - bottom)
    hips, shoulders = draw(proportions.hips_m, 2.0) / 2, draw(proportions.shoulders_m, 1.4) / 2
    lengths = [
        draw(length)
        for length in (
            proportions.upper_arm_m,
            proportions.forearm_m,
            proportions.thigh_m,
            proportions.shank_m,
        )
    ]
    drop = draw(proportions.hip_drop_m, 6.0)
    made = np.empty_like(xyz)
    for side, sign in ((0, 1.0), (1, -1.0)):
        thigh = normalize(xyz[:, :, _KNEE + side] - xyz[:, :, _HIP + side])
        made[:, :, _SHOULDER + side] = neck + sign * shoulders * shoulder_line
        made[:, :, _HIP + side] = bottom + sign * hips * hip_line + drop * thigh
        for joint, length in zip((_SHOULDER, _ELBOW, _HIP, _KNEE), lengths):
            start, end = xyz[:, :, joint + side], xyz[:, :, joint + 2 + side]
            made[:, :, joint + 2 + side] = made[:, :, joint + side] + length * normalize(
                end - start
            )
    return made


def mirror_some(xyz: F64, rng: np.random.Generator) -> F64:
    """Mirror half of the windows, (N, S, 12, 3)."""
    mirrored = (xyz * np.array([-1.0, 1.0, 1.0]))[:, :, MIRROR]
    return np.where(rng.random(len(xyz))[:, None, None, None] < 0.5, mirrored, xyz)


def _raise_trunk(xyz: F64, share: F64) -> F64:
    """Turn the upper body so that the trunk is more upright; one that lies is left alone."""
    bottom = _middle(xyz, _HIP)
    up = normalize(_middle(xyz, _SHOULDER) - bottom)
    goal = normalize((1 - share) * up + share * np.array([0.0, 0.0, 1.0]))
    goal = np.where(up[..., 2:] > _UPRIGHT_MIN, goal, up)
    axis, cosine = np.cross(up, goal)[:, :, None], (up * goal).sum(-1)[..., None, None]
    away = xyz[:, :, _UPPER] - bottom[:, :, None]
    # Rodrigues' formula; the axis has the length of the sine.
    along = (away * axis).sum(-1, keepdims=True) / (1 + cosine)
    turned = cosine * away + np.cross(axis, away) + along * axis
    moved = xyz.copy()
    moved[:, :, _UPPER] = bottom[:, :, None] + turned
    return moved


def _draw_share(count: int, often: float, rng: np.random.Generator) -> F64:
    """Draw how far each window is straightened, (N, 1, 1): not at all, or anything up to fully."""
    share = np.where(rng.random(count) < often, rng.random(count), 0.0)
    return share[:, None, None]


def _heading(xyz: F64) -> F64:
    """Return where the left hip is from the right one, seen from above, (N,), rad."""
    across = xyz[:, _HIP] - xyz[:, _HIP + 1]
    return np.arctan2(across[:, 1], across[:, 0])


def _middle(xyz: F64, joint: int) -> F64:
    """Return the middle of a joint and its twin, (N, S, 3)."""
    return (xyz[:, :, joint] + xyz[:, :, joint + 1]) / 2


def _length(vector: F64) -> F64:
    """Return lengths, (..., 1)."""
    return np.linalg.norm(vector, axis=-1, keepdims=True)
