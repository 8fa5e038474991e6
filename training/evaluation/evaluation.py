"""Evaluation: how good a network is, as figures, as JSON and as a table for a terminal.

Distances are in millimetres and shares in percent here: this is for people.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calibration.geometry.arrays import F64
from training.data.samples import Teacher
from training.evaluation.intervals import Interval, bootstrap_interval, mean

METRICS = {
    "mpjpe": ("MPJPE", "mm"),
    "p_mpjpe": ("P-MPJPE", "mm"),
    "rerooted_p_mpjpe": ("P-MPJPE re-rooted", "mm"),
    "n_mpjpe": ("N-MPJPE", "mm"),
    "pck": ("PCK@150", "%"),
    "auc": ("AUC", "%"),
    "pckh": ("PCKh@0.5", "%"),
}
"""How papers call them, and their unit."""

GROUPS = ("joint", "view", "action", "person")
SUMMARY_METRICS = ("mpjpe", "p_mpjpe", "pck")
"""What tables by joint, view and action show; the JSON has all."""


@dataclass(frozen=True, slots=True)
class EvaluationProtocol:
    """What a network was given beside the image.

    Parameters
    ----------
    box
        Where its crop comes from: "found" by the detector, the "true" root, or "stored" with the
        samples.
    depth
        Where the root's depth comes from: the lengths of "bones", or the "true" one.
    """

    box: str
    depth: str

    @property
    def description(self) -> str:
        """In words, for a person."""
        box = {"found": "box of the detector", "true": "true box", "stored": "box as stored"}[
            self.box
        ]
        depth = {"bones": "depth from stature", "true": "true depth"}[self.depth]
        return f"{box}, {depth}"


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolResult:
    """The figures under one protocol.

    Parameters
    ----------
    protocol
    xyz : (N, J, 3), m, each sample's camera
        The poses; NaN where there is none.
    errors : by metric, (N, J), mm or %
        NaN where nothing could be compared.
    overall : by metric
    by_group
        ``by["view"]["left"]["mpjpe"]``; the groups are `GROUPS`. A group with too many names is
        left out.
    counted_percent
        Of the joints of all samples, those that were compared.
    worst_clips : (name, mm)
        Clips of the largest MPJPE, the worst first.
    """

    protocol: EvaluationProtocol
    xyz: F64
    errors: Mapping[str, F64]
    overall: Mapping[str, Interval]
    by_group: Mapping[str, Mapping[str, Mapping[str, float]]]
    counted_percent: float
    worst_clips: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A network, judged.

    Parameters
    ----------
    model, judge
        Which one, and by what, in words.
    joints
        Names.
    cluster : (N,), str
        What a sample belongs to when intervals are drawn.
    cluster_description
        In words: what is resampled for the intervals.
    stature_m : by person
        The stature from which the depth was computed where it was not given.
    results
        The honest one first: what a single camera can know comes before what needs the truth.
    remarks
        Sentences about what limits these figures.
    teacher
        Where the judge's joints come from.
    """

    model: str
    judge: str
    joints: tuple[str, ...]
    cluster: np.ndarray
    cluster_description: str
    stature_m: Mapping[str, float]
    results: tuple[ProtocolResult, ...]
    remarks: tuple[str, ...] = field(default=())
    teacher: Teacher = "truth"

    @property
    def primary(self) -> ProtocolResult:
        """The first protocol: the least was given."""
        return self.results[0]

    def to_table(self) -> dict[str, Any]:
        """Return all figures as plain values; NaN becomes None."""
        return {
            "network": self.model,
            "judge": self.judge,
            "teacher": self.teacher,
            "samples": len(self.cluster),
            "joints": list(self.joints),
            "units": {metric: unit for metric, (_, unit) in METRICS.items()},
            "intervals": f"95 %, {self.cluster_description}",
            "stature_m": _to_plain(self.stature_m),
            "remarks": list(self.remarks),
            "ways": [_result_to_table(measured) for measured in self.results],
        }

    def to_json(self) -> str:
        """Return all figures as JSON."""
        return json.dumps(self.to_table(), indent=1)

    def to_text(self) -> str:
        """Return the figures as a table: all protocols, the first also by action, view, joint."""
        lines = [
            f"Network   {self.model}",
            f"Judge     {self.judge}",
            (
                f"Samples   {len(self.cluster)}, {self.primary.counted_percent:.1f} % of their "
                "joints counted"
            ),
            f"Intervals 95 %, {self.cluster_description}",
            "",
            *_format_overall(self.results),
        ]
        lines += [
            line
            for group in ("action", "view", "person", "joint")
            for line in _format_group(self.primary, group)
        ]
        if self.primary.worst_clips:
            lines += [
                "",
                "Worst: "
                + ", ".join(f"{name} {mm:.0f} mm" for name, mm in self.primary.worst_clips),
            ]
        return "\n".join([*lines, *(f"\n{remark}" for remark in self.remarks)]) + "\n"


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two networks under one protocol, on the joints that both were measured on.

    Parameters
    ----------
    protocol
    before_mm, after_mm
        MPJPE.
    difference_mm
        After minus before, paired: below 0 the second is better.
    by_action : (before, after), mm
    """

    protocol: EvaluationProtocol
    before_mm: float
    after_mm: float
    difference_mm: Interval
    by_action: Mapping[str, tuple[float, float]]

    @property
    def description(self) -> str:
        """The outcome as a message."""
        low, high = self.difference_mm.low, self.difference_mm.high
        bounds = (
            f" (95 %: {low:+.1f} to {high:+.1f})"
            if math.isfinite(low)
            else " (one clip: no interval)"
        )
        percent = 100 * self.difference_mm.mean / self.before_mm if self.before_mm > 0 else math.nan
        return (
            f"{self.protocol.description}: {self.before_mm:.1f} → {self.after_mm:.1f} mm, "
            f"{self.difference_mm.mean:+.1f} mm{bounds}, {percent:+.0f} %"
        )


def compare_models(
    before: Evaluation, after: Evaluation, actions: Sequence[str] | np.ndarray, *, seed: int = 0
) -> list[ModelComparison]:
    """Compare two networks sample by sample.

    Parameters
    ----------
    before, after
        Of the same samples.
    actions : (N,)
        Names, for the table by action.
    seed

    Returns
    -------
    compared : one per protocol that both have, in the order of `after`

    Raises
    ------
    ValueError
        If the samples are not the same.
    """
    if len(before.cluster) != len(after.cluster) or np.any(before.cluster != after.cluster):
        raise ValueError("Two models can be compared on the same samples only.")
    earlier = {measured.protocol: measured for measured in before.results}
    names = np.asarray(actions)
    pairs = [
        (earlier[measured.protocol], measured)
        for measured in after.results
        if measured.protocol in earlier
    ]
    return [_compare_results(old, new, (after.cluster, names), seed) for old, new in pairs]


def _compare_results(
    old: ProtocolResult, new: ProtocolResult, labels: tuple[np.ndarray, np.ndarray], seed: int
) -> ModelComparison:
    """Compare two networks under one protocol."""
    cluster, action = labels
    first, second = old.errors["mpjpe"], new.errors["mpjpe"]
    both = np.isfinite(first) & np.isfinite(second)
    first = np.where(both, first, np.nan)
    second = np.where(both, second, np.nan)
    by_action = {
        str(name): (mean(first[action == name]), mean(second[action == name]))
        for name in np.unique(action)
    }
    difference = bootstrap_interval(second - first, cluster, seed=seed)
    return ModelComparison(new.protocol, mean(first), mean(second), difference, by_action)


def _result_to_table(measured: ProtocolResult) -> dict[str, Any]:
    """Return the figures of a protocol as plain values."""
    overall = {
        name: [interval.low, interval.mean, interval.high]
        for name, interval in measured.overall.items()
    }
    return {
        "way": measured.protocol.description,
        "box": measured.protocol.box,
        "depth": measured.protocol.depth,
        "counted_percent": _to_plain(measured.counted_percent),
        "overall_low_mean_high": _to_plain(overall),
        "by": _to_plain(measured.by_group),
        "worst_clips": _to_plain(measured.worst_clips),
    }


def _to_plain(value: Any) -> Any:
    """Turn figures into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value


def _format_overall(results: Sequence[ProtocolResult]) -> list[str]:
    """Format every protocol's overall figures, and the intervals of MPJPE."""
    width = max(len(measured.protocol.description) for measured in results)
    head = "  ".join(f"{title:>{_column_width(title)}}" for title, _ in METRICS.values())
    lines = [f"{'':{width}}  {head}  MPJPE between"]
    for measured in results:
        cells = [
            f"{format_figure(measured.overall[metric].mean, unit):>{_column_width(title)}}"
            for metric, (title, unit) in METRICS.items()
        ]
        sure = measured.overall["mpjpe"]
        bounds = f"{sure.low:.1f} and {sure.high:.1f}" if math.isfinite(sure.low) else "–"
        lines.append(f"{measured.protocol.description:{width}}  {'  '.join(cells)}  {bounds}")
    return lines


def _format_group(measured: ProtocolResult, group: str) -> list[str]:
    """Write one table by joint, view, action or person; nothing where all is one."""
    rows = measured.by_group.get(group, {})
    if len(rows) < 2:
        return []
    width = max(len(name) for name in rows)
    titles = [METRICS[metric] for metric in SUMMARY_METRICS]
    head = "  ".join(f"{title:>{_column_width(title)}}" for title, _ in titles)
    lines = ["", f"By {group}, {measured.protocol.description}", f"{'':{width}}  {head}"]
    for name, means in rows.items():
        cells = (
            f"{format_figure(means[metric], unit):>{_column_width(title)}}"
            for metric, (title, unit) in zip(SUMMARY_METRICS, titles)
        )
        lines.append(f"{name:{width}}  {'  '.join(cells)}")
    return lines


def _column_width(title: str) -> int:
    """Return how wide a column is: a figure needs eight characters."""
    return max(len(title), 8)


def format_figure(value: float, unit: str) -> str:
    """Write a figure, or a dash where there is none."""
    return f"{value:.1f} {unit}" if math.isfinite(value) else "–"
