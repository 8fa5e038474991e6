"""OfflineMonocular: poses from one camera, estimated per image and placed at the end."""

from collections.abc import Sequence
from dataclasses import replace

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.errors import NobodyInViewError, UnreadableSourceError
from engine.frames import FrameSet
from engine.inference.preprocess import Region
from engine.monocular.crop import square_around_person
from engine.monocular.estimator import LiftedCrop, MonocularEstimator
from engine.monocular.guessed_room import guess_rig, is_guessed
from engine.monocular.lift import MonocularConfig, MonocularReconstructor
from engine.monocular.upright import EVERY_NS, MAX_INSTANTS
from engine.offline.recording import PoseRecording, Reconstruction
from engine.poses import Pose2D, PoseSet2D, PoseSet3D
from engine.reconstruction.people import choose_before_rig

MAX_PEOPLE = 2  # per image


class OfflineMonocular:
    """Estimates depth for people whom one view alone sees, while images pass by.

    Parameters
    ----------
    estimator
        Closed by the caller.
    skeleton
        Of the poses.
    """

    def __init__(self, estimator: MonocularEstimator, skeleton: Skeleton) -> None:
        self._estimator, self._skeleton = estimator, skeleton
        self._lifted_crops: dict[tuple[int, int], list[LiftedCrop]] = {}

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Estimate depth at an instant: a sink of the pass that finds the joints.

        Parameters
        ----------
        frames
        poses_2d
            Raw; an instant at which several views see people is left to triangulation.
        poses_3d
            Not used.
        """
        del poses_3d
        seeing = [v for v, people in enumerate(poses_2d.poses_by_view) if people]
        if len(seeing) != 1:
            return
        view = seeing[0]
        frame = frames.frames[view]
        if frame is None:
            return
        people = poses_2d.poses_by_view[view][:MAX_PEOPLE]
        squares = [square_around_person(pose, self._skeleton, frame.size_wh) for pose in people]
        regions = [square for square in squares if square is not None]
        if not regions:
            return
        try:
            image = frame.image_bgr
        except UnreadableSourceError:  # it was counted where it was read
            return
        uvw, spread = self._estimator.estimate([(image, region) for region in regions])
        lifted_crops = [
            LiftedCrop(region, one, wide) for region, one, wide in zip(regions, uvw, spread)
        ]
        self._lifted_crops[poses_2d.index, view] = lifted_crops

    def fill(
        self, found: Reconstruction, rig: Rig, stature_m: float | None = None
    ) -> Reconstruction:
        """Fill in what one view alone sees.

        Parameters
        ----------
        found
            As reconstructed from several views, or `follow_person`.
        rig
            Its cameras are the views.
        stature_m
            Of the person; None where it is not known.
        """
        return self._run(self._build_reconstructor(found, stature_m), found, rig)

    def level_rig(self, found: Reconstruction, rig: Rig, stature_m: float | None = None) -> Rig:
        """Turn a room that was made up for one camera so that the person is upright.

        Parameters
        ----------
        found
            As `follow_person`.
        rig
            As `engine.monocular.guessed_room.guess_rig`.
        stature_m
            Of the person; None where it is not known.

        Returns
        -------
        rig
            The same where too little is seen of a standing person.
        """
        reconstructor = self._build_reconstructor(found, stature_m)
        self._run(reconstructor, found, rig)
        floor = reconstructor.estimate_floor()
        return (
            guess_rig(rig[0].name, rig[0].size_wh, floor.up, floor.height_m)
            if floor is not None
            else rig
        )

    def _build_reconstructor(
        self, found: Reconstruction, stature_m: float | None
    ) -> MonocularReconstructor:
        """Make the reconstructor; the whole recording, however long, determines the vertical."""
        times_ns = [poses.timestamp_ns for poses in found.poses_2d]
        every_ns = max(EVERY_NS, (times_ns[-1] - times_ns[0]) // MAX_INSTANTS if times_ns else 0)
        config = replace(
            MonocularConfig.from_metrics(self._estimator.metrics), upright_every_ns=every_ns
        )
        return MonocularReconstructor(
            self._skeleton, self._estimator.skeleton_name, stature_m, config
        )

    def _run(
        self, reconstructor: MonocularReconstructor, found: Reconstruction, rig: Rig
    ) -> Reconstruction:
        """Reconstruct all instants in their order."""
        poses_3d = []
        for poses_2d, room in zip(found.poses_2d, found.poses_3d):

            def recall_crop(
                view: int, seen: Pose2D, index: int = poses_2d.index
            ) -> LiftedCrop | None:
                """Recall the model's estimate for this person."""
                region = square_around_person(seen, self._skeleton, rig[view].size_wh)
                return _find_crop(self._lifted_crops.get((index, view), []), region)

            poses_3d.append(reconstructor(recall_crop, poses_2d, room, rig))
        return replace(found, poses_3d=tuple(poses_3d))


def follow_person(recording: PoseRecording) -> Reconstruction:
    """Follow the person in a recording of one camera; nobody is in the room yet.

    Parameters
    ----------
    recording
        Of one view.

    Returns
    -------
    reconstruction
        With the person in the view as person 0.
    """
    candidates = recording.candidates
    choice = choose_before_rig(candidates)
    poses_2d = tuple(
        _keep_only(poses, int(choice[t, 0])) for t, poses in enumerate(recording.pose_sets)
    )
    poses_3d = tuple(PoseSet3D(poses.index, poses.timestamp_ns, ()) for poses in poses_2d)
    return Reconstruction(poses_2d, poses_3d, ())


def reconstruct_monocular(
    recording: PoseRecording, monocular: OfflineMonocular, rig: Rig, stature_m: float | None = None
) -> Reconstruction:
    """Reconstruct the person in a recording of one camera.

    Parameters
    ----------
    recording
        Of one view.
    monocular
        Has seen all of its images.
    rig
        Of that camera, or `engine.monocular.guessed_room.guess_rig`: then it is turned first, so
        that the person is upright.
    stature_m
        Of the person; None where it is not known.

    Raises
    ------
    NobodyInViewError
        If nobody can be put there.
    """
    followed = follow_person(recording)
    room = monocular.level_rig(followed, rig, stature_m) if is_guessed(rig) else rig
    found = monocular.fill(followed, room, stature_m)
    if not any(poses.people for poses in found.poses_3d):
        raise NobodyInViewError(
            f"Nobody was found in '{rig[0].name}'. Check that it shows a whole person."
        )
    return found


def count_monocular(poses_3d: Sequence[PoseSet3D]) -> int:
    """Count the instants at which a joint is guessed from one view."""
    return sum(any(person.guessed.any() for person in poses.people) for poses in poses_3d)


def _keep_only(poses: PoseSet2D, chosen: int) -> PoseSet2D:
    """Keep one person of the one view; a negative position for nobody."""
    people = poses.poses_by_view[0]
    return replace(
        poses,
        poses_by_view=(
            (replace(people[chosen], track_id=0),) if 0 <= chosen < len(people) else (),
        ),
    )


def _find_crop(lifted_crops: Sequence[LiftedCrop], region: Region | None) -> LiftedCrop | None:
    """Find the estimate of a square; a tenth of its size tells two people apart."""
    for lifted_crop in lifted_crops:
        if (
            region is not None
            and _measure_distance_px(lifted_crop.region, region) < 0.1 * region.size_wh[0]
        ):
            return lifted_crop
    return None


def _measure_distance_px(one: Region, other: Region) -> float:
    """Measure how far the middles of two squares are apart, px."""
    (a, b), (c, d) = one.center_xy, other.center_xy
    return float(((a - c) ** 2 + (b - d) ** 2) ** 0.5)
