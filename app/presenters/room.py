"""The 3D view: cameras, people and their trail."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.presenters.coaching import CoachingCard
from calibration.geometry.arrays import F64
from calibration.rig import Rig
from calibration.skeleton import Skeleton
from engine.monocular.guessed_room import is_same_guess
from engine.poses import Pose3D, PoseSet3D

TRAIL_FRAMESETS = 150
# few steps, so that the text does not flicker
_UNCERTAINTY_STEPS_CM = (2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)


@dataclass(frozen=True, slots=True, eq=False)
class RoomScene:
    """The room at one instant.

    Parameters
    ----------
    rig
        None until one is known.
    skeleton
        Names the joints of the people.
    people
        In metres, world.
    trail_xy_m : (N, 2), m, world
        Where the first person's hips were on the floor, oldest first; NaN where unknown.
    headline, message
        What to do first, where there is no rig.
    coaching
        Shown in place of the room, where there is no rig.
    note
        A message over the room: how reliable it is, or why there is no skeleton; empty where all
        is measured.
    guessed
        Whether joints may be guessed, so that the legend explains their bars.
    """

    rig: Rig | None
    skeleton: Skeleton
    people: tuple[Pose3D, ...] = ()
    trail_xy_m: F64 | None = None
    headline: str = ""
    message: str = ""
    coaching: CoachingCard | None = None
    note: str = ""
    guessed: bool = False

    def has_same_cameras(self, previous: "RoomScene") -> bool:
        """Whether the cameras are those of `previous`; a guessed room may rotate."""
        return self.rig is previous.rig or is_same_guess(self.rig, previous.rig)


def present_room(rig: Rig | None, skeleton: Skeleton, recent: Iterable[PoseSet3D]) -> RoomScene:
    """Describe the room at the newest instant.

    Parameters
    ----------
    rig
    skeleton
    recent
        Poses up to now, oldest first, for the trail.
    """
    if rig is None:
        headline = "The room appears once the cameras are calibrated"
        message = (
            "One person walks through the whole room, turns around and reaches up, in view of all "
            "cameras."
        )
        return RoomScene(None, skeleton, headline=headline, message=message)
    newest = deque(recent, TRAIL_FRAMESETS)
    trail = np.array([_find_hips_on_floor(poses, skeleton) for poses in newest]).reshape(-1, 2)
    return RoomScene(rig, skeleton, newest[-1].people if newest else (), trail)


def describe_depth_uncertainty(people: tuple[Pose3D, ...]) -> str:
    """Describe the uncertainty of joints guessed from one camera.

    Returns
    -------
    text
        For instance "± 15 cm in depth": one standard deviation along the line of sight, the median
        of the first person's joints; empty where nothing is a guess.
    """
    if not people:
        return ""
    covariance = people[0].covariance[people[0].guessed]
    covariance = covariance[np.isfinite(covariance).all((1, 2))]
    if not len(covariance):
        return ""
    sigma_cm = 100 * float(np.sqrt(np.median(np.linalg.eigvalsh(covariance)[:, -1])))
    log_sigma = np.log(max(sigma_cm, 1.0))
    nearest = min(_UNCERTAINTY_STEPS_CM, key=lambda step_cm: abs(np.log(step_cm) - log_sigma))
    return f"± {nearest} cm in depth"


def _find_hips_on_floor(poses: PoseSet3D, skeleton: Skeleton) -> F64:
    """Find where the first person's hips are on the floor, (2,); NaN where unknown."""
    if not poses.people:
        return np.full(2, np.nan)
    hips = skeleton.indices(("left_hip", "right_hip"))
    return poses.people[0].xyz[hips, :2].mean(0)
