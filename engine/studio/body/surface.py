"""Surface: from a signed distance field to a mesh, with sharp borders between parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask

Field = Callable[[F64], F64]
_NEWTON_STEPS, _NEWTON_DAMPING = 2, 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A mesh.

    Parameters
    ----------
    vertices : (N, 3), m, body frame
    triangles : (F, 3)
        Counter-clockwise from outside.
    normals : (N, 3)
        Unit, outwards.
    """

    vertices: F64
    triangles: I64
    normals: F64


def build_surface(field: Field, low: F64, high: F64, cell_m: float) -> Surface:
    """Wrap a mesh round a shape.

    Parameters
    ----------
    field
        Negative inside.
    low, high : (3,), m
        Corners of a box that holds the shape.
    cell_m
        Edge of the grid's cells, about that of the triangles.

    Notes
    -----
    Naive surface nets (Gibson 1998): one vertex per cell that the surface crosses, at the mean of
    its edge crossings; two damped Newton steps then carry the vertices onto the surface itself.
    """
    count = np.ceil((high - low) / cell_m).astype(int) + 1
    axes = [low[i] + cell_m * np.arange(count[i]) for i in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    distance = field(grid.reshape(-1, 3)).reshape(count)
    share, crossed = _find_mean_crossings(distance)
    index = np.full(crossed.shape, -1, np.int64)
    index[crossed] = np.arange(crossed.sum())
    vertices = low + cell_m * (np.argwhere(crossed) + share[crossed])
    triangles = _build_quads(distance < 0, index)
    for _ in range(_NEWTON_STEPS):
        slope = _compute_gradient(field, vertices, 0.35 * cell_m)
        steepness = np.maximum((slope * slope).sum(-1), 0.05)
        vertices = vertices - _NEWTON_DAMPING * (field(vertices) / steepness)[:, None] * slope
    slope = _compute_gradient(field, vertices, 0.35 * cell_m)
    return Surface(
        vertices, triangles, slope / (np.linalg.norm(slope, axis=-1, keepdims=True) + 1e-9)
    )


def cut_along(surface: Surface, field: Field) -> Surface:
    """Split the triangles where another field changes its sign, so that a border there is sharp.

    Parameters
    ----------
    surface
    field
        Of points; its zero is the border.

    Returns
    -------
    surface
        The same shape with more vertices.
    """
    value = field(surface.vertices)
    value = np.where(np.abs(value) < 1e-6, 1e-6, value)
    corners = (value > 0)[surface.triangles]
    mixed = corners.any(1) & ~corners.all(1)
    if not mixed.any():
        return surface
    triangles, inside = surface.triangles[mixed], corners[mixed]
    # turn each triangle so that its first corner is the one that is alone on its side
    minority = inside == (inside.sum(1) == 1)[:, None]
    alone = np.argmax(minority, axis=1)
    a, b, c = (triangles[np.arange(len(triangles)), (alone + i) % 3] for i in range(3))
    edges, place = np.unique(
        np.sort(np.stack([np.r_[a, a], np.r_[b, c]], -1), axis=1), axis=0, return_inverse=True
    )
    ends = value[edges]
    share = (ends[:, 0] / (ends[:, 0] - ends[:, 1]))[:, None]
    middle = surface.vertices[edges[:, 0]] * (1 - share) + surface.vertices[edges[:, 1]] * share
    normal = surface.normals[edges[:, 0]] * (1 - share) + surface.normals[edges[:, 1]] * share
    ab, ac = np.split(len(value) + place.ravel(), 2)
    parts = [np.stack(corner, -1) for corner in ((a, ab, ac), (ab, b, c), (ab, c, ac))]
    return Surface(
        np.concatenate([surface.vertices, middle]),
        np.concatenate([surface.triangles[~mixed], *parts]),
        np.concatenate([surface.normals, normal / np.linalg.norm(normal, axis=-1, keepdims=True)]),
    )


def split_by_label(surface: Surface, label: I64) -> tuple[Surface, I64]:
    """Give every label its own copy of the vertices on its border, so that colours do not run.

    Parameters
    ----------
    surface
    label : (F,), of each triangle, below 64

    Returns
    -------
    surface
    label : (N,), of each vertex
    """
    keys, place = np.unique(surface.triangles * 64 + label[:, None], return_inverse=True)
    split = Surface(surface.vertices[keys // 64], place.reshape(-1, 3), surface.normals[keys // 64])
    return split, keys % 64


def _find_mean_crossings(distance: F64) -> tuple[F64, Mask]:
    """Average where the surface crosses each cell's edges, (..., 3) in cells; mark those cells."""
    shape = np.array(distance.shape) - 1
    total, count = np.zeros((*shape, 3)), np.zeros(shape)
    for corner in product((0, 1), repeat=3):
        for axis in range(3):
            if corner[axis]:
                continue
            end = tuple(1 if i == axis else corner[i] for i in range(3))
            first = distance[_select_corner(corner, shape)]
            second = distance[_select_corner(end, shape)]
            crosses = (first < 0) != (second < 0)
            point = np.zeros((*shape, 3)) + corner
            point[..., axis] = np.where(crosses, first / np.where(crosses, first - second, 1), 0)
            total += point * crosses[..., None]
            count += crosses
    return total / np.maximum(count, 1)[..., None], count > 0


def _select_corner(corner: Sequence[int], shape: I64) -> tuple[slice, ...]:
    """Select one corner of every cell."""
    return tuple(slice(c, c + n) for c, n in zip(corner, shape))


def _build_quads(inside: Mask, index: I64) -> I64:
    """Join the four cells round every crossed edge of the grid with two triangles."""
    triangles = []
    count = inside.shape
    for axis in range(3):
        second, third = (axis + 1) % 3, (axis + 2) % 3
        lower = [slice(1, -1)] * 3
        upper = [slice(1, -1)] * 3
        lower[axis], upper[axis] = slice(0, count[axis] - 1), slice(1, count[axis])
        start, end = inside[tuple(lower)], inside[tuple(upper)]
        for outwards in (True, False):
            edge = np.argwhere(start & ~end if outwards else ~start & end)
            edge[:, second] += 1
            edge[:, third] += 1
            ring = []
            for back_second, back_third in ((1, 1), (0, 1), (0, 0), (1, 0)):
                cell = edge.copy()
                cell[:, second] -= back_second
                cell[:, third] -= back_third
                ring.append(index[tuple(cell.T)])
            p, q, r, s = ring if outwards else ring[::-1]
            triangles += [np.stack([p, q, r], -1), np.stack([p, r, s], -1)]
    joined = np.concatenate(triangles)
    return joined[(joined >= 0).all(1)]


def _compute_gradient(field: Field, points: F64, step_m: float) -> F64:
    """Differentiate a field, (N, 3)."""
    shifts = step_m * np.eye(3)
    return np.stack([field(points + shift) - field(points - shift) for shift in shifts], -1) / (
        2 * step_m
    )
