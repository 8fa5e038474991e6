"""csv and csv2d: the documented columns, no rows for missing joints, whole files or none."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from engine.errors import EngineError, SessionError
from engine.export.csv_2d import write_poses_csv2d
from engine.export.csv_3d import write_positions_csv
from engine.export.exporters import EXPORTERS, export_session
from engine.session.session import Session, SessionFacts
from engine.session.writer import SessionWriter
from tests.support.pose_sets import PERIOD_NS, make_pose_sets_2d, make_pose_sets_3d

SKELETON = load_skeleton("blazepose_33")
COUNT = 20
LATE_NS = 12_345_678_901_234


@pytest.fixture(scope="module")
def poses():
    """2D and 3D poses on a clock that does not begin at 0."""
    late_2d = [
        replace(p, timestamp_ns=p.timestamp_ns + LATE_NS) for p in make_pose_sets_2d(COUNT, seed=5)
    ]
    late_3d = [
        replace(p, timestamp_ns=p.timestamp_ns + LATE_NS) for p in make_pose_sets_3d(COUNT, seed=6)
    ]
    return late_2d, late_3d


@pytest.fixture(scope="module")
def session(tmp_path_factory, poses):
    path = tmp_path_factory.mktemp("export") / "s"
    with SessionWriter(path, SessionFacts()) as writer:
        files = writer.open_pose_files(SKELETON, ("left", "mid", "right"))
        for flat, room in zip(*poses):
            files.raw_2d.put(flat)
            files.matched_2d.put(flat)
            files.room_3d.put(room)
    return Session.open(path)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_the_columns_of_the_contract(session, tmp_path):
    export_session(session, "csv", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[
        0
    ] == "frame,time_s,person,joint,x_m,y_m,z_m,confidence,views"


def test_csv_holds_every_joint_that_was_found_and_no_other(session, poses, tmp_path):
    export_session(session, "csv", tmp_path / "a.csv")
    got = {(int(r["frame"]), int(r["person"]), r["joint"]): r for r in rows_of(tmp_path / "a.csv")}
    expected = {
        (p.index, pose.track_id, joint): (p, pose, k)
        for p in poses[1]
        for pose in p.people
        for k, joint in enumerate(SKELETON.joints)
        if np.isfinite(pose.xyz[k]).all()
    }
    assert got.keys() == expected.keys()
    for key, (p, pose, k) in expected.items():
        row = got[key]
        assert [float(row[c]) for c in ("x_m", "y_m", "z_m")] == pytest.approx(
            pose.xyz[k].tolist(), rel=1e-5
        )
        assert float(row["time_s"]) == pytest.approx(
            p.index * PERIOD_NS / 1e9, abs=1e-6
        )  # s, since frame 0
        assert float(row["confidence"]) == pytest.approx(pose.confidence[k], abs=1e-3)
        assert int(row["views"]) == pose.view_count[k]


def test_csv2d_holds_every_joint_that_was_seen_by_view(session, poses, tmp_path):
    export_session(session, "csv2d", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[
        0
    ] == "frame,time_s,view,person,joint,x_px,y_px,confidence"
    got = {
        (int(r["frame"]), r["view"], int(r["person"]), r["joint"]): r
        for r in rows_of(tmp_path / "a.csv")
    }
    expected = {
        (p.index, view, pose.track_id, joint): pose.xy[k]
        for p in poses[0]
        for view, people in zip(("left", "mid", "right"), p.poses_by_view)
        for pose in people
        for k, joint in enumerate(SKELETON.joints)
        if np.isfinite(pose.xy[k]).all()
    }
    assert got.keys() == expected.keys()
    assert all(
        [float(got[key]["x_px"]), float(got[key]["y_px"])] == pytest.approx(xy.tolist(), abs=1e-3)
        for key, xy in expected.items()
    )


def test_smoothing_sees_every_frameset_in_order(session, tmp_path):
    seen = []

    def smooth(poses):
        seen.append(poses.index)
        return replace(
            poses, people=tuple(replace(p, xyz=np.zeros_like(p.xyz)) for p in poses.people)
        )

    export_session(session, "csv", tmp_path / "a.csv", smooth=smooth)
    assert seen == list(range(COUNT))
    assert {float(r["x_m"]) for r in rows_of(tmp_path / "a.csv")} == {0.0}


def test_csv2d_cannot_be_smoothed(session, tmp_path):
    with pytest.raises(EngineError, match="cannot be smoothed"):
        export_session(session, "csv2d", tmp_path / "a.csv", smooth=lambda poses: poses)
    assert not (tmp_path / "a.csv").exists()


def test_an_unknown_format_names_the_known_ones(session, tmp_path):
    with pytest.raises(EngineError, match=r"no format 'xls'. Known: csv, csv2d"):
        export_session(session, "xls", tmp_path / "a.xls")


def test_every_exporter_of_the_table_writes_a_file(session, tmp_path):
    for name in EXPORTERS:
        export_session(session, name, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0


def test_a_failed_export_leaves_the_old_file_and_no_litter(session, tmp_path):
    (tmp_path / "a.csv").write_text("precious")

    def fails(poses):
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        export_session(session, "csv", tmp_path / "a.csv", smooth=fails)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.csv", "precious")]


def test_a_place_that_cannot_be_written_is_one_sentence(session, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SessionError, match="cannot be written"):
        export_session(session, "csv", tmp_path / "file" / "a.csv")


def test_known_positions_are_written_in_the_same_columns(tmp_path):
    time_ns = np.array([5, 33_333_338, 66_666_671])
    ankle = np.array([[0.1, 0.2, 0.3], [np.nan] * 3, [1.0, -2.0, 0.0]])
    write_positions_csv(tmp_path / "t.csv", time_ns, {"left_ankle": ankle}, view_count=4)
    rows = rows_of(tmp_path / "t.csv")
    assert [(r["frame"], r["time_s"], r["z_m"]) for r in rows] == [
        ("0", "0.000000", "0.3"),
        ("2", "0.066667", "0"),
    ]
    assert {(r["person"], r["joint"], r["confidence"], r["views"]) for r in rows} == {
        ("0", "left_ankle", "1", "4")
    }


def test_a_view_with_a_comma_in_its_name_survives(tmp_path):
    put = make_pose_sets_2d(3, view_count=1)
    write_poses_csv2d(tmp_path / "a.csv", put, SKELETON.joints, ['cam "1", left'], start_ns=0)
    assert {row["view"] for row in rows_of(tmp_path / "a.csv")} == {'cam "1", left'}
