"""Real joints of a real network (four cameras, 1.67 s on a balance beam), scored."""

import json

import numpy as np
import pytest

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.observations import Observations
from calibration.geometry.alignment import align_similarity
from calibration.geometry.projection import project
from calibration.geometry.transforms import rigid_transform
from calibration.geometry.triangulation import triangulate
from calibration.judge.report import REFUSED
from calibration.rig import Camera, Rig
from calibration.self_calibrate import CalibrationOptions, self_calibrate
from calibration.skeleton import load_skeleton

pytestmark = pytest.mark.data
SKELETON = load_skeleton("blazepose_33")
VIEWS = ("cam01", "cam02", "cam03", "cam04")
SIZES = ((1080, 1920), (1080, 1920), (1088, 1920), (1088, 1920))


@pytest.fixture(scope="module")
def beam(data_folder):
    return data_folder / "beam"


@pytest.fixture(scope="module")
def tracks(beam):
    """The network's joints, and where it exchanged left and right."""
    stored = np.load(beam / "keypoints_mediapipe.npz")
    joints = stored["kp"].astype(float)
    time_ns = np.round(np.arange(len(joints)) * 1e9 / 60).astype(np.int64)
    each = np.repeat(time_ns[:, None], 4, 1)
    seen = Observations(SKELETON, VIEWS, SIZES, time_ns, joints[..., :2], joints[..., 2], each)
    return seen, stored["lr_flipped"]


@pytest.fixture(scope="module")
def reference(beam):
    cameras = json.loads((beam / "calibration_refined.json").read_text())["cameras"]
    return Rig(
        tuple(
            Camera(
                c["name"],
                tuple(c["size"]),
                c["K"],
                c["dist"],
                rigid_transform(np.array(c["R"]), np.ravel(c["t"])),
            )
            for c in cameras
        )
    )


@pytest.fixture(scope="module")
def solved(tracks):
    return self_calibrate(tracks[0], CalibrationOptions(shared_intrinsics=True))


def test_the_rig_is_given_and_not_refused(solved):
    assert solved.report.verdict != REFUSED
    assert solved.rig.names == VIEWS


def test_the_sides_of_cam02_are_put_right(solved, tracks):
    flipped = tracks[1][:, 1]
    assert flipped.sum() == 32
    assert (solved.swapped[:, 1] & flipped).sum() / flipped.sum() >= 0.95
    assert (solved.swapped[:, 1] & ~flipped).sum() <= 2


def test_static_points_of_the_scene_fit_to_four_pixels(solved, beam):
    stored = json.loads((beam / "static_points.json").read_text())["px"]
    xy = np.array(
        [[[np.nan] * 2 if p is None else p for p in stored[view]] for view in VIEWS], float
    )
    xyz = triangulate(xy, np.isfinite(xy).all(-1) * 1.0, solved.rig.cameras)
    error = [
        np.linalg.norm(project(xyz, camera) - xy[v], axis=-1) for v, camera in enumerate(solved.rig)
    ]
    assert np.nanmean(error) <= 4  # px; reference B, made from these points, has 0.6


def test_the_joints_are_seven_millimetres_from_those_of_the_reference(solved, reference, tracks):
    seen, flipped = tracks
    chosen = SKELETON.indices(select_calibration_joints(SKELETON))
    sides = seen.swap_sides(flipped)
    xy = np.moveaxis(sides.xy[:, :, chosen], 1, 0).reshape(4, -1, 2)
    confidence = np.moveaxis(sides.confidence[:, :, chosen], 1, 0).reshape(4, -1)
    weight = np.where(confidence > 0.5, confidence**2, 0)
    ours, theirs = (triangulate(xy, weight, rig.cameras) for rig in (solved.rig, reference))
    near = np.isfinite(ours).all(1)
    distance_mm = np.full(len(ours), np.inf)
    for _ in range(10):  # aligned to the nearest 80 %
        scale, rotation, translation = align_similarity(ours[near], theirs[near])
        distance_mm = 1e3 * np.linalg.norm(scale * ours @ rotation.T + translation - theirs, axis=1)
        near = distance_mm < np.nanpercentile(distance_mm, 80)
    assert np.nanmean(distance_mm) <= 7


def test_the_focal_length_is_right_to_some_percent(solved, reference):
    ratio = np.mean([a.focal_px / b.focal_px for a, b in zip(solved.rig, reference)])
    assert ratio == pytest.approx(1, abs=0.05)
