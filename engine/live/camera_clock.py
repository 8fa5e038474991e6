"""CameraClock: when a camera's images were really taken, from stamps that network and program made
late.

A camera takes its images in equal steps; their stamps tremble, and a delay is never negative. So
the clock is the line ``time = a · number + b`` below which a tenth of the last ten seconds' stamps
lie (quantile regression, Koenker & Bassett 1978), and an image's time is the line's. Stamps of a
kernel tremble so little that they pass nearly unchanged.
"""

from collections import deque
from math import inf, nan

import numpy as np

from calibration.geometry.arrays import F64
from engine.clock import NS_PER_S

WINDOW_NS = 10 * NS_PER_S
WINDOW_FRAMES = 600
# The line lies under the stamps, but a tenth of them may lie below it: stamps of a kernel tremble
# to both sides.
LINE_QUANTILE = 0.1
MIN_FRAMES = 5  # before so many, stamps are taken as they are
FIT_EACH_UP_TO, FIT_INTERVAL_FRAMES = (
    40,
    8,
)  # up to so many images the line is fitted at each one, then at every eighth
FIT_ITERATIONS = 4
MIN_RESIDUAL_NS = 50_000.0
# The nominal period counts as much as a second of images: real cameras keep theirs to about 0.2 %,
# and a second of stamps that tremble by 3 ms tells no more. Where the stamps differ from it by more
# than a tenth it counts nothing.
PRIOR_WEIGHT, PRIOR_SHARE = 2000.0, 0.1
# An image that is earlier than the line, or five in a row that are later and do not catch up, by
# more than this share of a period (and by more than the stamps tremble) mean that the line no
# longer holds.
STEP_SHARE = 0.3
STEP_SPREADS = 5.0
STEP_FRAMES = 5
PERIOD_KNOWN_AFTER_NS = (
    3 * NS_PER_S
)  # a line over so long tells the period better than the name plate
# Images that come faster than so, after a pause, are what the network held back; after
# `PERIOD_KNOWN_AFTER_NS` it is their rate.
BURST_SHARE = 0.25
MAX_REFUSED_IN_A_ROW = 5  # so many that are too old mean that the camera counts anew


class CameraClock:
    """The steady time of each of a camera's images; causal, bounded, and never running backwards.

    Parameters
    ----------
    rate_fps
        Nominal.

    Attributes
    ----------
    missing
        How many images never came: the camera counted them, or was gone for as long as they would
        have taken.
    gaps
        How often some were missing.
    refused
        How many came out of order.
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
        self._line: tuple[int, float] | None = (
            None  # a number and its time; the slope is `period_ns`
        )
        self._spread_ns = inf
        self._late_ns: deque[float] = deque(maxlen=STEP_FRAMES)
        self._since_fit = 0
        self._shift = 0  # what to add to the camera's numbers so that they go on rising
        self._stale: list[tuple[int, int]] = []
        self._newest: tuple[int, int, int] | None = None  # number, stamp and steady time
        self._is_restarting = True
        self._burst_since_ns: int | None = None

    @property
    def rate_fps(self) -> float:
        """Images per second that the camera takes, lost ones included."""
        return NS_PER_S / self.period_ns

    def restart(self) -> None:
        """Expect a stream that begins anew, after a pause or a reconnection; what is known of the period is kept."""
        self._is_restarting = True
        self._reset_fit()

    def put(self, sequence: int, stamp_ns: int) -> tuple[int, int] | None:
        """Take an image's number and stamp.

        Parameters
        ----------
        sequence
            As the camera counts.
        stamp_ns
            When it came, or when the kernel says it was taken; host clock.

        Returns
        -------
        number, time_ns
            The number goes on rising when the camera counts anew, and leaves room for a pause;
            times rise strictly. None for an image out of order.
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
        """Number the first image after a pause that the camera did not count: by the images that would have come."""
        if self._newest is None:
            return 0
        number, _, before_ns = self._newest  # its steady time: the stamp may have been late
        return number + max(1, round((stamp_ns - before_ns) / self.period_ns))

    def _refuse(self, sequence: int, stamp_ns: int) -> tuple[int, int] | None:
        """Leave out an image that is too old, unless several in their order say that the camera counts anew."""
        if self._stale and (sequence <= self._stale[-1][0] or stamp_ns <= self._stale[-1][1]):
            self._stale.clear()
        self._stale.append((sequence, stamp_ns))
        if len(self._stale) >= MAX_REFUSED_IN_A_ROW:
            self.restart()
            return self.put(sequence, stamp_ns)
        self.refused += 1
        return None

    def _accept(self, number: int, stamp_ns: int) -> tuple[int, int]:
        """Take an image that is in order."""
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
        """Read the line."""
        if self._line is None:
            raise ValueError("There is no line yet.")
        return round(self._line[1] + (number - self._line[0]) * self.period_ns)

    def _is_burst(self, number: int, stamp_ns: int) -> bool:
        """Whether an image tells nothing of the rate, because the network held it back during a pause."""
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
        """Forget the line where it no longer holds: the rate has changed, or images were lost that nobody counted."""
        if self._line is None:
            return
        limit_ns = max(STEP_SHARE * self.period_ns, STEP_SPREADS * self._spread_ns)
        late_ns = stamp_ns - (self._line[1] + (number - self._line[0]) * self.period_ns)
        self._late_ns.append(late_ns)
        if late_ns < -limit_ns:
            self._reset_fit()
            return
        stays = (
            self._late_ns[-1] > self._late_ns[0] - 0.5 * limit_ns
        )  # a burst after a delay would catch up
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
        """Forget the line, and keep its period if it was long enough to know it."""
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
        origin, origin_ns = self._numbers[-1], self._stamps_ns[-1]
        n = np.fromiter(self._numbers, np.float64, len(self._numbers)) - origin
        t = np.array([stamp_ns - origin_ns for stamp_ns in self._stamps_ns], np.float64)
        between_ns = (t[-1] - t[0]) / (n[-1] - n[0])
        trusted = abs(between_ns - self._prior_ns) < PRIOR_SHARE * self._prior_ns
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
    """Improve a quantile regression by one reweighted least squares: ``slope, height`` of the line."""
    slope, height = line
    residual = t - slope * n - height
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
