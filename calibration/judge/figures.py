"""What the figures of a report show, as plain values: `CalibrationReport.details`."""

import numpy as np

from calibration.evidence.evidence import PROPORTIONS_STATURE_M, Evidence
from calibration.evidence.observations import Observations
from calibration.geometry.arrays import F64, I64
from calibration.judge.verdict import COVERAGE_GRID
from calibration.rig import Rig
from calibration.solve.lens_priors import LensPriors, select_free_parameters
from calibration.solve.residuals import CAMERA_PARAMETERS, FOCAL, K1, K2, OFFSET, Estimate

MIN_JOINTS_OF_CELL = 8  # the median of fewer is mostly noise


def list_position_covariances(
    rig: Rig, covariance: F64, sigma_m: F64
) -> dict[str, list[list[float]]]:
    """List the covariance of each camera's position, m^2, axes of the world.

    Parameters
    ----------
    rig
    covariance : (V, 3, 3)
        In the world's axes, units of any size.
    sigma_m : (V,), m
        Square root of the trace that each is scaled to; NaN where unknown.

    Returns
    -------
    covariances
        By camera name, 3 x 3; without cameras of which it is unknown.
    """
    trace = np.einsum("vii->v", covariance)
    scaled = covariance * (sigma_m**2 / np.where(trace > 0, trace, np.inf))[:, None, None]
    return {
        camera.name: scaled[v].round(10).tolist()
        for v, camera in enumerate(rig)
        if np.isfinite(scaled[v]).all()
    }


def measure_residual_cells(common: Observations, xy: F64, residual: F64) -> dict[str, object]:
    """Measure in which parts of its image a view misses, and by how much.

    Parameters
    ----------
    common
        For the names and sizes of the images.
    xy : (V, N, 2), px
        Where joints were detected.
    residual : (V, N, 2), px
        Reprojected less detected; NaN where it does not count.

    Returns
    -------
    cells
        By view name, rows of cells from the top (the grid of the coverage): the medians
        ``[dx, dy]`` of the residual, None where fewer than `MIN_JOINTS_OF_CELL` joints are.
    """
    columns, rows = COVERAGE_GRID
    cells: dict[str, object] = {}
    for v, (name, size) in enumerate(zip(common.view_names, common.sizes_wh)):
        counted = np.isfinite(residual[v]).all(-1) & np.isfinite(xy[v]).all(-1)
        place = np.floor(xy[v, counted] / np.array(size) * COVERAGE_GRID)
        cells[name] = [
            [_find_median(residual[v, counted][(place == (c, r)).all(1)]) for c in range(columns)]
            for r in range(rows)
        ]
    return cells


def describe_lenses(
    rig: Rig, lenses: LensPriors, estimate: Estimate, offset_ns: I64
) -> dict[str, dict[str, object]]:
    """Describe each lens, and how far lens and clock lie from what was assumed of them.

    Parameters
    ----------
    rig
    lenses
        The priors.
    estimate
        The solution.
    offset_ns : (V,), ns
        What was added to each view's times.

    Returns
    -------
    lenses
        By camera name: `field_of_view_deg` (horizontal), `k1`, `k2`, whether it was `given`, and
        `strain`: deviations from the priors in their standard deviations, None where there is no
        prior.
    """
    V = len(rig)
    free = select_free_parameters(lenses, {FOCAL, K1, K2, OFFSET})
    mean, sigma = (
        values.reshape(V, CAMERA_PARAMETERS) for values in (free.prior_mean, free.prior_sigma)
    )
    solved = {
        "focal": (FOCAL, np.log(estimate.focal)),
        "k1": (K1, estimate.k1),
        "k2": (K2, estimate.k2),
        "clock": (OFFSET, offset_ns * 1e-9),
    }
    described: dict[str, dict[str, object]] = {}
    for v, camera in enumerate(rig):
        strain = {
            name: round(float((value[v] - mean[v, p]) / sigma[v, p]), 3)
            if np.isfinite(sigma[v, p])
            else None
            for name, (p, value) in solved.items()
        }
        if v == 0:
            strain["clock"] = None  # the others are measured from it
        angle_rad = 2 * np.arctan(camera.size_wh[0] / 2 / float(camera.matrix[0, 0]))
        described[camera.name] = {
            "given": lenses.known[v] is not None,
            "field_of_view_deg": round(float(np.degrees(angle_rad)), 2),
            "k1": round(float(camera.distortion[0]), 4),
            "k2": round(float(camera.distortion[1]), 4),
            "strain": strain,
        }
    return described


def list_expected_bones(evidence: Evidence, stature_m: float) -> dict[str, list[float]]:
    """List what a person of this stature has: length and standard deviation between people, m.

    Parameters
    ----------
    evidence
        Its proportions are of a person of `PROPORTIONS_STATURE_M`.
    stature_m

    Returns
    -------
    expected
        By bone, as in `BoneReport`; without bones of which nothing is known.
    """
    expected: dict[str, list[float]] = {}
    for (first, second), kind in zip(evidence.bones, evidence.length_index):
        share = float(evidence.proportion_sigma[kind])
        if np.isfinite(share):
            length = np.exp(evidence.log_proportion[kind]) * stature_m / PROPORTIONS_STATURE_M
            name = f"{evidence.joints[first]}-{evidence.joints[second]}"
            expected[name] = [round(float(length), 4), round(float(length * share), 4)]
    return expected


def _find_median(residual: F64) -> list[float] | None:
    """Find the median residual, px; None of too few."""
    if len(residual) < MIN_JOINTS_OF_CELL:
        return None
    return np.median(residual, axis=0).round(2).tolist()
