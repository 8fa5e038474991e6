"""The people in one view over time: tracked, new and lost ones."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from calibration.geometry.arrays import F64, I64
from engine.inference.pose_model import Detection, Sighting
from engine.inference.preprocess import Region, search_windows

FILTER_HZ = 30.0  # counted in images, not in time, so that regions do not depend on a clock
FILTER_MIN_CUTOFF_HZ = 0.01
FILTER_BETA = 10.0
FILTER_SLOPE_CUTOFF_HZ = 1.0
# Of the region's side: median distance of two sightings' joints; about 14 cm on a body.
MAX_SAME_PERSON_DISTANCE = 0.06
# Of the region's side: a detection nearer to a tracked person is that person.
MAX_SAME_PLACE_DISTANCE = 0.15
MAX_SAME_SIZE_RATIO = 1.6  # ratio of the regions' sides
REIDENTIFY_DISTANCE = 0.5  # of the region's side: how far a person may have moved while lost
MIN_SIDE_PX = 16.0  # of a region: in a smaller one there is nothing to see
REIDENTIFY_NS = 2_000_000_000  # how long a lost person keeps the track number


@dataclass(frozen=True, slots=True, eq=False)
class RegionFilter:
    """A One-Euro filter (Casiez et al. 2012) on a region's two points.

    Parameters
    ----------
    points, raw : (2, 2), px
        Filtered, and as last measured.
    slope : (2, 2), region sides per second
    """

    points: F64
    raw: F64
    slope: F64

    def next(self, points: F64) -> "RegionFilter":
        """Return the filter after one more image."""
        side = max(2.0 * float(np.linalg.norm(points[1] - points[0])), 1.0)
        slope = self.slope + _compute_weight(FILTER_SLOPE_CUTOFF_HZ) * (
            (points - self.raw) * FILTER_HZ / side - self.slope
        )
        weight = _compute_weight(FILTER_MIN_CUTOFF_HZ + FILTER_BETA * np.abs(slope))
        return RegionFilter(self.points + weight * (points - self.points), points, slope)


def start_filter(points: F64) -> RegionFilter:
    """Return a filter that starts at these points."""
    return RegionFilter(points, points, np.zeros((2, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person in one view.

    Parameters
    ----------
    track_id
        The view's own number.
    filter
        Of its region.
    region
        Where to locate the person next.
    sighting
        The last one.
    seen_ns
        Time of the last sighting.
    """

    track_id: int
    filter: RegionFilter
    region: Region
    sighting: Sighting
    seen_ns: int


@dataclass(slots=True)
class ViewTracks:
    """The people in one view; the estimator's state, hence not frozen.

    Parameters
    ----------
    mirror : (J,)
        Each joint's counterpart on the other side, to recognise a body with swapped sides.
    region_of
        Makes a region from two points.

    Attributes
    ----------
    tracks
        People who were seen in the last image, by number.
    lost
        People who were lost within the last `REIDENTIFY_NS`.
    size_wh : px
        Of the last image.
    search_due
        Whether a person was just lost, so that the detector should run at once.
    """

    mirror: I64
    region_of: Callable[[F64], Region]
    tracks: list[Track] = field(default_factory=list)
    lost: list[Track] = field(default_factory=list)
    size_wh: tuple[int, int] = (0, 0)
    search_due: bool = False
    _next_track_id: int = 0
    _search_count: int = 0

    def start_image(self, size_wh: tuple[int, int]) -> None:
        """Forget all people if the size of the image changed: no region fits any more."""
        if size_wh != self.size_wh:
            self.tracks = []
            self.lost = []
            self.size_wh = size_wh
            self._search_count = 0

    def next_search_windows(self) -> tuple[Region, ...]:
        """Return where to search after the whole image: all squares, later one at a time."""
        squares = search_windows(self.size_wh)[1:]
        self._search_count += 1
        return squares if self._search_count == 1 else (squares[self._search_count % len(squares)],)

    def follow(self, sightings: Sequence[Sighting], min_score: float, time_ns: int) -> None:
        """Update each track with its sighting in the next image.

        Parameters
        ----------
        sightings
            One for each of `tracks`, in their order.
        min_score
            With a lower one, or a region outside the image, a track is lost.
        time_ns
            Of the image.
        """
        kept = []
        for track, sighting in zip(self.tracks, sightings):
            if sighting.score < min_score or not self._is_usable(sighting):
                self.lost.append(track)
                continue
            points = track.filter.next(sighting.points)
            kept.append(
                Track(track.track_id, points, self.region_of(points.points), sighting, time_ns)
            )
        self.search_due = len(kept) < len(self.tracks)
        self.tracks = kept
        self.lost = [track for track in self.lost if time_ns - track.seen_ns <= REIDENTIFY_NS]
        self._merge()

    def find_new_regions(self, findings: Sequence[Detection], count: int) -> list[Region]:
        """Return where to locate people who are not tracked yet, at most `count`, best first."""
        new: list[Region] = []
        for finding in sorted(findings, key=lambda finding: -finding.score):
            region = self.region_of(finding.points)
            known = (*(track.region for track in self.tracks), *new)
            if not any(_is_same_place(region, other) for other in known):
                new.append(region)
        return new[: max(count, 0)]

    def admit(
        self,
        sightings: Sequence[Sighting],
        again: Sequence[Sighting],
        min_score: float,
        time_ns: int,
    ) -> None:
        """Start a track for each new person; one that was lost nearby gets the old number.

        `again` is a second sighting of each, in the region from the first one: it rejects objects
        that only resemble a person, and recognises parts of a known person.
        """
        for first, second in zip(sightings, again):
            if min(first.score, second.score) < min_score or not (
                self._is_usable(first) and self._is_usable(second)
            ):
                continue
            region = self.region_of(second.points)
            if any(self._is_same_person(second, track.sighting, region) for track in self.tracks):
                continue
            points = start_filter(first.points)
            self.tracks.append(
                Track(
                    self._assign_track_id(region),
                    points,
                    self.region_of(first.points),
                    first,
                    time_ns,
                )
            )
        self.tracks.sort(key=lambda track: track.track_id)

    def _assign_track_id(self, region: Region) -> int:
        """Return the number of a person lost near this region, or a new one."""
        back = [
            track
            for track in self.lost
            if _measure_distance(track.region, region) < REIDENTIFY_DISTANCE * region.size_wh[1]
        ]
        if back:
            nearest = min(back, key=lambda track: _measure_distance(track.region, region))
            self.lost.remove(nearest)
            return nearest.track_id
        self._next_track_id += 1
        return self._next_track_id - 1

    def _merge(self) -> None:
        """Keep the older of two tracks that follow the same person."""
        kept: list[Track] = []
        for track in self.tracks:
            if any(
                self._is_same_person(track.sighting, other.sighting, track.region) for other in kept
            ):
                self.search_due = True
            else:
                kept.append(track)
        self.tracks = kept

    def _is_same_person(self, one: Sighting, other: Sighting, region: Region) -> bool:
        """Return whether two sightings are one body, perhaps with sides swapped."""
        limit = MAX_SAME_PERSON_DISTANCE * max(region.size_wh)
        twins = (other.xy, other.xy[self.mirror])
        return any(float(np.median(np.linalg.norm(one.xy - xy, axis=1))) < limit for xy in twins)

    def _is_usable(self, sighting: Sighting) -> bool:
        """Return whether the next region would be in the image and not empty."""
        region = self.region_of(sighting.points)
        (x, y), (width, height) = region.center_xy, self.size_wh
        return (
            0 <= x <= width
            and 0 <= y <= height
            and MIN_SIDE_PX <= max(region.size_wh) <= 4 * max(width, height)
        )


def _compute_weight(cutoff_hz: F64 | float) -> F64 | float:
    """Compute the weight of the new value in a first-order low-pass."""
    return 1.0 / (1.0 + FILTER_HZ / (2.0 * math.pi * cutoff_hz))


def _measure_distance(one: Region, other: Region) -> float:
    """Measure the distance of two regions' centres, px."""
    return math.dist(one.center_xy, other.center_xy)


def _is_same_place(one: Region, other: Region) -> bool:
    """Return whether two regions have about the same size and place."""
    sides = sorted((max(one.size_wh), max(other.size_wh)))
    return (
        _measure_distance(one, other) < MAX_SAME_PLACE_DISTANCE * sides[1]
        and sides[1] < MAX_SAME_SIZE_RATIO * sides[0]
    )
