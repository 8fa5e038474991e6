"""Associate, frameset by frameset: who is the person in every view, and which side is left.

This is the live stage. `engine.offline.recording` associates a whole recording better, because it
knows the future.
"""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.geometry.fast_arrays import CameraArrays, pack_cameras, pack_likeness
from calibration.geometry.fast_instant import (
    compare_people,
    find_best_pair,
    project_compiled,
    triangulate_compiled,
)
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.poses import MIN_CONFIDENCE, Pose2D, PoseSet2D

SIGMA_OF_HEIGHT = 0.012  # error of a joint relative to the person's extent in the image
GATE_SIGMAS = 6.0  # farther from the expected place, by the median joint, is another person
# Another track of the view must be nearer by this: two people who cross look alike for a moment.
SWITCH_PENALTY_SIGMAS = 1.0
MAX_AGE_NS = 500_000_000  # a person in the room not seen for longer is searched for again
MIN_JOINTS = 4
MAX_SPEED_M_S = 4.0  # per axis
# The person is searched for again when one view's sides are swapped for this share of this time.
VOTE_WINDOW_S, MAX_SWAPPED_SHARE = 1.0, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class _PersonState:
    """The person as last seen in the room: limbs (L, 3), m, and the body's velocity (3,), m/s."""

    xyz: F64
    timestamp_ns: int
    velocity: F64

    def predict(self, time_ns: int) -> F64:
        """Predict where the limbs are, (L, 3), m."""
        return self.xyz + self.velocity * ((time_ns - self.timestamp_ns) * 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class _Detections:
    """All people in all views: poses, and the same as arrays, (C, J, 2), (C, J) and (C,)."""

    poses: tuple[Pose2D, ...]
    xy: F64
    confidence: F64
    view: I64


class Associate:
    """Match one person across all views and repair swapped sides; a stage with memory.

    Notes
    -----
    With a rig, each view's candidates are compared with the person's predicted place, as detected
    and with sides swapped; where no prediction exists, with the place that most views agree on.
    Without a rig, and where only one view sees anyone, each view keeps the person and the sides
    that it had, until the model contradicts them for long. A new rig is a new room: the person is
    searched for again, starting from the tracks that the views followed. A rig whose number of
    cameras differs from the number of views is ignored.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._mirror = skeleton.mirror
        self._joints = len(skeleton.joints)
        self._likeness = pack_likeness(
            skeleton,
            min_confidence=MIN_CONFIDENCE,
            sigma_of_height=SIGMA_OF_HEIGHT,
            min_joints=MIN_JOINTS,
        )
        self._other_side = _find_positions(self._likeness.mirrored_joints, self._likeness.joints)
        self._rig: tuple[Rig, CameraArrays] | None = None
        self._known: _PersonState | None = None
        self._last: dict[int, Pose2D] = {}  # by view: its own track id, sides repaired
        self._swapped_share: dict[int, float] = {}  # by view: share of the last second swapped
        self._last_vote_ns = 0

    def __call__(self, poses: PoseSet2D, rig: Rig | None) -> PoseSet2D:
        """Keep one person per view, as track 0; framesets come in order of time."""
        seen = _gather_detections(poses, self._joints)
        cameras = (
            self._pack_rig(rig)
            if rig is not None and len(rig) == len(poses.poses_by_view)
            else None
        )
        if cameras is None:
            self._known = None
            chosen = self._continue_tracks(seen, len(poses.poses_by_view), poses.timestamp_ns)
        else:
            chosen = self._assign_by_room(seen, cameras, poses.timestamp_ns)
        self._last |= chosen
        poses_by_view = tuple(
            (replace(chosen[v], track_id=0),) if v in chosen else ()
            for v in range(len(poses.poses_by_view))
        )
        return replace(poses, poses_by_view=poses_by_view)

    def _pack_rig(self, rig: Rig) -> CameraArrays:
        """Pack a rig into arrays once; forget what was known in another rig's room."""
        if self._rig is None or self._rig[0] is not rig:
            self._rig, self._known = (rig, pack_cameras(rig.cameras)), None
        return self._rig[1]

    def _continue_tracks(
        self, seen: _Detections, view_count: int, now_ns: int
    ) -> dict[int, Pose2D]:
        """Keep each view's person and sides; swap sides that it contradicts for long."""
        cost = self._compute_cost_to_last(seen, view_count)
        wrong = self._find_swapped_views(seen, cost, now_ns)
        for c in np.flatnonzero(np.isin(seen.view, list(wrong))):
            cost[c] = cost[c, ::-1]
        for v in wrong:
            del self._swapped_share[v]
        return self._choose_cheapest(seen, cost, np.inf)

    def _assign_as_before(self, seen: _Detections, view_count: int) -> dict[int, Pose2D]:
        """Keep each view's person and sides as they were."""
        return self._choose_cheapest(seen, self._compute_cost_to_last(seen, view_count), np.inf)

    def _compute_cost_to_last(self, seen: _Detections, view_count: int) -> F64:
        """Measure how far all candidates are from their view's last person, (C, 2), sigmas."""
        image = np.full((view_count, len(self._likeness.joints), 2), np.nan)
        for v, pose in self._last.items():
            if v < view_count:
                image[v] = pose.xy[self._likeness.joints]
        cost = self._compute_cost(seen, image)
        for c, pose in enumerate(seen.poses):
            if int(seen.view[c]) not in self._last:  # then the most confident candidate wins
                cost[c] = -pose.score * np.nan_to_num(pose.confidence).sum(), np.inf
        return cost

    def _assign_by_room(
        self, seen: _Detections, cameras: CameraArrays, now_ns: int
    ) -> dict[int, Pose2D]:
        """Choose in every view the candidate that fits the person in the room, if any does."""
        # One view cannot triangulate, so the room's state would only age until it expires.
        if len(set(seen.view.tolist())) == 1:
            return self._continue_tracks(seen, len(cameras.R), now_ns)
        if self._known is None or not 0 <= now_ns - self._known.timestamp_ns < MAX_AGE_NS:
            limbs = self._find_person(seen, cameras)
            if limbs is None:
                return {}
            self._known = _PersonState(limbs, now_ns, np.zeros(3))
            self._swapped_share = {}
        # Compare in the images, where the errors of a view are independent of its distance.
        cost = self._compute_cost(seen, project_compiled(self._known.predict(now_ns), cameras))
        # If a view disagrees about the sides for long, the state itself may have them swapped:
        # discard it and search again, which tries both. The retry starts with no votes, so it ends.
        if self._find_swapped_views(seen, cost, now_ns):
            self._known, self._swapped_share = None, {}
            return self._assign_by_room(seen, cameras, now_ns)
        chosen = self._choose_cheapest(seen, cost, GATE_SIGMAS)
        self._update_state(chosen, cameras, now_ns)
        return chosen

    def _find_person(self, seen: _Detections, cameras: CameraArrays) -> F64 | None:
        """Find the person in the room, limbs (L, 3), that the views together explain best."""
        if len(set(seen.view.tolist())) < 2:
            return None
        # Three starting points: the followed tracks with repaired sides, the same with the sides as
        # the model gave them, and the best pair of candidates in case the views followed different
        # people. Each is also tried mirrored, because consistent but swapped sides fit as well.
        followed = self._assign_as_before(seen, len(cameras.R))
        options = [
            self._triangulate_limbs(followed, cameras),
            self._triangulate_limbs(self._restore_raw_sides(followed, seen), cameras),
        ]
        options.append(
            find_best_pair(
                (seen.xy, seen.confidence, seen.view), cameras, self._likeness, GATE_SIGMAS
            )
        )
        limbs = [option for option in options if option is not None]
        limbs += [option[self._other_side] for option in limbs]
        costs = [self._measure_misfit(option, seen, cameras) for option in limbs]
        best = int(np.argmin(costs)) if costs else 0
        return limbs[best] if costs and costs[best] < np.inf else None

    def _restore_raw_sides(self, chosen: dict[int, Pose2D], seen: _Detections) -> dict[int, Pose2D]:
        """Return the chosen people with the sides that the model gave them."""
        raw = {(v, pose.track_id): pose for v, pose in zip(seen.view.tolist(), seen.poses)}
        return {v: raw[v, pose.track_id] for v, pose in chosen.items()}

    def _measure_misfit(self, limbs: F64, seen: _Detections, cameras: CameraArrays) -> float:
        """Sum a person's misfit over the views, sigmas; infinite if only one view fits."""
        cost = self._compute_cost(seen, project_compiled(limbs, cameras))
        nearest = np.full(len(cameras.R), GATE_SIGMAS)
        np.minimum.at(
            nearest, seen.view, np.minimum(cost[:, 0], cost[:, 1] + SWITCH_PENALTY_SIGMAS)
        )
        return float(nearest.sum()) if (nearest < GATE_SIGMAS).sum() >= 2 else np.inf

    def _find_swapped_views(self, seen: _Detections, cost: F64, now_ns: int) -> set[int]:
        """Find views with sides swapped for long: the followed person's may be wrong."""
        share = min(max(now_ns - self._last_vote_ns, 0) * 1e-9 / VOTE_WINDOW_S, 1.0)
        self._last_vote_ns = now_ns
        for v, (raw, exchanged) in zip(seen.view.tolist(), cost.tolist()):
            if min(raw, exchanged) < GATE_SIGMAS:
                before = self._swapped_share.get(v, 0.0)
                self._swapped_share[v] = before + share * ((exchanged < raw) - before)
        return {v for v, share in self._swapped_share.items() if share > MAX_SWAPPED_SHARE}

    def _compute_cost(self, seen: _Detections, image: F64) -> F64:
        """Measure candidates against images (V, L, 2): as detected and swapped, (C, 2), sigmas."""
        cost = compare_people(seen.xy, seen.confidence, seen.view, image, self._likeness)
        for c, pose in enumerate(seen.poses):
            last = self._last.get(int(seen.view[c]))
            if last is not None and last.track_id != pose.track_id:
                cost[c] += SWITCH_PENALTY_SIGMAS
        return cost

    def _choose_cheapest(self, seen: _Detections, cost: F64, gate: float) -> dict[int, Pose2D]:
        """Take every view's nearest person within the gate (infinite: any), sides repaired."""
        best: dict[int, int] = {}
        for c, v in enumerate(seen.view.tolist()):
            if v not in best or cost[c].min() < cost[best[v]].min():
                best[v] = c
        kept = {v: c for v, c in best.items() if gate == np.inf or cost[c].min() < gate}
        return {
            v: self._swap_sides(seen.poses[c], bool(cost[c, 1] < cost[c, 0]))
            for v, c in kept.items()
        }

    def _update_state(self, chosen: dict[int, Pose2D], cameras: CameraArrays, now_ns: int) -> None:
        """Update the person's place and velocity for the next frameset."""
        limbs = self._triangulate_limbs(chosen, cameras)
        known = self._known
        if limbs is None or known is None:
            return
        passed_s = (now_ns - known.timestamp_ns) * 1e-9
        step = limbs - known.xyz
        both = np.isfinite(step[:, 0])
        # One velocity for the whole body, the limbs' median, which swinging arms do not disturb.
        velocity = np.zeros(3)
        if passed_s > 0 and both.sum() >= MIN_JOINTS:
            velocity = np.clip(
                np.median(step[both], axis=0) / passed_s, -MAX_SPEED_M_S, MAX_SPEED_M_S
            )
        self._known = _PersonState(
            np.where(np.isfinite(limbs), limbs, known.predict(now_ns)), now_ns, velocity
        )

    def _triangulate_limbs(self, chosen: dict[int, Pose2D], cameras: CameraArrays) -> F64 | None:
        """Triangulate the limbs of the chosen people, (L, 3); None if too few are seen twice."""
        if len(chosen) < 2:
            return None
        joints = self._likeness.joints
        xy = np.zeros((len(cameras.R), len(joints), 2))
        weight = np.zeros(xy.shape[:2])
        for v, pose in chosen.items():
            xy[v] = pose.xy[joints]
            weight[v] = pose.confidence[joints] >= MIN_CONFIDENCE
        limbs = triangulate_compiled(xy, weight, cameras)
        return limbs if np.isfinite(limbs[:, 0]).sum() >= MIN_JOINTS else None

    def _swap_sides(self, pose: Pose2D, swapped: bool) -> Pose2D:
        """Exchange left and right if `swapped`."""
        return pose.swap_sides(self._mirror) if swapped else pose


def _gather_detections(poses: PoseSet2D, joints: int) -> _Detections:
    """Pack all detected people into arrays."""
    people = tuple(pose for view in poses.poses_by_view for pose in view)
    if not people:
        return _Detections(
            (), np.empty((0, joints, 2)), np.empty((0, joints)), np.empty(0, np.int64)
        )
    view = np.array([v for v, view in enumerate(poses.poses_by_view) for _ in view], np.int64)
    xy = np.stack([p.xy for p in people])
    confidence = np.stack([p.confidence for p in people])
    return _Detections(
        people, xy.astype(float, copy=False), confidence.astype(float, copy=False), view
    )


def _find_positions(values: I64, among: I64) -> I64:
    """Find the positions of values in an array of distinct ones."""
    order = np.argsort(among)
    return order[np.searchsorted(among, values, sorter=order)]
