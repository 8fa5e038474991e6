"""Samples of a session: the right picture, at the right moment, with the right label."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.rig import Rig, save_rig
from calibration.synthetic.synthetic import NoiseConfig, RigPlan
from engine.frames import Frame
from engine.session.session import RIG, Session, SessionFacts
from engine.session.writer import SessionWriter
from tests.support.calibrations import make_scene
from tests.support.pose_recordings import make_pose_sets
from training.data.crops import camera_from_world
from training.data.samples import MARGIN
from training.data.session_samples import (
    SessionSamplesConfig,
    _find_nearest_images,
    _interpolate_at,
    samples_from_session,
)
from training.errors import TrainingError
from training.labels.files import LabelSet, load_labels
from training.labels.session import label_session

CONFIG = SessionSamplesConfig(stored_px=120)
ANKLE = 0  # the right one, first of mpii_16
MS = 1_000_000


@pytest.fixture(scope="module")
def walk():
    noise = NoiseConfig(jitter_of_torso=0.01, confidence_spread=0.3)
    plan = RigPlan(cameras=3, size_wh=(320, 180), k1=(0.0, 0.0))
    return make_scene(plan, "room", noise, seed=2, seconds=4)


@pytest.fixture(scope="module")
def session(walk, tmp_path_factory) -> Session:
    """A take whose pictures show a bright dot where the right ankle was seen."""
    path = tmp_path_factory.mktemp("sessions") / "walk"
    seen = walk.seen.observations
    ankle = seen.skeleton.index("right_ankle")
    with SessionWriter(path, SessionFacts(model={"name": "blazepose", "sha256": "ab"})) as writer:
        for v, name in enumerate(walk.rig.names):
            recorder = writer.record_camera(
                name, source=f"usb:{v}", size_wh=(320, 180), rate_fps=10.0
            )
            for t in range(len(seen.time_ns)):
                recorder.put(
                    Frame(name, t, int(seen.view_time_ns[t, v]), _picture(seen.xy[t, v, ankle]))
                )
        poses = writer.open_pose_files(seen.skeleton, walk.rig.names)
        for one in make_pose_sets(seen):
            poses.raw_2d.put(one)
    save_rig(Rig(walk.rig.cameras, walk.rig.time_offset_ns, {"verdict": "accepted"}), path / RIG)
    return Session.open(path)


def _picture(xy: np.ndarray) -> np.ndarray:
    image = np.full((180, 320, 3), 20, np.uint8)
    if np.isfinite(xy).all():
        cv2.circle(
            image, (round(16 * xy[0]), round(16 * xy[1])), 48, (255, 255, 255), -1, cv2.LINE_AA, 4
        )
    return image


@pytest.fixture(scope="module")
def labels(session) -> LabelSet:
    return load_labels(label_session(session).path)


@pytest.fixture(scope="module")
def samples(session, labels):
    return samples_from_session(session, labels, CONFIG)


def test_the_crop_shows_the_joint_where_the_sample_says(samples):
    away = []
    for image, (x, y, side), joints in zip(samples.image, samples.region, samples.xy):
        per_px = 120 / (MARGIN * side)
        where = (joints[ANKLE] - (x, y)) * per_px + 60
        if np.isfinite(where).all() and image.max() > 200:
            moments = cv2.moments(np.maximum(image[..., 1].astype(np.float32) - 100, 0))
            away.append(
                np.hypot(
                    moments["m10"] / moments["m00"] - where[0],
                    moments["m01"] / moments["m00"] - where[1],
                )
            )
    assert len(away) > 40
    assert np.percentile(away, 90) < 1.5


class Listed:
    """The times of a video's images, without the video."""

    rate_fps = 10.0

    def __init__(self, *time_ms: int) -> None:
        self.time_ns = np.array(time_ms, np.int64) * MS

    def __len__(self) -> int:
        return len(self.time_ns)


def test_each_label_gets_the_image_nearest_to_it_after_the_clocks_are_set_right(labels):
    at = replace(
        labels, arrays={**labels.arrays, "time_ns": np.arange(4, dtype=np.int64) * 100 * MS}
    )
    number, time_ns = _find_nearest_images(Listed(-40, 60, 160), at, 30 * MS)  # type: ignore[arg-type]
    np.testing.assert_array_equal(number, [0, 1, 2, -1])
    np.testing.assert_array_equal(time_ns[:3] // MS, [-10, 90, 190])


def test_an_image_that_is_too_far_from_a_label_is_not_its_image(labels):
    at = replace(
        labels, arrays={**labels.arrays, "time_ns": np.array([0, 100, 200], np.int64) * MS}
    )
    np.testing.assert_array_equal(_find_nearest_images(Listed(0, 200), at, 0)[0], [0, -1, 1])  # type: ignore[arg-type]


def test_labels_lie_where_the_walker_was(samples, walk):
    seen = walk.seen
    errors = []
    for v, camera in enumerate(walk.rig):
        mine = samples.camera == v
        hips = seen.observations.skeleton.indices(["left_hip", "right_hip"])
        truth = camera_from_world(seen.xyz[:, hips].mean(1), camera)[samples.frameset[mine]]
        errors.append(
            np.linalg.norm(samples.xyz[mine, samples.skeleton.index("pelvis")] - truth, axis=-1)
        )
    assert np.nanmedian(np.concatenate(errors)) < 0.03


def test_a_joint_without_a_label_has_no_weight_and_one_with_has(samples):
    labelled = np.isfinite(samples.xyz).all(-1)
    assert (samples.weight[~labelled] == 0).all()
    assert (samples.weight[labelled] > 0).all()
    assert 0.3 < labelled.mean() < 1


def test_a_middle_is_labelled_only_with_both_its_ends(samples):
    left, right, pelvis = (
        samples.skeleton.index(name) for name in ("left_hip", "right_hip", "pelvis")
    )
    known = np.isfinite(samples.xyz).all(-1)
    np.testing.assert_array_equal(known[:, pelvis], known[:, left] & known[:, right])
    weakest = np.minimum(samples.weight[:, left], samples.weight[:, right])
    np.testing.assert_allclose(samples.weight[known[:, pelvis], pelvis], weakest[known[:, pelvis]])


def test_a_rejected_root_leaves_a_sample_with_what_was_found(session, labels):
    hips = [labels.joints.index(name) for name in ("left_hip", "right_hip")]
    reasons = labels.arrays["reasons"].copy()
    reasons[:, hips] = 1
    samples = samples_from_session(
        session, replace(labels, arrays={**labels.arrays, "reasons": reasons}), CONFIG
    )
    assert np.isnan(samples.root_depth_m).all()
    assert np.isfinite(samples.xy).all(-1).mean() > 0.5


def test_squares_hold_the_joints_that_were_found(samples):
    middle, side = samples.region[:, None, :2], samples.region[:, None, 2:]
    reach = np.abs(samples.xy - middle).max(-1) / side[..., 0]
    assert np.nanmax(reach) <= 0.5
    assert (samples.region[:, 2] > 10).all()


def test_samples_of_one_instant_share_their_number_and_nearly_their_time(samples):
    for frameset in np.unique(samples.frameset):
        mine = samples.frameset == frameset
        assert len(set(samples.camera[mine])) == mine.sum()
        assert np.ptp(samples.time_ns[mine]) < 100 * MS


def test_no_more_samples_than_asked_for_and_evenly_over_time(session, labels, samples):
    few = samples_from_session(session, labels, replace(CONFIG, max_samples=45))
    assert 30 <= len(few) <= 45
    instants = np.unique(few.frameset)
    assert np.ptp(np.diff(instants)) <= 1
    assert instants[-1] - instants[0] > 0.8 * np.ptp(samples.frameset)


def test_a_view_without_its_video_is_left_out(session, labels, tmp_path):
    videos = {
        camera.name: replace(camera, video=f"{camera.video}.gone") for camera in session.cameras[:1]
    }
    lame = replace(session, cameras=(videos[session.cameras[0].name], *session.cameras[1:]))
    assert set(samples_from_session(lame, labels, CONFIG).camera) == {1, 2}


def test_a_session_without_videos_is_refused(session, labels):
    gone = tuple(replace(camera, video="gone.mkv") for camera in session.cameras)
    with pytest.raises(TrainingError, match="videos of the session 'walk' are missing"):
        samples_from_session(replace(session, cameras=gone), labels, CONFIG)


def test_the_rig_must_be_that_of_the_labels(session, labels, walk, tmp_path):
    other = tmp_path / "other.toml"
    save_rig(replace(walk.rig, metadata={"verdict": "usable"}), other)
    with pytest.raises(TrainingError, match="use calibration"):
        samples_from_session(session, labels, CONFIG, rig_file=other)


def test_a_session_with_hardly_a_person_in_it_is_refused(session, labels):
    arrays = labels.arrays
    hidden = {"view_confidence": arrays["view_confidence"] * 0, "reasons": arrays["reasons"] | 1}
    nobody = replace(labels, arrays={**arrays, **hidden})
    with pytest.raises(TrainingError, match="Only 0 crops of a person"):
        samples_from_session(session, nobody, CONFIG)


def test_progress_rises_to_the_end_and_may_cancel(session, labels):
    shares: list[float] = []
    samples_from_session(session, labels, CONFIG, lambda step, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def cancel(step: str, share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        samples_from_session(session, labels, CONFIG, cancel)


def test_joints_are_carried_to_the_moment_of_the_image():
    known = np.arange(5) * 33 * MS
    moving = np.arange(5.0)[:, None, None] * np.ones((5, 1, 3))
    late, early = (_interpolate_at(moving, known, known + shift * MS) for shift in (11, -11))
    np.testing.assert_allclose(late[:4, 0, 0], np.arange(4) + 1 / 3)
    np.testing.assert_allclose(early[1:, 0, 0], np.arange(1, 5) - 1 / 3)


def test_a_joint_without_a_neighbour_is_taken_only_very_near_its_moment():
    known = np.arange(3) * 33 * MS
    alone = np.array([np.nan, 1.0, np.nan])[:, None, None] * np.ones((3, 1, 3))
    assert _interpolate_at(alone, known, known + 3 * MS)[1, 0, 0] == 1.0
    assert np.isnan(_interpolate_at(alone, known, known + 11 * MS)).all()
    np.testing.assert_array_equal(_interpolate_at(alone, known, known), alone)


def test_instants_far_apart_say_nothing_of_between():
    known = np.array([0, 400 * MS])
    values = np.array([0.0, 1.0])[:, None, None]
    assert np.isnan(_interpolate_at(values, known, known + 20 * MS)).all()
