"""CalibrationReport: how good a rig is, in numbers for a program and messages for a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCEPTED = "accepted"
USABLE = "usable"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class CameraReport:
    """What is known of one camera's place and lens.

    Parameters
    ----------
    name
    rotation_sigma_deg, position_sigma_m, focal_sigma_percent
        One standard deviation, inflated by the hold-out error; NaN where the rig was refused before
        it was solved.
    holdout_px
        Median reprojection error over time that was held out of the solution, px of the original
        image.
    coverage
        Share of the image's 8 x 6 cells that held a joint, 0 to 1.
    joints_used
        How many joint observations of this camera carried the solution.
    """

    name: str
    rotation_sigma_deg: float
    position_sigma_m: float
    focal_sigma_percent: float
    holdout_px: float
    coverage: float = 0.0
    joints_used: int = 0


@dataclass(frozen=True, slots=True)
class BoneReport:
    """One bone of the person, as the rig measures it.

    Parameters
    ----------
    name
        The two joints, for instance ``left_hip-left_knee``.
    length_m
        Median over time.
    variation_percent
        Robust coefficient of variation over time; a true rig keeps it low.
    """

    name: str
    length_m: float
    variation_percent: float


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """The verdict on a calibration and what it rests on.

    Parameters
    ----------
    verdict
        ``accepted``, ``usable`` or ``refused``.
    reasons
        Messages that a person can act on.
    cameras
        In camera order.
    time_offsets_ms
        By camera name; what to add to its times.
    scale_source, scale_sigma_percent
        Where metres come from, and how far to trust them.
    holdout_median_px
        Over all cameras, px of the original image.
    stature_m
        As given, or the population's mean where none was.
    seconds_used
        Length of the observations that carried the solution.
    bones
        The person's bones in this rig.
    remarks
        What was odd but did no harm (a bystander, repaired swaps).
    """

    verdict: str
    reasons: tuple[str, ...]
    cameras: tuple[CameraReport, ...]
    time_offsets_ms: Mapping[str, float]
    scale_source: str
    scale_sigma_percent: float
    holdout_median_px: float
    stature_m: float
    seconds_used: float
    bones: tuple[BoneReport, ...] = ()
    remarks: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def as_dict(self) -> dict[str, Any]:
        """Return the plain values of report.json; what is not known is None."""
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "remarks": list(self.remarks),
            "cameras": [
                {
                    "name": camera.name,
                    "rotation_sigma_deg": _to_json_number(camera.rotation_sigma_deg),
                    "position_sigma_m": _to_json_number(camera.position_sigma_m),
                    "focal_sigma_percent": _to_json_number(camera.focal_sigma_percent),
                    "holdout_px": _to_json_number(camera.holdout_px),
                    "coverage": _to_json_number(camera.coverage),
                    "joints_used": camera.joints_used,
                }
                for camera in self.cameras
            ],
            "time_offsets_ms": {
                name: _to_json_number(value) for name, value in self.time_offsets_ms.items()
            },
            "scale": {
                "source": self.scale_source,
                "sigma_percent": _to_json_number(self.scale_sigma_percent),
            },
            "holdout_median_px": _to_json_number(self.holdout_median_px),
            "stature_m": _to_json_number(self.stature_m),
            "seconds_used": _to_json_number(self.seconds_used),
            "bones": [
                {
                    "name": bone.name,
                    "length_m": _to_json_number(bone.length_m),
                    "variation_percent": _to_json_number(bone.variation_percent),
                }
                for bone in self.bones
            ],
            "details": dict(self.details),
        }


def _to_json_number(value: float) -> float | None:
    """Return a float that JSON can hold."""
    return (
        None if value != value or value in (float("inf"), float("-inf")) else round(float(value), 6)
    )
