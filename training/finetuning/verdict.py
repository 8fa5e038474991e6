"""The verdict on a new model: better than the one before on what neither was trained on, or not.

The same pictures are given to both, and the differences of their errors are what is judged. The
judge is the rig, that is, the labels of what was held out. A rig that is wrong would favour a
model that learned its mistakes, so there is a second check that does not depend on the rig: what
the detector saw in the image. And a third one: people that are never trained on, drawn with exact
truth, on whom the new model may not be much worse than the old.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.geometry.arrays import F64
from training.evaluation.intervals import Interval, bootstrap_interval, mean, mean_by_label

MIN_BLOCKS = 5
"""Fewer blocks of time say too little about other times."""

BLOCK_NS = 2_000_000_000
"""Poses 2 s apart are hardly alike; blocks of this length are resampled, never single images."""

MAX_IMAGE_WORSENING = 0.02
"""By so much of a person's square the new model may be further from the detector.

2 % of 2 m are 4 cm, and the detector itself is not nearer to the truth.
"""

MAX_FORGETTING = 1.05
"""Growth of the error on people never trained on, for a model that serves everybody."""

MAX_FORGETTING_PERSONAL = 1.25
"""The same for a model that serves its person only: others keep theirs.

Beyond it, poses are forgotten, not faces. The first session trained on (60 s of walking and
squatting) lowered its person's error by 30 % and raised that on drawn people in drawn poses by 8 %.
"""


def _make_empty_errors() -> F64:
    """Return no errors."""
    return np.empty((0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Both models on what was held out.

    Parameters
    ----------
    before_m, after_m : (N, J), m
        Errors against the labels, root-relative; NaN where a joint has no label.
    before_uv, after_uv : (N, J)
        Distances in the image from what the detector saw, in sides of the person's square; NaN
        where it saw nothing.
    block : (N,)
        Which poses belong together in time.
    action : (N,) of str
    strangers_before_m, strangers_after_m : (M, J), m
        Errors against the exact truth on drawn people never trained on; empty where
        there are none.
    max_forgetting
        Factor by which those errors may grow.
    serving_m : (N, J), m
        Errors of the lifter that serves the person now, on the same pictures; NaN for joints that
        it does not give, empty where a picture model serves.
    """

    before_m: F64
    after_m: F64
    before_uv: F64
    after_uv: F64
    block: NDArray[Any]
    action: NDArray[Any]
    strangers_before_m: F64 = field(default_factory=_make_empty_errors)
    strangers_after_m: F64 = field(default_factory=_make_empty_errors)
    max_forgetting: float = MAX_FORGETTING
    serving_m: F64 = field(default_factory=_make_empty_errors)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action: errors before and after, mm, and how many pictures."""

    action: str
    before_mm: float
    after_mm: float
    pictures: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new model is adopted.

    Parameters
    ----------
    better
    message
        The verdict for a person, with its figures.
    before_mm, after_mm
        Mean error against the rig's own labels.
    gain_mm
        By how much the new model is nearer, 95 %; negative where it is further.
    pictures, blocks
        How many were judged.
    image_before, image_after
        Mean distance from the detector, in sides of the person's square.
    actions
        The most frequent first.
    strangers_before_mm, strangers_after_mm
        Mean error on people never trained on; NaN where not measured.
    """

    better: bool
    message: str
    before_mm: float
    after_mm: float
    gain_mm: Interval
    pictures: int
    blocks: int
    image_before: float
    image_after: float
    actions: tuple[ActionRow, ...]
    strangers_before_mm: float = math.nan
    strangers_after_mm: float = math.nan


def number_time_blocks(time_ns: NDArray[np.int64], clip: NDArray[Any]) -> NDArray[np.int64]:
    """Number the blocks of time that poses belong to.

    Parameters
    ----------
    time_ns : (N,)
    clip : (N,)
        Times of different clips have nothing to do with each other.

    Returns
    -------
    block : (N,)
    """
    pairs = np.stack([np.unique(clip, return_inverse=True)[1], time_ns // BLOCK_NS], axis=1)
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)


def judge_comparison(comparison: Comparison, *, seed: int = 0) -> Verdict:
    """Decide between two models.

    Parameters
    ----------
    comparison
    seed
        Of the drawing of blocks.

    Returns
    -------
    verdict
        Better only if the whole 95 % interval of the gain lies above 0, the image does not speak
        against it, and other people were not forgotten.
    """
    both = np.isfinite(comparison.before_m) & np.isfinite(comparison.after_m)
    before, after = (
        np.where(both, errors, np.nan) for errors in (comparison.before_m, comparison.after_m)
    )
    judged = np.asarray(both.any(1))
    blocks = len(np.unique(comparison.block[judged]))
    gain = _to_millimetres(bootstrap_interval(before - after, comparison.block, seed=seed))
    image = bootstrap_interval(
        comparison.after_uv - comparison.before_uv, comparison.block, seed=seed
    )
    before_mm, after_mm = (1e3 * mean(errors) for errors in (before, after))
    others_before = 1e3 * mean(comparison.strangers_before_m)
    others_after = 1e3 * mean(comparison.strangers_after_m)
    reason = (
        _find_objection(gain, image, blocks)
        or _find_forgetting_objection(others_before, others_after, comparison.max_forgetting)
        or _find_better_lifter(comparison)
    )
    return Verdict(
        better=not reason,
        message=_format_verdict(before_mm, after_mm, gain, reason),
        before_mm=before_mm,
        after_mm=after_mm,
        gain_mm=gain,
        pictures=int(judged.sum()),
        blocks=blocks,
        image_before=mean(comparison.before_uv),
        image_after=mean(comparison.after_uv),
        actions=_build_action_rows(before, after, comparison.action, judged),
        strangers_before_mm=others_before,
        strangers_after_mm=others_after,
    )


def verdict_from_table(table: Mapping[str, Any]) -> Verdict:
    """Return the verdict that `dataclasses.asdict` wrote."""
    actions = tuple(ActionRow(**row) for row in table["actions"])
    table = {"message" if key == "sentence" else key: value for key, value in table.items()}
    return Verdict(**{**table, "gain_mm": Interval(**table["gain_mm"]), "actions": actions})


def _find_objection(gain: Interval, image: Interval, blocks: int) -> str:
    """Find what speaks against the new model; empty where nothing does."""
    if blocks < MIN_BLOCKS:
        return (
            f"only {blocks} clips of 2 s could be judged, too few for a verdict; record for "
            "longer, a minute at least, and do in it what the model should learn"
        )
    if not gain.low > 0:
        return (
            "that could be chance, or it is worse; record more of what matters, or give it "
            "more minutes"
        )
    if image.mean > MAX_IMAGE_WORSENING:
        return (
            f"but in the images it is {100 * image.mean:.0f} % of the person's height further from "
            "what the detector saw: the calibration is probably wrong; calibrate again"
        )
    return ""


def _find_forgetting_objection(before_mm: float, after_mm: float, max_factor: float) -> str:
    """Find whether the new model forgot other people; empty where it did not."""
    if not after_mm > max_factor * before_mm:
        return ""
    return (
        f"but it has forgotten other people: {before_mm:.0f} → {after_mm:.0f} mm on drawn ones it "
        "never saw; record more different motions, or give it fewer minutes"
    )


def _find_better_lifter(comparison: Comparison) -> str:
    """Find whether the lifter that serves now is nearer to the labels; empty where it is not."""
    if not comparison.serving_m.size:
        return ""
    both = np.isfinite(comparison.serving_m) & np.isfinite(comparison.after_m)
    serving_mm, after_mm = (
        1e3 * mean(np.where(both, errors, np.nan))
        for errors in (comparison.serving_m, comparison.after_m)
    )
    if not serving_mm <= after_mm:
        return ""
    return (
        f"but the lifter that serves now is nearer still: {serving_mm:.0f} mm on the same joints, "
        f"the new model {after_mm:.0f} mm"
    )


def _format_verdict(before_mm: float, after_mm: float, gain: Interval, reason: str) -> str:
    """Format the verdict as a message."""
    if not math.isfinite(before_mm):
        return f"Nothing changes: {reason}."
    sure = (
        f", surely by {gain.low:.0f} to {gain.high:.0f} mm"
        if math.isfinite(gain.low) and not reason
        else ""
    )
    figures = f"{before_mm:.0f} → {after_mm:.0f} mm against your rig on clips it never saw"
    if not reason:
        return f"The new model is better: {figures}{sure}. It serves from now on."
    return f"The model in use stays: {figures}: {reason}."


def _build_action_rows(
    before: F64, after: F64, action: NDArray[Any], judged: NDArray[np.bool_]
) -> tuple[ActionRow, ...]:
    """Average the errors of each action, the most frequent action first."""
    before_mm, after_mm = (
        mean_by_label(errors[judged], action[judged]) for errors in (before, after)
    )
    rows = [
        ActionRow(
            name, 1e3 * before_mm[name], 1e3 * after_mm[name], int((action[judged] == name).sum())
        )
        for name in before_mm
    ]
    return tuple(sorted(rows, key=lambda row: -row.pictures))


def _to_millimetres(interval: Interval) -> Interval:
    """Convert an interval from metres to millimetres."""
    return Interval(1e3 * interval.low, 1e3 * interval.mean, 1e3 * interval.high)
