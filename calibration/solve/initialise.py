"""Scouting: where to start a refinement when little or nothing is known of the lenses."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.errors import DegenerateError
from calibration.evidence.evidence import Evidence, gather_evidence
from calibration.evidence.keyframes import MIN_CONFIDENCE, spread_evenly
from calibration.evidence.noise import compute_gate_px, estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64
from calibration.geometry.transforms import rigid_transform, rotation_angle_rad
from calibration.geometry.triangulation import triangulate_robust
from calibration.rig import Camera
from calibration.solve.bootstrap import InitialRig, bootstrap
from calibration.solve.lens_priors import LensPriors, select_free_parameters
from calibration.solve.own_poses import guess_pairs
from calibration.solve.pairs import PairPose, PinholeViews
from calibration.solve.refine import RefinementSettings, refine
from calibration.solve.residuals import FOCAL, Estimate, compute_reprojection

CANNOT_PLACE_MESSAGE = (
    "The cameras cannot be placed: too few joints agree between them. Check that all show the "
    "same person at the same time, then walk through the part of the room that they all see."
)
SCOUTING_FRAMES = 50
FOCAL_STARTS = (1.0, 0.76, 1.3)  # times the mean of the prior
PAIR_FOCAL_STARTS = (0.66, 0.8, 1.0, 1.25, 1.55)  # each of two unlike cameras
# Every start takes a few steps; the best of them are refined on.
GLANCE_SETTINGS = RefinementSettings(robust_scale=4.0, iterations=3, tolerance=1e-2)
MAX_SCOUTED = 6
SCOUTING_SETTINGS = RefinementSettings(robust_scale=4.0, iterations=15, tolerance=1e-4)
AMBIGUOUS_SIGMAS2, AMBIGUOUS_FOCAL, AMBIGUOUS_RAD = 6.0, 0.10, np.radians(15.0)
# A view that fits has 90 % of its joints or more within three sigmas; one that is mirrored or late
# has 30 %.
AGREEMENT_SIGMAS, MIN_AGREEMENT = 3.0, 0.65


@dataclass(frozen=True, slots=True, eq=False)
class ScoutedRig:
    """A rough rig, good enough to start a refinement from.

    Parameters
    ----------
    estimate
        Over the framesets that scouted it.
    agreement : (V,)
        Share of each view's joints within `AGREEMENT_SIGMAS` of where the rig puts them; 0 where a
        view was not placed.
    ambiguous
        A different rig explains the joints nearly as well.
    """

    estimate: Estimate
    agreement: F64
    ambiguous: bool

    @property
    def fits(self) -> bool:
        """Whether every view agrees with the others."""
        return bool(self.agreement.min() >= MIN_AGREEMENT)


def scout(common: Observations, rows: I64, lenses: LensPriors) -> ScoutedRig:
    """Place the cameras roughly from several assumed focal lengths; the cheapest wins.

    Parameters
    ----------
    common
        At common times, undistorted where lenses are known.
    rows
        Framesets to choose from.
    lenses

    Raises
    ------
    DegenerateError
        If a camera cannot be placed.
    """
    evidence = gather_calibration_evidence(common, spread_evenly(rows, SCOUTING_FRAMES), lenses)
    # k1 and times stay fixed: with rough cameras they would absorb errors of the focal lengths
    free_parameters = select_free_parameters(lenses, {FOCAL})
    starts = [
        start
        for focal in _list_focal_starts(lenses)
        for start in _bootstrap_estimates(evidence, focal)
    ]
    if not starts:
        raise DegenerateError(CANNOT_PLACE_MESSAGE)
    glances = [refine(evidence, start, free_parameters, GLANCE_SETTINGS) for start in starts]
    glances.sort(key=lambda refined: refined.cost)
    scouted = [
        refine(evidence, glance.estimate, free_parameters, SCOUTING_SETTINGS)
        for glance in glances[:MAX_SCOUTED]
    ]
    scouted.sort(key=lambda refined: refined.cost)
    best = scouted[0]
    # rigs of about the same cost that stand otherwise: the motion does not decide between them
    rivals = [other for other in scouted[1:] if other.cost - best.cost < AMBIGUOUS_SIGMAS2]
    ambiguous = any(_stand_apart(rival.estimate, best.estimate) for rival in rivals)
    return ScoutedRig(best.estimate, _measure_agreement(evidence, best.estimate), ambiguous)


def _stand_apart(one: Estimate, other: Estimate) -> bool:
    """Whether two rigs differ in a camera's focal length, or in how it stands to the first."""
    if np.abs(np.log(one.focal / other.focal)).max() > AMBIGUOUS_FOCAL:
        return True
    turned = [
        rotation_angle_rad(a @ one.rotation[0].T @ other.rotation[0] @ b.T)
        for a, b in zip(one.rotation[1:], other.rotation[1:])
    ]
    return bool(max(turned) > AMBIGUOUS_RAD)


def _measure_agreement(evidence: Evidence, estimate: Estimate) -> F64:
    """Share of each view's joints that lie where the rig puts them, (V,)."""
    images = compute_reprojection(evidence, estimate)
    near = ((images.residual**2).sum(-1) < AGREEMENT_SIGMAS**2) & images.valid
    seen = np.isfinite(evidence.sigma)
    return near.sum((1, 2)) / np.maximum(seen.sum((1, 2)), 1)


def _list_focal_starts(lenses: LensPriors) -> list[F64]:
    """List focal lengths to start from, each (V,)."""
    unknown = ~lenses.is_known
    if not unknown.any():
        return [lenses.focal]
    groups = np.unique(lenses.group[unknown])
    if len(lenses.focal) == 2 and len(groups) == 2:
        # two unlike lenses trade their focal lengths for each other, so no common factor finds them
        grid = [(a, b) for a in PAIR_FOCAL_STARTS for b in PAIR_FOCAL_STARTS]
        return [lenses.focal * np.array(factors) for factors in grid]
    starts = PAIR_FOCAL_STARTS if len(lenses.focal) == 2 else FOCAL_STARTS
    return [np.where(unknown, lenses.focal * factor, lenses.focal) for factor in starts]


def _bootstrap_estimates(evidence: Evidence, focal: F64) -> list[Estimate]:
    """Place the cameras for assumed focal lengths, bones summing to 1; all of them, or not."""
    V = len(evidence.sigma)
    views = PinholeViews(
        evidence.xy.reshape(V, -1, 2), evidence.sigma.reshape(V, -1), focal, evidence.principal
    )
    whole = [rig for rig in bootstrap(views, _guess(evidence, views)) if rig.placed.all()]
    kept = whole if V == 2 else whole[:1]
    estimates = [_describe_initial_rig(evidence, focal, rig) for rig in kept]
    return [estimate for estimate in estimates if estimate is not None]


def _guess(evidence: Evidence, views: PinholeViews) -> list[PairPose]:
    """Guess relative poses from the network's own poses, where it makes any."""
    if evidence.own_xyz is None or not {"left_hip", "right_hip"} <= set(evidence.joints):
        return []
    hips = evidence.index("left_hip"), evidence.index("right_hip")
    return guess_pairs(views, evidence.own_xyz, hips)


def _describe_initial_rig(evidence: Evidence, focal: F64, first: InitialRig) -> Estimate | None:
    """Describe a rough rig as the solvers do; None where no bone was seen."""
    _, T, J = evidence.sigma.shape
    xyz = first.xyz.reshape(T, J, 3)
    lengths = _fill_lengths(evidence, _measure_bone_lengths(evidence, xyz))
    if lengths is None:
        return None
    unit = 1 / float(lengths.sum())
    return Estimate(
        rotation=first.rotation,
        translation=first.translation * unit,
        focal=focal.copy(),
        k1=np.zeros(len(focal)),
        k2=np.zeros(len(focal)),
        offset_s=np.zeros(len(focal)),
        log_length=np.log(lengths * unit),
        xyz=xyz * unit,
    )


def _fill_lengths(evidence: Evidence, lengths: F64) -> F64 | None:
    """Fill in bones that were never seen, by those that were; None where none was."""
    seen = np.isfinite(lengths)
    if not seen.any():
        return None
    factor = np.median(np.log(lengths[seen]) - evidence.log_proportion[seen])
    return np.where(seen, lengths, np.exp(evidence.log_proportion + factor))


def _measure_bone_lengths(evidence: Evidence, xyz: F64) -> F64:
    """Median length of each kind of bone, (lengths,)."""
    ends = np.linalg.norm(xyz[:, evidence.bones[:, 0]] - xyz[:, evidence.bones[:, 1]], axis=-1)
    lengths = np.full(evidence.length_count, np.nan)
    for kind in range(evidence.length_count):
        values = ends[:, evidence.length_index == kind]
        if np.isfinite(values).any():
            lengths[kind] = np.nanmedian(values)
    return lengths


def retriangulate(
    common: Observations, rows: I64, lenses: LensPriors, estimate: Estimate
) -> Estimate:
    """Triangulate the joints of other framesets with a rig.

    Parameters
    ----------
    common
        At common times, undistorted where lenses are known.
    rows : (R,)
        Positions of the framesets.
    lenses
    estimate
        The rig.

    Returns
    -------
    estimate
        The same rig with the joints of these framesets, (R, J, 3), in its units.
    """
    evidence = gather_calibration_evidence(common, rows, lenses)
    cameras = build_ideal_cameras(common, lenses, estimate)
    V, T, J = evidence.sigma.shape
    xy = np.where(np.isfinite(evidence.sigma)[..., None], evidence.xy, np.nan).reshape(V, -1, 2)
    spread = evidence.sigma.reshape(V, -1)
    xyz = triangulate_robust(
        xy, spread, cameras, gate_px=compute_gate_px(spread), min_parallax_rad=0.03
    ).xyz
    return replace(estimate, xyz=xyz.reshape(T, J, 3))


def gather_calibration_evidence(common: Observations, rows: I64, lenses: LensPriors) -> Evidence:
    """Gather the evidence of some framesets with the noise model of calibration.

    Parameters
    ----------
    common
        At common times, undistorted where lenses are known.
    rows : (R,)
        Positions of the framesets.
    lenses
    """
    return gather_evidence(
        common, estimate_sigma_px(common, MIN_CONFIDENCE), lenses.principal, rows
    )


def build_ideal_cameras(
    common: Observations, lenses: LensPriors, estimate: Estimate
) -> tuple[Camera, ...]:
    """Describe the solved cameras for observations whose known lenses are undistorted.

    Parameters
    ----------
    common
    lenses
        For the principal points.
    estimate
        Poses, focal lengths and k1; lengths in its own units.
    """
    cameras: list[Camera] = []
    for v, name in enumerate(common.view_names):
        matrix = np.diag([estimate.focal[v], estimate.focal[v], 1.0])
        matrix[:2, 2] = lenses.principal[v]
        pose = rigid_transform(estimate.rotation[v], estimate.translation[v])
        distortion = np.array([estimate.k1[v], estimate.k2[v], 0.0, 0.0, 0.0])
        cameras.append(Camera(name, common.sizes_wh[v], matrix, distortion, pose))
    return tuple(cameras)
