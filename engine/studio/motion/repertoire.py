"""Repertoire: what a person can do on the spot.

Each function writes one performance for a person of 1.75 m, from the shares of it that are over,
(T,), 0 to 1; it begins and ends with the relaxed stance.
"""

import numpy as np

from calibration.geometry.arrays import F64
from engine.studio.motion.motion import (
    ABDUCTION,
    BACK,
    FLEXION,
    LEAN,
    LEFT,
    PITCH,
    RIGHT,
    TURN,
    TWIST,
    UP,
    Motion,
    hump,
    plateau,
    smoothstep,
)
from engine.studio.motion.stance import Draft


def stand(share: F64) -> Draft:
    """Stand still."""
    return Draft(len(share))


def wait(share: F64) -> Draft:
    """Shift the weight to one leg and back, and look around."""
    body, k = Draft(len(share)), plateau(share, 0.3)
    look = np.sin(2 * np.pi * share) * k
    body.pelvis_m[:, 0] += 0.06 * k
    body.pelvis_deg[:, LEAN] += 3 * k
    body.spine_deg[:, LEAN] -= 4 * k
    body.neck_deg[:, TURN] += 35 * look
    body.spine_deg[:, TURN] += 8 * look
    body.arm_deg[:, :, FLEXION] += 14 * k[:, None]
    body.elbow_deg += 28 * k[:, None]
    return body


def squat(share: F64) -> Draft:
    """Go down with the arms forward."""
    body, k = Draft(len(share)), plateau(share, 0.42)
    body.pelvis_m[:, BACK] += 0.15 * k
    body.pelvis_m[:, UP] -= 0.36 * k
    body.pelvis_deg[:, PITCH] += 18 * k
    body.spine_deg[:, PITCH] += 26 * k
    body.neck_deg[:, PITCH] -= 25 * k
    body.arm_deg[:, :, FLEXION] += 83 * k[:, None]
    body.knee_out_deg += 14 * k[:, None]
    return body


def lunge(share: F64) -> Draft:
    """Step far forward with the left foot, sink, and step back."""
    body = Draft(len(share))
    out = plateau(share, 0.26)
    sink = plateau((share - 0.16) / 0.68, 0.35)
    body.foot_m[:, LEFT, BACK] -= 0.66 * out
    body.foot_m[:, LEFT, UP] += 0.10 * (hump(share / 0.26) + hump((share - 0.74) / 0.26))
    body.foot_deg[:, RIGHT, PITCH] -= 42 * out
    body.pelvis_m[:, BACK] -= 0.34 * out
    body.pelvis_m[:, UP] -= 0.08 * out + 0.22 * sink
    body.spine_deg[:, PITCH] += 8 * sink
    body.arm_deg[:, :, ABDUCTION] += 22 * out[:, None]
    body.elbow_deg += 45 * out[:, None]
    return body


def reach_low(share: F64) -> Draft:
    """Bend down and touch the floor beside the foot with the right hand."""
    body, k = Draft(len(share)), plateau(share, 0.42)
    body.pelvis_m[:, BACK] += 0.16 * k
    body.pelvis_m[:, UP] -= 0.26 * k
    body.pelvis_deg[:, PITCH] += 38 * k
    body.pelvis_deg[:, TURN] += 8 * k
    body.spine_deg += np.array([34.0, 0.0, 14.0]) * k[:, None]
    body.neck_deg[:, PITCH] -= 22 * k
    body.arm_deg[:, RIGHT, FLEXION] += 68 * k
    body.arm_deg[:, LEFT, FLEXION] += 20 * k
    body.arm_deg[:, LEFT, ABDUCTION] += 20 * k
    body.knee_out_deg += 8 * k[:, None]
    return body


def reach_high(share: F64) -> Draft:
    """Stretch the right hand up to a high shelf, on the toes."""
    body, k = Draft(len(share)), plateau(share, 0.36)
    body.foot_deg[:, :, PITCH] -= 20 * k[:, None]
    body.pelvis_m[:, UP] += 0.05 * k
    body.pelvis_m[:, BACK] -= 0.05 * k
    body.spine_deg += np.array([-4.0, 9.0, 12.0]) * k[:, None]
    body.neck_deg[:, PITCH] -= 22 * k
    body.arm_deg[:, RIGHT, FLEXION] += 152 * k
    body.arm_deg[:, LEFT, ABDUCTION] += 12 * k
    body.elbow_deg[:, RIGHT] += 10 * k
    return body


def arm_circles(share: F64) -> Draft:
    """Swing both arms in circles, twice."""
    body, k = Draft(len(share)), plateau(share, 0.2)
    angle = 2 * np.pi * 2 * share
    body.arm_deg[:, :, ABDUCTION] += (k * (78 + 28 * np.sin(angle)))[:, None]
    body.arm_deg[:, :, FLEXION] += (k * 30 * np.cos(angle))[:, None]
    body.elbow_deg -= 6 * k[:, None]
    return body


def jumping_jacks(share: F64) -> Draft:
    """Jump with the feet apart and the arms up, and back, three times."""
    body = Draft(len(share))
    jump = share * 3
    out = hump(jump % 1.0)
    flight = np.abs(np.sin(2 * np.pi * jump)) ** 1.5
    bend = 1 - np.abs(np.sin(2 * np.pi * jump)) ** 2
    bend = bend * smoothstep(jump / 0.2) * smoothstep((3 - jump) / 0.2)
    body.foot_m[:, :, 0] += 0.24 * out[:, None] * np.array([1, -1])
    body.foot_m[:, :, UP] += 0.07 * flight[:, None]
    body.foot_deg[:, :, PITCH] -= 18 * flight[:, None]
    body.pelvis_m[:, UP] += 0.07 * flight - 0.05 * bend
    body.arm_deg[:, :, ABDUCTION] += 148 * out[:, None]
    body.elbow_deg += 8 * out[:, None]
    return body


def kick(share: F64) -> Draft:
    """Shift the weight to the right leg and kick forward with the left."""
    body = Draft(len(share))
    shift, swing = plateau(share, 0.28), hump((share - 0.25) / 0.5)
    angle, radius_m = np.deg2rad(62) * swing, 0.83
    body.pelvis_m[:, 0] -= 0.085 * shift
    body.pelvis_m[:, UP] -= 0.02 * shift
    body.pelvis_deg[:, PITCH] -= 10 * swing
    body.foot_m[:, LEFT, BACK] -= radius_m * np.sin(angle)
    body.foot_m[:, LEFT, UP] += radius_m * (1 - np.cos(angle)) + 0.03 * shift
    body.foot_deg[:, LEFT, PITCH] += 38 * swing
    body.arm_deg[:, :, ABDUCTION] += 26 * shift[:, None]
    body.arm_deg[:, RIGHT, FLEXION] += 40 * swing
    body.arm_deg[:, LEFT, FLEXION] -= 25 * swing
    body.elbow_deg += 20 * shift[:, None]
    return body


def bend(share: F64) -> Draft:
    """Bow, then lean to the left side."""
    body = Draft(len(share))
    bow, lean = hump(share / 0.55), hump((share - 0.45) / 0.55)
    body.pelvis_m[:, BACK] += 0.10 * bow
    body.pelvis_deg[:, PITCH] += 28 * bow
    body.spine_deg[:, PITCH] += 34 * bow
    body.arm_deg[:, :, FLEXION] += 40 * bow[:, None]
    body.pelvis_m[:, 0] -= 0.05 * lean
    body.spine_deg[:, LEAN] += 30 * lean
    body.neck_deg[:, LEAN] += 8 * lean
    body.arm_deg[:, RIGHT, ABDUCTION] += 130 * lean
    body.elbow_deg[:, RIGHT] += 25 * lean
    return body


def twist(share: F64) -> Draft:
    """Turn the trunk to both sides with the arms half raised."""
    body, k = Draft(len(share)), plateau(share, 0.22)
    side = np.sin(2 * np.pi * share) * k
    body.pelvis_deg[:, TURN] += 12 * side
    body.spine_deg[:, TURN] += 46 * side
    body.neck_deg[:, TURN] += 15 * side
    body.arm_deg[:, :, ABDUCTION] += 58 * k[:, None]
    body.elbow_deg += 55 * k[:, None]
    return body


def sit(share: F64) -> Draft:
    """Sit down on the chair, talk with the hands, and stand up."""
    body = Draft(len(share))
    down = smoothstep(share / 0.24) * smoothstep((1 - share) / 0.24)
    effort = hump(share / 0.24) + hump((share - 0.76) / 0.24)
    talk = plateau((share - 0.24) / 0.52, 0.3) * np.sin(2 * np.pi * 4 * share)
    body.pelvis_m[:, BACK] += 0.41 * down
    body.pelvis_m[:, UP] -= 0.42 * down
    body.pelvis_deg[:, PITCH] += 14 * effort
    body.spine_deg[:, PITCH] += 4 * down + 26 * effort
    body.spine_deg[:, TURN] += 9 * talk
    body.neck_deg[:, TURN] += 12 * talk
    body.arm_deg[:, :, FLEXION] += 26 * down[:, None] + 22 * effort[:, None]
    body.arm_deg[:, LEFT, FLEXION] += 16 * talk
    body.arm_deg[:, RIGHT, FLEXION] -= 16 * talk
    body.elbow_deg += 55 * down[:, None] + 25 * np.stack([talk, -talk], -1)
    body.knee_out_deg += 4 * down[:, None]
    return body


def wave(share: F64) -> Draft:
    """Raise the right hand and wave."""
    body, k = Draft(len(share)), plateau(share, 0.24)
    waving = np.sin(2 * np.pi * 4 * share) * plateau(share, 0.35)
    body.arm_deg[:, RIGHT, ABDUCTION] += 88 * k
    body.arm_deg[:, RIGHT, FLEXION] += 12 * k
    body.arm_deg[:, RIGHT, TWIST] -= 70 * k
    body.elbow_deg[:, RIGHT] += 78 * k + 24 * waving
    body.spine_deg[:, LEAN] += 4 * k
    body.neck_deg[:, TURN] -= 8 * k
    return body


def throw(share: F64) -> Draft:
    """Take the right arm back and throw over the shoulder, with a step of the left foot."""
    body = Draft(len(share))
    cock = smoothstep(share / 0.35) * smoothstep((0.58 - share) / 0.16)
    follow = smoothstep((share - 0.42) / 0.18) * smoothstep((1 - share) / 0.36)
    step = smoothstep((share - 0.22) / 0.2) * smoothstep((1 - share) / 0.25)
    body.foot_m[:, LEFT, BACK] -= 0.36 * step
    body.foot_m[:, LEFT, UP] += 0.07 * (hump((share - 0.22) / 0.2) + hump((share - 0.75) / 0.25))
    body.foot_deg[:, RIGHT, PITCH] -= 22 * step
    body.pelvis_m[:, BACK] -= 0.18 * step
    body.pelvis_m[:, UP] -= 0.04 * step
    body.spine_deg[:, TURN] += -32 * cock + 28 * follow
    body.spine_deg[:, PITCH] += 14 * follow
    body.arm_deg[:, RIGHT, ABDUCTION] += 82 * cock + 26 * follow
    body.arm_deg[:, RIGHT, FLEXION] += -12 * cock + 78 * follow
    body.arm_deg[:, RIGHT, TWIST] -= 60 * cock
    body.elbow_deg[:, RIGHT] += 80 * cock + 8 * follow
    body.arm_deg[:, LEFT, FLEXION] += 48 * cock
    body.arm_deg[:, LEFT, ABDUCTION] += 14 * cock
    return body


def t_pose(share: F64) -> Draft:
    """Hold both arms out to the sides."""
    body, k = Draft(len(share)), plateau(share, 0.25)[:, None]
    body.arm_deg[:, :, ABDUCTION] += 81 * k
    body.arm_deg[:, :, FLEXION] -= 2 * k
    body.elbow_deg -= 9 * k
    return body


def balance(share: F64) -> Draft:
    """Stand on the right leg with the left knee up."""
    body, k = Draft(len(share)), plateau(share, 0.3)
    lift = plateau((share - 0.12) / 0.76, 0.3)
    body.pelvis_m[:, 0] -= 0.085 * k
    body.pelvis_deg[:, LEAN] -= 3 * lift
    body.foot_m[:, LEFT] += np.array([-0.02, -0.22, 0.42]) * lift[:, None]
    body.foot_deg[:, LEFT, PITCH] -= 20 * lift
    body.arm_deg[:, :, ABDUCTION] += 55 * k[:, None]
    body.arm_deg[:, :, ABDUCTION] += (6 * lift * np.sin(2 * np.pi * 3 * share))[:, None] * np.array(
        [1, -1]
    )
    body.elbow_deg += 10 * k[:, None]
    return body


def phone(share: F64) -> Draft:
    """Take out a phone, read it, and put it away."""
    body, k = Draft(len(share)), plateau(share, 0.22)
    body.neck_deg[:, PITCH] += 30 * k
    body.neck_deg[:, TURN] -= 6 * k
    body.spine_deg[:, PITCH] += 4 * k
    body.arm_deg[:, RIGHT, FLEXION] += 30 * k
    body.arm_deg[:, RIGHT, TWIST] += 34 * k
    body.elbow_deg[:, RIGHT] += 96 * k
    body.pelvis_m[:, 0] += 0.03 * k
    body.knee_out_deg[:, RIGHT] += 4 * k
    return body


IN_PLACE_MOTIONS = {
    "squat": Motion(3.2, squat),
    "lunge": Motion(3.6, lunge),
    "reach_low": Motion(3.4, reach_low),
    "reach_high": Motion(3.0, reach_high),
    "arm_circles": Motion(4.4, arm_circles),
    "jumping_jacks": Motion(3.6, jumping_jacks),
    "kick": Motion(2.8, kick),
    "bend": Motion(4.0, bend),
    "twist": Motion(3.8, twist),
    "sit": Motion(7.0, sit),
    "wave": Motion(3.4, wave),
    "throw": Motion(2.8, throw),
    "t_pose": Motion(3.6, t_pose),
    "balance": Motion(4.4, balance),
    "phone": Motion(4.6, phone),
    "stand": Motion(4.0, stand),
    "wait": Motion(7.0, wait),
}
"""By name; the walk, the walk in place and the turn, which take steps, are in `footsteps`."""
