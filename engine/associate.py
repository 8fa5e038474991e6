"""Associate, frameset by frameset: who is the person in every view, and which side is left.

A whole take is associated better by `engine.offline`, which knows the future; this is the live stage.
"""

from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64
from calibration.geometry.fast_arrays import CameraArrays, pack_cameras, pack_likeness
from calibration.geometry.fast_instant import best_pair, compare_people, project_compiled, triangulate_compiled
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.poses import Pose2D, PoseSet2D

LEAST_CONFIDENCE = 0.3
SIGMA_OF_HEIGHT = 0.012  # error of a joint relative to the person's extent in the image
GATE_SIGMAS = 6.0  # farther from the expected place, by the median joint, is somebody else
CHANGE_SIGMAS = 1.0  # another track of the view must be nearer by so much: two people who cross look alike for a moment
FORGET_NS = 500_000_000  # the room's person is looked for anew after so long
LEAST_JOINTS = 4
FASTEST_M_S = 4.0  # per axis
VOTE_S, VOTED_WRONG = 1.0, 0.6  # a view whose sides are exchanged for so much of so long makes us look anew


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The person as last seen in the room: limbs (L, 3), m, and how the body moved on, (3,), m/s."""

    xyz: F64
    timestamp_ns: int
    velocity: F64

    def at(self, time_ns: int) -> F64:
        """Say where the limbs should be."""
        return self.xyz + self.velocity * ((time_ns - self.timestamp_ns) * 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Everybody in all views: poses, and the same as arrays, (C, J, 2), (C, J) and (C,)."""

    poses: tuple[Pose2D, ...]
    xy: F64
    confidence: F64
    view: I64


class Associate:
    """Name the same person alike in all views and put left and right right; a stage that remembers.

    Parameters
    ----------
    skeleton

    Notes
    -----
    With a rig, each view's candidates are compared with where the person was a moment ago, as seen and with sides
    exchanged; when that is not known, with the place that the most views agree on. Without a rig, and where one view
    alone sees anybody, each view goes on with the person and the sides that it had, until the network says otherwise
    for long. Another rig is another room: the person is looked for anew, first as the views had them. A rig of more or
    fewer cameras than there are views counts as none.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._mirror = skeleton.mirror
        self._joints = len(skeleton.joints)
        self._likeness = pack_likeness(
            skeleton, least_confidence=LEAST_CONFIDENCE, sigma_of_height=SIGMA_OF_HEIGHT, least_joints=LEAST_JOINTS
        )
        self._other_side = _positions(self._likeness.twins, self._likeness.joints)
        self._rig: tuple[Rig, CameraArrays] | None = None
        self._known: _Known | None = None
        self._last: dict[int, Pose2D] = {}  # of each view: its own track's number, sides put right
        self._exchanged: dict[int, float] = {}  # how much of the last second each view's sides were put right
        self._voted_ns = 0

    def __call__(self, poses: PoseSet2D, rig: Rig | None) -> PoseSet2D:
        """Keep one person per view, as person 0; framesets come in the order of time."""
        seen = _gathered(poses, self._joints)
        cameras = self._packed(rig) if rig is not None and len(rig) == len(poses.views) else None
        if cameras is None:
            self._known = None
            chosen = self._going_on(seen, len(poses.views), poses.timestamp_ns)
        else:
            chosen = self._as_in_room(seen, cameras, poses.timestamp_ns)
        self._last |= chosen
        views = tuple((replace(chosen[v], person=0),) if v in chosen else () for v in range(len(poses.views)))
        return replace(poses, views=views)

    def _packed(self, rig: Rig) -> CameraArrays:
        """Put a rig into arrays once; what was known in another rig's room is forgotten."""
        if self._rig is None or self._rig[0] is not rig:
            self._rig, self._known = (rig, pack_cameras(rig.cameras)), None
        return self._rig[1]

    def _going_on(self, seen: _Seen, views: int, now_ns: int) -> dict[int, Pose2D]:
        """Go on with each view's person and sides; a view that would exchange them for long had them wrong."""
        cost = self._cost_as_before(seen, views)
        wrong = self._vote(seen, cost, now_ns)
        for c in np.flatnonzero(np.isin(seen.view, list(wrong))):
            cost[c] = cost[c, ::-1]
        for v in wrong:
            del self._exchanged[v]
        return self._cheapest(seen, cost, np.inf)

    def _as_before(self, seen: _Seen, views: int) -> dict[int, Pose2D]:
        """Go on with each view's person and sides as they were."""
        return self._cheapest(seen, self._cost_as_before(seen, views), np.inf)

    def _cost_as_before(self, seen: _Seen, views: int) -> F64:
        """Distance of everybody from each view's person, (C, 2), sigmas; the surest are best where there is none."""
        image = np.full((views, len(self._likeness.joints), 2), np.nan)
        for v, pose in self._last.items():
            if v < views:
                image[v] = pose.xy[self._likeness.joints]
        cost = self._cost(seen, image)
        for c, pose in enumerate(seen.poses):
            if int(seen.view[c]) not in self._last:
                cost[c] = -pose.score * np.nan_to_num(pose.confidence).sum(), np.inf
        return cost

    def _as_in_room(self, seen: _Seen, cameras: CameraArrays, now_ns: int) -> dict[int, Pose2D]:
        """Choose in every view what fits the person in the room; nobody where nothing does."""
        if len(set(seen.view.tolist())) == 1:  # what the room knows grows old, and nothing makes it new
            return self._going_on(seen, len(cameras.R), now_ns)
        if self._known is None or not 0 <= now_ns - self._known.timestamp_ns < FORGET_NS:
            limbs = self._found(seen, cameras)
            if limbs is None:
                return {}
            self._known, self._exchanged = _Known(limbs, now_ns, np.zeros(3)), {}
        cost = self._cost(seen, project_compiled(self._known.at(now_ns), cameras))
        if self._vote(seen, cost, now_ns):
            self._known, self._exchanged = None, {}
            return self._as_in_room(seen, cameras, now_ns)
        chosen = self._cheapest(seen, cost, GATE_SIGMAS)
        self._remember(chosen, cameras, now_ns)
        return chosen

    def _found(self, seen: _Seen, cameras: CameraArrays) -> F64 | None:
        """Find the person in the room, limbs (L, 3): whom the views followed, or whom most of them see."""
        if len(set(seen.view.tolist())) < 2:
            return None
        followed = self._as_before(seen, len(cameras.R))
        options = [self._limbs(followed, cameras), self._limbs(self._as_seen(followed, seen), cameras)]
        options.append(best_pair((seen.xy, seen.confidence, seen.view), cameras, self._likeness, GATE_SIGMAS))
        limbs = [option for option in options if option is not None]
        limbs += [option[self._other_side] for option in limbs]
        costs = [self._misfit(option, seen, cameras) for option in limbs]
        best = int(np.argmin(costs)) if costs else 0
        return limbs[best] if costs and costs[best] < np.inf else None

    def _as_seen(self, chosen: dict[int, Pose2D], seen: _Seen) -> dict[int, Pose2D]:
        """Take the sides of chosen people as the network has them."""
        raw = {(v, pose.person): pose for v, pose in zip(seen.view.tolist(), seen.poses)}
        return {v: raw[v, pose.person] for v, pose in chosen.items()}

    def _misfit(self, limbs: F64, seen: _Seen, cameras: CameraArrays) -> float:
        """Sum over the views what they say against a person of the room, sigmas; infinite if only one sees them."""
        cost = self._cost(seen, project_compiled(limbs, cameras))
        nearest = np.full(len(cameras.R), GATE_SIGMAS)
        np.minimum.at(nearest, seen.view, np.minimum(cost[:, 0], cost[:, 1] + CHANGE_SIGMAS))
        return float(nearest.sum()) if (nearest < GATE_SIGMAS).sum() >= 2 else np.inf

    def _vote(self, seen: _Seen, cost: F64, now_ns: int) -> set[int]:
        """Find the views whose sides were exchanged for long: then it may be the followed person's that are wrong."""
        share = min(max(now_ns - self._voted_ns, 0) * 1e-9 / VOTE_S, 1.0)
        self._voted_ns = now_ns
        for v, (raw, exchanged) in zip(seen.view.tolist(), cost.tolist()):
            if min(raw, exchanged) < GATE_SIGMAS:
                before = self._exchanged.get(v, 0.0)
                self._exchanged[v] = before + share * ((exchanged < raw) - before)
        return {v for v, share in self._exchanged.items() if share > VOTED_WRONG}

    def _cost(self, seen: _Seen, image: F64) -> F64:
        """Distance of everybody from the places (V, L, 2), sigmas: as seen, and with sides exchanged, (C, 2)."""
        cost = compare_people(seen.xy, seen.confidence, seen.view, image, self._likeness)
        for c, pose in enumerate(seen.poses):
            last = self._last.get(int(seen.view[c]))
            if last is not None and last.person != pose.person:
                cost[c] += CHANGE_SIGMAS
        return cost

    def _cheapest(self, seen: _Seen, cost: F64, gate: float) -> dict[int, Pose2D]:
        """Take the nearest person of every view, sides put right; none at the gate or beyond, unless it is infinite."""
        best: dict[int, int] = {}
        for c, v in enumerate(seen.view.tolist()):
            if v not in best or cost[c].min() < cost[best[v]].min():
                best[v] = c
        kept = {v: c for v, c in best.items() if gate == np.inf or cost[c].min() < gate}
        return {v: self._sided(seen.poses[c], bool(cost[c, 1] < cost[c, 0])) for v, c in kept.items()}

    def _remember(self, chosen: dict[int, Pose2D], cameras: CameraArrays, now_ns: int) -> None:
        """Keep where the person is, for the next frameset."""
        limbs, known = self._limbs(chosen, cameras), self._known
        if limbs is None or known is None:
            return
        passed_s, step = (now_ns - known.timestamp_ns) * 1e-9, limbs - known.xyz
        both = np.isfinite(step[:, 0])
        velocity = np.zeros(3)
        if passed_s > 0 and both.sum() >= LEAST_JOINTS:
            velocity = np.clip(np.median(step[both], axis=0) / passed_s, -FASTEST_M_S, FASTEST_M_S)
        self._known = _Known(np.where(np.isfinite(limbs), limbs, known.at(now_ns)), now_ns, velocity)

    def _limbs(self, chosen: dict[int, Pose2D], cameras: CameraArrays) -> F64 | None:
        """Triangulate the limbs from some views, (L, 3); None where too few are seen twice."""
        if len(chosen) < 2:
            return None
        joints = self._likeness.joints
        xy = np.zeros((len(cameras.R), len(joints), 2))
        weight = np.zeros(xy.shape[:2])
        for v, pose in chosen.items():
            xy[v] = pose.xy[joints]
            weight[v] = pose.confidence[joints] >= LEAST_CONFIDENCE
        limbs = triangulate_compiled(xy, weight, cameras)
        return limbs if np.isfinite(limbs[:, 0]).sum() >= LEAST_JOINTS else None

    def _sided(self, pose: Pose2D, exchanged: bool) -> Pose2D:
        """Exchange left and right where told."""
        if not exchanged:
            return pose
        return replace(pose, xy=pose.xy[self._mirror], confidence=pose.confidence[self._mirror])


def _gathered(poses: PoseSet2D, joints: int) -> _Seen:
    """Put everybody into arrays."""
    people = tuple(pose for view in poses.views for pose in view)
    if not people:
        return _Seen((), np.empty((0, joints, 2)), np.empty((0, joints)), np.empty(0, np.int64))
    view = np.array([v for v, view in enumerate(poses.views) for _ in view], np.int64)
    xy, confidence = np.stack([p.xy for p in people]), np.stack([p.confidence for p in people])
    return _Seen(people, xy.astype(float, copy=False), confidence.astype(float, copy=False), view)


def _positions(wanted: I64, among: I64) -> I64:
    """Find where numbers stand in a list of different ones."""
    order = np.argsort(among)
    return order[np.searchsorted(among, wanted, sorter=order)]
