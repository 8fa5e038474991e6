"""What every test may rely on: no display, no writing into the user's own folders, a Ctrl-C that is
heard, and skips
that say why.
"""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.patience import PATIENCE_S

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # so does a shell begin what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A busy machine makes an example slow, which is no fault of what is tested.
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
    """Keep the networks of a test out of the user's library, and those of the user out of the test."""
    folder = tmp_path_factory.getbasetemp() / "networks"
    monkeypatch.setenv("EPIPOLE_NETWORKS", str(folder))
    return folder


@pytest.fixture
def patient_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let live cameras take their time to end, where nothing hangs: two seconds are short on a busy machine."""
    monkeypatch.setattr("engine.live.live.CLOSE_S", PATIENCE_S)


@pytest.fixture
def patient_window(monkeypatch: pytest.MonkeyPatch, patient_end: None) -> None:
    """Let everything behind a window take its time to end, where nothing hangs."""
    for limit in (
        "live.WORKER_TIMEOUT_S",
        "finetune.CLOSE_TIMEOUT_S",
        "sessions.CLOSE_TIMEOUT_S",
    ):
        monkeypatch.setattr(f"app.control.{limit}", PATIENCE_S)
    monkeypatch.setattr("app.control.player.CLOSE_TIMEOUT_S", PATIENCE_S)


@pytest.fixture
def patient_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a camera on the loopback take its time to answer, as it does on a busy machine."""
    for limit in (
        "address.CONNECT_TIMEOUT_S",
        "conversation.REPLY_TIMEOUT_S",
        "source.OPEN_TIMEOUT_S",
        "source.RATE_S",
    ):
        monkeypatch.setattr(f"engine.capture.network.{limit}", PATIENCE_S)


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the images of network cameras wait for a busy machine, so that none is dropped."""
    monkeypatch.setattr("engine.capture.network.source.MAX_WAITING_IMAGES", 10_000)


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
