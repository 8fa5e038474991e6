"""Who is labelled: a recording's person in all views, sides repaired, others near them marked."""

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

MIN_DISTANCE_TORSOS = 0.5
"""Another person whose joints are nearer than this, in the median, may be taken for the person."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonInViews:
    """One person as all views saw them.

    Parameters
    ----------
    common
        At common times, sides repaired.
    swapped : (T, V), bool
        Where left and right were exchanged and have been repaired.
    contested : (T, V), bool
        Where another person was so near that the view may mean them.
    """

    common: Observations
    swapped: Mask
    contested: Mask


def find_person(recording: PoseRecording, rig: Rig) -> PersonInViews:
    """Find the person of a recording on whom the cameras agree.

    Parameters
    ----------
    recording
    rig
        Its cameras in the order of the recording's views.

    Raises
    ------
    TrainingError
        If there is one camera only, no person in view, or a person in one view only.
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
    """Repair one person's left and right, and interpolate all views to common times.

    Parameters
    ----------
    seen
        As the network saw them; each view with its own times.
    rig
    contested : (T, V)
        None where there was no other person.
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
    """Refuse a recording without a person, or with one in one view only."""
    seen: I64 = (candidates.track_id >= 0).any(2).sum(0)
    if seen.max(initial=0) < MIN_FRAMESETS:
        raise TrainingError(
            "Nobody was found in any view, so there is nothing to train on. Record a session "
            "with a person in it."
        )
    if (seen >= MIN_FRAMESETS).sum() < 2:
        only = candidates.view_names[int(np.argmax(seen))]
        raise TrainingError(
            f"A person was found in '{only}' only; labels need two views of the same person. "
            "Record a session in which the other cameras see them too."
        )


def _find_contested(candidates: Candidates, choice: I64) -> Mask:
    """Find the views in which another person is where the person is, (T, V)."""
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
