"""Placing: from a body's shape in one camera, known up to its size, to metres, with errors.

All points are in the camera's space. What one camera sees grows in proportion to its distance, so
only the person's own bone lengths determine how far away the body is.
"""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64

MIN_BONES = 4  # of known length, needed for the size
MIN_JOINTS = 4  # found in the image, needed to solve the place
ROBUST_STEPS = 2
GATE_MEDIANS = 2.5  # a joint farther from its ray than this many medians has little weight
ANCHORED_SIGMA_SHARE = 0.02  # standard deviation of a size from joints that two views see
MIN_GATE_SHARE = 0.002  # of the depth: 2 px at a focal length of 1000 px


@dataclass(frozen=True, slots=True, eq=False)
class PlacedBody:
    """A body before a camera.

    Parameters
    ----------
    xyz : (L, 3), m, camera
        NaN where the shape has no joint.
    root : (3,), m, camera
    share
        Standard deviation of the size, and so of all distances from the camera, as a share of them.
    covariance : (3, 3), m^2, camera
        Of the root, without the error of the size.
    """

    xyz: F64
    root: F64
    share: float
    covariance: F64

    def scale(self, factor: float) -> "PlacedBody":
        """Return the body nearer or farther, and smaller or larger, with the same image."""
        return PlacedBody(
            factor * self.xyz, factor * self.root, self.share, factor**2 * self.covariance
        )


def place_body(
    shape: F64, root: F64, rays: F64, weight: F64, size: tuple[float, float]
) -> PlacedBody:
    """Place a body of known size so that it fits the joints found in the image.

    Parameters
    ----------
    shape : (L, 3), camera
        As if the root were 1 m away (`engine.inference.patch.camera_from_patch` with a depth of 1).
    root : (3,), camera
        The root in that shape.
    rays : (L, 2), undistorted
        Of the 2D joints: x and y at a depth of 1; NaN where not found.
    weight : (L,)
        0 drops a joint; usually its confidence.
    size : metres and share
        As `size_from_bones` gives them.

    Notes
    -----
    With the body's own size, ``x + X - a (z + Z) = 0`` is linear in the place ``(x, y, z)`` for
    each joint ``(X, Y, Z)`` about the root and its ray ``(a, b)``; solved by weighted least
    squares, then twice more with outliers weighted down. Where too few joints were found, the
    model's own place is kept.
    """
    # The model gives the shape, the 2D joints the place: the body then agrees with its image, and
    # the model's own error in placing it drops out.
    metres, share = size
    body = metres * (shape - root)
    good = np.isfinite(body).all(-1) & np.isfinite(rays).all(-1) & (weight > 0)
    if good.sum() < MIN_JOINTS:
        return PlacedBody(metres * shape, metres * root, share, np.zeros((3, 3)))
    place, covariance = solve_root(body[good], rays[good], weight[good])
    if not place[2] > 0:
        return PlacedBody(metres * shape, metres * root, share, np.zeros((3, 3)))
    return PlacedBody(body + place, place, share, covariance)


def size_from_bones(
    shape: F64, bones: I64, length_m: F64, length_share: float
) -> tuple[float, float]:
    """Find how far away a body is from the lengths of its bones.

    Parameters
    ----------
    shape : (L, 3), camera
        As if the root were 1 m away.
    bones : (B, 2)
        Positions of their joints.
    length_m : (B,)
        NaN where unknown.
    length_share
        Standard deviation common to all lengths, as a share.

    Returns
    -------
    metres, share
        The root's depth and its standard deviation as a share; NaN where too few bones are seen.

    Notes
    -----
    The ratio of two sums, as in training. The scatter of the single bones about it measures the
    errors of the model and of this person's proportions.
    """
    at_1m = np.linalg.norm(shape[bones[:, 0]] - shape[bones[:, 1]], axis=-1)
    known = np.isfinite(at_1m) & np.isfinite(length_m)
    count, total = int(known.sum()), float(at_1m[known].sum())
    if count < MIN_BONES or total <= 0:
        return float("nan"), float("nan")
    whole = float(length_m[known].sum())
    metres = whole / total
    apart = length_m[known] - metres * at_1m[known]
    own = float(np.sqrt(np.sum(apart**2) * count / (count - 1))) / whole
    return metres, float(np.hypot(own, length_share))


def anchor_to_joints(placed: PlacedBody, known: F64) -> PlacedBody:
    """Move a body to the distance of those of its joints that two views see.

    Parameters
    ----------
    placed
    known : (L, 3), m, camera
        NaN where a joint is not triangulated.

    Returns
    -------
    placed
        The same object where none is.
    """
    ratio = known[:, 2] / placed.xyz[:, 2]
    if not np.isfinite(ratio).any():
        return placed
    return replace(placed.scale(float(np.nanmedian(ratio))), share=ANCHORED_SIGMA_SHARE)


def compute_joint_covariance(placed: PlacedBody, shape_covariance: F64) -> F64:
    """Compute the error of each joint.

    Parameters
    ----------
    placed
    shape_covariance : (L, 3, 3), m^2, camera
        Errors of the joints about the root, as the model has them.

    Returns
    -------
    covariance : (L, 3, 3), m^2, camera
        Elongated along the line of sight by the error of the size; NaN where a joint is missing.
    """
    # x x' (x: a joint) is the square of its distance, along its line of sight.
    outer = placed.xyz[:, :, None] * placed.xyz[:, None, :]
    return shape_covariance + placed.share**2 * outer + placed.covariance


def compute_covariance_about_sight(xyz: F64, across_m: F64, along_m: F64) -> F64:
    """Compute errors that differ along the line of sight and across it.

    Parameters
    ----------
    xyz : (L, 3), camera
        Any multiple of it will do: only directions count.
    across_m, along_m : (L,), m
        Standard deviations per axis.

    Returns
    -------
    covariance : (L, 3, 3), m^2, camera
        NaN where a joint is missing.
    """
    sight = xyz / np.linalg.norm(xyz, axis=-1, keepdims=True)
    outer = sight[:, :, None] * sight[:, None, :]
    along = (along_m**2 - across_m**2)[:, None, None]
    return across_m[:, None, None] ** 2 * np.eye(3) + along * outer


def solve_root(body: F64, rays: F64, weight: F64) -> tuple[F64, F64]:
    """Find where a body of known shape and size must be to be seen as it is.

    Parameters
    ----------
    body : (N, 3), camera
        Joints about the root.
    rays : (N, 2), undistorted
        Where they are seen: x and y at a depth of 1.
    weight : (N,)
        Positive; usually the confidence.

    Returns
    -------
    root : (3,), camera
        In the unit of `body`; behind the camera where nothing fits.
    covariance : (3, 3)
        From the scatter of the joints about their rays.
    """
    count = len(body)
    # Two equations a joint, x and y. Multiplied by the depth they are linear, which weights far
    # joints a little more; over the depth of one body that does not matter.
    rows = np.zeros((count, 2, 3))
    rows[:, 0, 0] = rows[:, 1, 1] = 1.0
    rows[:, :, 2] = -rays
    target = rays * body[:, 2:] - body[:, :2]
    used, place = weight / weight.max(), np.zeros(3)
    for _ in range(1 + ROBUST_STEPS):
        normal = np.einsum("n,nri,nrj->ij", used, rows, rows)
        place = np.linalg.lstsq(normal, np.einsum("n,nri,nr->i", used, rows, target), rcond=None)[0]
        apart = np.linalg.norm(np.einsum("nri,i->nr", rows, place) - target, axis=-1)
        # Cauchy weights at a gate from the median: a wrong 2D joint loses its pull, and the lower
        # limit of the gate keeps an almost exact fit from weighting down good joints.
        gate = max(GATE_MEDIANS * float(np.median(apart)), MIN_GATE_SHARE * abs(float(place[2])))
        last = used
        used = weight / weight.max() / (1 + (apart / gate) ** 2)
    normal = np.einsum("n,nri,nrj->ij", last, rows, rows)
    spare = max(2 * float(last.sum()) - 3, 1.0)
    variance = float((last * apart**2).sum()) / spare
    return place, variance * np.linalg.pinv(normal)
