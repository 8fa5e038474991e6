"""A live program that records real servers, and what its session's ledgers must always hold."""

import ctypes
import gc
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import av

from engine.capture.state import CameraPhase, CameraState
from engine.ledger import LedgerRow
from engine.live.cameras import make_camera_sources
from engine.live.live import Live
from engine.session.session import Session, SessionCamera, SessionFacts
from tests.support.fake_models import FakeWalkerEstimator
from tests.support.patience import PATIENT_LIVE, ROOMY_NETWORK, wait_until
from tests.support.videos import read_number

OUR_THREAD_PREFIXES = (
    "camera ",
    "record",
    "estimate",
    "reconstruct",
    "calibration",
    "close ",
    "look at",
)


@contextmanager
def record_live(addresses: Sequence[str], path: Path) -> Iterator[Live]:
    """Run cameras that all send, record them; no thread may be left."""
    live = Live(
        make_camera_sources(addresses, network=ROOMY_NETWORK), FakeWalkerEstimator, PATIENT_LIVE
    )
    live.start()
    try:
        assert wait_until(
            lambda: all(one.phase is CameraPhase.LIVE for one in live.state().cameras)
        )
        live.start_recording(path, SessionFacts())
        yield live
    finally:
        assert live.close()
    assert wait_until(lambda: not list_our_threads())


def list_our_threads() -> list[str]:
    """Name the threads of live programs."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(OUR_THREAD_PREFIXES)
    ]


def get_camera_state(live: Live, place: int) -> CameraState:
    """How a camera is now."""
    return live.state().cameras[place]


def is_live(live: Live, place: int, reconnected: int) -> bool:
    """Whether a camera is back for so many times."""
    state = get_camera_state(live, place)
    return state.phase is CameraPhase.LIVE and state.reconnect_count >= reconnected


def read_ledger_rows(path: Path, place: int) -> tuple[LedgerRow, ...]:
    """Read a camera's ledger, and hold it against its video."""
    session = Session.open(path)
    assert session.finished
    rows = session.ledger(session.cameras[place])
    kept = [row for row in rows if row.kept]
    assert all(
        other.sequence == one.sequence + 1 for one, other in pairwise(rows)
    )  # every image has its line
    assert all(row.why for row in rows if not row.kept)
    times_ns = [row.time_ns or 0 for row in kept]
    assert all(one < other for one, other in pairwise(times_ns))
    assert len(kept) == count_images(path, session.cameras[place])
    return rows


def count_images(path: Path, recorded: SessionCamera) -> int:
    """Count the images of a video without decoding them."""
    with av.open(str(path / recorded.video)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def has_no_losses(path: Path, place: int) -> bool:
    """Tell whether a video holds every image that its camera sent meanwhile, by the numbers in the
    images.

    What the ledger holds of a camera that was silent for a second is a guess; on a busy machine
    every camera is.
    """
    session = Session.open(path)
    with av.open(str(path / session.cameras[place].video)) as container:
        numbers = [
            read_number(image.to_ndarray(format="bgr24")) for image in container.decode(video=0)
        ]
    return len(numbers) > 1 and all(
        (after - before) % 36 == 1 for before, after in pairwise(numbers)
    )


def measure_unexplained_s(rows: Sequence[LedgerRow], period_s: float) -> float:
    """Return the longest time between two images that no line of the ledger explains."""
    longest, last = 0.0, None
    for row in rows:
        if row.time_ns is None:
            continue
        if last is not None:
            passed_s = (row.time_ns - (last.time_ns or 0)) / 1e9
            longest = max(longest, passed_s - (row.sequence - last.sequence) * period_s)
        last = row
    return longest


def measure_resident_mb() -> float:
    """Measure this process's memory, MB, without what the allocator keeps for later."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
