"""Track a session again, with another model or another rig, into a new session; the old one stays as it is."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.matching import rig_for_views
from app.paths import free_name
from app.recording import TakeRecording
from calibration.rig import Rig, load_rig
from engine import offline
from engine.capture.sources import Footage, open_inputs
from engine.disk import saying_what_the_disk_refused
from engine.errors import SessionError
from engine.inference.estimator import create_estimator
from engine.lift import Lifter
from engine.lift_network import load_lifter
from engine.lift_take import TakeLift, reconstruct_alone
from engine.one_camera import guess_rig, is_guessed
from engine.record import tap
from engine.session import RIG

Progress = Callable[[str, float], None]
# Of the whole work; finding joints takes nearly all of it.
_COPIED, _FOUND = 0.02, 0.95


@dataclass(frozen=True, slots=True)
class TrackedAgain:
    """What came of it.

    Parameters
    ----------
    path
        Of the new session.
    framesets
        How many there are.
    found
        In how many of them the person was reconstructed.
    remarks
        Sentences on what was odd.
    """

    path: Path
    framesets: int
    found: int
    remarks: tuple[str, ...]


def track_again(
    path: Path, model: str, rig: Path | None = None, progress: Progress = lambda _step, _share: None
) -> TrackedAgain:
    """Find the poses of a session anew.

    Parameters
    ----------
    path
        Of the session.
    model
        Name of a pose model.
    rig
        A rig file; None takes the session's own. One camera alone needs none: its room is made up.
    progress
        Called with the step in words and the share done; may raise to cancel.

    Returns
    -------
    tracked
        Its session lies beside the old one, with a number behind the name.

    Raises
    ------
    SessionError
        If the session cannot be read or has no rig, or the disk refuses.
    EngineError
        If the model is missing, or the network that one camera alone needs, or nobody is in view.
    CalibrationError
        If the rig file is not for these cameras.

    Notes
    -----
    Whatever ends it early, also a cancel, the unfinished new session is removed: all of it can be made again.
    """
    path = Path(path).absolute()
    with open_inputs([path]) as footage:
        given = _rig(path, rig, footage)
        with _lifter(footage, given) as lifter:
            new = _new_folder(path)
            try:
                return _track(footage, model, _Room(given, lifter), new, progress)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise


@dataclass(frozen=True, slots=True, eq=False)
class _Room:
    """Where the cameras stand, and the network that sees depth where there is only one."""

    rig: Rig
    lifter: Lifter | None


def _new_folder(path: Path) -> Path:
    """Make a folder of its own beside the session: what is removed after a failure is surely ours."""
    with saying_what_the_disk_refused(path.parent):
        while True:
            new = free_name(path)
            try:
                new.mkdir()
                return new
            except FileExistsError:  # somebody else was faster
                continue


def _rig(path: Path, rig: Path | None, footage: Footage) -> Rig:
    """Read the rig, its cameras in the order of the session's videos."""
    sizes_wh = [source.size_wh for source in footage.sources]
    if rig is not None:
        return rig_for_views(load_rig(rig), footage.views, sizes_wh, rig)
    has_rig = footage.session is not None and footage.session.has_rig
    if not has_rig and len(footage.views) == 1:
        return guess_rig(footage.views[0], sizes_wh[0])
    if footage.session is None or not has_rig:
        raise SessionError(
            f"The session '{path.name}' has no rig, so that nothing can be put into the room. Calibrate it with "
            f"'epipole calibrate', or choose a rig file."
        )
    return rig_for_views(footage.session.rig(), footage.views, sizes_wh, path / RIG)


@contextmanager
def _lifter(footage: Footage, rig: Rig) -> Iterator[Lifter | None]:
    """Load the network that sees depth, where one camera is alone; it serves whoever the session shows."""
    if len(footage.views) > 1:
        yield None
        return
    person = footage.session.facts.person if footage.session is not None else ""
    lifter = load_lifter("", person, rig=None if is_guessed(rig) else rig)
    try:
        yield lifter
    finally:
        if lifter is not None:
            lifter.close()


def _track(footage: Footage, model: str, room: _Room, new: Path, progress: Progress) -> TrackedAgain:
    """Fill the new session."""
    progress("Copying the videos", 0.0)
    settings = {"tracked_from": str(footage.session.path) if footage.session else ""}
    with TakeRecording(new, footage, model, settings) as recording:
        progress("Loading the model", _COPIED)
        if not is_guessed(room.rig):
            recording.keep_rig(room.rig)
        take, lift = _observed(recording, model, room.lifter, progress)
        progress("Putting the person into the room", _FOUND)
        if lift is not None:
            stature_m = footage.session.facts.stature_m if footage.session is not None else None
            reconstruction = reconstruct_alone(take, lift, room.rig, stature_m)
        else:
            reconstruction = offline.reconstruct_take_in_room(take, room.rig)
        recording.keep_reconstruction(reconstruction)
        progress("Finishing", 1.0)
    found = sum(bool(poses.people) for poses in reconstruction.poses_3d)
    remarks = tuple(dict.fromkeys((*footage.remarks, *reconstruction.remarks)))
    return TrackedAgain(new, len(reconstruction.poses_3d), found, remarks)


def _observed(
    recording: TakeRecording, model: str, lifter: Lifter | None, progress: Progress
) -> tuple[offline.Take, TakeLift | None]:
    """Find the joints in every frameset, and keep them as they come."""
    footage = recording.footage
    estimator = create_estimator(model, len(footage.views))
    try:
        framesets = footage.framesets()
        total = max(framesets.count or 0, 1)
        keep = recording.keep_raw_poses(estimator.skeleton, estimator.model_hash)

        def on_frameset(done: int) -> None:
            """Tell how far it is."""
            share = min(done / total, 1.0)
            progress("Finding joints", _COPIED + (_FOUND - _COPIED) * share)

        lift = TakeLift(lifter, estimator.skeleton) if lifter is not None else None
        sinks = (lift,) if lift is not None else ()
        pose_sets = offline.estimate_poses(framesets, tap(estimator, keep), sinks, on_frameset)
        sizes_wh = tuple(source.size_wh for source in footage.sources)
        return offline.Take(pose_sets, estimator.skeleton, footage.views, sizes_wh), lift
    finally:
        estimator.close()
