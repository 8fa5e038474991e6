"""Synthetic truth: rigs whose every number is known, and what a network would see through them.

The errors are of the kinds that networks make: a joint has an offset on the body, another one that
depends on the direction it is seen from, drifts for some tenths of a second and jitters; now and
then it is missed, lies somewhere else altogether, or the whole body has left and right exchanged.

Its 400 lines hold one fault model: its parts are only true together.
"""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera, Rig
from calibration.skeleton import strip_side
from calibration.synthetic.walker import SIDES, SKELETON, Motion
from calibration.world.floor import Ground, world_from_scene

TARGET_HEIGHT_M = 0.95  # cameras look at the height of the hips, not quite all at one point
TORSO_M = 0.49  # of a person of 1.75 m; errors grow with its size in the image
# Error of each kind of joint relative to shoulders and knees (BlazePose, measured in the studio).
JOINT_NOISE_FACTORS = {
    "hip": 1.6,
    "ankle": 1.2,
    "heel": 1.5,
    "foot_index": 1.5,
    "wrist": 1.2,
    "elbow": 1.1,
}
BURST_S = 0.4  # a body's sides stay exchanged for about so long
GROSS_OF_TORSO = 1.0


@dataclass(frozen=True, slots=True)
class RigPlan:
    """How a rig is drawn.

    Parameters
    ----------
    cameras
    arc_deg
        The cameras stand on this part of a ring about the room's middle.
    radius_m, height_m
        Least and largest distance from the middle, and height above the floor.
    size_wh : px
    focal_of_width
        Least and largest focal length, as a share of the image's width.
    k1
        Least and largest.
    identical_lenses
        All cameras have one focal length and one k1.
    offset_ms
        Time offsets are drawn between plus and minus this; the first camera's is 0.
    """

    cameras: int = 4
    arc_deg: float = 360.0
    radius_m: tuple[float, float] = (3.4, 4.2)
    height_m: tuple[float, float] = (1.2, 2.4)
    size_wh: tuple[int, int] = (1280, 720)
    focal_of_width: tuple[float, float] = (0.66, 0.92)
    k1: tuple[float, float] = (-0.12, 0.04)
    identical_lenses: bool = False
    offset_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class NoiseConfig:
    """What a network does wrong; nothing by default.

    Parameters
    ----------
    jitter_of_torso, drift_of_torso
        One standard deviation per axis of the error that is new in every image, and of the one that
        lasts `drift_s`, as shares of the torso's length in the image.
    drift_s
    body_bias_m, view_bias_m
        Root mean square per axis of each joint's offset on the body, and of that which depends on
        the direction from which it is seen.
    confidence_spread
        How widely confidence scatters; correlated with the error (0.6).
    missed, gross, swapped, dropped : shares
        Of joints missed, of joints put somewhere else, of a view's images with sides exchanged (in
        bursts), of a view's images that never came.
    free_running
        The cameras run freely: each takes its images at a constant phase of its own within the
        frameset.
    mirrored : positions of views
        Whose images are mirrored, so that the network confuses left and right.
    bystander : position of a view to share
        Of its images in which the network follows another person.
    """

    jitter_of_torso: float = 0.0
    drift_of_torso: float = 0.0
    drift_s: float = 0.5
    body_bias_m: float = 0.0
    view_bias_m: float = 0.0
    confidence_spread: float = 0.0
    missed: float = 0.0
    gross: float = 0.0
    swapped: float = 0.0
    dropped: float = 0.0
    free_running: bool = False
    mirrored: tuple[int, ...] = ()
    bystander: tuple[tuple[int, float], ...] = ()


NO_NOISE = NoiseConfig()
# Together 5 % of the torso in the mean, as measured in the studio and on real video; 10 % of the
# joints are missed and 2 % are gross outliers.
NETWORK_NOISE = NoiseConfig(
    jitter_of_torso=0.01,
    drift_of_torso=0.015,
    body_bias_m=0.012,
    view_bias_m=0.010,
    confidence_spread=1.0,
    missed=0.10,
    gross=0.02,
    swapped=0.03,
)


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticObservations:
    """Observations and the truth behind them.

    Parameters
    ----------
    observations
    xyz : (T, 33, 3), m, world
        The joints at the times of the framesets.
    swapped : (T, V)
        Where left and right are exchanged.
    """

    observations: Observations
    xyz: F64
    swapped: Mask


def make_rig(plan: RigPlan, seed: int) -> Rig:
    """Draw a rig.

    Returns
    -------
    rig
        In the world frame of every calibrated rig: floor at z = 0, origin under the cameras'
        centroid, +x towards the first camera. Cameras are named ``cam_0``, ``cam_1``, ...
    """
    random = np.random.default_rng([seed, plan.cameras])
    full = plan.arc_deg >= 360
    steps = plan.cameras if full else max(plan.cameras - 1, 1)
    spacing = np.radians(plan.arc_deg) / steps
    angles = spacing * (np.arange(plan.cameras) + random.uniform(-0.15, 0.15, plan.cameras))
    focal = random.uniform(*plan.focal_of_width, plan.cameras)
    k1 = random.uniform(*plan.k1, plan.cameras)
    if plan.identical_lenses:
        focal[:], k1[:] = focal[0], k1[0]
    cameras: list[Camera] = []
    for v, angle in enumerate(angles):
        radius = random.uniform(*plan.radius_m)
        height = random.uniform(*plan.height_m)
        centre = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        target = np.array([0, 0, TARGET_HEIGHT_M]) + random.normal(0, 0.12, 3)
        width, tall = plan.size_wh
        matrix = np.array(
            [
                [focal[v] * width, 0, (width - 1) / 2],
                [0, focal[v] * width, (tall - 1) / 2],
                [0, 0, 1],
            ]
        )
        pose = look_at(centre, target)
        cameras.append(
            Camera(f"cam_{v}", plan.size_wh, matrix, np.array([k1[v], 0, 0, 0, 0]), pose)
        )
    offset_ms = random.uniform(-plan.offset_ms, plan.offset_ms, plan.cameras)
    offsets = {
        camera.name: 0 if v == 0 else round(offset_ms[v] * 1e6) for v, camera in enumerate(cameras)
    }
    level = Ground(np.array([0.0, 0.0, 1.0]), 0.0, 0.0, "drawn")
    world = world_from_scene(level, np.array([camera.centre for camera in cameras]))
    return Rig(tuple(cameras), offsets).with_world(world)


def look_at(centre: F64, target: F64) -> F64:
    """Place a camera at a point, without roll, so that it looks at another.

    Parameters
    ----------
    centre, target : (3,), m, world
        Not one above the other.

    Returns
    -------
    cam_from_world : (4, 4)
    """
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return rigid_transform(rotation, -rotation @ centre)


def find_room_middle(rig: Rig) -> tuple[float, float]:
    """Find the place on the floor that the cameras look at.

    Returns
    -------
    middle : (2,), m, world
        Nearest to the optical axes.
    """
    normal, right = np.zeros((3, 3)), np.zeros(3)
    for camera in rig:
        across = np.eye(3) - np.outer(camera.R[2], camera.R[2])
        normal += across
        right += across @ camera.centre
    middle = np.linalg.solve(normal, right)
    return float(middle[0]), float(middle[1])


def list_frameset_times(seconds: float, fps: float) -> I64:
    """List the times of framesets, (T,), ns."""
    return np.round(np.arange(round(seconds * fps)) * (1e9 / fps)).astype(np.int64)


def observe(
    rig: Rig, motion: Motion, time_ns: I64, noise: NoiseConfig, *, seed: int
) -> SyntheticObservations:
    """See a moving person through a rig as a network would.

    Parameters
    ----------
    rig
        Its time offsets are hidden in the views' times: ``time of the rig = own time + offset``.
    motion
        Joints at any times: (T,) s to (T, 33, 3) m.
    time_ns : (T,)
        Of the framesets.
    noise
    seed
    """
    random = np.random.default_rng(seed)
    T = len(time_ns)
    V = len(rig)
    J = len(SKELETON.joints)
    frame_ns = float(np.median(np.diff(time_ns))) if T > 1 else 0.0
    phase = random.uniform(-0.45, 0.45, V) * frame_ns if noise.free_running else np.zeros(V)
    view_time_ns = time_ns[:, None] + np.round(phase).astype(np.int64)
    bias = _Bias.draw(noise, random)
    xy = np.empty((T, V, J, 2))
    confidence = np.empty((T, V, J))
    swapped = np.zeros((T, V), bool)
    for v, camera in enumerate(rig):
        true_s = (view_time_ns[:, v] + rig.time_offset_ns.get(camera.name, 0)) / 1e9
        xyz = _insert_bystander(motion(true_s), noise, v, random)
        true_xy = project(xyz, camera)
        error = project(xyz + bias.compute_offsets(xyz, camera), camera) - true_xy
        error += _draw_error_px(xyz, camera, time_ns, noise, random)
        certain = _draw_confidence(
            error / _compute_torso_px(xyz, camera)[:, None, None], noise, random
        )
        seen = _find_inside(true_xy, camera) & (random.random((T, J)) >= noise.missed)
        seen &= (random.random(T) >= noise.dropped)[:, None]
        xy[:, v] = np.where(seen[..., None], true_xy + error, np.nan)
        confidence[:, v] = np.where(seen, certain, 0.0)
        swapped[:, v] = _draw_bursts(time_ns, noise.swapped, random)
    sizes = tuple(camera.size_wh for camera in rig)
    unmixed = Observations(SKELETON, rig.names, sizes, time_ns, xy, confidence, view_time_ns)
    return SyntheticObservations(
        unmixed.swap_sides(swapped).flip_views(noise.mirrored), motion(time_ns / 1e9), swapped
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Bias:
    """Where on the body a network puts the joints.

    `offset` (33, 3) m, and `by_view` (33, 3, 3) m per direction.
    """

    offset: F64
    by_view: F64

    @classmethod
    def draw(cls, noise: NoiseConfig, random: np.random.Generator) -> "_Bias":
        """Draw a bias that is the same on both sides of the body."""
        offset = random.normal(0, 1, (33, 3))
        by_view = random.normal(0, 1, (33, 3, 3))
        loose = _list_noise_factors()[:, None]
        across = np.array([1.0, -1.0, 1.0])
        right = [i for i, joint in enumerate(SKELETON.joints) if "right" in joint.split("_")]
        twin = SKELETON.mirror[right]
        offset[right] = offset[twin] * across
        by_view[right] = by_view[twin] * across[:, None] * across
        return cls(
            noise.body_bias_m * loose * offset, noise.view_bias_m * loose[..., None] * by_view
        )

    def compute_offsets(self, xyz: F64, camera: Camera) -> F64:
        """Offsets of all joints as one camera sees them, (T, 33, 3), m, world."""
        body = _compute_body_frames(xyz)
        towards = camera.centre - xyz.mean(1)
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
        direction = np.einsum("tij,ti->tj", body, towards)
        in_body = self.offset + np.einsum("jab,tb->tja", self.by_view, direction)
        return np.einsum("tab,tjb->tja", body, in_body)


def _compute_body_frames(xyz: F64) -> F64:
    """World from body for every instant, (T, 3, 3): forward, left, up."""
    shoulders = SKELETON.indices(f"{s}_shoulder" for s in SIDES)
    hips = SKELETON.indices(f"{s}_hip" for s in SIDES)
    up = xyz[:, shoulders].mean(1) - xyz[:, hips].mean(1)
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    left = xyz[:, hips[0]] - xyz[:, hips[1]]
    left -= (left * up).sum(-1, keepdims=True) * up
    left /= np.linalg.norm(left, axis=-1, keepdims=True)
    forward = np.asarray(np.cross(left, up), np.float64)
    return np.stack([forward, left, up], -1)


def _insert_bystander(xyz: F64, noise: NoiseConfig, view: int, random: np.random.Generator) -> F64:
    """Replace the person by a bystander for one stretch of a view's images."""
    share = dict(noise.bystander).get(view, 0.0)
    length = round(share * len(xyz))
    if not length:
        return xyz
    start = int(random.integers(0, len(xyz) - length + 1))
    away = random.uniform(1.0, 1.6) * np.array(
        [np.cos(a := random.uniform(0, 2 * np.pi)), np.sin(a), 0]
    )
    followed = xyz.copy()
    followed[start : start + length] = xyz[start] + away
    return followed


def _compute_torso_px(xyz: F64, camera: Camera) -> F64:
    """Length of the torso in the image were it parallel to it, (T,), px."""
    depth = (xyz.mean(1) @ camera.R.T + camera.t)[:, 2]
    return camera.focal_px * TORSO_M / np.maximum(depth, 0.3)


def _draw_error_px(
    xyz: F64, camera: Camera, time_ns: I64, noise: NoiseConfig, random: np.random.Generator
) -> F64:
    """Draw jitter, drift and gross errors of one view, (T, 33, 2), px."""
    shape = (*xyz.shape[:2], 2)
    jitter = noise.jitter_of_torso * random.normal(0, 1, shape)
    drift = noise.drift_of_torso * _draw_drift(shape, time_ns, noise.drift_s, random)
    error = (jitter + drift) * _list_noise_factors()[:, None]
    gross = random.random(shape[:2]) < noise.gross
    error[gross] += GROSS_OF_TORSO * random.normal(0, 1, (int(gross.sum()), 2))
    return error * _compute_torso_px(xyz, camera)[:, None, None]


def _draw_drift(
    shape: tuple[int, ...], time_ns: I64, time_constant_s: float, random: np.random.Generator
) -> F64:
    """Draw a first-order autoregressive error of unit variance along the first axis."""
    fresh = random.normal(0, 1, shape)
    kept = np.exp(-np.diff(time_ns) * 1e-9 / time_constant_s)
    drift = fresh.copy()
    for t in range(1, len(drift)):
        drift[t] = kept[t - 1] * drift[t - 1] + np.sqrt(1 - kept[t - 1] ** 2) * fresh[t]
    return drift


def _draw_confidence(error_of_torso: F64, noise: NoiseConfig, random: np.random.Generator) -> F64:
    """Draw for every joint a confidence that falls with its error (correlation 0.6), (T, 33)."""
    size: F64 = np.linalg.norm(error_of_torso, axis=-1)
    typical = float(np.nanmedian(size)) if np.isfinite(size).any() else 1.0
    relative: F64 = np.minimum(np.nan_to_num(size) / max(typical, 1e-9), 4.0) - 1
    doubt: F64 = 0.6 * relative + 0.8 * random.normal(0, 1, size.shape)
    return 1 / (1 + np.exp(noise.confidence_spread * doubt - 3))


def _draw_bursts(time_ns: I64, share: float, random: np.random.Generator) -> Mask:
    """Draw stretches of about `BURST_S` that cover a share of the time, (T,)."""
    inside = np.zeros(len(time_ns), bool)
    span_ns = float(time_ns[-1] - time_ns[0])
    for _ in range(random.poisson(share * span_ns * 1e-9 / BURST_S)):
        start = time_ns[0] + random.uniform(0, span_ns)
        inside |= (time_ns >= start) & (time_ns < start + random.uniform(0.5, 1.5) * BURST_S * 1e9)
    return inside


def _find_inside(xy: F64, camera: Camera) -> Mask:
    """Mark what the image shows, (T, 33)."""
    with np.errstate(invalid="ignore"):
        return np.asarray((xy >= -0.5).all(-1) & (xy <= np.array(camera.size_wh) - 0.5).all(-1))


def _list_noise_factors() -> F64:
    """Error of each joint relative to a shoulder, (33,)."""
    bare = [strip_side(joint) for joint in SKELETON.joints]
    return np.array([JOINT_NOISE_FACTORS.get(joint, 1.0) for joint in bare])
