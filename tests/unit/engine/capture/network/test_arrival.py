"""The stamps of a stream, placed on the host's clock."""

import numpy as np

from engine.capture.network.arrival import MAX_JUMP_NS, ArrivalTimes
from engine.clock import NS_PER_S

MS = 1_000_000
START_NS = 1_000 * NS_PER_S


def placed(stamps_ns: np.ndarray, arrivals_ns: np.ndarray) -> np.ndarray:
    """Return the times of images that arrive one after the other."""
    times = ArrivalTimes()
    result = []
    for stamp_ns, arrived_ns in zip(stamps_ns.tolist(), arrivals_ns.tolist()):
        times.record_arrival(stamp_ns, arrived_ns)
        result.append(times.estimate_time_ns(stamp_ns, arrived_ns))
    return np.array(result)


def test_the_jitter_of_the_network_does_not_show():
    stamps = np.arange(300) * 33_333_333
    delay = np.random.default_rng(0).gamma(1.0, 8 * MS, 300).astype(np.int64)
    arrivals = np.maximum.accumulate(START_NS + stamps + delay)
    times = placed(stamps, arrivals)
    steps = np.diff(times[60:])
    assert np.abs(np.diff(arrivals[60:]) - 33_333_333).max() > 20 * MS
    assert np.abs(steps - 33_333_333).max() < MS
    assert np.all(times[60:] - START_NS - stamps[60:] < 2 * MS)


def test_a_camera_whose_clock_is_slow_is_followed():
    true_ns = np.arange(3000) * 33_333_333
    stamps = (true_ns * (1 - 100e-6)).astype(np.int64)
    times = placed(stamps, START_NS + true_ns)
    assert np.abs(times - START_NS - true_ns).max() < 1.5 * MS


def test_stamps_that_start_anew_are_placed_anew():
    stamps = np.concatenate([np.arange(30) * 33 * MS, np.arange(30) * 33 * MS + 50 * NS_PER_S])
    arrivals = START_NS + np.arange(60) * 33 * MS
    assert np.diff(stamps).max() > MAX_JUMP_NS
    np.testing.assert_array_equal(placed(stamps, arrivals), arrivals)


def test_times_rise_though_an_image_comes_quicker_than_all_before():
    stamps = np.arange(3) * 10 * MS
    times = placed(stamps, START_NS + stamps + np.array([50, 50, 0]) * MS)
    assert np.all(np.diff(times) > 0)


def test_an_image_without_a_stamp_has_the_time_of_its_arrival():
    times = ArrivalTimes()
    assert times.estimate_time_ns(None, START_NS) == START_NS
    assert times.estimate_time_ns(5, START_NS + 1) == START_NS + 1
    assert times.estimate_time_ns(None, START_NS) == START_NS + 2
