"""Run the bench: every subject on every clip of a folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.errors import EngineError
from engine.offline.progress import Progress, StepProgress, ignore_progress
from training.errors import DatasetError
from training.world.clip import FoundClip
from training.world.monocular import make_monocular_subject
from training.world.observe import observe_clip
from training.world.rigs import RIGS
from training.world.subject import BenchOptions, Subject
from training.world.table import Row, Table


def make_subjects() -> tuple[Subject, ...]:
    """Make the tables, in the order in which they are shown."""
    return make_monocular_subject(), RIGS


@dataclass(frozen=True, slots=True, eq=False)
class BenchResult:
    """What was measured so far.

    Parameters
    ----------
    tables
        Those of all subjects.
    faults
        Messages on clips that could not be measured.
    """

    tables: tuple[Table, ...]
    faults: tuple[str, ...] = ()


def run_bench(
    clips: Sequence[FoundClip], options: BenchOptions, progress: Progress = ignore_progress
) -> Iterator[BenchResult]:
    """Measure every subject on every clip.

    Parameters
    ----------
    clips
    options
    progress
        Called with each step of each clip; may raise to cancel.

    Yields
    ------
    result
        After each clip: all that was measured up to it. A clip that cannot be read is a fault of
        the result, and the others go on.
    """
    subjects = make_subjects()
    rows: dict[str, list[Row]] = {subject.name: [] for subject in subjects}
    faults: list[str] = []
    for number, found in enumerate(clips):
        where = f"{found.name} ({number + 1} of {len(clips)})" if len(clips) > 1 else found.name
        try:
            for name, measured in _measure_clip(found, where, subjects, options, progress):
                rows[name] += measured
        except (DatasetError, EngineError) as error:
            faults.append(f"Clip '{found.name}' is left out. {error}")
        tables = tuple(
            Table(
                subject.name,
                subject.title,
                subject.columns,
                (*rows[subject.name], *subject.summarise()),
            )
            for subject in subjects
        )
        yield BenchResult(tables, tuple(faults))


def _measure_clip(
    found: FoundClip,
    where: str,
    subjects: Sequence[Subject],
    options: BenchOptions,
    progress: Progress,
) -> Iterator[tuple[str, list[Row]]]:
    """Measure every subject on a clip: names of the subjects, and their rows."""
    clip = replace(found.load(), name=found.name)

    def report_finding(step: StepProgress) -> None:
        progress(replace(step, step=f"{where}: finding joints"))

    observed = observe_clip(clip, options.model, report_finding)
    for subject in subjects:
        yield subject.name, list(subject.measure(observed, options, progress))
