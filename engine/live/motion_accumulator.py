"""MotionAccumulator: statistics of the motion seen so far, which coaching is based on."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.evidence import select_calibration_joints
from calibration.geometry.arrays import F64, I64, Mask
from calibration.skeleton import Skeleton
from engine.poses import Pose2D, PoseSet2D

ROWS, COLUMNS = 3, 4  # of an image, for coverage
MIN_CONFIDENCE = 0.5  # confidence from which a joint counts, as in calibration
# Of the limbs: needed for a view to be used in calibration, and for a person to count as visible.
MIN_JOINTS, MIN_VISIBLE_JOINTS = 8, 5
MAX_STEP_S = 0.5  # a longer gap between two poses does not count as seen
# Joints of a person who stands still jitter and drift by 2-4 % of the torso, independently in each
# view; walking moves them by 60 % in this time.
MOVE_WINDOW_S = 0.3
MIN_MOVE_TORSOS = 0.12
MIN_MOVING_VIEWS = 2
STILL_AFTER_S = 0.6  # the turning point of a swinging arm does not count as still
RECENT_WINDOW_S = 1.5  # that counts as "now"
MIN_CELL_JOINTS = 20  # joints seen in a cell of the image, from which it counts as covered
# A place: an eighth of the width by a quarter octave of apparent size.
PLACE_COLUMNS = 8
PLACE_SIZES = 24
SIZES_PER_OCTAVE = 4.0
MIN_SIZE_PX = 8.0  # length of the trunk at the smallest size
DIRECTIONS = 8  # of the arms, around the circle
ARMS = (("shoulder", "elbow"), ("elbow", "wrist"))
FRONT, SIDE, BACK = 0, 1, 2
FACING_TORSOS = 0.25  # shoulders farther apart than this show the front or the back


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Motion seen so far, and what is seen now.

    Parameters
    ----------
    view_names
        In camera order.
    seconds
        Of motion that two views or more saw at once.
    coverage : (V, 3, 4), 0 to 1
        How well the person filled each view's image; 1 is enough.
    shared_s : (V, V), s
        Of motion that two views saw at once; on the diagonal, that the view saw.
    places : (V,)
        Number of different places of the person, by position across the image and by size.
    depth : (V,)
        Ratio of largest to smallest apparent size; 1 before there were two.
    sides : (V,)
        Number of sides from which a view saw the person, up to 3: front, side, back.
    arms : (V,), 0 to 1
        Share of all directions that the arms pointed in.
    visible : (V,), bool
        Whether the view sees a person now.
    feet_visible : (V,), bool
        Whether the view sees the feet now.
    is_moving
        Whether the person moves now.
    crowded : (V,), bool
        Whether the view sees two people or more now.
    """

    view_names: tuple[str, ...]
    seconds: float
    coverage: F64
    shared_s: F64
    places: I64
    depth: F64
    sides: I64
    arms: F64
    visible: Mask
    feet_visible: Mask
    is_moving: bool
    crowded: Mask


class MotionAccumulator:
    """Accumulates pose sets, in some tenths of a millisecond each and with constant memory.

    Parameters
    ----------
    skeleton, view_names
    sizes_wh : V of them, px
    """

    def __init__(
        self, skeleton: Skeleton, view_names: tuple[str, ...], sizes_wh: tuple[tuple[int, int], ...]
    ) -> None:
        self._view_names = view_names
        self._sizes_wh = np.asarray(sizes_wh, float)
        joints = select_calibration_joints(skeleton)
        self._limbs = skeleton.indices(joints)
        self._at = {name: place for place, name in enumerate(joints)}
        arms = [
            (self._at[f"{side}_{a}"], self._at[f"{side}_{b}"])
            for side in ("left", "right")
            for a, b in ARMS
        ]
        self._arms_at = np.array(arms, np.int64)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        V = len(self._view_names)
        self._cells = np.zeros((V, ROWS * COLUMNS))
        self._shared_s = np.zeros((V, V))
        self._seconds = 0.0
        self._places = np.zeros((V, PLACE_COLUMNS, PLACE_SIZES), np.int64)
        self._sides = np.zeros((V, 3), np.int64)
        self._arms = np.zeros((V, DIRECTIONS), np.int64)
        self._followed_tracks: list[int | None] = [None] * V
        self._visible = np.zeros(V)
        self._feet_visible = np.zeros(V)
        self._crowded = np.zeros(V)
        self._last_ns: int | None = None
        self._moved_ns: int | None = None
        self._before_xy = np.full((V, len(self._limbs), 2), np.nan)
        self._before_ns = 0

    def put(self, poses: PoseSet2D) -> bool:
        """Add the 2D poses of an instant.

        Returns
        -------
        useful
            Whether two views or more see a moving person.
        """
        time_ns = poses.timestamp_ns
        since_s = 0.0 if self._last_ns is None else (time_ns - self._last_ns) * 1e-9
        if since_s < 0:  # another clock
            self._last_ns = None
            self._moved_ns = None
            self._before_ns = time_ns
            self._before_xy[:] = np.nan
        step_s = min(max(since_s, 0.0), MAX_STEP_S)
        self._last_ns = time_ns
        xy, sure = self._extract_limbs(poses)
        here = sure.sum(1) >= MIN_JOINTS
        torso = self._measure_torso_px(xy, sure)
        self._update_recent(poses, sure, step_s)
        if self._has_moved(xy, torso, time_ns):
            self._moved_ns = time_ns
        useful = self._is_moving and here.sum() >= 2
        if useful:
            self._seconds += step_s
            self._shared_s += step_s * (here[:, None] & here[None])
            self._add(xy, sure & here[:, None], torso)
        return bool(useful)

    def summarize(self) -> Motion:
        """Return what was seen until now."""
        visited: Mask = np.asarray(self._places >= 2)
        sizes: Mask = np.asarray(visited.any(axis=1))
        lowest = sizes.argmax(1)
        highest = PLACE_SIZES - 1 - sizes[:, ::-1].argmax(1)
        return Motion(
            view_names=self._view_names,
            seconds=self._seconds,
            coverage=np.minimum(self._cells / MIN_CELL_JOINTS, 1.0).reshape(-1, ROWS, COLUMNS),
            shared_s=self._shared_s.copy(),
            places=visited.sum((1, 2)),
            depth=np.where(sizes.any(1), 2.0 ** ((highest - lowest) / SIZES_PER_OCTAVE), 1.0),
            sides=(self._sides >= 3).sum(1),
            arms=(self._arms >= 3).mean(1),
            visible=self._visible > 0.5,
            feet_visible=self._feet_visible > 0.5,
            is_moving=self._is_moving,
            crowded=self._crowded > 0.5,
        )

    @property
    def seconds(self) -> float:
        """Motion that two views or more saw at once, s."""
        return self._seconds

    @property
    def _is_moving(self) -> bool:
        """Whether a person moved a moment ago."""
        if self._moved_ns is None or self._last_ns is None:
            return False
        return (self._last_ns - self._moved_ns) * 1e-9 < STILL_AFTER_S

    def _extract_limbs(self, poses: PoseSet2D) -> tuple[F64, Mask]:
        """Return the followed person's joints by view, (V, L, 2), and which are sure, (V, L)."""
        V, L = len(self._view_names), len(self._limbs)
        xy, sure = np.full((V, L, 2), np.nan), np.zeros((V, L), bool)
        for v, people in enumerate(poses.poses_by_view):
            pose = _choose_followed(people, self._followed_tracks[v])
            if pose is not None:
                self._followed_tracks[v] = pose.track_id
                xy[v], sure[v] = (
                    pose.xy[self._limbs],
                    pose.confidence[self._limbs] >= MIN_CONFIDENCE,
                )
        sure &= ((xy >= 0) & (xy < self._sizes_wh[:, None])).all(-1)  # NaN is not inside
        return xy, sure

    def _measure_torso_px(self, xy: F64, sure: Mask) -> F64:
        """Measure the length of the trunk in each view, (V,); NaN where it is not seen."""
        at = [
            self._at[name] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
        ]
        ends = xy[:, at]
        length = np.hypot(*(ends[:, 0] + ends[:, 1] - ends[:, 2] - ends[:, 3]).T) / 2
        return np.where(sure[:, at].all(1), np.maximum(length, 1.0), np.nan)

    def _update_recent(self, poses: PoseSet2D, sure: Mask, step_s: float) -> None:
        """Store the last moments."""
        fresh = 1.0 - np.exp(-step_s / (RECENT_WINDOW_S / 2))
        ankles = [self._at["left_ankle"], self._at["right_ankle"]]
        here = sure.sum(1) >= MIN_VISIBLE_JOINTS
        many = np.array([len(people) > 1 for people in poses.poses_by_view])
        self._visible += fresh * (here - self._visible)
        self._feet_visible += fresh * ((sure[:, ankles].any(1) & here) - self._feet_visible)
        self._crowded += fresh * (many - self._crowded)

    def _has_moved(self, xy: F64, torso: F64, time_ns: int) -> bool:
        """Return whether the fastest quarter of joints moved; evaluated at intervals only."""
        if (time_ns - self._before_ns) * 1e-9 < MOVE_WINDOW_S:
            return False
        off = np.hypot(*np.moveaxis(xy - self._before_xy, -1, 0)) / torso[:, None]
        known = np.isfinite(off)
        self._before_xy, self._before_ns = xy, time_ns
        enough = known.sum(1) >= MIN_VISIBLE_JOINTS
        quarter = np.maximum(known.sum(1) // 4, 1)
        far = (np.where(known, off, 0.0) > MIN_MOVE_TORSOS).sum(1) >= quarter
        return bool((far & enough).sum() >= min(MIN_MOVING_VIEWS, max(int(enough.sum()), 1)))

    def _add(self, xy: F64, sure: Mask, torso: F64) -> None:
        """Add the joints of an instant to the statistics."""
        v, joint = np.nonzero(sure)
        share = xy[v, joint] / self._sizes_wh[v]
        cell = (share[:, 1] * ROWS).astype(int) * COLUMNS + (share[:, 0] * COLUMNS).astype(int)
        np.add.at(self._cells, (v, cell), 1)
        whole = np.flatnonzero(np.isfinite(torso) & sure.any(1))
        left = xy[whole, self._at["left_shoulder"]]
        right = xy[whole, self._at["right_shoulder"]]
        column = ((left + right)[:, 0] / 2 / self._sizes_wh[whole, 0] * PLACE_COLUMNS).astype(int)
        size = np.clip(
            SIZES_PER_OCTAVE * np.log2(torso[whole] / MIN_SIZE_PX), 0, PLACE_SIZES - 1
        ).astype(int)
        self._places[whole, column, size] += 1
        apart = (left - right)[:, 0] / torso[whole]
        self._sides[
            whole,
            np.where(apart > FACING_TORSOS, FRONT, np.where(apart < -FACING_TORSOS, BACK, SIDE)),
        ] += 1
        self._add_arms(xy, sure)

    def _add_arms(self, xy: F64, sure: Mask) -> None:
        """Record where the arms point."""
        v, arm = np.nonzero(sure[:, self._arms_at].all(-1))
        upper, lower = self._arms_at[arm].T
        along = xy[v, lower] - xy[v, upper]
        angle = np.arctan2(along[:, 1], along[:, 0]) / (2 * np.pi) * DIRECTIONS
        np.add.at(self._arms, (v, np.round(angle).astype(int) % DIRECTIONS), 1)


def _choose_followed(people: tuple[Pose2D, ...], track_id: int | None) -> Pose2D | None:
    """Choose the person that a view followed until now, else the most confident."""
    if len(people) < 2:
        return people[0] if people else None
    return next(
        (pose for pose in people if pose.track_id == track_id),
        max(people, key=lambda pose: pose.score),
    )
