"""`epipole samples`: store a data set, a session or simulated people as training samples."""

from argparse import Namespace
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from app.cli.progress import Progress
from app.errors import UsageError
from app.exit_codes import DONE
from app.report.calibration_output import print_messages
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session
from training.data.samples import Samples, SampleWriter, Teacher, open_samples
from training.data.session_samples import SessionSamplesConfig, samples_from_session
from training.errors import TrainingError
from training.labels.calibration import read_calibration
from training.labels.files import find_labels, load_labels
from training.public.clips import ImageSelection
from training.public.human36m import read_human36m
from training.public.mpi_inf_3dhp import read_mpi_inf_3dhp
from training.public.mpii import read_mpii
from training.studio.samples import StudioSampleConfig, StudioSampler

TRUTH_SOURCES: dict[Teacher, str] = {
    "truth": "ground truth",
    "annotation": "manual annotation",
    "labels": "labels of a session",
}
PUBLIC_DATASETS = {"mpii": read_mpii, "human36m": read_human36m, "mpi-inf-3dhp": read_mpi_inf_3dhp}
PHOTOGRAPH_STRIDE, FRAME_STRIDE = 1, 5
STUDIO_SAMPLES = 20_000
"""Default of the studio, which would never end by itself."""

UNLIMITED_SAMPLES = 1_000_000
"""More than a session has."""

MIN_SAMPLES = SessionSamplesConfig().min_samples
"""Fewer are too few to train on; --most overrides this."""


def run(options: Namespace) -> int:
    """Store samples.

    Parameters
    ----------
    options
        `kind`, `folder`, `out`, `every`, `most`, `people`, `seed`, `labels`, `rig`.

    Returns
    -------
    code
        0; the command line turns errors into one message and 1.

    Raises
    ------
    UsageError
        If a folder is missing, or an option does not apply to this kind of samples.
    """
    if (options.kind == "studio") != (options.folder is None):
        problem = (
            "takes no folder: it simulates people"
            if options.kind == "studio"
            else "needs a folder to read"
        )
        raise UsageError(
            f"'epipole samples {options.kind}' {problem}. See 'epipole samples --help'."
        )
    if options.kind != "session" and (options.labels or options.rig):
        raise UsageError("--labels and --rig only apply to 'epipole samples session'.")
    count = store_samples(
        _limit_samples(_read_parts(options), options.most), options.out, options.most
    )
    print(
        f"Samples  {options.out}  ({count}, joints from "
        f"{TRUTH_SOURCES[open_samples(options.out).teacher]})"
    )
    return DONE


def store_samples(parts: Iterator[Samples], folder: Path, max_samples: int | None) -> int:
    """Write samples one part after another; an interrupted run leaves no set behind.

    Parameters
    ----------
    parts
        Of one skeleton and one size.
    folder
    max_samples
        The expected number, where known.

    Raises
    ------
    TrainingError
        If there are no samples, the folder already holds a set, or the disk cannot be written.
    """
    with Progress("Storing samples", max_samples, "samples") as progress:
        first = next(parts, None)
        if first is None:
            raise TrainingError(
                "None of these images shows a person with known joints. Use more images."
            )
        count = 0
        with SampleWriter(folder, first.skeleton, first.stored_px) as writer:
            for part in chain([first], parts):
                writer.append(part)
                count += len(part)
                progress(count)
            writer.finish()
    return count


def _read_parts(options: Namespace) -> Iterator[Samples]:
    """Read the samples of the source, a part at a time."""
    if options.kind in PUBLIC_DATASETS:
        default_stride = PHOTOGRAPH_STRIDE if options.kind == "mpii" else FRAME_STRIDE
        return PUBLIC_DATASETS[options.kind](
            options.folder,
            ImageSelection(
                options.every or default_stride, options.people, max_samples=options.most
            ),
        )
    return (
        _draw_studio_samples(options) if options.kind == "studio" else _cut_session_samples(options)
    )


def _draw_studio_samples(options: Namespace) -> Iterator[Samples]:
    """Render simulated people for training."""
    return StudioSampler().draw(
        StudioSampleConfig(seed=options.seed, samples=options.most or STUDIO_SAMPLES)
    )


def _cut_session_samples(options: Namespace) -> Iterator[Samples]:
    """Cut the crops of a session at its labels, evenly thinned by whole instants."""
    path: Path = options.folder
    print_messages(repair_sessions([path]))
    session = Session.open(path)
    calibration_id = read_calibration(options.rig)[1].id if options.rig else ""
    labels = load_labels(find_labels(session.path, options.labels, calibration_id=calibration_id))
    config = SessionSamplesConfig(
        max_samples=options.most or UNLIMITED_SAMPLES,
        min_samples=1 if options.most else MIN_SAMPLES,
    )
    samples = samples_from_session(session, labels, config, rig_file=options.rig)
    instants = np.unique(samples.frameset)[:: options.every or 1]
    yield samples.select(np.isin(samples.frameset, instants))


def _limit_samples(parts: Iterable[Samples], max_samples: int | None) -> Iterator[Samples]:
    """Stop after `max_samples`."""
    left = max_samples
    for part in parts:
        if left is not None and len(part) >= left:
            yield part.select(np.arange(left))
            return
        yield part
        left = None if left is None else left - len(part)
