"""What `epipole doctor` finds out about cameras, disks and screens."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from app.commands import doctor
from app.presenters.severity import Severity
from app.settings import Settings, save_settings
from engine.capture.usb.devices import Device
from engine.errors import CameraError

GOOD = Device("C920-A1", "HD Pro Webcam C920", "usb:C920-A1")
BUSY = Device(
    "C270-7",
    "C270",
    "usb:C270-7",
    problem="Camera 'C270' is in use by 'obs' (process 7). Close it there.",
)
CLOSED = Device(
    "B",
    "Brio",
    "usb:B",
    problem="You may not use camera 'Brio'. Run: sudo usermod -aG video $USER, then log in again.",
)


@pytest.fixture
def plugged_in(monkeypatch):
    def look(*devices):
        monkeypatch.setattr(doctor, "list_devices", lambda: devices)
        return doctor.check_cameras()

    return look


@pytest.fixture
def remembered(monkeypatch, tmp_path):
    """Let the settings name a folder for sessions."""
    monkeypatch.setattr(doctor, "settings_file", lambda: tmp_path / "settings.toml")

    def keep(folder):
        save_settings(Settings(sessions=str(folder)), tmp_path / "settings.toml")

    return keep


def test_cameras_that_can_be_used_are_named(plugged_in):
    finding = plugged_in(GOOD, GOOD)
    assert finding.severity is Severity.GOOD
    assert finding.message.startswith("2 can be used: 'HD Pro Webcam C920'")


def test_no_camera_at_all_is_no_fault(plugged_in):
    finding = plugged_in()
    assert finding.severity is Severity.GOOD
    assert "none is plugged in" in finding.message


def test_one_camera_alone_says_what_it_cannot_do(plugged_in):
    assert "two or more" in plugged_in(GOOD).message


def test_what_stands_in_the_way_of_a_camera_is_said(plugged_in):
    finding = plugged_in(GOOD, BUSY, CLOSED)
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("1 can be used")
    assert "in use by 'obs'" in finding.message
    assert "usermod -aG video" in finding.message


def test_cameras_that_cannot_be_listed_are_a_warning_only(monkeypatch):
    def broken():
        raise CameraError("", "The system lists no cameras.")

    monkeypatch.setattr(doctor, "list_devices", broken)
    assert doctor.check_cameras().severity is Severity.WARNING


def test_the_folder_of_the_sessions_is_measured_before_it_exists(remembered, tmp_path):
    remembered(tmp_path / "not" / "yet")
    finding = doctor.check_sessions()
    assert finding.subject == "Sessions"
    assert f"free in {tmp_path}" in finding.message
    assert not (tmp_path / "not").exists()


def test_a_folder_of_sessions_that_cannot_be_written_says_where_to_choose_another(
    remembered, tmp_path, monkeypatch
):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    remembered(tmp_path)
    monkeypatch.setattr(doctor, "_measure_write_speed_mb_per_s", refuse)
    finding = doctor.check_sessions()
    assert finding.severity is Severity.ERROR
    assert "Permission denied" in finding.message
    assert "settings.toml" in finding.message


def test_a_slow_disk_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "_measure_write_speed_mb_per_s", lambda folder: 12.0)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=500e9))
    finding = doctor.check_disk()
    assert finding.severity is Severity.WARNING
    assert "writes 12 MB/s" in finding.message


@pytest.mark.parametrize(
    ("sizes", "tone", "words"),
    [
        ([(1920, 1080)], Severity.GOOD, "1920x1080"),
        ([(1280, 720), (3840, 2160)], Severity.GOOD, "3840x2160, and 1 more"),
        ([(1024, 600)], Severity.WARNING, "needs 1280x720"),
        ([], Severity.WARNING, "no screen"),
    ],
)
def test_the_screen_is_measured(sizes, tone, words):
    finding = doctor._check_screens(sizes)
    assert finding.severity is tone
    assert words in finding.message


def test_the_screens_that_qt_tells_are_understood(monkeypatch):
    answer = SimpleNamespace(returncode=0, stdout="1280 720\n3840 2160\n", stderr="")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *words, **options: answer)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":7")
    assert "3840x2160, and 1 more" in doctor.check_display().message


def test_qt_prints_a_width_and_a_height_for_each_screen():
    words = [sys.executable, "-c", doctor._QT_TRIAL]
    said = subprocess.run(
        words, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, capture_output=True, check=True
    )
    assert all(
        len(line.split()) == 2 and line.replace(" ", "").isdigit()
        for line in said.stdout.decode().splitlines()
    )
    assert said.stdout


def test_a_display_that_does_not_answer_says_how_qt_failed(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "no such platform")
    finding = doctor.check_display()
    assert finding.severity is Severity.ERROR
    assert "Qt cannot start" in finding.message


def test_the_program_is_found_in_one_place():
    assert doctor.check_program().severity is Severity.GOOD


def test_a_program_that_is_not_installed_is_still_found(monkeypatch):
    def find_none(name):
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", find_none)
    assert "(not installed)" in doctor.check_program().message


def test_a_package_that_hides_a_part_of_the_program_is_named(monkeypatch, tmp_path):
    hiding = tmp_path / "training" / "__init__.py"
    hiding.parent.mkdir()
    hiding.touch()
    find = doctor.util.find_spec
    monkeypatch.setattr(
        doctor.util,
        "find_spec",
        lambda name: SimpleNamespace(origin=str(hiding)) if name == "training" else find(name),
    )
    finding = doctor.check_program()
    assert finding.severity is Severity.ERROR
    assert f"'training' in {hiding.parent} hides" in finding.message
