"""The first steps of a fine-tuning: labels, the network in use, crops, and what is set aside."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.skeleton import load_skeleton
from engine.inference.network_library import Entry, NetworkLibrary
from engine.session import Session
from training.checkpoint import load_checkpoint
from training.errors import DatasetError, TrainingError
from training.finetune import Watch, Work
from training.finetune_exam import judgeable
from training.label_files import load_labels
from training.label_report import sentences
from training.label_session import label_session
from training.render_shards import render_shard
from training.samples import ARRAYS, MARGIN, Samples, SampleWriter, open_samples
from training.session_samples import SessionSamplesConfig, samples_from_session
from training.splits import SplitConfig, split
from training.studio_samples import StudioSampleConfig

SAMPLES, PARTS = "samples", "parts.npz"
MOST_SAMPLES = 3600
"""Of all sessions: 0.4 GB of crops; a minute of four cameras at 15 images a second."""

REPLAYED = 768
"""Drawn people that are shown among the person's own, so that the network does not forget everybody else."""

CAMERAS_TO_SPARE = 3
"""With so many cameras one is held out altogether: what judges is then a view that the network never learned from."""

EXAM = SplitConfig()
STOP = SplitConfig(held_out_share=0.12, held_out_blocks=2, gap_s=0.5)
"""When to stop is decided on other clips than which network is better: the best of many on one exam flatters itself."""


def label(work: Work, watch: Watch) -> dict[str, Any]:
    """Label every session; a set that is there already stays."""
    sets, ids, remarks = [], [], []
    count = len(work.request.sessions)
    for number, path in enumerate(work.request.sessions):
        session = Session.open(path)
        labelled = label_session(
            session, progress=lambda step, share, number=number: watch((number + share) / count, sentence=step)
        )
        sets.append(str(labelled.path))
        ids.append(labelled.labels.calibration.id)
        remarks += [f"{path.name}: {sentence}" for sentence in sentences(labelled.summary)[:1]]
    return {"sets": sets, "calibrations": list(dict.fromkeys(ids)), "remarks": remarks}


def parent(work: Work, _watch: Watch) -> dict[str, Any]:
    """Find the network that serves the person, which is to be beaten, and the one to start from."""
    library = library_of(work)
    choice = library.choice(work.request.person)
    start = _start(library, work.request.start) if work.request.start else choice.entry
    if start is None:
        raise TrainingError(
            "There is no network to start from yet. Train one with 'epipole train compact-3d', or name one with "
            "--start."
        )
    rival = choice.entry or start
    first, other = (_checkpoint_of(entry) for entry in (start, rival))
    begun, beaten = load_checkpoint(first), load_checkpoint(other)
    if begun.skeleton != beaten.skeleton:
        raise TrainingError(
            f"'{_name(start)}' finds the joints of {begun.skeleton}, the network in use those of {beaten.skeleton}: "
            "they cannot be compared. Choose another one with --start."
        )
    return {
        "name": _name(start),
        "checkpoint": str(first),
        "rival": _name(rival),
        "rival_checkpoint": str(other),
        "skeleton": begun.skeleton,
        "size_px": begun.network.size_px,
        "licence": start.card.licence if isinstance(start, Entry) else "Apache-2.0",
        "remarks": list(choice.remarks),
    }


def collect(work: Work, watch: Watch) -> dict[str, Any]:
    """Cut the crops of all sessions into the run's folder, and draw people to be reminded of."""
    begun, sets = work.results["parent"], work.results["label"]["sets"]
    stored_px = round(MARGIN * begun["size_px"])
    config = SessionSamplesConfig(
        most_samples=MOST_SAMPLES // len(sets),
        stored_px=stored_px,
        skeleton=begun["skeleton"],
        person=work.request.person,
    )
    folder = work.folder / SAMPLES
    if not (folder / ARRAYS).exists():  # a run that was killed between the two has its crops already
        _cut(work, config, folder, watch)
    samples = open_samples(folder)
    _replay(work, samples, watch)
    return {"samples": len(samples), "cameras": len({camera.name for camera in samples.cameras})}


def divide(work: Work, _watch: Watch) -> dict[str, Any]:
    """Set clips and, where there are cameras to spare, a camera aside: for stopping, and for the exam."""
    samples = open_samples(work.folder / SAMPLES)
    camera = _camera_to_spare(samples)
    exam = split(samples, replace(EXAM, held_out_camera=camera))
    taught = replace(samples.taken(exam.train[:0]), **_without_images(samples, exam.train))
    stop = split(taught, STOP)
    parts = {"train": exam.train[stop.train], "stop": exam.train[stop.judge], "exam": exam.judge}
    parts["exam"] = np.intersect1d(parts["exam"], judgeable(samples))
    parts["stop"] = np.intersect1d(parts["stop"], judgeable(samples))
    teaching = np.intersect1d(parts["train"], judgeable(samples))
    if min(len(part) for part in (parts["exam"], parts["stop"], teaching)) == 0:
        raise TrainingError(
            "Too few joints could be labelled to teach and to judge. Record for a minute or more, the whole body in "
            "view of all cameras."
        )
    np.savez(work.folder / PARTS, **parts)  # type: ignore[arg-type]
    seconds = round(EXAM.held_out_share * 100)
    aside = f"{seconds} % of the time, in {EXAM.held_out_blocks} blocks per session, with a second around each"
    if camera:
        aside += f"; and all of camera '{camera}'"
    return {"counts": {name: len(part) for name, part in parts.items()}, "camera": camera, "set_aside": aside}


def parts_of(work: Work) -> dict[str, np.ndarray]:
    """Return the rows that teach, stop and judge."""
    with np.load(work.folder / PARTS) as file:
        return {name: file[name] for name in file.files}


def replayed(work: Work) -> Samples | None:
    """Return the drawn people to be reminded of; None where there are none."""
    try:
        return open_samples(_replay_folder(work, open_samples(work.folder / SAMPLES)))
    except DatasetError:
        return None


def library_of(work: Work) -> NetworkLibrary:
    """Return the library of networks that the run works with."""
    return NetworkLibrary(Path(work.request.library) if work.request.library else None)


def _start(library: NetworkLibrary, what: str) -> Entry | Path:
    """Find the network that a person named."""
    path = Path(what)
    return path if path.suffix == ".pt" else library.network(what)


def _name(network: Entry | Path) -> str:
    """Name a network for a person."""
    return network.name if isinstance(network, Entry) else network.stem


def _checkpoint_of(network: Entry | Path) -> Path:
    """Return what a network can be taught further from."""
    if isinstance(network, Path):
        return network
    if network.checkpoint is None:
        raise TrainingError(
            f"The network '{network.name}' came without its checkpoint, so it cannot be taught further. Choose another "
            "one with --start."
        )
    return network.checkpoint


def _cut(work: Work, config: SessionSamplesConfig, folder: Path, watch: Watch) -> None:
    """Cut the crops, session after session, so that one is in memory at a time."""
    sets, instants = work.results["label"]["sets"], 0
    with SampleWriter(folder, load_skeleton(config.skeleton), config.stored_px) as writer:
        for number, (path, labels) in enumerate(zip(work.request.sessions, sets)):
            samples = samples_from_session(
                Session.open(path),
                load_labels(Path(labels)),
                config,
                lambda step, share, number=number: watch(0.9 * (number + share) / len(sets), sentence=step),
            )
            writer.append(replace(samples, frameset=samples.frameset + instants))
            instants += int(samples.frameset.max()) + 1
        writer.finish()


def _replay(work: Work, samples: Samples, watch: Watch) -> None:
    """Draw the people to be reminded of, once for all runs."""
    folder = _replay_folder(work, samples)
    if not (folder / ARRAYS).exists():
        watch(0.9, sentence="Drawing people, so that the network does not forget everybody else")
        config = StudioSampleConfig(samples=REPLAYED, skeleton=samples.skeleton.name, stored_px=samples.stored_px)
        render_shard(folder, config, watch=lambda: watch(math.nan))


def _replay_folder(work: Work, samples: Samples) -> Path:
    """Say where the people to be reminded of lie: beside the runs, which share them."""
    return work.folder.parent / f"replay-{samples.skeleton.name}-{samples.stored_px}-{REPLAYED}"


def _camera_to_spare(samples: Samples) -> str:
    """Choose the camera that only judges: the one in the middle by what it can judge; '' where each is needed."""
    names = [camera.name for camera in samples.cameras]
    if len(set(names)) < CAMERAS_TO_SPARE:
        return ""
    counts = {name: 0 for name in sorted(names)}
    for row in judgeable(samples):
        counts[names[samples.camera[row]]] += 1
    return sorted(counts, key=lambda name: counts[name])[len(counts) // 2]


def _without_images(samples: Samples, rows: np.ndarray) -> dict[str, Any]:
    """Take some rows of a set without reading their crops."""
    names = ("region", "camera", "xyz", "weight", "xy", "confidence", "frameset", "time_ns", "person", "clip", "action")
    picture = np.broadcast_to(np.zeros(1, np.uint8), (len(rows), *samples.image.shape[1:]))
    return {"image": picture, **{name: getattr(samples, name)[rows] for name in names}}
