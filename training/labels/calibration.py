"""CalibrationState: which calibration a label is based on, and how good that is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calibration.judge.report import REFUSED
from calibration.rig import Rig, load_rig
from training.errors import TrainingError

ID_LENGTH = 12
NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """A calibration by its identity.

    Parameters
    ----------
    id
        Of the rig file's bytes, the verdict and the sigmas; another calibration has another one.
    rig_sha256
    verdict
        ``accepted`` or ``usable``; 'not judged' for a rig of another program.
    rotation_sigma_deg, position_sigma_m, focal_sigma_percent
        By camera, in the order of the rig; empty without a report.

    Raises
    ------
    TrainingError
        If there is no id, or the calibration was refused.
    """

    id: str
    rig_sha256: str
    verdict: str
    rotation_sigma_deg: tuple[float, ...] = ()
    position_sigma_m: tuple[float, ...] = ()
    focal_sigma_percent: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse calibrations that no label may be based on."""
        if not self.id:
            raise TrainingError(
                "Labels without the id of their calibration mean nothing. Label the session again."
            )
        if self.verdict == REFUSED:
            raise TrainingError(
                "The rig was refused when it was calibrated, so nothing can be labelled with it. "
                "Calibrate again: walk through the whole room."
            )


def read_calibration(path: Path) -> tuple[Rig, CalibrationState]:
    """Read a rig and identify its calibration.

    Parameters
    ----------
    path
        Of a rig file; the sigmas are taken from a ``report.json`` beside it, if that is about the
        same cameras.

    Returns
    -------
    rig
    calibration
        With the verdict of the report, else that of the rig file, else 'not judged'.

    Raises
    ------
    CalibrationError
        If the rig cannot be read.
    TrainingError
        If it was refused.
    """
    rig = load_rig(path)
    sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    report = _read_report_beside(Path(path), rig.names)
    verdict = str(report.get("verdict") or rig.metadata.get("verdict") or NOT_JUDGED)
    cameras = report.get("cameras", [])
    sigmas = [
        tuple(float("nan") if camera.get(key) is None else float(camera[key]) for camera in cameras)
        for key in ("rotation_sigma_deg", "position_sigma_m", "focal_sigma_percent")
    ]
    return rig, CalibrationState(
        make_calibration_id(sha256, verdict, sigmas), sha256, verdict, *sigmas
    )


def make_calibration_id(rig_sha256: str, verdict: str, sigmas: Sequence[Sequence[float]]) -> str:
    """Make the id of a calibration.

    Parameters
    ----------
    rig_sha256, verdict
    sigmas
        All that is known, in any fixed order.

    Returns
    -------
    id
        Twelve hexadecimal digits.
    """
    facts = json.dumps(
        [rig_sha256, verdict, [[round(value, 9) for value in row] for row in sigmas]]
    )
    return hashlib.sha256(facts.encode()).hexdigest()[:ID_LENGTH]


def _read_report_beside(path: Path, names: tuple[str, ...]) -> dict:
    """Read the report beside a rig; empty where there is none of these cameras and this verdict."""
    try:
        report = json.loads(path.with_name("report.json").read_text(encoding="utf-8"))
        same = tuple(camera["name"] for camera in report["cameras"]) == names
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a rig is enough; a report only adds to it
    return report if same else {}
