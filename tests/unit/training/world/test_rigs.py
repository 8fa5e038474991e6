"""Rows of rigs: what the calibration says beside the truth; a refusal is a row with its reason."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.geometry.transforms import rigid_transform, rotation_from_rotvec
from calibration.rig import Rig
from calibration.self_calibrate import Calibration
from engine.errors import NobodyInViewError
from engine.offline import observe
from engine.offline.progress import ignore_progress
from engine.offline.recording import PoseRecording
from tests.support import scenes
from tests.support.fake_models import FakeWalkerEstimator
from training.world import rigs, run
from training.world.clip import FoundClip, WorldClip
from training.world.folder import read_clip, write_clip
from training.world.observe import ObservedClip
from training.world.rigs import measure_rigs
from training.world.subject import BenchOptions
from training.world.truth import ALL_VIEWS, GIVEN, HELD_OUT, LIMBS, find_true_limbs

FRAMESETS = 24
ALL = BenchOptions("none", methods=())
QUICK = BenchOptions("none", quick=True, methods=())
SKELETON = scenes.load_walker_skeleton()


def make_observed(count, *, joints=True, stature_m=1.75):
    """See the walker with exact cameras; the walker's own joints are the truth."""
    rig = Rig(scenes.make_square_rig(4).cameras[:count])
    sets = tuple(scenes.make_poses_2d(rig, index) for index in range(FRAMESETS))
    xyz = np.stack([scenes.make_poses_3d(index).people[0].xyz for index in range(FRAMESETS)])
    clip = WorldClip(
        name="walk",
        folder=None,
        licence="",
        note="",
        views=tuple((name, None) for name in rig.names),
        rig=rig,
        rate_fps=30.0,
        stature_m=stature_m,
        joints=SKELETON.joints if joints else (),
        xyz=xyz if joints else None,
    )
    sizes = tuple(camera.size_wh for camera in rig)
    recording = PoseRecording(sets, SKELETON, rig.names, sizes)
    return ObservedClip(clip, recording, np.repeat(np.arange(FRAMESETS)[:, None], count, 1))


def answer(make_rig, verdict="usable"):
    """Replace the calibration by one that knows the rig."""

    def calibrate(recording, options):
        truth = scenes.make_square_rig(4)
        rig = Rig(tuple(truth[name] for name in recording.view_names))
        report = replace(scenes.make_report(rig, verdict), reasons=("First.", "Second."))
        found = make_rig(rig) if verdict != "refused" else None
        return Calibration(found, report, np.zeros((FRAMESETS, len(rig)), bool))

    return calibrate


def turn_second(rig):
    """Turn the second camera by two degrees, and make all of it smaller."""
    turn = rigid_transform(rotation_from_rotvec(np.radians([0, 2, 0])), np.zeros(3))
    wrong = replace(rig[1], cam_from_world=turn @ rig[1].cam_from_world)
    return Rig((rig[0], wrong, *rig.cameras[2:]))


def measure(observed, options=ALL):
    return list(measure_rigs(observed, options, ignore_progress))


def test_all_views_come_first_then_pairs_each_with_lenses_given_and_unknown(monkeypatch):
    monkeypatch.setattr(rigs, "calibrate_poses", answer(lambda rig: rig))
    rows = measure(make_observed(3))
    assert [(row["views"], row["lenses"]) for row in rows[:4]] == [
        ("all 3", "given"),
        ("all 3", "unknown"),
        ("cam_0 + cam_1", "given"),
        ("cam_0 + cam_1", "unknown"),
    ]
    assert len(rows) == 8
    assert len(measure(make_observed(3), QUICK)) == 2


def test_the_true_rig_has_no_error(monkeypatch):
    monkeypatch.setattr(rigs, "calibrate_poses", answer(lambda rig: rig))
    given, unknown = measure(make_observed(3), QUICK)
    assert unknown["rotation_error_deg"] == pytest.approx(0, abs=1e-6)
    assert unknown["distance_error_percent"] == pytest.approx(0, abs=1e-6)
    assert unknown["focal_error_high_percent"] == 0
    assert given["focal_error_high_percent"] is None
    assert unknown["mpjpe_mm"] < 1
    assert unknown["truth"] == GIVEN


def test_a_camera_turned_by_two_degrees_shows_in_angle_and_joints(monkeypatch):
    monkeypatch.setattr(rigs, "calibrate_poses", answer(turn_second))
    row = measure(make_observed(3), QUICK)[1]
    assert row["rotation_error_deg"] == pytest.approx(2)
    assert row["mpjpe_mm"] > 5


def test_a_known_stature_judges_the_scale_and_an_unknown_one_does_not(monkeypatch):
    small = answer(lambda rig: rig.with_world(np.eye(4), 0.8))
    monkeypatch.setattr(rigs, "calibrate_poses", small)
    known = measure(make_observed(3), QUICK)[1]
    unknown = measure(make_observed(3, stature_m=None), QUICK)[1]
    assert known["distance_error_percent"] == pytest.approx(-20)
    assert unknown["distance_error_percent"] == pytest.approx(0, abs=0.01)
    assert known["mpjpe_mm"] > 50 > 1 > unknown["mpjpe_mm"]


def test_a_refusal_is_a_row_with_its_reason_and_its_claims(monkeypatch):
    monkeypatch.setattr(rigs, "calibrate_poses", answer(None, "refused"))
    row = measure(make_observed(3), QUICK)[1]
    assert (row["verdict"], row["reason"]) == ("refused", "First.")
    assert row["claimed_rotation_deg"] > 0
    assert "rotation_error_deg" not in row


def test_nobody_in_view_is_a_row_with_its_reason(monkeypatch):
    def find_nobody(recording, options):
        raise NobodyInViewError("Nobody was found.")

    monkeypatch.setattr(rigs, "calibrate_poses", find_nobody)
    row = measure(make_observed(2))[0]
    assert (row["verdict"], row["reason"]) == ("refused", "Nobody was found.")


def test_one_camera_makes_no_row():
    assert measure(make_observed(1)) == []


def test_without_joints_the_other_views_are_the_truth_where_two_are_left():
    observed = make_observed(4, joints=False)
    true = make_observed(4).clip.select_joints(LIMBS)
    for judged, source in (((0,), HELD_OUT), ((0, 2), HELD_OUT), ((0, 1, 2), ALL_VIEWS)):
        limbs = find_true_limbs(observed, judged)
        assert limbs.source == source
        np.testing.assert_allclose(limbs.xyz, true, atol=1e-3)  # m


def test_joints_are_those_of_each_framesets_image():
    observed = make_observed(2)
    shifted = observed.image_index + 3
    shifted[5, 0] = -1
    limbs = find_true_limbs(replace(observed, image_index=shifted), (0, 1)).xyz
    np.testing.assert_array_equal(limbs[:-3], observed.clip.select_joints(LIMBS)[3:])
    assert np.isnan(limbs[-3:]).all()


def test_a_bench_goes_on_where_a_clip_cannot_be_read(clip, tmp_path, monkeypatch):
    write_clip(clip, tmp_path / "walk")
    write_clip(clip, tmp_path / "worn")
    (tmp_path / "worn" / "clip.toml").write_text("fps =")
    monkeypatch.setattr(
        observe, "create_estimator", lambda _name, views: FakeWalkerEstimator(views)
    )
    found = [FoundClip(f"my {name}", tmp_path, lambda path=tmp_path / name: read_clip(path))
             for name in ("worn", "walk")]  # fmt: skip
    first, last = list(run.run_bench(found, ALL))
    assert "'my worn' is left out" in first.faults[0]
    assert [table.rows for table in first.tables] == [(), ()]
    rows = last.tables[1].rows
    assert [(row["clip"], row["verdict"]) for row in rows] == [("my walk", "refused")] * 2
