"""PersonNetwork: finds people in images, and the joints of one person in a crop. It knows one image at a time."""

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
        What `PoseModel.region` makes a region of.
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
        May lie outside of it.
    confidence : (J,), 0 to 1
    score : 0 to 1
        That there is a person at all.
    points : (2, 2), px of the image
        What `PoseModel.region` makes the region for the next image of.
    """

    xy: F64
    confidence: F64
    score: float
    points: F64


def upper_half_mean(confidence: F64) -> float:
    """Return the mean confidence of a person's better half of joints: the others may be hidden or
    out of the image.

    Parameters
    ----------
    confidence : (J,), 0 to 1
        Real people have 0.96 and more, a heap of things on a desk that is taken for one 0.75.
    """
    return float(np.sort(confidence)[len(confidence) // 2 :].mean())


class PoseModel(Protocol):
    """A detector and a network for joints.

    Attributes
    ----------
    name
        The runtime and the networks in words.
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
            Sizes may differ; one image may come several times.
        windows : N of them
            Where in it to look.

        Returns
        -------
        findings
            One list for each window, best first, in pixels of the image.
        """
        ...

    def region(self, points: F64) -> Region:
        """Return the region around a person that its two points stand for."""
        ...

    def locate(self, images_bgr: Sequence[U8], regions: Sequence[Region]) -> list[Sighting]:
        """Find the joints of one person in each region.

        Parameters
        ----------
        images_bgr : N of (H, W, 3)
            One image may come several times.
        regions : N of them
            Where in it to look.

        Returns
        -------
        sightings : N of them
        """
        ...

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        ...
