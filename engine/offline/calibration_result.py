"""The result of a calibration: its rig or the refusal, and the report file."""

import json
from pathlib import Path

from calibration.errors import CalibrationError
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from calibration.self_calibrate import Calibration
from engine.disk import atomic_file, disk_errors


class CalibrationRefusedError(CalibrationError):
    """A rig that cannot be trusted.

    Parameters
    ----------
    report
        Its `reasons` say why, and what to do.
    """

    def __init__(self, report: CalibrationReport) -> None:
        super().__init__(" ".join(report.reasons) or "The calibration was refused.")
        self.report = report


def require_rig(calibration: Calibration) -> Rig:
    """Return the rig of a calibration.

    Raises
    ------
    CalibrationRefusedError
        If the calibration was refused.
    """
    if calibration.rig is None:
        raise CalibrationRefusedError(calibration.report)
    return calibration.rig


def write_report(report: CalibrationReport, path: Path) -> None:
    """Write the report for programs, report.json, whole or not at all.

    Raises
    ------
    SessionError
        If the disk refuses.
    """
    with disk_errors(path), atomic_file(path) as file:
        json.dump(report.as_dict(), file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")
