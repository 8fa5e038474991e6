"""Observations: one person's joints in every view over time, as a network saw them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F64, I64, Mask
from calibration.skeleton import Skeleton


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """One person's joints in every view over time.

    Parameters
    ----------
    skeleton
        Names the joints of the last axes.
    view_names
        Names of the cameras, in the order of the view axis.
    sizes_wh : V of them, px
        Image sizes.
    time_ns : (T,)
        Time of each frameset, increasing.
    xy : (T, V, J, 2), px of the original image
        NaN where a joint was not seen.
    confidence : (T, V, J), 0 to 1
        0 where a joint was not seen.
    view_time_ns : (T, V)
        Each view's own time of its image; equal to `time_ns` where a view has no image.
    own_xyz : (T, V, J, 3), m
        The network's own guess of the pose in depth, about the middle of the hips, in the axes of a
        camera that looks at them; NaN where there is none. None from a network that makes none.

    Raises
    ------
    ValueError
        If the shapes disagree.
    """

    skeleton: Skeleton
    view_names: tuple[str, ...]
    sizes_wh: tuple[tuple[int, int], ...]
    time_ns: I64
    xy: F64
    confidence: F64
    view_time_ns: I64
    own_xyz: F64 | None = None

    def __post_init__(self) -> None:
        """Check the shapes."""
        T = len(self.time_ns)
        V = len(self.view_names)
        J = len(self.skeleton.joints)
        shapes = {"xy": (T, V, J, 2), "confidence": (T, V, J), "view_time_ns": (T, V)}
        if self.own_xyz is not None:
            shapes["own_xyz"] = (T, V, J, 3)
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"Observations: {name} must be {shape}, not {getattr(self, name).shape}."
                )
        if len(self.sizes_wh) != V:
            raise ValueError(
                f"Observations: {V} views need {V} image sizes, not {len(self.sizes_wh)}."
            )

    @property
    def seen(self) -> Mask:
        """Where a joint was seen, (T, V, J)."""
        return np.isfinite(self.xy).all(-1) & (self.confidence > 0)

    def swap_sides(self, swapped: Mask) -> "Observations":
        """Exchange left and right in some views of some framesets.

        Parameters
        ----------
        swapped : (T, V)
        """
        mirror = self.skeleton.mirror
        xy = np.where(swapped[..., None, None], self.xy[:, :, mirror], self.xy)
        confidence = np.where(swapped[..., None], self.confidence[:, :, mirror], self.confidence)
        own_xyz = self.own_xyz
        if own_xyz is not None:
            own_xyz = np.where(swapped[..., None, None], own_xyz[:, :, mirror], own_xyz)
        return replace(self, xy=xy, confidence=confidence, own_xyz=own_xyz)

    def flip_views(self, view_indices: Sequence[int]) -> "Observations":
        """Mirror some views: flip their images, and the body's sides with them.

        Applied twice, it changes nothing.

        Parameters
        ----------
        view_indices
            Positions.
        """
        flipped = np.zeros(self.view_time_ns.shape, bool)
        xy = self.xy.copy()
        for v in view_indices:
            flipped[:, v] = True
            xy[:, v, :, 0] = self.sizes_wh[v][0] - 1 - xy[:, v, :, 0]
        own_xyz = self.own_xyz
        if own_xyz is not None:
            turned = flipped[..., None, None] & np.array([True, False, False])
            own_xyz = np.where(turned, -own_xyz, own_xyz)
        return replace(self, xy=xy, own_xyz=own_xyz).swap_sides(flipped)

    def select_framesets(self, rows: I64 | Mask | slice) -> "Observations":
        """Select some framesets.

        Parameters
        ----------
        rows
            Indices, a mask over T, or a slice.
        """
        names = ("time_ns", "xy", "confidence", "view_time_ns")
        if self.own_xyz is not None:
            names += ("own_xyz",)
        return replace(self, **{name: getattr(self, name)[rows] for name in names})
