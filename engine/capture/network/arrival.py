"""From a stream's own time stamps to the host's clock, by its quickest arrivals."""

from collections import deque

from engine.clock import NS_PER_S

# The quickest arrival of the last ten seconds places the stamps: a camera's clock that is 100 ppm
# off moves by 1 ms in that time, and among 300 images one is hardly delayed.
WINDOW_S = 10
# Stamps that jump by more than this were reset by the camera. The network cannot cause it: a stream
# that is silent for 1.5 s is closed (`engine.capture.network.rtsp`).
MAX_JUMP_NS = 2 * NS_PER_S


class ArrivalTimes:
    """Times on the host's clock for a stream whose images carry stamps of the camera's clock.

    Notes
    -----
    An image arrives later than it was taken by a delay that is never negative, so the smallest
    difference between arrival and stamp is nearest to the truth; what is left is a constant
    (exposure, encoding, the shortest path), which calibration estimates as a time offset. The
    jitter of the network does not show.
    """

    def __init__(self) -> None:
        self._smallest: deque[tuple[int, int]] = deque(maxlen=WINDOW_S)
        self._last_ns = 0

    def record_arrival(self, stamp_ns: int, arrival_ns: int) -> None:
        """Record when an image with this stamp arrived.

        Parameters
        ----------
        stamp_ns
            On the camera's clock.
        arrival_ns
            On the host's clock.
        """
        # one minimum per second of arrival: the window forgets by time, not by count of images, so
        # a slow clock drift can raise the minimum again
        shift_ns, second = arrival_ns - stamp_ns, arrival_ns // NS_PER_S
        if self._smallest and abs(shift_ns - self._find_shift_ns()) > MAX_JUMP_NS:
            # without this a clock that was set back would be placed by its old minimum for 10 s
            self._smallest.clear()
        if self._smallest and self._smallest[-1][0] == second:
            self._smallest[-1] = (second, min(shift_ns, self._smallest[-1][1]))
        else:
            self._smallest.append((second, shift_ns))

    def estimate_time_ns(self, stamp_ns: int | None, now_ns: int) -> int:
        """Estimate when an image could have arrived without delay.

        Parameters
        ----------
        stamp_ns
            On the camera's clock; None where it has none.
        now_ns
            On the host's clock; used while nothing better is known.

        Returns
        -------
        time_ns
            On the host's clock, later than the one before.
        """
        known = stamp_ns is not None and self._smallest
        time_ns = stamp_ns + self._find_shift_ns() if known and stamp_ns is not None else now_ns
        # a quicker arrival moves the minimum back, and with it the next time: times must increase
        self._last_ns = max(time_ns, self._last_ns + 1)
        return self._last_ns

    def _find_shift_ns(self) -> int:
        """Return the smallest difference between arrival and stamp."""
        return min(shift_ns for _, shift_ns in self._smallest)
