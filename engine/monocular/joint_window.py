"""JointWindow: the joints of one person in one view about an instant; what a lifter sees.

A lifter turns joints in the image into a pose in depth. It sees directions instead of pixels, so
that any lens will do, turned so that they look at the person, and scaled to the person's extent in
the image: what is left is the pose, the perspective and the motion.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F32, F64, Mask
from engine.reconstruction.body_size import LIMBS

OFFSETS_S = (-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4)
NOW = OFFSETS_S.index(0.0)
MIN_CONFIDENCE = 0.1
"""A joint below it tells a lifter nothing; above, the confidence is an input of its own."""
BONES = tuple(
    (LIMBS.index(f"{side}_{a}"), LIMBS.index(f"{side}_{b}"))
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)
"""The mean length of these eight bones is the unit of a lifter's poses."""
HIPS = (LIMBS.index("left_hip"), LIMBS.index("right_hip"))

_LIMIT = 8.0  # of a scaled direction: beyond, a joint was misplaced, and only its side counts
_MIN_FORWARD = 0.2  # of a direction after turning: what lies beside or behind is cut off there
_MIN_SIZE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class JointWindows:
    """The same person at N instants, each with what was seen `OFFSETS_S` around it.

    Parameters
    ----------
    rays : (N, S, 12, 2), undistorted
        Directions x/z and y/z of the limb joints (`LIMBS`), in the camera's axes; NaN where a joint
        was not found.
    confidence : (N, S, 12), 0 to 1
        0 where a joint was not found.
    present : (N, S)
        Whether there is an image at that moment; always at `NOW`.
    """

    rays: F64
    confidence: F64
    present: Mask


def build_inputs(
    windows: JointWindows, up: F64 | None = None, own_xyz: F64 | None = None
) -> tuple[F32, F64]:
    """Build what a lifter's network sees.

    Parameters
    ----------
    windows
        N of them.
    up : (N, 3), camera
        Where up is in the room, as unit vectors; NaN or None where it is not known.
    own_xyz : (N, 12, 3)
        What the 2D model itself guesses (`engine.poses.Pose2D`), in the axes of a camera that looks
        at the person; NaN or None where there is none.

    Returns
    -------
    inputs : (N, F)
        For each moment the scaled directions, the confidence and whether a joint counts, and
        whether there was an image; the person's extent; up; the own guess.
    camera_from_look : (N, 3, 3)
        Turns the axes of a camera that looks at the person into the camera's own. A lifter's poses
        are in the former.
    """
    count = len(windows.rays)
    seen = (windows.confidence >= MIN_CONFIDENCE) & np.isfinite(windows.rays).all(-1)
    seen &= windows.present[..., None]
    camera_from_look = look_at(find_middle(windows.rays[:, NOW], seen[:, NOW]))
    directions = np.concatenate(
        [np.where(seen[..., None], windows.rays, 0.0), np.ones((*seen.shape, 1))], -1
    )
    turned = np.einsum("nji,nskj->nski", camera_from_look, directions)
    flat = turned[..., :2] / np.maximum(turned[..., 2:], _MIN_FORWARD)
    size = _measure_size(flat[:, NOW], seen[:, NOW])
    scaled = np.clip(flat / size[:, None, None, None], -_LIMIT, _LIMIT)
    scaled = np.where(seen[..., None], scaled, 0.0).reshape(count, len(OFFSETS_S), -1)
    confidence = np.where(seen, windows.confidence, 0.0)
    flags = seen.astype(float), windows.present[..., None].astype(float)
    moments = np.concatenate([scaled, confidence, *flags], -1)
    hints = (
        np.log(size)[:, None],
        _mark_known(_turn_up(up, camera_from_look), (count, 3)),
        _mark_known(_scale_own(own_xyz), (count, 3 * len(LIMBS))),
    )
    return (
        np.concatenate([moments.reshape(count, -1), *hints], -1).astype(np.float32),
        camera_from_look,
    )


def look_at(middle: F64) -> F64:
    """Find the smallest rotations that turn the line of sight onto directions.

    Parameters
    ----------
    middle : (N, 2), undistorted
        Directions x/z and y/z, in the camera's axes.

    Returns
    -------
    camera_from_look : (N, 3, 3)
        Rodrigues' formula for the axis ``z x d`` and the angle between both.
    """
    along = np.concatenate([middle, np.ones((len(middle), 1))], -1)
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    x, y, z = along.T
    share = 1.0 / (1.0 + z)
    rows = [1 - x * x * share, -x * y * share, x, -x * y * share, 1 - y * y * share, y, -x, -y, z]
    return np.stack(rows, -1).reshape(-1, 3, 3)


def find_middle(rays: F64, seen: Mask) -> F64:
    """Find where a person's middle is in the image.

    Parameters
    ----------
    rays : (N, 12, 2), undistorted
    seen : (N, 12)

    Returns
    -------
    middle : (N, 2)
        Between the hips, or of all seen joints where a hip is not; 0 where nothing is seen.
    """
    hips = list(HIPS)
    known: Mask = np.asarray(seen[:, hips].all(-1, keepdims=True), bool)
    between = np.where(known, np.where(seen[..., None], rays, 0.0)[:, hips].mean(1), 0.0)
    total = np.where(seen[..., None], rays, 0.0).sum(1)
    return np.where(known, between, total / np.maximum(seen.sum(1), 1)[:, None])


def measure_unit(xyz: F64) -> F64:
    """Measure the unit of a lifter's poses: the mean length of eight bones.

    Parameters
    ----------
    xyz : (N, 12, 3)

    Returns
    -------
    unit : (N,)
        In the unit of `xyz`.
    """
    ends = np.array(BONES)
    return np.linalg.norm(xyz[:, ends[:, 0]] - xyz[:, ends[:, 1]], axis=-1).mean(-1)


def _measure_size(flat: F64, seen: Mask) -> F64:
    """Measure the spread of the seen joints in the image, (N,)."""
    count = np.maximum(seen.sum(-1), 1)[:, None]
    inside = np.where(seen[..., None], flat, 0.0)
    middle = inside.sum(1) / count
    away = np.where(seen[..., None], flat - middle[:, None], 0.0)
    return np.maximum(np.sqrt((away**2).sum((1, 2)) / count[:, 0]), _MIN_SIZE)


def _turn_up(up: F64 | None, camera_from_look: F64) -> F64 | None:
    """Turn the direction of up into the axes of the lifter."""
    return None if up is None else np.einsum("nji,nj->ni", camera_from_look, up)


def _scale_own(own_xyz: F64 | None) -> F64 | None:
    """Bring the 2D model's own guess to the hips and to the lifter's unit, (N, 36)."""
    if own_xyz is None:
        return None
    about = own_xyz - own_xyz[:, list(HIPS)].mean(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (about / measure_unit(about)[:, None, None]).reshape(len(about), -1)


def _mark_known(values: F64 | None, shape: tuple[int, int]) -> F64:
    """Append whether values are known to them, (N, K + 1); unknown ones are 0."""
    if values is None:
        return np.zeros((shape[0], shape[1] + 1))
    known: Mask = np.asarray(np.isfinite(values).all(-1, keepdims=True), bool)
    return np.concatenate([np.where(known, values, 0.0), known.astype(float)], -1)
