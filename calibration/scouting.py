"""Scouting: where to start a refinement from, when nothing or little is known of the lenses."""

from dataclasses import replace

import numpy as np

from calibration.bootstrap import bootstrap
from calibration.errors import DegenerateError
from calibration.evidence import Evidence, gather_evidence
from calibration.geometry.arrays import F64, I64
from calibration.geometry.transforms import rigid
from calibration.geometry.triangulation import triangulate_robust
from calibration.keyframes import LEAST_CONFIDENCE, spread_out
from calibration.lenses import Lenses, freedom
from calibration.noise import gate_px, sigma_px
from calibration.observations import Observations
from calibration.pairs import PinholeViews
from calibration.refine import Settings, refine
from calibration.residuals import Estimate
from calibration.rig import Camera

SCOUTING_FRAMES = 50
FOCAL_STARTS = (1.0, 0.76, 1.3)  # times the middle of what is believed
PAIR_FOCAL_STARTS = (0.66, 0.8, 1.0, 1.25, 1.55)  # each of two unlike cameras
SCOUTING = Settings(robust_scale=4.0, iterations=15, tolerance=1e-4)
AMBIGUOUS_SIGMAS2, AMBIGUOUS_FOCAL = 6.0, 0.10


def scout(common: Observations, rows: I64, lenses: Lenses) -> tuple[Estimate, bool]:
    """Place the cameras roughly from several assumed focal lengths; the best after a short refinement wins.

    Parameters
    ----------
    common
        At common times, straightened where lenses are known.
    rows
        Framesets to solve with.
    lenses

    Returns
    -------
    estimate
        Over all `rows`.
    ambiguous
        A different rig explains the joints nearly as well.

    Raises
    ------
    DegenerateError
        If a camera cannot be placed.
    """
    few = spread_out(rows, SCOUTING_FRAMES)
    scouting = gathered(common, few, lenses)
    free = freedom(lenses, focal=True, k1=False, offset=False)
    scouted = []
    for focal in _focal_starts(lenses):
        start = _bootstrapped(scouting, focal)
        if start is not None:
            scouted.append(refine(scouting, start, free, SCOUTING))
    if not scouted:
        raise DegenerateError(
            "The cameras cannot be placed: too few joints agree between them. Check that all show the same person"
            " at the same time, then walk through the part of the room that they all see."
        )
    scouted.sort(key=lambda refined: refined.cost)
    best = scouted[0]
    rivals = [other for other in scouted[1:] if other.cost - best.cost < AMBIGUOUS_SIGMAS2]
    ambiguous = any(
        np.abs(np.log(rival.estimate.focal / best.estimate.focal)).max() > AMBIGUOUS_FOCAL for rival in rivals
    )
    return _on_frames(common, rows, lenses, best.estimate), ambiguous


def _focal_starts(lenses: Lenses) -> list[F64]:
    """List focal lengths to start from, each (V,)."""
    unknown = ~lenses.is_known
    if not unknown.any():
        return [lenses.focal]
    groups = np.unique(lenses.group[unknown])
    if len(lenses.focal) == 2 and len(groups) == 2:
        grid = [(a, b) for a in PAIR_FOCAL_STARTS for b in PAIR_FOCAL_STARTS]
        return [lenses.focal * np.array(factors) for factors in grid]
    starts = PAIR_FOCAL_STARTS if len(lenses.focal) == 2 else FOCAL_STARTS
    return [np.where(unknown, lenses.focal * factor, lenses.focal) for factor in starts]


def _bootstrapped(evidence: Evidence, focal: F64) -> Estimate | None:
    """Place the cameras for assumed focal lengths, the person about one unit tall; None where one cannot be."""
    V, T, J = evidence.sigma.shape
    views = PinholeViews(evidence.xy.reshape(V, -1, 2), evidence.sigma.reshape(V, -1), focal, evidence.principal)
    first = bootstrap(views)
    if first is None or not first.placed.all():
        return None
    xyz = first.xyz.reshape(T, J, 3)
    lengths = _bone_lengths(evidence, xyz)
    if not np.isfinite(lengths).all():
        return None
    unit = 1 / lengths.sum()
    return Estimate(
        first.rotation, first.translation * unit, focal.copy(), np.zeros(V), np.zeros(V), np.log(lengths * unit),
        xyz * unit,
    )  # fmt: skip


def _bone_lengths(evidence: Evidence, xyz: F64) -> F64:
    """Median length of each kind of bone, (lengths,)."""
    ends = np.linalg.norm(xyz[:, evidence.bones[:, 0]] - xyz[:, evidence.bones[:, 1]], axis=-1)
    lengths = np.full(evidence.lengths, np.nan)
    for kind in range(evidence.lengths):
        values = ends[:, evidence.twins == kind]
        if np.isfinite(values).any():
            lengths[kind] = np.nanmedian(values)
    return lengths


def _on_frames(common: Observations, rows: I64, lenses: Lenses, estimate: Estimate) -> Estimate:
    """Carry a rig over to other framesets: triangulate their joints."""
    evidence = gathered(common, rows, lenses)
    cameras = ideal_cameras(common, lenses, estimate)
    V, T, J = evidence.sigma.shape
    xy = np.where(np.isfinite(evidence.sigma)[..., None], evidence.xy, np.nan).reshape(V, -1, 2)
    spread = evidence.sigma.reshape(V, -1)
    xyz = triangulate_robust(xy, spread, cameras, gate_px=gate_px(spread), min_parallax_rad=0.03).xyz
    return replace(estimate, xyz=xyz.reshape(T, J, 3))


def gathered(common: Observations, rows: I64, lenses: Lenses) -> Evidence:
    """Gather the evidence of some framesets with the noise model of calibration."""
    return gather_evidence(common, sigma_px(common, LEAST_CONFIDENCE), lenses.principal, rows)


def ideal_cameras(common: Observations, lenses: Lenses, estimate: Estimate) -> tuple[Camera, ...]:
    """Describe the solved cameras for observations whose known lenses are already straightened."""
    cameras = []
    for v, name in enumerate(common.views):
        matrix = np.diag([estimate.focal[v], estimate.focal[v], 1.0])
        matrix[:2, 2] = lenses.principal[v]
        pose = rigid(estimate.rotation[v], estimate.translation[v])
        distortion = np.array([estimate.k1[v], 0.0, 0.0, 0.0, 0.0])
        cameras.append(Camera(name, common.sizes_wh[v], matrix, distortion, pose))
    return tuple(cameras)
