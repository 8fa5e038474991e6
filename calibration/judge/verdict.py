"""The verdict on a solved rig (accepted, usable or refused), and what the person can do."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, Mask
from calibration.judge.report import ACCEPTED, REFUSED, USABLE
from calibration.solve.blame_sentences import describe_moved

# One standard deviation at most, or hold-out error at most; position as a share of the baseline.
ACCEPTED_ROTATION_DEG = 0.3
ACCEPTED_POSITION_SHARE = 0.005
ACCEPTED_FOCAL_PERCENT = 0.7
ACCEPTED_HOLDOUT_PX = 4.0
ACCEPTED_HOLDOUT_MRAD = 3.5
ACCEPTED_COVERAGE = 0.5
USABLE_ROTATION_DEG, USABLE_FOCAL_PERCENT = 2.0, 5.0
COVERAGE_GRID = (8, 6)
# A person who moves about less stays on the spot, which says little about lenses.
MIN_TRAVEL_M = 0.5
MIN_POSTURE_M = 0.04  # joints of a person who does not move stay within this about their mean
MAX_HOLDOUT_MRAD = 20.0  # a rig that explains the joints worse than this is not one


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the verdict rests on.

    Parameters
    ----------
    view_names
    rotation_sigma_deg, position_sigma_m, focal_sigma_percent : (V,)
    holdout_px, holdout_mrad : (V,)
    coverage : (V,)
    baseline_m
        Largest distance between two cameras.
    travel_m
        How far the person moved about.
    posture_m
        How much the joints moved about the body's middle.
    unlike_lenses
        Two lenses or more are neither given nor of one kind.
    ambiguous
        Another, different rig explains the joints nearly as well.
    moved
        Name of the camera that moved during the recording, and after how many seconds.
    """

    view_names: tuple[str, ...]
    rotation_sigma_deg: F64
    position_sigma_m: F64
    focal_sigma_percent: F64
    holdout_px: F64
    holdout_mrad: F64
    coverage: F64
    baseline_m: float
    travel_m: float
    posture_m: float
    unlike_lenses: bool
    ambiguous: bool = False
    moved: tuple[str, float] | None = None


def judge(findings: Findings) -> tuple[str, tuple[str, ...]]:
    """Judge a solved rig.

    Returns
    -------
    verdict
        ``accepted``, ``usable`` or ``refused``.
    reasons
        Messages that a person can act on; one that says that all is well, where it is.
    """
    refused = _list_refusal_reasons(findings)
    if refused:
        return REFUSED, tuple(refused)
    doubts = _list_doubts(findings)
    if doubts:
        return USABLE, tuple(doubts)
    return ACCEPTED, ("The rig explains joints it was not solved with, and its errors are small.",)


def measure_image_coverage(observations: Observations, used: Mask) -> tuple[F64, F64]:
    """Count the joints in the cells of each image.

    Parameters
    ----------
    observations
    used : (T, V, J)
        Joints that count.

    Returns
    -------
    cells : (V, 6, 8)
        Joints per cell, rows from the top.
    coverage : (V,)
        Share of the cells that hold any.
    """
    columns, rows = COVERAGE_GRID
    cells = np.zeros((len(observations.view_names), rows, columns))
    for v, (width, height) in enumerate(observations.sizes_wh):
        xy = observations.xy[:, v][used[:, v]]
        cells[v] = np.histogram2d(
            xy[:, 1], xy[:, 0], bins=(rows, columns), range=((0, height), (0, width))
        )[0]
    return cells, (cells > 0).mean((1, 2))


def _list_refusal_reasons(findings: Findings) -> list[str]:
    """List why a rig cannot be trusted at all."""
    reasons = _check_motion(findings)
    if findings.ambiguous:
        reasons.append(
            "Two different arrangements of the cameras explain what was seen equally well."
            " Walk towards and away from the cameras and swing the arms, or give the lenses "
            "with --intrinsics."
        )
    if findings.moved is not None:
        name, seconds = findings.moved
        reasons.append(describe_moved(f"'{name}'", {"at_s": seconds}))
    for name, value in zip(findings.view_names, findings.holdout_mrad):
        if not value < MAX_HOLDOUT_MRAD:
            reasons.append(
                f"View '{name}' does not fit the others: joints are {value:.0f} mrad off."
                " Check that it shows the same person at the same time, and that the camera did "
                "not move."
            )
    return reasons + _check_uncertainty(findings)


def _check_motion(findings: Findings) -> list[str]:
    """List where the person did not move enough, however small the sigmas are."""
    moved_cm = f"{findings.travel_m * 100:.0f} cm"
    if findings.travel_m >= MIN_TRAVEL_M:
        return []
    if findings.posture_m < MIN_POSTURE_M:
        return [
            f"The person stood still (moved {moved_cm}). Calibration needs movement. Walk through "
            "the whole room for 20 seconds."
        ]
    return []


def _check_uncertainty(findings: Findings) -> list[str]:
    """Name the camera that is known least, where that is not well enough."""
    reasons: list[str] = []
    worst = int(np.argmax(findings.rotation_sigma_deg))
    if not findings.rotation_sigma_deg[worst] <= USABLE_ROTATION_DEG:
        reasons.append(
            f"The direction of camera '{findings.view_names[worst]}' is known only to "
            f"{findings.rotation_sigma_deg[worst]:.1f}° ({USABLE_ROTATION_DEG:.0f}° is the limit). "
            f"{_suggest_motion(findings)}"
        )
    worst = int(np.argmax(findings.focal_sigma_percent))
    if not findings.focal_sigma_percent[worst] <= USABLE_FOCAL_PERCENT:
        reasons.append(
            f"The focal length of camera '{findings.view_names[worst]}' is known only to "
            f"{findings.focal_sigma_percent[worst]:.1f} % ({USABLE_FOCAL_PERCENT:.0f} % is the "
            f"limit). {_suggest_for_lenses(findings)}"
        )
    return reasons


def _list_doubts(findings: Findings) -> list[str]:
    """List what keeps a rig from being accepted."""
    reasons: list[str] = []
    rotation = findings.rotation_sigma_deg.max()
    focal = findings.focal_sigma_percent.max()
    position = findings.position_sigma_m.max() / findings.baseline_m
    if not (
        rotation <= ACCEPTED_ROTATION_DEG
        and position <= ACCEPTED_POSITION_SHARE
        and focal <= ACCEPTED_FOCAL_PERCENT
    ):
        reasons.append(
            f"Usable with errors (one sigma): camera directions to {rotation:.2f}°, positions to"
            f" {findings.position_sigma_m.max() * 100:.1f} cm, focal lengths to {focal:.1f} %. "
            f"{_suggest_motion(findings)}"
        )
    bad = (findings.holdout_px > ACCEPTED_HOLDOUT_PX) & (
        findings.holdout_mrad > ACCEPTED_HOLDOUT_MRAD
    )
    if bad.any():
        worst = int(np.argmax(np.where(bad, findings.holdout_mrad, 0)))
        reasons.append(
            f"Held-out joints are {findings.holdout_px[worst]:.1f} px off in "
            f"'{findings.view_names[worst]}' (median): the detected joints are not sharper than "
            "that. More light, tighter clothes and a larger person in the image help."
        )
    low = findings.coverage < ACCEPTED_COVERAGE
    if low.any():
        reasons.append(
            f"The person covered only {findings.coverage[low].min() * 100:.0f} % of the image of"
            f" {_join_names(tuple(np.array(findings.view_names)[low]))}. Walk to the edges of "
            "what these cameras see."
        )
    return reasons


def _suggest_for_lenses(findings: Findings) -> str:
    """Suggest what would help most where lenses are not known well enough."""
    if findings.travel_m >= MIN_TRAVEL_M:
        return _suggest_motion(findings)
    advice = (
        f"The person stayed on the spot (moved {findings.travel_m * 100:.0f} cm). Walk towards "
        "each camera and away from it, or give the lenses with --intrinsics"
    )
    return (
        f"{advice}, or --shared-intrinsics if they are alike."
        if findings.unlike_lenses
        else (f"{advice}.")
    )


def _suggest_motion(findings: Findings) -> str:
    """Suggest the motion that would help most."""
    if findings.travel_m < 1.5:
        return "Walk through the whole room: towards each camera, and away from it."
    low = int(np.argmin(findings.coverage))
    if findings.coverage[low] < ACCEPTED_COVERAGE:
        return f"Walk where '{findings.view_names[low]}' sees you near the edges of its image."
    return "Walk some more, and reach high and low."


def _join_names(names: tuple[str, ...]) -> str:
    """Join names with commas and 'and'."""
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]
