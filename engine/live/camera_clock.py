"""CameraClock: when a camera's images were really taken, from stamps with varying delays.

A camera takes its images in equal steps; their stamps jitter, and a delay is never negative. So the
clock is the line ``time = a · number + b`` below which a tenth of the last ten seconds' stamps lie
(quantile regression, Koenker & Bassett 1978), and an image's time is read from the line. Stamps of
a kernel jitter so little that they pass nearly unchanged.
"""

from collections import deque
from math import inf, nan

import numpy as np

from calibration.geometry.arrays import F64
from engine.clock import NS_PER_S

WINDOW_NS = 10 * NS_PER_S
WINDOW_FRAMES = 600
# The line lies under the stamps, but a tenth may be below it: a kernel's stamps jitter both ways.
LINE_QUANTILE = 0.1
MIN_FRAMES = 5  # with fewer, stamps are used as they are
# Up to this many images the line is fitted at each one, then at every eighth.
FIT_EACH_UP_TO, FIT_INTERVAL_FRAMES = 40, 8
FIT_ITERATIONS = 4
MIN_RESIDUAL_NS = 50_000.0
# The nominal period weighs as much as a second of images: real cameras keep theirs to about 0.2 %,
# and a second of stamps with a jitter of 3 ms is no more precise. Where the stamps differ from it
# by more than a tenth, it is ignored.
PRIOR_WEIGHT, PRIOR_SHARE = 2000.0, 0.1
# The line no longer holds if an image is earlier than it, or five in a row are later and do not
# catch up, by more than this share of a period (and by more than the jitter of the stamps).
STEP_SHARE = 0.3
STEP_SPREADS = 5.0
STEP_FRAMES = 5
PERIOD_KNOWN_AFTER_NS = 3 * NS_PER_S  # a longer line gives the period better than the nominal rate
# Images that come in less than this share of a period, after a pause, were held back by the
# network; after `PERIOD_KNOWN_AFTER_NS` it is their rate.
BURST_SHARE = 0.25
MAX_REFUSED_IN_A_ROW = 5  # more in a row mean that the camera restarted its numbers


class CameraClock:
    """Steady times for a camera's images; causal, with bounded memory, strictly increasing.

    Parameters
    ----------
    rate_fps
        Nominal.

    Attributes
    ----------
    missing
        Number of images that never came: by the camera's count, or by the duration of a pause.
    gaps
        How often images were missing.
    refused
        Number of images that came out of order.
    jitter_ms
        Standard deviation of the stamps about the line; NaN before it is known.
    period_ns
        Measured; nominal before that.
    """

    def __init__(self, rate_fps: float) -> None:
        self.missing = self.gaps = self.refused = 0
        self.jitter_ms = nan
        self.period_ns = self._prior_ns = NS_PER_S / rate_fps
        self._numbers: deque[int] = deque(maxlen=WINDOW_FRAMES)
        self._stamps_ns: deque[int] = deque(maxlen=WINDOW_FRAMES)
        self._line: tuple[int, float] | None = None  # number and its time; slope `period_ns`
        self._spread_ns = inf
        self._late_ns: deque[float] = deque(maxlen=STEP_FRAMES)
        self._since_fit = 0
        self._shift = 0  # added to the camera's numbers to keep them increasing
        self._stale: list[tuple[int, int]] = []
        self._newest: tuple[int, int, int] | None = None  # number, stamp and steady time
        self._is_restarting = True
        self._burst_since_ns: int | None = None

    @property
    def rate_fps(self) -> float:
        """Images per second that the camera takes, also lost ones."""
        return NS_PER_S / self.period_ns

    def restart(self) -> None:
        """Expect a new stream, after a pause or a reconnection; the known period is kept."""
        self._is_restarting = True
        self._reset_fit()

    def put(self, sequence: int, stamp_ns: int) -> tuple[int, int] | None:
        """Convert an image's number and stamp.

        Parameters
        ----------
        sequence
            As the camera counts.
        stamp_ns
            When it arrived, or when the kernel says it was taken; host clock.

        Returns
        -------
        number, time_ns
            The number keeps increasing when the camera restarts its own, and counts the images of a
            pause; times are strictly increasing. None for an image out of order.
        """
        if self._newest is None:
            return self._accept(sequence, stamp_ns)
        number = sequence + self._shift
        if self._is_restarting and number <= self._newest[0] + 1:
            self._shift += self._number_after_pause(stamp_ns) - number
            number = sequence + self._shift
        elif not self._is_restarting and (number <= self._newest[0] or stamp_ns <= self._newest[1]):
            return self._refuse(sequence, stamp_ns)
        if number > self._newest[0] + 1:
            self.gaps += 1
            self.missing += number - self._newest[0] - 1
        return self._accept(number, stamp_ns)

    def _number_after_pause(self, stamp_ns: int) -> int:
        """Number the first image after an uncounted pause by how many would have come."""
        if self._newest is None:
            return 0
        number, _, before_ns = self._newest  # the steady time, because the stamp may have been late
        return number + max(1, round((stamp_ns - before_ns) / self.period_ns))

    def _refuse(self, sequence: int, stamp_ns: int) -> tuple[int, int] | None:
        """Drop an image that is too old, unless several in order show restarted numbers."""
        if self._stale and (sequence <= self._stale[-1][0] or stamp_ns <= self._stale[-1][1]):
            self._stale.clear()
        self._stale.append((sequence, stamp_ns))
        if len(self._stale) >= MAX_REFUSED_IN_A_ROW:
            self.restart()
            return self.put(sequence, stamp_ns)
        self.refused += 1
        return None

    def _accept(self, number: int, stamp_ns: int) -> tuple[int, int]:
        """Accept an image that is in order."""
        self._is_restarting = False
        self._stale.clear()
        self._detect_step(number, stamp_ns)
        if self._is_burst(number, stamp_ns):
            self._numbers.clear()
            self._stamps_ns.clear()
        self._numbers.append(number)
        self._stamps_ns.append(stamp_ns)
        while stamp_ns - self._stamps_ns[0] > WINDOW_NS:
            self._numbers.popleft()
            self._stamps_ns.popleft()
        self._since_fit += 1
        if len(self._numbers) >= MIN_FRAMES and (
            self._line is None
            or len(self._numbers) <= FIT_EACH_UP_TO
            or self._since_fit >= FIT_INTERVAL_FRAMES
        ):
            self._fit()
        time_ns = stamp_ns if self._line is None else self._predict_ns(number)
        if self._newest is not None:
            time_ns = max(time_ns, self._newest[2] + 1)
        self._newest = number, stamp_ns, time_ns
        return number, time_ns

    def _predict_ns(self, number: int) -> int:
        """Read the line at an image's number, ns."""
        if self._line is None:
            raise ValueError("There is no line yet.")
        return round(self._line[1] + (number - self._line[0]) * self.period_ns)

    def _is_burst(self, number: int, stamp_ns: int) -> bool:
        """Return whether an image was held back by the network, and says nothing of the rate."""
        if self._newest is None or self._line is not None:
            return False
        usual_ns = self._prior_ns * (number - self._newest[0])
        if stamp_ns - self._newest[1] >= BURST_SHARE * usual_ns:
            self._burst_since_ns = None
            return False
        if self._burst_since_ns is None:
            self._burst_since_ns = stamp_ns
        return stamp_ns - self._burst_since_ns < PERIOD_KNOWN_AFTER_NS

    def _detect_step(self, number: int, stamp_ns: int) -> None:
        """Forget a line that no longer holds: another rate, or images lost without a count."""
        if self._line is None:
            return
        limit_ns = max(STEP_SHARE * self.period_ns, STEP_SPREADS * self._spread_ns)
        late_ns = stamp_ns - (self._line[1] + (number - self._line[0]) * self.period_ns)
        self._late_ns.append(late_ns)
        # Delays are never negative: one early image is enough to refute the line. A late one may be
        # only delayed, so that a step is several in a row that stay late; a delayed burst catches
        # up.
        if late_ns < -limit_ns:
            self._reset_fit()
            return
        stays = self._late_ns[-1] > self._late_ns[0] - 0.5 * limit_ns
        if len(self._late_ns) == STEP_FRAMES and min(self._late_ns) > limit_ns and stays:
            self._keep_last(STEP_FRAMES - 1)

    def _keep_last(self, count: int) -> None:
        """Forget all but the newest images."""
        numbers = list(self._numbers)[-count:]
        stamps_ns = list(self._stamps_ns)[-count:]
        self._reset_fit()
        self._numbers.extend(numbers)
        self._stamps_ns.extend(stamps_ns)

    def _reset_fit(self) -> None:
        """Forget the line, but keep its period if it was long enough to be known."""
        if (
            self._numbers
            and self._line is not None
            and self._stamps_ns[-1] - self._stamps_ns[0] > PERIOD_KNOWN_AFTER_NS
        ):
            self._prior_ns = self.period_ns
        self._numbers.clear()
        self._stamps_ns.clear()
        self._late_ns.clear()
        self._line, self._spread_ns = None, inf

    def _fit(self) -> None:
        """Fit the line to the images of the window."""
        self._since_fit = 0
        # Relative to the newest image, so that float64 keeps the nanoseconds.
        origin, origin_ns = self._numbers[-1], self._stamps_ns[-1]
        n = np.fromiter(self._numbers, np.float64, len(self._numbers)) - origin
        t = np.array([stamp_ns - origin_ns for stamp_ns in self._stamps_ns], np.float64)
        between_ns = (t[-1] - t[0]) / (n[-1] - n[0])
        trusted = abs(between_ns - self._prior_ns) < PRIOR_SHARE * self._prior_ns
        # Start from the last line: a few iterations are then enough for each new image.
        slope = (
            self.period_ns
            if self._line is not None
            else (self._prior_ns if trusted else between_ns)
        )
        height = float(np.quantile(t - slope * n, LINE_QUANTILE))
        weight = PRIOR_WEIGHT if trusted else 0.0
        for _ in range(FIT_ITERATIONS):
            slope, height = _refine_line(n, t, (slope, height), (self._prior_ns, weight))
        residual_ns = t - slope * n
        height = float(np.quantile(residual_ns, LINE_QUANTILE))
        self.period_ns, self._line = slope, (origin, origin_ns + height)
        self._spread_ns = float(np.quantile(residual_ns, 0.5)) - height
        self.jitter_ms = float(np.std(residual_ns)) / 1e6


def _refine_line(
    n: F64, t: F64, line: tuple[float, float], prior: tuple[float, float]
) -> tuple[float, float]:
    """Improve the line ``slope, height`` by one step of reweighted least squares."""
    slope, height = line
    residual = t - slope * n - height
    # Weights of 1 / |residual| turn squares into the absolute errors of quantile regression.
    w = np.where(residual > 0, LINE_QUANTILE, 1 - LINE_QUANTILE) / np.maximum(
        np.abs(residual), MIN_RESIDUAL_NS
    )
    total = w.sum()
    n_mean, t_mean = float(w @ n / total), float(w @ t / total)
    about = n - n_mean
    prior_slope, prior_weight = prior[0], prior[1] * total / len(n)
    slope = (w @ (about * (t - t_mean)) + prior_slope * prior_weight) / (
        w @ about**2 + prior_weight
    )
    return float(slope), t_mean - float(slope) * n_mean
