"""MotionBank: moments of real and simulated motion, drawn so that rare poses are seen too."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F32, F64, I64, Mask
from engine.monocular.joint_window import BONES, OFFSETS_S
from engine.reconstruction.body_size import LIMBS
from engine.studio.body.anatomy import INDEX, REFERENCE_STATURE_M, build_anatomy
from engine.studio.body.posture import compute_bones
from engine.studio.motion.performance import MOTIONS, plan_performance
from engine.studio.motion.route import Route
from training.motion.motion import Motion
from training.studio.seeds import PLAY_SEEDS

RATE_FPS = 30.0
_BONE_RANGE_M = (0.1, 0.8)
"""Of a plausible limb bone; files have frames with joints on top of each other."""
_CLUSTERS, _CLUSTER_ROUNDS, _MIN_CLUSTER = 150, 12, 30
_RARITY = 0.5
"""A pose is drawn in inverse proportion to the size of its cluster, to this power."""
_PACE_SPREAD = 0.25
"""Of the logarithm of how much faster or slower a motion is played."""
_PERFORMANCE_S = 20.0
_PROGRAMME_SHARE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class MotionBank:
    """Poses of many clips one after another.

    Parameters
    ----------
    xyz : (N, 12, 3), m, z up
        The limb joints (`LIMBS`), `RATE_FPS` a second within a clip.
    clip : (N,)
        Number of the clip that a pose is of.
    share : (N,)
        How often a pose is drawn; sums to 1.
    """

    xyz: F32
    clip: I64
    share: F64

    def draw(self, count: int, rng: np.random.Generator) -> tuple[F64, Mask]:
        """Draw windows of motion.

        Parameters
        ----------
        count
        rng

        Returns
        -------
        xyz : (count, S, 12, 3), m, z up
            At `OFFSETS_S` around a moment, played a little faster or slower.
        present : (count, S)
            False where the clip had not begun or had ended; the joints are those of now then.
        """
        now = np.searchsorted(self._cumulated(), rng.random(count)).clip(0, len(self.xyz) - 1)
        pace = np.exp(_PACE_SPREAD * rng.standard_normal((count, 1)))
        steps = np.rint(np.array(OFFSETS_S) * RATE_FPS * pace).astype(np.int64)
        at = np.clip(now[:, None] + steps, 0, len(self.xyz) - 1)
        present = self.clip[at] == self.clip[now][:, None]
        return self.xyz[np.where(present, at, now[:, None])].astype(np.float64), present

    def _cumulated(self) -> F64:
        """Cumulate the shares."""
        return np.cumsum(self.share)


def build_bank(
    motions: Iterable[Motion], *, studio_share: float, studio_performances: int, seed: int
) -> MotionBank:
    """Put real and simulated motion together.

    Parameters
    ----------
    motions
        Of real people.
    studio_share
        How much of what is drawn is a simulated performance: everyday poses, such as standing
        with straight legs, are rare where people were captured for films.
    studio_performances
        How many are simulated.
    seed
        Of them.

    Returns
    -------
    bank
    """
    real, real_clip = _gather(motion.resample(RATE_FPS) for motion in motions)
    drawn, drawn_clip = _gather(simulate_performances(studio_performances, seed))
    shares = [
        _weigh(part.astype(np.float64), seed) * share
        for part, share in ((real, 1 - studio_share), (drawn, studio_share))
    ]
    clip = np.concatenate([real_clip, drawn_clip + real_clip.max(initial=0) + 1])
    whole = np.concatenate(shares)
    return MotionBank(np.concatenate([real, drawn]), clip, whole / whole.sum())


def simulate_performances(count: int, seed: int) -> Iterable[Motion]:
    """Simulate performances of the studio, without drawing them.

    Parameters
    ----------
    count
    seed
        Plays are of `PLAY_SEEDS`, so that none is one that judges.

    Yields
    ------
    motion
        Of a person of the reference stature: the joints' centres.
    """
    rng = np.random.default_rng([seed, 77])
    anatomy = build_anatomy(REFERENCE_STATURE_M)
    joints = [INDEX[joint] for joint in LIMBS]
    for number in range(count):
        play = int(rng.integers(PLAY_SEEDS.start, PLAY_SEEDS.stop))
        name = "programme" if rng.random() < _PROGRAMME_SHARE else str(rng.choice(MOTIONS))
        route = Route(np.random.default_rng([play, 10]))
        plan = plan_performance(
            name, _PERFORMANCE_S, anatomy, route, np.random.default_rng([play, 11])
        )
        times_s = np.arange(0.0, plan.seconds, 1 / RATE_FPS)
        xyz = compute_bones(plan.posture(times_s), anatomy).xyz[:, joints]
        yield Motion(f"studio {number}: {name}", RATE_FPS, LIMBS, xyz.astype(np.float32))


def _gather(motions: Iterable[Motion]) -> tuple[F32, I64]:
    """Return the plausible poses of some motions, (N, 12, 3), and whose they are, (N,)."""
    parts = [motion.xyz[:, [motion.joints.index(joint) for joint in LIMBS]] for motion in motions]
    xyz = np.concatenate(parts) if parts else np.empty((0, len(LIMBS), 3), np.float32)
    clip = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    ends = np.array(BONES)
    length = np.linalg.norm(xyz[:, ends[:, 0]] - xyz[:, ends[:, 1]], axis=-1)
    good = ((length > _BONE_RANGE_M[0]) & (length < _BONE_RANGE_M[1])).all(-1)
    return xyz[good], clip[good]


def _weigh(xyz: F64, seed: int) -> F64:
    """Weigh poses by how rare they are, (N,): k-means on poses that all face one way."""
    if not len(xyz):
        return np.empty(0)
    poses = face_forward(xyz).reshape(len(xyz), -1)
    rng = np.random.default_rng([seed, 78])
    middle = poses[rng.choice(len(poses), min(_CLUSTERS, len(poses)), replace=False)]
    square = (poses**2).sum(1)
    nearest = np.zeros(len(poses), np.int64)
    for _ in range(_CLUSTER_ROUNDS):
        distance = square[:, None] - 2 * poses @ middle.T + (middle**2).sum(1)
        nearest = distance.argmin(1)
        count = np.bincount(nearest, minlength=len(middle))
        total = np.stack(
            [np.bincount(nearest, column, minlength=len(middle)) for column in poses.T], 1
        )
        middle = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], middle)
    weight = np.maximum(np.bincount(nearest, minlength=len(middle)), _MIN_CLUSTER) ** -_RARITY
    share = weight[nearest].astype(np.float64)
    return share / share.sum()


def face_forward(xyz: F64) -> F64:
    """Turn poses, (N, 12, 3), z up, about the vertical so that the left hip is towards +x."""
    left, right = LIMBS.index("left_hip"), LIMBS.index("right_hip")
    across = xyz[:, left] - xyz[:, right]
    angle = np.arctan2(across[:, 1], across[:, 0])
    about = xyz - (xyz[:, left] + xyz[:, right])[:, None] / 2
    return turn_about_vertical(about, -angle)


def turn_about_vertical(xyz: F64, angle_rad: F64) -> F64:
    """Turn points, (N, ..., 3), about the z axis by angles, (N,)."""
    shape = (len(angle_rad),) + (1,) * (xyz.ndim - 2)
    cos, sin = np.cos(angle_rad).reshape(shape), np.sin(angle_rad).reshape(shape)
    x, y, z = np.moveaxis(xyz, -1, 0)
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], -1)
