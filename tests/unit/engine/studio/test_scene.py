"""The studio as a whole: pictures that agree with the truth, and what each knob does."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import cv2
import numpy as np
import pytest

from calibration.geometry.arrays import U8, Mask
from calibration.geometry.projection import project
from calibration.geometry.transforms import rotvec_from_rotation
from engine.frames import Frame
from engine.studio import raster
from engine.studio.address import StudioConfig
from engine.studio.body.landmarks import ANATOMICAL, SKELETON
from engine.studio.cast import Cast
from engine.studio.ring import draw_ring
from engine.studio.room import FLOOR_HALF_M, FLOOR_PX, Room
from engine.studio.scene import Studio
from engine.studio.view import pack_lens
from tests.support.backdrops import draw_backdrop, rooms_drawn_once  # noqa: F401

QUIET = {"seconds": 2.0, "noise": 0.0, "drop_share": 0.0, "size_wh": (320, 240)}


@cache
def studio(**knobs: object) -> Studio:
    """Build a small studio, once."""
    return Studio(StudioConfig(**{**QUIET, "motion": "walk", "seed": 3, **knobs}))  # type: ignore[arg-type]


def picture(of: Studio, camera: int, frame: int) -> Frame:
    """Take a picture that was not dropped."""
    taken = of.render(camera, frame)
    assert taken is not None
    return taken


def person_mask(camera: int, frame: int, **knobs: object) -> Mask:
    """Return where a person differs from the empty room, shadow left out."""
    with_people = picture(studio(**knobs), camera, frame).image_bgr.astype(float)
    without = picture(studio(people=0), camera, frame).image_bgr.astype(float)
    ratio = (with_people + 1) / (without + 1)
    shadow = (np.ptp(ratio, axis=-1) < 0.06) & (ratio.max(-1) <= 1.02)
    return ~shadow & (np.abs(with_people - without).max(-1) > 12)


def share_on_person(moved_m: float) -> float:
    """Return how many of the true joints, moved in the room, lie on the person in the pictures."""
    scene, hits = studio(), []
    for camera in range(4):
        for frame in (0, 25, 50):
            taken = picture(scene, camera, frame)
            time = taken.timestamp_ns + scene.time_offset_ns[taken.camera]
            xyz = scene.truth(time)[SKELETON.indices(ANATOMICAL)] + [moved_m, moved_m, 0.0]
            grown = cv2.dilate(
                person_mask(camera, frame).astype(np.uint8), np.ones((3, 3), np.uint8)
            )
            columns, rows = np.rint(project(xyz, scene.rig[camera])).astype(int).T
            hits.append(grown[rows, columns])
    return float(np.mean(hits))


def test_the_truth_lies_on_the_person_in_every_picture():
    assert share_on_person(0.0) > 0.95
    assert share_on_person(0.12) < 0.6


def test_the_silhouette_is_where_the_true_camera_sees_the_mesh_to_half_a_pixel():
    scene = studio()
    taken = picture(scene, 1, 40)
    time = taken.timestamp_ns + scene.time_offset_ns[taken.camera]
    rows, columns = np.nonzero(person_mask(1, 40))
    xyz = scene.truth(time)
    crown = xyz[SKELETON.index("nose")] + [0, 0, 0.146 * scene.stature_m / 1.75]
    assert abs(project(crown, scene.rig[1])[1] - rows.min()) < 4
    assert abs(project(xyz, scene.rig[1])[:, 0].mean() - columns.mean()) < 8


def test_vertices_are_bent_as_opencv_bends_them():
    camera = studio().rig[2]
    rng = np.random.default_rng(0)
    direction = np.column_stack([rng.uniform(-0.6, 0.6, (500, 2)), np.ones(500)])
    in_camera = direction * rng.uniform(1, 6, (500, 1))
    mesh = raster.Mesh(
        in_camera.astype(np.float32),
        np.zeros((500, 3), np.float32),
        np.zeros((500, 4), np.int32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (500, 1)),
    )
    still = raster.BonePose(np.eye(3, dtype=np.float32)[None], np.zeros((1, 3), np.float32))
    image = np.empty((500, 3), np.float32)
    raster.project(mesh, still, pack_lens(camera), image)
    expected, _ = cv2.projectPoints(
        in_camera, np.zeros(3), np.zeros(3), camera.matrix, camera.distortion
    )
    seen = image[:, 2] > 0
    assert seen.mean() > 0.9
    np.testing.assert_allclose(image[seen, :2], expected[seen, 0], atol=2e-3)


def test_the_backdrop_is_bent_as_opencv_bends_it():
    rng = np.random.default_rng(1)
    camera = draw_ring(4, (320, 240), 1.7, True, rng)[0]
    floor = Room(rng).draw_backdrop(camera, 0.0).floor
    rows, columns = np.nonzero(floor[..., 0] > 0)
    xy = floor[rows, columns] * (2 * FLOOR_HALF_M / FLOOR_PX) - FLOOR_HALF_M
    points = np.column_stack([xy, np.zeros(len(xy))]).astype(float)
    rotation = rotvec_from_rotation(camera.R)
    expected, _ = cv2.projectPoints(points, rotation, camera.t, camera.matrix, camera.distortion)
    np.testing.assert_allclose(expected[:, 0], np.column_stack([columns, rows]), atol=0.01)


def test_the_same_seed_gives_the_same_pixels_in_any_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Room, "draw_backdrop", draw_backdrop)  # each draws its own room
    first, again = (Studio(StudioConfig(seconds=2.0, size_wh=(160, 120), seed=5)) for _ in range(2))
    asked = [(camera, frame) for frame in range(0, 60, 14) for camera in range(4)]
    pictures = {at: first.render(*at) for at in asked}
    for at in reversed(asked):
        one, other = pictures[at], again.render(*at)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one.image_bgr, other.image_bgr)


def test_threads_get_the_same_pixels_as_one_reader():
    scene = Studio(StudioConfig(seconds=1.0, size_wh=(160, 120), seed=5, drop_share=0.0))
    alone = Studio(scene.config)

    def read(camera: int) -> list[U8]:
        return [picture(scene, camera, frame).image_bgr for frame in range(12)]

    with ThreadPoolExecutor(4) as pool:
        for camera, images in enumerate(pool.map(read, range(4))):
            for frame, image in enumerate(images):
                np.testing.assert_array_equal(image, picture(alone, camera, frame).image_bgr)


def test_other_seeds_give_other_people_rooms_cameras_and_statures():
    statures = {
        Studio(
            StudioConfig(seconds=0.1, size_wh=(64, 64), cameras=2, people=0, seed=seed)
        ).stature_m
        for seed in range(3)
    }
    assert len(statures) == 3
    assert all(1.50 <= stature <= 1.95 for stature in statures)
    one, other = picture(studio(), 0, 0).image_bgr, picture(studio(seed=4), 0, 0).image_bgr
    assert np.abs(one.astype(int) - other).mean() > 10


def test_another_play_is_the_same_person_in_the_same_room_doing_something_else():
    one, other = studio(), studio(play=5)
    assert one.stature_m == other.stature_m
    assert [camera.name for camera in one.rig] == [camera.name for camera in other.rig]
    np.testing.assert_array_equal(one.rig[0].cam_from_world, other.rig[0].cam_from_world)
    assert np.abs(one.truth(10**9) - other.truth(10**9)).max() > 0.2
    empty = [picture(studio(people=0, play=play), 0, 0).image_bgr for play in (None, 5)]
    np.testing.assert_array_equal(*empty)


def test_a_frame_carries_its_cameras_own_clock_and_is_read_only():
    frame = picture(studio(), 1, 31)
    assert frame.timestamp_ns == round(31 / 30 * 1e9)
    assert (frame.camera, frame.sequence, frame.size_wh) == ("cam_1", 31, (320, 240))
    assert not frame.image_bgr.flags.writeable


def test_offsets_are_those_of_the_rig_and_the_first_camera_has_none():
    scene = Studio(StudioConfig(seconds=0.2, size_wh=(64, 64), seed=8, cameras=8))
    offsets = np.array([scene.rig.time_offset_ns[name] for name in scene.rig.names])
    assert offsets[0] == 0
    assert 1e6 < np.abs(offsets).max() <= 5e6
    assert not any(studio(time_offset_ms=0.0).time_offset_ns.values())


def test_a_camera_sees_the_person_at_its_own_instant():
    late = studio(time_offset_ms=500.0, motion="kick")
    name = max(late.time_offset_ns, key=lambda camera: abs(late.time_offset_ns[camera]))
    camera = late.rig.names.index(name)
    frame = picture(late, camera, 40)
    shown = person_mask(camera, 40, motion="kick", time_offset_ms=500.0)
    ankle, toe = SKELETON.index("left_ankle"), SKELETON.index("left_foot_index")
    at_own_time = project(
        late.truth(frame.timestamp_ns + late.time_offset_ns[name]), late.rig[camera]
    )
    at_rig_time = project(late.truth(frame.timestamp_ns), late.rig[camera])
    assert np.linalg.norm(at_own_time[ankle] - at_rig_time[ankle]) > 5
    column, row = np.rint((at_own_time[ankle] + at_own_time[toe]) / 2).astype(int)
    assert shown[row - 1 : row + 2, column - 1 : column + 2].any()


def test_one_frame_in_two_hundred_is_dropped_but_never_the_first():
    scene = Studio(StudioConfig(seconds=100.0, size_wh=(64, 64), seed=1, cameras=8, motion="stand"))
    dropped = scene.dropped.mean()
    assert 0.003 < dropped < 0.007
    assert not scene.dropped[:, 0].any()
    camera, frame = np.argwhere(scene.dropped)[0]
    assert scene.render(int(camera), int(frame)) is None


def test_noise_and_distortion_can_be_switched_off():
    noisy, quiet = picture(studio(noise=3.0, people=0), 0, 5), picture(studio(people=0), 0, 5)
    difference = noisy.image_bgr.astype(float) - quiet.image_bgr
    assert 2.5 < difference.std() < 3.5
    assert not any(camera.distortion.any() for camera in studio(distortion=False).rig)


def test_a_mirrored_camera_shows_the_picture_reversed_and_the_others_do_not():
    for camera in range(4):
        plain, other = (
            picture(studio(), camera, 9).image_bgr,
            picture(studio(mirrored_camera=2), camera, 9).image_bgr,
        )
        np.testing.assert_array_equal(other, plain[:, ::-1] if camera == 2 else plain)


def test_a_short_camera_ends_early():
    scene = studio(short_camera=1)
    assert [scene.frame_count(camera) for camera in range(4)] == [60, 36, 60, 60]
    with pytest.raises(IndexError, match="takes 36 frames"):
        scene.render(1, 36)


def test_an_empty_room_has_no_truth_and_no_motion():
    scene = studio(people=0)
    assert np.isnan(scene.truth(0)).all()
    np.testing.assert_array_equal(picture(scene, 0, 0).image_bgr, picture(scene, 0, 50).image_bgr)


@pytest.mark.parametrize("knobs", [{"people": 2}, {"bystander": True}])
def test_somebody_else_is_seen_by_a_camera_and_leaves_the_truth_alone(knobs: dict):
    scene = studio(**knobs)
    more = [
        person_mask(camera, 10, **knobs).sum() - person_mask(camera, 10).sum()
        for camera in range(4)
    ]
    assert max(more) > 150
    np.testing.assert_array_equal(scene.truth(10**9), studio().truth(10**9))


def test_the_chair_stands_still_and_holds_who_sits():
    scene = Studio(StudioConfig(motion="sit", seconds=4.0, size_wh=(64, 64), seed=2))
    xyz = scene.truth(int(3e9))
    hip, knee = xyz[SKELETON.index("left_hip")], xyz[SKELETON.index("left_knee")]
    assert abs(hip[2] - knee[2]) < 0.06


def test_truth_of_many_times_has_their_shape_and_is_left_of_right():
    scene = studio()
    xyz = scene.truth(np.arange(6).reshape(2, 3) * 10**8)
    assert xyz.shape == (2, 3, 33, 3)
    np.testing.assert_array_equal(xyz[1, 2], scene.truth(5 * 10**8))
    left, right, nose = (
        xyz[0, 0, SKELETON.index(j)] for j in ("left_shoulder", "right_shoulder", "nose")
    )
    ahead = nose - (left + right) / 2
    assert np.cross(ahead, left - right)[2] > 0


def test_the_truth_as_detected_lies_centimetres_from_the_joints():
    scene = studio()
    shift = np.linalg.norm(scene.truth_as_detected(0) - scene.truth(0), axis=-1)
    named = dict(zip(SKELETON.joints, shift))
    assert 0.025 < named["left_hip"] < 0.045
    assert 0.02 < named["right_ankle"] < 0.035
    assert named["left_shoulder"] < 1e-9


def test_the_second_person_is_no_double_of_the_first():
    config = StudioConfig(seed=42, people=2, seconds=12.0, size_wh=(320, 240))
    ring = draw_ring(
        config.cameras, config.size_wh, 1.75, config.distortion, np.random.default_rng(0)
    )
    time_s = np.arange(0, 12, 0.25)
    pose = Cast(config, 1.75, ring).pose(time_s)
    pelvis = pose.translation[:, [0, pose.translation.shape[1] // 2]] + np.einsum(
        "tbij,j->tbi", pose.rotation[:, [0, pose.rotation.shape[1] // 2]], [0.0, 0.0, 0.9]
    )
    travelled = np.ptp(pelvis[..., :2], axis=0).max(-1)
    assert travelled[0] > 1.0  # walks through the room
    assert travelled[1] < 0.8  # stays at its side
    assert np.linalg.norm(pelvis[:, 0, :2] - pelvis[:, 1, :2], axis=1).min() > 0.3
