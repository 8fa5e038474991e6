"""Measure: how far a drawn rig's calibration is from its truth, as one row."""

import time
from collections.abc import Sequence

import numpy as np

from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.alignment import align_similarity
from calibration.geometry.arrays import F64
from calibration.geometry.transforms import rotation_angle_rad
from calibration.geometry.triangulation import triangulate
from calibration.judge.report import REFUSED, CalibrationReport
from calibration.rig import Rig
from calibration.self_calibrate import self_calibrate
from calibration.synthetic.body import LIMB_JOINTS, SIDES, SKELETON
from training.proving.cells import GIVEN, Cell
from training.proving.mocap import PoseWindow
from training.proving.scene import Scene, draw_scene
from training.world import table
from training.world.rig_errors import find_true_axes, measure_rig_errors
from training.world.table import Column, Row

CRASHED = "crashed"
"""A verdict of the proving ground alone: the calibration failed with an error of its own."""

COLUMNS = (
    Column("cell", "cell"),
    Column("seed", "seed"),
    Column("verdict", "verdict"),
    Column("rotation_error_deg", "rotation °", 2),
    Column("rotation_sigma_deg", "says ± °", 2),
    Column("rotation_ratio", "error / sigma", 2),
    Column("focal_error_percent", "focal %", 2),
    Column("focal_sigma_percent", "says ± %", 2),
    Column("focal_ratio", "error / sigma", 2),
    Column("scale_error_percent", "scale %", 2, signed=True),
    Column("offset_error_ms", "offset ms", 1),
    Column("cpu_s", "CPU s", 1),
    Column("reasons"),
)
_SHARE_OF_BEST = 80  # percent of the joints that the scale is measured from
_LIMBS = SKELETON.indices(f"{side}_{joint}" for joint in LIMB_JOINTS for side in SIDES)


def measure_seed(cell: Cell, seed: int, windows: Sequence[PoseWindow] = ()) -> Row:
    """Draw a recording, calibrate it and compare.

    Parameters
    ----------
    cell
    seed
    windows
        As of `draw_scene`.

    Returns
    -------
    row
        By the keys of `COLUMNS`. Of a refusal, too, the errors are those of the rig that was found;
        none where there was none. Focal lengths that were given have no error.
    """
    scene = draw_scene(cell, seed, windows)
    row: dict[str, table.Cell] = {"cell": cell.name, "seed": seed}
    start_s = time.process_time()
    try:
        calibration = self_calibrate(scene.seen.observations, scene.options)
    except Exception as error:  # counted and shown: one failure must not hide the table
        row |= {"verdict": CRASHED, "reasons": f"{type(error).__name__}: {error}"}
        return row | {"cpu_s": time.process_time() - start_s}
    report, rig = calibration.report, calibration.candidate
    row |= {"verdict": report.verdict, "cpu_s": time.process_time() - start_s}
    row |= {"reasons": " ".join(report.reasons)}
    return row if rig is None else row | _compare(scene, rig, report, cell.lenses == GIVEN)


def _compare(
    scene: Scene, rig: Rig, report: CalibrationReport, lenses_given: bool
) -> dict[str, table.Cell]:
    """Compare a rig with the truth, and its errors with what it says of them."""
    errors = measure_rig_errors(rig, scene.rig, float("nan"))
    offsets = [rig.time_offset_ns[n] - scene.rig.time_offset_ns[n] for n in scene.rig.names]
    rotation_sigma = np.array([camera.rotation_sigma_deg for camera in report.cameras])
    cells: dict[str, table.Cell] = {
        "rotation_error_deg": errors.rotation_deg,
        "rotation_sigma_deg": float(rotation_sigma.max()),
        "rotation_ratio": root_mean_square(_turned_deg(rig, scene.rig) / rotation_sigma),
        "scale_error_percent": 100 * (1 / measure_joint_scale(scene, rig) - 1),
        "offset_error_ms": float(np.abs(offsets).max()) / 1e6,
    }
    if lenses_given:
        return cells
    focal = np.array([100 * (a.focal_px / b.focal_px - 1) for a, b in zip(rig, scene.rig)])
    focal_sigma = np.array([camera.focal_sigma_percent for camera in report.cameras])
    return cells | {
        "focal_error_percent": float(np.abs(focal).max()),
        "focal_sigma_percent": float(focal_sigma.max()),
        "focal_ratio": root_mean_square(focal / focal_sigma),
    }


def measure_joint_scale(scene: Scene, rig: Rig) -> float:
    """Measure the true metres per metre of a rig, from the limbs that it sees.

    Returns
    -------
    scale
        NaN where it triangulates too few.

    Notes
    -----
    Of the joints aligned with the truth, the nearest four fifths count: gross errors do not.
    """
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in rig.names])
    whole = scene.seen.observations.swap_sides(scene.seen.swapped)
    common = interpolate_to_common_time(whole, offsets)
    V = len(rig)
    xy = np.moveaxis(common.xy[:, :, _LIMBS], 1, 0).reshape(V, -1, 2)
    weight = np.moveaxis(common.confidence[:, :, _LIMBS], 1, 0).reshape(V, -1)
    found, true = triangulate(xy, weight, rig.cameras), scene.seen.xyz[:, _LIMBS].reshape(-1, 3)
    near = np.isfinite(found).all(-1)
    scale = float("nan")
    for _ in range(3):
        if near.sum() < 3:
            return float("nan")
        scale, R, t = align_similarity(found[near], true[near])
        distance = np.linalg.norm(scale * found @ R.T + t - true, axis=1)
        near = distance < np.nanpercentile(distance, _SHARE_OF_BEST)
    return scale


def _turned_deg(rig: Rig, truth: Rig) -> F64:
    """Measure by how much each camera is turned after both rigs were aligned, (V,)."""
    axes = find_true_axes(rig, truth)
    return np.array(
        [np.degrees(rotation_angle_rad(b.R @ axes @ a.R.T)) for a, b in zip(rig, truth)]
    )


def root_mean_square(ratio: F64) -> float:
    """Return the root mean square of what is known, (N,); NaN of nothing."""
    known = ratio[np.isfinite(ratio)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else float("nan")


def is_refused(row: Row) -> bool:
    """Return whether the calibration gave no rig."""
    return row.get("verdict") in (REFUSED, CRASHED)
