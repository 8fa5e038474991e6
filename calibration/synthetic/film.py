"""Film: a moving person as a network sees them through real cameras, with every fault.

`calibration.synthetic.synthetic.observe` has a network's errors alone.
"""

from dataclasses import dataclass, replace

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64
from calibration.geometry.projection import project
from calibration.rig import Camera, Rig
from calibration.synthetic.body import SKELETON
from calibration.synthetic.faults import (
    NO_FAULTS,
    Faults,
    bump,
    compute_pose_offsets,
    delay_rows,
    draw_joint_bias,
    draw_pose_bias,
    draw_stretch,
    move_bystander,
    show_on_screen,
)
from calibration.synthetic.network_errors import (
    Bias,
    NoiseConfig,
    compute_torso_px,
    draw_bursts,
    draw_confidence,
    draw_error_px,
    find_inside,
)
from calibration.synthetic.synthetic import NO_NOISE, SyntheticObservations
from calibration.synthetic.walker import Motion

SLOPE_S = 0.005  # half of the time over which speeds are measured


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """What is filmed, and how badly.

    Parameters
    ----------
    motion
        Joints at any times: (T,) s to (T, 33, 3) m.
    time_ns : (T,)
        Of the framesets.
    noise
        `bystander`, `mirrored`, `dropped` and `free_running` are those of `observe`, and not used.
    faults
    """

    motion: Motion
    time_ns: I64
    noise: NoiseConfig = NO_NOISE
    faults: Faults = NO_FAULTS


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """Where a network puts the joints on this person's body."""

    bias: Bias
    by_bend: F64

    def compute_offsets(self, xyz: F64, camera: Camera) -> F64:
        """Compute the offsets of all joints as one camera sees them, (T, 33, 3), m, world."""
        return self.bias.compute_offsets(xyz, camera) + compute_pose_offsets(xyz, self.by_bend)


def film(rig: Rig, take: Take, *, seed: int) -> SyntheticObservations:
    """See a moving person through a rig as a network would.

    Parameters
    ----------
    rig
        Its time offsets are hidden in the views' times: ``time of the rig = own time + offset``,
        in the middle of the recording where a clock runs at a rate of its own.
    take
    seed

    Returns
    -------
    seen
        `xyz` are the true joints at the times of the framesets; where a camera is bumped, `rig` is
        what it was before.
    """
    random = np.random.default_rng([seed, len(rig), 4])
    body = _draw_body(take, random)
    T, V, J = len(take.time_ns), len(rig), len(SKELETON.joints)
    xy = np.empty((T, V, J, 2))
    confidence = np.empty((T, V, J))
    swapped = np.zeros((T, V), bool)
    for v, camera in enumerate(rig):
        time_s = compute_true_times_s(take, v, rig.time_offset_ns.get(camera.name, 0))
        true_xy, error = _film_view(take, body, (v, camera), time_s, random)
        xy[:, v], confidence[:, v] = _detect(take, camera, true_xy, error, random)
        swapped[:, v] = draw_bursts(take.time_ns, take.noise.swapped, random)
    view_time_ns = np.repeat(take.time_ns[:, None], V, axis=1)
    sizes = tuple(camera.size_wh for camera in rig)
    seen = Observations(SKELETON, rig.names, sizes, take.time_ns, xy, confidence, view_time_ns)
    return SyntheticObservations(seen.swap_sides(swapped), take.motion(take.time_ns / 1e9), swapped)


def compute_true_times_s(take: Take, view: int, offset_ns: int) -> F64:
    """Compute the rig's times at which a view's images are taken, (T,), s."""
    rate = dict(take.faults.clock_rate).get(view, 0.0)
    middle_ns = (take.time_ns[0] + take.time_ns[-1]) / 2
    return (take.time_ns + offset_ns + rate * (take.time_ns - middle_ns)) / 1e9


def _draw_body(take: Take, random: np.random.Generator) -> _Body:
    """Draw where a network puts the joints."""
    bias = Bias.draw(take.noise, random)
    if take.faults.joint_bias_m:
        bias = replace(bias, offset=draw_joint_bias(take.faults.joint_bias_m, random))
    return _Body(bias, draw_pose_bias(take.faults.pose_bias_m, random))


def _film_view(
    take: Take, body: _Body, view: tuple[int, Camera], time_s: F64, random: np.random.Generator
) -> tuple[F64, F64]:
    """Project the joints into one view, and by how much the network is wrong, (T, 33, 2), px."""
    v, camera = view
    readout_s = random.uniform(*take.faults.readout_ms) / 1000
    xyz = take.motion(time_s)
    velocity = (take.motion(time_s + SLOPE_S) - take.motion(time_s - SLOPE_S)) / (2 * SLOPE_S)
    row_share = _find_row_share(project(xyz, camera), camera)
    xyz = _insert_others(
        take, view, delay_rows(xyz, velocity, row_share, readout_s), time_s, random
    )
    offset = body.compute_offsets(xyz, camera)
    degrees = dict(take.faults.bumped).get(v, 0.0)
    after = take.time_ns >= (take.time_ns[0] + take.time_ns[-1]) / 2
    turned = replace(camera, cam_from_world=bump(camera, degrees, random)) if degrees else camera
    true_xy, biased_xy, later_xy = (
        np.where(after[:, None, None], project(points, turned), project(points, camera))
        for points in (xyz, xyz + offset, xyz + velocity * SLOPE_S)
    )
    error = biased_xy - true_xy + draw_error_px(xyz, camera, take.time_ns, take.noise, random)
    speed_px_s = (later_xy - true_xy) / SLOPE_S
    blur = take.faults.blur_s * random.normal(0, 1, (*xyz.shape[:2], 1)) * speed_px_s
    return true_xy, error + blur


def _insert_others(
    take: Take, view: tuple[int, Camera], xyz: F64, time_s: F64, random: np.random.Generator
) -> F64:
    """Replace the person where the network follows another person."""
    v, camera = view
    followed = xyz.copy()
    if share := dict(take.faults.bystander).get(v, 0.0):
        when = draw_stretch(len(xyz), share, random)
        followed[when] = move_bystander(xyz, time_s, random)[when]
    if share := dict(take.faults.television).get(v, 0.0):
        when = draw_stretch(len(xyz), share, random)
        followed[when] = show_on_screen(xyz, time_s, camera, random)[when]
    return followed


def _detect(
    take: Take, camera: Camera, true_xy: F64, error: F64, random: np.random.Generator
) -> tuple[F64, F64]:
    """Miss some joints and doubt others: pixels (T, 33, 2) and confidence (T, 33)."""
    torso_px = compute_torso_px(take.motion(take.time_ns / 1e9), camera)
    certain = draw_confidence(error / torso_px[:, None, None], take.noise, random)
    seen = find_inside(true_xy, camera) & (random.random(certain.shape) >= take.noise.missed)
    seen[:, SKELETON.indices(take.faults.hidden)] = False
    return np.where(seen[..., None], true_xy + error, np.nan), np.where(seen, certain, 0.0)


def _find_row_share(xy: F64, camera: Camera) -> F64:
    """Find the share of a sensor's rows above each joint, (T, 33).

    A phone's sensor is wide: the rows of its upright images are read from left to right.
    """
    width, tall = camera.size_wh
    axis, length = (0, width) if tall > width else (1, tall)
    return xy[..., axis] / max(length - 1, 1)
