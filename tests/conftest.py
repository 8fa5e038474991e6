"""What every test relies on: no display, the user's own folders untouched, Ctrl-C, and skips."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# A shell starts what runs in its background with Ctrl-C ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A busy machine makes an example slow.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the shared data beside the checkout; tests that use it carry the mark `data`."""
    return DATA.resolve()


@pytest.fixture(autouse=True)
def own_log(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the log of a test out of the user's folder."""
    log = tmp_path_factory.getbasetemp() / "log" / "epipole.log"
    monkeypatch.setattr("app.paths.log_file", lambda: log)
    return log


@pytest.fixture(autouse=True)
def own_networks(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the models of a test and those of the user apart."""
    folder = tmp_path_factory.getbasetemp() / "networks"
    monkeypatch.setenv("EPIPOLE_NETWORKS", str(folder))
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks, with the reason."""
    reasons = {
        "data": None if DATA.is_dir() else f"no shared data in {DATA}",
        "camera": None if Path("/dev/video0").exists() else "no camera",
        "gpu": None if Path("/proc/driver/nvidia").exists() else "no NVIDIA GPU",
    }
    if any(item.get_closest_marker("model") for item in items):
        reasons["model"] = _why_no_model()
    for item in items:
        for mark, reason in reasons.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


def _why_no_model() -> str | None:
    """Say why the default model cannot be used; None if it can."""
    from engine.models import shelf as models

    present = {state.card.name for state in models.list_models() if state.present}
    return None if "blazepose" in present else "no pose model: run 'epipole models pull blazepose'"
