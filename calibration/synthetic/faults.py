"""What goes wrong beyond a network's errors: clocks, shutters, bumped tripods, people on screens.

`calibration.synthetic.network_errors` has what a network does wrong in any image; here is what
only some recordings have. Sizes from METHODS.md 3.4.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, Mask
from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Camera
from calibration.synthetic.body import SIDES, SKELETON
from calibration.synthetic.network_errors import compute_body_frames, list_noise_factors
from calibration.synthetic.walker import Walker, dance, step_in_place

BYSTANDER_AWAY_M = (1.0, 1.6)
SCREEN_BEHIND_M = (1.0, 1.8)
SCREEN_SCALE = 0.4  # of a person on a large screen
FLEXED_RAD = np.pi / 2


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a recording; nothing by default. Views are given by position.

    Parameters
    ----------
    joint_bias_m
        Each joint lies up to this far from where it should be on the body, the same in every image;
        in place of `NoiseConfig.body_bias_m`.
    pose_bias_m
        Root mean square per axis of an offset that grows as knee, elbow and trunk bend by 90
        degrees.
    blur_s
        One standard deviation of the error along a joint's way in the image, as the time that it
        takes for it.
    readout_ms
        Least and largest time that a rolling shutter takes from the first row to the last; a
        frame's time is that of its middle row.
    clock_rate : view to share
        By how much a clock is too slow: 0.03 lets 1.03 s pass in one of its seconds. It is right in
        the middle of the recording, but for its offset.
    bumped : view to degrees
        By how much a camera is turned, all at once, in the middle of the recording.
    bystander, television : view to share
        Of its images, in one stretch, in which the network follows another person who moves, or a
        person who is flat on a screen.
    hidden
        Joints that no view ever sees.
    """

    joint_bias_m: float = 0.0
    pose_bias_m: float = 0.0
    blur_s: float = 0.0
    readout_ms: tuple[float, float] = (0.0, 0.0)
    clock_rate: tuple[tuple[int, float], ...] = ()
    bumped: tuple[tuple[int, float], ...] = ()
    bystander: tuple[tuple[int, float], ...] = ()
    television: tuple[tuple[int, float], ...] = ()
    hidden: tuple[str, ...] = ()


NO_FAULTS = Faults()


def draw_joint_bias(largest_m: float, random: np.random.Generator) -> F64:
    """Draw each joint's offset in the body's frame, the same on both sides, (33, 3), m."""
    towards = random.normal(0, 1, (33, 3))
    towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
    return mirror_sides(largest_m * random.uniform(0, 1, (33, 1)) * towards)


def draw_pose_bias(rms_m: float, random: np.random.Generator) -> F64:
    """Draw how far each joint moves in the body's frame as the body bends.

    Returns
    -------
    by_bend : (33, 3, 3), m
        For a bend of knee, elbow and trunk by 90 degrees (first of the last two axes).
    """
    drawn = rms_m * list_noise_factors()[:, None, None] * random.normal(0, 1, (33, 3, 3))
    return mirror_sides(drawn)


def mirror_sides(offset: F64) -> F64:
    """Give the joints on the right the mirrored offsets of those on the left, (33, ..., 3)."""
    right = [i for i, joint in enumerate(SKELETON.joints) if "right" in joint.split("_")]
    mirrored = offset.copy()
    mirrored[right] = offset[SKELETON.mirror[right]] * np.array([1.0, -1.0, 1.0])
    return mirrored


def compute_pose_offsets(xyz: F64, by_bend: F64) -> F64:
    """Compute how far the pose moves each joint.

    Parameters
    ----------
    xyz : (T, 33, 3), m, world
    by_bend : (33, 3, 3), m
        As of `draw_pose_bias`.

    Returns
    -------
    offset : (T, 33, 3), m, world
    """
    body = compute_body_frames(xyz)
    bend = np.zeros((*xyz.shape[:2], 3))
    for side in SIDES:
        mine = [i for i, joint in enumerate(SKELETON.joints) if side in joint.split("_")]
        for place, chain in enumerate((("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))):
            points = xyz[:, SKELETON.indices(f"{side}_{joint}" for joint in chain)]
            bend[:, mine, place] = _measure_bend(points)[:, None]
    lean = np.arccos(np.clip(body[:, 2, 2], -1, 1))
    bend[..., 2] = lean[:, None]
    return np.einsum("tab,jkb,tjk->tja", body, by_bend, bend / FLEXED_RAD)


def delay_rows(xyz: F64, velocity: F64, row_share: F64, readout_s: float) -> F64:
    """Move each joint to where it is when a rolling shutter reads its row.

    Parameters
    ----------
    xyz : (T, J, 3), m, and velocity : (T, J, 3), m/s
        When the middle row is read.
    row_share : (T, J)
        Of the image above the joint's row; NaN counts as the middle.
    readout_s
        From the first row to the last.

    Notes
    -----
    The row is that of the joint when the middle row is read; at 5 m/s it moves 75 mm at most until
    its own is, which is another 2 % of the readout.
    """
    late_s = readout_s * (np.clip(np.nan_to_num(row_share, nan=0.5), 0, 1) - 0.5)
    return xyz + velocity * late_s[..., None]


def bump(camera: Camera, degrees: float, random: np.random.Generator) -> F64:
    """Turn a camera about an axis of any direction through its centre; its new pose, (4, 4)."""
    axis = random.normal(0, 1, 3)
    turn = rotation_from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis))
    return rigid_transform(turn, np.zeros(3)) @ camera.cam_from_world


def draw_stretch(count: int, share: float, random: np.random.Generator) -> Mask:
    """Draw one stretch of images that is a share of all, (T,)."""
    length = round(share * count)
    start = int(random.integers(0, count - length + 1))
    return (np.arange(count) >= start) & (np.arange(count) < start + length)


def move_bystander(xyz: F64, time_s: F64, random: np.random.Generator) -> F64:
    """Let another person march on the spot a step away from the person, (T, 33, 3), m, world."""
    angle = random.uniform(0, 2 * np.pi)
    away = random.uniform(*BYSTANDER_AWAY_M) * np.array([np.cos(angle), np.sin(angle)])
    x, y = np.median(xyz.mean(1)[:, :2], axis=0) + away
    stature_m, phase_rad = random.uniform(1.55, 1.90), random.uniform(0, 2 * np.pi)
    return step_in_place(Walker(stature_m, (float(x), float(y)), phase_rad=phase_rad), time_s)


def show_on_screen(xyz: F64, time_s: F64, camera: Camera, random: np.random.Generator) -> F64:
    """Show a dancer, small and flat, on a screen behind the person.

    Parameters
    ----------
    xyz : (T, 33, 3), m, world
        The person.
    time_s : (T,)
    camera
        The screen faces it.
    random

    Returns
    -------
    xyz : (T, 33, 3), m, world
        All in one upright plane.
    """
    dancer = dance(Walker(phase_rad=random.uniform(0, 2 * np.pi)), time_s)
    person = np.median(xyz.mean(1), axis=0)
    behind = (person - camera.centre) * [1.0, 1.0, 0.0]
    behind /= np.linalg.norm(behind)
    across = np.array([-behind[1], behind[0], 0.0])
    middle = (
        person * [1.0, 1.0, 0.0]
        + random.uniform(*SCREEN_BEHIND_M) * behind
        + random.uniform(-0.8, 0.8) * across
        + np.array([0.0, 0.0, random.uniform(0.5, 0.9)])
    )
    flat = dancer[..., :1] * across + dancer[..., 2:] * np.array([0.0, 0.0, 1.0])
    return middle + SCREEN_SCALE * flat


def _measure_bend(points: F64) -> F64:
    """Measure the angle by which a limb of three joints, (T, 3, 3), is not straight, (T,)."""
    upper, lower = points[:, 1] - points[:, 0], points[:, 2] - points[:, 1]
    lengths = np.linalg.norm(upper, axis=-1) * np.linalg.norm(lower, axis=-1)
    return np.arccos(np.clip((upper * lower).sum(-1) / lengths, -1, 1))
