"""Disk: files written whole or as they were, folders locked by one program, and free space."""

import os
import signal
import subprocess
import sys

import pytest

from engine.disk import FolderLock, InUseError, append_atomic, atomic_file, free_bytes, write_atomic


def test_a_folder_is_held_once_and_free_again_afterwards(tmp_path):
    hold = FolderLock(tmp_path)
    with pytest.raises(InUseError):
        FolderLock(tmp_path)
    hold.release()
    hold.release()
    FolderLock(tmp_path).release()


def test_holding_a_folder_leaves_nothing_in_it(tmp_path):
    FolderLock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_program_lets_go_of_its_folder(tmp_path):
    script = (
        "import sys, time; sys.path.insert(0, '.')\n"
        "from pathlib import Path; from engine.disk import FolderLock\n"
        f"hold = FolderLock(Path({str(tmp_path)!r})); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(InUseError):
        FolderLock(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    FolderLock(tmp_path).release()


class HalfFull:
    """Takes three bytes, then has no room."""

    def __init__(self, file):
        self._file, self._room = file, 3

    def write(self, data):
        if not self._room:
            raise OSError(28, "No space left on device")
        taken, self._room = self._file.write(data[: self._room]), 0
        return taken

    def fileno(self):
        return self._file.fileno()


def test_what_does_not_fit_whole_is_not_there_at_all(tmp_path):
    with (tmp_path / "f").open("xb", buffering=0) as file:
        length = append_atomic(file, b"first", 0)
        with pytest.raises(OSError, match="No space"):
            append_atomic(HalfFull(file), b"second", length)
        append_atomic(file, b"third", length)
    assert (tmp_path / "f").read_bytes() == b"firstthird"


def test_room_is_known_for_a_folder_that_is_not_there_yet(tmp_path):
    assert free_bytes(tmp_path / "a" / "b") == pytest.approx(free_bytes(tmp_path), rel=0.1)


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    (tmp_path / "f").write_text("old")

    def full(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("engine.disk.os.fsync", full)
    with pytest.raises(OSError, match="No space"), atomic_file(tmp_path / "f") as file:
        file.write("new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "old")]


def test_data_is_written_whole_or_the_old_file_stays(tmp_path, monkeypatch):
    write_atomic(tmp_path / "new/f", b"old")
    monkeypatch.setattr("engine.disk.os.fsync", lambda descriptor: os.write(-1, b""))
    with pytest.raises(OSError, match="Bad file descriptor"):
        write_atomic(tmp_path / "new/f", b"new")
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "new").iterdir()] == [
        ("f", b"old")
    ]
