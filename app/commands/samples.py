"""`epipole samples`: a published set, a session or the studio as stored samples that a network can be trained on."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from app.errors import UsageError
from app.mend import mend_sessions
from app.progress import Progress
from engine.session import Session
from training.data.samples import Samples, SampleWriter, Teacher, open_samples
from training.data.session_samples import SessionSamplesConfig, samples_from_session
from training.errors import TrainingError
from training.labels.calibration import read_calibration
from training.labels.files import find_labels, load_labels
from training.public.clips import Choice
from training.public.human36m import human36m_samples
from training.public.mpi_inf_3dhp import mpi_inf_3dhp_samples
from training.public.mpii import mpii_samples
from training.studio.samples import StudioSampleConfig, StudioSampler

DONE = 0
KNOWN: dict[Teacher, str] = {"truth": "exact truth", "annotation": "what people marked", "labels": "a rig's labels"}
PUBLIC = {"mpii": mpii_samples, "human36m": human36m_samples, "mpi-inf-3dhp": mpi_inf_3dhp_samples}
EVERY_PHOTOGRAPH, EVERY_FRAME = 1, 5
STUDIO_SAMPLES = 20_000
"""What the studio draws where nobody says how many: it would never end."""

ALL = 1_000_000
"""More than a session has."""

LEAST = SessionSamplesConfig().least_samples
"""With fewer there is nothing to learn; whoever asks for few with --most may have them."""


def run(options: Namespace) -> int:
    """Store samples.

    Parameters
    ----------
    options
        `kind`, `folder`, `out`, `every`, `most`, `people`, `seed`, `labels`, `rig`.

    Returns
    -------
    code
        0; the command line turns errors into one sentence and 1.

    Raises
    ------
    UsageError
        If a folder is missing, or an option is given to what does not know it.
    """
    if (options.kind == "studio") != (options.folder is None):
        wanted = "needs no folder: it draws its people" if options.kind == "studio" else "needs the folder to read"
        raise UsageError(f"'epipole samples {options.kind}' {wanted}. See 'epipole samples --help'.")
    if options.kind != "session" and (options.labels or options.rig):
        raise UsageError("--labels and --rig belong to 'epipole samples session'; leave them out.")
    count = store(_at_most(_parts(options), options.most), options.out, options.most)
    print(f"Samples  {options.out}  ({count}, joints known from {KNOWN[open_samples(options.out).teacher]})")
    return DONE


def store(parts: Iterator[Samples], folder: Path, most: int | None) -> int:
    """Write samples as they come; a making that is broken off leaves no set behind.

    Parameters
    ----------
    parts
        Of one skeleton and one size.
    folder
    most
        How many there will be, where that is known.

    Returns
    -------
    count

    Raises
    ------
    TrainingError
        If there are none, the folder holds a set already, or the disk refuses.
    """
    with Progress("Storing samples", most, "samples") as progress:
        first = next(parts, None)
        if first is None:
            raise TrainingError("Not one image shows a person whose joints are known. Ask for more images.")
        count = 0
        with SampleWriter(folder, first.skeleton, first.stored_px) as writer:
            for part in chain([first], parts):
                writer.append(part)
                count += len(part)
                progress(count)
            writer.finish()
    return count


def _parts(options: Namespace) -> Iterator[Samples]:
    """Read the samples of what was named, a part at a time."""
    if options.kind in PUBLIC:
        usual = EVERY_PHOTOGRAPH if options.kind == "mpii" else EVERY_FRAME
        return PUBLIC[options.kind](options.folder, Choice(options.every or usual, options.people, most=options.most))
    return _studio(options) if options.kind == "studio" else _session(options)


def _studio(options: Namespace) -> Iterator[Samples]:
    """Draw people of the studio that may be trained on."""
    return StudioSampler().draw(StudioSampleConfig(seed=options.seed, samples=options.most or STUDIO_SAMPLES))


def _session(options: Namespace) -> Iterator[Samples]:
    """Cut the crops of a session at its labels; where there are too many, whole instants are left out evenly."""
    path: Path = options.folder
    mend_sessions([path])
    session = Session.open(path)
    calibration_id = read_calibration(options.rig)[1].id if options.rig else ""
    labels = load_labels(find_labels(session.path, options.labels, calibration_id=calibration_id))
    config = SessionSamplesConfig(most_samples=options.most or ALL, least_samples=1 if options.most else LEAST)
    samples = samples_from_session(session, labels, config, rig_file=options.rig)
    instants = np.unique(samples.frameset)[:: options.every or 1]
    yield samples.taken(np.isin(samples.frameset, instants))


def _at_most(parts: Iterable[Samples], most: int | None) -> Iterator[Samples]:
    """Stop after so many samples."""
    left = most
    for part in parts:
        if left is not None and len(part) >= left:
            yield part.taken(np.arange(left))
            return
        yield part
        left = None if left is None else left - len(part)
