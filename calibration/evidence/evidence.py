"""Evidence: the part of the observations that calibrates, as the solvers need it."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.noise import measure_torso_px
from calibration.evidence.novelty import measure_novelty
from calibration.evidence.observations import Observations
from calibration.evidence.timing import estimate_velocity_px_s
from calibration.geometry.arrays import F64, I64
from calibration.skeleton import Skeleton, strip_side

# Limbs and feet. Four real videos, error of the joints: limbs alone 111 mm, with the feet 84 mm,
# with face and hands 89 mm.
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index")
# Relative deviation of a bone's apparent length over time, by the parts it joins (measured on real
# video, a true rig: thighs 3 %, shanks 4 %, upper arms 4 %, forearms 7 %, trunk 3 %, shoulders 3 %,
# hips 10 %, feet 10 %).
BONE_SIGMA = {
    ("hip", "knee"): 0.04,
    ("knee", "ankle"): 0.04,
    ("shoulder", "elbow"): 0.05,
    ("elbow", "wrist"): 0.07,
    ("shoulder", "shoulder"): 0.06,
    ("hip", "hip"): 0.10,
    ("shoulder", "hip"): 0.04,
    ("heel", "foot_index"): 0.12,
}
DEFAULT_BONE_SIGMA = 0.10
# Lengths of a person's bones as BlazePose sees them, m: medians of the studio's bodies in walks
# before three and four known cameras (only their ratios count). And how much people differ, as a
# share: about twice as wide as for people measured with a tape, because a detector and clothes add
# to it. Two phones, rms error of single exercises: 5.4° with half these widths, 6.1° with one and a
# half times them; three exercises together 1.8° and 1.7°.
PROPORTIONS = {
    ("hip", "knee"): (0.391, 0.08),
    ("knee", "ankle"): (0.383, 0.08),
    ("shoulder", "elbow"): (0.286, 0.08),
    ("elbow", "wrist"): (0.262, 0.08),
    ("shoulder", "shoulder"): (0.358, 0.12),
    ("hip", "hip"): (0.190, 0.15),
    ("shoulder", "hip"): (0.524, 0.09),
    ("heel", "foot_index"): (0.228, 0.20),
}
PROPORTIONS_STATURE_M = 1.71  # of a person with these lengths, by `calibration.world.scale`


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the solvers see of the observations.

    Parameters
    ----------
    xy : (V, T, J, 2), px
        0 where missing.
    sigma : (V, T, J), px
        Infinite where missing.
    velocity : (V, T, J, 2), px/s
    principal : (V, 2), px
    bones : (B, 2)
        Joints that each bone joins.
    length_index : (B,)
        Which length each bone has; twins share one.
    bone_sigma : (B,)
        Expected relative deviation of each bone.
    log_proportion, proportion_sigma : (lengths,)
        Prior on the ratios of the lengths: their logarithms up to a common number, and one standard
        deviation of each; infinite where nothing is known of a bone.
    size_px : (V, T), px
        Length of the torso in each image, were it parallel to it.
    joint_weight : (T, J), bone_weight : (T, B)
        How much each counts (`calibration.evidence.novelty`).
    joints
        Names of the joints, in the order of the J axis.
    time_ns : (T,)
    own_xyz : (V, T, J, 3), m
        The network's own poses, as in `Observations`; None where it makes none.
    """

    xy: F64
    sigma: F64
    velocity: F64
    principal: F64
    bones: I64
    length_index: I64
    bone_sigma: F64
    log_proportion: F64
    proportion_sigma: F64
    size_px: F64
    joint_weight: F64
    bone_weight: F64
    joints: tuple[str, ...]
    time_ns: I64
    own_xyz: F64 | None = None

    @property
    def length_count(self) -> int:
        """How many different bone lengths there are."""
        return int(self.length_index.max()) + 1 if len(self.length_index) else 0

    def index(self, joint: str) -> int:
        """Position of a joint on the J axis."""
        return self.joints.index(joint)


def select_calibration_joints(skeleton: Skeleton) -> tuple[str, ...]:
    """Name the joints that calibrate."""
    names = [f"{side}_{limb}" for limb in LIMBS for side in ("left", "right")]
    return tuple(name for name in names if name in skeleton.joints)


def gather_evidence(common: Observations, sigma: F64, principal: F64, rows: I64) -> Evidence:
    """Select the limbs of some framesets.

    Parameters
    ----------
    common
        At common times, ideal pixels where the lenses are known.
    sigma : (T, V, J), px
    principal : (V, 2), px
    rows
        Framesets to use.

    Returns
    -------
    evidence
        Joints that fewer than two views saw are missing in all.
    """
    skeleton = common.skeleton
    joints = select_calibration_joints(skeleton)
    chosen = skeleton.indices(joints)
    spread = sigma[rows][:, :, chosen]
    seen = np.isfinite(spread) & common.seen[rows][:, :, chosen]
    spread = np.where(seen & (seen.sum(1, keepdims=True) >= 2), spread, np.inf)
    xy = np.where(np.isfinite(spread)[..., None], common.xy[rows][:, :, chosen], 0.0)
    velocity = estimate_velocity_px_s(common)[rows][:, :, chosen]
    bones, twins, bone_sigma = _list_bones(skeleton, joints)
    log_proportion, proportion_sigma = _list_proportions(skeleton, joints)
    size_px = _measure_sizes(common, rows)
    views_first = np.moveaxis(xy, 1, 0)
    joint_weight, bone_weight = measure_novelty(
        views_first, np.isfinite(np.moveaxis(spread, 1, 0)), size_px, bones
    )
    return Evidence(
        xy=views_first,
        sigma=np.moveaxis(spread, 1, 0),
        velocity=np.moveaxis(velocity, 1, 0),
        principal=principal,
        bones=bones,
        length_index=twins,
        bone_sigma=bone_sigma,
        log_proportion=log_proportion,
        proportion_sigma=proportion_sigma,
        size_px=size_px,
        joint_weight=joint_weight,
        bone_weight=bone_weight,
        joints=joints,
        time_ns=common.time_ns[rows],
        own_xyz=None
        if common.own_xyz is None
        else np.moveaxis(common.own_xyz[rows][:, :, chosen], 1, 0),
    )


def _list_bones(skeleton: Skeleton, joints: tuple[str, ...]) -> tuple[I64, I64, F64]:
    """List the bones between the joints, which of them are twins, and how constant they look."""
    bones, kinds = _list_kinds(skeleton, joints)
    order = list(dict.fromkeys(kinds))
    sigma = [BONE_SIGMA.get((a, b), BONE_SIGMA.get((b, a), DEFAULT_BONE_SIGMA)) for a, b in kinds]
    ends = np.array([[joints.index(a), joints.index(b)] for a, b in bones], np.int64).reshape(-1, 2)
    return ends, np.array([order.index(kind) for kind in kinds], np.int64), np.array(sigma)


def _list_kinds(
    skeleton: Skeleton, joints: tuple[str, ...]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """List the bones between the joints, and the same without their sides."""
    bones = [bone for bone in skeleton.bones if bone[0] in joints and bone[1] in joints]
    return bones, [(strip_side(a), strip_side(b)) for a, b in bones]


def _list_proportions(skeleton: Skeleton, joints: tuple[str, ...]) -> tuple[F64, F64]:
    """Logarithm and standard deviation of what is known of each length."""
    kinds = list(dict.fromkeys(_list_kinds(skeleton, joints)[1]))
    known = [PROPORTIONS.get((a, b), PROPORTIONS.get((b, a), (1.0, np.inf))) for a, b in kinds]
    return np.log([length for length, _ in known]), np.array([sigma for _, sigma in known])


def _measure_sizes(common: Observations, rows: I64) -> F64:
    """Length of the torso in the images of some framesets, (V, T); the view's median if unseen."""
    size = measure_torso_px(common)
    usual = np.array(
        [np.median(one[np.isfinite(one)]) if np.isfinite(one).any() else 1.0 for one in size.T]
    )
    return np.where(np.isfinite(size), size, usual)[rows].T
