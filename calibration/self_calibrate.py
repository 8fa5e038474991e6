"""Self-calibration: from one person's joints in every view to a metric rig, or a refusal.

The use case, step by step: lenses -> sides -> first rig -> refinement -> sides again -> metres ->
ground -> verdict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.errors import CalibrationError, DegenerateError
from calibration.evidence.clocks import correct_rates
from calibration.evidence.evidence import Evidence
from calibration.evidence.keyframes import (
    MIN_CONFIDENCE,
    require_every_view,
    select_training_rows,
)
from calibration.evidence.noise import compute_gate_px, estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.evidence.swaps import find_swaps_by_motion, find_swaps_by_rig
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.arrays import F64, I64, Mask
from calibration.geometry.transforms import transform_points
from calibration.geometry.triangulation import triangulate_robust
from calibration.judge.report import REFUSED, CalibrationReport
from calibration.judge.summary import MeasuredRig, Solution, build_refusal_report, summarise
from calibration.judge.uncertainty import estimate_uncertainty
from calibration.rig import Camera, Rig
from calibration.solve.blame import diagnose, measure_agreement
from calibration.solve.free_parameters import FreeParameters
from calibration.solve.initialise import (
    ScoutedRig,
    build_ideal_cameras,
    gather_calibration_evidence,
    retriangulate,
    scout,
)
from calibration.solve.lens_priors import (
    LensPriors,
    build_lens_priors,
    select_free_parameters,
    undistort_known_views,
)
from calibration.solve.misfit import explain_misfit, list_remarks, list_sure_blames
from calibration.solve.refine import Refinement, RefinementSettings, refine
from calibration.solve.residuals import FOCAL, K1, K2, OFFSET, Estimate
from calibration.world.floor import find_ground, world_from_scene
from calibration.world.scale import estimate_scale

MAX_KEYFRAMES = 300
# Left and right are repaired, and late views re-timed, without a rig first, then with it.
MAX_ROUNDS = 3
# A view that is 150 ms late comes nearer by a third in each round (studio, 10 poses a second).
# After 3 rounds 68 ms and 2.2 degrees are left, after 8 rounds 23 ms and 0.8 degrees.
MAX_ROUNDS_WHILE_LATE = 8
GOOD_AGREEMENT = 0.85  # of the worst view; nothing else needs to be tried
LARGE_OFFSET_S = 0.004  # beyond it a joint does not move in a straight line
SETTINGS = RefinementSettings()
PASS_SETTINGS = replace(SETTINGS, iterations=20)

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class CalibrationOptions:
    """What is known beforehand, and what to estimate.

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
    """The outcome: a rig whose errors the report states, or none.

    Parameters
    ----------
    rig
        None where refused.
    report
    swapped : (T, V)
        Framesets where a view has left and right exchanged.
    candidate
        The rig that was found, also where it is refused: to look at, and to measure refusals by.
        None where none was found.
    """

    rig: Rig | None
    report: CalibrationReport
    swapped: Mask
    candidate: Rig | None = None


def self_calibrate(
    observations: Observations,
    options: CalibrationOptions = CalibrationOptions(),
    progress: Progress = lambda _step, _share: None,
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
    World frame: z up, floor at z = 0, origin under the cameras' centroid, +x towards
    the first camera.
    """
    if len(observations.view_names) < 2:
        raise ValueError("Calibration needs two views or more.")
    known = tuple(options.intrinsics) or (None,) * len(observations.view_names)
    lenses, remarks = build_lens_priors(observations, known, shared=options.shared_intrinsics)
    try:
        solution = solve_rig(observations, lenses, options, progress)
        progress("Measuring the room", 0.9)
        measured = measure_rig(observations, solution, options)
    except CalibrationError as error:
        report = build_refusal_report(observations, options.stature_m, str(error), remarks)
        return Calibration(None, report, np.zeros(observations.view_time_ns.shape, bool))
    report = summarise(solution, measured, (*remarks, *solution.remarks))
    metadata = {
        "verdict": report.verdict,
        "scale_source": measured.scale.source,
        "vertical_source": measured.ground.source,
    }
    found = replace(measured.rig, metadata=metadata)
    rig = None if report.verdict == REFUSED else found
    return Calibration(rig, report, solution.swapped, found)


def solve_rig(
    observations: Observations, lenses: LensPriors, options: CalibrationOptions, progress: Progress
) -> Solution:
    """Find the rig that explains the observations, in units of its own.

    Parameters
    ----------
    observations
        As the network saw them: pixels of the original images, each view with its own times.
    lenses
    options
        `time_offsets` decides whether clocks are estimated.
    progress
        As of `self_calibrate`.

    Raises
    ------
    NotEnoughMotionError
        If the person was seen too briefly by too few views.
    DegenerateError
        If a camera cannot be placed.
    """
    progress("Left and right", 0.0)
    steady = find_swaps_by_motion(observations, estimate_sigma_px(observations, MIN_CONFIDENCE))
    progress("Placing the cameras", 0.1)
    placed = _place_cameras(observations, steady, lenses)
    observations = correct_rates(observations, placed.rate)
    swapped = placed.swapped
    offsets = placed.offset_ns
    estimate = placed.scouted.estimate
    round_index = 0
    while True:
        progress("Refining the cameras", 0.9 - 0.5 * 0.6**round_index)
        repaired = observations.swap_sides(swapped)
        common = undistort_known_views(interpolate_to_common_time(repaired, offsets), lenses)
        rows = select_training_rows(common, MAX_KEYFRAMES)
        evidence = gather_calibration_evidence(common, rows, lenses)
        refined = _refine_in_passes(
            evidence, retriangulate(common, rows, lenses, estimate), lenses, options
        )
        solution = Solution(
            evidence,
            refined,
            lenses,
            swapped,
            offsets,
            ambiguous=placed.scouted.ambiguous,
            time_rate=placed.rate,
            remarks=placed.remarks,
        )
        corrected = swapped ^ find_swaps_by_rig(
            repaired,
            estimate_sigma_px(repaired, MIN_CONFIDENCE),
            _build_rig(observations, solution),
        )
        late = np.abs(refined.estimate.offset_s).max() > LARGE_OFFSET_S
        round_index += 1
        settled = not late and (np.array_equal(corrected, swapped) or round_index >= MAX_ROUNDS)
        if settled or round_index >= MAX_ROUNDS_WHILE_LATE:
            return solution
        swapped, offsets = corrected, solution.total_offset_ns
        estimate = replace(refined.estimate, offset_s=np.zeros(len(offsets)))


@dataclass(frozen=True, slots=True, eq=False)
class _Placement:
    """Rough cameras and clocks; left and right by each view alone."""

    scouted: ScoutedRig
    offset_ns: I64
    swapped: Mask
    rate: F64 | None = None
    remarks: tuple[str, ...] = ()


def _place_cameras(observations: Observations, steady: Mask, lenses: LensPriors) -> _Placement:
    """Place the cameras roughly; for a view that does not fit, try other times, then explain."""
    require_every_view(observations)
    still = np.zeros(len(observations.view_names), np.int64)
    repaired = observations.swap_sides(steady)
    first = _try_scout(repaired, still, lenses)
    if first is not None and first.agreement.min() >= GOOD_AGREEMENT:
        return _Placement(first, still, steady)
    # a body seen from the side changes sides unnoticed; then the network's own sides start better
    sides = (steady, np.zeros_like(steady))
    raw = _try_scout(observations, still, lenses)
    if raw is not None and (first is None or raw.agreement.min() > first.agreement.min()):
        first = raw
        sides = sides[1], sides[0]
    if first is not None and first.agreement.min() >= GOOD_AGREEMENT:
        return _Placement(first, still, sides[0])
    return _place_misfitting_cameras(observations, sides, lenses, first)


def _place_misfitting_cameras(
    observations: Observations,
    sides: tuple[Mask, Mask],
    lenses: LensPriors,
    first: ScoutedRig | None,
) -> _Placement:
    """Correct the clocks if that lets every view fit; else take the first rig, or explain.

    `sides` are two guesses of where left and right are exchanged; the first rig took the first.
    """
    ideal = undistort_known_views(observations, lenses)
    swapped = max(sides, key=lambda side: measure_agreement(ideal.swap_sides(side)))
    diagnosis = diagnose(ideal.swap_sides(swapped))
    if diagnosis.only_clocks:
        clocks = diagnosis.clocks
        repaired = correct_rates(observations.swap_sides(swapped), clocks.rate)
        second = _try_scout(repaired, clocks.offset_ns, lenses)
        if second is not None and second.fits:
            remarks = list_remarks(diagnosis)
            return _Placement(second, clocks.offset_ns, swapped, clocks.rate, remarks)
    if first is not None and first.fits and not list_sure_blames(diagnosis):
        return _Placement(first, np.zeros(len(lenses.focal), np.int64), sides[0])
    raise explain_misfit(observations.view_names, first, diagnosis)


def _try_scout(steady: Observations, offsets: I64, lenses: LensPriors) -> ScoutedRig | None:
    """Scout with these offsets; None where the cameras cannot be placed."""
    common = undistort_known_views(interpolate_to_common_time(steady, offsets), lenses)
    rows = select_training_rows(common, MAX_KEYFRAMES)
    try:
        return scout(common, rows, lenses)
    except DegenerateError:
        return None


def measure_rig(
    observations: Observations, solution: Solution, options: CalibrationOptions
) -> MeasuredRig:
    """Find the metres, the vertical and the floor of a solution.

    Parameters
    ----------
    observations
        Those that were solved.
    solution
        In units and in the frame of its first camera.
    options
        `stature_m` gives the metres.

    Raises
    ------
    ScaleUnknownError
        If two cameras saw too little of the person.
    """
    evidence = solution.evidence
    estimate = solution.refined.estimate
    scale = estimate_scale(estimate.xyz, evidence.joints, options.stature_m)
    rig = _build_rig(observations, solution).with_world(np.eye(4), scale.metres_per_unit)
    common = interpolate_to_common_time(
        observations.swap_sides(solution.swapped),
        solution.total_offset_ns,
        solution.time_rate,
    )
    ground = find_ground(
        _triangulate_motion(common, evidence, rig), evidence.joints, common.time_ns
    )
    world = world_from_scene(ground, np.array([camera.centre for camera in rig]))
    return MeasuredRig(
        rig=rig.with_world(world),
        common=common,
        xyz=transform_points(world, estimate.xyz * scale.metres_per_unit),
        scale=scale,
        ground=ground,
        uncertainty=estimate_uncertainty(
            evidence, estimate, _select_last_pass_parameters(solution.lenses, options), SETTINGS
        ),
    )


def _refine_in_passes(
    evidence: Evidence, start: Estimate, lenses: LensPriors, options: CalibrationOptions
) -> Refinement:
    """Refine in passes: poses and focal lengths first, then times, then distortion."""
    rough = refine(
        evidence,
        start,
        select_free_parameters(lenses, {FOCAL}),
        PASS_SETTINGS,
    )
    timed = select_free_parameters(lenses, {FOCAL} | _select_times(options))
    better = refine(evidence, rough.estimate, timed, PASS_SETTINGS)
    return refine(
        evidence, better.estimate, _select_last_pass_parameters(lenses, options), SETTINGS
    )


def _select_last_pass_parameters(lenses: LensPriors, options: CalibrationOptions) -> FreeParameters:
    """Select the parameters of the last pass."""
    return select_free_parameters(lenses, {FOCAL, K1, K2} | _select_times(options))


def _select_times(options: CalibrationOptions) -> set[int]:
    """Free the cameras' times if the options say so."""
    return {OFFSET} if options.time_offsets else set()


def _build_rig(observations: Observations, solution: Solution) -> Rig:
    """Describe the solved cameras with their true lenses and times."""
    estimate = solution.refined.estimate
    cameras = [
        camera
        if given is None
        else replace(camera, matrix=given.matrix, distortion=given.distortion)
        for camera, given in zip(
            build_ideal_cameras(observations, solution.lenses, estimate), solution.lenses.known
        )
    ]
    offsets = {name: int(ns) for name, ns in zip(observations.view_names, solution.total_offset_ns)}
    return Rig(tuple(cameras), offsets)


def _triangulate_motion(common: Observations, evidence: Evidence, rig: Rig) -> F64:
    """Triangulate the calibration joints of every frameset, (T, J, 3), m."""
    chosen = common.skeleton.indices(evidence.joints)
    sigma = estimate_sigma_px(common, MIN_CONFIDENCE)
    V = len(common.view_names)
    xy = np.moveaxis(common.xy[:, :, chosen], 1, 0).reshape(V, -1, 2)
    spread = np.moveaxis(sigma[:, :, chosen], 1, 0).reshape(V, -1)
    solved = triangulate_robust(xy, spread, rig.cameras, gate_px=compute_gate_px(spread))
    return solved.xyz.reshape(len(common.time_ns), -1, 3)
