"""Self-calibration: from one person's joints in every view to a metric rig, or a refusal with its reasons.

The use case, step by step: lenses -> sides -> first rig -> refinement -> sides again -> metres -> ground -> verdict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.bootstrap import bootstrap
from calibration.errors import CalibrationError, DegenerateError, DidNotConvergeError, NotEnoughMotionError
from calibration.evidence import Evidence, gather_evidence
from calibration.floor import Ground, find_ground, world_from_scene
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.transforms import rigid, transform_points
from calibration.geometry.triangulation import triangulate_robust
from calibration.lenses import Lenses, believe_lenses, freedom, through_known_lenses
from calibration.noise import sigma_px
from calibration.observations import Observations
from calibration.pairs import PinholeViews
from calibration.refine import Refined, Settings, refine
from calibration.report import REFUSED, BoneReport, CalibrationReport, CameraReport
from calibration.residuals import Estimate, reprojection
from calibration.rig import Camera, Rig
from calibration.scale import POPULATION_STATURE_M, Scale, estimate_scale
from calibration.swaps import sides_by_rig, steady_sides
from calibration.timing import at_common_time
from calibration.uncertainty import Uncertainty, estimate_uncertainty
from calibration.verdict import Findings, image_coverage, judge

LEAST_CONFIDENCE = 0.5  # a joint below it does not calibrate (REALDATA 2: weighing by confidence is no better)
KEYFRAMES, SCOUTING_FRAMES, HOLDOUT_FRAMES = 180, 50, 120
HOLDOUT_EVERY, HOLDOUT_BLOCK_S = 5, 1.0
LEAST_FRAMES = 12
FOCAL_STARTS = (1.0, 0.76, 1.3)  # times the middle of what is believed
PAIR_FOCAL_STARTS = (0.66, 0.8, 1.0, 1.25, 1.55)  # each of two unlike cameras
SETTINGS = Settings()
SCOUTING = Settings(robust_scale=4.0, iterations=15, tolerance=1e-4)
AMBIGUOUS_SIGMAS2, AMBIGUOUS_FOCAL = 6.0, 0.10


@dataclass(frozen=True, slots=True)
class CalibrationOptions:
    """What is known before, and what is asked for.

    Parameters
    ----------
    stature_m
        Of the person; None takes the population's mean.
    intrinsics
        One camera or None for each view; empty means that none is given.
    shared_intrinsics
        All cameras are of one kind.
    time_offsets
        Estimate each view's time offset.
    """

    stature_m: float | None = None
    intrinsics: Sequence[Camera | None] = ()
    shared_intrinsics: bool = False
    time_offsets: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The outcome: a rig that may be trusted as far as its report says, or none.

    Parameters
    ----------
    rig
        None where refused.
    report
    swapped : (T, V)
        Framesets where a view has left and right exchanged.
    """

    rig: Rig | None
    report: CalibrationReport
    swapped: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A refined rig, still in units and in the frame of its first camera.

    Parameters
    ----------
    evidence, refined
    lenses
    swapped : (T, V)
    ambiguous
    """

    evidence: Evidence
    refined: Refined
    lenses: Lenses
    swapped: Mask
    ambiguous: bool = False


Progress = Callable[[str, float], None]


def self_calibrate(
    observations: Observations,
    options: CalibrationOptions = CalibrationOptions(),
    progress: Progress = lambda step, share: None,
) -> Calibration:
    """Calibrate a rig from the joints of a person who moves through it.

    Parameters
    ----------
    observations
        One person, two or more views.
    options
    progress
        Called with the step in words and the share done; may raise to cancel.

    Returns
    -------
    calibration
        With a rig where the verdict is ``accepted`` or ``usable``; the report says why not, else.

    Raises
    ------
    CalibrationError
        If the input contradicts itself (intrinsics for another image size).
    ValueError
        If there are fewer than two views.

    Notes
    -----
    METHODS 3.4. World frame: z up, floor at z = 0, origin under the cameras' centroid, +x towards the first camera.
    """
    if len(observations.views) < 2:
        raise ValueError("Calibration needs two views or more.")
    known = tuple(options.intrinsics) or (None,) * len(observations.views)
    lenses, remarks = believe_lenses(observations, known, shared=options.shared_intrinsics)
    try:
        solution = solve(observations, lenses, options, progress)
        progress("Measuring the room", 0.9)
        return _concluded(observations, solution, options, remarks)
    except CalibrationError as error:
        report = _refusal(observations, options, str(error), remarks)
        return Calibration(None, report, np.zeros(observations.view_time_ns.shape, bool))


def solve(observations: Observations, lenses: Lenses, options: CalibrationOptions, progress: Progress) -> Solution:
    """Find the rig that explains the observations, in units of its own.

    Parameters
    ----------
    observations, lenses, options, progress

    Returns
    -------
    solution

    Raises
    ------
    NotEnoughMotionError
        If the person was seen too briefly by too few views.
    DegenerateError
        If a camera cannot be placed.
    """
    progress("Left and right", 0.0)
    swapped = steady_sides(observations, sigma_px(observations, LEAST_CONFIDENCE))
    offsets = np.zeros(len(observations.views), np.int64)
    solution, start = None, None
    for turn in range(2):
        progress("Placing the cameras", 0.1 + 0.4 * turn)
        common = _prepared(observations, swapped, offsets, lenses)
        rows = training_rows(common, KEYFRAMES)
        start, ambiguous = _first_estimate(common, rows, lenses, options)
        progress("Refining the cameras", 0.3 + 0.4 * turn)
        evidence = _gathered(common, rows, lenses)
        refined = _refined(evidence, start, lenses, options)
        solution = Solution(evidence, refined, lenses, swapped, ambiguous)
        again = sides_by_rig(observations, sigma_px(observations, LEAST_CONFIDENCE), _rig(observations, solution))
        if np.array_equal(again, swapped):
            break
        swapped = again
    if solution is None:
        raise DidNotConvergeError("No rig explains what was seen. Walk through the room and try again.")
    return replace(solution, swapped=swapped)


def training_rows(common: Observations, most: int) -> I64:
    """Choose framesets to solve with: spread over time, the held-out blocks left out.

    Parameters
    ----------
    common
    most

    Returns
    -------
    rows

    Raises
    ------
    NotEnoughMotionError
        If too few framesets show the person in two views.
    """
    rows = np.flatnonzero(_well_seen(common) & ~held_out(common.time_ns))
    if len(rows) < LEAST_FRAMES:
        raise NotEnoughMotionError(
            f"The person is seen by two cameras at once in only {len(rows)} images."
            " Walk where at least two cameras see the whole body, for 20 seconds."
        )
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]


def held_out(time_ns: I64) -> Mask:
    """Mark the blocks of time that take no part in the solution, (T,)."""
    span_ns = int(time_ns[-1] - time_ns[0]) + 1
    block_ns = min(int(HOLDOUT_BLOCK_S * 1e9), max(span_ns // 10, 1))
    return ((time_ns - time_ns[0]) // block_ns) % HOLDOUT_EVERY == HOLDOUT_EVERY // 2


def _well_seen(common: Observations) -> Mask:
    """Framesets in which two views or more see most of the person, (T,)."""
    return ((common.seen & (common.confidence >= LEAST_CONFIDENCE)).sum(-1) >= 8).sum(-1) >= 2


def _prepared(observations: Observations, swapped: Mask, offsets_ns: I64, lenses: Lenses) -> Observations:
    """Repair sides, carry all views to common times, and straighten what known lenses have bent."""
    return through_known_lenses(at_common_time(observations.mirrored(swapped), offsets_ns), lenses)


def _gathered(common: Observations, rows: I64, lenses: Lenses) -> Evidence:
    """Gather the evidence of some framesets."""
    return gather_evidence(common, sigma_px(common, LEAST_CONFIDENCE), lenses.principal, rows)


def _first_estimate(
    common: Observations, rows: I64, lenses: Lenses, options: CalibrationOptions
) -> tuple[Estimate, bool]:
    """Place the cameras roughly from several assumed focal lengths; the best after a short refinement wins."""
    few = rows[np.linspace(0, len(rows) - 1, min(SCOUTING_FRAMES, len(rows))).round().astype(int)]
    scouting = _gathered(common, few, lenses)
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
    del options
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
    evidence = _gathered(common, rows, lenses)
    cameras = _ideal_cameras(common, lenses, estimate)
    V, T, J = evidence.sigma.shape
    xy = np.where(np.isfinite(evidence.sigma)[..., None], evidence.xy, np.nan).reshape(V, -1, 2)
    spread = evidence.sigma.reshape(V, -1)
    xyz = triangulate_robust(xy, spread, cameras, gate_px=_gates(spread), min_parallax_rad=0.03).xyz
    return replace(estimate, xyz=xyz.reshape(T, J, 3))


def _gates(sigma: F64) -> F64:
    """How far a view may be from a joint's image and still carry it, px, (N,)."""
    finite = np.where(np.isfinite(sigma), sigma, np.nan)
    some = np.isfinite(finite).any(0)
    gates = np.full(sigma.shape[1], 1.0)
    gates[some] = 4.0 * np.nanmedian(finite[:, some], axis=0)
    return gates


def _refined(evidence: Evidence, start: Estimate, lenses: Lenses, options: CalibrationOptions) -> Refined:
    """Refine in passes: poses and focal lengths first, then times, then distortion."""
    rough = refine(
        evidence, start, freedom(lenses, focal=True, k1=False, offset=False), replace(SETTINGS, iterations=20)
    )
    timed = freedom(lenses, focal=True, k1=False, offset=options.time_offsets)
    better = refine(evidence, rough.estimate, timed, replace(SETTINGS, iterations=20))
    return refine(evidence, better.estimate, _full_freedom(lenses, options), SETTINGS)


def _full_freedom(lenses: Lenses, options: CalibrationOptions):
    """Everything that may move in the last pass."""
    return freedom(lenses, focal=True, k1=True, offset=options.time_offsets)


def _ideal_cameras(common: Observations, lenses: Lenses, estimate: Estimate) -> tuple[Camera, ...]:
    """Describe the solved cameras for observations whose known lenses are already straightened."""
    cameras = []
    for v, name in enumerate(common.views):
        matrix = np.diag([estimate.focal[v], estimate.focal[v], 1.0])
        matrix[:2, 2] = lenses.principal[v]
        pose = rigid(estimate.rotation[v], estimate.translation[v])
        distortion = np.array([estimate.k1[v], 0.0, 0.0, 0.0, 0.0])
        cameras.append(Camera(name, common.sizes_wh[v], matrix, distortion, pose))
    return tuple(cameras)


def _rig(observations: Observations, solution: Solution) -> Rig:
    """Describe the solved cameras with their true lenses and times."""
    estimate = solution.refined.estimate
    cameras = [
        camera if given is None else replace(camera, matrix=given.matrix, distortion=given.distortion)
        for camera, given in zip(_ideal_cameras(observations, solution.lenses, estimate), solution.lenses.known)
    ]
    offsets = {name: round(s * 1e9) for name, s in zip(observations.views, estimate.offset_s)}
    return Rig(tuple(cameras), offsets)


def _concluded(
    observations: Observations, solution: Solution, options: CalibrationOptions, remarks: tuple[str, ...]
) -> Calibration:
    """Give the solution its metres and its ground, and judge it."""
    evidence, estimate = solution.evidence, solution.refined.estimate
    scale = estimate_scale(estimate.xyz, evidence.joints, options.stature_m)
    xyz_m = estimate.xyz * scale.metres_per_unit
    rig = _rig(observations, solution).with_world(np.eye(4), scale.metres_per_unit)
    joints_m, times = _dense_motion(observations, solution, rig)
    ground = find_ground(joints_m, evidence.joints, times)
    world = world_from_scene(ground, np.array([camera.centre for camera in rig]))
    rig = rig.with_world(world)
    uncertainty = estimate_uncertainty(evidence, estimate, _full_freedom(solution.lenses, options), SETTINGS)
    measured = _Measured(rig, transform_points(world, xyz_m), scale, ground, uncertainty)
    report = _report(observations, solution, measured, remarks)
    if report.verdict == REFUSED:
        return Calibration(None, report, solution.swapped)
    metadata = {"verdict": report.verdict, "scale_source": scale.source, "vertical_source": ground.source}
    return Calibration(replace(rig, metadata=metadata), report, solution.swapped)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """A rig in metres and what is known of it."""

    rig: Rig
    xyz: F64
    scale: Scale
    ground: Ground
    uncertainty: Uncertainty


def _dense_motion(observations: Observations, solution: Solution, rig: Rig) -> tuple[F64, I64]:
    """Triangulate the calibration joints of a run of framesets close in time, (T, J, 3), m, and their times."""
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in observations.views], np.int64)
    common = at_common_time(observations.mirrored(solution.swapped), offsets)
    sigma = sigma_px(common, LEAST_CONFIDENCE)
    chosen = common.skeleton.indices(solution.evidence.joints)
    T, V = sigma.shape[:2]
    xy = np.moveaxis(common.xy[:, :, chosen], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma[:, :, chosen], 1, 0).reshape(V, -1)
    solved = triangulate_robust(xy, spread, rig.cameras, gate_px=_gates(spread))
    return solved.xyz.reshape(T, -1, 3), common.time_ns


def _report(
    observations: Observations, solution: Solution, measured: _Measured, remarks: tuple[str, ...]
) -> CalibrationReport:
    """Measure the rig on time that took no part, and put everything into words."""
    rig, estimate = measured.rig, solution.refined.estimate
    error, used = _holdout_errors(observations, solution, rig)
    focal = np.array([camera.focal_px for camera in rig])
    holdout = np.array([_median(values) for values in error])
    training = _training_px(solution)
    inflation = np.clip(holdout / np.maximum(training, 1e-9), 1.0, 3.0)
    cells, coverage = image_coverage(observations, used)
    unknown = ~solution.lenses.is_known
    centres = np.array([camera.centre for camera in rig])
    path = measured.xyz[:, [solution.evidence.index("left_hip"), solution.evidence.index("right_hip")]].mean(1)
    findings = Findings(
        views=observations.views,
        rotation_sigma_deg=np.degrees(measured.uncertainty.rotation_rad) * inflation,
        position_sigma_m=measured.uncertainty.position * measured.scale.metres_per_unit * inflation,
        focal_sigma_percent=measured.uncertainty.log_focal * 100 * inflation,
        holdout_px=holdout,
        holdout_mrad=holdout / focal * 1e3,
        coverage=coverage,
        baseline_m=float(np.linalg.norm(centres[:, None] - centres[None], axis=-1).max()),
        travel_m=_travel(path),
        posture_m=_posture(measured.xyz, path),
        unknown_lenses=bool(unknown.any()) and len(np.unique(solution.lenses.group)) > 1,
        ambiguous=solution.ambiguous,
    )
    verdict, reasons = judge(findings)
    swaps = solution.swapped.sum(0)
    remarks += tuple(
        f"Left and right were exchanged in {count} images of '{name}' and put right."
        for name, count in zip(observations.views, swaps)
        if count
    )
    return CalibrationReport(
        verdict=verdict,
        reasons=reasons,
        cameras=tuple(
            CameraReport(
                name=name,
                rotation_sigma_deg=float(findings.rotation_sigma_deg[v]),
                position_sigma_m=float(findings.position_sigma_m[v]),
                focal_sigma_percent=float(findings.focal_sigma_percent[v]),
                holdout_px=float(holdout[v]),
                coverage=float(coverage[v]),
                joints_used=int(np.isfinite(solution.evidence.sigma[v]).sum()),
            )
            for v, name in enumerate(observations.views)
        ),
        time_offsets_ms={name: float(s * 1e3) for name, s in zip(observations.views, estimate.offset_s)},
        scale_source=measured.scale.source,
        scale_sigma_percent=measured.scale.sigma_percent,
        holdout_median_px=_median(np.concatenate(error)),
        stature_m=measured.scale.stature_m,
        seconds_used=float(observations.time_ns[-1] - observations.time_ns[0]) * 1e-9,
        bones=_bones(solution.evidence, measured.xyz),
        remarks=remarks,
        details=_details(observations, measured, path, cells, error),
    )


def _holdout_errors(observations: Observations, solution: Solution, rig: Rig) -> tuple[list[F64], Mask]:
    """Reprojection error of joints of held-out time in each view, px; and which joints took part in anything."""
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in observations.views], np.int64)
    common = at_common_time(observations.mirrored(solution.swapped), offsets)
    rows = np.flatnonzero(_well_seen(common) & held_out(common.time_ns))
    if len(rows) == 0:
        rows = np.flatnonzero(_well_seen(common))
    rows = rows[np.linspace(0, len(rows) - 1, min(HOLDOUT_FRAMES, len(rows))).round().astype(int)]
    chosen = common.skeleton.indices(solution.evidence.joints)
    sigma = sigma_px(common, LEAST_CONFIDENCE)
    V = len(common.views)
    xy = np.moveaxis(common.xy[rows][:, :, chosen], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma[rows][:, :, chosen], 1, 0).reshape(V, -1)
    solved = triangulate_robust(xy, spread, rig.cameras, gate_px=_gates(spread))
    counted = np.isfinite(spread) & np.isfinite(solved.error_px) & (np.isfinite(spread).sum(0) >= 2)
    used = np.zeros(sigma.shape, bool)
    used[..., chosen] = np.isfinite(sigma[..., chosen])
    return [solved.error_px[v, counted[v]] for v in range(V)], used


def _training_px(solution: Solution) -> F64:
    """Median reprojection error of the joints that carried the solution, px, (V,)."""
    images = reprojection(solution.evidence, solution.refined.estimate)
    pixels = np.linalg.norm(images.residual, axis=-1) * np.where(images.valid, solution.evidence.sigma, 0.0)
    return np.array([_median(pixels[v][images.valid[v]]) for v in range(len(pixels))])


def _median(values: F64) -> float:
    """Median, NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def _travel(path: F64) -> float:
    """How far the person moved about: the diagonal of the middle 90 % of their places, m."""
    seen = path[np.isfinite(path).all(1)]
    if len(seen) < 2:
        return 0.0
    low, high = np.percentile(seen[:, :2], [5, 95], axis=0)
    return float(np.linalg.norm(high - low))


def _posture(xyz: F64, path: F64) -> float:
    """How much the joints moved about the hips: the median of their spread, m."""
    about = xyz - path[:, None]
    spread = np.sqrt(np.nansum(np.nanvar(about, axis=0), axis=-1))
    return float(np.percentile(spread, 75))


def _bones(evidence: Evidence, xyz: F64) -> tuple[BoneReport, ...]:
    """Measure the person's bones."""
    bones = []
    for first, second in evidence.bones:
        length = np.linalg.norm(xyz[:, first] - xyz[:, second], axis=-1)
        length = length[np.isfinite(length)]
        if len(length):
            middle = float(np.median(length))
            variation = 148.26 * float(np.median(np.abs(length - middle))) / middle
            bones.append(BoneReport(f"{evidence.joints[first]}-{evidence.joints[second]}", middle, variation))
    return tuple(bones)


def _details(
    observations: Observations, measured: _Measured, path: F64, cells: F64, error: list[F64]
) -> dict[str, object]:
    """Collect what the pictures of the report are drawn from."""
    seen = path[np.isfinite(path).all(1)]
    edges = np.linspace(0, 4 * max(_median(np.concatenate(error)), 1e-3), 25)
    return {
        "camera_positions_m": {camera.name: camera.centre.round(4).tolist() for camera in measured.rig},
        "camera_forward": {camera.name: camera.R[2].round(4).tolist() for camera in measured.rig},
        "path_m": seen[:: max(1, len(seen) // 300)].round(3).tolist(),
        "coverage_cells": {name: cells[v].astype(int).tolist() for v, name in enumerate(observations.views)},
        "residual_edges_px": edges.round(3).tolist(),
        "residual_counts": {
            name: np.histogram(error[v], edges)[0].tolist() for v, name in enumerate(observations.views)
        },
        "vertical_sigma_deg": round(float(np.degrees(measured.ground.sigma_rad)), 3),
        "vertical_source": measured.ground.source,
        "focal_px": {camera.name: round(camera.focal_px, 2) for camera in measured.rig},
        "k1": {camera.name: round(float(camera.distortion[0]), 4) for camera in measured.rig},
    }


def _refusal(
    observations: Observations, options: CalibrationOptions, reason: str, remarks: tuple[str, ...]
) -> CalibrationReport:
    """Report that nothing could be solved."""
    nan = float("nan")
    return CalibrationReport(
        verdict=REFUSED,
        reasons=(reason,),
        cameras=tuple(CameraReport(name, nan, nan, nan, nan) for name in observations.views),
        time_offsets_ms={name: nan for name in observations.views},
        scale_source="none",
        scale_sigma_percent=nan,
        holdout_median_px=nan,
        stature_m=options.stature_m or POPULATION_STATURE_M,
        seconds_used=float(observations.time_ns[-1] - observations.time_ns[0]) * 1e-9
        if len(observations.time_ns)
        else 0.0,
        remarks=remarks,
    )
