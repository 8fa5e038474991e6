"""Data of `bench_pose_resnet.py`: studio people, and three teachers of the same crops.

A person costs about two minutes once (20 s, four cameras, ten framesets a second), then everything
lies under ``EPIPOLE_BENCH_DATA``: the crops with the exact truth, and beside it what the rig and
what the published recipe say of the very same crops. The rig is calibrated from the detector's
joints alone.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibration.evidence.observations import Observations
from calibration.evidence.timing import interpolate_to_common_time
from calibration.rig import Camera, Rig, load_rig, save_rig
from calibration.self_calibrate import CalibrationOptions
from calibration.skeleton import load_skeleton
from engine.inference.estimator import create_estimator
from engine.inference.preprocess import BLACK, Region, cut
from engine.offline import recording as offline
from engine.offline.footage import open_inputs
from engine.reconstruction.people import choose_before_rig, choose_by_rig
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio
from training.data.augment import AugmentConfig, occlude
from training.data.crops import camera_from_world, square_around_joints, world_from_camera
from training.data.occluders import draw_occluders
from training.data.samples import MARGIN, STORED_PX, Samples, join, open_samples, write_samples
from training.data.topology import map_joints
from training.labels.calibration import read_calibration
from training.labels.person import repair_person
from training.labels.pseudo_labels import PseudoLabels, make_labels
from training.labels.two_views.published_recipe import label_by_two_views
from training.studio.samples import StudioSampleConfig, draw_samples
from training.studio.seeds import HELD_OUT_SEEDS, TRAIN_SEEDS

DATA = Path(
    os.environ.get("EPIPOLE_BENCH_DATA", Path(tempfile.gettempdir()) / "epipole_pose_resnet")
)
SECONDS = int(os.environ.get("EPIPOLE_BENCH_SECONDS", "20"))
STRIDE = 3  # of the studio's 30 framesets a second
FIRST_TRAINING_SEED, FIRST_HELD_OUT_SEED = TRAIN_SEEDS.start + 500_000, HELD_OUT_SEEDS.start + 5_000
SOURCE, TARGET = load_skeleton("blazepose_33"), load_skeleton("mpii_16")
JOINTS = map_joints(SOURCE, TARGET)
PAIRS = ((0, 1), (2, 3))
MIN_JOINTS = 8
REFUSED = "refused"
TEACHERS = ("truth", "ours", "two views")
FLAT_SAMPLES = int(os.environ.get("EPIPOLE_BENCH_FLAT", "8192"))
OCCLUDED_SHARES = (0.2, 0.5)


def load_training_samples(people: int, teacher: str) -> Samples:
    """All crops of the training people, labelled by one teacher."""
    return join([load(seed, teacher) for seed in find_people(FIRST_TRAINING_SEED, people)])


def load_held_out(people: int, stride: int) -> Samples:
    """Every so many-th crop of held-out people, with the exact truth and the detector's 2D."""
    sets = [load(seed, "truth") for seed in find_people(FIRST_HELD_OUT_SEED, people)]
    return join([samples.select(np.arange(0, len(samples), stride)) for samples in sets])


def find_people(first: int, count: int) -> list[int]:
    """The first so many seeds whose rig could be calibrated; those refused are printed once."""
    found, seed = [], first
    while len(found) < count:
        folder = DATA / f"{seed}-{SECONDS}s"
        if not (folder / "labels.npz").is_file() and not (folder / REFUSED).is_file():
            make(seed, folder)
        if not (folder / REFUSED).is_file():
            found.append(seed)
        seed += 1
    return found


def load_flat() -> Samples:
    """Randomised studio people with joints in the image only: what MPII is to the paper."""
    folder = DATA / f"flat-{FLAT_SAMPLES}"
    if not (folder / "samples.npz").is_file():
        write_samples(folder, draw_samples(StudioSampleConfig(samples=FLAT_SAMPLES)))
    samples = open_samples(folder)
    return replace(
        samples, xyz=np.full_like(samples.xyz, np.nan), weight=np.zeros_like(samples.weight)
    )


def occlude_samples(samples: Samples, seed: int = 0) -> Samples:
    """The same crops with things standing in them."""
    rng, config = np.random.default_rng(seed), AugmentConfig()
    things = draw_occluders(200, rng)
    image = np.stack(
        [
            occlude(crop, things, rng.uniform(*OCCLUDED_SHARES), config, rng)[0]
            for crop in samples.image
        ]
    )
    return replace(samples, image=image)


def load(seed: int, teacher: str) -> Samples:
    """The crops of one person, labelled by one teacher."""
    folder = DATA / f"{seed}-{SECONDS}s"
    samples = open_samples(folder / "samples")
    if teacher == "truth":
        return samples
    with np.load(folder / "labels.npz") as kept:
        key = teacher.replace(" ", "_")
        cameras = rename_cameras(load_rig(folder / "rig.toml").cameras, seed)
        return replace(
            samples, cameras=cameras, xyz=kept[f"{key}_xyz"], weight=kept[f"{key}_weight"]
        )


def make(seed: int, folder: Path) -> None:
    """Film, find the joints, calibrate, label by every teacher, and cut the crops."""
    with open_inputs([f"studio:?cameras=4&seconds={SECONDS}&seed={seed}"]) as footage:
        estimator = create_estimator("blazepose", 4)
        framesets = (
            frameset for frameset in footage.read_framesets() if frameset.index % STRIDE == 0
        )
        sets = offline.estimate_poses(framesets, estimator)
        recording = offline.PoseRecording(
            sets, SOURCE, footage.view_names, tuple(source.size_wh for source in footage.sources)
        )
        estimator.close()
    studio = Studio(StudioConfig(seed=seed, cameras=4, seconds=SECONDS))
    folder.mkdir(parents=True, exist_ok=True)
    rig = offline.calibrate_recording(recording, CalibrationOptions(studio.stature_m)).rig
    if rig is None:
        print(f"studio {seed}: the rig was refused; another person takes the place")
        (folder / REFUSED).touch()
        return
    save_rig(rig, folder / "rig.toml")
    candidates = recording.candidates
    seen = candidates.select(choose_by_rig(candidates, rig, choose_before_rig(candidates)))
    person = repair_person(seen, rig)
    labels = make_labels(person, *read_calibration(folder / "rig.toml"))
    own = seen.swap_sides(person.swapped)
    rows = find_usable(own)
    if not (folder / "samples" / "samples.npz").is_file():
        write_samples(folder / "samples", cut_crops(studio, own, rows, labels.action))
    ours = label_views(labels, own, rig)
    recipe = label_views_by_two(seen, rig, studio.stature_m)
    kept = {
        "ours_xyz": ours[0],
        "ours_weight": ours[1],
        "two_views_xyz": recipe[0],
        "two_views_weight": recipe[1],
    }
    kept = {
        name: np.swapaxes(values, 0, 1)[tuple(rows.T)].astype(np.float32)
        for name, values in kept.items()
    }
    np.savez_compressed(folder / "labels.npz", **kept)


def find_usable(own: Observations) -> np.ndarray:
    """Frames and views that show enough of the person, (N, 2)."""
    found = np.isfinite(JOINTS.points(own.xy)).all(-1).sum(-1) >= MIN_JOINTS
    return np.argwhere(found & (own.view_time_ns >= 0))


def cut_crops(studio: Studio, own: Observations, rows: np.ndarray, action: np.ndarray) -> Samples:
    """The crops around what the detector found, with the exact truth at each image's own time."""
    cameras, offset_ns = (
        studio.rig.cameras,
        [studio.time_offset_ns[name] for name in own.view_names],
    )
    xy, confidence = JOINTS.points(own.xy), JOINTS.confidence(own.confidence)
    actions = tuple(sorted(set(map(str, action))))
    image, region, xyz = [], [], []
    for t, v in rows:
        square = square_around_joints(xy[t, v])
        time_ns = int(own.view_time_ns[t, v])
        frame = studio.render(int(v), round(time_ns * studio.config.rate_fps / 1e9))
        assert frame is not None
        side = MARGIN * square.size_wh[0]
        wide = Region(square.center_xy, (side, side))
        image.append(cut(frame.image_bgr, wide, (STORED_PX, STORED_PX), BLACK))
        region.append((*square.center_xy, square.size_wh[0]))
        joints = JOINTS.points(studio.truth_as_detected(time_ns + offset_ns[v]))
        xyz.append(camera_from_world(joints, cameras[v]))
    t, v = rows.T
    seed, zero = studio.config.seed, np.zeros(len(rows), np.int32)
    return Samples(
        image=np.stack(image),
        region=np.array(region),
        camera=v.astype(np.int32),
        cameras=rename_cameras(cameras, seed),
        xyz=np.array(xyz, np.float32), weight=np.ones(confidence[t, v].shape, np.float32),
        xy=xy[t, v].astype(np.float32),
        confidence=np.nan_to_num(confidence[t, v]).astype(np.float32),
        frameset=t.astype(np.int64), time_ns=own.time_ns[t], person=zero, clip=zero,
        action=np.array([actions.index(str(action[row])) for row in t], np.int32),
        persons=(f"studio {seed}",), clips=(f"studio {seed}",), actions=actions, skeleton=TARGET,
    )  # fmt: skip


def label_views(labels: PseudoLabels, own: Observations, rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Our labels in every camera, (V, T, J, 3) m and (V, T, J), at the time of each image."""
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in own.view_names], np.int64)
    late_s = (own.view_time_ns + offsets - labels.time_ns[:, None]) * 1e-9
    velocity = np.nan_to_num(np.gradient(labels.xyz, labels.time_ns * 1e-9, axis=0))
    weight = JOINTS.confidence(labels.weight)
    xyz = [
        camera_from_world(JOINTS.points(labels.xyz + velocity * late_s[:, v, None, None]), camera)
        for v, camera in enumerate(rig.cameras)
    ]
    return np.stack(xyz), np.stack([weight] * len(rig.cameras))


def label_views_by_two(
    seen: Observations, rig: Rig, stature_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """The published recipe's labels in every camera: each pair of neighbours labels its views."""
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in seen.view_names], np.int64)
    common = interpolate_to_common_time(seen, offsets)
    xyz = np.full((len(rig.cameras), len(seen.time_ns), len(TARGET.joints), 3), np.nan)
    for first, second in PAIRS:
        found = JOINTS.points(
            label_by_two_views(common, rig.cameras, stature_m, (first, second)).xyz
        )
        room = world_from_camera(found, rig.cameras[first])
        for view in (first, second):
            xyz[view] = camera_from_world(room, rig.cameras[view])
    return xyz, np.isfinite(xyz).all(-1).astype(float)


def rename_cameras(cameras: tuple[Camera, ...], seed: int) -> tuple[Camera, ...]:
    """Cameras whose names say whose they are."""
    return tuple(replace(camera, name=f"{seed} {camera.name}") for camera in cameras)
