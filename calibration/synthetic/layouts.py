"""Layouts: how people really put cameras up, with the lenses that those cameras have.

`calibration.synthetic.synthetic.make_rig` draws rings; here are two phones, arcs and corners, with
portrait images, rolled cameras and wide lenses. METHODS.md 3.4: 2 to 16 cameras, k1 -0.35 to 0.1,
heights of 0.5 to 3 m.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rigid_transform
from calibration.rig import Camera, Rig
from calibration.synthetic.synthetic import TARGET_HEIGHT_M, look_at
from calibration.world.floor import Ground, world_from_scene

Range: TypeAlias = tuple[float, float]
"""Least and largest of what is drawn."""

AIM_SPREAD_M = 0.12  # people do not aim all cameras at one point
CORNERS = np.array([[1.0, 1.0], [-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]])


@dataclass(frozen=True, slots=True)
class LensKind:
    """Lenses of one kind of camera.

    Parameters
    ----------
    focal_of_long_side
        Focal length as a share of the longer side of the image.
    k1
    k2_of_k1_squared
        k2 as a multiple of the square of k1; above 0.45 the lens cannot fold over.
    size_wh : px
        Landscape.
    """

    focal_of_long_side: Range
    k1: Range
    k2_of_k1_squared: Range
    size_wh: tuple[int, int]


PHONE = LensKind((0.70, 0.95), (-0.10, 0.08), (0.5, 1.2), (1920, 1080))
WEBCAM = LensKind((0.66, 0.92), (-0.12, 0.04), (0.5, 1.2), (1280, 720))
ACTION = LensKind((0.50, 0.62), (-0.35, -0.25), (0.5, 0.9), (1920, 1080))


@dataclass(frozen=True, slots=True)
class LayoutPlan:
    """How the cameras of a rig are put up.

    Parameters
    ----------
    cameras
    spacing_deg
        Between neighbours, as seen from the middle of the place.
    distance_m
        From the middle; for `draw_corners` half of the room's side.
    height_m
    framed_m
        A camera stands as far away as it takes to have this height in its image.
    lens
    portrait
        Share of the cameras whose images are upright.
    roll_deg
        Cameras are rolled by up to this to either side.
    shared_lens
        All cameras have one focal length, one distortion and one size.
    offset_ms
        Time offsets are drawn between plus and minus this; the first camera's is 0.
    """

    cameras: int = 2
    spacing_deg: Range = (25.0, 60.0)
    distance_m: Range = (2.4, 4.0)
    height_m: Range = (1.2, 1.65)
    framed_m: float = 0.0
    lens: LensKind = PHONE
    portrait: float = 0.0
    roll_deg: float = 3.0
    shared_lens: bool = False
    offset_ms: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """Cameras that are put up, and where the person is.

    Parameters
    ----------
    rig
        In the world frame of every calibrated rig: floor at z = 0, origin under the cameras'
        centroid, +x towards the first camera. Cameras are named ``cam_0``, ``cam_1``, ...
    middle_m
        The place on the floor that the cameras are put up around, x and y.
    """

    rig: Rig
    middle_m: tuple[float, float]


def draw_arc(plan: LayoutPlan, seed: int) -> Setup:
    """Draw cameras side by side on an arc about the person; two of them are two phones."""
    random = np.random.default_rng([seed, plan.cameras, 1])
    steps = np.radians(random.uniform(*plan.spacing_deg, plan.cameras - 1))
    angle = np.concatenate([[0.0], np.cumsum(steps)]) + random.uniform(0, 2 * np.pi)
    away = random.uniform(*plan.distance_m, (plan.cameras, 1))
    return _put_up(plan, away * np.stack([np.cos(angle), np.sin(angle)], 1), random)


def draw_ring(plan: LayoutPlan, seed: int) -> Setup:
    """Draw cameras all around the person; `spacing_deg` is not used."""
    random = np.random.default_rng([seed, plan.cameras, 2])
    order = np.arange(plan.cameras) + random.uniform(-0.15, 0.15, plan.cameras)
    angle = 2 * np.pi * order / plan.cameras
    away = random.uniform(*plan.distance_m, (plan.cameras, 1))
    return _put_up(plan, away * np.stack([np.cos(angle), np.sin(angle)], 1), random)


def draw_corners(plan: LayoutPlan, seed: int) -> Setup:
    """Draw up to four cameras in the corners of an oblong room."""
    random = np.random.default_rng([seed, plan.cameras, 3])
    half = random.uniform(*plan.distance_m, 2)
    nudge = random.uniform(-0.2, 0.2, (plan.cameras, 2))
    return _put_up(plan, CORNERS[: plan.cameras] * half + nudge, random)


def draw_lens(kind: LensKind, size_wh: tuple[int, int], random: np.random.Generator) -> Camera:
    """Draw a camera's lens; its place is left at the origin.

    Parameters
    ----------
    kind
    size_wh : px
        Of its images.
    random
    """
    focal_px = random.uniform(*kind.focal_of_long_side) * max(size_wh)
    k1 = random.uniform(*kind.k1)
    k2 = random.uniform(*kind.k2_of_k1_squared) * k1**2
    middle = (np.array(size_wh) - 1) / 2
    matrix = np.array([[focal_px, 0, middle[0]], [0, focal_px, middle[1]], [0, 0, 1]])
    return Camera("drawn", size_wh, matrix, np.array([k1, k2, 0, 0, 0]))


def roll(cam_from_world: F64, angle_rad: float) -> F64:
    """Turn a camera about its optical axis.

    Parameters
    ----------
    cam_from_world : (4, 4)
    angle_rad
        Clockwise as seen from behind the camera.

    Returns
    -------
    cam_from_world : (4, 4)
    """
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    turned = rigid_transform(np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]), np.zeros(3))
    return turned @ cam_from_world


def _put_up(plan: LayoutPlan, place: F64, random: np.random.Generator) -> Setup:
    """Put cameras at places about the person, (V, 2), and describe the rig in its own world."""
    cameras: list[Camera] = []
    first = _draw_camera(plan, random)
    for v, drawn in enumerate(place):
        camera = first if v == 0 or plan.shared_lens else _draw_camera(plan, random)
        nearest_m = plan.framed_m * camera.focal_px / camera.size_wh[1]
        away = drawn * max(1.0, nearest_m / float(np.linalg.norm(drawn)))
        centre = np.array([*away, random.uniform(*plan.height_m)])
        target = np.array([0, 0, TARGET_HEIGHT_M]) + random.normal(0, AIM_SPREAD_M, 3)
        rolled = np.radians(random.uniform(-plan.roll_deg, plan.roll_deg))
        pose = roll(look_at(centre, target), rolled)
        cameras.append(replace(camera, name=f"cam_{v}", cam_from_world=pose))
    late = random.uniform(-plan.offset_ms, plan.offset_ms, plan.cameras)
    late[0] = 0.0
    offsets = {camera.name: round(ms * 1e6) for camera, ms in zip(cameras, late)}
    level = Ground(np.array([0.0, 0.0, 1.0]), 0.0, 0.0, "drawn")
    centres = np.array([camera.centre for camera in cameras])
    world = world_from_scene(level, centres)
    rig = Rig(tuple(cameras), offsets).with_world(world)
    return Setup(rig, (float(world[0, 3]), float(world[1, 3])))


def _draw_camera(plan: LayoutPlan, random: np.random.Generator) -> Camera:
    """Draw a camera that is held upright or on its side."""
    width, tall = plan.lens.size_wh
    upright = random.random() < plan.portrait
    return draw_lens(plan.lens, (tall, width) if upright else (width, tall), random)
