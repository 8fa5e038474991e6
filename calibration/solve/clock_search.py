"""Clock search: a view's offset and rate against views that agree, however far they are off."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from calibration.geometry.arrays import F64
from calibration.solve.track_pairs import (
    WINDOW_S,
    Track,
    TrackClock,
    find_overlap,
    measure_share,
    refine_clock,
)

SEARCH_S, SEARCH_STEP_S = 10.0, 0.1
MIN_OVERLAP_S = 4.0
# Beyond 10 % wrong frame rates: a video of 60, 50, 30, 25 or 24 images a second claims another.
SEARCH_RATES = (1.0, 0.95, 1.05, 0.9, 1.1, 0.5, 2.0, 0.8, 1.25)
PEAKS = 3  # of one rate's shifts are refined, where they rise above the others
PEAK_OF_MEDIAN, PEAK_OF_GOOD = 1.3, 0.62
# Gait repeats itself: a shift counts only if no other one, this far away, fits nearly as well.
RIVAL_S, RIVAL_SHARE = 0.35, 0.96
MAX_ANCHORS = 2
EARLY_SHARE = 0.8
SAME_RATE, SAME_OFFSET_S = 0.01, 0.15


def refine_clock_against(
    anchors: Sequence[Track],
    track: Track,
    offset_s: float,
    rate: float,
    *,
    least_share: float = 0.0,
) -> TrackClock | None:
    """Refine a view's clock against several views; one that votes otherwise does not count.

    Parameters
    ----------
    anchors
        Views whose clocks agree.
    track
        In its own time.
    offset_s, rate
        Where to start.
    least_share
        Of the joints that must fit early, or the start is given up.

    Returns
    -------
    clock
        The mean of those near the best, by their variances; its share is the mean over all anchors.
        None where too few joints are shared.
    """
    found = [
        refine_clock(anchor, track, offset_s, rate, least_share=least_share) for anchor in anchors
    ]
    clocks = [clock for clock in found if clock is not None]
    if not clocks:
        return None
    best = max(clocks, key=lambda clock: clock.share)
    middle_s = float(track.time_s.mean())
    near = [
        clock
        for clock in clocks
        if abs(clock.rate / best.rate - 1) < SAME_RATE
        and abs(_map(clock, middle_s) - _map(best, middle_s)) < SAME_OFFSET_S
    ]
    weight = np.array([1 / max(clock.rate_sigma, 1e-6) ** 2 for clock in near])
    offset_s = float(np.average([clock.offset_s for clock in near], weights=weight))
    rate = float(np.average([clock.rate for clock in near], weights=weight))
    share = measure_mean_share(anchors, track.retime(offset_s, rate))
    return TrackClock(offset_s, rate, float(weight.sum() ** -0.5), share)


def measure_mean_share(anchors: Sequence[Track], track: Track) -> float:
    """Measure the share of a view's joints that fit the anchors' epipolar geometries, in the mean.

    Parameters
    ----------
    anchors
    track
        In the anchors' time.
    """
    return float(np.mean([measure_share(anchor, track, instants=80) for anchor in anchors]))


def search_clock(
    anchors: Sequence[Track], track: Track, good_share: float
) -> tuple[TrackClock | None, float | None]:
    """Search a view's clock up to 10 s away, at its own rate and at wrong ones.

    Parameters
    ----------
    anchors
        Views whose clocks agree, the best first.
    track
        In its own time.
    good_share
        From which a clock explains the view.

    Returns
    -------
    clock
        The nearest that explains the view; None where none does, or several do.
    edge_s
        The shift, where the best one without an explanation lies at the edge of the search.
    """
    anchors = anchors[:MAX_ANCHORS]
    refine = partial(refine_clock_against, anchors, track, least_share=EARLY_SHARE * good_share)
    edge_s = None
    for rate in _list_rates(anchors[0], track):
        offsets, shares = _scan_offsets(anchors, track, rate)
        if not len(offsets):
            continue
        found = [
            clock
            for offset in _list_peaks(offsets, shares, good_share)
            if (clock := refine(offset, rate)) is not None
        ]
        clock, rivalled = _choose(found, good_share, float(track.time_s.mean()))
        if clock is not None:
            return clock, None
        if rivalled:
            return None, None
        if rate == 1.0 and _is_at_edge(shares):
            edge_s = float(offsets[np.argmax(shares)])
    return None, edge_s


def _list_rates(anchor: Track, track: Track) -> list[float]:
    """List the rates to try: the right one, that by which both last equally long, and the rest."""
    spans = [float(one.time_s[-1] - one.time_s[0]) for one in (anchor, track)]
    guess = spans[0] / max(spans[1], 1e-9)
    plausible = [guess] if min(SEARCH_RATES) <= guess <= max(SEARCH_RATES) else []
    return [1.0, *plausible, *SEARCH_RATES[1:]]


def _scan_offsets(anchors: Sequence[Track], track: Track, rate: float) -> tuple[F64, F64]:
    """Measure the share of every shift of the search, in the middle of the overlap."""
    # the shift is that of the track's middle, so that a wrong rate does not move it
    middle_s = float(track.time_s.mean())
    steps = round(SEARCH_S / SEARCH_STEP_S)
    shifts = np.arange(-steps, steps + 1) * SEARCH_STEP_S
    offsets: list[float] = []
    shares: list[float] = []
    for shift in shifts:
        offset = float(shift) + (1 - rate) * middle_s
        moved = track.retime(offset, rate)
        if any(np.diff(find_overlap(anchor, moved))[0] < MIN_OVERLAP_S for anchor in anchors):
            continue
        offsets.append(offset)
        shares.append(
            float(np.mean([measure_share(a, moved, window_s=WINDOW_S) for a in anchors[:1]]))
        )
    return np.array(offsets), np.array(shares)


def _list_peaks(offsets: F64, shares: F64, good_share: float) -> Iterator[float]:
    """List the shifts with the most inliers, each at some distance from the others."""
    least = max(PEAK_OF_MEDIAN * float(np.median(shares)), PEAK_OF_GOOD * good_share)
    left = np.where(shares >= least, shares, 0.0)
    for _ in range(PEAKS):
        best = int(np.argmax(left))
        if left[best] <= 0:
            return
        yield float(offsets[best])
        left[np.abs(offsets - offsets[best]) < RIVAL_S] = 0


def _choose(
    found: Sequence[TrackClock], good_share: float, middle_s: float
) -> tuple[TrackClock | None, bool]:
    """Choose the best clock that explains the view, unless another one rivals it."""
    good = sorted((c for c in found if c.share >= good_share), key=lambda clock: -clock.share)
    if not good:
        return None, False
    rivals = [
        clock
        for clock in good[1:]
        if clock.share >= RIVAL_SHARE * good[0].share
        and abs(_map(clock, middle_s) - _map(good[0], middle_s)) > RIVAL_S
    ]
    return (None, True) if rivals else (good[0], False)


def _is_at_edge(shares: F64) -> bool:
    """Whether the best shift is one of the last, and clearly better than most."""
    best = int(np.argmax(shares))
    edge = 3
    return (best < edge or best >= len(shares) - edge) and (
        float(shares[best]) > 1.5 * float(np.median(shares))
    )


def _map(clock: TrackClock, own_s: float) -> float:
    """Map a view's own time to the anchors'."""
    return clock.offset_s + clock.rate * own_s
