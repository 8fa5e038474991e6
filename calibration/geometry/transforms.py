"""Rotations and rigid transforms, named target_from_source."""

import numpy as np

from calibration.geometry.arrays import F64

MIN_LENGTH = 1e-9  # shorter vectors have no direction


def normalize(vectors: F64) -> F64:
    """Scale vectors to length 1.

    Parameters
    ----------
    vectors : (..., 3)

    Returns
    -------
    directions : (..., 3)
        0 where a vector is 0, NaN where it is NaN.
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), MIN_LENGTH)


def skew(vector: F64) -> F64:
    """Return the matrix that does the cross product.

    Parameters
    ----------
    vector : (..., 3)

    Returns
    -------
    matrix : (..., 3, 3)
        ``matrix @ other == cross(vector, other)``.
    """
    vector = np.asarray(vector, float)
    matrix = np.zeros((*vector.shape, 3))
    x, y, z = np.moveaxis(vector, -1, 0)
    matrix[..., 0, 1], matrix[..., 0, 2], matrix[..., 1, 2] = -z, y, -x
    matrix[..., 1, 0], matrix[..., 2, 0], matrix[..., 2, 1] = z, -y, x
    return matrix


def rotation_from_rotvec(rotvec: F64) -> F64:
    """Turn rotation vectors into matrices.

    Parameters
    ----------
    rotvec : (..., 3), rad
        Axis times angle.

    Returns
    -------
    rotation : (..., 3, 3)

    Notes
    -----
    Rodrigues' formula, with its series below 1e-7 rad.
    """
    rotvec = np.asarray(rotvec, float)
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    small = angle < 1e-7
    safe = np.where(small, 1.0, angle)
    sine = np.where(small, 1.0, np.sin(safe) / safe)
    cosine = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    cross = skew(rotvec)
    return np.eye(3) + sine * cross + cosine * cross @ cross


def rotvec_from_rotation(rotation: F64) -> F64:
    """Turn rotation matrices into rotation vectors of length at most pi.

    Parameters
    ----------
    rotation : (..., 3, 3)

    Returns
    -------
    rotvec : (..., 3), rad

    Notes
    -----
    By way of the quaternion, which is well conditioned at every angle (Shepperd 1978).
    """
    m = np.asarray(rotation, float)
    trace = np.trace(m, axis1=-2, axis2=-1)
    candidates = np.stack([trace, m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], -1)
    outer = np.empty((*m.shape[:-2], 4, 4))
    outer[..., 0, :] = np.stack(
        [
            1 + trace,
            m[..., 2, 1] - m[..., 1, 2],
            m[..., 0, 2] - m[..., 2, 0],
            m[..., 1, 0] - m[..., 0, 1],
        ],
        -1,
    )
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        row = np.empty((*m.shape[:-2], 4))
        row[..., 0] = m[..., k, j] - m[..., j, k]
        row[..., 1 + i] = 1 + m[..., i, i] - m[..., j, j] - m[..., k, k]
        row[..., 1 + j] = m[..., j, i] + m[..., i, j]
        row[..., 1 + k] = m[..., k, i] + m[..., i, k]
        outer[..., 1 + i, :] = row
    best = np.argmax(candidates, -1)
    quaternion = np.take_along_axis(outer, best[..., None, None], -2)[..., 0, :]
    quaternion /= np.linalg.norm(quaternion, axis=-1, keepdims=True)
    quaternion = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    sine = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, quaternion[..., :1])
    factor = np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)
    return factor * quaternion[..., 1:]


def rigid_transform(rotation: F64, translation: F64) -> F64:
    """Join a rotation and a translation into a transform.

    Parameters
    ----------
    rotation : (..., 3, 3)
    translation : (..., 3), m

    Returns
    -------
    target_from_source : (..., 4, 4)
    """
    rotation = np.asarray(rotation, float)
    translation = np.asarray(translation, float)
    transform = np.zeros((*rotation.shape[:-2], 4, 4))
    transform[..., :3, :3] = rotation
    transform[..., :3, 3] = translation
    transform[..., 3, 3] = 1
    return transform


def invert_transform(target_from_source: F64) -> F64:
    """Turn a rigid transform round.

    Parameters
    ----------
    target_from_source : (..., 4, 4)

    Returns
    -------
    source_from_target : (..., 4, 4)
    """
    rotation = np.swapaxes(target_from_source[..., :3, :3], -1, -2)
    return rigid_transform(rotation, -(rotation @ target_from_source[..., :3, 3:])[..., 0])


def transform_points(target_from_source: F64, xyz: F64) -> F64:
    """Carry points from the source frame to the target frame.

    Parameters
    ----------
    target_from_source : (4, 4)
    xyz : (..., 3), m, source frame

    Returns
    -------
    xyz : (..., 3), m, target frame
    """
    return xyz @ target_from_source[:3, :3].T + target_from_source[:3, 3]


def rotation_angle_rad(rotation: F64) -> F64:
    """Measure by how much rotations turn.

    Parameters
    ----------
    rotation : (..., 3, 3)

    Returns
    -------
    angle : (...), rad, in [0, pi]
    """
    return np.linalg.norm(rotvec_from_rotation(rotation), axis=-1)


def nearest_rotation(matrix: F64) -> F64:
    """Find the rotation nearest to a matrix in the Frobenius norm.

    Parameters
    ----------
    matrix : (..., 3, 3)

    Returns
    -------
    rotation : (..., 3, 3)
        Determinant +1.
    """
    u, _, vt = np.linalg.svd(matrix)
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., :, 2] *= sign[..., None]
    return u @ vt


def rotation_between(source: F64, target: F64) -> F64:
    """Find the smallest rotation that carries one direction onto another.

    Parameters
    ----------
    source, target : (3,)
        Any length but 0.

    Returns
    -------
    rotation : (3, 3)
    """
    source = source / np.linalg.norm(source)
    target = target / np.linalg.norm(target)
    axis = skew(source) @ target
    sine, cosine = np.linalg.norm(axis), float(source @ target)
    if sine < 1e-12:
        if cosine > 0:
            return np.eye(3)
        axis = skew(source) @ np.eye(3)[np.argmin(np.abs(source))]
        return rotation_from_rotvec(axis * (np.pi / np.linalg.norm(axis)))
    angle = float(np.arctan2(sine, cosine))
    return rotation_from_rotvec(angle * axis / sine)
