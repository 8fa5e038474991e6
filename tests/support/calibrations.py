"""Errors of a calibrated rig, in numbers that no choice of world frame can change."""

from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.alignment import align_similarity
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import nearest_rotation, rotation_angle_rad
from calibration.geometry.triangulation import triangulate
from calibration.rig import Rig
from calibration.synthetic.synthetic import (
    NoiseConfig,
    RigPlan,
    SyntheticObservations,
    find_room_middle,
    list_frameset_times,
    make_rig,
    observe,
)
from calibration.synthetic.walker import MOTIONS, Walker


@dataclass(frozen=True)
class Scene:
    """One take whose truth is known."""

    rig: Rig
    seen: SyntheticObservations


def make_scene(
    plan: RigPlan,
    motion: str,
    noise: NoiseConfig,
    *,
    seed: int,
    seconds: float = 20,
    fps: float = 10,
    stature_m=1.75,
) -> Scene:
    """Let a person move in front of a rig."""
    rig = make_rig(plan, seed)
    walker = Walker(stature_m, find_room_middle(rig), phase_rad=0.7 * seed)
    seen = observe(
        rig, partial(MOTIONS[motion], walker), list_frameset_times(seconds, fps), noise, seed=seed
    )
    return Scene(rig, seen)


def measure_pair_rotation_errors_deg(rig: Rig, truth: Rig) -> F64:
    """Angle by which the relative rotation of every two cameras is wrong."""
    errors = [
        rotation_angle_rad((rig[a].R @ rig[b].R.T) @ (truth[a].R @ truth[b].R.T).T)
        for a, b in combinations(range(len(truth)), 2)
    ]
    return np.degrees(errors)


def measure_focal_errors_percent(rig: Rig, truth: Rig) -> F64:
    """Relative error of each camera's focal length."""
    return np.array([100 * (a.focal_px / b.focal_px - 1) for a, b in zip(rig, truth)])


def measure_offset_errors_ms(rig: Rig, truth: Rig) -> F64:
    """Error of each camera's time offset."""
    return np.array([(rig.time_offset_ns[n] - truth.time_offset_ns[n]) / 1e6 for n in truth.names])


def measure_joint_scale(rig: Rig, observations: Observations, xyz: F64) -> float:
    """True metres per metre of the rig, from the joints it sees."""
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in rig.names])
    common = interpolate_to_common_time(observations, offsets)
    V = len(rig)
    xy = np.moveaxis(common.xy[:, :, 11:], 1, 0).reshape(V, -1, 2)
    weight = np.moveaxis(common.confidence[:, :, 11:], 1, 0).reshape(V, -1)
    found, true = triangulate(xy, weight, rig.cameras), xyz[:, 11:].reshape(-1, 3)
    near = np.ones(len(found), bool)
    s = 1.0
    for _ in range(3):
        s, R, t = align_similarity(found[near], true[near])
        distance = np.linalg.norm(s * found @ R.T + t - true, axis=1)
        near = distance < np.nanpercentile(distance, 80)
    return s


def measure_camera_errors(rig: Rig, truth: Rig, scale: float) -> tuple[F64, F64]:
    """Measure each camera's rotation, deg, and position, m, errors after aligning the rigs."""
    turned = nearest_rotation(np.sum([a.R.T @ b.R for a, b in zip(truth, rig)], axis=0))
    rotation = np.array(
        [np.degrees(rotation_angle_rad(a.R @ turned @ b.R.T)) for a, b in zip(truth, rig)]
    )
    found = scale * np.array([camera.centre for camera in rig]) @ turned.T
    true = np.array([camera.centre for camera in truth])
    return rotation, np.linalg.norm(found - found.mean(0) - (true - true.mean(0)), axis=1)
