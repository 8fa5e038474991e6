"""Synthetic truth: rigs whose every number is known, and what a network would see through them."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera, Rig
from calibration.synthetic.body import SKELETON
from calibration.synthetic.network_errors import (
    Bias,
    NoiseConfig,
    compute_torso_px,
    draw_bursts,
    draw_confidence,
    draw_error_px,
    find_inside,
    insert_bystander,
)
from calibration.synthetic.walker import Motion
from calibration.world.floor import Ground, world_from_scene

TARGET_HEIGHT_M = 0.95  # cameras look at the height of the hips, not quite all at one point
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
    bias = Bias.draw(noise, random)
    xy = np.empty((T, V, J, 2))
    confidence = np.empty((T, V, J))
    swapped = np.zeros((T, V), bool)
    for v, camera in enumerate(rig):
        true_s = (view_time_ns[:, v] + rig.time_offset_ns.get(camera.name, 0)) / 1e9
        xyz = insert_bystander(motion(true_s), noise, v, random)
        true_xy = project(xyz, camera)
        error = project(xyz + bias.compute_offsets(xyz, camera), camera) - true_xy
        error += draw_error_px(xyz, camera, time_ns, noise, random)
        certain = draw_confidence(
            error / compute_torso_px(xyz, camera)[:, None, None], noise, random
        )
        seen = find_inside(true_xy, camera) & (random.random((T, J)) >= noise.missed)
        seen &= (random.random(T) >= noise.dropped)[:, None]
        xy[:, v] = np.where(seen[..., None], true_xy + error, np.nan)
        confidence[:, v] = np.where(seen, certain, 0.0)
        swapped[:, v] = draw_bursts(time_ns, noise.swapped, random)
    sizes = tuple(camera.size_wh for camera in rig)
    unmixed = Observations(SKELETON, rig.names, sizes, time_ns, xy, confidence, view_time_ns)
    return SyntheticObservations(
        unmixed.swap_sides(swapped).flip_views(noise.mirrored), motion(time_ns / 1e9), swapped
    )
