"""How far `epipole demo` is from the exact truth, over seeds: rig, joints, scale, its own sigmas.

``EPIPOLE_BENCH_SEEDS=0-20 pytest -m benchmark -s tests/benchmarks/bench_demo.py`` (some 70 s of
processor time a seed).
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calibration.geometry.alignment import align_similarity
from calibration.rig import load_rig
from tests.support.calibrations import (
    measure_camera_errors,
    measure_focal_errors_percent,
    measure_pair_rotation_errors_deg,
)

pytestmark = pytest.mark.benchmark


def read_seeds() -> list[int]:
    first, _, last = os.environ.get("EPIPOLE_BENCH_SEEDS", "0-1").partition("-")
    return list(range(int(first), int(last or first) + 1))


def test_the_demo_against_exact_truth(tmp_path):
    rows = []
    for seed in read_seeds():
        folder = tmp_path / str(seed)
        epipole = shutil.which("epipole", path=str(Path(sys.executable).parent)) or "epipole"
        command = [epipole, "demo", "--headless", "--seed", str(seed), "--out", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        rows.append(measure_errors(folder))
        shutil.rmtree(folder / "session")
        print(
            seed,
            " ".join(
                f"{name} {value:.2f}" for name, value in rows[-1].items() if np.ndim(value) == 0
            ),
            flush=True,
        )
    for name in ("rotation", "position", "focal"):
        ratio = np.concatenate([row[name] for row in rows])
        print(
            f"{name}: true error / sigma, rms {np.sqrt((ratio**2).mean()):.2f}, p90 "
            f"{np.percentile(ratio, 90):.2f}"
        )


def measure_errors(folder: Path) -> dict:
    """Compare what a demo wrote with the truth that it wrote beside it."""
    rig, truth = load_rig(folder / "rig.toml"), load_rig(folder / "truth_rig.toml")
    true = read_joints(folder / "truth_3d.csv")
    found = read_joints(folder / "poses_3d.csv")
    both = sorted(true.keys() & found.keys())
    source, target = np.array([found[key] for key in both]), np.array([true[key] for key in both])
    scale, R, t = align_similarity(source, target)
    error_mm = np.linalg.norm(scale * source @ R.T + t - target, axis=1) * 1e3
    sigma = json.loads((folder / "report.json").read_text(encoding="utf-8"))["cameras"]
    rotation, position = measure_camera_errors(rig, truth, 1.0)
    focal = np.abs(measure_focal_errors_percent(rig, truth))
    return {
        "worst_pair_deg": measure_pair_rotation_errors_deg(rig, truth).max(),
        "mpjpe_mm": error_mm.mean(),
        "found": len(both) / len(true),
        "scale_percent": 100 * (1 / scale - 1),
        "rotation": rotation / [camera["rotation_sigma_deg"] for camera in sigma],
        "position": position / [camera["position_sigma_m"] for camera in sigma],
        "focal": focal / [camera["focal_sigma_percent"] for camera in sigma],
    }


def read_joints(path: Path) -> dict[tuple[int, str], tuple[float, float, float]]:
    """Read joints by frameset and name."""
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return {
            (int(r["frame"]), r["joint"]): (float(r["x_m"]), float(r["y_m"]), float(r["z_m"]))
            for r in rows
        }
