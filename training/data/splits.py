"""Splits: which samples train and which judge, with a gap in time between the two."""

from dataclasses import dataclass

import numpy as np

from calibration.geometry.arrays import I64, Mask
from training.data.samples import Samples
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class SplitConfig:
    """What is held out.

    Parameters
    ----------
    held_out_share
        Of each clip's time.
    held_out_blocks
        Pieces in which it is held out, evenly over the clip: one alone might show one exercise
        only.
    held_out_camera
        Name of the view that judges; empty for all of them. It is not trained on then, not even at
        other times.
    gap_s
        Time around what is held out that is in neither: poses a moment apart are nearly the same.
    min_samples
        On either side.
    """

    held_out_share: float = 0.2
    held_out_blocks: int = 3
    held_out_camera: str = ""
    gap_s: float = 1.0
    min_samples: int = 16


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Samples for training and samples for judging.

    Parameters
    ----------
    train, judge : (N,)
        Positions, rising.
    """

    train: I64
    judge: I64


def split(samples: Samples, config: SplitConfig | None = None) -> Split:
    """Hold out blocks of time, and a camera if there is one to be held out.

    Parameters
    ----------
    samples
        Clips are split each by itself.
    config
        None takes the usual one.

    Returns
    -------
    split
        No instant of the judge, nor any nearer than the gap, is among the training samples.

    Raises
    ------
    TrainingError
        If there is no such camera, or hardly anything would be left on a side.
    """
    config = config or SplitConfig()
    if not (0 < config.held_out_share < 1 and config.held_out_blocks >= 1 and config.gap_s >= 0):
        raise TrainingError(
            "A split holds out a share between 0 and 1, in one block or more, with a gap of 0 s "
            "or more."
        )
    judges = np.zeros(len(samples), bool)
    trains = np.zeros(len(samples), bool)
    for clip in np.unique(samples.clip):
        rows = np.flatnonzero(samples.clip == clip)
        judges[rows], trains[rows] = _split_by_time(samples.time_ns[rows], config)
    # an instant whose images straddle a limit judges as a whole
    trains &= ~np.isin(samples.frameset, samples.frameset[judges])
    if config.held_out_camera:
        held_out = _is_from_camera(samples, config.held_out_camera)
        judges, trains = judges & held_out, trains & ~held_out
    found = Split(np.flatnonzero(trains), np.flatnonzero(judges))
    if min(len(found.train), len(found.judge)) < config.min_samples:
        raise TrainingError(
            f"Of {len(samples)} samples, {len(found.train)} would train and {len(found.judge)} "
            f"judge; each side needs {config.min_samples}. Record longer, or hold out less."
        )
    return found


def _split_by_time(time_ns: I64, config: SplitConfig) -> tuple[Mask, Mask]:
    """Return which moments of a clip judge and which train."""
    first, last = int(time_ns.min()), int(time_ns.max()) + 1
    piece = (last - first) / config.held_out_blocks
    half = piece * config.held_out_share / 2
    since_middle = np.abs((time_ns - first) % piece - piece / 2)
    return since_middle < half, since_middle >= half + config.gap_s * 1e9


def _is_from_camera(samples: Samples, name: str) -> Mask:
    """Return which samples a camera took; cameras of one name in several sessions are one view."""
    known = [camera.name for camera in samples.cameras]
    if name not in known:
        raise TrainingError(
            f"There is no camera '{name}' to hold out; there are {', '.join(dict.fromkeys(known))}."
        )
    return np.array([camera == name for camera in known])[samples.camera]
