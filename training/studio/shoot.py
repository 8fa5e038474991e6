"""Shoot: one person of the studio in many poses and clothes, before cameras that stand anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from calibration.geometry.projection import project
from calibration.rig import Camera
from engine.inference.preprocess import Region
from engine.studio import raster
from engine.studio.body.anatomy import build_anatomy
from engine.studio.body.landmarks import Landmarks
from engine.studio.cast import STATURE_RANGE_M
from engine.studio.view import compute_taps
from training.data.crops import camera_from_world, square_around_joints, square_around_root
from training.data.samples import MARGIN, ROOT, Samples
from training.data.topology import JointMap
from training.studio.backdrop import Backdrop, Shadow, compute_crop_rays, draw_backdrop
from training.studio.cameras import (
    PAIR_ANGLE_RAD,
    CameraConfig,
    draw_camera,
    find_image_part,
    is_in_lens,
    pack_crop_lens,
)
from training.studio.lighting import Scenery, draw_furniture, draw_lamp, draw_sensor, light_body
from training.studio.people import Body, paint, to_bone_pose
from training.studio.poses import POSES, DrawPoses, draw_poses
from training.studio.seeds import PLAY_SEEDS

INSTANTS_PER_OUTFIT = 6
"""Instants in one set of clothes."""
LENS_BLUR_PX = (0.35, 0.8)
FURNITURE_SHARE = 0.5
"""Share of the pictures with flat things behind the person."""


@dataclass(frozen=True, slots=True)
class ShootConfig:
    """What is common to all pictures.

    Parameters
    ----------
    stored_px
        Side of the crops.
    pair_share
        Share of the instants that two cameras see.
    box_share
        Share of the samples whose square is around the joints; the others' is 2 m around the
        root.
    camera
        How cameras are drawn.
    draw_people
        Draws the poses of one person.
    """

    stored_px: int
    pair_share: float
    box_share: float
    camera: CameraConfig
    draw_people: DrawPoses = draw_poses


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One instant, lit: what its pictures share.

    Parameters
    ----------
    body
    pose
        (21, 3, 3) and (21, 3), m, room.
    colour : (N, 3), 0 to 255; blue, green, red
        Of every vertex.
    backdrop
    shadow
    """

    body: Body
    pose: raster.BonePose
    colour: F32
    backdrop: Backdrop
    shadow: Shadow


class Shoot:
    """Takes pictures of one person.

    Parameters
    ----------
    body
    scenery
    joint_map
        From the studio's joints to the set's.
    config
    rng
        Decides everything.
    """

    def __init__(
        self,
        body: Body,
        scenery: Scenery,
        joint_map: JointMap,
        config: ShootConfig,
        rng: np.random.Generator,
    ) -> None:
        self._body = body
        self._scenery = scenery
        self._map = joint_map
        self._config = config
        self._rng = rng
        self._anatomy = build_anatomy(float(rng.uniform(*STATURE_RANGE_M)))

    def samples(self, count: int, *, person: str, clip: str) -> Samples:
        """Take pictures.

        Parameters
        ----------
        count
            How many; the second view of the last instant may fall away.
        person, clip
            Names.

        Returns
        -------
        samples
            Framesets count from 0; so do the times, a second apart, since no instant follows from
            another.
        """
        rng = self._rng
        play = int(rng.integers(PLAY_SEEDS.start, PLAY_SEEDS.stop))
        bones, kinds = self._config.draw_people(count, self._anatomy, play, rng)
        joints = self._map.points(Landmarks(self._anatomy).locate_as_detected(bones))
        poses = to_bone_pose(bones, self._anatomy)
        pictures: list[tuple[int, Camera, Region, U8]] = []
        instant = 0
        albedo = paint(self._body, rng)
        while len(pictures) < count:
            if instant and instant % INSTANTS_PER_OUTFIT == 0:
                albedo = paint(self._body, rng)
            pose = raster.BonePose(poses.rotation[instant], poses.translation[instant])
            pictures += [
                (instant, *view) for view in self._shoot_instant(pose, joints[instant], albedo)
            ]
            instant += 1
        return self._collect(pictures[:count], joints, kinds, person=person, clip=clip)

    def _shoot_instant(
        self, pose: raster.BonePose, xyz: F64, albedo: F32
    ) -> list[tuple[Camera, Region, U8]]:
        """Take the one or two pictures of an instant."""
        rng, config = self._rng, self._config
        cameras = self._draw_cameras(xyz)
        lamp = draw_lamp(rng)
        colour, shadow = light_body(self._body, albedo, pose, lamp)
        backdrop = self._scenery.build_backdrop(
            np.stack([*xyz, *(camera.centre for camera in cameras)]), rng
        )
        moment = Moment(self._body, pose, colour, backdrop, shadow)
        views = []
        for camera in cameras:
            region = self._choose_square(xyz, camera)
            wide = Region(
                region.center_xy, (MARGIN * region.size_wh[0], MARGIN * region.size_wh[1])
            )
            views.append(
                (camera, region, render_picture(moment, camera, wide, config.stored_px, rng))
            )
        return views

    def _draw_cameras(self, xyz: F64) -> list[Camera]:
        """Draw one camera, or two that look from well apart."""
        rng, config = self._rng, self._config.camera
        azimuth = [float(rng.uniform(0, 2 * np.pi))]
        if rng.random() < self._config.pair_share:
            azimuth.append(azimuth[0] + float(rng.choice([-1, 1]) * rng.uniform(*PAIR_ANGLE_RAD)))
        return [
            draw_camera(f"view_{i}", xyz, angle, config, rng) for i, angle in enumerate(azimuth)
        ]

    def _choose_square(self, xyz: F64, camera: Camera) -> Region:
        """Return the square that a network will see: around the joints, or 2 m around the root."""
        if self._rng.random() < self._config.box_share:
            return square_around_joints(project_within_lens(xyz, camera))
        root = camera_from_world(xyz[self._map.target.index(ROOT)], camera)
        return square_around_root(root, camera)

    def _collect(
        self,
        pictures: Sequence[tuple[int, Camera, Region, U8]],
        joints: F64,
        kinds: Sequence[str],
        *,
        person: str,
        clip: str,
    ) -> Samples:
        """Combine pictures and truth into samples."""
        instants, cameras, regions, images = zip(*pictures, strict=True)
        instant, count = np.array(instants, np.int64), len(pictures)
        xy = np.stack(
            [project_within_lens(joints[i], camera) for i, camera in zip(instant, cameras)]
        )
        xyz = np.stack(
            [camera_from_world(joints[i], camera) for i, camera in zip(instant, cameras)]
        )
        seen = np.asarray(np.isfinite(xy).all(-1), np.float32)
        return Samples(
            image=np.stack(images),
            region=np.array([[*region.center_xy, region.size_wh[0]] for region in regions]),
            camera=np.arange(count, dtype=np.int32),
            cameras=tuple(cameras),
            xyz=xyz.astype(np.float32),
            weight=seen,
            xy=xy.astype(np.float32),
            confidence=seen,
            frameset=instant,
            time_ns=instant * 1_000_000_000,
            person=np.zeros(count, np.int32),
            clip=np.zeros(count, np.int32),
            action=np.array([POSES.index(kinds[i]) for i in instant], np.int32),
            persons=(person,),
            clips=(clip,),
            actions=POSES,
            skeleton=self._map.target,
        )


def project_within_lens(xyz: F64, camera: Camera) -> F64:
    """Return joints in a camera's image, (J, 2), px, also outside it; NaN beyond its lens."""
    return np.where(is_in_lens(xyz, camera)[:, None], project(xyz, camera), np.nan)


def render_picture(
    moment: Moment, camera: Camera, region: Region, size_px: int, rng: np.random.Generator
) -> U8:
    """Render the picture of a crop: only its pixels are rendered.

    Parameters
    ----------
    moment
    camera
        Of the whole image.
    region
        What the crop shows.
    size_px
        Side of the crop.
    rng
        Decides lens blur, sensor and what stands behind.

    Returns
    -------
    image_bgr : (size, size, 3)
        Black beyond the image's edge.
    """
    image = np.empty((size_px, size_px, 3), np.uint8)
    rays = compute_crop_rays(camera, region, size_px)
    draw_backdrop(image, rays, camera.centre, moment.backdrop, moment.shadow)
    if rng.random() < FURNITURE_SHARE:
        draw_furniture(image, rng)
    _draw_body(image, moment, camera, region, float(rng.uniform(*LENS_BLUR_PX)))
    image = np.asarray(cv2.LUT(image, draw_sensor(rng)), np.uint8)
    x0, y0, x1, y1 = find_image_part(camera, region, size_px)
    image[:y0], image[y1:], image[:, :x0], image[:, x1:] = 0, 0, 0, 0
    return image


def _draw_body(image: U8, moment: Moment, camera: Camera, region: Region, blur_px: float) -> None:
    """Draw the person over the image."""
    mesh, pose = moment.body.figure.mesh, moment.pose
    R, t = camera.R.astype(np.float32), camera.t.astype(np.float32)
    in_camera = raster.BonePose(R @ pose.rotation, pose.translation @ R.T + t)
    projected = np.empty_like(mesh.vertices)
    raster.project(mesh, in_camera, pack_crop_lens(camera, region, len(image)), projected)
    x0, y0, x1, y1 = raster.find_bounds(projected, len(image), len(image))
    if x1 <= x0 or y1 <= y0:
        return
    shape = ((y1 - y0 + 2) * raster.SAMPLES, (x1 - x0 + 2) * raster.SAMPLES)
    samples = raster.Samples(np.zeros(shape, np.float32), np.zeros((*shape, 4), np.uint8))
    raster.rasterise(
        projected, moment.body.figure.triangles, moment.colour, (x0 - 1, y0 - 1), samples
    )
    raster.composite(samples.colour, compute_taps(blur_px), (x0, y0), image)
