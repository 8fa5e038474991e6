"""Subject: what a bench measures on every clip, as one table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.models.library import EMBEDDED, PICTURES
from engine.monocular.load import OWN_POSE
from engine.offline.progress import Progress
from training.world.observe import ObservedClip
from training.world.table import Column, Row

LIVE, UNCALIBRATED = " live", " uncalibrated"
METHODS = (EMBEDDED, EMBEDDED + LIVE, EMBEDDED + UNCALIBRATED, PICTURES, OWN_POSE)


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How a bench runs.

    Parameters
    ----------
    model
        Name of the pose model that finds the joints in the images.
    quick
        Leave out what only adds detail: pairs of views.
    methods
        For one camera: names of models, `engine.monocular.load.OWN_POSE`; with " live" appended, a
        lifter sees no future, with " uncalibrated" neither the lens nor up is known.
    """

    model: str
    quick: bool = False
    methods: tuple[str, ...] = METHODS


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One table of the bench, and how its rows are measured.

    Parameters
    ----------
    name, title
        Of the table: for the CSV, and for people.
    columns
    measure
        Called with each clip; returns its rows in the order in which they are shown, and none of a
        clip that lacks what is measured. May raise to cancel.
    summarise
        Returns rows about all clips so far; shown below the others.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    measure: Callable[[ObservedClip, BenchOptions, Progress], Iterable[Row]]
    summarise: Callable[[], Iterable[Row]] = tuple
