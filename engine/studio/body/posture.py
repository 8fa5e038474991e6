"""Posture: how a body is held at many instants at once, and the bones that follow from it.

Legs are given by where the feet are (two-link inverse kinematics): a foot that should stay
stays. All else is given by angles. Angles are in degrees here, because people write the motions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.geometry.transforms import normalize, rotation_from_rotvec
from engine.studio.body.anatomy import INDEX, JOINTS, SIDES, SIGNS, Anatomy

LEG_STRETCH = 0.997
"""Largest extension of a leg, as a share of its length; in the last 0.3 % the knee would jerk."""
_SOFTNESS_M = 0.008
_AXES = np.eye(3)


@dataclass(frozen=True, slots=True, eq=False)
class Posture:
    """One body at T instants. Sides are in the order left, right.

    Parameters
    ----------
    pelvis_m : (T, 3), room
        Middle of the hip joints; lowered where the legs would not reach.
    pelvis_deg, spine_deg, neck_deg : (T, 3)
        Forward pitch, lean to the left, turn to the left; the pelvis' turn is the heading (0 faces
        -y).
    arm_deg : (T, 2, 3)
        Abduction, flexion (forward), twist inwards of the upper arm.
    elbow_deg : (T, 2)
        Flexion.
    ankle_m : (T, 2, 3), room
    foot_deg : (T, 2, 2)
        Pitch (toes up), heading.
    knee_out_deg : (T, 2)
        How far the knee points outwards of the middle between pelvis and foot.
    """

    pelvis_m: F64
    pelvis_deg: F64
    spine_deg: F64
    neck_deg: F64
    arm_deg: F64
    elbow_deg: F64
    ankle_m: F64
    foot_deg: F64
    knee_out_deg: F64

    def __len__(self) -> int:
        return len(self.pelvis_m)


@dataclass(frozen=True, slots=True, eq=False)
class Bones:
    """Where the joints are at T instants and how their bones are turned.

    Parameters
    ----------
    rotation : (T, 21, 3, 3)
        ``room_from_rest`` of each bone.
    xyz : (T, 21, 3), m, room
        Joint centres.
    """

    rotation: F64
    xyz: F64

    def translation(self, anatomy: Anatomy) -> F64:
        """Return the translations, (T, 21, 3), m: ``room = rotation @ rest + translation``."""
        return self.xyz - np.einsum("tjab,jb->tja", self.rotation, anatomy.rest)


def concatenate_postures(postures: Sequence[Posture]) -> Posture:
    """Put postures one after another along time."""
    return Posture(
        **{f.name: np.concatenate([getattr(p, f.name) for p in postures]) for f in fields(Posture)}
    )


def select_instants(posture: Posture, index: I64) -> Posture:
    """Pick instants of a posture.

    Parameters
    ----------
    posture
    index : (N,)

    Returns
    -------
    posture
        Of N instants.
    """
    return Posture(**{f.name: getattr(posture, f.name)[index] for f in fields(Posture)})


def place_posture(posture: Posture, xy_m: F64, heading_deg: float) -> Posture:
    """Carry a posture from the person's own frame to a place in the room.

    Parameters
    ----------
    posture
        As if standing at the origin, facing -y.
    xy_m : (2,), room
    heading_deg
        Counter-clockwise from above.
    """
    turn = _rotate_about(2, np.array(heading_deg))
    shift = np.array([*xy_m, 0.0])
    heading = np.array([0.0, heading_deg])
    return replace(
        posture,
        pelvis_m=posture.pelvis_m @ turn.T + shift,
        pelvis_deg=posture.pelvis_deg + np.array([0.0, 0.0, heading_deg]),
        ankle_m=posture.ankle_m @ turn.T + shift,
        foot_deg=posture.foot_deg + heading,
    )


def compute_bones(posture: Posture, anatomy: Anatomy) -> Bones:
    """Find every bone of a posture.

    Parameters
    ----------
    posture
        T instants.
    anatomy

    Returns
    -------
    bones
        With the lengths of the anatomy, always.
    """
    count = len(posture)
    bones = Bones(np.empty((count, len(JOINTS), 3, 3)), np.empty((count, len(JOINTS), 3)))
    pelvis = _rotation_from_euler(posture.pelvis_deg)
    bones.rotation[:, INDEX["pelvis"]] = pelvis
    bones.xyz[:, INDEX["pelvis"]] = (
        posture.pelvis_m - _AXES[2] * _compute_drop_m(posture, anatomy, pelvis)[:, None]
    )
    _pose_trunk(posture, anatomy, bones)
    for side in range(2):
        _pose_arm(posture, anatomy, side, bones)
        _pose_leg(posture, anatomy, side, bones)
    return bones


def _compute_drop_m(posture: Posture, anatomy: Anatomy, pelvis: F64) -> F64:
    """Find how far the pelvis must sink so that both feet are within reach, smoothly."""
    reach = LEG_STRETCH * (anatomy.thigh_m + anatomy.shank_m)
    drop = np.zeros(len(posture))
    for side, name in enumerate(SIDES):
        hip = posture.pelvis_m + pelvis @ (anatomy.joint(f"{name}_hip") - anatomy.joint("pelvis"))
        away = hip - posture.ankle_m[:, side]
        level = np.hypot(away[:, 0], away[:, 1])
        excess = away[:, 2] - np.sqrt(np.maximum(reach**2 - level**2, 0.0))
        drop = (drop + excess + np.sqrt((drop - excess) ** 2 + _SOFTNESS_M**2)) / 2
    return drop


def _pose_trunk(posture: Posture, anatomy: Anatomy, bones: Bones) -> None:
    """Stack spine, chest, neck and head on the pelvis."""
    spine = _rotation_from_euler(posture.spine_deg / 2)
    neck = _rotation_from_euler(posture.neck_deg / 2)
    below = "pelvis"
    for name, local in (("spine", spine), ("chest", spine), ("neck", neck), ("head", neck)):
        attach_bone(anatomy, (below, name), local, bones)
        below = name


def _pose_arm(posture: Posture, anatomy: Anatomy, side: int, bones: Bones) -> None:
    """Hang clavicle, upper arm, forearm and hand from the chest."""
    name, sign = SIDES[side], SIGNS[side]
    abduction, flexion, twist = np.moveaxis(posture.arm_deg[:, side], -1, 0)
    rest = anatomy.direction(f"{name}_shoulder", f"{name}_elbow")

    # the shoulder girdle rises with the arm: about 18 degrees at full elevation
    elevation = np.clip((np.maximum(abduction, flexion) - 30) / 150, 0, 1)
    clavicle = _rotate_about(1, -sign * 18 * elevation)
    angle = np.deg2rad(abduction)
    hanging = np.stack([sign * np.sin(angle), np.zeros_like(angle), -np.cos(angle)], -1)
    target = np.einsum("tab,tb->ta", _rotate_about(0, -flexion), hanging)
    target = np.einsum("tba,tb->ta", clavicle, target)
    swing = find_shortest_rotation(rest, target)
    upper_arm = swing @ rotation_from_rotvec(rest * np.deg2rad(sign * twist)[:, None])
    hinge = normalize(np.cross(rest, np.array([0.0, -1.0, 0.0])))
    forearm = rotation_from_rotvec(hinge * np.deg2rad(posture.elbow_deg[:, side])[:, None])

    attach_bone(anatomy, ("chest", f"{name}_clavicle"), clavicle, bones)
    attach_bone(anatomy, (f"{name}_clavicle", f"{name}_shoulder"), upper_arm, bones)
    attach_bone(anatomy, (f"{name}_shoulder", f"{name}_elbow"), forearm, bones)
    attach_bone(
        anatomy,
        (f"{name}_elbow", f"{name}_wrist"),
        np.broadcast_to(np.eye(3), forearm.shape),
        bones,
    )


def _pose_leg(posture: Posture, anatomy: Anatomy, side: int, bones: Bones) -> None:
    """Bend the knee so that the ankle is where the posture puts it."""
    name, sign = SIDES[side], SIGNS[side]
    hip_index, knee_index, ankle_index, toe_index = (
        INDEX[f"{name}_{joint}"] for joint in ("hip", "knee", "ankle", "toe")
    )
    rotation, xyz = bones.rotation, bones.xyz
    pelvis = rotation[:, INDEX["pelvis"]]
    hip = xyz[:, INDEX["pelvis"]] + pelvis @ (
        anatomy.joint(f"{name}_hip") - anatomy.joint("pelvis")
    )
    foot_pitch, foot_heading = np.moveaxis(posture.foot_deg[:, side], -1, 0)
    heading = (posture.pelvis_deg[:, 2] + foot_heading) / 2 + sign * posture.knee_out_deg[:, side]
    lateral = _rotate_about(2, heading)[..., 0]

    reach = posture.ankle_m[:, side] - hip
    distance = np.clip(np.linalg.norm(reach, axis=-1), 0.15, anatomy.thigh_m + anatomy.shank_m)[
        :, None
    ]
    down = normalize(reach)
    axis = normalize(lateral - np.sum(lateral * down, -1, keepdims=True) * down)
    along = (anatomy.thigh_m**2 - anatomy.shank_m**2 + distance**2) / (2 * distance)
    forward = np.sqrt(np.maximum(anatomy.thigh_m**2 - along**2, 0.0))
    thigh = normalize(along * down + forward * np.cross(down, axis))
    shank = normalize(distance * down - anatomy.thigh_m * thigh)

    rotation[:, hip_index] = build_basis(axis, thigh) @ build_leg_basis(anatomy, name).T
    rotation[:, knee_index] = build_basis(axis, shank) @ build_leg_basis(anatomy, name).T
    rotation[:, ankle_index] = _rotate_about(2, foot_heading) @ _rotate_about(0, -foot_pitch)
    rotation[:, toe_index] = rotation[:, ankle_index]
    xyz[:, hip_index] = hip
    xyz[:, knee_index] = hip + anatomy.thigh_m * thigh
    xyz[:, ankle_index] = xyz[:, knee_index] + anatomy.shank_m * shank
    to_toe = anatomy.joint(f"{name}_toe") - anatomy.joint(f"{name}_ankle")
    xyz[:, toe_index] = xyz[:, ankle_index] + rotation[:, ankle_index] @ to_toe


def attach_bone(anatomy: Anatomy, joints: tuple[str, str], local: F64, bones: Bones) -> None:
    """Fix the second bone to the first, turned by `local` against it."""
    above, child = INDEX[joints[0]], INDEX[joints[1]]
    bones.rotation[:, child] = bones.rotation[:, above] @ local
    away = anatomy.rest[child] - anatomy.rest[above]
    bones.xyz[:, child] = bones.xyz[:, above] + bones.rotation[:, above] @ away


def build_leg_basis(anatomy: Anatomy, side: str) -> F64:
    """Return the axes of a leg at rest, as columns: knee axis, down the leg, their product."""
    down = anatomy.direction(f"{side}_hip", f"{side}_knee")
    return build_basis(normalize(_AXES[0] - _AXES[0] @ down * down), down)


def build_basis(axis: F64, along: F64) -> F64:
    """Stack two orthogonal unit vectors and their product as columns, (..., 3, 3)."""
    return np.stack([axis, along, np.cross(axis, along)], -1)


def _rotation_from_euler(angles_deg: F64) -> F64:
    """Turn pitch, lean and heading, (T, 3), into rotations, (T, 3, 3)."""
    return (
        _rotate_about(2, angles_deg[:, 2])
        @ _rotate_about(1, angles_deg[:, 1])
        @ _rotate_about(0, angles_deg[:, 0])
    )


def _rotate_about(axis: int, angle_deg: F64) -> F64:
    """Rotate about one axis of the frame, (..., 3, 3)."""
    return rotation_from_rotvec(_AXES[axis] * np.deg2rad(np.asarray(angle_deg, float))[..., None])


def find_shortest_rotation(source: F64, target: F64) -> F64:
    """Find the smallest rotations of one unit vector onto others, (T, 3, 3)."""
    axis = np.cross(source, target)
    cosine = target @ source
    sine = np.linalg.norm(axis, axis=-1)
    factor = np.arctan2(sine, cosine) / np.maximum(sine, 1e-9)
    return rotation_from_rotvec(axis * factor[:, None])
