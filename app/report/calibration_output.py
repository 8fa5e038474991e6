"""The output of a calibration: files, and a summary in the terminal."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.presenters.calibration import format_with_unit, present_calibration
from app.report.page import write_report_page
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig, save_rig
from engine.disk import disk_errors
from engine.offline.calibration_result import write_report


@dataclass(frozen=True, slots=True)
class CalibrationPaths:
    """Where the files go.

    Parameters
    ----------
    rig
        The rig file; unchanged if the calibration is refused.
    report
        The report as JSON; the readable page is written beside it.
    """

    rig: Path
    report: Path

    @property
    def page(self) -> Path:
        """The report as a readable page."""
        return self.report.with_suffix(".html")


def write_calibration(
    report: CalibrationReport,
    rig: Rig | None,
    paths: CalibrationPaths,
    subject: str,
    candidate: Rig | None = None,
) -> None:
    """Write the reports, and the rig if there is one.

    Parameters
    ----------
    report
    rig
        None where refused.
    paths
    subject
        What was calibrated, for the title of the page.
    candidate
        The rig that was refused: drawn on the page, not written.

    Raises
    ------
    SessionError
        If the disk cannot be written; no file is left half written.
    """
    write_report(report, paths.report)
    with disk_errors(paths.page):
        write_report_page(paths.page, report, rig or candidate, subject)
    if rig is not None:
        with disk_errors(paths.rig):
            save_rig(rig, paths.rig)


def print_calibration(report: CalibrationReport, rig: Rig | None, paths: CalibrationPaths) -> None:
    """Print the result and where everything is.

    Parameters
    ----------
    report
    rig
        None where refused.
    paths
    """
    card = present_calibration(report)
    print(f"\n{card.headline} ({report.verdict}).")
    print_messages(report.reasons)
    print_messages(report.remarks)
    if rig is not None:
        for row in card.rows:
            print(
                f"  {row.name}: direction {row.direction}, position {row.position}, "
                f"lens {row.lens}, error {row.error}"
            )
        scale = (
            f"± {format_with_unit(report.scale_sigma_percent, '%', 1)} from {report.scale_source}"
        )
        print(
            "  all: held-out error "
            f"{format_with_unit(report.holdout_median_px, 'px', 1)}, scale {scale}"
        )
        print(f"Rig     {paths.rig}")
    else:
        print(card.next_step)
    print(f"Report  {paths.page}")


def print_messages(messages: Iterable[str]) -> None:
    """Print messages, one a line."""
    for message in messages:
        print(f"  {message}")
