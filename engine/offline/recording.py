"""Whole recordings: what can be done better when every frameset is already there.

The pipeline (`engine.pipeline`) carries framesets one by one. A recording allows more: the person
is chosen, left and right are repaired and all views are interpolated to common times with the
future known.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.evidence.noise import estimate_sigma_px
from calibration.evidence.observations import Observations
from calibration.evidence.swaps import find_swaps_by_motion, find_swaps_by_rig
from calibration.geometry.arrays import I64, Mask
from calibration.rig import Rig
from calibration.self_calibrate import Calibration, CalibrationOptions, Progress, self_calibrate
from calibration.skeleton import Skeleton, load_skeleton
from engine.errors import NobodyInViewError, SessionError
from engine.frames import FrameSet
from engine.pipeline import Pipeline, Sink
from engine.poses import MIN_CONFIDENCE, Pose2D, PoseSet2D, PoseSet3D
from engine.reconstruction.people import (
    Candidates,
    choose_before_rig,
    choose_by_rig,
    describe_other_people,
    gather_candidates,
)
from engine.reconstruction.reconstruct import reconstruct_observations
from engine.session.session import Session
from engine.stages import prefetch

MIN_FRAMESETS = 5  # fewer framesets with a person count as nobody
MAX_CHANGED_SHARE = 0.01  # if the rig shows so many choices to have been wrong, it is solved again


@dataclass(frozen=True, slots=True, eq=False)
class PoseRecording:
    """The 2D poses of a recording.

    Parameters
    ----------
    pose_sets
        2D poses of every frameset, raw.
    skeleton
    view_names
        Names, in camera order.
    sizes_wh : V of them, px
    """

    pose_sets: tuple[PoseSet2D, ...]
    skeleton: Skeleton
    view_names: tuple[str, ...]
    sizes_wh: tuple[tuple[int, int], ...]

    @property
    def candidates(self) -> Candidates:
        """Everybody in every view, as arrays."""
        return gather_candidates(self.pose_sets, self.skeleton, self.view_names, self.sizes_wh)


def load_recording(session: Session, *, repaired: bool = False) -> PoseRecording:
    """Read the 2D poses of a session.

    Parameters
    ----------
    session
    repaired
        Those after association and left/right repair, instead of the raw ones.

    Raises
    ------
    SessionError
        If the session holds no such poses, or those of a camera that it does not have.
    """
    reader = session.poses_2d() if repaired else session.poses_2d_raw()
    header = reader.header
    sizes_wh = {camera.name: camera.size_wh for camera in session.cameras}
    unknown = [view for view in header.view_names if view not in sizes_wh]
    if unknown:
        raise SessionError(
            f"The session '{session.path.name}' has poses of '{unknown[0]}', which is not one of "
            "its cameras. Run track on it again."
        )
    return PoseRecording(
        tuple(reader.sets_2d()),
        load_skeleton(header.skeleton),
        header.view_names,
        tuple(sizes_wh[view] for view in header.view_names),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """The 3D poses of a recording.

    Parameters
    ----------
    poses_2d
        The person, sides repaired, as person 0 of every view.
    poses_3d
    remarks
        Messages on who else was seen.
    """

    poses_2d: tuple[PoseSet2D, ...]
    poses_3d: tuple[PoseSet3D, ...]
    remarks: tuple[str, ...]


def estimate_poses(
    framesets: Iterable[FrameSet],
    estimate: Callable[[FrameSet], PoseSet2D],
    sinks: Sequence[Sink] = (),
    on_frameset: Callable[[int], None] | None = None,
) -> tuple[PoseSet2D, ...]:
    """Find the people in every frameset of a recording.

    Parameters
    ----------
    framesets
        Made ahead in a thread of their own.
    estimate
        The pose model.
    sinks
        Get every frameset with its 2D poses and nobody in the room.
    on_frameset
        Called with the count done; may raise to cancel.
    """
    collected = _PoseCollector(on_frameset)
    Pipeline(
        framesets=prefetch(framesets),
        estimate=estimate,
        associate=lambda poses_2d, _: poses_2d,
        reconstruct=lambda poses_2d, _: PoseSet3D(poses_2d.index, poses_2d.timestamp_ns, ()),
        smooth=lambda poses_3d: poses_3d,
        sinks=(*sinks, collected),
    ).run()
    return tuple(collected.pose_sets)


def calibrate_recording(
    recording: PoseRecording,
    options: CalibrationOptions,
    progress: Progress = lambda _step, _share: None,
) -> Calibration:
    """Calibrate the cameras of a recording from the person in it.

    Parameters
    ----------
    recording
    options, progress
        As of `calibrate_candidates`, which returns and raises the same.
    """
    return calibrate_candidates(recording.candidates, options, progress)


def calibrate_candidates(
    candidates: Candidates,
    options: CalibrationOptions,
    progress: Progress = lambda _step, _share: None,
) -> Calibration:
    """Calibrate the cameras from the person among everybody they saw.

    Parameters
    ----------
    candidates, options
    progress
        Called with the step in words and the share done; may raise to cancel.

    Raises
    ------
    NobodyInViewError
        If no view, or only one, shows a person.
    """
    _require_person(candidates)
    choice = choose_before_rig(candidates)
    calibration = self_calibrate(candidates.select(choice), options, progress)
    if calibration.rig is not None and candidates.track_id.shape[2] > 1:
        better = choose_by_rig(candidates, calibration.rig, choice)
        if (better != choice).mean() > MAX_CHANGED_SHARE:
            choice = better
            calibration = self_calibrate(candidates.select(choice), options, progress)
    remarks = (*calibration.report.remarks, *describe_other_people(candidates, choice))
    return replace(calibration, report=replace(calibration.report, remarks=remarks))


def reconstruct_recording(recording: PoseRecording, rig: Rig) -> Reconstruction:
    """Reconstruct the person of a recording in the room of a rig.

    Parameters
    ----------
    recording
    rig
        Its cameras in the order of the recording's views.

    Raises
    ------
    NobodyInViewError
        If no view, or only one, shows a person.
    """
    candidates = recording.candidates
    _require_person(candidates)
    choice = choose_before_rig(candidates)
    for _ in range(2):
        choice = choose_by_rig(candidates, rig, choice)
    observations = candidates.select(choice)
    swapped = _find_swapped_sides(observations, rig)
    repaired = observations.swap_sides(swapped)
    mirror = recording.skeleton.mirror
    chosen = (
        _choose_people(poses, one, sides, mirror)
        for poses, one, sides in zip(recording.pose_sets, choice, swapped)
    )
    poses_2d = tuple(
        _repair_set(poses, people, repaired, t)
        for t, (poses, people) in enumerate(zip(recording.pose_sets, chosen))
    )
    found = reconstruct_observations(repaired, rig)
    poses_3d = tuple(
        replace(solved, index=poses.index) for solved, poses in zip(found, recording.pose_sets)
    )
    return Reconstruction(poses_2d, poses_3d, describe_other_people(candidates, choice))


def find_swaps_in_views(observations: Observations) -> Mask:
    """Find where a view's own motion says that left and right are exchanged, (T, V)."""
    if len(observations.time_ns) == 0:
        return np.zeros(observations.view_time_ns.shape, bool)
    return find_swaps_by_motion(observations, estimate_sigma_px(observations, MIN_CONFIDENCE))


def _find_swapped_sides(observations: Observations, rig: Rig) -> Mask:
    """Find swapped sides: by each view's own motion first, then by all views together."""
    steady = find_swaps_in_views(observations)
    if len(observations.time_ns) == 0:
        return steady
    by_rig = find_swaps_by_rig(
        observations.swap_sides(steady),
        estimate_sigma_px(observations.swap_sides(steady), MIN_CONFIDENCE),
        rig,
    )
    return steady ^ by_rig


def _choose_people(
    poses: PoseSet2D, choice: I64, swapped: Mask, mirror: I64
) -> tuple[Pose2D | None, ...]:
    """Return each view's chosen person, sides repaired; None where it has none."""
    people: list[Pose2D | None] = []
    for candidates, chosen, swap in zip(poses.poses_by_view, choice.tolist(), swapped.tolist()):
        person = candidates[chosen] if 0 <= chosen < len(candidates) else None
        people.append(person.swap_sides(mirror) if person is not None and swap else person)
    return tuple(people)


def _repair_set(
    poses: PoseSet2D, chosen: Sequence[Pose2D | None], repaired: Observations, t: int
) -> PoseSet2D:
    """Keep one person per view, with the joints as repaired."""
    poses_by_view: list[tuple[Pose2D, ...]] = []
    for v, person in enumerate(chosen):
        if person is None or not repaired.seen[t, v].any():
            poses_by_view.append(())
            continue
        joints = repaired.xy[t, v], repaired.confidence[t, v]
        poses_by_view.append((Pose2D(0, *joints, own_xyz=person.own_xyz),))
    return replace(poses, poses_by_view=tuple(poses_by_view))


def _require_person(candidates: Candidates) -> None:
    """Refuse a recording with nobody in it, or a person in one view only."""
    seen: I64 = (candidates.track_id >= 0).any(2).sum(0)
    if (seen >= MIN_FRAMESETS).sum() >= 2:
        return
    if seen.max(initial=0) < MIN_FRAMESETS:
        raise NobodyInViewError(
            "Nobody was found in any view. Check that the cameras show a whole person in good "
            "light, then try again."
        )
    only = candidates.view_names[int(np.argmax(seen))]
    raise NobodyInViewError(
        f"A person was found in '{only}' only; the room needs two views of the same person."
        " Turn the other cameras so that they show the person too."
    )


class _PoseCollector:
    """A sink that keeps the 2D poses and reports progress."""

    def __init__(self, on_frameset: Callable[[int], None] | None) -> None:
        self.pose_sets: list[PoseSet2D] = []
        self._on_frameset = on_frameset

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Keep the poses, not the images."""
        del frames, poses_3d
        self.pose_sets.append(poses_2d)
        if self._on_frameset is not None:
            self._on_frameset(len(self.pose_sets))
