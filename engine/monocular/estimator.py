"""MonocularEstimator: a model that estimates a pose with its depth from one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from calibration.geometry.arrays import F64, U8
from engine.inference.preprocess import Region


class MonocularEstimator(Protocol):
    """A model that estimates a pose with its depth from one image.

    Attributes
    ----------
    name
        For messages.
    skeleton_name
        Of its joints; contains the twelve limb joints and the pelvis.
    """

    name: str
    skeleton_name: str

    @property
    def metrics(self) -> Mapping[str, float]:
        """Errors on held-out data, by name with the unit; empty where not measured."""
        ...

    def estimate(self, images: Sequence[tuple[U8, Region]]) -> tuple[F64, F64]:
        """Estimate one pose per square of an image.

        Parameters
        ----------
        images : N of them
            An image (H, W, 3) BGR, and the square around a person.

        Returns
        -------
        uvw : (N, J, 3)
            In the space of the patch, as in `engine.inference.patch`.
        spread : (N, J, 3)
            Standard deviation of each joint's heat map, in the same units.
        """
        ...

    def close(self) -> None:
        """Release the runtime; may be called twice."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LiftedCrop:
    """What a model estimated for one person in one view.

    Parameters
    ----------
    region
        The square that the model saw.
    uvw, spread : (J, 3)
        Of the model's joints, in the space of the patch.
    """

    region: Region
    uvw: F64
    spread: F64
