"""Blame: which view does not fit the others, and why, by trying what usually goes wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from calibration.evidence.clocks import Clocks
from calibration.evidence.observations import Observations
from calibration.evidence.repeats import find_frozen_span
from calibration.geometry.arrays import F64, Mask
from calibration.solve.blame_sentences import SENTENCES
from calibration.solve.clock_search import (
    measure_mean_share,
    refine_clock_against,
    search_clock,
)
from calibration.solve.track_pairs import (
    Track,
    TrackClock,
    find_overlap,
    gather_tracks,
    measure_share,
)

FROZEN, MIRRORED, MOVED = "frozen", "mirrored", "moved"
LATE, FAST, OTHER_PERSON, MISFIT = "late", "fast", "other person", "misfit"

# Synthetic views that agree, network noise: 82 to 92 % of a pair's joints fit one geometry; real
# ones 93 to 95 %; with a camera that is late, mirrored, frozen or sees another person 20 to 50 %,
# with one that turned by 3 degrees 44 to 66 %.
MIN_SHARE = 0.65
AGREEING_OF_BEST = 0.85  # pairs with this share of the best pair's agree
GOOD_OF_REFERENCE = 0.92  # an explanation restores this much of what the agreeing pairs reach
ALONE_GOOD_SHARE = 0.75  # of two views, where no other pair says what can be reached
MIN_OFFSET_S, MIN_RATE_ERROR, MIN_RATE_SIGMAS = 0.1, 0.004, 6.0
# A clock that restores this much needs no rival. A move must restore more than two geometries in
# place of one do by themselves; a single part may be worse than both together.
SURE_OF_REFERENCE, MIN_MOVE_GAIN, PART_OF_GOOD = 0.97, 0.06, 0.9
FITTING_OF_REFERENCE = 0.88  # a view that fits so well as it is is not to blame
MIN_SHIFT_GAIN = 0.03  # of a far shift over a near one
SPLIT_STEP_S, MIN_PART_S = 1.0, 2.0
# By pieces so short even a camera in motion fits; another person's joints do not.
PIECE_S, FOREIGN_OF_REFERENCE = 2.0, 0.75


@dataclass(frozen=True, slots=True)
class Blame:
    """One view that does not fit, and why.

    Parameters
    ----------
    view
        Its name; both names where there are only two.
    cause
        ``frozen``, ``mirrored``, ``moved``, ``late``, ``fast`` (the clock; also slow),
        ``other person`` or ``misfit``.
    sentence
        What happened, what it means, what to do.
    figures
        In seconds, shares and rates: ``offset_s``, ``rate``, ``from_s``, ``to_s``, ``at_s``,
        ``share`` (of joints that fit with the cause taken away).
    """

    view: str
    cause: str
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """What is wrong with the views.

    Parameters
    ----------
    blames
        One for each view that does not fit the others; empty where all fit.
    clocks
        That let those views fit which only their clocks keep from it.
    """

    blames: tuple[Blame, ...]
    clocks: Clocks

    @property
    def only_clocks(self) -> bool:
        """Whether every view fits once the clocks are right."""
        found = all(blame.cause in (LATE, FAST) for blame in self.blames)
        return found and not self.clocks.are_right


def diagnose(observations: Observations) -> Diagnosis:
    """Find the views that do not fit the others, and name each one's cause.

    Parameters
    ----------
    observations
        Sides steady, ideal pixels where the lenses are known, each view with its own times.

    Returns
    -------
    diagnosis

    Notes
    -----
    No rig is needed, so that no view can spoil one: views agree whose pairs fit one epipolar
    geometry each. The largest group that agrees judges the others.
    """
    tracks = gather_tracks(observations)
    shares = _measure_pair_shares(tracks)
    group, reference = _find_agreeing_group(shares)
    V = len(tracks)
    offset_ns, rate = np.zeros(V, np.int64), np.ones(V)
    blames: list[Blame] = []
    others = sorted(set(range(V)) - set(group), key=lambda v: -shares[v, group].mean())
    for v in others:
        anchors = [tracks[a] for a in group]
        suspect = _Suspect(observations, v, anchors, tracks[v], reference)
        blame, clock = _find_cause(suspect)
        blames += [blame] if blame is not None else []
        if clock is not None:
            offset_ns[v] = round(clock.offset_s * 1e9)
            rate[v] = clock.rate
            tracks[v] = tracks[v].retime(clock.offset_s, clock.rate)
            group = [*group, v]
    # the rig's time starts with the first view's
    return Diagnosis(tuple(blames), Clocks(offset_ns - offset_ns[0], rate))


def measure_agreement(observations: Observations) -> float:
    """Measure how well the views fit each other in pairs, all but one of them.

    Parameters
    ----------
    observations
        As for `diagnose`.

    Returns
    -------
    share : 0 to 1
        Of the joints of a pair that fit one epipolar geometry, in the mean of the best pairs: as
        many as one bad view leaves.
    """
    shares = _measure_pair_shares(gather_tracks(observations))
    pairs = np.sort(shares[np.triu_indices(len(shares), 1)])
    left = max((len(shares) - 1) * (len(shares) - 2) // 2, 1)
    return float(pairs[-left:].mean())


@dataclass(frozen=True, slots=True, eq=False)
class _Suspect:
    """A view that does not fit, and those that judge it."""

    observations: Observations
    v: int
    anchors: Sequence[Track]
    track: Track
    reference: float

    @property
    def good_share(self) -> float:
        """Share of joints from which a cause explains the view."""
        return GOOD_OF_REFERENCE * self.reference

    @property
    def share(self) -> float:
        """Share of joints that fit as they are."""
        return measure_mean_share(self.anchors, self.track)

    @property
    def name(self) -> str:
        """Name of the view; of both, where neither can be preferred."""
        names = self.observations.view_names
        return f"'{names[self.v]}'" if len(names) > 2 else " or ".join(f"'{n}'" for n in names)

    def blame(self, cause: str, **figures: float) -> Blame:
        """Say that the view does not fit for this cause."""
        alone = f"'{self.observations.view_names[self.v]}'"
        name = alone if cause in (LATE, FAST) else self.name
        sentence = SENTENCES[cause](name, figures)
        return Blame(name.replace("'", ""), cause, sentence, figures)


def _measure_pair_shares(tracks: Sequence[Track]) -> F64:
    """Measure how well every two views fit each other, (V, V)."""
    shares = np.zeros((len(tracks), len(tracks)))
    for a, b in combinations(range(len(tracks)), 2):
        shares[a, b] = shares[b, a] = measure_share(tracks[a], tracks[b], instants=80)
    return shares


def _find_agreeing_group(shares: F64) -> tuple[list[int], float]:
    """Find the largest group of views that agree, and the share that its pairs reach."""
    V = len(shares)
    best = float(shares.max())
    if V == 2 or best < MIN_SHARE:
        return [0], ALONE_GOOD_SHARE / GOOD_OF_REFERENCE
    # a pair that never saw the person together says nothing: its share is 0
    agree = (shares >= max(AGREEING_OF_BEST * best, MIN_SHARE)) | (shares == 0)
    for size in range(V, 1, -1):
        groups = [list(g) for g in combinations(range(V), size) if _do_all_agree(agree, shares, g)]
        if groups:
            group = max(groups, key=lambda g: shares[np.ix_(g, g)].sum())
            inside = shares[np.ix_(group, group)]
            return group, float(inside[inside > 0].mean())
    return [0], ALONE_GOOD_SHARE / GOOD_OF_REFERENCE


def _do_all_agree(agree: Mask, shares: F64, group: Sequence[int]) -> bool:
    """Whether no pair of a group disagrees, and each view was compared with another."""
    inside = np.ix_(list(group), list(group))
    return bool(agree[inside].all() and (shares[inside] > 0).any(0).all())


def _find_cause(suspect: _Suspect) -> tuple[Blame | None, TrackClock | None]:
    """Try the causes, the surest first; with a clock where the clock is the cause."""
    frozen = find_frozen_span(suspect.observations, suspect.v)
    if frozen is not None:
        return suspect.blame(FROZEN, from_s=frozen[0], to_s=frozen[1]), None
    mirrored = gather_tracks(suspect.observations.flip_views((suspect.v,)))[suspect.v]
    share = measure_mean_share(suspect.anchors, mirrored)
    if share >= suspect.good_share:
        return suspect.blame(MIRRORED, share=share), None
    near = refine_clock_against(suspect.anchors, suspect.track, 0.0, 1.0)
    near_share = 0.0 if near is None else near.share
    moved = None if near_share >= SURE_OF_REFERENCE * suspect.reference else _find_move(suspect)
    if moved is not None and moved.figures["share"] > near_share + MIN_MOVE_GAIN:
        return moved, None
    far, edge_s = None, None
    if near_share < SURE_OF_REFERENCE * suspect.reference:
        if suspect.share >= FITTING_OF_REFERENCE * suspect.reference:
            return None, TrackClock(0.0, 1.0, np.inf, suspect.share)
        # gait repeats itself: a step to the side fits nearly as well as the true shift
        far, edge_s = search_clock(suspect.anchors, suspect.track, suspect.good_share)
    if near is not None and near_share >= max(
        suspect.good_share, 0.0 if far is None else far.share - MIN_SHIFT_GAIN
    ):
        return _blame_clock(suspect, near)
    if far is not None:
        return _blame_clock(suspect, far)
    if edge_s is not None:
        return suspect.blame(LATE, offset_s=edge_s, at_least=1.0), None
    span = _find_other_person(suspect)
    if span is not None:
        return suspect.blame(OTHER_PERSON, from_s=span[0], to_s=span[1]), None
    return suspect.blame(MISFIT, share=suspect.share), None


def _blame_clock(suspect: _Suspect, clock: TrackClock) -> tuple[Blame | None, TrackClock | None]:
    """Say what is wrong with a clock; nothing where only noise is."""
    clock = _drop_doubtful_rate(suspect, clock)
    figures = {"offset_s": clock.offset_s, "rate": clock.rate, "share": clock.share}
    if clock.rate != 1.0:
        return suspect.blame(FAST, **figures), clock
    if abs(clock.offset_s) >= MIN_OFFSET_S:
        return suspect.blame(LATE, **figures), clock
    return None, TrackClock(0.0, 1.0, clock.rate_sigma, clock.share)


def _drop_doubtful_rate(suspect: _Suspect, clock: TrackClock) -> TrackClock:
    """Claim a rate only where it is clearly not 1; else keep what it says of the overlap."""
    away = abs(clock.rate - 1)
    if away >= MIN_RATE_ERROR and away >= MIN_RATE_SIGMAS * clock.rate_sigma:
        return clock
    start, end = find_overlap(suspect.anchors[0], suspect.track.retime(clock.offset_s, clock.rate))
    own_s = ((start + end) / 2 - clock.offset_s) / clock.rate
    offset_s = clock.offset_s + (clock.rate - 1) * own_s
    return TrackClock(offset_s, 1.0, clock.rate_sigma, clock.share)


def _find_move(suspect: _Suspect) -> Blame | None:
    """Find when the camera moved: both parts fit the others, each by itself."""
    start, end = find_overlap(suspect.anchors[0], suspect.track)
    splits = np.arange(start + MIN_PART_S, end - MIN_PART_S, SPLIT_STEP_S)
    if not len(splits):
        return None
    parts = np.array([_measure_parts(suspect, float(split)) for split in splits])
    weight = np.stack([splits - start, end - splits], 1) / (end - start)
    mean = (weight * parts).sum(1)
    best = int(np.argmax(mean))
    least = max(suspect.good_share, MIN_MOVE_GAIN + suspect.share)
    if mean[best] < least or parts[best].min() < PART_OF_GOOD * suspect.good_share:
        return None
    return suspect.blame(MOVED, at_s=float(splits[best]), share=float(mean[best]))


def _measure_parts(suspect: _Suspect, split_s: float) -> tuple[float, float]:
    """Measure the share of joints that fit before and after an instant."""
    before = suspect.track.cut(-np.inf, split_s)
    after = suspect.track.cut(split_s, np.inf)
    return (
        measure_mean_share(suspect.anchors[:2], before),
        measure_mean_share(suspect.anchors[:2], after),
    )


def _find_other_person(suspect: _Suspect) -> tuple[float, float] | None:
    """Find from when to when the view follows another motion; None if it fits by pieces."""
    start, end = find_overlap(suspect.anchors[0], suspect.track)
    edges = np.arange(start, end, PIECE_S)
    if len(edges) < 3:
        return None
    pieces = [suspect.track.cut(edge, edge + PIECE_S) for edge in edges]
    fits = np.array([measure_mean_share(suspect.anchors[:2], piece) for piece in pieces])
    foreign = fits < FOREIGN_OF_REFERENCE * suspect.reference
    if not foreign.any():
        return None
    if foreign.mean() > 0.7:
        return float(start), float(end)
    first, last = np.flatnonzero(foreign)[[0, -1]]
    return float(edges[first]), float(min(edges[last] + PIECE_S, end))
