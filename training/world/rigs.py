"""Rigs: what the calibration says of real cameras, and how far it is from the truth."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from calibration.errors import CalibrationError
from calibration.geometry.arrays import F64
from calibration.judge.report import REFUSED, CalibrationReport
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions
from engine.errors import EngineError, NobodyInViewError
from engine.offline import recording as offline
from engine.offline.calibrate import calibrate_poses
from engine.offline.progress import Progress, StepProgress
from training.world.observe import ObservedClip, select_views
from training.world.pose_errors import measure_pose_errors
from training.world.rig_errors import (
    find_body_scale,
    find_distance_scale,
    find_true_axes,
    measure_rig_errors,
)
from training.world.subject import BenchOptions, Subject
from training.world.table import Cell, Column, Row
from training.world.truth import find_true_limbs, select_cameras, triangulate_limbs

GIVEN, UNKNOWN = "given", "unknown"

COLUMNS = (
    Column("clip", "clip"),
    Column("views", "views"),
    Column("lenses", "lenses"),
    Column("verdict", "verdict"),
    Column("claimed_rotation_deg", "says ± °", 2),
    Column("rotation_error_deg", "true °", 2),
    Column("claimed_position_mm", "says ± mm", 0),
    Column("distance_error_percent", "distance %", signed=True),
    Column("claimed_focal_percent", "says focal ± %"),
    Column("focal_error_low_percent", "focal % from", signed=True),
    Column("focal_error_high_percent", "to", signed=True),
    Column("mpjpe_mm", "MPJPE mm", 0, interval=("mpjpe_low_mm", "mpjpe_high_mm")),
    Column("n_mpjpe_mm", "N mm", 0, interval=("n_mpjpe_low_mm", "n_mpjpe_high_mm")),
    Column("pa_mpjpe_mm", "PA mm", 0, interval=("pa_mpjpe_low_mm", "pa_mpjpe_high_mm")),
    Column("truth", "joints by"),
    Column("reason", "why", is_note=True),
    Column("answer"),
    Column("poses"),
    Column("scale"),
    Column("holdout_px"),
)


def measure_rigs(
    observed: ObservedClip, options: BenchOptions, progress: Progress
) -> Iterator[Row]:
    """Calibrate a clip's cameras from the person, all together and in pairs, and compare.

    Parameters
    ----------
    observed
    options
        `quick` leaves out the pairs.
    progress

    Yields
    ------
    row
        With lenses given, then unknown, of each choice of views. A refusal is a row with its
        reason, and with the errors of the rig that was refused, if one was found. None of a clip
        with one camera, or without true ones.
    """
    rig = observed.clip.rig
    if rig is None or len(rig) < 2:
        return
    every = tuple(range(len(observed.clip.views)))
    choices = [every]
    if not options.quick and len(every) > 2:
        choices += list(combinations(every, 2))
    step = f"{observed.clip.name}: calibrating"
    total = 2 * len(choices)
    progress(StepProgress(step, 0.0, "rigs", 0, total))
    done = 0
    for views in choices:
        for lenses in (GIVEN, UNKNOWN):
            yield _measure_rig(observed, views, select_cameras(rig, views), lenses)
            done += 1
            progress(StepProgress(step, done / total, "rigs", done, total))


def _measure_rig(observed: ObservedClip, views: Sequence[int], truth: Rig, lenses: str) -> Row:
    """Calibrate some views, and compare."""
    clip = observed.clip
    names = [clip.view_names[view] for view in views]
    row: dict[str, Cell] = {
        "clip": clip.name,
        "views": f"all {len(names)}" if len(names) > 2 else " + ".join(names),
        "lenses": lenses,
    }
    recording = select_views(observed.recording, views)
    intrinsics = truth.cameras if lenses == GIVEN else ()
    try:
        calibration = calibrate_poses(recording, CalibrationOptions(clip.stature_m, intrinsics))
    except (CalibrationError, EngineError) as error:
        return row | {"verdict": REFUSED, "reason": str(error)}
    row |= _describe_claims(calibration.report)
    found = calibration.rig or calibration.candidate
    if found is not None:
        row |= _compare_rig(observed, views, truth, found)
    if lenses == GIVEN:  # without error: nothing was estimated
        row |= dict.fromkeys(key for key in row if "focal" in key)
    return row


def _describe_claims(report: CalibrationReport) -> dict[str, Cell]:
    """Return what the calibration says of itself; of its cameras, the least certain."""
    cameras = report.cameras
    return {
        "verdict": report.verdict,
        "reason": " ".join(report.reasons[:1]) if report.verdict == REFUSED else None,
        "answer": " ".join(report.reasons),
        "claimed_rotation_deg": max(camera.rotation_sigma_deg for camera in cameras),
        "claimed_position_mm": 1000 * max(camera.position_sigma_m for camera in cameras),
        "claimed_focal_percent": max(camera.focal_sigma_percent for camera in cameras),
        "holdout_px": report.holdout_median_px,
    }


def _compare_rig(
    observed: ObservedClip, views: Sequence[int], truth: Rig, rig: Rig
) -> dict[str, Cell]:
    """Compare a rig, and the limbs that it triangulates, with the truth."""
    recording = select_views(observed.recording, views)
    true_limbs = find_true_limbs(observed, views)
    limbs = _triangulate_in_true_axes(recording, rig, truth) if true_limbs is not None else None
    if observed.clip.stature_m is not None:
        scale = 1.0
    elif true_limbs is not None and limbs is not None:
        scale = find_body_scale(limbs, true_limbs.xyz)
    else:
        scale = find_distance_scale(rig, truth)
    found = measure_rig_errors(rig, truth, scale)
    cells: dict[str, Cell] = {
        "rotation_error_deg": found.rotation_deg,
        "distance_error_percent": found.distance_percent,
        "focal_error_low_percent": found.focal_low_percent,
        "focal_error_high_percent": found.focal_high_percent,
        "scale": scale,
    }
    if true_limbs is not None and limbs is not None:
        errors = measure_pose_errors(scale * limbs, true_limbs.xyz, observed.time_s)
        cells |= errors.as_cells() | {"truth": true_limbs.source}
    return cells


def _triangulate_in_true_axes(recording: offline.PoseRecording, rig: Rig, truth: Rig) -> F64 | None:
    """Reconstruct the limbs by a rig, turned into the true world; None where nobody is."""
    try:
        return triangulate_limbs(recording, rig) @ find_true_axes(rig, truth).T
    except NobodyInViewError:
        return None


RIGS = Subject(
    "rigs",
    "Rigs: what the calibration says (± one sigma of the least certain camera), and the truth",
    COLUMNS,
    measure_rigs,
)
