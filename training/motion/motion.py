"""Motion: where a person's joints were, at a constant rate."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from calibration.geometry.arrays import F32, F64
from engine.studio.body.retarget import DRIVING_JOINTS, FOOT_JOINTS, HEAD
from training.errors import DatasetError

JOINTS = (*DRIVING_JOINTS, *FOOT_JOINTS, HEAD)
"""All joints that a motion can have, in their order; the first twelve it must have."""
MAX_LISTED_NAMES = 40
_WHOLE_FRAME = 1e-6
"""Frames by which a duration may miss the last frame through rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The joints of one person over time.

    Parameters
    ----------
    name
        The file, and the clip in it where it holds several.
    rate_fps
        Frames per second.
    joints
        Those of `JOINTS` that the file has; the toe is the ball of the foot, the head the
        base of the skull.
    xyz : (T, J, 3), m, z up
        In the order of `joints`; finite.
    remarks
        What the user should know about how the file was read.

    Raises
    ------
    DatasetError
        If a limb's joint is missing, or there is no frame or one that is not finite.
    """

    name: str
    rate_fps: float
    joints: tuple[str, ...]
    xyz: F32
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        demand_limbs(self.joints, self.name, self.joints)
        if self.xyz.shape != (len(self.xyz), len(self.joints), 3):
            raise ValueError(f"{len(self.joints)} joints do not fit {self.xyz.shape}")
        if not self.xyz.size:
            raise DatasetError(f"'{self.name}' has no frame. Export or fetch it again.")
        finite = np.isfinite(self.xyz).all((1, 2))
        if not finite.all():
            raise DatasetError(
                f"Frame {int(np.argmin(finite))} of '{self.name}' has joints without a position, "
                "so the motion has gaps. Fill them in the program that wrote the file."
            )
        if not (np.isfinite(self.rate_fps) and self.rate_fps > 0):
            raise DatasetError(
                f"'{self.name}' has a rate of {self.rate_fps} frames per second, which is no "
                "rate. Export or fetch it again."
            )

    def __len__(self) -> int:
        return len(self.xyz)

    @property
    def duration_s(self) -> float:
        """Time from the first frame to the last."""
        return (len(self) - 1) / self.rate_fps

    def positions(self) -> dict[str, F64]:
        """Return the joints by name, each (T, 3), m, z up: what `retarget` takes."""
        return {name: self.xyz[:, index].astype(float) for index, name in enumerate(self.joints)}

    def resample(self, rate_fps: float) -> "Motion":
        """Return the motion at another rate, linear between two frames.

        The first frame stays; the last new one is at most one step before the last old one.
        """
        if not (np.isfinite(rate_fps) and rate_fps > 0):
            raise ValueError(f"{rate_fps} is no rate")
        count = int(self.duration_s * rate_fps + _WHOLE_FRAME) + 1
        at = np.minimum(np.arange(count) * (self.rate_fps / rate_fps), len(self) - 1)
        before = at.astype(int)
        after = np.minimum(before + 1, len(self) - 1)
        share = (at - before).astype(np.float32)[:, None, None]
        xyz = self.xyz[before] * (1 - share) + self.xyz[after] * share
        return replace(self, rate_fps=float(rate_fps), xyz=xyz)


def demand_limbs(joints: Iterable[str], source: str, found: Iterable[str]) -> None:
    """Refuse a motion without all joints of the limbs; `found` are the names in its file."""
    present = set(joints)
    missing = [name for name in DRIVING_JOINTS if name not in present]
    if not missing:
        return
    names = list(found)
    listed = ", ".join(names[:MAX_LISTED_NAMES]) or "none"
    more = f" and {len(names) - MAX_LISTED_NAMES} more" if len(names) > MAX_LISTED_NAMES else ""
    raise DatasetError(
        f"'{source}' has no joint known as {', '.join(missing)}, so its limbs cannot be followed: "
        f"its names are {listed}{more}. Rename its joints to left_shoulder, left_elbow, "
        "left_wrist, left_hip, left_knee, left_ankle and the same for right_."
    )
