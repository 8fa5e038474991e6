"""The lifter in service as a rival of a new picture model, on the pictures that judge it."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.projection import project
from calibration.skeleton import load_skeleton
from engine.models.card import read_card
from engine.models.library import EMBEDDED, PICTURES, embedded_card_path
from engine.reconstruction.body_size import LIMBS
from engine.studio.body.anatomy import build_anatomy
from engine.studio.body.landmarks import SKELETON as DETECTED
from engine.studio.body.landmarks import Landmarks
from engine.studio.body.posture import compute_bones
from engine.studio.motion.performance import plan_performance
from engine.studio.motion.route import Route
from tests.support.dots import make_dot_samples
from training.data.topology import map_joints
from training.finetuning.serving_lifter import measure_serving_lifter

SKELETON = load_skeleton("mpii_16")


@pytest.fixture(scope="module")
def samples():
    """A person of the studio who walks, found exactly; the pictures do not matter."""
    blank = make_dot_samples(12, 1)
    count = len(blank)
    anatomy = build_anatomy(1.75)
    route = Route(np.random.default_rng([5, 10]))
    play = plan_performance("walk", 8.0, anatomy, route, np.random.default_rng([5, 11]))
    bones = compute_bones(play.posture(np.linspace(1, play.seconds - 1, count)), anatomy)
    seen = map_joints(DETECTED, SKELETON).points(Landmarks(anatomy).locate_as_detected(bones))
    camera = blank.cameras[0]
    level = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    xyz = (seen - seen.mean(1, keepdims=True)) @ level.T + np.array([0.0, 0.0, 4.0])
    pose = np.eye(4)
    pose[:3, :3] = level
    facing = replace(camera, cam_from_world=pose)
    xy = np.stack([project(one @ level, facing) for one in xyz])
    return replace(
        blank,
        cameras=(facing,) * len(blank.cameras),
        xyz=xyz.astype(np.float32),
        weight=np.ones(xyz.shape[:2], np.float32),
        xy=xy.astype(np.float32),
        confidence=np.full(xyz.shape[:2], 0.95, np.float32),
        skeleton=SKELETON,
    )


def test_the_lifter_that_ships_is_measured_on_its_limbs(samples):
    errors = measure_serving_lifter(read_card(embedded_card_path(EMBEDDED)), samples)
    limbs = SKELETON.indices(LIMBS)
    assert errors.shape == (len(samples), len(SKELETON.joints))
    assert np.isfinite(errors[:, limbs]).all()
    assert np.isnan(np.delete(errors, limbs, axis=1)).all()
    assert errors[:, limbs].mean() < 0.07


def test_a_picture_model_in_service_is_no_lifter(samples):
    assert measure_serving_lifter(read_card(embedded_card_path(PICTURES)), samples).size == 0


def test_labels_that_were_rejected_do_not_judge(samples):
    weight = samples.weight.copy()
    weight[:, SKELETON.index("left_wrist")] = 0
    errors = measure_serving_lifter(
        read_card(embedded_card_path(EMBEDDED)), replace(samples, weight=weight)
    )
    assert np.isnan(errors[:, SKELETON.index("left_wrist")]).all()
    assert np.isfinite(errors[:, SKELETON.index("right_wrist")]).all()
