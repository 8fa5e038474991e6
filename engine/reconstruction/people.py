"""Choose the person to reconstruct: the one, of all in view, that the cameras agree on."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import poselib

from calibration.evidence.evidence import select_calibration_joints
from calibration.evidence.noise import estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate_robust
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.poses import MIN_CONFIDENCE, PoseSet2D

NOBODY = -1
RIVAL_SHARE = 0.25  # of the best track's weight: a track of at least this may be the person as well
GATE_SIGMAS = 10.0  # farther from the room's person, by the median joint, is another person
# A track that shares more of its framesets with the leading track of its view is another person.
MAX_SIMULTANEOUS_SHARE = 0.1
# Two tracks in two views are compared in at least so many framesets, where there are as many.
MATCH_FRAMESETS = 60
MATCH_MIN_CONFIDENCE, MATCH_MIN_JOINTS = 0.5, 40  # of a joint; and joints over all framesets
MATCH_GATE_SHARE = 0.006  # epipolar error of an inlier, of the longest side of the images


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """All people in every view over a recording, as arrays.

    Parameters
    ----------
    skeleton, view_names, sizes_wh
        As in `Observations`.
    time_ns : (T,)
        Of the framesets.
    view_time_ns : (T, V)
        Of each view's image, on the view's own clock.
    xy : (T, V, C, J, 2), px
        Of C people at most; NaN where there is none, or a joint was not found.
    confidence : (T, V, C, J), 0 to 1
    track_id : (T, V, C)
        The view's own track number; `NOBODY` where there is no candidate.
    own_xyz : (T, V, C, J, 3), m
        As in `Observations`; None from a model that guesses no depth.
    """

    skeleton: Skeleton
    view_names: tuple[str, ...]
    sizes_wh: tuple[tuple[int, int], ...]
    time_ns: I64
    view_time_ns: I64
    xy: F64
    confidence: F64
    track_id: I64
    own_xyz: F64 | None = None

    def select(self, choice: I64) -> Observations:
        """Take one candidate of every view.

        Parameters
        ----------
        choice : (T, V)
            Positions among the candidates; `NOBODY` for none.
        """
        safe = np.maximum(choice, 0)[:, :, None]
        xy = np.take_along_axis(self.xy, safe[..., None, None], 2)[:, :, 0]
        confidence = np.take_along_axis(self.confidence, safe[..., None], 2)[:, :, 0]
        nobody = (choice == NOBODY)[..., None]
        xy = np.where(nobody[..., None], np.nan, xy)
        confidence = np.where(nobody, 0.0, confidence)
        own_xyz = self.own_xyz
        if own_xyz is not None:
            own_xyz = np.take_along_axis(own_xyz, safe[..., None, None], 2)[:, :, 0]
            own_xyz = np.where(nobody[..., None], np.nan, own_xyz)
        return Observations(
            self.skeleton,
            self.view_names,
            self.sizes_wh,
            self.time_ns,
            xy,
            confidence,
            self.view_time_ns,
            own_xyz,
        )


def gather_candidates(
    pose_sets: Sequence[PoseSet2D],
    skeleton: Skeleton,
    view_names: tuple[str, ...],
    sizes_wh: Sequence[tuple[int, int]],
) -> Candidates:
    """Pack the poses of a recording into arrays.

    Parameters
    ----------
    pose_sets
        In order of time.
    skeleton, view_names, sizes_wh
    """
    T = len(pose_sets)
    V = len(view_names)
    J = len(skeleton.joints)
    most = max((len(view) for poses in pose_sets for view in poses.poses_by_view), default=0)
    C = max(most, 1)
    xy = np.full((T, V, C, J, 2), np.nan)
    confidence = np.zeros((T, V, C, J))
    track = np.full((T, V, C), NOBODY)
    own_xyz = np.full((T, V, C, J, 3), np.nan) if _guesses_depth(pose_sets) else None
    time_ns = np.array([poses.timestamp_ns for poses in pose_sets], np.int64)
    view_time_ns = np.repeat(time_ns[:, None], V, 1) if T else np.zeros((0, V), np.int64)
    for t, poses in enumerate(pose_sets):
        for v, (people, own) in enumerate(zip(poses.poses_by_view, poses.view_time_ns)):
            if own is not None:
                view_time_ns[t, v] = own
            for c, pose in enumerate(people):
                xy[t, v, c], confidence[t, v, c], track[t, v, c] = (
                    pose.xy,
                    pose.confidence,
                    pose.track_id,
                )
                if own_xyz is not None and pose.own_xyz is not None:
                    own_xyz[t, v, c] = pose.own_xyz
    sizes = tuple((int(w), int(h)) for w, h in sizes_wh)
    return Candidates(
        skeleton, tuple(view_names), sizes, time_ns, view_time_ns, xy, confidence, track, own_xyz
    )


def _guesses_depth(pose_sets: Sequence[PoseSet2D]) -> bool:
    """Return whether the model makes guesses in depth, by the first person found."""
    people = (pose for poses in pose_sets for view in poses.poses_by_view for pose in view)
    first = next(people, None)
    return first is not None and first.own_xyz is not None


def choose_before_rig(candidates: Candidates) -> I64:
    """Choose one person in every view before the cameras are calibrated.

    Returns
    -------
    choice : (T, V)

    Notes
    -----
    The track that is present longest and moves most leads in its view; where another track rivals
    it, the combination that agrees best in two-view geometry wins. Other tracks fill the gaps of
    the leading one.
    """
    orders = [_rank_tracks(candidates, v) for v in range(len(candidates.view_names))]
    rivals = [order[:2] if _is_contested(order) else order[:1] for order in orders]
    leaders = [options[0][0] if options else NOBODY for options in rivals]
    if any(len(options) > 1 for options in rivals):
        leaders = _choose_agreeing_tracks(
            candidates, [[number for number, _ in options] for options in rivals]
        )
    choice = np.full(candidates.track_id.shape[:2], NOBODY)
    for v, (leader, order) in enumerate(zip(leaders, orders)):
        numbers = [leader] + [number for number, _ in order if number != leader]
        taken = np.zeros(len(choice), bool)
        leading = _find_rows(candidates, v, leader)
        for number in numbers:
            rows = _find_rows(candidates, v, number)
            if number != leader and (rows & leading).sum() > MAX_SIMULTANEOUS_SHARE * rows.sum():
                continue  # present at the same time as the leader: another person
            rows &= ~taken
            choice[rows, v] = (candidates.track_id[rows, v] == number).argmax(-1)
            taken |= rows
    return choice


def choose_by_rig(candidates: Candidates, rig: Rig, choice: I64) -> I64:
    """Choose in every view the candidate that the other views see too.

    Parameters
    ----------
    candidates
    rig
    choice : (T, V)
        A first choice that is right in most views.

    Returns
    -------
    choice : (T, V)
        `NOBODY` where no candidate fits.
    """
    skeleton = candidates.skeleton
    chosen = skeleton.indices(select_calibration_joints(skeleton))
    first = candidates.select(choice)
    sigma = estimate_sigma_px(first, MIN_CONFIDENCE)
    T, V = choice.shape
    xy = np.moveaxis(first.xy[:, :, chosen], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma[:, :, chosen], 1, 0).reshape(V, -1)
    # a view beyond five sigmas is an outlier: its first choice was another person
    finite = np.where(np.isfinite(spread), spread, np.nan)
    gate = np.where(
        np.isfinite(finite).any(0), 5 * np.nanmax(np.nan_to_num(finite, nan=0), axis=0), 1.0
    )
    xyz = triangulate_robust(xy, spread, rig.cameras, gate_px=np.maximum(gate, 1.0)).xyz.reshape(
        T, -1, 3
    )
    # In each view the nearest candidate, with the sides as detected or swapped, as fits better.
    # Where too little was triangulated to compare, the first choice stays.
    better = np.full((T, V), NOBODY)
    mirror = skeleton.mirror[chosen]
    for v, camera in enumerate(rig.cameras):
        image = project(xyz, camera)
        scale = np.nanmedian(np.where(np.isfinite(sigma[:, v]), sigma[:, v], np.nan))
        costs = []
        for c in range(candidates.track_id.shape[2]):
            sides = [
                np.linalg.norm(candidates.xy[:, v, c][:, order] - image, axis=-1) / scale
                for order in (chosen, mirror)
            ]
            costs.append(np.minimum(*(_compute_median_or_inf(side) for side in sides)))
        cost = np.stack(costs, 1)
        unknown = ~np.isfinite(image).all(-1).any(-1)
        better[:, v] = np.where(cost.min(1) < GATE_SIGMAS, cost.argmin(1), NOBODY)
        better[unknown, v] = choice[unknown, v]
    return better


def describe_other_people(candidates: Candidates, choice: I64) -> tuple[str, ...]:
    """Describe who else was in view.

    Parameters
    ----------
    candidates
    choice : (T, V)

    Returns
    -------
    remarks
        One message, or none.
    """
    others = (candidates.track_id != NOBODY).sum(2) > (choice != NOBODY)
    share = others.mean(0)
    seen = [
        f"'{name}' ({value:.0%})"
        for name, value in zip(candidates.view_names, share)
        if value > 0.1
    ]
    if not seen:
        return ()
    where = ", ".join(seen)
    if len(seen) == 1:
        return (f"Another person was in view of {where} of the time and was left out.",)
    return (
        (
            f"Two people were in view of {where} of the time; the one that the cameras agree on "
            "was kept."
        ),
    )


def _compute_median_or_inf(error: F64) -> F64:
    """Compute each frameset's median over joints; infinite where fewer than four are comparable."""
    enough = np.isfinite(error).sum(-1) >= 4
    median = np.full(len(error), np.inf)
    if enough.any():
        median[enough] = np.nanmedian(error[enough], axis=-1)
    return median


def _find_rows(candidates: Candidates, v: int, number: int) -> np.ndarray:
    """Find the framesets in which a view has a track, (T,)."""
    return (candidates.track_id[:, v] == number).any(-1) & (number != NOBODY)


def _rank_tracks(candidates: Candidates, v: int) -> list[tuple[int, float]]:
    """Rank a view's track numbers by weight: presence, and motion of the ankles by body size."""
    numbers = [int(n) for n in np.unique(candidates.track_id[:, v]) if n != NOBODY]
    ankles = candidates.skeleton.indices(["left_ankle", "right_ankle"])
    hips = candidates.skeleton.indices(["left_hip", "right_hip"])
    shoulders = candidates.skeleton.indices(["left_shoulder", "right_shoulder"])
    weights = []
    for number in numbers:
        at_t, at_c = np.nonzero(candidates.track_id[:, v] == number)
        xy = candidates.xy[at_t, v, at_c]
        torso = np.linalg.norm(xy[:, shoulders].mean(1) - xy[:, hips].mean(1), axis=-1)
        size = np.nanmedian(torso) if np.isfinite(torso).any() else 1.0
        feet = xy[:, ankles].mean(1)
        feet = feet[np.isfinite(feet).all(-1)]
        swing = float(np.linalg.norm(feet.std(0))) if len(feet) else 0.0  # behind a table: none
        motion = swing / max(float(size), 1.0)
        weights.append((number, len(at_t) * (0.2 + min(motion, 1.0))))
    return sorted(weights, key=lambda pair: -pair[1])


def _is_contested(order: list[tuple[int, float]]) -> bool:
    """Return whether a second track could be the person as well."""
    return len(order) > 1 and order[1][1] > RIVAL_SHARE * order[0][1]


def _choose_agreeing_tracks(candidates: Candidates, options: list[list[int]]) -> list[int]:
    """Choose one track per view so that the pairs of views agree best in two-view geometry."""
    V = len(options)
    strength = {
        (a, i, b, j): _count_inliers(candidates, (a, i), (b, j))
        for a, b in itertools.combinations(range(V), 2)
        for i in options[a]
        for j in options[b]
    }
    best = max(
        itertools.product(*(numbers or [NOBODY] for numbers in options)),
        key=lambda chosen: sum(
            strength.get((a, chosen[a], b, chosen[b]), 0.0)
            for a, b in itertools.combinations(range(V), 2)
        ),
    )
    return list(best)


def _count_inliers(candidates: Candidates, one: tuple[int, int], other: tuple[int, int]) -> float:
    """Count the joints of two tracks in two views that fit one fundamental matrix."""
    joints = candidates.skeleton.indices(select_calibration_joints(candidates.skeleton))
    rows = np.flatnonzero(_find_rows(candidates, *one) & _find_rows(candidates, *other))
    rows = rows[:: max(1, len(rows) // MATCH_FRAMESETS)]
    sides = []
    for v, number in (one, other):
        c = (candidates.track_id[rows, v] == number).argmax(-1)
        xy = candidates.xy[rows, v, c][:, joints]
        good = candidates.confidence[rows, v, c][:, joints] > MATCH_MIN_CONFIDENCE
        sides.append((xy.reshape(-1, 2), good.ravel() & np.isfinite(xy).all(-1).ravel()))
    both = sides[0][1] & sides[1][1]
    if both.sum() < MATCH_MIN_JOINTS:
        return 0.0
    gate = MATCH_GATE_SHARE * max(*candidates.sizes_wh[one[0]], *candidates.sizes_wh[other[0]])
    options = {"max_epipolar_error": gate, "max_iterations": 1000, "min_iterations": 100, "seed": 0}
    _, info = poselib.estimate_fundamental(sides[0][0][both], sides[1][0][both], options, {})
    return float(info["num_inliers"])
