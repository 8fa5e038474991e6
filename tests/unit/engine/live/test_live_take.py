"""A take goes on whatever its cameras do, and the ledgers tell it all; the long version is in
`bench_faults`.

No test knows how fast the machine is: how long a camera was away is measured, and a ledger is held
against that, or against what the program itself calls a pause.
"""

import time
from contextlib import ExitStack

import pytest

from engine.capture.state import CameraPhase
from engine.ledger import NEVER_CAME
from engine.live.feed import CAMERA_TIMEOUTS
from tests.support.ip_cameras import MjpegServer, count_sockets
from tests.support.live_recordings import (
    get_camera_state,
    has_no_losses,
    is_live,
    measure_unexplained_s,
    read_ledger_rows,
    record_live,
)
from tests.support.patience import wait_until

PERIOD_S = 1 / 15
SMALL = {"fps": 15.0, "size_wh": (320, 240)}
AWAY_S = 2.5  # more than twice what a machine that is busy may pause unnoticed


@pytest.fixture
def good():
    with MjpegServer(**SMALL) as server:
        yield server


def more_frames(live, place, count=8):
    """Wait until a camera has sent some more."""
    seen = get_camera_state(live, place).frames
    return wait_until(lambda: get_camera_state(live, place).frames >= seen + count)


def unnoticed_s(period_s):
    """Return how long a camera may be silent without a pause, a burst of late images included."""
    return CAMERA_TIMEOUTS.stalled_s + 6 * period_s


def test_a_camera_that_is_killed_and_returns_has_its_absence_in_the_ledger(good, tmp_path):
    with (
        MjpegServer(**SMALL) as dying,
        record_live([good.address, dying.address], tmp_path / "take") as live,
    ):
        sockets, away_s = [], []
        for count in (1, 2):
            assert more_frames(live, 1)
            dying.kill()
            gone_s = time.monotonic()
            time.sleep(AWAY_S)
            away_s.append(time.monotonic() - gone_s)
            dying.start()
            assert wait_until(lambda count=count: is_live(live, 1, count))
            assert more_frames(live, 1)
            sockets.append(count_sockets())
        assert sockets[1] <= sockets[0]
        assert get_camera_state(live, 0).reconnect_count == 0
        dropped = get_camera_state(live, 1).dropped
    rows = read_ledger_rows(tmp_path / "take", 1)
    missing = [row for row in rows if not row.kept]
    assert {row.why for row in missing} == {NEVER_CAME}
    assert (
        dropped >= len(missing) > 0.5 * sum(away_s) / PERIOD_S
    )  # a busy machine measures another period at first
    assert measure_unexplained_s(rows, PERIOD_S) < unnoticed_s(PERIOD_S) < min(away_s)
    assert has_no_losses(tmp_path / "take", 0)


def test_a_camera_that_comes_back_with_another_size_is_left_out_with_the_reason(good, tmp_path):
    with (
        MjpegServer(**SMALL) as dying,
        record_live([good.address, dying.address], tmp_path / "take") as live,
    ):
        assert more_frames(live, 1)
        dying.kill()
        dying.change_behaviour(size_wh=(160, 120), claimed_size="320x240")
        dying.start()
        assert wait_until(lambda: is_live(live, 1, 1))
        assert wait_until(lambda: "160x120 instead of 320x240" in get_camera_state(live, 1).message)
        assert more_frames(live, 1)
    others = [
        row
        for row in read_ledger_rows(tmp_path / "take", 1)
        if row.why == "has another size than the first"
    ]
    assert len(others) > 3
    assert {row.size_wh for row in others} == {(160, 120)}
    assert has_no_losses(tmp_path / "take", 0)


def test_cameras_with_bad_manners_are_recorded_side_by_side_without_a_loss_for_the_good_one(
    good, tmp_path
):
    odd = ({"fps": 7.5}, {"jitter_s": 0.03}, {"swapped": True}, {})
    with ExitStack() as stack:
        servers = [stack.enter_context(MjpegServer(**{**SMALL, **manners})) for manners in odd]
        addresses = [server.address for server in (good, *servers)]
        live = stack.enter_context(record_live(addresses, tmp_path / "take"))
        assert all(more_frames(live, place) for place in range(5))
        servers[3].silent.set()
        begun_s = time.monotonic()
        assert wait_until(lambda: get_camera_state(live, 4).phase is CameraPhase.STALLED)
        time.sleep(max(begun_s + AWAY_S - time.monotonic(), 0.0))
        silent_s = time.monotonic() - begun_s
        servers[3].silent.clear()
        assert all(more_frames(live, place) for place in range(5))
    assert has_no_losses(tmp_path / "take", 0)
    for place, manners in enumerate(odd, start=1):
        rows = read_ledger_rows(tmp_path / "take", place)
        period_s = 1 / manners.get("fps", 15.0)
        assert sum(row.kept for row in rows) > 5
        assert measure_unexplained_s(rows, period_s) < unnoticed_s(period_s) < silent_s
