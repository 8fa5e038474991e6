"""OfflineMonocular: poses from one camera, estimated while images pass and placed at the end."""

from collections.abc import Sequence
from dataclasses import replace

from calibration.geometry.arrays import I64
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.errors import NobodyInViewError
from engine.frames import FrameSet
from engine.monocular.guessed_room import guess_rig, is_guessed
from engine.monocular.lifter import JointLifter
from engine.monocular.reconstruct import MonocularConfig, MonocularReconstructor
from engine.monocular.shape import BodyShape
from engine.monocular.source import MonocularModel
from engine.monocular.upright import EVERY_NS, MAX_INSTANTS
from engine.offline.recorded_shapes import RecordedPictures, RecordedShapes, WholeLifter
from engine.offline.recording import PoseRecording, Reconstruction, find_swaps_in_views
from engine.poses import Pose2D, PoseSet2D, PoseSet3D
from engine.reconstruction.people import choose_before_rig


class OfflineMonocular:
    """Estimates depth for people whom one view alone sees.

    Parameters
    ----------
    model
        Closed by the caller.
    skeleton
        Of the poses.
    sees_future
        Whether a lifter sees the joints after an instant too; live it cannot.
    """

    def __init__(
        self, model: MonocularModel, skeleton: Skeleton, *, sees_future: bool = True
    ) -> None:
        self._skeleton = skeleton
        self._shapes: RecordedShapes = (
            WholeLifter(model, skeleton, sees_future=sees_future)
            if isinstance(model, JointLifter)
            else RecordedPictures(model, skeleton)
        )

    @property
    def sees_images(self) -> bool:
        """Whether `put` has to be called for every instant before poses are filled in."""
        return self._shapes.sees_images

    def estimate_shape(self, poses_2d: PoseSet2D, rig: Rig, seen: Pose2D) -> BodyShape | None:
        """Return the shape of a person of the first view, after `fill`; None where it is not known.

        Parameters
        ----------
        poses_2d
            The instant.
        rig
        seen
            The person.
        """
        return self._shapes.bind(poses_2d, rig)(0, seen)

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Look at the images of an instant: a sink of the pass that finds the joints."""
        del poses_3d
        self._shapes.put(frames, poses_2d)

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
        config = MonocularConfig(upright_every_ns=every_ns)
        return MonocularReconstructor(self._skeleton, stature_m, config)

    def _run(
        self, reconstructor: MonocularReconstructor, found: Reconstruction, rig: Rig
    ) -> Reconstruction:
        """Reconstruct all instants in their order."""
        self._shapes.prepare(found.poses_2d, rig)
        poses_3d = tuple(
            reconstructor(self._shapes.bind(poses_2d, rig), poses_2d, room, rig)
            for poses_2d, room in zip(found.poses_2d, found.poses_3d)
        )
        return replace(found, poses_3d=poses_3d)


def follow_person(recording: PoseRecording) -> Reconstruction:
    """Follow the person in a recording of one camera; nobody is in the room yet.

    Parameters
    ----------
    recording
        Of one view.

    Returns
    -------
    reconstruction
        With the person in the view as person 0, left and right as its motion says.
    """
    candidates = recording.candidates
    choice = choose_before_rig(candidates)
    swapped = find_swaps_in_views(candidates.select(choice))
    mirror = recording.skeleton.mirror
    poses_2d = tuple(
        _keep_only(poses, int(chosen), mirror if exchanged else None)
        for poses, chosen, exchanged in zip(recording.pose_sets, choice[:, 0], swapped[:, 0])
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


def _keep_only(poses: PoseSet2D, chosen: int, mirror: I64 | None) -> PoseSet2D:
    """Keep one person of the one view, with sides exchanged if `mirror`; negative for nobody."""
    people = poses.poses_by_view[0]
    if not 0 <= chosen < len(people):
        return replace(poses, poses_by_view=((),))
    person = people[chosen] if mirror is None else people[chosen].swap_sides(mirror)
    return replace(poses, poses_by_view=((replace(person, track_id=0),),))
