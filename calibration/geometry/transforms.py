"""Rotations and rigid transforms, named target_from_source."""

# pyright: reportMissingTypeStubs=false

import numpy as np
from scipy.spatial.transform import Rotation

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
    """Return the matrix of a cross product.

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
    """Convert rotation vectors to matrices.

    Parameters
    ----------
    rotvec : (..., 3), rad
        Axis times angle.

    Returns
    -------
    rotation : (..., 3, 3)
        NaN where the vector is not finite.
    """
    rotvec = np.asarray(rotvec, float)
    matrices = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix()
    return matrices.reshape(*rotvec.shape, 3)


def rotvec_from_rotation(rotation: F64) -> F64:
    """Convert rotation matrices to rotation vectors of length at most pi.

    Parameters
    ----------
    rotation : (..., 3, 3)

    Returns
    -------
    rotvec : (..., 3), rad
        NaN where the matrix is not finite.
    """
    rotation = np.asarray(rotation, float)
    matrices = rotation.reshape(-1, 3, 3)
    # one matrix that is not finite would make scipy refuse all of them
    finite = np.isfinite(matrices).all((1, 2))
    rotvec = np.full((len(matrices), 3), np.nan)
    if finite.any():
        rotvec[finite] = Rotation.from_matrix(matrices[finite]).as_rotvec()
    return rotvec.reshape(rotation.shape[:-1])


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
    """Invert a rigid transform.

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
    """Transform points from the source frame to the target frame.

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
    """Measure the angles of rotations.

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

    Notes
    -----
    ``U diag(1, 1, det U V^T) V^T`` of the singular value decomposition (Umeyama 1991).
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
        # opposite directions: half a turn about any perpendicular axis; the coordinate axis least
        # along `source` gives the best conditioned one
        axis = skew(source) @ np.eye(3)[np.argmin(np.abs(source))]
        return rotation_from_rotvec(axis * (np.pi / np.linalg.norm(axis)))
    angle = float(np.arctan2(sine, cosine))
    return rotation_from_rotvec(angle * axis / sine)
