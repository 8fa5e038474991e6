"""How well rigs are found from synthetic walkers: errors, verdicts, sigmas, cell by cell.

Run with ``pytest tests/benchmarks/bench_calibration.py -s -m benchmark``; ``EPIPOLE_BENCH_SEEDS``
sets the number of seeds of a cell; a walk through the room has twice as many, eight cameras half.
Nothing is asserted but that the table could be made.
"""

import os
import sys
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from calibration.errors import CalibrationError
from calibration.judge.report import REFUSED, CalibrationReport
from calibration.judge.summary import summarise
from calibration.rig import Rig
from calibration.self_calibrate import CalibrationOptions, measure_rig, solve_rig
from calibration.solve.lens_priors import build_lens_priors
from calibration.synthetic.synthetic import NETWORK_NOISE, NoiseConfig, RigPlan
from tests.support.calibrations import (
    Scene,
    make_scene,
    measure_camera_errors,
    measure_focal_errors_percent,
    measure_joint_scale,
    measure_offset_errors_ms,
    measure_pair_rotation_errors_deg,
)

SEEDS = int(os.environ.get("EPIPOLE_BENCH_SEEDS", "2"))
SILENT_DEG = 2.0
PLAN = RigPlan(offset_ms=20.0)
LENSES = ("unlike", "shared", "known")
HEADER = (
    f"{'cameras lenses motion':36s}{'n':>3s} {'a/u/r':>8s} {'silent':>6s} {'lost':>4s} | "
    f"{'pair rotation deg':^19s} |"
    f" {'focal %':^11s} | {'offset ms':^11s} | {'scale %':^7s} | "
    f"{'true error / sigma (median, p90)':^37s} |"
    f" {'CPU s':>5s}\n"
    f"{'':36s}{'':3s} {'':8s} {'':6s} {'':4s} | {'med':>5s} {'p90':>6s} {'max':>6s} | "
    f"{'med':>5s} {'max':>5s} |"
    f" {'med':>5s} {'max':>5s} | {'max':>7s} | {'rotation':^11s}  {'position':^11s}  "
    f"{'focal':^11s} |"
)


@dataclass
class Cell:
    """What one kind of rig and motion came to."""

    name: str
    verdicts: list[str] = field(default_factory=list)
    rotation_deg: list[float] = field(default_factory=list)
    focal_percent: list[float] = field(default_factory=list)
    offset_ms: list[float] = field(default_factory=list)
    scale_percent: list[float] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(
        default_factory=lambda: {"rotation": [], "position": [], "focal": []}
    )
    seconds: list[float] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)

    def add(self, seed: int, recording: Scene, options: CalibrationOptions) -> None:
        """Calibrate one recording and note the result; also what a refused rig would have been."""
        start = time.process_time()
        try:
            rig, report = calibrate_anyway(recording, options)
        except Exception as error:  # counted and printed: one failure must not hide the table
            rig, report = None, None
            self.crashed.append(f"{self.name} seed {seed}: {type(error).__name__}: {error}")
        self.seconds.append(time.process_time() - start)
        self.verdicts.append(report.verdict if report else REFUSED)
        if rig is None or report is None:
            return
        worst = float(measure_pair_rotation_errors_deg(rig, recording.rig).max())
        if worst > SILENT_DEG and report.verdict != REFUSED:
            self.silent.append(f"{self.name} seed {seed}: {worst:.1f} deg, {report.verdict}")
        if worst < SILENT_DEG / 2 and report.verdict == REFUSED:
            self.lost.append(
                f"{self.name} seed {seed}: {worst:.2f} deg, refused: {report.reasons[0]}"
            )
        self.rotation_deg.append(worst)
        focal = np.abs(measure_focal_errors_percent(rig, recording.rig))
        self.focal_percent.append(float(focal.max()))
        self.offset_ms.append(float(np.abs(measure_offset_errors_ms(rig, recording.rig)).max()))
        scale = measure_joint_scale(
            rig, recording.seen.observations.swap_sides(recording.seen.swapped), recording.seen.xyz
        )
        self.scale_percent.append(100 * abs(scale - 1))
        if report.verdict != REFUSED:
            self._compare(report, *measure_camera_errors(rig, recording.rig, scale), focal)

    def _compare(self, report: CalibrationReport, rotation, position, focal) -> None:
        """Set the true errors against the sigmas that were reported."""
        for v, camera in enumerate(report.cameras):
            self.ratios["rotation"].append(rotation[v] / camera.rotation_sigma_deg)
            self.ratios["position"].append(position[v] / camera.position_sigma_m)
            if camera.focal_sigma_percent > 0:
                self.ratios["focal"].append(focal[v] / camera.focal_sigma_percent)

    def format_line(self) -> str:
        """Say it in one line of the table."""
        counts = "/".join(str(self.verdicts.count(v)) for v in ("accepted", "usable", "refused"))
        ratios = "  ".join(
            f"{_percentile(r, 50):5.2f} {_percentile(r, 90):5.2f}" for r in self.ratios.values()
        )
        return (
            f"{self.name:36s}{len(self.verdicts):3d} {counts:>8s} {len(self.silent):6d} "
            f"{len(self.lost):4d} |"
            f" {_percentile(self.rotation_deg, 50):5.2f} "
            f"{_percentile(self.rotation_deg, 90):6.2f} "
            f"{_percentile(self.rotation_deg, 100):6.2f} |"
            f" {_percentile(self.focal_percent, 50):5.1f} "
            f"{_percentile(self.focal_percent, 100):5.1f} |"
            f" {_percentile(self.offset_ms, 50):5.1f} {_percentile(self.offset_ms, 100):5.1f} | "
            f"{_percentile(self.scale_percent, 100):7.1f} |"
            f" {ratios} | {np.median(self.seconds):5.1f}"
        )


def calibrate_anyway(
    recording: Scene, options: CalibrationOptions
) -> tuple[Rig | None, CalibrationReport | None]:
    """Calibrate as the product does, but keep the rig even where the verdict refuses it."""
    seen = recording.seen.observations
    known = tuple(options.intrinsics) or (None,) * len(seen.view_names)
    lenses, remarks = build_lens_priors(seen, known, shared=options.shared_intrinsics)
    try:
        solution = solve_rig(seen, lenses, options, lambda _step, _share: None)
        measured = measure_rig(seen, solution, options)
    except CalibrationError:
        return None, None
    return measured.rig, summarise(solution, measured, remarks)


def run_cell(
    name: str,
    plan: RigPlan,
    lenses: str,
    motion: str,
    *,
    seeds: range,
    noise: NoiseConfig = NETWORK_NOISE,
) -> Cell:
    """Calibrate the recordings of one cell."""
    cell = Cell(name)
    for seed in seeds:
        recording = make_scene(
            replace(plan, identical_lenses=lenses == "shared"), motion, noise, seed=seed
        )
        given = recording.rig.cameras if lenses == "known" else ()
        cell.add(
            seed, recording, CalibrationOptions(1.75, given, shared_intrinsics=lenses == "shared")
        )
    print_now(cell.format_line())
    return cell


def print_summary(title: str, cells: list[Cell]) -> None:
    """Sum up the cells and name the recordings that failed."""
    ratios = {
        key: [r for cell in cells for r in cell.ratios[key]]
        for key in ("rotation", "position", "focal")
    }
    print_now(f"\n{title}: {sum(len(cell.verdicts) for cell in cells)} recordings")
    for key, values in ratios.items():
        within = 100 * np.mean(np.array(values) < 1) if values else np.nan
        print_now(
            f"  true error / sigma, {key}: median {_percentile(values, 50):.2f}, p90 "
            f"{_percentile(values, 90):.2f}, <1: {within:.0f} %"
        )
    for kind in ("silent", "lost", "crashed"):
        for text in (line for cell in cells for line in getattr(cell, kind)):
            print_now(f"  {kind}: {text}")


@pytest.mark.benchmark
@pytest.mark.parametrize("cameras", [2, 3, 4, 8])
def test_rigs_of_so_many_cameras(cameras: int):
    print_now(f"\n{HEADER}")
    cells = []
    for lenses in LENSES:
        for motion in ("room", "in_place", "stand", "sit"):
            seeds = range(
                (2 if motion == "room" else 1) * (SEEDS if cameras < 8 else max(SEEDS // 2, 1))
            )
            plan = replace(PLAN, cameras=cameras)
            cells.append(
                run_cell(f"{cameras} {lenses} {motion}", plan, lenses, motion, seeds=seeds)
            )
    print_summary(f"{cameras} cameras", cells)
    assert all(cell.verdicts for cell in cells)


@pytest.mark.benchmark
def test_rigs_under_hard_conditions():
    print_now(f"\n{HEADER}")
    four = replace(PLAN, cameras=4)
    conditions = {
        "line": (four, "line", NETWORK_NOISE),
        "dance": (four, "dance", NETWORK_NOISE),
        "arc of 90 deg": (replace(four, arc_deg=90), "room", NETWORK_NOISE),
        "offsets of 60 ms": (replace(four, offset_ms=60), "room", NETWORK_NOISE),
        "free-running, 5 % dropped": (
            four,
            "room",
            replace(NETWORK_NOISE, free_running=True, dropped=0.05),
        ),
        "20 % swapped": (four, "room", replace(NETWORK_NOISE, swapped=0.20)),
        "10 % gross": (four, "room", replace(NETWORK_NOISE, gross=0.10)),
        "bystander 15 %": (four, "room", replace(NETWORK_NOISE, bystander=((1, 0.15),))),
        "mirrored view": (four, "room", replace(NETWORK_NOISE, mirrored=(2,))),
        "twice the noise": (
            four,
            "room",
            replace(NETWORK_NOISE, jitter_of_torso=0.02, drift_of_torso=0.03),
        ),
        "arc of 90 deg, 2 cameras": (replace(PLAN, cameras=2, arc_deg=90), "room", NETWORK_NOISE),
    }
    cells = [
        run_cell(
            f"{plan.cameras} unlike {name}", plan, "unlike", motion, seeds=range(SEEDS), noise=noise
        )
        for name, (plan, motion, noise) in conditions.items()
    ]
    print_summary("hard conditions", cells)
    assert all(cell.verdicts for cell in cells)


def print_now(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _percentile(values: list[float], percent: float) -> float:
    """Percentile, NaN of nothing."""
    return float(np.percentile(values, percent)) if values else float("nan")
