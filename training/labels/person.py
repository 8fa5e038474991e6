"""Who is labelled: the person of a take in all views, sides repaired, and where somebody else was too near."""

from dataclasses import dataclass

import numpy as np

from calibration.evidence.noise import estimate_sigma_px, measure_torso_px
from calibration.evidence.observations import Observations
from calibration.evidence.swaps import find_swaps_by_motion, find_swaps_by_rig
from calibration.evidence.timing import interpolate_to_common_time
from calibration.geometry.arrays import I64, Mask
from calibration.rig import Rig
from engine.offline.recording import MIN_FRAMESETS, PoseRecording
from engine.poses import MIN_CONFIDENCE
from engine.reconstruction.people import NOBODY, Candidates, choose_before_rig, choose_by_rig
from training.errors import TrainingError

MIN_DISTANCE_TORSOS = (
    0.5  # somebody whose joints are nearer than this, in the median, may be mistaken for the person
)


@dataclass(frozen=True, slots=True, eq=False)
class PersonInViews:
    """One person as all views saw them.

    Parameters
    ----------
    common
        At common times, sides repaired.
    swapped : (T, V), bool
        Where left and right were exchanged and have been put right.
    contested : (T, V), bool
        Where somebody else was so near that the view may mean them.
    """

    common: Observations
    swapped: Mask
    contested: Mask


def find_person(recording: PoseRecording, rig: Rig) -> PersonInViews:
    """Find the person of a take whom the cameras agree on.

    Parameters
    ----------
    recording
    rig
        Its cameras in the order of the take's views.

    Returns
    -------
    person

    Raises
    ------
    TrainingError
        If there is one camera only, nobody in view, or somebody in one view only.
    """
    if len(recording.view_names) < 2:
        raise TrainingError(
            f"Only one camera ({', '.join(recording.view_names)}) was recorded; labels need two "
            "or more that see the same person."
        )
    candidates = recording.candidates
    _demand_person(candidates)
    choice = choose_before_rig(candidates)
    for _ in range(2):
        choice = choose_by_rig(candidates, rig, choice)
    return repair_person(candidates.select(choice), rig, _find_contested(candidates, choice))


def repair_person(seen: Observations, rig: Rig, contested: Mask | None = None) -> PersonInViews:
    """Put left and right of one person right, and carry all views to common times.

    Parameters
    ----------
    seen
        As the network saw them; each view with its own times.
    rig
    contested : (T, V)
        None where nobody else was there.

    Returns
    -------
    person
    """
    swapped = np.zeros(seen.view_time_ns.shape, bool)
    if len(seen.time_ns):
        swapped = find_swaps_by_motion(seen, estimate_sigma_px(seen, MIN_CONFIDENCE))
        steady = seen.swap_sides(swapped)
        swapped = swapped ^ find_swaps_by_rig(
            steady, estimate_sigma_px(steady, MIN_CONFIDENCE), rig
        )
    offsets = np.array([rig.time_offset_ns.get(name, 0) for name in seen.view_names], np.int64)
    common = interpolate_to_common_time(seen.swap_sides(swapped), offsets)
    return PersonInViews(
        common, swapped, np.zeros(swapped.shape, bool) if contested is None else contested
    )


def _demand_person(candidates: Candidates) -> None:
    """Refuse a take with nobody in it, or somebody in one view only."""
    seen: I64 = (candidates.track_id >= 0).any(2).sum(0)
    if seen.max(initial=0) < MIN_FRAMESETS:
        raise TrainingError(
            "Nobody was found in any view, so there is nothing to learn from. Record a session "
            "with a person in it."
        )
    if (seen >= MIN_FRAMESETS).sum() < 2:
        only = candidates.view_names[int(np.argmax(seen))]
        raise TrainingError(
            f"A person was found in '{only}' only; labels need two views of the same person. "
            "Record a session in which "
            "the other cameras see them too."
        )


def _find_contested(candidates: Candidates, choice: I64) -> Mask:
    """Find the views in which somebody else stands where the person is, (T, V)."""
    chosen = candidates.select(choice)
    torso = measure_torso_px(chosen)
    distance = np.linalg.norm(candidates.xy - chosen.xy[:, :, None], axis=-1)
    known = np.isfinite(distance).any(-1)
    median = np.full(known.shape, np.inf)
    if known.any():
        median[known] = np.nanmedian(distance[known], axis=-1)
    others = np.arange(candidates.track_id.shape[2]) != np.maximum(choice, 0)[:, :, None]
    with np.errstate(invalid="ignore"):
        near = (
            others
            & (median < MIN_DISTANCE_TORSOS * torso[..., None])
            & (choice != NOBODY)[..., None]
        )
    return near.any(-1)
