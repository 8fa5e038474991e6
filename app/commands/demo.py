"""`epipole demo`: the whole program on the built-in studio, from nothing but the images and the person's height."""

from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from app.commands.calibrate import DONE, REFUSED, calibrate
from app.demo_files import write_poses, write_truth
from app.display import is_headless
from app.observe import Observed, observe
from app.options import DEFAULT_MODEL
from app.outcome import Places, tell_calibration, write_calibration
from app.paths import demand_writable, free_name, fresh_folder
from app.presenters.take import TakeResult, best_moment, joints_found, present_take
from app.presenters.window import WindowState
from app.recording import TakeRecording
from calibration.self_calibrate import Calibration, CalibrationOptions
from engine import offline
from engine.capture.sources import Footage, open_inputs
from engine.frames import FrameSet
from engine.poses import PoseSet2D
from engine.studio.scene import Studio

FAILED = 1
HEADLESS_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """What came of the studio's take.

    Parameters
    ----------
    observed
    calibration
    reconstruction
        None where the rig was refused.
    """

    observed: Observed
    calibration: Calibration
    reconstruction: offline.Reconstruction | None


def run(options: Namespace) -> int:
    """Film a person in the studio, calibrate, reconstruct, and show it.

    Parameters
    ----------
    options
        `cameras`, `seconds`, `seed`, `headless`, `out`.

    Returns
    -------
    code
        0, or 3 where the rig cannot be trusted.
    """
    folder = options.out or fresh_folder(Path.cwd(), datetime.now())
    demand_writable(folder / "rig.toml")
    print(f"Everything goes to {folder}", flush=True)
    if not is_headless(asked=options.headless):
        return _show(options, folder)
    title = f"Demo studio, seed {options.seed}"
    seconds = options.seconds or HEADLESS_S
    with open_inputs([f"studio:?cameras={options.cameras}&seconds={seconds:g}&seed={options.seed}"]) as footage:
        studio: Studio = footage.studio
        performance = perform(footage, free_name(folder / "session"))
    places = Places(folder / "rig.toml", folder / "report.json")
    write_calibration(performance.calibration.report, performance.calibration.rig, places, title)
    take = performance.observed.take
    write_truth(studio, folder, np.array([poses.timestamp_ns for poses in take.pose_sets], np.int64))
    if performance.reconstruction is not None:
        write_poses(performance.reconstruction.poses_3d, take, folder)
    result = _result(performance, title)
    tell_calibration(result.report, result.rig, places)
    if result.rig is not None:
        print(f"Joints  {folder / 'poses_3d.csv'}, {100 * joints_found(result):.0f} % of the body's joints found")
    draw(_state(result, studio), folder / "window.png")
    return DONE if result.rig is not None else REFUSED


def perform(footage: Footage, session: Path) -> Performance:
    """See the take, calibrate and reconstruct it, and keep all of it in a session.

    Parameters
    ----------
    footage
        Of the studio.
    session
        A new folder.

    Returns
    -------
    performance
    """
    stature_m = footage.studio.stature_m
    with TakeRecording(session, footage, DEFAULT_MODEL, {"stature_m": stature_m}) as recording:
        observed = observe(recording.footage, DEFAULT_MODEL, recording.keep_raw_poses)
        calibration = calibrate(observed.take, CalibrationOptions(stature_m))
        reconstruction = None
        if calibration.rig is not None:
            recording.keep_rig(calibration.rig)
            reconstruction = offline.reconstruct_take_in_room(observed.take, calibration.rig)
            recording.keep_reconstruction(reconstruction)
    return Performance(observed, calibration, reconstruction)


def draw(state: WindowState, picture: Path) -> None:
    """Draw the window as a picture.

    Parameters
    ----------
    state
    picture
        The PNG to write.
    """
    try:
        from app import snapshot  # Qt is loaded by those who draw, when they draw
    except ImportError as error:
        print(f"The window cannot be drawn: {error}. 'epipole doctor' says what is missing; all else is complete.")
        return
    snapshot.draw_window(state, picture)
    print(f"Window  {picture}")


def _show(options: Namespace, folder: Path) -> int:
    """Let the studio play live in the window."""
    try:
        from app import demo_window
    except ImportError as error:
        print(f"The window cannot be opened: {error}. 'epipole doctor' says what is missing; --headless needs less.")
        return FAILED
    return demo_window.show_demo(options, folder)


def _result(performance: Performance, title: str) -> TakeResult:
    """Put everything that the window needs into one hand."""
    take, reconstruction = performance.observed.take, performance.reconstruction
    return TakeResult(
        title=title,
        views=take.views,
        skeleton=take.skeleton,
        rate_fps=performance.observed.rate_fps,
        report=performance.calibration.report,
        rig=performance.calibration.rig,
        poses_2d=reconstruction.poses_2d if reconstruction else take.pose_sets,
        poses_3d=reconstruction.poses_3d if reconstruction else (),
    )


def _state(result: TakeResult, studio: Studio) -> WindowState:
    """Describe the window at the take's best moment."""
    row = best_moment(result)
    return present_take(result, _filmed_again(result.poses_2d[row], studio), row)


def _filmed_again(poses: PoseSet2D, studio: Studio) -> FrameSet:
    """Take the pictures of one moment once more: the studio's own are the same every time."""
    frames = []
    for camera, time_ns in enumerate(poses.view_time_ns):
        number = None if time_ns is None else round(time_ns * studio.config.rate_fps / 1e9)
        frames.append(None if number is None else studio.render(camera, number))
    return FrameSet(poses.index, poses.timestamp_ns, tuple(frames))
