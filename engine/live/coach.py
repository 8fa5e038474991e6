"""The coach: the one thing that a person can do now for a faster or better calibration."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import F64, Mask
from engine.live.motion_accumulator import Motion

MIN_SHARED_S = 3.0  # that every view must share with another before a calibration is worth trying
# What a walk through a room easily gives, and standing does not.
MIN_PLACES = 6
MIN_DEPTH_RATIO = 1.25
MIN_SIDES = 2
MIN_ARMS_SHARE = 0.5
MIN_COVERAGE = 0.5  # of the image, as the verdict requires
TIME_WEIGHT = 0.7  # of progress; the rest is for every view having its share

ONE_CAMERA = "One camera sees where you are in its image, not how far away. Add a second camera."
ONE_CAMERA_GUESSED = (
    "From one camera: depth is a guess from your height. Add a second camera to measure it."
)
NO_CAMERA = "Add two cameras or more."
WALK = "Walk through the room"


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice to the person, for the screen.

    Parameters
    ----------
    progress
        0 to 1: how much of what the next calibration needs was seen.
    headline, instruction
        The state and what to do now, short enough to be read across a room.
    is_enough
        Whether a calibration is worth trying.
    """

    progress: float
    headline: str
    instruction: str
    is_enough: bool

    @property
    def needs_only_time(self) -> bool:
        """Whether only more time is needed."""
        return self.headline == WALK


def advise(motion: Motion, required_s: float) -> Advice:
    """Advise what helps most before there is a rig, or before the next attempt.

    Parameters
    ----------
    motion
    required_s
        Seconds of motion that the next attempt needs.
    """
    shared = compute_view_overlap(motion)
    best = _compute_best_overlap(shared)
    of_time = min(motion.seconds / required_s, 1.0) if required_s > 0 else 1.0
    enough = bool(
        motion.seconds >= required_s and (best >= 1.0).all() and _is_connected(shared >= 1.0)
    )
    progress = 1.0 if enough else TIME_WEIGHT * of_time + (1 - TIME_WEIGHT) * float(best.mean())
    return Advice(
        progress,
        *(_find_obstacle(motion, shared) or (WALK, _ask_for_more(motion, required_s))),
        enough,
    )


def advise_refinement(motion: Motion) -> str:
    """Advise what would make a rig in use more certain."""
    covered = (motion.coverage > 0.5).mean((1, 2))
    worst = int(np.argmin(covered))
    if covered[worst] < MIN_COVERAGE:
        return f"To sharpen it, walk to the edges of what camera '{motion.view_names[worst]}' sees."
    return "To sharpen it, walk through the whole room, and reach high and low."


def compute_view_overlap(motion: Motion) -> F64:
    """Compute how well each two views have seen the person at once.

    Returns
    -------
    shared : (V, V), 0 to 1
        1 is enough; the diagonal is 1.
    """
    shared = np.minimum(motion.shared_s / MIN_SHARED_S, 1.0)
    np.fill_diagonal(shared, 1.0)
    return shared


def _find_obstacle(motion: Motion, shared: F64) -> tuple[str, str] | None:
    """Describe what is in the way now, and what to do; None where nothing is."""
    names, here = motion.view_names, motion.visible
    if not here.any():
        return "Nobody in view", "Step into the room, so that the cameras see you."
    if motion.crowded.any():
        return (
            "Two people in view",
            (
                f"Another person is in view of {_join_names(names, motion.crowded)}. One person, "
                "please."
            ),
        )
    if here.sum() == 1:
        return f"Only {_join_names(names, here)} sees you", _direct_to_view(motion, shared)
    if motion.feet_visible.sum() < 2:
        return (
            "Your feet are out of view",
            f"Step back, so that {_join_names(names, here & ~motion.feet_visible)} sees your feet.",
        )
    if not motion.is_moving:
        return "You stand still", "Walk around: calibration needs movement."
    return None


def _direct_to_view(motion: Motion, shared: F64) -> str:
    """Direct the person to the view that needs them most, of those not seeing them now."""
    away = np.flatnonzero(~motion.visible)
    neediest = int(away[np.argmin(_compute_best_overlap(shared)[away])])
    return f"Walk to where '{motion.view_names[neediest]}' sees you too."


def _ask_for_more(motion: Motion, required_s: float) -> str:
    """Describe what is missing from the motion so far."""
    shared = compute_view_overlap(motion)
    best = _compute_best_overlap(shared)
    names, neediest = motion.view_names, int(np.argmin(best))
    if best[neediest] < 1.0 and motion.seconds > MIN_SHARED_S:
        if motion.shared_s[neediest, neediest] == 0:
            return f"Camera '{names[neediest]}' has not seen you yet: walk to where it looks."
        return f"Walk where camera '{names[neediest]}' and another one see you."
    apart = _find_first_group(shared >= 1.0)
    if apart is not None and motion.seconds > MIN_SHARED_S:
        one, other = _find_nearest_views(motion.shared_s, apart)
        return f"Walk where cameras '{names[one]}' and '{names[other]}' both see you."
    if motion.seconds < required_s / 2:
        return "Go to all sides of it, where the cameras see your whole body."
    return (
        _ask_for_variety(motion)
        or f"Keep walking: {max(1, round(required_s - motion.seconds))} s more."
    )


def _ask_for_variety(motion: Motion) -> str:
    """Describe which kind of motion is missing; empty where none is."""
    flattest = int(np.argmin(motion.depth))
    if motion.depth[flattest] < MIN_DEPTH_RATIO:
        return f"Walk towards camera '{motion.view_names[flattest]}', and back."
    if motion.places.min() < MIN_PLACES:
        return "Go to all sides of it, where the cameras see your whole body."
    if motion.sides.max() < MIN_SIDES:
        return "Turn around once."
    if motion.arms.max() < MIN_ARMS_SHARE:
        return "Raise both arms, and lower them."
    return ""


def _compute_best_overlap(shared: F64) -> F64:
    """Compute how well each view shares the person with its best partner, (V,)."""
    return (shared - 2 * np.eye(len(shared))).max(1)


def _is_connected(linked: Mask) -> bool:
    """Return whether a path leads from every view to every other."""
    return _find_first_group(linked) is None


def _find_first_group(linked: Mask) -> Mask | None:
    """Mark the views that are linked with the first, if there are others."""
    group: Mask = np.zeros(len(linked), bool)
    group[0] = True
    for _ in range(len(linked)):
        group = np.asarray(linked[group].any(axis=0))
    return None if group.all() else group


def _find_nearest_views(together_s: F64, group: Mask) -> tuple[int, int]:
    """Find the two views, one of the group and one not, that shared the person longest."""
    across = np.where(group[:, None] & ~group[None], together_s, -1.0)
    one, other = np.unravel_index(int(np.argmax(across)), across.shape)
    return int(one), int(other)


def _join_names(names: tuple[str, ...], which: Mask) -> str:
    """Join the names of some cameras with commas and 'and'."""
    quoted = [f"'{name}'" for name, wanted in zip(names, which) if wanted]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]
