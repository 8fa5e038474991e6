"""Samples of a body of dots: every crop shows each visible joint as a dot of its own grey."""

import cv2
import numpy as np

from calibration.geometry.projection import distort, pixels_from_rays
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from engine.inference.preprocess import Region, cut
from training.data.crops import camera_from_world, square_around_root
from training.data.samples import MARGIN, Samples

SKELETON = load_skeleton("mpii_16")
ROOT = SKELETON.index("pelvis")
STORED_PX = 288
PERIOD_NS = 100_000_000


def make_ring(count: int) -> tuple[Camera, ...]:
    """Cameras around the middle of the room, 3 m away and 1 m high, with wide-ish lenses."""
    cameras = []
    for v in range(count):
        angle = 2 * np.pi * v / count
        pose = np.eye(4)
        pose[:3, :3] = [
            [-np.sin(angle), np.cos(angle), 0],
            [0, 0, -1],
            [-np.cos(angle), -np.sin(angle), 0],
        ]
        pose[:3, 3] = [0, 1, 3]
        matrix = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])
        cameras.append(
            Camera(f"cam_{v}", (320, 240), matrix, np.array([-0.1, 0.02, 0.001, 0, 0]), pose)
        )
    return tuple(cameras)


def project_points(xyz: np.ndarray, camera: Camera) -> np.ndarray:
    """Project points of a camera's space."""
    return pixels_from_rays(distort(xyz[..., :2] / xyz[..., 2:], camera.distortion), camera.matrix)


def draw_dots(xy: np.ndarray) -> np.ndarray:
    """Draw each joint as a dot, to a sixteenth of a pixel."""
    image = np.zeros((240, 320, 3), np.uint8)
    for joint, (x, y) in enumerate(xy):
        cv2.circle(
            image, (round(16 * x), round(16 * y)), 80, (get_grey(joint),) * 3, -1, cv2.LINE_8, 4
        )
    return image


def get_grey(joint: int) -> int:
    """The grey of a joint's dot."""
    return 100 + 9 * joint


def make_dot_samples(instants: int, view_count: int = 3, seed: int = 0) -> Samples:
    """Make samples of all views of some instants, view after view; truth in everything."""
    rng = np.random.default_rng(seed)
    cameras = make_ring(view_count)
    room = rng.uniform((-0.6, -0.6, 0.4), (0.6, 0.6, 1.6), (instants, len(SKELETON.joints), 3))
    room[:, ROOT] = (0, 0, 1)
    rows = [(v, t) for v in range(view_count) for t in range(instants)]
    xyz = np.stack([camera_from_world(room[t], cameras[v]) for v, t in rows])
    xy = np.stack([project_points(points, cameras[v]) for points, (v, _) in zip(xyz, rows)])
    squares = [square_around_root(points[ROOT], cameras[v]) for points, (v, _) in zip(xyz, rows)]
    shown = [Region(square.center_xy, (square.size_wh[0] * MARGIN,) * 2) for square in squares]
    count, joints = xyz.shape[:2]
    return Samples(
        image=np.stack(
            [
                cut(draw_dots(p), s, (STORED_PX, STORED_PX), cv2.BORDER_CONSTANT)
                for p, s in zip(xy, shown)
            ]
        ),
        region=np.array([[*square.center_xy, square.size_wh[0]] for square in squares]),
        camera=np.array([v for v, _ in rows], np.int32),
        cameras=cameras,
        xyz=xyz.astype(np.float32),
        weight=np.ones((count, joints), np.float32),
        xy=xy.astype(np.float32),
        confidence=np.full((count, joints), 0.81, np.float32),
        frameset=np.array([t for _, t in rows], np.int64),
        time_ns=np.array([t * PERIOD_NS for _, t in rows], np.int64),
        person=np.zeros(count, np.int32),
        clip=np.zeros(count, np.int32),
        action=np.zeros(count, np.int32),
        persons=("ada",),
        clips=("monday",),
        actions=("walk",),
        skeleton=SKELETON,
    )
