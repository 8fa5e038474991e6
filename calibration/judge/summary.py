"""How good a solved rig is: measured on held-out time, and summarised in a report."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.evidence import Evidence
from calibration.evidence.keyframes import MIN_CONFIDENCE, select_holdout_rows
from calibration.evidence.noise import compute_gate_px, estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate_robust
from calibration.judge.figures import (
    describe_lenses,
    list_expected_bones,
    list_position_covariances,
    measure_residual_cells,
)
from calibration.judge.movement import find_movement
from calibration.judge.report import REFUSED, BoneReport, CalibrationReport, CameraReport
from calibration.judge.uncertainty import Uncertainty
from calibration.judge.verdict import Findings, judge, measure_image_coverage
from calibration.rig import Rig
from calibration.solve.lens_priors import LensPriors
from calibration.solve.refine import Refinement, RefinementSettings
from calibration.solve.residuals import compute_reprojection
from calibration.world.floor import Ground
from calibration.world.scale import POPULATION_STATURE_M, Scale

HOLDOUT_FRAMES = 120
MAX_INFLATION = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A refined rig, still in units and in the frame of its first camera.

    Parameters
    ----------
    evidence, refined, lenses
    swapped : (T, V)
        Framesets where a view has left and right exchanged.
    offset_ns : (V,)
        By how much each view's times were shifted before the refinement, which adds its own.
    ambiguous
        A different rig explains the joints nearly as well.
    time_rate : (V,)
        By what each view's times since the first frameset are multiplied before the offset is
        added; None where every clock runs right.
    remarks
        What was corrected on the way.
    """

    evidence: Evidence
    refined: Refinement
    lenses: LensPriors
    swapped: Mask
    offset_ns: I64
    ambiguous: bool = False
    time_rate: F64 | None = None
    remarks: tuple[str, ...] = ()

    @property
    def total_offset_ns(self) -> I64:
        """What to add to each view's own times, (V,), ns."""
        return self.offset_ns + np.rint(self.refined.estimate.offset_s * 1e9).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredRig:
    """A rig in metres in its world, and what is known of it.

    Parameters
    ----------
    rig
    common
        The observations at common times, sides repaired, pixels of the original images.
    xyz : (T, J, 3), m, world
        The solution's joints over the solution's framesets.
    scale, ground, uncertainty
    """

    rig: Rig
    common: Observations
    xyz: F64
    scale: Scale
    ground: Ground
    uncertainty: Uncertainty

    def find_hip_path(self, evidence: Evidence) -> F64:
        """Where the person's hips went, (T, 3), m."""
        return self.xyz[:, [evidence.index("left_hip"), evidence.index("right_hip")]].mean(1)


def summarise(
    solution: Solution, measured: MeasuredRig, remarks: tuple[str, ...]
) -> CalibrationReport:
    """Measure a rig on held-out time, judge it, and report.

    Parameters
    ----------
    solution, measured
    remarks
        Messages so far.
    """
    error, used, residual_cells = _measure_holdout_errors(solution, measured)
    cells, coverage = measure_image_coverage(measured.common, used)
    inflation = _measure_inflation(solution, error)
    findings = _collect_findings(solution, measured, error, coverage, inflation)
    verdict, reasons = judge(findings)
    names = measured.common.view_names
    offsets_ms = solution.total_offset_ns * 1e-6
    return CalibrationReport(
        verdict=verdict,
        reasons=reasons,
        cameras=tuple(
            CameraReport(
                name=name,
                rotation_sigma_deg=float(findings.rotation_sigma_deg[v]),
                position_sigma_m=float(findings.position_sigma_m[v]),
                focal_sigma_percent=float(findings.focal_sigma_percent[v]),
                holdout_px=float(findings.holdout_px[v]),
                coverage=float(coverage[v]),
                joints_used=int(np.isfinite(solution.evidence.sigma[v]).sum()),
            )
            for v, name in enumerate(names)
        ),
        time_offsets_ms={name: float(ms) for name, ms in zip(names, offsets_ms)},
        scale_source=measured.scale.source,
        scale_sigma_percent=measured.scale.sigma_percent,
        holdout_median_px=_median_or_nan(np.concatenate(error)),
        stature_m=measured.scale.stature_m,
        seconds_used=_measure_duration_s(measured.common),
        bones=_measure_bones(solution.evidence, measured.xyz),
        remarks=remarks + _describe_swapped_sides(names, solution.swapped),
        details={
            **_collect_details(measured, measured.find_hip_path(solution.evidence), cells, error),
            **_collect_solution_details(solution, measured, inflation),
            "residual_cells_px": residual_cells,
        },
    )


def build_refusal_report(
    observations: Observations, stature_m: float | None, reason: str, remarks: tuple[str, ...]
) -> CalibrationReport:
    """Report that nothing could be solved.

    Parameters
    ----------
    observations
    stature_m
    reason
        A message that a person can act on.
    remarks

    Returns
    -------
    report
        Refused, numbers unknown.
    """
    nan = float("nan")
    return CalibrationReport(
        verdict=REFUSED,
        reasons=(reason,),
        cameras=tuple(CameraReport(name, nan, nan, nan, nan) for name in observations.view_names),
        time_offsets_ms={name: nan for name in observations.view_names},
        scale_source="none",
        scale_sigma_percent=nan,
        holdout_median_px=nan,
        stature_m=stature_m or POPULATION_STATURE_M,
        seconds_used=_measure_duration_s(observations),
        remarks=remarks,
    )


def _measure_inflation(solution: Solution, error: list[F64]) -> F64:
    """By how much each view's sigmas grow, (V,)."""
    holdout = np.array([_median_or_nan(values) for values in error])
    # a rig that explains new time worse than its own is further off than its covariance says
    return np.clip(holdout / np.maximum(_measure_training_px(solution), 1e-9), 1.0, MAX_INFLATION)


def _collect_findings(
    solution: Solution, measured: MeasuredRig, error: list[F64], coverage: F64, inflation: F64
) -> Findings:
    """Gather what the verdict rests on."""
    holdout = np.array([_median_or_nan(values) for values in error])
    focal = np.array([camera.focal_px for camera in measured.rig])
    centres = np.array([camera.centre for camera in measured.rig])
    unknown = ~solution.lenses.is_known
    path = measured.find_hip_path(solution.evidence)
    return Findings(
        view_names=measured.common.view_names,
        rotation_sigma_deg=np.degrees(measured.uncertainty.rotation_rad) * inflation,
        position_sigma_m=measured.uncertainty.position * measured.scale.metres_per_unit * inflation,
        focal_sigma_percent=measured.uncertainty.log_focal * 100 * inflation,
        holdout_px=holdout,
        holdout_mrad=holdout / focal * 1e3,
        coverage=coverage,
        baseline_m=float(np.linalg.norm(centres[:, None] - centres[None], axis=-1).max()),
        travel_m=_measure_travel(path),
        posture_m=_measure_posture(measured.xyz, path),
        unlike_lenses=bool(unknown.any()) and len(np.unique(solution.lenses.group[unknown])) > 1,
        ambiguous=solution.ambiguous,
        moved=_find_moved_camera(solution, measured),
    )


def _find_moved_camera(solution: Solution, measured: MeasuredRig) -> tuple[str, float] | None:
    """Name the camera that moved during the recording, and say after how many seconds."""
    movement = find_movement(solution.evidence, solution.refined.estimate, RefinementSettings())
    if movement is None:
        return None
    since_ns = movement.time_ns - int(measured.common.time_ns[0])
    return measured.common.view_names[movement.view], since_ns * 1e-9


def _measure_holdout_errors(
    solution: Solution, measured: MeasuredRig
) -> tuple[list[F64], Mask, dict[str, object]]:
    """Errors of held-out joints in each view, px; which joints are sure; errors by cell."""
    common = measured.common
    rows = select_holdout_rows(common, HOLDOUT_FRAMES)
    chosen = common.skeleton.indices(solution.evidence.joints)
    sigma = estimate_sigma_px(common, MIN_CONFIDENCE)
    V = len(common.view_names)
    xy = np.moveaxis(common.xy[rows][:, :, chosen], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma[rows][:, :, chosen], 1, 0).reshape(V, -1)
    solved = triangulate_robust(xy, spread, measured.rig.cameras, gate_px=compute_gate_px(spread))
    counted = np.isfinite(spread) & np.isfinite(solved.error_px) & (np.isfinite(spread).sum(0) >= 2)
    used = np.zeros(sigma.shape, bool)
    used[..., chosen] = np.isfinite(sigma[..., chosen])
    residual = np.stack([project(solved.xyz, camera) for camera in measured.rig]) - xy
    cells = measure_residual_cells(common, xy, np.where(counted[..., None], residual, np.nan))
    return [solved.error_px[v, counted[v]] for v in range(V)], used, cells


def _measure_training_px(solution: Solution) -> F64:
    """Median reprojection error of the joints that carried the solution, px, (V,)."""
    images = compute_reprojection(solution.evidence, solution.refined.estimate)
    pixels = np.linalg.norm(images.residual, axis=-1) * np.where(
        images.valid, solution.evidence.sigma, 0.0
    )
    return np.array([_median_or_nan(pixels[v][images.valid[v]]) for v in range(len(pixels))])


def _median_or_nan(values: F64) -> float:
    """Median, NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def _measure_duration_s(observations: Observations) -> float:
    """How long the observations last, s."""
    times = observations.time_ns
    return float(times[-1] - times[0]) * 1e-9 if len(times) else 0.0


def _measure_travel(path: F64) -> float:
    """How far the person moved about: the diagonal of the middle 90 % of their places, m."""
    seen = path[np.isfinite(path).all(1)]
    if len(seen) < 2:
        return 0.0
    low, high = np.percentile(seen[:, :2], [5, 95], axis=0)
    return float(np.linalg.norm(high - low))


def _measure_posture(xyz: F64, path: F64) -> float:
    """How much the joints moved about the hips: upper quartile of their spreads, m."""
    about = xyz - path[:, None]
    spreads: list[float] = []
    for joint in range(about.shape[1]):
        seen = about[np.isfinite(about[:, joint]).all(1), joint]
        if len(seen):
            spreads.append(float(np.sqrt(seen.var(0).sum())))
    return float(np.percentile(spreads, 75)) if spreads else 0.0


def _measure_bones(evidence: Evidence, xyz: F64) -> tuple[BoneReport, ...]:
    """Measure the person's bones."""
    bones: list[BoneReport] = []
    for first, second in evidence.bones:
        length = np.linalg.norm(xyz[:, first] - xyz[:, second], axis=-1)
        length = length[np.isfinite(length)]
        if len(length):
            middle = float(np.median(length))
            # percent, from the median absolute deviation: 1.4826 of it is a normal sigma
            variation = 148.26 * float(np.median(np.abs(length - middle))) / middle
            bones.append(
                BoneReport(f"{evidence.joints[first]}-{evidence.joints[second]}", middle, variation)
            )
    return tuple(bones)


def _describe_swapped_sides(names: tuple[str, ...], swapped: Mask) -> tuple[str, ...]:
    """Describe where left and right were repaired."""
    counts = [f"{count} of '{name}'" for name, count in zip(names, swapped.sum(0)) if count]
    if not counts:
        return ()
    return (f"Left and right were exchanged in some images and repaired: {', '.join(counts)}.",)


def _collect_details(
    measured: MeasuredRig, path: F64, cells: F64, error: list[F64]
) -> dict[str, object]:
    """Collect the data of the report's figures."""
    names = measured.common.view_names
    seen = path[np.isfinite(path).all(1)]
    edges = np.linspace(0, 4 * max(_median_or_nan(np.concatenate(error)), 1e-3), 25)
    return {
        "camera_positions_m": {
            camera.name: camera.centre.round(4).tolist() for camera in measured.rig
        },
        "camera_forward": {camera.name: camera.R[2].round(4).tolist() for camera in measured.rig},
        "path_m": seen[:: max(1, len(seen) // 300)].round(3).tolist(),
        "coverage_cells": {name: cells[v].astype(int).tolist() for v, name in enumerate(names)},
        "residual_edges_px": edges.round(3).tolist(),
        "residual_counts": {
            name: np.histogram(error[v], edges)[0].tolist() for v, name in enumerate(names)
        },
        "vertical_sigma_deg": round(float(np.degrees(measured.ground.sigma_rad)), 3),
        "vertical_source": measured.ground.source,
        "focal_px": {camera.name: round(camera.focal_px, 2) for camera in measured.rig},
        "k1": {camera.name: round(float(camera.distortion[0]), 4) for camera in measured.rig},
    }


def _collect_solution_details(
    solution: Solution, measured: MeasuredRig, inflation: F64
) -> dict[str, object]:
    """Collect what the figures show of uncertainties and priors."""
    sigma_ms = measured.uncertainty.offset_s * inflation * 1e3
    sigma_m = measured.uncertainty.position * measured.scale.metres_per_unit * inflation
    # the scene and the world differ by a rotation, the same for all cameras
    turned = measured.rig[0].R.T @ solution.refined.estimate.rotation[0]
    covariance = turned @ measured.uncertainty.position_covariance @ turned.T
    return {
        "position_covariance_m2": list_position_covariances(measured.rig, covariance, sigma_m),
        "time_offset_sigma_ms": {
            camera.name: round(float(ms), 3)
            for camera, ms in zip(measured.rig, sigma_ms)
            if np.isfinite(ms)
        },
        "lenses": describe_lenses(
            measured.rig, solution.lenses, solution.refined.estimate, solution.total_offset_ns
        ),
        "expected_bones_m": list_expected_bones(solution.evidence, measured.scale.stature_m),
    }
