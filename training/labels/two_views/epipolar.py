"""Two views alone: fundamental and essential matrix, the pose between them, best points.

Convention: ``xy_b^T F xy_a = 0`` and ``x_b = R x_a + t``; all pixels are undistorted. The product
calibrates with five points and PoseLib (`calibration.solve.pairs`); this is the textbook that the
published recipe follows.
"""

import numpy as np

from calibration.geometry.arrays import F64, Mask
from calibration.geometry.epipolar import sampson_distance_px
from calibration.geometry.transforms import skew

MIN_MATCHES = 8
SAMPLE_COUNT = 500  # of eight matches: with 40 % outliers 99.98 % sure that one is clean
INLIER_SIGMAS = 2.5  # of the robust standard deviation (Rousseeuw & Leroy)
EPSILON = 1e-14


def estimate_fundamental(xy_a: F64, xy_b: F64) -> F64:
    """Find the fundamental matrix of matches without outliers.

    Parameters
    ----------
    xy_a, xy_b : (..., N, 2), px, undistorted
        N at least 8; leading axes are problems of their own.

    Returns
    -------
    F : (..., 3, 3)
        Of rank 2 and norm 1.

    Raises
    ------
    ValueError
        If there are fewer than eight matches.

    Notes
    -----
    Normalised eight-point algorithm (Hartley & Zisserman 11.2).
    """
    if xy_a.shape[-2] < MIN_MATCHES:
        raise ValueError(f"A fundamental matrix needs {MIN_MATCHES} matches, not {xy_a.shape[-2]}.")
    a, to_a = _normalise_points(xy_a)
    b, to_b = _normalise_points(xy_b)
    rows = (b[..., :, None] * a[..., None, :]).reshape(*a.shape[:-1], 9)
    F = np.linalg.svd(np.swapaxes(rows, -1, -2) @ rows)[2][..., -1, :].reshape(*a.shape[:-2], 3, 3)
    u, s, vt = np.linalg.svd(F)
    s[..., 2] = 0
    F = np.swapaxes(to_b, -1, -2) @ (u * s[..., None, :]) @ vt @ to_a
    return F / np.linalg.norm(F, axis=(-2, -1), keepdims=True)


def estimate_fundamental_robust(xy_a: F64, xy_b: F64, *, seed: int = 0) -> tuple[F64, Mask]:
    """Find the fundamental matrix of matches of which up to half may be wrong.

    Parameters
    ----------
    xy_a, xy_b : (N, 2), px, undistorted
    seed
        Of the samples.

    Returns
    -------
    F : (3, 3)
    inlier : (N,)

    Raises
    ------
    ValueError
        If there are fewer than eight matches.

    Notes
    -----
    Least median of squared Sampson distances over random samples of eight, then all inliers
    together (Zhang 1998). Pixels are not rounded.
    """
    if len(xy_a) < MIN_MATCHES:
        raise ValueError(f"A fundamental matrix needs {MIN_MATCHES} matches, not {len(xy_a)}.")
    rows = np.random.default_rng(seed).integers(len(xy_a), size=(SAMPLE_COUNT, MIN_MATCHES))
    samples = estimate_fundamental(xy_a[rows], xy_b[rows])
    medians = [np.median(sampson_distance_px(xy_a, xy_b, F)) for F in samples]
    F = samples[int(np.argmin(medians))]
    inlier = _find_inliers(xy_a, xy_b, F)
    for _ in range(2):
        if inlier.sum() < MIN_MATCHES:
            break
        F = estimate_fundamental(xy_a[inlier], xy_b[inlier])
        inlier = _find_inliers(xy_a, xy_b, F)
    return F, inlier


def essential_from_fundamental(F: F64, K_a: F64, K_b: F64) -> F64:
    """Remove the camera matrices from a fundamental matrix.

    Parameters
    ----------
    F : (3, 3)
    K_a, K_b : (3, 3), px

    Returns
    -------
    E : (3, 3)
        The nearest matrix with two equal singular values, 1, and a zero one.
    """
    u, _, vt = np.linalg.svd(K_b.T @ F @ K_a)
    return u @ np.diag([1.0, 1.0, 0.0]) @ vt


def poses_from_essential(E: F64) -> tuple[tuple[F64, F64], ...]:
    """List the four poses that an essential matrix allows.

    Parameters
    ----------
    E : (3, 3)

    Returns
    -------
    poses
        Four pairs of R (3, 3) and t (3,), ``x_b = R x_a + t``, t of length 1 (Hartley & Zisserman
        9.6.2).
    """
    u, _, vt = np.linalg.svd(E)
    u = u * np.sign(np.linalg.det(u))
    vt = vt * np.sign(np.linalg.det(vt))
    W = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return tuple((u @ turn @ vt, sign * u[:, 2]) for turn in (W, W.T) for sign in (1.0, -1.0))


def select_pose_in_front(E: F64, rays_a: F64, rays_b: F64) -> tuple[F64, F64]:
    """Choose the pose for which most points lie in front of both cameras.

    Parameters
    ----------
    E : (3, 3)
    rays_a, rays_b : (N, 2)
        Ideal ``x/z, y/z``.

    Returns
    -------
    R : (3, 3), t : (3,)
        ``x_b = R x_a + t``; t of length 1.
    """
    votes = []
    poses = poses_from_essential(E)
    for R, t in poses:
        xyz = intersect_rays(rays_a, rays_b, R, t)
        votes.append(int(((xyz[:, 2] > 0) & ((xyz @ R.T + t)[:, 2] > 0)).sum()))
    return poses[int(np.argmax(votes))]


def triangulate_optimal(rays_a: F64, rays_b: F64, R: F64, t: F64) -> F64:
    """Find points from two views so that the rays move as little as possible.

    Parameters
    ----------
    rays_a, rays_b : (N, 2)
        Ideal ``x/z, y/z``; NaN where a view did not see the point.
    R : (3, 3), t : (3,)
        ``x_b = R x_a + t``.

    Returns
    -------
    xyz : (N, 3), in units of t, frame of camera a
        NaN where a view is missing.

    Notes
    -----
    The polynomial method of Hartley & Sturm (1997); the two cameras count alike if their focal
    lengths do.
    """
    a, b = correct_matches(rays_a, rays_b, skew(t) @ R)
    return intersect_rays(a, b, R, t)


def correct_matches(xy_a: F64, xy_b: F64, F: F64) -> tuple[F64, F64]:
    """Move two views' points as little as possible so that they fit a fundamental matrix exactly.

    Parameters
    ----------
    xy_a, xy_b : (N, 2)
        Pixels or rays.
    F : (3, 3)
        Of the same kind.

    Returns
    -------
    xy_a, xy_b : (N, 2)
        NaN where one was missing, or lies on the epipole.

    Notes
    -----
    Hartley & Sturm 1997: with both points at the origin and the epipoles on the x axis, the pencil
    of epipolar lines has one parameter, whose cost has its extrema at the roots of a polynomial of
    degree six. Every real t is a pair of epipolar lines, so the real parts of all roots are tried
    and the cheapest wins; no root needs to be called real.
    """
    corrected = np.full((2, len(xy_a), 2), np.nan)
    rows = np.flatnonzero(np.isfinite(xy_a).all(-1) & np.isfinite(xy_b).all(-1))
    moved = _build_translations(xy_b[rows]).swapaxes(-1, -2) @ F @ _build_translations(xy_a[rows])
    turn_a, f_a = _rotate_epipole_to_x(moved)
    turn_b, f_b = _rotate_epipole_to_x(moved.swapaxes(-1, -2))
    G = turn_b @ moved @ turn_a.swapaxes(-1, -2)
    G = G / np.maximum(np.linalg.norm(G, axis=(-2, -1), keepdims=True), EPSILON)
    line_a, line_b = _find_nearest_lines(G, f_a, f_b)
    for view, (xy, turn, line) in enumerate(((xy_a, turn_a, line_a), (xy_b, turn_b, line_b))):
        foot = np.stack([-line[:, 0] * line[:, 2], -line[:, 1] * line[:, 2]], -1)
        foot /= (line[:, :2] ** 2).sum(-1, keepdims=True)
        corrected[view, rows] = xy[rows] + (foot[:, None] @ turn[:, :2, :2])[:, 0]
    return corrected[0], corrected[1]


def intersect_rays(rays_a: F64, rays_b: F64, R: F64, t: F64) -> F64:
    """Find the points nearest to both rays.

    Parameters
    ----------
    rays_a, rays_b : (N, 2)
        Ideal ``x/z, y/z``.
    R : (3, 3), t : (3,)
        ``x_b = R x_a + t``.

    Returns
    -------
    xyz : (N, 3), in units of t, frame of camera a
        Linear (Hartley & Zisserman 12.2); exact where the rays meet; NaN where a ray is missing.
    """
    P_a, P_b = np.eye(3, 4), np.column_stack([R, t])
    planes = [
        ray[:, axis, None] * P[2] - P[axis]
        for ray, P in ((rays_a, P_a), (rays_b, P_b))
        for axis in (0, 1)
    ]
    A = np.stack(planes, 1)
    xyz = np.full((len(rays_a), 3), np.nan)
    rows = np.isfinite(A).all((1, 2))
    X = np.linalg.svd(A[rows])[2][:, -1]
    w = np.where(np.abs(X[:, 3]) > EPSILON, X[:, 3], np.nan)
    xyz[rows] = X[:, :3] / w[:, None]
    return xyz


def _find_nearest_lines(G: F64, f_a: F64, f_b: F64) -> tuple[F64, F64]:
    """Find the pair of epipolar lines nearest to both origins, (N, 3) each."""
    a = G[:, 1, 1]
    b = G[:, 1, 2]
    c = G[:, 2, 1]
    d = G[:, 2, 2]
    t = _find_extrema(np.stack([a, b, c, d]), f_a, f_b)
    cost = _compute_line_cost(t, np.stack([a, b, c, d])[..., None], f_a[:, None], f_b[:, None])
    at_infinity = 1 / np.maximum(f_a**2, EPSILON) + c**2 / np.maximum(
        a**2 + (f_b * c) ** 2, EPSILON
    )
    best = np.take_along_axis(t, cost.argmin(1)[:, None], 1)[:, 0]
    far = (at_infinity < cost.min(1))[:, None]
    line_a = np.where(
        far,
        np.stack([f_a, 0 * a, -np.ones_like(a)], -1),
        np.stack([best * f_a, 0 * a + 1, -best], -1),
    )
    near_b = np.stack([-f_b * (c * best + d), a * best + b, c * best + d], -1)
    return line_a, np.where(far, np.stack([-f_b * c, a, c], -1), near_b)


def _find_extrema(abcd: F64, f_a: F64, f_b: F64) -> F64:
    """Find the real parts of the roots of Hartley & Sturm's polynomial, (N, 6)."""
    a, b, c, d = abcd
    one = np.ones_like(a)
    at_b, ct_d = [b, a], [d, c]
    square = _add_polynomials(
        _multiply_polynomials(at_b, at_b), [f_b**2 * k for k in _multiply_polynomials(ct_d, ct_d)]
    )
    first = [0 * one, *_multiply_polynomials(square, square)]
    growing = [one, 0 * one, f_a**2]
    second = _multiply_polynomials(
        _multiply_polynomials(growing, growing), _multiply_polynomials(at_b, ct_d)
    )
    factor = a * d - b * c
    polynomial = np.stack(_add_polynomials(first, [-factor * k for k in second]), -1)
    polynomial /= np.maximum(np.abs(polynomial).max(-1, keepdims=True), EPSILON)
    # a leading coefficient of 0 is a root at infinity; as a far one it is tried like the others
    lead = np.where(np.abs(polynomial[:, 6]) > EPSILON, polynomial[:, 6], EPSILON)
    companion = np.zeros((len(a), 6, 6))
    companion[:, np.arange(1, 6), np.arange(5)] = 1
    companion[:, :, 5] = -polynomial[:, :6] / lead[:, None]
    return np.asarray(np.linalg.eigvals(companion).real, float)


def _compute_line_cost(t: F64, abcd: F64, f_a: F64, f_b: F64) -> F64:
    """Sum the squared distances of both origins from their lines."""
    a, b, c, d = abcd
    first = t**2 / (1 + (f_a * t) ** 2)
    return first + (c * t + d) ** 2 / np.maximum(
        (a * t + b) ** 2 + f_b**2 * (c * t + d) ** 2, EPSILON**2
    )


def _multiply_polynomials(p: list[F64], q: list[F64]) -> list[F64]:
    """Multiply two polynomials, lowest power first."""
    product = [np.zeros_like(p[0]) for _ in range(len(p) + len(q) - 1)]
    for i, one in enumerate(p):
        for j, other in enumerate(q):
            product[i + j] = product[i + j] + one * other
    return product


def _add_polynomials(p: list[F64], q: list[F64]) -> list[F64]:
    """Add two polynomials, lowest power first."""
    zero = np.zeros_like(p[0])
    length = max(len(p), len(q))
    return [(p[i] if i < len(p) else zero) + (q[i] if i < len(q) else zero) for i in range(length)]


def _build_translations(xy: F64) -> F64:
    """Make the matrices (N, 3, 3) that carry the origin to each point."""
    matrix = np.broadcast_to(np.eye(3), (len(xy), 3, 3)).copy()
    matrix[:, :2, 2] = xy
    return matrix


def _rotate_epipole_to_x(F: F64) -> tuple[F64, F64]:
    """Turn right epipoles onto the x axis: rotations (N, 3, 3), third coordinates (N,)."""
    epipole = np.linalg.svd(F)[2][:, -1]
    length = np.hypot(epipole[:, 0], epipole[:, 1])
    epipole = epipole / np.where(length > EPSILON, length, np.nan)[:, None]
    turn = np.broadcast_to(np.eye(3), F.shape).copy()
    turn[:, 0, 0], turn[:, 0, 1] = epipole[:, 0], epipole[:, 1]
    turn[:, 1, 0], turn[:, 1, 1] = -epipole[:, 1], epipole[:, 0]
    return turn, epipole[:, 2]


def _find_inliers(xy_a: F64, xy_b: F64, F: F64) -> Mask:
    """Find the inliers by the median distance, (N,)."""
    distance = sampson_distance_px(xy_a, xy_b, F)
    # robust sigma of least median of squares (Rousseeuw & Leroy 1987; Zhang 1998)
    spread = 1.4826 * (1 + 5 / max(len(distance) - MIN_MATCHES, 1)) * float(np.median(distance))
    return distance <= max(INLIER_SIGMAS * spread, EPSILON)


def _normalise_points(xy: F64) -> tuple[F64, F64]:
    """Scale points to mean 0 and rms sqrt(2): homogeneous points, and the matrices."""
    middle = xy.mean(-2, keepdims=True)
    spread = np.sqrt(((xy - middle) ** 2).sum(-1).mean(-1) / 2)
    scale = np.asarray(1 / np.maximum(spread, EPSILON), float)
    matrix = np.zeros((*xy.shape[:-2], 3, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = scale
    matrix[..., :2, 2] = -scale[..., None] * middle[..., 0, :]
    matrix[..., 2, 2] = 1
    return _to_homogeneous((xy - middle) * scale[..., None, None]), matrix


def _to_homogeneous(xy: F64) -> F64:
    """Append a one."""
    return np.asarray(np.concatenate([xy, np.ones((*xy.shape[:-1], 1))], -1), float)
