"""Pose files: what is put comes back, also after a kill, and what is none is refused."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from calibration.skeleton import load_skeleton
from engine.errors import SessionError
from engine.poses import JointSource
from engine.session.pose_files import PoseFileHeader, PoseReader, PoseWriter
from tests.support.pose_sets import is_same_2d, is_same_3d, make_pose_sets_2d, make_pose_sets_3d

JOINTS = load_skeleton("blazepose_33").joints
HEADER_2D = PoseFileHeader(2, "blazepose_33", JOINTS, ("left", "mid", "right"))
HEADER_3D = PoseFileHeader(3, "blazepose_33", JOINTS, ("left", "mid", "right"))


def write(path, header, pose_sets):
    writer = PoseWriter(path, header)
    for poses in pose_sets:
        writer.put(poses)
    writer.close()
    return path


def test_2d_poses_come_back_as_they_were_put(tmp_path):
    put = make_pose_sets_2d(40)
    got = list(PoseReader(write(tmp_path / "p.bin", HEADER_2D, put)).sets_2d())
    assert len(got) == 40
    assert all(is_same_2d(a, b) for a, b in zip(put, got))


def test_3d_poses_come_back_with_their_covariance(tmp_path):
    put = make_pose_sets_3d(40)
    got = list(PoseReader(write(tmp_path / "p.bin", HEADER_3D, put)).sets_3d())
    assert len(got) == 40
    assert all(is_same_3d(a, b) for a, b in zip(put, got))


def test_guessed_joints_come_back_as_guesses(tmp_path):
    put = next(poses for poses in make_pose_sets_3d(40) if poses.people)
    put.people[0].view_count[:5] = 1
    put.people[0].source[:5] = JointSource.GUESSED
    (got,) = PoseReader(write(tmp_path / "p.bin", HEADER_3D, [put])).sets_3d()
    assert is_same_3d(put, got)
    assert np.flatnonzero(got.people[0].guessed).tolist() == [0, 1, 2, 3, 4]


def test_the_header_names_joints_and_views_and_lays_out_the_records(tmp_path):
    path = write(tmp_path / "p.bin", HEADER_3D, make_pose_sets_3d(5))
    assert PoseReader(path).header == HEADER_3D
    line, body = path.read_bytes().split(b"\n", 1)
    table = json.loads(line)
    fields = [
        (name, kind, *(tuple(shape) for shape in shapes)) for name, kind, *shapes in table["dtype"]
    ]
    records = np.frombuffer(body, np.dtype(fields))  # as another program would
    assert len(records) == len(PoseReader(path).records)
    assert table["joints"][0] == "nose"


def test_framesets_gather_until_they_are_written(tmp_path):
    put, path = make_pose_sets_2d(3), tmp_path / "p.bin"
    writer = PoseWriter(path, HEADER_2D)
    for poses in put:
        writer.put(poses, now=False)
    assert not list(PoseReader(path).sets_2d())
    writer.flush()
    assert all(is_same_2d(a, b) for a, b in zip(put, PoseReader(path).sets_2d(), strict=True))
    writer.close()


def test_poses_are_readable_while_they_are_written(tmp_path):
    put = make_pose_sets_2d(3)
    writer = PoseWriter(tmp_path / "p.bin", HEADER_2D)
    for count, poses in enumerate(put, start=1):
        writer.put(poses)
        assert len(list(PoseReader(tmp_path / "p.bin").sets_2d())) == count
    writer.close()


@pytest.mark.parametrize("lost_bytes", [1, 500, 1500])
def test_a_torn_tail_costs_the_last_frameset_and_is_said(tmp_path, lost_bytes):
    put = make_pose_sets_2d(10)
    path = write(tmp_path / "p.bin", HEADER_2D, put)
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    reader = PoseReader(path)
    got = list(reader.sets_2d())
    assert reader.torn
    assert 6 <= len(got) < 10
    assert all(is_same_2d(a, b) for a, b in zip(put, got))


def test_a_killed_writer_leaves_a_readable_file(tmp_path):
    script = (
        "import sys, time; sys.path.insert(0, '.')\n"
        "from tests.unit.engine.session.test_pose_files import *\n"
        f"writer = PoseWriter(__import__('pathlib').Path(r'{tmp_path}') / 'p.bin', HEADER_2D)\n"
        "for poses in make_pose_sets_2d(1000):\n"
        "    writer.put(poses); print(poses.index, flush=True); time.sleep(0.002)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    written = [int(process.stdout.readline()) for _ in range(30)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    got = list(PoseReader(tmp_path / "p.bin").sets_2d())
    assert len(got) > written[-1]
    assert all(is_same_2d(a, b) for a, b in zip(make_pose_sets_2d(1000), got))


def test_a_file_is_never_overwritten(tmp_path):
    write(tmp_path / "p.bin", HEADER_2D, [])
    with pytest.raises(SessionError, match="cannot be written"):
        PoseWriter(tmp_path / "p.bin", HEADER_2D)


def test_a_full_disk_is_one_sentence_and_keeps_what_was_written(tmp_path, monkeypatch):
    put = make_pose_sets_2d(5)
    path = write(tmp_path / "p.bin", HEADER_2D, put[:3])
    whole = path.read_bytes()
    path.unlink()
    writer = PoseWriter(path, HEADER_2D)
    for poses in put[:3]:
        writer.put(poses)
    writer._file = _FullDisk(writer._file)
    with pytest.raises(SessionError, match=r"No space left on device.*kept"):
        writer.put(put[3])
    assert path.read_bytes() == whole  # the half record is gone


class _FullDisk:
    """Takes a hundred bytes, then has no room."""

    def __init__(self, file):
        self._file, self._room = file, 100

    def write(self, data):
        if self._room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, self._room = self._file.write(data[: self._room]), 0
        return taken

    def fileno(self):
        return self._file.fileno()


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"{}\n", b'{"format": "other", "schema": 1}\n', b"\xff\xfe\n"]
)
def test_what_is_no_pose_file_is_refused(tmp_path, content):
    (tmp_path / "p.bin").write_bytes(content)
    with pytest.raises(SessionError, match="not a file of poses"):
        PoseReader(tmp_path / "p.bin")


def test_a_newer_file_asks_for_an_update(tmp_path):
    (tmp_path / "p.bin").write_bytes(
        json.dumps({"format": "epipole-poses", "schema": 7}).encode() + b"\n"
    )
    with pytest.raises(SessionError, match=r"newer Epipole \(schema 7.*Update"):
        PoseReader(tmp_path / "p.bin")


def test_poses_that_do_not_fit_the_file_are_a_mistake_of_the_caller(tmp_path):
    writer = PoseWriter(tmp_path / "p.bin", HEADER_2D)
    with pytest.raises(ValueError, match="2D"):
        writer.put(make_pose_sets_3d(1)[0])
    with pytest.raises(ValueError, match="3 views"):
        writer.put(make_pose_sets_2d(1, view_count=2)[0])
    writer.close()
