"""`epipole demo`: the whole program on the built-in studio, from images and stature alone."""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

import numpy as np

from app.cli.display import is_headless
from app.cli.step_progress import StepLines
from app.demo_files import write_poses, write_truth
from app.exit_codes import DONE, FAILED, REFUSED
from app.paths import choose_new_folder, require_writable
from app.presenters.recording import (
    RecordingResult,
    find_best_row,
    measure_joints_found,
    present_recording,
)
from app.presenters.window import WindowState
from app.report.calibration_output import CalibrationPaths, print_calibration, write_calibration
from app.settings import DEFAULT_MODEL
from calibration.self_calibrate import CalibrationOptions
from engine.disk import find_free_path
from engine.frames import FrameSet
from engine.offline.calibrate_and_track import CalibratedTrack, calibrate_and_track
from engine.offline.footage import open_inputs
from engine.poses import PoseSet2D
from engine.studio.scene import Studio

HEADLESS_S = 30.0


def run(options: Namespace) -> int:
    """Record a person in the studio, calibrate, reconstruct, and show it.

    Parameters
    ----------
    options
        `cameras`, `seconds`, `seed`, `headless`, `out`.

    Returns
    -------
    code
        0, or 3 where the rig cannot be trusted.
    """
    folder = options.out or choose_new_folder(Path.cwd(), datetime.now())
    require_writable(folder / "rig.toml")
    print(f"Everything goes to {folder}", flush=True)
    if not is_headless(requested=options.headless):
        return _show_window(options, folder)
    title = f"Demo studio, seed {options.seed}"
    seconds = options.seconds or HEADLESS_S
    address = f"studio:?cameras={options.cameras}&seconds={seconds:g}&seed={options.seed}"
    with open_inputs([address]) as footage, StepLines() as progress:
        studio: Studio = footage.studio
        known = CalibrationOptions(studio.stature_m)
        session = find_free_path(folder / "session")
        demo = calibrate_and_track(footage, session, DEFAULT_MODEL, known, progress)
    paths = CalibrationPaths(folder / "rig.toml", folder / "report.json")
    calibration = demo.calibration
    write_calibration(calibration.report, calibration.rig, paths, title, calibration.candidate)
    recording = demo.observation.recording
    write_truth(
        studio, folder, np.array([poses.timestamp_ns for poses in recording.pose_sets], np.int64)
    )
    if demo.reconstruction is not None:
        write_poses(demo.reconstruction.poses_3d, recording, folder)
    result = _build_result(demo, title)
    print_calibration(result.report, result.rig, paths)
    if result.rig is not None:
        print(
            f"Joints  {folder / 'poses_3d.csv'}, {100 * measure_joints_found(result):.0f} % of "
            "the body's joints found"
        )
    draw_picture(_build_window_state(result, studio), folder / "window.png")
    return DONE if result.rig is not None else REFUSED


def draw_picture(state: WindowState, picture: Path) -> None:
    """Draw the window as a picture.

    Parameters
    ----------
    state
    picture
        The PNG to write.
    """
    try:
        from app.window import snapshot  # Qt is loaded by those who draw, when they draw
    except ImportError as error:
        print(
            f"The window cannot be drawn: {error}. 'epipole doctor' says what is missing; all "
            "else is complete."
        )
        return
    snapshot.draw_window(state, picture)
    print(f"Window  {picture}")


def _show_window(options: Namespace, folder: Path) -> int:
    """Show the studio live in the window."""
    try:
        from app.window import demo as demo_window
    except ImportError as error:
        print(
            f"The window cannot be opened: {error}. 'epipole doctor' says what is missing; "
            "--headless needs less."
        )
        return FAILED
    return demo_window.show_demo(options, folder)


def _build_result(demo: CalibratedTrack, title: str) -> RecordingResult:
    """Collect everything that the window shows."""
    recording = demo.observation.recording
    reconstruction = demo.reconstruction
    return RecordingResult(
        title=title,
        view_names=recording.view_names,
        skeleton=recording.skeleton,
        rate_fps=demo.observation.rate_fps,
        report=demo.calibration.report,
        rig=demo.calibration.rig,
        poses_2d=reconstruction.poses_2d if reconstruction else recording.pose_sets,
        poses_3d=reconstruction.poses_3d if reconstruction else (),
    )


def _build_window_state(result: RecordingResult, studio: Studio) -> WindowState:
    """Describe the window at the best moment of the recording."""
    row = find_best_row(result)
    return present_recording(result, _render_frames(result.poses_2d[row], studio), row)


def _render_frames(poses: PoseSet2D, studio: Studio) -> FrameSet:
    """Render the images of one moment again; the studio's are the same every time."""
    frames = []
    for camera, time_ns in enumerate(poses.view_time_ns):
        number = None if time_ns is None else round(time_ns * studio.config.rate_fps / 1e9)
        frames.append(None if number is None else studio.render(camera, number))
    return FrameSet(poses.index, poses.timestamp_ns, tuple(frames))
