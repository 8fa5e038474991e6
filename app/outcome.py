"""What is left behind when a rig was calibrated: the files, and a few lines in the terminal."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.presenters.calibration import in_unit, present_calibration
from app.report_page import write_report_page
from calibration.report import CalibrationReport
from calibration.rig import Rig, save_rig
from engine.disk import saying_what_the_disk_refused, whole_file


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files go.

    Parameters
    ----------
    rig
        The rig file; it stays as it was where the rig is refused.
    report
        The report for programs; the page for people lies beside it.
    """

    rig: Path
    report: Path

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.report.with_suffix(".html")


def write_calibration(report: CalibrationReport, rig: Rig | None, places: Places, subject: str) -> None:
    """Write the reports, and the rig if there is one.

    Parameters
    ----------
    report
    rig
        None where refused.
    places
    subject
        What was calibrated, for the page.

    Raises
    ------
    SessionError
        If the disk refuses; no file is left half written.
    """
    with saying_what_the_disk_refused(places.report), whole_file(places.report) as file:
        json.dump(report.as_dict(), file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")
    with saying_what_the_disk_refused(places.page):
        write_report_page(places.page, report, rig, subject)
    if rig is not None:
        with saying_what_the_disk_refused(places.rig):
            save_rig(rig, places.rig)


def tell_calibration(report: CalibrationReport, rig: Rig | None, places: Places) -> None:
    """Say in the terminal how it went and where everything is.

    Parameters
    ----------
    report
    rig
        None where refused.
    places
    """
    card = present_calibration(report)
    print(f"\n{card.headline} ({report.verdict}).")
    tell(report.reasons)
    tell(report.remarks)
    if rig is not None:
        for row in card.rows:
            print(f"  {row.name}: direction {row.direction}, place {row.place}, lens {row.lens}, error {row.error}")
        scale = f"± {in_unit(report.scale_sigma_percent, '%', 1)} from {report.scale_source}"
        print(f"  all: error on unseen time {in_unit(report.holdout_median_px, 'px', 1)}, scale {scale}")
        print(f"Rig     {places.rig}")
    else:
        print(card.next_step)
    print(f"Report  {places.page}")


def tell(sentences: Iterable[str]) -> None:
    """Print sentences, one a line.

    Parameters
    ----------
    sentences
    """
    for sentence in sentences:
        print(f"  {sentence}")
