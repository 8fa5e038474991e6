"""Estimator: from a frameset to the people in each view, in pixels."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from calibration.skeleton import Skeleton, load_skeleton
from engine.frames import Frame, FrameSet
from engine.inference.backends import BackendOptions
from engine.inference.networks import load_pose_model
from engine.inference.parity import read_results
from engine.inference.pose_model import PoseModel, Sighting
from engine.inference.preprocess import Region, whole_image
from engine.inference.view_tracks import ViewTracks
from engine.models.shelf import load_model
from engine.poses import Pose2D, PoseSet2D

THREADS_VARIABLE = "EPIPOLE_THREADS"
MAX_OUTSIDE_SHARE = 0.01  # of the image's long side: a joint farther out was guessed, not seen


@dataclass(frozen=True, slots=True)
class EstimatorOptions:
    """How to search for people.

    Parameters
    ----------
    max_people
        Per view.
    search_every
        Framesets between detector runs on a view that may take another person.
    keep_score, admit_score
        0 to 1: a tracked person is lost below the first, a new person is tracked from the second.
    backend
        Name of the runtime.
    threads
        Of the CPU; 0 for ``$EPIPOLE_THREADS``, or all of them.
    """

    max_people: int = 2
    search_every: int = 15
    keep_score: float = 0.5
    admit_score: float = 0.75
    backend: str = "openvino"
    threads: int = 0


class Estimator(Protocol):
    """Finds the joints of all people in every view; the first stage of the pipeline.

    Attributes
    ----------
    skeleton
        Of the poses.
    model_hash
        SHA-256 of the model's files.
    name
        Model and runtime, for messages.
    """

    skeleton: Skeleton
    model_hash: str
    name: str

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        """Find the people in one frameset; framesets come in order of time."""
        ...

    def reset(self) -> None:
        """Forget all people: the next frameset starts another recording."""
        ...

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        ...


class TrackingEstimator:
    """Tracks each person from image to image in every view, and searches for others at intervals.

    A pose's `track_id` is the view's own track number; a person who is lost and found again nearby
    within 2 s keeps it. A joint's confidence is the model's; a joint outside the image is missing.
    A pose's score is the model's confidence that there is a person.

    Parameters
    ----------
    pose_model
        Finds and locates people.
    view_count
        Number of views.
    model_hash
        SHA-256 of the model's files.
    options
        How to search for people.
    """

    def __init__(
        self, pose_model: PoseModel, view_count: int, model_hash: str, options: EstimatorOptions
    ) -> None:
        self.skeleton = load_skeleton(pose_model.skeleton_name)
        self.model_hash = model_hash
        self.name = pose_model.name
        self._pose_model = pose_model
        self._options = options
        self._view_count = view_count
        self.reset()

    def reset(self) -> None:
        """Forget all people."""
        self._views = [
            ViewTracks(self.skeleton.mirror, self._pose_model.region)
            for _ in range(self._view_count)
        ]
        self._frameset_count = 0

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        """Find the people in one frameset.

        Parameters
        ----------
        frames
            With as many views as the estimator was made for.

        Raises
        ------
        ValueError
            If the number of views differs.
        """
        if len(frames.frames) != self._view_count:
            raise ValueError(
                f"This estimator was made for {self._view_count} views; the frameset has "
                f"{len(frames.frames)}."
            )
        present = [
            (view, frame) for view, frame in zip(self._views, frames.frames) if frame is not None
        ]
        for view, frame in present:
            view.start_image(frame.size_wh)
        self._follow(present)
        self._search(
            [(view, frame) for i, (view, frame) in enumerate(present) if self._is_due(view, i)]
        )
        self._frameset_count += 1
        poses = tuple(_build_poses(view, frame) for view, frame in zip(self._views, frames.frames))
        times = tuple(None if frame is None else frame.timestamp_ns for frame in frames.frames)
        return PoseSet2D(frames.index, frames.timestamp_ns, poses, times)

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        self._pose_model.close()

    def _follow(self, present: Sequence[tuple[ViewTracks, Frame]]) -> None:
        """Locate every tracked person in the region from the last image."""
        sightings = self._locate(
            present, [[track.region for track in view.tracks] for view, _ in present]
        )
        for (view, frame), seen in zip(present, sightings):
            view.follow(seen, self._options.keep_score, frame.timestamp_ns)

    def _search(self, due: Sequence[tuple[ViewTracks, Frame]]) -> None:
        """Search for new people in the whole image, then, if none is found, in squares of it."""
        self._detect(due, [(whole_image(frame.size_wh),) for _, frame in due])
        empty = [(view, frame) for view, frame in due if not view.tracks]
        self._detect(empty, [view.next_search_windows() for view, _ in empty])

    def _detect(
        self, due: Sequence[tuple[ViewTracks, Frame]], windows: Sequence[tuple[Region, ...]]
    ) -> None:
        """Search some squares of each view; start tracks for people confirmed by a second run."""
        images = [frame.image_bgr for (_, frame), squares in zip(due, windows) for _ in squares]
        found = iter(
            self._pose_model.find(images, [square for squares in windows for square in squares])
        )
        regions = []
        for (view, _), squares in zip(due, windows):
            findings = [finding for _ in squares for finding in next(found)]
            regions.append(
                view.find_new_regions(findings, self._options.max_people - len(view.tracks))
            )
        first = self._locate(due, regions)
        again = self._locate(
            due,
            [[self._pose_model.region(seen.points) for seen in sightings] for sightings in first],
        )
        for (view, frame), sightings, seconds in zip(due, first, again):
            view.admit(sightings, seconds, self._options.admit_score, frame.timestamp_ns)

    def _locate(
        self, views: Sequence[tuple[ViewTracks, Frame]], regions: Sequence[Sequence[Region]]
    ) -> list[list[Sighting]]:
        """Locate people in the regions of several views, in one batch."""
        images = [frame.image_bgr for (_, frame), wanted in zip(views, regions) for _ in wanted]
        seen = iter(
            self._pose_model.locate(images, [region for wanted in regions for region in wanted])
        )
        return [[next(seen) for _ in view_regions] for view_regions in regions]

    def _is_due(self, view: ViewTracks, number: int) -> bool:
        """Return whether the detector runs on a view now; the views take turns."""
        if not view.tracks or view.search_due:
            return True
        turn = (
            self._frameset_count + number * self._options.search_every // self._view_count
        ) % self._options.search_every
        return turn == 0 and len(view.tracks) < self._options.max_people


def create_estimator(
    name: str, view_count: int, options: EstimatorOptions | None = None
) -> TrackingEstimator:
    """Load a model and make an estimator.

    Parameters
    ----------
    name
        Of a model, or the path of a card.
    view_count
        Their number.
    options
        How to look for people.

    Raises
    ------
    ModelCardError, ModelMissingError, ModelMismatchError
        If there is no such model, it is not on this machine, or it is not what its card says.
    BackendUnavailableError
        If the runtime is not installed or cannot read it.
    """
    options = options or EstimatorOptions()
    model = load_model(name)
    threads = resolve_thread_count(options.threads)
    run = BackendOptions(threads, parallel=min(threads, max(view_count, 1)))
    pose_model = load_pose_model(model, options.backend, run)
    proven = [
        parity.precision for parity in read_results(model, pose_model.name) if parity.accepted
    ]
    if proven:
        pose_model.close()
        pose_model = load_pose_model(model, options.backend, replace(run, precision=proven[0]))
    return TrackingEstimator(pose_model, view_count, model.sha256, options)


def resolve_thread_count(requested: int = 0) -> int:
    """Return the number of threads: `requested`, else ``$EPIPOLE_THREADS``, else one per core."""
    return requested or int(os.environ.get(THREADS_VARIABLE) or 0) or _count_cores()


def _count_cores() -> int:
    """Count the cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _build_poses(view: ViewTracks, frame: Frame | None) -> tuple[Pose2D, ...]:
    """Convert a view's tracks to poses; a view without an image has none."""
    if frame is None:
        return ()
    poses = []
    for track in view.tracks:
        seen = track.sighting
        margin = MAX_OUTSIDE_SHARE * max(frame.size_wh)
        beyond = np.maximum(-seen.xy, seen.xy - (np.array(frame.size_wh) - 1)).max(axis=1)
        inside = np.asarray(beyond <= margin)
        xy = np.where(inside[:, None], seen.xy, np.nan)
        confidence = np.where(inside, seen.confidence, 0.0)
        poses.append(Pose2D(track.track_id, xy, confidence, seen.score, seen.own_xyz))
    return tuple(poses)
