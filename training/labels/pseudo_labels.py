"""Pseudo-labels: the person's joints in the room, with errors, evidence and reasons against them.

::

    find_person            labels/person.py     who, sides repaired, all views at common times
    gather_label_evidence  labels/evidence.py   triangulate, leave out views, refine
    predict_errors         labels/sigma.py      how far each joint may be off
    judge_labels           labels/verdict.py    every reason against each joint
    weigh_labels           here                 how much each accepted joint counts
"""

from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from calibration.geometry.arrays import F64, Mask
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from training.errors import TrainingError
from training.labels.actions import name_actions
from training.labels.calibration import CalibrationState
from training.labels.error_network import ErrorNetwork, load_error_network
from training.labels.evidence import LabelEvidence, gather_label_evidence
from training.labels.gates import LabelGates
from training.labels.person import PersonInViews
from training.labels.reasons import Reason
from training.labels.refinement import RefinementConfig
from training.labels.sigma import predict_errors, shape_covariance
from training.labels.verdict import judge_labels

MIN_FRAMESETS = 30
# of the joints that two views saw; with less, what remains is a biased sample
MIN_ACCEPTED_SHARE = 0.1


class Status(IntEnum):
    """How a joint came to be."""

    MISSING = 0
    TRIANGULATED = 1
    REFINED = 2
    INTERPOLATED = 3


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """How labels are made.

    Parameters
    ----------
    gates, refinement
    errors
        Predicts a joint's error; None takes what comes with the program for the skeleton.
    """

    gates: LabelGates = field(default_factory=LabelGates)
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    errors: ErrorNetwork | None = None

    def get_error_network(self, skeleton: Skeleton) -> ErrorNetwork | None:
        """Choose the network for a skeleton's errors; None where none was trained."""
        return self.errors or load_error_network(skeleton.name)

    def to_table(self, skeleton: Skeleton) -> dict[str, Any]:
        """Return, as plain values, all that decides a skeleton's labels."""
        network = self.get_error_network(skeleton)
        return {
            "gates": asdict(self.gates),
            "refinement": asdict(self.refinement),
            "errors": network.fingerprint if network else "seven signs",
        }


@dataclass(frozen=True, slots=True, eq=False)
class PseudoLabels:
    """The joints of a recording as labels.

    Parameters
    ----------
    calibration
        Which calibration they are based on; there are none without.
    skeleton, view_names
    time_ns : (T,)
    xyz : (T, J, 3), m, world
        NaN where missing.
    covariance : (T, J, 3, 3), m^2, world
        Its trace is `sigma_m` squared.
    sigma_m : (T, J)
        Expected distance from the truth (root mean square); infinite where missing.
    status : (T, J)
        A `Status`.
    reasons : (T, J), uint32
        Bits of `Reason`; 0 is an accepted label.
    weight : (T, J), 0 to 1
        How much an accepted label counts; 0 for others.
    action : (T,), str
    evidence
    person
        What the views saw; rejected joints are trained on through it.
    """

    calibration: CalibrationState
    skeleton: Skeleton
    view_names: tuple[str, ...]
    time_ns: np.ndarray
    xyz: F64
    covariance: F64
    sigma_m: F64
    status: np.ndarray
    reasons: np.ndarray
    weight: F64
    action: np.ndarray
    evidence: LabelEvidence
    person: PersonInViews

    @property
    def accepted(self) -> Mask:
        """Which joints are labels, (T, J)."""
        return self.reasons == 0


def make_labels(
    person: PersonInViews,
    rig: Rig,
    calibration: CalibrationState,
    config: LabelConfig | None = None,
) -> PseudoLabels:
    """Label a recording.

    Parameters
    ----------
    person
    rig
        Its cameras in the order of the person's views.
    calibration
        Of that rig.
    config
        None takes the usual one.

    Returns
    -------
    labels
        Also if few are accepted; `demand_enough_labels` refuses those.

    Raises
    ------
    TrainingError
        If there are fewer than two views, or hardly any framesets.
    """
    config, common = config or LabelConfig(), person.common
    if len(common.view_names) < 2:
        raise TrainingError(
            "Labels need two cameras or more that see the same person; this session has one."
        )
    if len(common.time_ns) < MIN_FRAMESETS:
        raise TrainingError(
            f"The recording has only {len(common.time_ns)} framesets; labels need {MIN_FRAMESETS} "
            "or more. Record longer."
        )
    evidence = gather_label_evidence(common, rig, config.refinement)
    time_s = (common.time_ns - common.time_ns[0]) * 1e-9
    sigma_m = predict_errors(
        evidence, rig, common.skeleton, time_s, config.get_error_network(common.skeleton)
    )
    reasons = judge_labels(evidence, sigma_m, person, rig, config.gates)
    return PseudoLabels(
        calibration=calibration,
        skeleton=common.skeleton,
        view_names=common.view_names,
        time_ns=common.time_ns,
        xyz=evidence.xyz,
        covariance=shape_covariance(evidence, sigma_m, rig),
        sigma_m=sigma_m,
        status=_find_status(evidence),
        reasons=reasons,
        weight=weigh_labels(evidence, sigma_m, config.gates) * (reasons == 0),
        action=name_actions(evidence.xyz, time_s, common.skeleton),
        evidence=evidence,
        person=person,
    )


def weigh_labels(evidence: LabelEvidence, sigma_m: F64, gates: LabelGates) -> F64:
    """Return how much each label should count.

    Parameters
    ----------
    evidence
    sigma_m : (T, J)
    gates

    Returns
    -------
    weight : (T, J), 0 to 1
        More views, less misfit, smaller expected error count more; two views count half at most.
    """
    joints, carries = evidence.joints, evidence.views.carries
    views = carries.sum(0)
    per_dof = joints.chi2 / np.maximum(joints.dof, 1)
    seen = np.isfinite(evidence.views.sigma_px).sum(0)
    consensus = views / np.maximum(seen, 1)
    sure = np.clip(gates.weight_sigma_mm * 1e-3 / np.maximum(sigma_m, 1e-6), 0, 1)
    weight = views / (views + 1) * np.exp(-0.5 * per_dof) * sure * consensus
    return np.where(views > 2, weight, np.minimum(weight, gates.two_view_weight)) * (views >= 2)


def demand_enough_labels(labels: PseudoLabels) -> None:
    """Refuse labels that are too few for training.

    Raises
    ------
    TrainingError
        If hardly any joint that two views saw is accepted; the message says why most were
        rejected.
    """
    judged = (labels.reasons & (Reason.DOUBTFUL_JOINT | Reason.NOT_SEEN_BY_TWO)) == 0
    share = int(labels.accepted.sum()) / max(int(judged.sum()), 1)
    if share >= MIN_ACCEPTED_SHARE:
        return
    raise TrainingError(
        f"Only {100 * share:.1f} % of the joints can serve as labels "
        f"({100 * MIN_ACCEPTED_SHARE:.0f} % are needed): the views do not agree well enough. "
        "Calibrate again, or record with more light and the whole body in view."
    )


def _find_status(evidence: LabelEvidence) -> np.ndarray:
    """Find how each joint came to be, (T, J), uint8."""
    known = np.isfinite(evidence.xyz).all(-1)
    carried = evidence.views.carries.sum(0) >= 2
    status = np.full(known.shape, Status.MISSING, np.uint8)
    status[known & carried] = Status.REFINED
    status[known & ~carried] = Status.INTERPOLATED
    return status
