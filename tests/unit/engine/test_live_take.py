"""A take goes on whatever its cameras do, and the ledgers tell it all; the long version is in `bench_faults`."""

import time
from contextlib import ExitStack

import pytest

from engine.ledger import NEVER_CAME
from tests.support.ip_cameras import MjpegServer, open_sockets, wait_until
from tests.support.live_takes import camera, is_live, recorded, told, unexplained_s

PERIOD_S = 1 / 15
SMALL = {"fps": 15.0, "size_wh": (320, 240)}  # images wait for a busy machine for a quarter of a second


@pytest.fixture
def good():
    with MjpegServer(**SMALL) as server:
        yield server


def test_a_camera_that_is_killed_and_returns_has_its_absence_in_the_ledger(good, tmp_path):
    with MjpegServer(**SMALL) as dying, recorded([good.address, dying.address], tmp_path / "take") as live:
        sockets = []
        for count in (1, 2):
            time.sleep(0.7)
            dying.kill()
            time.sleep(0.6)
            dying.start()
            assert wait_until(lambda count=count: is_live(live, 1, count))
            time.sleep(0.5)
            sockets.append(open_sockets())
        assert sockets[1] <= sockets[0]
        assert camera(live, 0).reconnected == 0
        dropped = camera(live, 1).dropped
    rows = told(tmp_path / "take", 1)
    missing = [row for row in rows if not row.kept]
    assert {row.why for row in missing} == {NEVER_CAME}
    assert dropped >= len(missing) > 8  # the camera was gone for more than half a second each time
    assert unexplained_s(rows, PERIOD_S) < 6 * PERIOD_S  # a busy server may pause, but not as long as it was gone
    assert not [row for row in told(tmp_path / "take", 0) if not row.kept]


def test_a_camera_that_comes_back_with_another_size_is_left_out_with_the_reason(good, tmp_path):
    with MjpegServer(**SMALL) as dying, recorded([good.address, dying.address], tmp_path / "take") as live:
        time.sleep(0.5)
        dying.kill()
        dying.change(size_wh=(160, 120), claimed_size="320x240")
        dying.start()
        assert wait_until(lambda: is_live(live, 1, 1))
        assert wait_until(lambda: "160x120 instead of 320x240" in camera(live, 1).sentence)
        time.sleep(0.5)
    others = [row for row in told(tmp_path / "take", 1) if row.why == "has another size than the first"]
    assert len(others) > 3
    assert {row.size_wh for row in others} == {(160, 120)}
    assert not [row for row in told(tmp_path / "take", 0) if not row.kept]


def test_cameras_with_bad_manners_are_recorded_side_by_side_without_a_loss_for_the_good_one(good, tmp_path):
    odd = ({"fps": 7.5}, {"jitter_s": 0.03}, {"swapped": True}, {"stall_after": 20, "stall_s": 1.2})
    with ExitStack() as stack:
        servers = [stack.enter_context(MjpegServer(**{**SMALL, **manners})) for manners in odd]
        addresses = [server.address for server in (good, *servers)]
        live = stack.enter_context(recorded(addresses, tmp_path / "take"))
        assert wait_until(lambda: all(state.frames > 20 for state in live.state().cameras))
    assert all(row.kept for row in told(tmp_path / "take", 0))
    for place, manners in enumerate(odd, start=1):
        rows = told(tmp_path / "take", place)
        assert sum(row.kept for row in rows) > 5
        assert unexplained_s(rows, 1 / manners.get("fps", 15.0)) < 0.5  # what was held back comes in one burst
