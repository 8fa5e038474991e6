import numpy as np
import pytest

from engine.live.camera_clock import WINDOW_FRAMES, CameraClock

START_NS = 5_000_000_000_000
PERIOD_NS = 33_333_333
MS = 1e6


def errors_ms(clock, late_ms, period_ns=PERIOD_NS, first=0):
    """Feed stamps that are late by so much; return the errors of the clock's times."""
    out = []
    for i, late in enumerate(late_ms, first):
        moment = clock.put(i, round(START_NS + i * period_ns + late * MS))
        out.append(np.nan if moment is None else (moment[1] - START_NS - i * period_ns) / MS)
    return np.array(out)


def test_stamps_of_a_kernel_pass_nearly_unchanged():
    late = np.random.default_rng(0).normal(0, 0.1, 600)
    clock = CameraClock(30.0)
    assert np.abs(errors_ms(clock, late)).max() < 0.5  # ms
    assert clock.jitter_ms == pytest.approx(0.1, rel=0.2)


def test_network_delays_are_taken_out_within_the_first_second():
    late = np.random.default_rng(1).exponential(3, 900)
    clock = CameraClock(30.0)
    error = errors_ms(clock, late)
    assert np.std(error[10:]) < 0.5  # ms; the stamps' own is 3
    assert np.abs(error[30:]).max() < 1.5
    assert clock.rate_fps == pytest.approx(30, abs=0.01)
    assert clock.jitter_ms == pytest.approx(3, rel=0.25)


def test_a_camera_that_is_half_as_fast_as_its_name_plate_is_measured():
    clock = CameraClock(30.0)
    error = errors_ms(clock, np.random.default_rng(2).exponential(2, 100), 2 * PERIOD_NS)
    assert clock.rate_fps == pytest.approx(15, abs=0.05)
    assert np.abs(error[20:]).max() < 3


def test_a_camera_that_slows_down_in_the_dark_is_followed():
    clock = CameraClock(30.0)
    errors_ms(clock, np.zeros(200))
    slow = [clock.put(200 + i, START_NS + 200 * PERIOD_NS + i * 2 * PERIOD_NS) for i in range(60)]
    late_ms = [
        (moment[1] - START_NS - 200 * PERIOD_NS) / MS - i * 2 * PERIOD_NS / MS
        for i, moment in enumerate(slow)
    ]
    assert np.abs(late_ms[20:]).max() < 1
    assert clock.rate_fps == pytest.approx(15, abs=0.1)


def test_a_camera_that_speeds_up_in_the_light_is_followed_at_once():
    clock = CameraClock(15.0)
    errors_ms(clock, np.zeros(150), 2 * PERIOD_NS)
    begin_ns = START_NS + 150 * 2 * PERIOD_NS
    fast = [clock.put(150 + i, begin_ns + i * PERIOD_NS) for i in range(30)]
    late_ms = [
        (moment[1] - begin_ns - i * PERIOD_NS) / MS
        for i, moment in enumerate(fast)
        if moment is not None
    ]
    assert np.abs(late_ms).max() < 0.5 * PERIOD_NS / MS
    assert np.abs(late_ms[5:]).max() < 0.5


def test_images_lost_without_being_counted_shift_the_clock_after_a_few_images():
    clock = CameraClock(30.0)
    errors_ms(clock, np.zeros(100))
    error = errors_ms(clock, np.full(40, 2 * PERIOD_NS / MS), first=100)
    assert np.abs(error[8:] - 2 * PERIOD_NS / MS).max() < 0.1


def test_a_burst_after_a_delay_of_the_network_keeps_its_true_times():
    clock = CameraClock(30.0)
    errors_ms(clock, np.zeros(200))
    burst = [max(0.0, 700 - i * 32.0) for i in range(60)]  # 0.7 s held back, then all at once
    assert np.abs(errors_ms(clock, burst, first=200)).max() < 0.5


def test_times_always_rise():
    rng = np.random.default_rng(3)
    clock = CameraClock(30.0)
    stamps = np.cumsum(rng.exponential(33, 3000) * MS).astype(np.int64)
    moments = [clock.put(i, int(stamp)) for i, stamp in enumerate(stamps)]
    times = [moment[1] for moment in moments if moment is not None]
    assert len(times) > 2900
    assert np.all(np.diff(times) > 0)


def test_gaps_are_counted():
    clock = CameraClock(30.0)
    for i in (0, 1, 2, 5, 6, 10):
        clock.put(i, START_NS + i * PERIOD_NS)
    assert (clock.gaps, clock.missing) == (2, 5)


def test_an_image_out_of_order_is_refused_and_counted():
    clock = CameraClock(30.0)
    for i in (0, 1, 2, 4):
        assert clock.put(i, START_NS + i * PERIOD_NS) is not None
    assert clock.put(3, START_NS + 3 * PERIOD_NS) is None
    assert clock.put(5, START_NS + 5 * PERIOD_NS) is not None
    assert (clock.refused, clock.missing) == (1, 1)


def test_numbers_leave_room_for_the_images_that_would_have_come_while_a_camera_was_gone():
    clock = CameraClock(30.0)
    for i in range(100):
        clock.put(i, START_NS + i * PERIOD_NS)
    clock.restart()
    number, time_ns = clock.put(0, START_NS + 400 * PERIOD_NS + 11_000_000) or (0, 0)
    assert number == 400
    assert time_ns == START_NS + 400 * PERIOD_NS + 11_000_000
    assert clock.put(1, START_NS + 401 * PERIOD_NS + 11_000_000) == (
        401,
        START_NS + 401 * PERIOD_NS + 11_000_000,
    )
    assert (clock.missing, clock.gaps) == (300, 1)


def test_images_that_the_network_held_back_during_a_pause_do_not_spoil_the_times_after_it():
    clock, end_ns = CameraClock(30.0), START_NS + 190 * PERIOD_NS
    for i in range(100):
        clock.put(i, START_NS + i * PERIOD_NS)
    clock.restart()
    for i in range(90):  # all that came meanwhile, within a few ms
        clock.put(i, end_ns + 50_000 * i)
    late = np.random.default_rng(0).exponential(3 * MS, 120)
    moments = [clock.put(90 + i, round(end_ns + (i + 1) * PERIOD_NS + late[i])) for i in range(120)]
    times_ns = np.array([moment[1] for moment in moments if moment is not None])
    assert len(times_ns) == 120
    assert np.abs(times_ns - end_ns - PERIOD_NS * np.arange(1, 121)).max() < 15 * MS
    assert clock.period_ns == pytest.approx(PERIOD_NS, rel=0.01)


def test_a_camera_that_is_much_quicker_after_a_pause_is_believed_in_the_end():
    clock = CameraClock(30.0)
    for i in range(100):
        clock.put(i, START_NS + i * PERIOD_NS)
    clock.restart()
    for i in range(1000):
        clock.put(i, START_NS + 200 * PERIOD_NS + i * PERIOD_NS // 5)
    assert clock.rate_fps == pytest.approx(150, rel=0.01)


def test_numbers_of_a_camera_that_counts_through_a_pause_are_its_own():
    clock = CameraClock(30.0)
    for i in range(100):
        clock.put(i, START_NS + i * PERIOD_NS)
    clock.restart()
    assert clock.put(390, START_NS + 400 * PERIOD_NS) == (390, START_NS + 400 * PERIOD_NS)
    assert clock.missing == 290


def test_a_camera_that_counts_anew_without_a_word_is_believed_after_some_images():
    clock = CameraClock(30.0)
    for i in range(100):
        clock.put(i, START_NS + i * PERIOD_NS)
    moments = [clock.put(i, START_NS + (100 + i) * PERIOD_NS) for i in range(50)]
    numbers = [moment[0] for moment in moments if moment is not None]
    assert len(numbers) == 46
    assert numbers == list(range(104, 150))
    assert clock.missing == 4


def test_the_window_is_bounded():
    clock = CameraClock(1000.0)
    for i in range(2000):
        clock.put(i, START_NS + i * 1_000_000)
    assert len(clock._numbers) == WINDOW_FRAMES
