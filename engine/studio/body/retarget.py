"""Retarget: the motion of a real person, carried by a body of the studio.

A person who was filmed or captured has other proportions than the studio's. What carries over is
the direction of every bone; lengths are the anatomy's.
"""

from collections.abc import Mapping

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from engine.studio.body.anatomy import INDEX, JOINTS, SIDES, Anatomy
from engine.studio.body.posture import (
    Bones,
    attach_bone,
    build_basis,
    build_leg_basis,
    find_shortest_rotation,
)

DRIVING_JOINTS = tuple(
    f"{side}_{joint}"
    for side in SIDES
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
"""What a motion must have; `FOOT_JOINTS` and `HEAD` are used where it has them."""
FOOT_JOINTS = ("left_toe", "right_toe")
HEAD = "head"

_UP = np.array([0.0, 0.0, 1.0])
_STRAIGHT = 0.15  # sine of the least bend at which two bones give the axis of their joint


def retarget(joints: Mapping[str, F64], anatomy: Anatomy) -> Bones:
    """Turn the bones of a body as those of a person whose joints are known.

    Parameters
    ----------
    joints : name to (T, 3), m, room
        The `DRIVING_JOINTS`, z up; the toes and the head where they are known.
    anatomy
        Of the body.

    Returns
    -------
    bones
        The pelvis is where the person's was, raised or lowered with the length of the legs.

    Raises
    ------
    KeyError
        If a driving joint is missing.
    """
    count = len(joints[DRIVING_JOINTS[0]])
    bones = Bones(np.empty((count, len(JOINTS), 3, 3)), np.empty((count, len(JOINTS), 3)))
    _retarget_trunk(joints, anatomy, bones)
    for side in range(2):
        _retarget_arm(joints, anatomy, side, bones)
        _retarget_leg(joints, anatomy, side, bones)
    return bones


def _retarget_trunk(joints: Mapping[str, F64], anatomy: Anatomy, bones: Bones) -> None:
    """Turn pelvis, spine, chest, neck and head; the spine shares what the ends differ by."""
    hips = joints["left_hip"] - joints["right_hip"]
    shoulders = joints["left_shoulder"] - joints["right_shoulder"]
    bottom = (joints["left_hip"] + joints["right_hip"]) / 2
    top = (joints["left_shoulder"] + joints["right_shoulder"]) / 2
    up = normalize(top - bottom)
    pelvis, chest = _build_trunk_basis(hips, up), _build_trunk_basis(shoulders, up)
    middle = _build_trunk_basis(normalize(hips) + normalize(shoulders), up)
    # Legs of another length put the pelvis at another height: feet stay on the floor.
    legs = np.linalg.norm(joints["left_hip"] - joints["left_knee"], axis=-1) + np.linalg.norm(
        joints["left_knee"] - joints["left_ankle"], axis=-1
    )
    ratio = (anatomy.thigh_m + anatomy.shank_m) / np.median(legs)
    bones.rotation[:, INDEX["pelvis"]] = pelvis
    bones.xyz[:, INDEX["pelvis"]] = bottom * ratio
    below = "pelvis"
    neck = _build_neck(joints, top, chest)
    for name, rotation in (("spine", middle), ("chest", chest), ("neck", neck), ("head", neck)):
        local = np.swapaxes(bones.rotation[:, INDEX[below]], 1, 2) @ rotation
        attach_bone(anatomy, (below, name), local, bones)
        below = name


def _build_trunk_basis(leftward: F64, up: F64) -> F64:
    """Build the rotation of a part of the trunk, (T, 3, 3), from two of its directions."""
    left = normalize(leftward - np.sum(leftward * up, -1, keepdims=True) * up)
    return np.stack([left, np.cross(up, left), up], -1)


def _build_neck(joints: Mapping[str, F64], top: F64, chest: F64) -> F64:
    """Turn the head towards where it was, or with the chest where it is not known."""
    if HEAD not in joints:
        return chest
    up = normalize(joints[HEAD] - top)
    return chest @ find_shortest_rotation(_UP, np.einsum("tji,tj->ti", chest, up))


def _retarget_arm(joints: Mapping[str, F64], anatomy: Anatomy, side: int, bones: Bones) -> None:
    """Turn upper arm and forearm; the elbow's axis gives the twist where it is bent."""
    name = SIDES[side]
    chest = bones.rotation[:, INDEX["chest"]]
    upper = normalize(joints[f"{name}_elbow"] - joints[f"{name}_shoulder"])
    lower = normalize(joints[f"{name}_wrist"] - joints[f"{name}_elbow"])
    rest = anatomy.direction(f"{name}_shoulder", f"{name}_elbow")
    hinge = normalize(np.cross(rest, np.array([0.0, -1.0, 0.0])))
    swing = chest @ find_shortest_rotation(rest, np.einsum("tji,tj->ti", chest, upper))
    bent = np.cross(upper, lower)
    sine = np.linalg.norm(bent, axis=-1, keepdims=True)
    usual = np.einsum("tij,j->ti", swing, hinge)
    axis = np.where(sine > _STRAIGHT, bent / np.maximum(sine, 1e-9), usual)
    axis = normalize(axis - np.sum(axis * upper, -1, keepdims=True) * upper)
    from_rest = build_basis(hinge, rest).T
    turned = build_basis(axis, upper) @ from_rest
    forearm = build_basis(axis, normalize(lower - np.sum(lower * axis, -1, keepdims=True) * axis))
    eye = np.broadcast_to(np.eye(3), turned.shape)
    attach_bone(anatomy, ("chest", f"{name}_clavicle"), eye, bones)
    attach_bone(
        anatomy,
        (f"{name}_clavicle", f"{name}_shoulder"),
        np.swapaxes(chest, 1, 2) @ turned,
        bones,
    )
    bent_local = np.swapaxes(turned, 1, 2) @ (forearm @ from_rest)
    attach_bone(anatomy, (f"{name}_shoulder", f"{name}_elbow"), bent_local, bones)
    attach_bone(anatomy, (f"{name}_elbow", f"{name}_wrist"), eye, bones)


def _retarget_leg(joints: Mapping[str, F64], anatomy: Anatomy, side: int, bones: Bones) -> None:
    """Turn thigh, shank and foot; the knee's axis gives the twist where it is bent."""
    name = SIDES[side]
    hip, knee, ankle, toe = (INDEX[f"{name}_{joint}"] for joint in ("hip", "knee", "ankle", "toe"))
    rotation, xyz = bones.rotation, bones.xyz
    pelvis = rotation[:, INDEX["pelvis"]]
    thigh = normalize(joints[f"{name}_knee"] - joints[f"{name}_hip"])
    shank = normalize(joints[f"{name}_ankle"] - joints[f"{name}_knee"])
    bent = np.cross(thigh, shank)
    sine = np.linalg.norm(bent, axis=-1, keepdims=True)
    lateral = np.where(sine > _STRAIGHT, bent / np.maximum(sine, 1e-9), pelvis[..., 0])
    # A knee bends one way only; captured ones that bend the other way by noise are straight.
    lateral = np.where(
        np.sum(lateral * pelvis[..., 0], -1, keepdims=True) > 0, lateral, pelvis[..., 0]
    )
    axis = normalize(lateral - np.sum(lateral * thigh, -1, keepdims=True) * thigh)
    rest = build_leg_basis(anatomy, name)
    shank_axis = normalize(axis - np.sum(axis * shank, -1, keepdims=True) * shank)
    rotation[:, hip] = build_basis(axis, thigh) @ rest.T
    rotation[:, knee] = build_basis(shank_axis, shank) @ rest.T
    rotation[:, ankle] = _turn_foot(joints, anatomy, name, shank_axis, shank)
    rotation[:, toe] = rotation[:, ankle]
    away = anatomy.joint(f"{name}_hip") - anatomy.joint("pelvis")
    xyz[:, hip] = xyz[:, INDEX["pelvis"]] + pelvis @ away
    xyz[:, knee] = xyz[:, hip] + anatomy.thigh_m * thigh
    xyz[:, ankle] = xyz[:, knee] + anatomy.shank_m * shank
    to_toe = anatomy.joint(f"{name}_toe") - anatomy.joint(f"{name}_ankle")
    xyz[:, toe] = xyz[:, ankle] + rotation[:, ankle] @ to_toe


def _turn_foot(
    joints: Mapping[str, F64], anatomy: Anatomy, name: str, axis: F64, shank: F64
) -> F64:
    """Point the foot at the toes, or square to the shank where they are not known."""
    toe, left = joints.get(f"{name}_toe"), np.array([1.0, 0.0, 0.0])
    if toe is None:
        return build_basis(axis, shank) @ build_basis(left, -_UP).T
    along = normalize(toe - joints[f"{name}_ankle"])
    across = normalize(axis - np.sum(axis * along, -1, keepdims=True) * along)
    return (
        build_basis(across, along)
        @ build_basis(left, anatomy.direction(f"{name}_ankle", f"{name}_toe")).T
    )
