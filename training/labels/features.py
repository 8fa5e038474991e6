"""Features that predict how far a joint may be off, without the truth.

Views show it by how well they agree, bones and motion by how far they had to move a joint. But a
network errs in all views alike and for as long as the person stands so: that is predicted by the
posture, by the sides from which cameras see trunk and head, by the twin that is near enough to be
taken for the joint, and by the shape of the face. Proportions predict it too, but only in the
studio, whose people differ by 1 to 2 %, while those of the world differ by 5: left out.

Its more than 400 lines are one small function for each feature; their order is the model's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import normalize
from calibration.rig import Rig
from calibration.skeleton import Skeleton, strip_side
from training.labels.evidence import LabelEvidence, count_framesets

Features = Mapping[str, npt.NDArray[Any]]
"""By name; each broadcasts to (T, J). Lengths are logarithms of metres; NaN where unknown."""

LIMBS = {
    "shoulder": "elbow",
    "elbow": "elbow",
    "wrist": "elbow",
    "hip": "knee",
    "knee": "knee",
    "ankle": "knee",
}
"""Whose angle from the trunk is how far a joint's limb is raised: end of upper arm or thigh."""
FACE_JOINTS = ("nose", "eye_inner", "eye", "eye_outer", "ear", "mouth_left", "mouth_right")
LENGTHS = (
    ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
    ("shoulder", "hip"),
    ("ankle", "heel"), ("heel", "foot_index"), ("ankle", "foot_index"),
)  # fmt: skip
"""Of either side. The first five together are the size of a person."""
SIZE_LENGTH_COUNT = 5
ANGLES = (
    ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"), ("shoulder", "hip", "knee"),
    ("hip", "shoulder", "elbow"), ("knee", "ankle", "foot_index"),
)  # fmt: skip
LIMB_BONES = (
    ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
    ("heel", "foot_index"),
)  # fmt: skip
MAX_LENGTH_M, MIN_LENGTH_M = 0.3, 0.001
UNKNOWN_TWIN_M = 0.2
SMOOTHING_S = 1.0  # a network's errors last for some tenths of a second to some seconds
FACE_ITERATIONS = 5
TINY = 1e-9


def compute_basic_features(evidence: LabelEvidence, skeleton: Skeleton) -> Features:
    """Measure features of errors with any skeleton.

    Returns
    -------
    features
        The angle of the joint's limb from the trunk; the triangulation's own sigma; how far
        refinement moved the joint, and those at the other ends of its bones; the distance of its
        twin; the median deviation of the frameset's bones; the median disagreement of its views.
        Never NaN.
    """
    joints = evidence.joints
    moved = np.nan_to_num(np.minimum(joints.moved_m, MAX_LENGTH_M), nan=MAX_LENGTH_M / 3)
    own_sigma = np.sqrt(np.trace(joints.covariance, axis1=2, axis2=3))
    limbs = [i for i, joint in enumerate(skeleton.joints) if strip_side(joint) in LIMBS]
    body_m = compute_frameset_median(joints.disagreement_m[:, limbs], 0.02)
    bones_m = compute_frameset_median(
        np.where(joints.bone_off_m > 0, joints.bone_off_m, np.nan), 0.02
    )
    return {
        "limb_rad": _compute_limb_angles(evidence.xyz, skeleton),
        "triangulation": _clipped_log(np.nan_to_num(own_sigma, nan=MAX_LENGTH_M / 6)),
        "moved": _clipped_log(moved),
        "moved_neighbours": _clipped_log(_average_neighbours(moved, skeleton)),
        "twin": _clipped_log(np.nan_to_num(joints.twin_m, nan=UNKNOWN_TWIN_M)),
        "body_bones": _clipped_log(bones_m)[:, None],
        "body_disagreement": _clipped_log(body_m)[:, None],
    }


def compute_body_features(
    evidence: LabelEvidence, rig: Rig, skeleton: Skeleton, time_s: F64
) -> Features:
    """Measure all features of errors where the whole body was seen, face and feet too.

    Parameters
    ----------
    evidence
    rig
        Its cameras in the order of the views.
    skeleton
        With the joints of ``blazepose_33``.
    time_s : (T,)

    Returns
    -------
    features
        Left and right are exchanged for joints of the right, so that twins are alike. In 32 bits:
        there are many.

    Raises
    ------
    ValueError
        If the skeleton lacks one of the joints.
    """
    families = _iter_families(evidence, rig, skeleton, time_s)
    return {
        name: values.astype(np.float32) for family in families for name, values in family.items()
    }


def _iter_families(
    evidence: LabelEvidence, rig: Rig, skeleton: Skeleton, time_s: F64
) -> Iterator[Features]:
    """Measure one family of features after the other."""
    plain = compute_basic_features(evidence, skeleton)
    steady = _MovingAverage(time_s)
    body = _BodyAxes(evidence.xyz, skeleton)
    yield plain
    yield _compute_view_features(evidence, rig, plain, steady)
    yield _compute_motion_features(evidence)
    yield _compute_posture_features(body)
    weight = _compute_view_weights(evidence)
    for part, axes, middle in (("trunk", body.trunk, body.hips), ("head", body.head, body.ears)):
        towards = np.stack([normalize(camera.centre - middle) for camera in rig.cameras])
        watching = _compute_viewpoint_features(
            np.einsum("atx,vtx->avt", axes, towards), weight, body.left
        )
        yield {f"{part}_seen_{name}": values for name, values in watching.items()}
    yield _compute_length_features(body)
    yield _compute_face_features(body, steady)


class _MovingAverage:
    """A mean over a second around each frameset."""

    def __init__(self, time_s: F64) -> None:
        self.framesets = count_framesets(SMOOTHING_S, time_s)

    def __call__(self, values: F64) -> F64:
        """Smooth values (T, J) over time; what is unknown counts as their median."""
        known = np.isfinite(values)
        filled = np.where(known, values, np.median(values[known]) if known.any() else 0.0)
        return uniform_filter1d(filled, self.framesets, axis=0, mode="nearest")


class _BodyAxes:
    """Joints by name and side, and the rigid parts, trunk and head, each with its axes."""

    def __init__(self, xyz: F64, skeleton: Skeleton) -> None:
        self.xyz, self.skeleton = xyz, skeleton
        self.left = np.array([_get_side_sign(joint) for joint in skeleton.joints])
        self.hips, shoulders = self.middle("hip"), self.middle("shoulder")
        self.ears, self.eyes = self.middle("ear"), self.middle("eye")
        across = self.across("hip") + self.across("shoulder")
        leftwards = normalize(across)
        up = normalize(shoulders - self.hips)
        self.trunk = np.stack([normalize(np.cross(up, leftwards)), leftwards, up])
        ahead = normalize(self.eyes - self.ears)
        leftwards = normalize(self.across("ear"))
        self.head = np.stack([ahead, leftwards, normalize(np.cross(ahead, leftwards))])
        self.neck_m = np.linalg.norm(self.ears - shoulders, axis=-1)
        self.length_m = {
            pair: np.stack([self.between(*pair, side) for side in ("left", "right")])
            for pair in LENGTHS
        }
        self.size_m = sum(
            _compute_median(self.length_m[pair]) for pair in LENGTHS[:SIZE_LENGTH_COUNT]
        )

    def joint(self, name: str, side: str) -> F64:
        """A joint, (T, 3)."""
        return self.xyz[:, self.skeleton.index(f"{side}_{name}")]

    def middle(self, name: str) -> F64:
        """Between two twins, (T, 3)."""
        return (self.joint(name, "left") + self.joint(name, "right")) / 2

    def across(self, name: str) -> F64:
        """From the right twin to the left, (T, 3)."""
        return self.joint(name, "left") - self.joint(name, "right")

    def between(self, one: str, other: str, side: str) -> F64:
        """Distance of two joints of a side, (T,)."""
        return np.linalg.norm(self.joint(one, side) - self.joint(other, side), axis=-1)

    def assign_by_side(self, left: F64, right: F64) -> F64:
        """Values (T,) of both sides to joints (T, J): their own side's; in the middle the mean."""
        middle = (left + right) / 2
        return np.where(
            self.left > 0, left[:, None], np.where(self.left < 0, right[:, None], middle[:, None])
        )


def _compute_view_features(
    evidence: LabelEvidence, rig: Rig, plain: Features, steady: _MovingAverage
) -> dict[str, F64]:
    """How well the views that carry a joint agree, and how sure each is."""
    views, joints = evidence.views, evidence.joints
    confidence = np.where(views.carries, np.nan_to_num(views.confidence), np.nan)
    carried = views.carries.any(0)
    mean = np.where(carried, np.nansum(confidence, 0) / np.maximum(views.carries.sum(0), 1), np.nan)
    focal_px = float(np.median([camera.focal_px for camera in rig.cameras]))
    disagreement = _clipped_log(joints.disagreement_m)
    return {
        "disagreement": disagreement,
        "leave_one_out": _clipped_log(joints.leave_one_out_m),
        "epipolar": _clipped_log(joints.sampson_px[..., 2] / focal_px),
        "misfit": np.log1p(np.nan_to_num(joints.chi2) / np.maximum(joints.dof, 1)),
        "least_confidence": np.where(carried, np.fmin.reduce(confidence, axis=0), np.nan),
        "mean_confidence": mean,
        "views": np.minimum(views.carries.sum(0), 4).astype(float),
        "angle_rad": joints.angle_rad,
        "steady_triangulation": steady(plain["triangulation"]),
        "steady_disagreement": steady(disagreement),
        "steady_confidence": steady(mean),
        "steady_moved": steady(plain["moved"]),
        "steady_bone": steady(_clipped_log(joints.bone_off_m)),
    }


def _compute_motion_features(evidence: LabelEvidence) -> dict[str, F64]:
    """How far bones are off, and how fast the joint moves."""
    joints = evidence.joints
    return {
        "bone": _clipped_log(joints.bone_off_m),
        "speed": np.log1p(joints.speed_m_s),
        "acceleration": np.log1p(joints.acceleration_m_s2),
    }


def _compute_posture_features(body: _BodyAxes) -> dict[str, F64]:
    """Where the joint is on the body, how its side's limbs are bent and point, the head's pose."""
    place = np.einsum("atx,tjx->atj", body.trunk, body.xyz - body.hips[:, None]) / body.size_m
    features = {
        "place_forward": place[0],
        "place_left": place[1] * _get_outward_sign(body.left),
        "place_up": place[2],
    }
    for a, b, c in ANGLES:
        bent = [
            _compute_angle(*(body.joint(name, side) for name in (a, b, c)))
            for side in ("left", "right")
        ]
        features[f"bend_{b}_{c}"] = body.assign_by_side(*bent)
    for a, b in LIMB_BONES:
        sides = [normalize(body.joint(b, side) - body.joint(a, side)) for side in ("left", "right")]
        along = [np.einsum("atx,tx->at", body.trunk, bone) for bone in sides]
        along[1][1] *= -1
        for axis, name in enumerate(("forward", "left", "up")):
            features[f"{a}_{b}_{name}"] = body.assign_by_side(along[0][axis], along[1][axis])
    turned = (body.head[0] * body.trunk[1]).sum(-1)[:, None]
    nodded = (body.head[0] * body.trunk[2]).sum(-1)[:, None]
    return features | {
        "head_turned": turned * body.left,
        "head_turned_far": np.abs(turned),
        "head_nodded": nodded,
    }


def _compute_view_weights(evidence: LabelEvidence) -> F64:
    """How much each view counts in each joint, (V, T, J)."""
    views = evidence.views
    weight = np.where(
        views.carries & np.isfinite(views.sigma_px), 1 / np.maximum(views.sigma_px, TINY) ** 2, 0.0
    )
    return weight / np.maximum(weight.sum(0), TINY)


def _compute_viewpoint_features(towards: F64, weight: F64, left: F64) -> dict[str, F64]:
    """From which sides the views that carry a joint see a part: `towards` (3, V, T) in its axes."""
    ahead, leftwards, up = towards
    azimuth = np.arctan2(leftwards, ahead)

    def mean(of_views: F64) -> F64:
        return (weight * of_views[:, :, None]).sum(0)

    features = {
        "ahead": mean(ahead),
        "along": mean(ahead**2),
        "left": mean(leftwards) * left,
        "up": mean(up),
        "askew": mean(ahead * leftwards) * left,
        "most_ahead": ahead.max(0)[:, None],
        "most_left": np.stack([(leftwards * side).max(0) for side in left], -1),
        "least_left": np.stack([(leftwards * side).min(0) for side in left], -1),
    }
    for wave in (1, 2, 3):
        features[f"cosine_{wave}"] = mean(np.cos(wave * azimuth))
        features[f"sine_{wave}"] = mean(np.sin(wave * azimuth)) * left
    return features


def _compute_length_features(body: _BodyAxes) -> dict[str, F64]:
    """How far each length is from what it usually is in this person."""
    features = {}
    for name in ("shoulder", "hip"):
        features[f"stretch_{name}s"] = _compute_log_stretch(
            np.linalg.norm(body.across(name), axis=-1)
        )[:, None]
    features["stretch_neck"] = _compute_log_stretch(body.neck_m)[:, None]
    for a, b in LENGTHS:
        left, right = (_compute_log_stretch(length_m) for length_m in body.length_m[a, b])
        features[f"stretch_{a}_{b}"] = body.assign_by_side(left, right)
    return features


def _compute_face_features(body: _BodyAxes, steady: _MovingAverage) -> dict[str, F64]:
    """How far each point of the face is from where the others put it: a face is rigid."""
    face = [i for i, joint in enumerate(body.skeleton.joints) if strip_side(joint) in FACE_JOINTS]
    off_m = np.full(body.xyz.shape[:2], np.nan)
    off_m[:, face] = np.linalg.norm(
        body.xyz[:, face] - _fit_rigid_shape(body.xyz[:, face]), axis=-1
    )
    whole = _clipped_log(np.sqrt((np.nan_to_num(off_m[:, face]) ** 2).mean(1)))
    off = np.zeros(off_m.shape)
    off[:, face] = _clipped_log(off_m[:, face])
    slow = np.zeros(off_m.shape)
    slow[:, face] = steady(off[:, face])
    return {"face_off": off, "steady_face_off": slow, "whole_face_off": whole[:, None]}


def _fit_rigid_shape(points: F64) -> F64:
    """Fit the recording's median shape rigidly to each frameset's points (T, N, 3)."""
    whole = np.isfinite(points).all((1, 2))
    if not whole.any():
        return np.full(points.shape, np.nan)
    middle = points.mean(1, keepdims=True)
    local = np.nan_to_num(points - middle)
    shape = local[np.flatnonzero(whole)[whole.sum() // 2]]
    # towards the geometric median (Weiszfeld 1937), which does not depend on the world's axes
    for _ in range(FACE_ITERATIONS):
        unturned = np.einsum("tba,tnb->tna", _fit_rotations(local, shape), local)[whole]
        weight = 1 / np.maximum(
            np.linalg.norm(unturned - shape, axis=-1, keepdims=True), MIN_LENGTH_M
        )
        shape = (weight * unturned).sum(0) / weight.sum(0)
    return np.einsum("tab,nb->tna", _fit_rotations(local, shape), shape) + middle


def _fit_rotations(local: F64, shape: F64) -> F64:
    """Rotation of a shape (N, 3) to each frameset's points (T, N, 3), (T, 3, 3), by Kabsch."""
    U, _, Vt = np.linalg.svd(np.einsum("na,tnb->tab", shape, local))
    V = np.swapaxes(Vt, 1, 2)
    V[:, :, 2] *= np.sign(np.linalg.det(V @ np.swapaxes(U, 1, 2)))[:, None]
    return V @ np.swapaxes(U, 1, 2)


def _compute_limb_angles(xyz: F64, skeleton: Skeleton) -> F64:
    """Angle of each joint's limb from the trunk's down, (T, J), rad; 0 for joints of no limb."""
    angle = np.zeros(xyz.shape[:2])
    sides = ("left", "right")
    needed = [f"{side}_{joint}" for joint in LIMBS for side in sides]
    if not set(needed) <= set(skeleton.joints):
        return angle
    ends = {name: xyz[:, skeleton.index(name)] for name in needed}
    down = ends["left_hip"] + ends["right_hip"] - ends["left_shoulder"] - ends["right_shoulder"]
    for side in sides:
        for root, end in (("shoulder", "elbow"), ("hip", "knee")):
            limb = ends[f"{side}_{end}"] - ends[f"{side}_{root}"]
            of_limb = np.nan_to_num(_compute_angle(limb, np.zeros(3), down))
            for joint in (name for name, tip in LIMBS.items() if tip == end):
                angle[:, skeleton.index(f"{side}_{joint}")] = of_limb
    return angle


def _average_neighbours(moved: F64, skeleton: Skeleton) -> F64:
    """Mean of the other ends of each joint's bones; its own where it has none, (T, J)."""
    total, count = np.zeros(moved.shape), np.zeros(moved.shape[1])
    for a, b in skeleton.bone_indices:
        total[:, a] += moved[:, b]
        total[:, b] += moved[:, a]
        count[[a, b]] += 1
    return np.where(count > 0, total / np.maximum(count, 1), moved)


def compute_frameset_median(values: F64, unknown: float) -> F64:
    """Compute the median of each frameset, (T, N) to (T,); `unknown` where nothing is known."""
    known = np.isfinite(values).any(1)
    median = np.full(len(values), unknown)
    if known.any():
        median[known] = np.nanmedian(values[known], axis=1)
    return median


def _compute_angle(a: F64, corner: F64, b: F64) -> F64:
    """Angle at a corner, rad."""
    one, other = normalize(a - corner), normalize(b - corner)
    return np.arccos(np.clip((one * other).sum(-1), -1, 1))


def _get_side_sign(joint: str) -> float:
    """1 for the left, -1 for the right, 0 for the middle; `mouth_left` is a left one too."""
    return 1.0 if "left" in joint else -1.0 if "right" in joint else 0.0


def _get_outward_sign(left: F64) -> F64:
    """The same, but joints in the middle keep their left."""
    return np.where(left == 0, 1.0, left)


def _compute_median(length_m: F64) -> float:
    """Median; NaN where nothing is known."""
    known = length_m[np.isfinite(length_m)]
    return float(np.median(known)) if len(known) else np.nan


def _compute_log_stretch(length_m: F64) -> F64:
    """Logarithm of lengths as shares of their median."""
    return np.log(
        np.maximum(length_m, MIN_LENGTH_M) / np.maximum(_compute_median(length_m), MIN_LENGTH_M)
    )


def _clipped_log(length_m: F64) -> F64:
    """Logarithm of lengths within reason."""
    return np.log(np.clip(length_m, MIN_LENGTH_M, MAX_LENGTH_M))
