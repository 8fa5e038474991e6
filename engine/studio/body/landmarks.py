"""Landmarks: the true places of the 33 joints of `blazepose_33` on a procedural person.

Two truths: *anatomical* (the joint's centre, the tip of the nose) and *as detected* (where
BlazePose puts the same joint on this body, measured from all sides with exact cameras; medians in
mm, scatter 5 to 12 mm). The offsets belong to this body and to no human being.
"""

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.skeleton import load_skeleton
from engine.studio.body.anatomy import INDEX, SIDES, SIGNS, Anatomy
from engine.studio.body.hands import Hand
from engine.studio.body.posture import Bones

SKELETON = load_skeleton("blazepose_33")
ANATOMICAL = tuple(
    f"{side}_{j}" for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in SIDES
)
"""The joints that are centres of rotation; all others are points of the surface."""

_HEAD_POINTS_M = {
    "eye_inner": (0.018, -0.092, 1.637),
    "eye": (0.031, -0.094, 1.638),
    "eye_outer": (0.045, -0.086, 1.637),
    "ear": (0.080, 0.012, 1.625),
}
_MOUTH_M, _NOSE_M = (0.024, -0.093, 1.561), (0.0, -0.124, 1.603)
_HEEL_M = np.array([0.0, 0.062, 0.020])
_TOE_M = np.array([0.0, -0.185, 0.020])
_HIP_DISTAL_M, _HIP_OUT_M = 0.032, 0.006
_KNEE_DISTAL_M, _ANKLE_PROXIMAL_M = 0.002, 0.026
_FACE_BACK_M, _EAR_FORWARD_M = 0.030, 0.028


class Landmarks:
    """The joints of one person, each fixed to a bone."""

    def __init__(self, anatomy: Anatomy) -> None:
        self._anatomy = anatomy
        places = _list_rest_points(anatomy)
        self._bone = np.array([places[joint][0] for joint in SKELETON.joints])
        self._rest = np.stack([places[joint][1] for joint in SKELETON.joints])

    def locate_anatomical(self, bones: Bones) -> F64:
        """Return where the joints really are.

        Parameters
        ----------
        bones
            At T instants.

        Returns
        -------
        xyz : (T, 33, 3), m, room
        """
        return self._carry_points(bones, self._rest)

    def locate_as_detected(self, bones: Bones) -> F64:
        """Return where a BlazePose without error would see the joints.

        Parameters
        ----------
        bones
            At T instants.

        Returns
        -------
        xyz : (T, 33, 3), m, room
        """
        rest, anatomy = self._rest.copy(), self._anatomy
        for side, sign in zip(SIDES, SIGNS):
            thigh = anatomy.direction(f"{side}_hip", f"{side}_knee")
            hip, knee, ankle, ear = (
                SKELETON.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle", "ear")
            )
            rest[hip] += _HIP_DISTAL_M * thigh
            rest[knee] += _KNEE_DISTAL_M * thigh
            rest[ankle] -= _ANKLE_PROXIMAL_M * thigh
            rest[hip, 0] += sign * _HIP_OUT_M
            rest[ear, 1] -= _EAR_FORWARD_M
        face = [
            i
            for i, joint in enumerate(SKELETON.joints)
            if "eye" in joint or "mouth" in joint or joint == "nose"
        ]
        rest[face, 1] += _FACE_BACK_M
        bone = self._bone.copy()
        for side in SIDES:  # these three lie along the bone above the next joint
            bone[SKELETON.index(f"{side}_hip")] = INDEX[f"{side}_hip"]
            bone[SKELETON.index(f"{side}_knee")] = INDEX[f"{side}_knee"]
            bone[SKELETON.index(f"{side}_ankle")] = INDEX[f"{side}_knee"]
        return self._carry_points(bones, rest, bone)

    def _carry_points(self, bones: Bones, rest: F64, bone: I64 | None = None) -> F64:
        """Carry rest points with their bones, (T, 33, 3)."""
        bone = self._bone if bone is None else bone
        turned = np.einsum("tjab,jb->tja", bones.rotation[:, bone], rest)
        return turned + bones.translation(self._anatomy)[:, bone]


def _list_rest_points(anatomy: Anatomy) -> dict[str, tuple[int, F64]]:
    """List the bone and the rest point, (3,), m, body frame, of every joint."""
    scale, head = anatomy.scale, INDEX["head"]
    places = {"nose": (head, scale * np.array(_NOSE_M))}
    for side, (name, sign) in enumerate(zip(SIDES, SIGNS)):
        mirror = scale * np.array([sign, 1.0, 1.0])
        places[f"mouth_{name}"] = (head, mirror * _MOUTH_M)
        for point, xyz in _HEAD_POINTS_M.items():
            eye, _, corner = point.partition("_")
            joint = f"{name}_{eye}_{corner}" if corner else f"{name}_{eye}"
            places[joint] = (head, mirror * xyz)
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            places[f"{name}_{joint}"] = (INDEX[f"{name}_{joint}"], anatomy.joint(f"{name}_{joint}"))
        wrist, ankle = INDEX[f"{name}_wrist"], INDEX[f"{name}_ankle"]
        hand = Hand(anatomy, side)
        sole = anatomy.rest[ankle] * np.array([1.0, 1.0, 0.0])
        places[f"{name}_index"], places[f"{name}_pinky"] = (
            (wrist, hand.tip(0)),
            (wrist, hand.tip(3)),
        )
        places[f"{name}_thumb"] = (wrist, hand.thumb_tip)
        places[f"{name}_heel"] = (ankle, sole + scale * _HEEL_M)
        places[f"{name}_foot_index"] = (ankle, sole + scale * _TOE_M)
    return places
