"""The summary of a labelling: acceptance by joint and by action, and reasons for rejection."""

from typing import Any

import numpy as np

from calibration.geometry.arrays import Mask
from training.labels.pseudo_labels import PseudoLabels
from training.labels.reasons import DESCRIPTIONS, Reason

LOW_ACCEPTANCE_SHARE = 0.5  # an action or joint of which less is accepted is worth a remark
MAX_REASONS = 3


def summarise_labels(labels: PseudoLabels) -> dict[str, Any]:
    """Sum up a set of labels as plain values.

    Returns
    -------
    summary
        What report.json of the set holds.
    """
    seen = _find_labellable(labels)
    accepted = labels.accepted & seen
    return {
        "calibration_id": labels.calibration.id,
        "verdict": labels.calibration.verdict,
        "views": list(labels.view_names),
        "framesets": len(labels.time_ns),
        "joints_seen": int(seen.sum()),
        "joints_accepted": int(accepted.sum()),
        "accepted_percent": _to_percent(accepted, seen),
        "median_sigma_mm": _compute_median_mm(labels.sigma_m[accepted]),
        "by_joint": {
            joint: _to_percent(accepted[:, j], seen[:, j])
            for j, joint in enumerate(labels.skeleton.joints)
            if seen[:, j].any()
        },
        "by_action": {
            str(action): {
                "framesets": int((labels.action == action).sum()),
                "accepted_percent": _to_percent(
                    accepted[labels.action == action], seen[labels.action == action]
                ),
            }
            for action in dict.fromkeys(labels.action)
        },
        "rejected_because": _compute_reason_shares(labels, seen),
        "swapped_framesets_by_view": {
            view: int(labels.person.swapped[:, v].sum()) for v, view in enumerate(labels.view_names)
        },
    }


def format_summary(summary: dict[str, Any]) -> tuple[str, ...]:
    """Format the summary of a labelling.

    Parameters
    ----------
    summary
        As `summarise_labels` returns it.

    Returns
    -------
    messages
        The figure first, then what is missing and why.
    """
    said = [
        f"{summary['joints_accepted']} of {summary['joints_seen']} joints "
        f"({summary['accepted_percent']:.0f} %) became labels, off by "
        f"{summary['median_sigma_mm']:.0f} mm in the median (estimated)."
    ]
    said += [
        (
            f"Of what was done '{action}' ({part['framesets']} framesets), "
            f"{part['accepted_percent']:.0f} % became labels."
        )
        for action, part in summary["by_action"].items()
    ]
    weak = sorted(
        (percent, joint)
        for joint, percent in summary["by_joint"].items()
        if percent < 100 * LOW_ACCEPTANCE_SHARE
    )
    if weak:
        listed = ", ".join(
            f"{joint.replace('_', ' ')} {percent:.0f} %" for percent, joint in weak[:4]
        )
        said.append(f"Fewest labels came of: {listed}.")
    worst = list(summary["rejected_because"].items())[:MAX_REASONS]
    if worst:
        listed = "; ".join(f"{words} ({percent:.0f} %)" for words, percent in worst)
        said.append(f"Joints were rejected because: {listed}.")
    return tuple(said)


def _find_labellable(labels: PseudoLabels) -> Mask:
    """Joints that could be labels: two views saw them, and their kind is not doubtful, (T, J)."""
    return (labels.reasons & (Reason.DOUBTFUL_JOINT | Reason.NOT_SEEN_BY_TWO)) == 0


def _compute_reason_shares(labels: PseudoLabels, seen: Mask) -> dict[str, float]:
    """Share of the joints that each reason speaks against, the most frequent first."""
    shares = {
        words: round(100 * float(((labels.reasons & reason) > 0)[seen].mean()), 2)
        if seen.any()
        else 0.0
        for reason, words in DESCRIPTIONS.items()
    }
    return dict(
        sorted(
            ((words, share) for words, share in shares.items() if share > 0),
            key=lambda item: -item[1],
        )
    )


def _to_percent(some: Mask, of: Mask) -> float:
    """Share in percent; 0 of nothing."""
    return round(100 * float(some.sum()) / max(int(of.sum()), 1), 2)


def _compute_median_mm(sigma_m: np.ndarray) -> float:
    """Median in millimetres; 0 of nothing."""
    return round(1e3 * float(np.median(sigma_m)), 2) if len(sigma_m) else 0.0
