"""Data of `bench_finetune.py`: sessions of a studio person, exact truth, three ways to spoil them.

All of it is kept under ``EPIPOLE_BENCH_DATA`` and made once.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibration.geometry.transforms import rotation_from_rotvec
from calibration.rig import Rig, load_rig, save_rig
from calibration.skeleton import load_skeleton
from engine.session.session import RIG
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio
from training.data.crops import camera_from_world
from training.data.samples import ARRAYS, IMAGES, Samples, open_samples
from training.data.topology import map_joints
from training.labels.files import FOLDER, load_labels
from training.studio.recordings import StudioRecordingConfig, samples_from_recording

DATA = Path(
    os.environ.get("EPIPOLE_BENCH_DATA", Path(tempfile.gettempdir()) / "epipole_finetune")
).absolute()
SEED, PLAY = int(os.environ.get("EPIPOLE_BENCH_SEED", "31")), 7031
SECONDS = float(os.environ.get("EPIPOLE_BENCH_SECONDS", "60"))
CAMERAS, TURNED_DEG, SWAPPED_SHARE, USEFUL_S = 4, 8.0, 0.4, 2.0
NETWORKS = DATA / "networks"
ENTRY = "from app.cli.entry import main; raise SystemExit(main())"
SOURCE = load_skeleton("blazepose_33")


def run_epipole(
    *arguments: str | Path, networks: Path = NETWORKS
) -> subprocess.CompletedProcess[str]:
    """Do what a person would type, with a library of its own."""
    command = [sys.executable, "-c", ENTRY, *map(str, arguments)]
    environment = {**os.environ, "EPIPOLE_NETWORKS": str(networks)}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def make_session() -> Path:
    """The person's session: filmed, calibrated and tracked by `epipole demo`."""
    folder = DATA / f"person-{SEED}-{SECONDS:g}s"
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(making, ignore_errors=True)
        arguments = (
            "--headless",
            "--cameras",
            CAMERAS,
            "--seed",
            SEED,
            "--seconds",
            f"{SECONDS:g}",
            "--out",
            making,
        )
        done = run_epipole("demo", *map(str, arguments))
        assert done.returncode == 0, done.stdout[-2000:]
        making.rename(folder)
    return folder / "session"


def make_studio() -> Studio:
    """Where it was filmed."""
    return Studio(StudioConfig(seed=SEED, cameras=CAMERAS, seconds=SECONDS))


def replace_with_truth(samples: Samples, of: Studio, rig: Rig) -> Samples:
    """The same crops with the exact joints at each image's own instant, in the true cameras."""
    joint_map = map_joints(SOURCE, samples.skeleton)
    cameras = tuple(of.rig[camera.name] for camera in samples.cameras)
    names = [cameras[which].name for which in samples.camera]
    late_ns = np.array(
        [of.time_offset_ns[name] - rig.time_offset_ns.get(name, 0) for name in names]
    )
    joints = joint_map.points(of.truth_as_detected(samples.time_ns + late_ns))
    xyz = [camera_from_world(pose, cameras[which]) for pose, which in zip(joints, samples.camera)]
    weight = np.ones_like(samples.weight)
    return replace(
        samples, cameras=cameras, xyz=np.array(xyz, np.float32), weight=weight, teacher="truth"
    )


def relabel(source: Path, target: Path, truth: Samples) -> None:
    """Make a set of the same crops whose labels are the truth."""
    target.mkdir(parents=True)
    (target / IMAGES).symlink_to(source / IMAGES)
    with np.load(source / ARRAYS) as file:
        arrays = {name: file[name] for name in file.files}
    arrays |= {"xyz": truth.xyz, "weight": truth.weight}
    for name in ("matrix", "distortion", "cam_from_world"):
        arrays[f"cameras_{name}"] = np.array([getattr(camera, name) for camera in truth.cameras])
    np.savez(target / ARRAYS, **arrays)
    open_samples(target)


def make_other_session() -> Samples:
    """The same person doing something else, with exact truth; two instants a second."""
    return samples_from_recording(
        SEED, StudioRecordingConfig(SECONDS, 2.0, play=PLAY, cameras=CAMERAS)
    )


def turn_camera() -> Path:
    """The session with a rig of which one camera was turned after the calibration."""
    folder = _copy_session("turned")
    rig = load_rig(folder / RIG)
    turn = np.eye(4)
    turn[:3, :3] = rotation_from_rotvec(np.array([0.0, np.radians(TURNED_DEG), 0.0]))
    cameras = list(rig.cameras)
    cameras[1] = replace(cameras[1], cam_from_world=turn @ cameras[1].cam_from_world)
    save_rig(replace(rig, cameras=tuple(cameras)), folder / RIG)
    return folder


def swap_labels() -> Path:
    """The session with left and right exchanged in all labels of some instants."""
    folder = _copy_session("swapped")
    path, arrays = _label_session(folder)
    joints = load_labels(path).joints
    other = [joints.index(_mirror_joint(joint)) for joint in joints]
    swapped = np.random.default_rng(0).random(len(arrays["time_ns"])) < SWAPPED_SHARE
    for name in ("xyz", "weight", "reasons"):  # what is there already is not labelled again
        arrays[name][swapped] = arrays[name][swapped][:, other]
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return folder


def keep_two_seconds() -> Path:
    """The session with a person in it for two seconds."""
    folder = _copy_session("two seconds")
    path, arrays = _label_session(folder)
    since_middle = np.abs(arrays["time_ns"] - np.median(arrays["time_ns"])) * 1e-9
    away = since_middle > USEFUL_S / 2
    arrays["reasons"][away] = 1
    arrays["weight"][away] = 0
    arrays["view_confidence"][:, away] = 0
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return folder


def _copy_session(name: str) -> Path:
    """A copy of the session without its labels; the videos are the same files."""
    folder = DATA / "spoiled" / name
    shutil.rmtree(folder, ignore_errors=True)
    source = make_session()
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("cameras", FOLDER))
    (folder / "cameras").symlink_to(source / "cameras")
    return folder


def _label_session(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Label a session and return the set, to be changed."""
    done = run_epipole("label", folder)
    assert done.returncode == 0, done.stdout[-2000:]
    path = next((folder / FOLDER).glob("*.npz"))
    with np.load(path) as file:
        return path, {name: file[name].copy() for name in file.files}


def _mirror_joint(joint: str) -> str:
    """The same joint of the other side."""
    sides = {"left": "right", "right": "left"}
    return "_".join(sides.get(part, part) for part in joint.split("_"))
