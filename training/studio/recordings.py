"""Held-out recordings: sessions of studio people never trained on, cut to samples with truth."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.geometry.projection import project
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from engine.clock import NS_PER_S
from engine.inference.preprocess import BLACK, Region, cut
from engine.studio.address import StudioConfig
from engine.studio.body.landmarks import SKELETON
from engine.studio.scene import Studio
from training.data.crops import camera_from_world, square_around_joints
from training.data.samples import MARGIN, STORED_PX, Samples
from training.data.topology import JointMap, map_joints
from training.labels.actions import ACTIONS, name_actions
from training.studio.seeds import demand_held_out_seed


@dataclass(frozen=True, slots=True)
class StudioRecordingConfig:
    """How a recording is cut to samples.

    Parameters
    ----------
    seconds
        Length of the recording.
    rate_fps
        Of the samples; the people move as always.
    motion
        One of `engine.studio.motion.performance.MOTIONS`.
    play
        Of `HELD_OUT_SEEDS`: the same person does something else; None leaves it to the seed.
    cameras
        How many stand round the room.
    skeleton
        That `training.data.topology` can make of the studio's joints.
    stored_px
        Side of the crops.
    """

    seconds: float = 30.0
    rate_fps: float = 4.0
    motion: str = "programme"
    play: int | None = None
    cameras: int = 4
    skeleton: str = "mpii_16"
    stored_px: int = STORED_PX


def samples_from_recording(
    seed: int, config: StudioRecordingConfig = StudioRecordingConfig()
) -> Samples:
    """Cut a recording of the studio to samples, as a session of it would be cut, without videos.

    Parameters
    ----------
    seed
        Of `HELD_OUT_SEEDS`; decides person, room, cameras, lenses, clocks and programme as
        ``studio:?seed=`` does.
    config

    Returns
    -------
    samples
        Of every camera at every instant, in memory, camera after camera within an instant. The
        square is around the joints. Truth is of each camera's own instant; actions are those of
        the label report.

    Raises
    ------
    ValueError
        If people of this seed may have been trained on.
    """
    demand_held_out_seed(seed)
    demand_held_out_seed(seed if config.play is None else config.play)
    studio = _build_studio(seed, config)
    joint_map = map_joints(SKELETON, load_skeleton(config.skeleton))
    views = list(_render_views(studio, joint_map, config.stored_px))
    frames = studio.config.frame_count
    cameras = len(studio.rig.cameras)
    count = frames * cameras
    xy = np.stack([view.xy for view in views])
    seen = np.asarray(np.isfinite(xy).all(-1), np.float32)
    return Samples(
        image=np.stack([view.image_bgr for view in views]),
        region=np.array([[*view.region.center_xy, view.region.size_wh[0]] for view in views]),
        camera=np.tile(np.arange(cameras, dtype=np.int32), frames),
        cameras=studio.rig.cameras,
        xyz=np.stack([view.xyz for view in views]).astype(np.float32),
        weight=seen,
        xy=xy.astype(np.float32),
        confidence=seen,
        frameset=np.repeat(np.arange(frames, dtype=np.int64), cameras),
        time_ns=np.array([view.time_ns for view in views], np.int64),
        person=np.zeros(count, np.int32),
        clip=np.zeros(count, np.int32),
        action=np.repeat(_name_actions(studio, frames), cameras),
        persons=(f"studio {seed}",),
        clips=(
            f"studio {seed}, {config.motion}{'' if config.play is None else f' {config.play}'}",
        ),
        actions=ACTIONS,
        skeleton=joint_map.target,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _ViewSample:
    """One camera's side of an instant."""

    image_bgr: U8
    region: Region
    xyz: F64
    xy: F64
    time_ns: int


def _render_views(studio: Studio, joint_map: JointMap, stored_px: int) -> Iterator[_ViewSample]:
    """Render and cut every picture of a recording, instant by instant."""
    for frame in range(studio.config.frame_count):
        for index, camera in enumerate(studio.rig.cameras):
            time_ns = int(studio.own_time_ns(frame)) + studio.time_offset_ns[camera.name]
            xyz = joint_map.points(studio.truth_as_detected(time_ns))
            yield _cut_person(
                _render_picture(studio, index, frame), xyz, camera, time_ns, stored_px
            )


def _render_picture(studio: Studio, camera_index: int, frame_index: int) -> U8:
    """Render a picture of a studio that drops none."""
    frame = studio.render(camera_index, frame_index)
    if frame is None:
        raise ValueError("A studio whose recordings are cut must not drop frames.")
    return frame.image_bgr


def _cut_person(
    image_bgr: U8, xyz: F64, camera: Camera, time_ns: int, stored_px: int
) -> _ViewSample:
    """Cut the person out of a picture."""
    xy = project(xyz, camera)
    region = square_around_joints(xy)
    wide = Region(region.center_xy, (MARGIN * region.size_wh[0], MARGIN * region.size_wh[1]))
    crop = cut(image_bgr, wide, (stored_px, stored_px), BLACK)
    return _ViewSample(crop, region, camera_from_world(xyz, camera), xy, time_ns)


def _name_actions(studio: Studio, frames: int) -> np.ndarray:
    """Name what the person does at every instant, (T,), as positions in `ACTIONS`."""
    time_ns = np.asarray(studio.own_time_ns(np.arange(frames)))
    named = name_actions(studio.truth_as_detected(time_ns), time_ns / NS_PER_S, SKELETON)
    return np.array([ACTIONS.index(name) for name in named], np.int32)


def _build_studio(seed: int, config: StudioRecordingConfig) -> Studio:
    """Build the studio of a seed, in which no frame is lost."""
    return Studio(
        StudioConfig(
            motion=config.motion,
            cameras=config.cameras,
            seed=seed,
            play=config.play,
            seconds=config.seconds,
            rate_fps=config.rate_fps,
            drop_share=0.0,
        )
    )
