"""TakeLift: what one camera alone sees of a whole take: looked at while its images pass, placed once all is known."""

from collections.abc import Sequence
from dataclasses import replace

from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.errors import NobodyInViewError, UnreadableSourceError
from engine.frames import FrameSet
from engine.inference.preprocess import Region
from engine.lift import Glance, Lift, LiftConfig, Lifter
from engine.lift_square import square_of
from engine.offline import Reconstruction, Take
from engine.people import choose_before_rig
from engine.poses import Pose2D, PoseSet2D, PoseSet3D

MOST_PEOPLE = 2  # are looked at in one image


class TakeLift:
    """Looks at whoever is seen by one view alone, as the images of a take pass by.

    Parameters
    ----------
    lifter
        Closed by whoever made it.
    skeleton
        Of the poses.
    """

    def __init__(self, lifter: Lifter, skeleton: Skeleton) -> None:
        self._lifter, self._skeleton = lifter, skeleton
        self._glances: dict[tuple[int, int], list[Glance]] = {}

    def put(self, frames: FrameSet, poses_2d: PoseSet2D, poses_3d: PoseSet3D) -> None:
        """Look at an instant: a sink of the pass that finds the joints."""
        del poses_3d
        seeing = [v for v, people in enumerate(poses_2d.views) if people]
        if len(seeing) != 1:
            return
        view = seeing[0]
        frame = frames.frames[view]
        if frame is None:
            return
        people = poses_2d.views[view][:MOST_PEOPLE]
        squares = [square_of(pose, self._skeleton, frame.size_wh) for pose in people]
        regions = [square for square in squares if square is not None]
        if not regions:
            return
        try:
            image = frame.image_bgr
        except UnreadableSourceError:  # it was counted where it was read
            return
        uvw, spread = self._lifter.estimate([(image, region) for region in regions])
        looks = [Glance(region, one, wide) for region, one, wide in zip(regions, uvw, spread)]
        self._glances[poses_2d.index, view] = looks

    def filled(self, found: Reconstruction, rig: Rig, stature_m: float | None = None) -> Reconstruction:
        """Fill in what one view alone sees.

        Parameters
        ----------
        found
            As reconstructed from several views, or `alone`.
        rig
            Its cameras are the views.
        stature_m
            Of the person; None where it is not known.

        Returns
        -------
        reconstruction
        """
        config = LiftConfig.measured(self._lifter.metrics)
        lift = Lift(self._skeleton, self._lifter.skeleton_name, stature_m, config)
        poses_3d = []
        for poses_2d, room in zip(found.poses_2d, found.poses_3d):

            def look(view: int, seen: Pose2D, index: int = poses_2d.index) -> Glance | None:
                """Recall what the network said of this person."""
                region = square_of(seen, self._skeleton, rig[view].size_wh)
                return _nearest(self._glances.get((index, view), []), region)

            poses_3d.append(lift(look, poses_2d, room, rig))
        return replace(found, poses_3d=tuple(poses_3d))


def alone(take: Take) -> Reconstruction:
    """Follow the person of a take of one camera; nobody is in the room yet.

    Parameters
    ----------
    take
        Of one view.

    Returns
    -------
    reconstruction
        With the person in the view as person 0.
    """
    candidates = take.candidates
    choice = choose_before_rig(candidates)
    poses_2d = tuple(_only(poses, int(choice[t, 0])) for t, poses in enumerate(take.pose_sets))
    poses_3d = tuple(PoseSet3D(poses.index, poses.timestamp_ns, ()) for poses in poses_2d)
    return Reconstruction(poses_2d, poses_3d, ())


def reconstruct_alone(take: Take, lift: TakeLift, rig: Rig, stature_m: float | None = None) -> Reconstruction:
    """Put the person of a take of one camera into a room.

    Parameters
    ----------
    take
        Of one view.
    lift
        Has looked at all of it.
    rig
        Of that camera, or `engine.one_camera.guess_rig`.
    stature_m
        Of the person; None where it is not known.

    Returns
    -------
    reconstruction

    Raises
    ------
    NobodyInViewError
        If nobody can be put there.
    """
    found = lift.filled(alone(take), rig, stature_m)
    if not any(poses.people for poses in found.poses_3d):
        raise NobodyInViewError(f"Nobody was found in '{rig[0].name}'. Check that it shows a whole person.")
    return found


def lifted_count(poses_3d: Sequence[PoseSet3D]) -> int:
    """Count the instants at which a joint rests on one view alone."""
    return sum(any((person.views == 1).any() for person in poses.people) for poses in poses_3d)


def _only(poses: PoseSet2D, chosen: int) -> PoseSet2D:
    """Keep one person of the one view; a negative position for nobody."""
    people = poses.views[0]
    return replace(poses, views=((replace(people[chosen], person=0),) if 0 <= chosen < len(people) else (),))


def _nearest(glances: Sequence[Glance], region: Region | None) -> Glance | None:
    """Find the look at a square; a hand's breadth of the person's height tells two people apart."""
    for glance in glances:
        if region is not None and _apart(glance.region, region) < 0.1 * region.size_wh[0]:
            return glance
    return None


def _apart(one: Region, other: Region) -> float:
    """Measure how far the middles of two squares are apart, px."""
    (a, b), (c, d) = one.center_xy, other.center_xy
    return float(((a - c) ** 2 + (b - d) ** 2) ** 0.5)
