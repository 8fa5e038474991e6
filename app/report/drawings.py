"""The drawings of the report page, as SVG: the rig in two views, errors and coverage."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from calibration.geometry.arrays import F64
from calibration.rig import Camera, Rig

_ENLARGEMENTS, _MAX_CIRCLE_M = (10, 5, 2, 1), 0.5
_WIDTH, _MARGIN = 520.0, 34.0
_WEDGE_M = 0.9
_ABOVE, _SIDE = (0, 1), (0, 2)


def draw_from_above(rig: Rig, path_xyz_m: F64 | None, sigma_m: Mapping[str, float]) -> str:
    """Draw the floor plan: cameras, their views, and the path of the person.

    Parameters
    ----------
    rig
    path_xyz_m : (T, 3), m, world
        NaN where unknown.
    sigma_m : by camera name, m
        Of the camera positions; drawn as circles, enlarged by `choose_enlargement`.
    """
    return _draw_plane(rig, path_xyz_m, sigma_m, _ABOVE)


def draw_from_side(rig: Rig, path_xyz_m: F64 | None, sigma_m: Mapping[str, float]) -> str:
    """Draw the room from the side: height above the floor over x.

    Parameters
    ----------
    rig, path_xyz_m, sigma_m
        As for `draw_from_above`.
    """
    return _draw_plane(rig, path_xyz_m, sigma_m, _SIDE)


def choose_enlargement(sigma_m: Mapping[str, float]) -> int:
    """Choose the enlargement of the uncertainties, so that they are visible beside the room.

    Parameters
    ----------
    sigma_m : by camera name, m
    """
    largest = max((value for value in sigma_m.values() if value == value), default=0.0)
    return next((times for times in _ENLARGEMENTS if times * largest <= _MAX_CIRCLE_M), 1)


def draw_histogram(edges: Sequence[float], counts: Sequence[float], median: float) -> str:
    """Draw a histogram of errors.

    Parameters
    ----------
    edges
        Of the bins, px; one more than counts.
    counts
    median
        Marked by a line, px; NaN for none.
    """
    width, height = 240.0, 110.0
    low, high = edges[0], edges[-1]
    tallest = max(max(counts), 1)
    x = [(edge - low) / (high - low) * width for edge in edges]
    bars = [
        f'<rect class="bar" x="{a:.1f}" y="{height * (1 - count / tallest):.1f}" '
        f'width="{max(b - a - 1, 0.5):.1f}" '
        f'height="{height * count / tallest:.1f}"/>'
        for a, b, count in zip(x, x[1:], counts)
    ]
    marks = [f'<line class="axis" x1="0" y1="{height}" x2="{width}" y2="{height}"/>']
    if median == median and low <= median <= high:
        at = (median - low) / (high - low) * width
        marks.append(f'<line class="median" x1="{at:.1f}" y1="0" x2="{at:.1f}" y2="{height}"/>')
    labels = [
        f'<text x="{place}" y="{height + 14}" text-anchor="{anchor}">{value:.3g} px</text>'
        for place, anchor, value in (
            (0, "start", low),
            (width / 2, "middle", (low + high) / 2),
            (width, "end", high),
        )
    ]
    return (
        f'<svg viewBox="0 0 {width} {height + 18}" '
        f'role="img">{"".join(bars + marks + labels)}</svg>'
    )


def draw_coverage(counts: Sequence[Sequence[float]], aspect: float) -> str:
    """Draw which parts of the image joints were seen in.

    Parameters
    ----------
    counts
        Rows of the image from the top; joints seen in each cell.
    aspect
        Width divided by height of the image.
    """
    rows, columns = len(counts), len(counts[0])
    width = 240.0 if aspect >= 1 else 240.0 * aspect
    cell_w, cell_h = width / columns, width / aspect / rows
    largest = max(max(max(row) for row in counts), 1)
    cells = []
    for r, row in enumerate(counts):
        for c, count in enumerate(row):
            style = (
                f'class="cell" fill-opacity="{0.2 + 0.8 * (count / largest) ** 0.5:.2f}"'
                if count
                else 'class="cell empty"'
            )
            cells.append(
                f'<rect {style} x="{c * cell_w:.1f}" y="{r * cell_h:.1f}" width="{cell_w:.1f}" '
                f'height="{cell_h:.1f}"/>'
            )
    return f'<svg viewBox="0 0 240 {width / aspect:.0f}" role="img">{"".join(cells)}</svg>'


class _Plane:
    """A drawing to scale of two world axes; the second points up."""

    def __init__(self, points: F64, axes: tuple[int, int]) -> None:
        self.axes = axes
        flat = points[:, list(axes)]
        self.low = np.floor(flat.min(0) - 0.4)
        self.high = np.ceil(flat.max(0) + 0.4)
        self.zoom = (_WIDTH - 2 * _MARGIN) / float(self.high[0] - self.low[0])
        self.height = float(self.high[1] - self.low[1]) * self.zoom + 2 * _MARGIN

    def __call__(self, xyz: F64) -> F64:
        """Project world points to the drawing, (..., 2)."""
        flat = np.asarray(xyz)[..., list(self.axes)]
        x = _MARGIN + (flat[..., 0] - self.low[0]) * self.zoom
        return np.stack([x, self.height - _MARGIN - (flat[..., 1] - self.low[1]) * self.zoom], -1)


def _draw_plane(
    rig: Rig, path: F64 | None, sigma_m: Mapping[str, float], axes: tuple[int, int]
) -> str:
    """Draw grid, path, then cameras."""
    known = path[np.isfinite(path).all(-1)] if path is not None else np.zeros((0, 3))
    centres = np.array([camera.centre for camera in rig])
    plane = _Plane(np.concatenate([centres, known, np.zeros((1, 3))]), axes)
    parts = _draw_mesh(plane)
    if path is not None and len(known):
        parts += _draw_path(plane, path)
    for camera in rig:
        parts += _draw_camera(
            plane, camera, sigma_m.get(camera.name, float("nan")) * choose_enlargement(sigma_m)
        )
    return f'<svg viewBox="0 0 {_WIDTH:.0f} {plane.height:.0f}" role="img">{"".join(parts)}</svg>'


def _draw_mesh(plane: _Plane) -> list[str]:
    """Draw a grid line per metre, with its number."""
    (left, bottom), (right, top) = plane.low, plane.high
    parts = []
    for x in np.arange(left, right + 0.5):
        (x1, y1), (_, y2) = _project_corner(plane, x, bottom), _project_corner(plane, x, top)
        parts.append(
            f'<line class="mesh" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x1:.1f}" y2="{y2:.1f}"/>'
        )
        parts.append(f'<text x="{x1:.1f}" y="{y1 + 16:.1f}" text-anchor="middle">{x:g}</text>')
    for y in np.arange(bottom, top + 0.5):
        (x1, y1), (x2, _) = _project_corner(plane, left, y), _project_corner(plane, right, y)
        kind = "axis" if plane.axes == _SIDE and y == 0 else "mesh"
        parts.append(
            f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y1:.1f}"/>'
        )
        parts.append(f'<text x="{x1 - 8:.1f}" y="{y1 + 4:.1f}" text-anchor="end">{y:g}</text>')
    return parts


def _project_corner(plane: _Plane, a: float, b: float) -> F64:
    """Project a point given on the axes of the drawing."""
    xyz = np.zeros(3)
    xyz[list(plane.axes)] = a, b
    return plane(xyz)


def _draw_path(plane: _Plane, path: F64) -> list[str]:
    """Draw the path of the person, with gaps where it is unknown."""
    gaps = np.flatnonzero(~np.isfinite(path).all(-1))
    pieces = [piece[np.isfinite(piece).all(-1)] for piece in np.split(path, gaps)]
    lines = []
    for piece in pieces:
        if len(piece) > 1:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in plane(piece))
            lines.append(f'<polyline class="path" points="{points}"/>')
    return lines


def _draw_camera(plane: _Plane, camera: Camera, circle_m: float) -> list[str]:
    """Draw a camera: field of view, uncertainty, position and name."""
    x, y = plane(camera.centre)
    corners = plane(_compute_view_corners(camera))
    angles = np.unwrap(np.arctan2(corners[:, 1] - y, corners[:, 0] - x))
    widest = corners[[int(np.argmin(angles)), int(np.argmax(angles))]]
    wedge = " ".join(f"{a:.1f},{b:.1f}" for a, b in np.vstack([[[x, y]], widest]))
    parts = [f'<polygon class="wedge" points="{wedge}"/>']
    radius = circle_m * plane.zoom if circle_m == circle_m else 0.0
    parts.append(f'<circle class="sigma" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    above = max(10.0, radius + 5)
    parts.append(f'<circle class="camera" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    parts.append(
        f'<text class="name" x="{x:.1f}" y="{y - above:.1f}" '
        f'text-anchor="middle">{escape(camera.name)}</text>'
    )
    return parts


def _compute_view_corners(camera: Camera) -> F64:
    """Find the corners of the image `_WEDGE_M` in front of the camera, (4, 3), m, world."""
    width, height = camera.size_wh
    pixels = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float)
    local = pixels @ np.linalg.inv(camera.matrix).T * _WEDGE_M
    return (local - camera.t) @ camera.R
