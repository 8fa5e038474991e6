"""A recording with every fault of cameras.

``pytest -m benchmark -s tests/benchmarks/bench_faults.py``

Every camera is killed and comes back ten times (EPIPOLE_BENCH_KILLS), by itself and then with bad
manners. Prints date, machine and figures; asserts losses, ledgers and growth, never a time.
"""

import os
import platform
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.capture.state import CameraPhase
from engine.ledger import NEVER_CAME
from tests.support.ip_cameras import MjpegServer, count_sockets
from tests.support.live_recordings import (
    get_camera_state,
    is_live,
    list_our_threads,
    measure_resident_mb,
    measure_unexplained_s,
    read_ledger_rows,
    record_live,
)
from tests.support.patience import wait_until
from tests.support.rtsp_server import RtspServer, explain_missing_rtsp_server

pytestmark = pytest.mark.benchmark
KILLS = int(os.environ.get("EPIPOLE_BENCH_KILLS", "10"))
SIZE_WH = (640, 480)
PERIOD_S = 1 / 30
GROWTH_MB = 20


def print_figure(what, figure):
    """Print one figure with its day and machine."""
    machine = f"{platform.processor() or platform.machine()} x{os.cpu_count()}"
    sys.stdout.write(f"\n{datetime.now(UTC):%Y-%m-%d} {machine}  {what}: {figure}\n")


@pytest.fixture
def servers(tmp_path):
    """Four cameras that speak HTTP, and one that speaks RTSP where there is a server for it."""
    with ExitStack() as stack:
        found: list[MjpegServer | RtspServer] = [
            stack.enter_context(MjpegServer(size_wh=SIZE_WH)) for _ in range(4)
        ]
        if not explain_missing_rtsp_server():
            found.append(stack.enter_context(RtspServer(tmp_path, size_wh=SIZE_WH)))
        yield found


def get_address(server):
    return server.address if isinstance(server, MjpegServer) else server.address_of()


def test_each_camera_killed_and_back(servers, tmp_path):
    memory_mb, sockets, threads = [], [], []
    with record_live([get_address(server) for server in servers], tmp_path / "take") as live:
        begun_s = time.monotonic()
        for count in range(1, KILLS + 1):
            for place, server in enumerate(servers):
                server.kill()
                assert wait_until(
                    lambda place=place: get_camera_state(live, place).phase is CameraPhase.LOST, 20
                )
                server.start()
                assert wait_until(lambda place=place, count=count: is_live(live, place, count), 20)
            memory_mb.append(measure_resident_mb())
            sockets.append(count_sockets())
            threads.append(len(list_our_threads()))
        took_s, states = time.monotonic() - begun_s, live.state()
        assert states.recording is not None
        assert states.recording.message == ""
    for place, state in enumerate(states.cameras):
        rows = read_ledger_rows(tmp_path / "take", place)
        missing = [row for row in rows if not row.kept]
        text = (
            f"{len(rows)} lines, {len(missing)} of them of images that never came; back "
            f"{state.reconnect_count} times"
        )
        print_figure(
            f"camera {place} of {took_s:.0f} s",
            f"{text}; unexplained {1000 * measure_unexplained_s(rows, PERIOD_S):.0f} ms",
        )
        assert state.reconnect_count == KILLS
        assert {row.why for row in missing} == {NEVER_CAME}
        assert measure_unexplained_s(rows, PERIOD_S) < 5 * PERIOD_S
    print_figure("memory by round", " ".join(f"{one:.0f}" for one in memory_mb))
    grown_mb = memory_mb[-1] - memory_mb[min(1, len(memory_mb) - 1)]
    print_figure(
        "memory, sockets, threads",
        f"{grown_mb:+.1f} MB, {sockets[0]} -> {sockets[-1]}, {threads[0]} -> {threads[-1]}",
    )
    assert grown_mb < GROWTH_MB
    assert sockets[-1] <= sockets[0]
    assert threads[-1] <= threads[0]


def test_one_camera_killed_costs_the_others_nothing(servers, tmp_path):
    with record_live([get_address(server) for server in servers], tmp_path / "take") as live:
        for count in range(1, KILLS + 1):
            servers[0].kill()
            time.sleep(0.5)
            servers[0].start()
            assert wait_until(lambda count=count: is_live(live, 0, count), 20)
        states = live.state().cameras
    lost = {
        place: [row for row in read_ledger_rows(tmp_path / "take", place) if not row.kept]
        for place in range(len(servers))
    }
    print_figure(
        "images that are not there, by camera", {place: len(rows) for place, rows in lost.items()}
    )
    assert [state.reconnect_count for state in states[1:]] == [0] * (len(servers) - 1)
    assert not any(lost[place] for place in range(1, len(servers)))


def test_bad_manners_beside_good_ones(servers, tmp_path):
    odd: tuple[dict[str, Any], ...] = (
        {"fps": 15.0},
        {"claimed_size": "9x9", "length": "short"},
        {"jitter_s": 0.04},
        {"swapped": True},
        {"stall_after": 90, "stall_s": 3.0},
        {"damaged_every": 10},
    )
    with ExitStack() as stack:
        strange = [stack.enter_context(MjpegServer(size_wh=SIZE_WH, **manners)) for manners in odd]
        live = stack.enter_context(
            record_live(
                [get_address(server) for server in (servers[0], *strange)], tmp_path / "take"
            )
        )
        time.sleep(12)
        states = live.state().cameras
    for place, (state, manners) in enumerate(zip(states, ({}, *odd))):
        rows = read_ledger_rows(tmp_path / "take", place)
        whys = {why: sum(row.why == why for row in rows) for why in {row.why for row in rows}}
        longest_s = measure_unexplained_s(rows, 1 / manners.get("fps", 30.0))
        print_figure(
            str(manners), f"{whys}; dropped {state.dropped}, unexplained {1000 * longest_s:.0f} ms"
        )
        assert longest_s < 0.2
    assert all(row.kept for row in read_ledger_rows(tmp_path / "take", 0))
