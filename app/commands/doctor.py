"""`epipole doctor`: is this machine ready, and if not, what to do."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from app.cli.display import is_headless
from app.presenters.severity import Severity
from app.settings import DEFAULT_MODEL, load_settings, settings_file
from engine.capture.usb.devices import list_devices
from engine.errors import EngineError, ModelMissingError
from engine.inference.backends import create_backend
from engine.models import shelf as models

_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "av",
    "opencv-python-headless",
    "openvino",
    "onnxruntime",
    "poselib",
    "PyQt6",
)
# The packages of the program have general names; others of the same name may hide them.
_FLOORS = ("app", "training", "engine", "calibration", "assets")
_CLASHES = (("opencv-python-headless", "opencv-python"), ("onnxruntime", "onnxruntime-gpu"))
_MIN_PYTHON = (3, 11)
_TRIAL_BYTES = 32_000_000
_MIN_FREE_GB = 5.0
# four cameras of 1280 x 720 write 4 x 30 x 85 kB = 10 MB/s; the rest is a margin
_MIN_WRITE_MB_PER_S = 40.0
_SEVERITY_LABELS = {Severity.GOOD: "ok", Severity.WARNING: "warn", Severity.ERROR: "fail"}
_MIN_SCREEN_WH = (1280, 720)
_QT_TRIAL = (
    "from PyQt6.QtWidgets import QApplication; running = QApplication(['trial'])\n"
    "for screen in running.screens(): print(*(round(side * screen.devicePixelRatio()) for side in "
    "(screen.size().width(), screen.size().height())))"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis.

    Parameters
    ----------
    subject
    message
        What was found, and what to do about a problem.
    severity
        ERROR where the program cannot run, WARNING where something will work less well.
    """

    subject: str
    message: str
    severity: Severity = Severity.GOOD


def run(options: Namespace) -> int:  # noqa: ARG001  every command receives its options
    """Run every check and print one line for each.

    Parameters
    ----------
    options
        Not used.

    Returns
    -------
    code
        0 if the program can run here, else 1.
    """
    ready = True
    for check in CHECKS:
        finding = check()
        ready &= finding.severity != Severity.ERROR
        print(
            f"{_SEVERITY_LABELS[finding.severity]:6}{finding.subject:10}{finding.message}",
            flush=True,
        )
    print(
        "\nThis machine is ready."
        if ready
        else "\nThis machine is not ready: see the lines marked 'fail'."
    )
    return 0 if ready else 1


def check_python() -> Finding:
    """Check the version and word length of Python."""
    version = platform.python_version()
    if sys.version_info < _MIN_PYTHON or sys.maxsize < 2**32:
        return Finding(
            "Python",
            f"{version}: a 64-bit Python 3.11 or newer is needed.",
            severity=Severity.ERROR,
        )
    return Finding("Python", f"{version} on {platform.system()} {platform.machine()}")


def check_program() -> Finding:
    """Check that all parts of the program are found in one place, its own."""
    root = Path(__file__).resolve().parents[2]
    for floor in _FLOORS:
        spec = util.find_spec(floor)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != root / floor:
            return Finding(
                "Program",
                f"a package '{floor}' in {found} hides Epipole's own in {root}. Rename that folder "
                "or uninstall that package; or install Epipole alone, with pipx or 'uv tool'.",
                severity=Severity.ERROR,
            )
    return Finding(
        "Program", f"Epipole {_find_installed_version('epipole') or '(not installed)'} in {root}"
    )


def check_packages() -> Finding:
    """Check for packages that are missing, or that overwrite each other's files."""
    versions = {name: _find_installed_version(name) for name in _PACKAGES}
    absent = [name for name, version in versions.items() if version is None]
    if absent:
        return Finding(
            "Packages",
            f"not installed: {', '.join(absent)}. Run: pip install -e .",
            severity=Severity.ERROR,
        )
    for wanted, rival in _CLASHES:
        if _find_installed_version(rival):
            return Finding(
                "Packages",
                f"{rival} overwrites {wanted}. Run: pip uninstall {rival}",
                severity=Severity.ERROR,
            )
    return Finding("Packages", ", ".join(f"{name} {version}" for name, version in versions.items()))


def check_model() -> Finding:
    """Check that the default model is installed and its hash is right."""
    try:
        model = models.load_model(DEFAULT_MODEL)
    except EngineError as error:
        return Finding("Model", str(error), severity=Severity.ERROR)
    return Finding("Model", f"{DEFAULT_MODEL} is installed and verified ({model.sha256[:12]}…)")


def check_inference() -> Finding:
    """Run the largest part of the default model once."""
    try:
        paths = models.load_model(DEFAULT_MODEL).paths.values()
        backend = create_backend("openvino", max(paths, key=lambda path: path.stat().st_size))
    except ModelMissingError:
        return Finding(
            "Inference", "cannot be tested before the model is installed.", Severity.WARNING
        )
    except EngineError as error:
        return Finding("Inference", str(error), severity=Severity.ERROR)
    backend.warm_up(1)
    start_s = time.perf_counter()
    backend.warm_up(1)
    took_ms = (time.perf_counter() - start_s) * 1000
    message = f"{backend.name}: {took_ms:.0f} ms per person and image, {os.cpu_count()} cores"
    backend.close()
    return Finding("Inference", message)


def check_gpu() -> Finding:
    """Look for an NVIDIA GPU and TensorRT; neither is needed."""
    if shutil.which("nvidia-smi") is None:
        return Finding("GPU", "no NVIDIA GPU was found; the processor is used instead.")
    if util.find_spec("tensorrt") is None:
        return Finding("GPU", "an NVIDIA GPU was found. To use it, run: pip install -e '.[gpu]'")
    return Finding("GPU", "an NVIDIA GPU and TensorRT were found.")


def check_cameras() -> Finding:
    """List the cameras that are plugged in, and any problem with them."""
    try:
        devices = list_devices()
    except (EngineError, OSError) as error:
        return Finding("Cameras", f"cannot be listed: {error}", Severity.WARNING)
    if not devices:
        return Finding("Cameras", "none is plugged in. Network cameras are given by their address.")
    problems = [device.problem for device in devices if device.problem]
    names = ", ".join(f"'{device.name}'" for device in devices if not device.problem)
    ready = len(devices) - len(problems)
    message = (
        f"{ready} can be used: {names}" if ready else "none of the cameras plugged in can be used"
    )
    if problems:
        return Finding("Cameras", f"{message}. {' '.join(problems)}", Severity.WARNING)
    if len(devices) == 1:
        return Finding("Cameras", f"{message}. Measuring in 3D needs two or more.")
    return Finding("Cameras", message)


def check_disk() -> Finding:
    """Measure free space and write speed of the current folder."""
    return _check_folder("Disk", Path.cwd(), "Use another folder.")


def check_sessions() -> Finding:
    """Measure free space and write speed of the folder of the recordings."""
    settings, message = load_settings(settings_file())
    if message:
        return Finding("Sessions", message, Severity.WARNING)
    folder = settings.sessions_folder()
    while not folder.exists():  # made with the first recording
        folder = folder.parent
    return _check_folder(
        "Sessions", folder, f"Set another folder for 'sessions' in {settings_file()}."
    )


def _check_folder(subject: str, folder: Path, instead: str) -> Finding:
    """Measure free space and write speed of a folder."""
    try:
        free_gb = shutil.disk_usage(folder).free / 1e9
        speed = _measure_write_speed_mb_per_s(folder)
    except OSError as error:
        return Finding(
            subject,
            f"{folder} cannot be written: {error.strerror}. {instead}",
            severity=Severity.ERROR,
        )
    message = f"{free_gb:.0f} GB free in {folder}, writes {speed:.0f} MB/s"
    if free_gb < _MIN_FREE_GB:
        return Finding(subject, f"{message}. Free some space before you record.", Severity.WARNING)
    if speed < _MIN_WRITE_MB_PER_S:
        return Finding(
            subject,
            f"{message}. Recording four cameras needs {_MIN_WRITE_MB_PER_S:.0f} MB/s.",
            Severity.WARNING,
        )
    return Finding(subject, message)


def check_display() -> Finding:
    """Start Qt in a child process, because a missing library aborts it, and list the screens."""
    trial = subprocess.run(
        [sys.executable, "-P", "-c", _QT_TRIAL],
        env={
            **os.environ,
            "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", _choose_platform()),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if trial.returncode:
        last = (trial.stderr.strip().splitlines() or ["no reason given"])[-1]
        hint = "On Debian or Ubuntu, 'make setup' installs what is missing."
        return Finding("Window", f"Qt cannot start: {last}. {hint}", severity=Severity.ERROR)
    if is_headless(requested=False) or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return Finding("Window", "there is no screen; the window is drawn as a picture instead.")
    return _check_screens(
        [tuple(map(int, line.split())) for line in trial.stdout.split("\n") if line.strip()]
    )


def _check_screens(sizes: Sequence[tuple[int, ...]]) -> Finding:
    """Check whether the largest screen has room for the window."""
    if not sizes:
        return Finding(
            "Window", "there is a display but no screen. Switch a screen on.", Severity.WARNING
        )
    width, height = max(sizes)
    others = f", and {len(sizes) - 1} more" if len(sizes) > 1 else ""
    message = f"screen of {width}x{height}{others}; no graphics driver is needed"
    if width < _MIN_SCREEN_WH[0] or height < _MIN_SCREEN_WH[1]:
        minimum = "{}x{}".format(*_MIN_SCREEN_WH)
        return Finding(
            "Window",
            f"{message}. The window needs {minimum}; parts of it may be cut off.",
            Severity.WARNING,
        )
    return Finding("Window", message)


def _choose_platform() -> str:
    """Choose the Qt platform to test: the screen, if there is one."""
    return "offscreen" if is_headless(requested=False) else ""


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python,
    check_program,
    check_packages,
    check_model,
    check_inference,
    check_gpu,
    check_cameras,
    check_disk,
    check_sessions,
    check_display,
)


def _find_installed_version(name: str) -> str | None:
    """Look up a package's version; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _measure_write_speed_mb_per_s(folder: Path) -> float:
    """Write a file to the disk, and measure the speed."""
    with tempfile.TemporaryFile(dir=folder) as file:
        start_s = time.perf_counter()
        file.write(os.urandom(_TRIAL_BYTES))
        file.flush()
        os.fsync(file.fileno())
        return _TRIAL_BYTES / 1e6 / (time.perf_counter() - start_s)
