"""Ledgers and pose files come back as written, and so do pose files cut off anywhere."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.skeleton import load_skeleton
from engine.ledger import LedgerRow, LedgerWriter, read_ledger
from engine.session.pose_files import PoseFileHeader, PoseReader, PoseWriter
from tests.support.pose_sets import is_same_2d, is_same_3d, make_pose_sets_2d, make_pose_sets_3d

JOINTS = load_skeleton("blazepose_33").joints

ROWS = st.builds(
    LedgerRow,
    sequence=st.integers(0, 10**9),
    time_ns=st.none() | st.integers(-(2**62), 2**62),
    size_wh=st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    kept=st.booleans(),
    why=st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20),
)


@given(st.lists(ROWS, max_size=20), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_a_ledger_cut_off_anywhere_gives_its_whole_lines(rows, lost_bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.csv"
        with LedgerWriter(path) as writer:
            for row in rows:
                writer.put(row)
        assert list(read_ledger(path)) == rows
        data = path.read_bytes()
        head = data.index(b"\n") + 1
        path.write_bytes(data[: max(head, len(data) - lost_bytes)])
        got = list(read_ledger(path))
        assert got == rows[: len(got)]
        assert len(rows) - len(got) <= lost_bytes


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_2d_poses_cut_off_anywhere_give_their_whole_framesets(seed, count, lost_bytes):
    put = make_pose_sets_2d(count, seed=seed)
    got, torn = _carried(
        put, PoseFileHeader(2, "blazepose_33", JOINTS, ("a", "b", "c")), lost_bytes
    )
    assert all(is_same_2d(a, b) for a, b in zip(put, got))
    assert len(got) == count or lost_bytes > 0
    assert not (torn and lost_bytes == 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_3d_poses_cut_off_anywhere_give_their_whole_framesets(seed, count, lost_bytes):
    put = make_pose_sets_3d(count, seed=seed)
    got, torn = _carried(put, PoseFileHeader(3, "blazepose_33", JOINTS, ("a",)), lost_bytes)
    assert all(is_same_3d(a, b) for a, b in zip(put, got))
    assert len(got) == count or lost_bytes > 0
    assert not (torn and lost_bytes == 0)


def _carried(put, header, lost_bytes):
    """Write, cut off the end, read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "poses.bin"
        writer = PoseWriter(path, header)
        for poses in put:
            writer.put(poses)
        writer.close()
        data = path.read_bytes()
        path.write_bytes(data[: max(data.index(b"\n") + 1, len(data) - lost_bytes)])
        reader = PoseReader(path)
        return list(reader), reader.torn
