"""Calibrate, track, reconstruct and export: what the commands of the same names do."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from calibration.judge.report import CalibrationReport
from calibration.rig import Rig, load_rig, save_rig
from calibration.self_calibrate import Calibration, CalibrationOptions
from engine.disk import disk_errors
from engine.export.exporters import export_session
from engine.offline import recording as offline
from engine.offline.calibrate import (
    build_options,
    calibrate_footage,
    calibrate_poses,
    find_stature_m,
)
from engine.offline.calibration_result import require_rig, write_report
from engine.offline.footage import open_inputs
from engine.offline.match_rig import match_rig
from engine.offline.repair_sessions import repair_sessions
from engine.offline.track import TrackOptions
from engine.offline.track import track as track_footage
from engine.reconstruction.smooth import Smooth
from engine.session.session import Session as SessionFolder

from .arguments import AnyPath, ReportProgress, adapt_progress
from .poses import Observations2D, Poses, build_poses, build_recording
from .session import Session
from .studio import Studio

Inputs: TypeAlias = AnyPath | Session | Studio | Sequence[AnyPath]
"""A session, the studio, or one video per camera in the order of the cameras."""

DEFAULT_MODEL = "blazepose"
MIN_STATURE_M, MAX_STATURE_M = 0.5, 2.5


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationResult:
    """A rig and how far to trust it.

    Parameters
    ----------
    rig
    report
        Its `verdict` is ``accepted``, or ``usable`` with the uncertainties it states.
    """

    rig: Rig
    report: CalibrationReport


def calibrate(
    inputs: Inputs | Observations2D,
    *,
    stature: float | None = None,
    intrinsics: Rig | AnyPath | None = None,
    shared_intrinsics: bool = False,
    model: str = DEFAULT_MODEL,
    out: AnyPath | None = None,
    report: AnyPath | None = None,
    progress: ReportProgress | None = None,
) -> CalibrationResult:
    """Calibrate cameras from a person who moves in front of them.

    Parameters
    ----------
    inputs
        Two videos or more, a session, the studio, or 2D joints found by any means.
    stature : m
        Of the person, 0.5 to 2.5; not given: that of the session, else the population's mean.
    intrinsics
        A rig or its file whose lenses are those of these cameras.
    shared_intrinsics
        All cameras are of one kind.
    model
        Name of the pose model.
    out
        The rig.toml to write.
    report
        The report.json to write, also where the calibration is refused.
    progress
        Called with the step and the share done; may raise to cancel.

    Returns
    -------
    result
        A rig that was accepted or is usable.

    Raises
    ------
    CalibrationRefusedError
        If the rig cannot be trusted; its `report` says why and what to do.
    CalibrationError
        If `intrinsics` cannot be read or are for other cameras.
    EngineError
        If an input cannot be read, the model is missing, or no person is in view.
    ValueError
        If `stature` is out of range.
    """
    _require_stature(stature)
    lenses = intrinsics if isinstance(intrinsics, Rig | None) else Path(intrinsics)
    listen = adapt_progress(progress)

    def collect(view_names: tuple[str, ...], stature_m: float | None) -> CalibrationOptions:
        return build_options(view_names, stature_m, lenses, shared_intrinsics=shared_intrinsics)

    if isinstance(inputs, Observations2D):
        recording = build_recording(inputs)
        options = collect(recording.view_names, stature)
        calibration = calibrate_poses(recording, options, listen)
    else:
        addresses = _list_inputs(inputs)
        repair_sessions(addresses)
        with open_inputs(addresses) as footage:
            options = collect(footage.view_names, find_stature_m(footage, stature))
            calibration = calibrate_footage(footage, options, model, listen).calibration
    return _store_calibration(calibration, out, report)


def track(
    inputs: Inputs,
    out: AnyPath,
    *,
    rig: Rig | AnyPath | None = None,
    stature: float | None = None,
    model: str = DEFAULT_MODEL,
    lift: str = "",
    progress: ReportProgress | None = None,
) -> Session:
    """Find a person in videos, and reconstruct the joints into a new session.

    Parameters
    ----------
    inputs
        One video per camera, a session, or the studio.
    out
        Folder of the new session; it does not exist yet, or is empty.
    rig
        Where the cameras are; not given: the session's own. One camera needs none.
    stature : m
        Of the person, 0.5 to 2.5; it counts where one camera alone sees them.
    model
        Name of the pose model.
    lift
        Name of the model that estimates depth where one camera alone sees the person; empty: the
        one in use, for inputs of one camera.
    progress
        Called with the step and the share done; may raise to cancel.

    Returns
    -------
    session
        Its `remarks` say what was lost or repaired.

    Raises
    ------
    CalibrationError
        If the rig cannot be read or is for other cameras.
    EngineError
        If an input cannot be read, several cameras have no rig, a model is missing, no person is
        in view, or the disk refuses.
    ValueError
        If `stature` is out of range.
    """
    _require_stature(stature)
    addresses = _list_inputs(inputs)
    messages = repair_sessions(addresses)
    chosen = rig if isinstance(rig, Rig | None) else Path(rig)
    options = TrackOptions(model, chosen, stature, lift)
    tracked = track_footage(addresses, Path(out), options, adapt_progress(progress))
    return Session(SessionFolder.open(tracked.path), (*messages, *tracked.remarks))


def reconstruct(observations: Observations2D, rig: Rig | AnyPath) -> Poses:
    """Reconstruct a person in the room from 2D joints found by any means.

    Parameters
    ----------
    observations
        Of two views or more.
    rig
        Its cameras are matched by name, else by order.

    Returns
    -------
    poses
        In the world frame of the rig.

    Raises
    ------
    CalibrationError
        If the rig cannot be read or is for other cameras.
    EngineError
        If no view, or only one, shows a person.
    """
    loaded = rig if isinstance(rig, Rig) else load_rig(Path(rig))
    recording = build_recording(observations)
    name = Path("rig") if isinstance(rig, Rig) else Path(rig)
    matched = match_rig(loaded, recording.view_names, recording.sizes_wh, name)
    found = offline.reconstruct_recording(recording, matched)
    start_ns = recording.pose_sets[0].timestamp_ns if recording.pose_sets else 0
    return build_poses(found.poses_3d, recording.skeleton.joints, start_ns)


def export(
    session: Session | AnyPath, out: AnyPath, *, format: str = "csv", smooth: bool = False
) -> Path:
    """Write a session's poses as a file for other programs.

    Parameters
    ----------
    session
    out
        The file; it is replaced only when the new one is complete.
    format
        ``csv``: joints in metres; ``csv2d``: joints in pixels of every view.
    smooth
        Filter the joints as the live view does; csv only.

    Returns
    -------
    path
        Of the file.

    Raises
    ------
    EngineError
        If there is no such format, the session was not tracked, or the disk refuses.
    """
    path = Path(os.fspath(session))
    repair_sessions([path])
    filter_poses = Smooth() if smooth else None
    export_session(SessionFolder.open(path), format, Path(out), smooth=filter_poses)
    return Path(out)


def _store_calibration(
    calibration: Calibration, out: AnyPath | None, report: AnyPath | None
) -> CalibrationResult:
    """Write the files that were requested, and return the rig or raise the refusal."""
    if report is not None:
        write_report(calibration.report, Path(report))
    rig = require_rig(calibration)
    if out is not None:
        with disk_errors(Path(out)):
            save_rig(rig, Path(out))
    return CalibrationResult(rig, calibration.report)


def _list_inputs(inputs: Inputs) -> list[str]:
    """List inputs as the command line has them."""
    if isinstance(inputs, Studio):
        return [inputs.address]
    if isinstance(inputs, str | PathLike):
        return [os.fspath(inputs)]
    return [os.fspath(one) for one in inputs]


def _require_stature(stature: float | None) -> None:
    """Refuse a stature that is not one in metres."""
    if stature is not None and not MIN_STATURE_M <= stature <= MAX_STATURE_M:
        raise ValueError(
            f"stature is in metres, {MIN_STATURE_M} to {MAX_STATURE_M}, and cannot be {stature:g}."
        )
