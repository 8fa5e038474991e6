"""The drawings of the rig from above and from the side, with what is uncertain about it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.report.labels import Box, Label, draw_labels
from app.report.svg import draw_line, draw_text, round_up, shorten_name, wrap_svg
from calibration.geometry.arrays import F64
from calibration.rig import Camera, Rig

SIGMAS = 2.0  # of the ellipses and wedges: the truth lies within with about 95 %
_ENLARGEMENTS, _MAX_ELLIPSE_M = (10, 5, 2, 1), 0.5
_WIDTH, _MAX_HEIGHT, _MARGIN = 520.0, 560.0, 40.0
_AROUND_M = 0.7  # shown beyond the outermost cameras
_MAX_LINES = 12  # of the mesh along an axis
_MIN_SEMI_AXIS_PX, _RING_PX = 1.5, 8.0
_MIN_WEDGE_PX = 1.2
_ABOVE, _SIDE = (0, 1), (0, 2)


@dataclass(frozen=True, slots=True, eq=False)
class CameraDoubt:
    """What is uncertain about a camera's pose.

    Parameters
    ----------
    covariance_m2 : (3, 3), m^2, world
        Of its position; NaN where unknown.
    rotation_sigma_deg
        NaN where unknown.
    is_large
        Whether it is marked.
    """

    covariance_m2: F64
    rotation_sigma_deg: float
    is_large: bool = False

    @property
    def position_sigma_m(self) -> float:
        """Standard deviation of the distance from the true position."""
        return float(np.sqrt(np.trace(self.covariance_m2)))


def draw_from_above(
    rig: Rig, path_xyz_m: F64 | None, doubts: Mapping[str, CameraDoubt], stamp: str = ""
) -> str:
    """Draw the floor plan: cameras, their views, and the path of the person.

    Parameters
    ----------
    rig
    path_xyz_m : (T, 3), m, world
        NaN where unknown.
    doubts
        By camera name: ellipses of the positions, enlarged by `choose_enlargement`, and wedges of
        the directions.
    stamp
        Written across the drawing.
    """
    plane = _Plane(rig, path_xyz_m, _ABOVE)
    return _draw_plane(plane, rig, path_xyz_m, doubts, stamp)


def draw_from_side(
    rig: Rig, path_xyz_m: F64 | None, doubts: Mapping[str, CameraDoubt], stamp: str = ""
) -> str:
    """Draw the room from the side: height above the floor over x.

    Parameters
    ----------
    rig, path_xyz_m, doubts, stamp
        As for `draw_from_above`.
    """
    plane = _Plane(rig, path_xyz_m, _SIDE)
    return _draw_plane(plane, rig, path_xyz_m, doubts, stamp)


def choose_enlargement(doubts: Mapping[str, CameraDoubt]) -> int:
    """Choose the enlargement of the ellipses, so that they are visible beside the room.

    Parameters
    ----------
    doubts
        By camera name.
    """
    sigmas = [SIGMAS * doubt.position_sigma_m for doubt in doubts.values()]
    largest = max((value for value in sigmas if np.isfinite(value)), default=0.0)
    return next((times for times in _ENLARGEMENTS if times * largest <= _MAX_ELLIPSE_M), 1)


class _Plane:
    """A drawing to scale of two world axes; the second points up. Both drawings have one scale."""

    def __init__(self, rig: Rig, path: F64 | None, axes: tuple[int, int]) -> None:
        points = [np.array([camera.centre for camera in rig]), np.zeros((1, 3))]
        known = path[np.isfinite(path).all(-1)] if path is not None else np.zeros((0, 3))
        if len(known):  # a few wild points of a bad rig must not shrink the room to a dot
            points.append(np.percentile(known, [2, 98], axis=0))
        low, high = np.concatenate(points).min(0) - _AROUND_M, np.concatenate(points).max(0)
        high = high + _AROUND_M
        self.view_m = float(np.clip(0.26 * (high - low)[:2].max(), 0.4, 40.0))
        corners = np.concatenate([_compute_view_corners(camera, self.view_m) for camera in rig])
        top = max(high[2] - _AROUND_M / 2, min(corners[:, 2].max(), high[2]) + 0.1)
        low[2], high[2] = min(low[2] + _AROUND_M, 0.0) - 0.25, top
        self.axes, self.low, self.high = axes, low[list(axes)], high[list(axes)]
        span = high - low
        self.zoom = float(
            min((_WIDTH - 2 * _MARGIN) / span[0], (_MAX_HEIGHT - 2 * _MARGIN) / span[1:].max())
        )
        self.step_m = max(round_up(float(span.max()) / _MAX_LINES), 1.0)
        self.width = _WIDTH
        self.left = (_WIDTH - span[0] * self.zoom) / 2
        self.height = float(self.high[1] - self.low[1]) * self.zoom + 2 * _MARGIN

    def __call__(self, xyz: F64) -> F64:
        """Project world points to the drawing, (..., 2)."""
        return self.place(np.asarray(xyz)[..., list(self.axes)])

    def place(self, flat: F64) -> F64:
        """Place points given on the axes of the drawing, (..., 2)."""
        x = self.left + (flat[..., 0] - self.low[0]) * self.zoom
        return np.stack([x, self.height - _MARGIN - (flat[..., 1] - self.low[1]) * self.zoom], -1)

    @property
    def frame(self) -> Box:
        """All of the drawing that labels may cover."""
        left = float(self.place(self.low)[0])
        return Box(left + 2, 4, self.width - 4, self.height - _MARGIN)


def _draw_plane(
    plane: _Plane, rig: Rig, path: F64 | None, doubts: Mapping[str, CameraDoubt], stamp: str
) -> str:
    """Draw grid, path, then cameras."""
    parts = _draw_mesh(plane)
    if path is not None:
        parts += _draw_path(plane, path)
    times = choose_enlargement(doubts)
    unknown = CameraDoubt(np.full((3, 3), np.nan), float("nan"))
    parts += [_draw_view(plane, camera) for camera in rig]
    for camera in rig:
        parts += _draw_direction(plane, camera, doubts.get(camera.name, unknown))
    for camera in rig:
        parts += _draw_position(plane, camera, doubts.get(camera.name, unknown), times)
    labels = [
        _build_label(plane, camera, doubts.get(camera.name, unknown), times) for camera in rig
    ]
    parts += draw_labels(labels, plane.frame)
    if stamp:
        x, y = plane.width / 2, plane.height / 2
        parts.append(
            f'<text class="stamp" x="{x:.0f}" y="{y:.0f}" text-anchor="middle" '
            f'transform="rotate(-18 {x:.0f} {y:.0f})">{stamp}</text>'
        )
    seen_from = "above" if plane.axes == _ABOVE else "the side"
    return wrap_svg(parts, plane.width, plane.height, f"The cameras from {seen_from}")


def _draw_mesh(plane: _Plane) -> list[str]:
    """Draw grid lines with their numbers, the floor, and a scale."""
    first, last = np.ceil(plane.low / plane.step_m), np.floor(plane.high / plane.step_m)
    bottom, left = plane.height - _MARGIN, float(plane.place(plane.low)[0])
    right, top = (float(value) for value in plane.place(plane.high))
    parts: list[str] = []
    for value in np.arange(first[0], last[0] + 1) * plane.step_m:
        x = float(plane.place(np.array([value, 0.0]))[0])
        parts += [
            draw_line("mesh", (x, bottom), (x, top)),
            draw_text(f"{value:g}", (x, bottom + 14), "middle"),
        ]
    for value in np.arange(first[1], last[1] + 1) * plane.step_m:
        y = float(plane.place(np.array([0.0, value]))[1])
        is_floor = plane.axes == _SIDE and value == 0
        parts += [
            draw_line("floor" if is_floor else "mesh", (left, y), (right, y)),
            draw_text("floor" if is_floor else f"{value:g}", (left - 6, y + 4), "end"),
        ]
    bar = plane.step_m * plane.zoom
    y = plane.height - 6.0
    return [
        *parts,
        draw_line("scale", (left, y), (left + bar, y)),
        draw_line("scale", (left, y - 4), (left, y + 4)),
        draw_line("scale", (left + bar, y - 4), (left + bar, y + 4)),
        draw_text(f"{plane.step_m:g} m", (left + bar + 6, y + 4), "start"),
    ]


def _draw_path(plane: _Plane, path: F64) -> list[str]:
    """Draw the path of the person, with gaps where it is unknown."""
    gaps = np.flatnonzero(~np.isfinite(path).all(-1))
    pieces = [piece[np.isfinite(piece).all(-1)] for piece in np.split(path, gaps)]
    lines: list[str] = []
    for piece in pieces:
        if len(piece) > 1:
            lines.append(f'<polyline class="path" points="{_join_points(plane(piece))}"/>')
    return lines


def _draw_view(plane: _Plane, camera: Camera) -> str:
    """Draw a camera's field of view."""
    corners = plane(_compute_view_corners(camera, plane.view_m))
    outline = _find_hull(np.vstack([plane(camera.centre), corners]))
    return f'<polygon class="wedge" points="{_join_points(outline)}"/>'


def _draw_direction(plane: _Plane, camera: Camera, doubt: CameraDoubt) -> list[str]:
    """Draw a camera's direction, and how far it may be off."""
    centre = plane(camera.centre)
    tip = plane(camera.centre + 1.25 * plane.view_m * camera.R[2])
    parts = [draw_line("direction", tuple(centre), tuple(tip))]
    angle_rad = np.radians(SIGMAS * doubt.rotation_sigma_deg)
    if not np.isfinite(angle_rad):
        return parts
    # what a turn about the axis across the drawing does, however steeply it looks into it
    along = tip - centre
    across = np.array([-along[1], along[0]]) / max(float(np.linalg.norm(along)), 1e-9)
    reach_px = 1.25 * plane.view_m * plane.zoom
    half = max(reach_px * float(np.tan(min(angle_rad, 1.2))), _MIN_WEDGE_PX)
    outline = np.stack([centre, tip + half * across, tip - half * across])
    return [f'<polygon class="doubt" points="{_join_points(outline)}"/>', *parts]


def _draw_position(plane: _Plane, camera: Camera, doubt: CameraDoubt, times: int) -> list[str]:
    """Draw a camera's position, and the ellipse of two sigmas about it."""
    x, y = plane(camera.centre)
    mark = "camera care" if doubt.is_large else "camera"
    parts = [f'<circle class="{mark}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>']
    flat = doubt.covariance_m2[np.ix_(plane.axes, plane.axes)]
    if not np.isfinite(flat).all():
        return parts
    values, vectors = np.linalg.eigh(flat)
    semi_px = SIGMAS * times * plane.zoom * np.sqrt(np.maximum(values, 0.0))
    small, large = (float(value) for value in np.maximum(semi_px, _MIN_SEMI_AXIS_PX))
    angle_deg = -np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))  # the page's y points down
    parts.append(
        f'<ellipse class="sigma" cx="{x:.1f}" cy="{y:.1f}" rx="{large:.2f}" ry="{small:.2f}" '
        f'transform="rotate({angle_deg:.2f} {x:.1f} {y:.1f})"/>'
    )
    if large < _RING_PX - 2:
        parts.append(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="{_RING_PX:.1f}"/>')
    return parts


def _build_label(plane: _Plane, camera: Camera, doubt: CameraDoubt, times: int) -> Label:
    """Write a camera's name, and from above the figures of its ellipse and wedge."""
    xy = plane(camera.centre)
    is_above = plane.axes == _ABOVE
    # behind the camera nothing is drawn
    outwards = xy - plane(camera.centre + camera.R[2]) if is_above else np.array([0.0, -1.0])
    variances = np.nan_to_num(np.diag(doubt.covariance_m2)[list(plane.axes)])
    reach = np.maximum(SIGMAS * times * plane.zoom * np.sqrt(np.maximum(variances, 0)), _RING_PX)
    lines = [shorten_name(camera.name)]
    if is_above and np.isfinite(doubt.position_sigma_m):
        lines.append(
            f"± {100 * SIGMAS * doubt.position_sigma_m:.1f} cm, "
            f"± {SIGMAS * doubt.rotation_sigma_deg:.1f}°"
        )
    return Label(tuple(lines), xy, outwards, reach)


def _compute_view_corners(camera: Camera, distance_m: float) -> F64:
    """Find the corners of the image at a distance in front of the camera, (4, 3), m, world."""
    width, height = camera.size_wh
    pixels = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float)
    local = pixels @ np.linalg.inv(camera.matrix).T * distance_m
    return (local - camera.t) @ camera.R


def _find_hull(points: F64) -> F64:
    """Find the convex hull of points of the drawing (Andrew's monotone chain)."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]
    hull: list[F64] = []
    for chain in (ordered, ordered[::-1]):
        start = len(hull)
        for point in chain:
            while len(hull) >= start + 2:
                (ax, ay), (bx, by) = hull[-1] - hull[-2], point - hull[-1]
                if ax * by - ay * bx > 0:
                    break
                hull.pop()
            hull.append(point)
        hull.pop()
    return np.array(hull)


def _join_points(points: F64) -> str:
    """Format points for SVG."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
