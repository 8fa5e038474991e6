"""What a network does wrong: where it puts the joints, how sure it says it is, whom it follows.

The errors are of the kinds that networks make: a joint has an offset on the body, another one that
depends on the direction it is seen from, drifts for some tenths of a second and jitters; now and
then it is missed, lies somewhere else altogether, or the whole body has left and right exchanged.
"""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from calibration.rig import Camera
from calibration.skeleton import strip_side
from calibration.synthetic.body import SIDES, SKELETON

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


@dataclass(frozen=True, slots=True, eq=False)
class Bias:
    """Where on the body a network puts the joints.

    Parameters
    ----------
    offset : (33, 3), m, body
        From any direction.
    by_view : (33, 3, 3), m, body
        Per unit vector towards the camera, the last axis.
    """

    offset: F64
    by_view: F64

    @classmethod
    def draw(cls, noise: NoiseConfig, random: np.random.Generator) -> "Bias":
        """Draw a bias that is the same on both sides of the body."""
        offset = random.normal(0, 1, (33, 3))
        by_view = random.normal(0, 1, (33, 3, 3))
        loose = list_noise_factors()[:, None]
        across = np.array([1.0, -1.0, 1.0])
        right = [i for i, joint in enumerate(SKELETON.joints) if "right" in joint.split("_")]
        twin = SKELETON.mirror[right]
        offset[right] = offset[twin] * across
        by_view[right] = by_view[twin] * across[:, None] * across
        return cls(
            noise.body_bias_m * loose * offset, noise.view_bias_m * loose[..., None] * by_view
        )

    def compute_offsets(self, xyz: F64, camera: Camera) -> F64:
        """Compute the offsets of all joints as one camera sees them.

        Parameters
        ----------
        xyz : (T, 33, 3), m, world
        camera

        Returns
        -------
        offset : (T, 33, 3), m, world
        """
        body = compute_body_frames(xyz)
        towards = camera.centre - xyz.mean(1)
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
        direction = np.einsum("tij,ti->tj", body, towards)
        in_body = self.offset + np.einsum("jab,tb->tja", self.by_view, direction)
        return np.einsum("tab,tjb->tja", body, in_body)


def compute_body_frames(xyz: F64) -> F64:
    """Compute where the body faces.

    Parameters
    ----------
    xyz : (T, 33, 3), m, world

    Returns
    -------
    world_from_body : (T, 3, 3)
        Its columns are forward, left and up along the trunk.
    """
    shoulders = SKELETON.indices(f"{s}_shoulder" for s in SIDES)
    hips = SKELETON.indices(f"{s}_hip" for s in SIDES)
    up = xyz[:, shoulders].mean(1) - xyz[:, hips].mean(1)
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    left = xyz[:, hips[0]] - xyz[:, hips[1]]
    left -= (left * up).sum(-1, keepdims=True) * up
    left /= np.linalg.norm(left, axis=-1, keepdims=True)
    forward = np.asarray(np.cross(left, up), np.float64)
    return np.stack([forward, left, up], -1)


def insert_bystander(xyz: F64, noise: NoiseConfig, view: int, random: np.random.Generator) -> F64:
    """Replace the person by a bystander who stands still, for one stretch of a view's images.

    Parameters
    ----------
    xyz : (T, 33, 3), m, world
    noise
        Its `bystander`.
    view
        Position.
    random

    Returns
    -------
    xyz : (T, 33, 3), m, world
        Whom the network follows.
    """
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


def compute_torso_px(xyz: F64, camera: Camera) -> F64:
    """Compute how long the torso were in the image if it were parallel to it.

    Parameters
    ----------
    xyz : (T, 33, 3), m, world
    camera

    Returns
    -------
    length : (T,), px
    """
    depth = (xyz.mean(1) @ camera.R.T + camera.t)[:, 2]
    return camera.focal_px * TORSO_M / np.maximum(depth, 0.3)


def draw_error_px(
    xyz: F64, camera: Camera, time_ns: I64, noise: NoiseConfig, random: np.random.Generator
) -> F64:
    """Draw jitter, drift and gross errors of one view.

    Parameters
    ----------
    xyz : (T, 33, 3), m, world
    camera
    time_ns : (T,)
    noise
    random

    Returns
    -------
    error : (T, 33, 2), px
    """
    shape = (*xyz.shape[:2], 2)
    jitter = noise.jitter_of_torso * random.normal(0, 1, shape)
    drift = noise.drift_of_torso * _draw_drift(shape, time_ns, noise.drift_s, random)
    error = (jitter + drift) * list_noise_factors()[:, None]
    gross = random.random(shape[:2]) < noise.gross
    error[gross] += GROSS_OF_TORSO * random.normal(0, 1, (int(gross.sum()), 2))
    return error * compute_torso_px(xyz, camera)[:, None, None]


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


def draw_confidence(error_of_torso: F64, noise: NoiseConfig, random: np.random.Generator) -> F64:
    """Draw for every joint a confidence that falls with its error (correlation 0.6).

    Parameters
    ----------
    error_of_torso : (T, 33, 2)
        As a share of the torso's length; NaN counts as none.
    noise
        Its `confidence_spread`.
    random

    Returns
    -------
    confidence : (T, 33), 0 to 1
    """
    size: F64 = np.linalg.norm(error_of_torso, axis=-1)
    typical = float(np.nanmedian(size)) if np.isfinite(size).any() else 1.0
    relative: F64 = np.minimum(np.nan_to_num(size) / max(typical, 1e-9), 4.0) - 1
    doubt: F64 = 0.6 * relative + 0.8 * random.normal(0, 1, size.shape)
    return 1 / (1 + np.exp(noise.confidence_spread * doubt - 3))


def draw_bursts(time_ns: I64, share: float, random: np.random.Generator) -> Mask:
    """Draw stretches of about `BURST_S` that cover a share of the time.

    Parameters
    ----------
    time_ns : (T,)
    share
    random

    Returns
    -------
    inside : (T,)
    """
    inside = np.zeros(len(time_ns), bool)
    span_ns = float(time_ns[-1] - time_ns[0])
    for _ in range(random.poisson(share * span_ns * 1e-9 / BURST_S)):
        start = time_ns[0] + random.uniform(0, span_ns)
        inside |= (time_ns >= start) & (time_ns < start + random.uniform(0.5, 1.5) * BURST_S * 1e9)
    return inside


def find_inside(xy: F64, camera: Camera) -> Mask:
    """Find what the image shows.

    Parameters
    ----------
    xy : (..., 2), px
    camera

    Returns
    -------
    inside : (...)
        False where `xy` is NaN.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray((xy >= -0.5).all(-1) & (xy <= np.array(camera.size_wh) - 0.5).all(-1))


def list_noise_factors() -> F64:
    """List the error of each joint relative to a shoulder's, (33,)."""
    bare = [strip_side(joint) for joint in SKELETON.joints]
    return np.array([JOINT_NOISE_FACTORS.get(joint, 1.0) for joint in bare])
