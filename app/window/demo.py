"""The demo in the window: the studio plays live; results are written when it closes."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.demo_files import write_poses, write_truth
from app.exit_codes import DONE
from app.presenters.live import present_live
from app.report.calibration_output import CalibrationPaths, print_calibration, write_calibration
from app.settings import Settings
from app.window.application import make_application
from app.window.snapshot import draw_window, get_application, show_until_closed
from app.window.uncaught_errors import report_uncaught_errors
from calibration.judge.report import CalibrationReport
from calibration.rig import Rig
from engine.disk import find_free_path
from engine.errors import NobodyInViewError
from engine.live.studio import play_studio
from engine.offline import recording as offline
from engine.session.session import Session
from engine.studio.scene import Studio

DEFAULT_DURATION_S = 3600.0


def show_demo(options: Namespace, folder: Path) -> int:
    """Show the studio live until the window is closed; then write rig, joints and truth.

    Parameters
    ----------
    options
        `cameras`, `seconds`, `seed`.
    folder
        Gets everything.

    Returns
    -------
    code
        0; also where the window was closed before there was a rig.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C was pressed in the terminal; everything is written all the same.
    """
    qt_application = get_application()
    seconds = options.seconds or DEFAULT_DURATION_S
    address = f"studio:?cameras={options.cameras}&seconds={seconds:g}&seed={options.seed}"
    studio, sources = play_studio(address)
    app = make_application(
        Settings(stature_m=round(studio.stature_m, 3), sessions=str(folder)), None
    )
    session = find_free_path(folder / "session")
    app.control.record_to(session)
    app.control.start((address,), sources)
    print("The window shows the studio live; close it to end.", flush=True)
    try:
        with report_uncaught_errors(app.control.notify):
            show_until_closed(app.window)
    finally:
        state = app.control.snapshot()
        app.close()
        qt_application.processEvents()
        draw_window(present_live(*state), folder / "window.png")
        print(f"Window  {folder / 'window.png'}")
        if session.is_dir():
            _write_results(session, studio, folder, app.control.calibration)
    return DONE


def _write_results(
    path: Path, studio: Studio, folder: Path, calibration: tuple[Rig, CalibrationReport] | None
) -> None:
    """Write rig, report, joints and truth, where there are any."""
    session = Session.open(path)
    recording = offline.load_recording(session)
    sets = tuple(replace(poses, index=index) for index, poses in enumerate(recording.pose_sets))
    shift_ns = _find_clock_shift_ns(session)
    if sets and shift_ns is not None:
        write_truth(
            studio, folder, np.array([poses.timestamp_ns - shift_ns for poses in sets], np.int64)
        )
    if calibration is None:
        print(
            "The window was closed before the cameras were calibrated: there is no rig. The "
            "session has the images."
        )
        return
    rig, report = calibration
    paths = CalibrationPaths(folder / "rig.toml", folder / "report.json")
    write_calibration(report, rig, paths, "Demo studio")
    print_calibration(report, rig, paths)
    recording = replace(recording, pose_sets=sets)
    try:
        write_poses(offline.reconstruct_recording(recording, rig).poses_3d, recording, folder)
    except NobodyInViewError as error:
        print(error)
        return
    print(f"Joints  {folder / 'poses_3d.csv'}")


def _find_clock_shift_ns(session: Session) -> int | None:
    """Find what to subtract from session times to get studio times; None without images."""
    for camera in session.cameras:
        rows = [row for row in session.ledger(camera) if row.time_ns is not None]
        if rows:
            shifts = [
                row.time_ns - round(row.sequence * 1e9 / camera.rate_fps)
                for row in rows
                if row.time_ns
            ]
            return int(np.median(shifts))
    return None
