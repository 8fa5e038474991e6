from dataclasses import replace

import numpy as np
import pytest

from calibration.synthetic.body import SKELETON
from engine.reconstruction.body_size import LIMBS
from training.errors import DatasetError
from training.lifting.motion_bank import simulate_performances
from training.motion.motion import Motion
from training.proving.cells import GIVEN, SHARED, make_cells, select_cells
from training.proving.mocap import RATE_FPS, PoseWindow, cut_windows, draw_person, read_windows
from training.proving.scene import draw_scene

CELLS = {cell.name: cell for cell in make_cells()}


@pytest.fixture(scope="module")
def motion():
    return next(iter(simulate_performances(1, 3)))


@pytest.fixture(scope="module")
def windows(motion):
    placed = replace(motion, xyz=motion.xyz - motion.xyz.mean(1, keepdims=True) * [1, 1, 0])
    return tuple(cut_windows(replace(placed, xyz=placed.xyz.astype(np.float32)), 25.0))


@pytest.mark.parametrize("name", CELLS)
def test_a_scene_is_that_of_its_seed_and_every_view_sees_the_person(name, windows):
    cell = CELLS[name]
    one, same = (draw_scene(cell, 3, windows) for _ in range(2))
    np.testing.assert_array_equal(one.seen.observations.xy, same.seen.observations.xy)
    assert one.options.stature_m == same.options.stature_m
    shoulders = SKELETON.indices(["left_shoulder", "right_shoulder"])
    share = one.seen.observations.seen[:, :, shoulders].mean((0, 2))
    assert (share > 0.4).all(), share
    assert bool(one.options.intrinsics) == (cell.lenses == GIVEN)
    assert one.options.shared_intrinsics == (cell.lenses == SHARED)


def test_another_seed_gives_another_scene():
    one, other = (draw_scene(CELLS["phones-squat-given"], seed) for seed in (3, 4))
    assert one.options.stature_m != other.options.stature_m
    assert one.rig[0].focal_px != other.rig[0].focal_px


def test_a_late_view_is_late_by_its_offset_alone():
    late = draw_scene(CELLS["phones-late"], 5)
    usual = draw_scene(replace(CELLS["phones-late"], late_s=()), 5)
    more = late.rig.time_offset_ns["cam_1"] - usual.rig.time_offset_ns["cam_1"]
    assert more == 7_000_000_000
    assert late.rig.time_offset_ns["cam_0"] == 0


def test_cells_are_selected_by_name_and_star_and_names_differ():
    assert len(CELLS) == len(make_cells())
    assert {cell.name for cell in select_cells(make_cells(), ["ring4-walk-*"])} == {
        "ring4-walk-given",
        "ring4-walk-unknown",
        "ring4-walk-shared",
    }
    with pytest.raises(DatasetError, match="phones-squat-given"):
        select_cells(make_cells(), ["ring5"])


def test_a_person_of_real_motion_stands_on_the_floor_at_the_place(windows):
    random = np.random.default_rng(1)
    for window in windows[:3]:
        stature_m, move = draw_person(window, (2.0, -1.0), random)
        xyz = move(np.arange(0, window.seconds, 1 / RATE_FPS))
        assert 1.5 < stature_m < 1.95
        hips = xyz[:, SKELETON.indices(["left_hip", "right_hip"])].mean(1)
        np.testing.assert_allclose(np.median(hips[:, :2], 0), [2.0, -1.0], atol=0.02)
        ankles = xyz[:, SKELETON.indices(["left_ankle", "right_ankle"]), 2].min(1)
        assert np.percentile(ankles, 5) == pytest.approx(0.054 * stature_m, abs=0.01)
        knee, ankle = SKELETON.indices(["left_knee", "left_ankle"])
        shank = np.linalg.norm(xyz[:, knee] - xyz[:, ankle], axis=-1)
        assert np.ptp(shank) < 0.01  # interpolated between two poses


def test_a_motion_that_leaves_its_place_or_is_short_gives_no_window(motion):
    drift = np.linspace(0, 9, len(motion))[:, None, None] * [1, 0, 0]
    assert not list(cut_windows(replace(motion, xyz=(motion.xyz + drift).astype("f4")), 25.0))
    assert not list(cut_windows(replace(motion, xyz=motion.xyz[:90]), 25.0))


def test_windows_are_no_longer_than_asked(windows):
    assert windows
    assert all(isinstance(window, PoseWindow) for window in windows)
    assert all(window.seconds <= 25.0 for window in windows)
    assert windows[0].xyz.shape[1:] == (len(LIMBS), 3)


def test_files_without_a_usable_motion_are_said(monkeypatch, tmp_path, motion):
    short = Motion("short", motion.rate_fps, motion.joints, motion.xyz[:60])
    monkeypatch.setattr("training.proving.mocap.read_motions", lambda _path: iter([short]))
    with pytest.raises(DatasetError, match="12 s"):
        read_windows((tmp_path / "short.npz",), 25.0)
    assert read_windows((), 25.0) == ()
