"""PoseModel: finds people in single images, and the joints of one person in a crop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from calibration.geometry.arrays import F64, U8
from engine.inference.preprocess import Region


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A person that the detector found.

    Parameters
    ----------
    points : (2, 2), px of the image
        From which `PoseModel.region` makes a region.
    score : 0 to 1
    """

    points: F64
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One person's joints in one image.

    Parameters
    ----------
    xy : (J, 2), px of the image
        May be outside of it.
    confidence : (J,), 0 to 1
    score : 0 to 1
        Probability of a person.
    points : (2, 2), px of the image
        From which `PoseModel.region` makes the region for the next image.
    own_xyz : (J, 3), m
        The model's own guess of the pose in three dimensions, as in `engine.poses.Pose2D`; None
        from a model that makes none.
    """

    xy: F64
    confidence: F64
    score: float
    points: F64
    own_xyz: F64 | None = None


def upper_half_mean(confidence: F64) -> float:
    """Return the mean confidence of the better half of joints; the others may be hidden.

    Parameters
    ----------
    confidence : (J,), 0 to 1
        Real people give 0.96 and more; a pile of objects on a desk, taken for a person, 0.75.
    """
    return float(np.sort(confidence)[len(confidence) // 2 :].mean())


class PoseModel(Protocol):
    """A detector and a model for joints.

    Attributes
    ----------
    name
        Models and runtime, for messages.
    skeleton_name
        Of the joints.
    """

    name: str
    skeleton_name: str

    def find(self, images_bgr: Sequence[U8], windows: Sequence[Region]) -> list[list[Detection]]:
        """Find the people in a square of each image.

        Parameters
        ----------
        images_bgr : N of (H, W, 3)
            Sizes may differ; one image may occur several times.
        windows : N of them
            Where to search.

        Returns
        -------
        findings
            One list per window, best first, in pixels of the image.
        """
        ...

    def region(self, points: F64) -> Region:
        """Return the region around a person from its two points."""
        ...

    def locate(self, images_bgr: Sequence[U8], regions: Sequence[Region]) -> list[Sighting]:
        """Find the joints of one person in each region.

        Parameters
        ----------
        images_bgr : N of (H, W, 3)
            One image may occur several times.
        regions : N of them
            Around the people.

        Returns
        -------
        sightings : N of them
        """
        ...

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        ...
