"""Track a session again, with another model or another rig, into a new session; the old one stays as it is."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.control.match_rig import match_rig
from app.paths import find_free_path
from app.tracked_session_writer import TrackedSessionWriter
from calibration.rig import Rig, load_rig
from engine.disk import disk_errors
from engine.errors import SessionError
from engine.inference.estimator import create_estimator
from engine.monocular.guessed_room import guess_rig, is_guessed
from engine.monocular.estimator import MonocularEstimator
from engine.monocular.network import load_monocular_model
from engine.offline import recording as offline
from engine.offline.footage import Footage, open_inputs
from engine.offline.single_view import OfflineMonocular, reconstruct_monocular
from engine.session.session import RIG
from engine.session.writer import tap

Progress = Callable[[str, float], None]
# Of the whole work; finding joints takes nearly all of it.
_COPIED_SHARE, _FOUND_SHARE = 0.02, 0.95


@dataclass(frozen=True, slots=True)
class RetrackResult:
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
) -> RetrackResult:
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
    Whatever ends it early, also a cancel, the unfinished new session is removed: all of it can be
    made again.
    """
    path = Path(path).absolute()
    with open_inputs([path]) as footage:
        given_rig = _find_rig(path, rig, footage)
        with _open_monocular_model(footage, given_rig) as monocular_model:
            new = _make_new_folder(path)
            try:
                return _track(
                    footage, model, _ReconstructionInputs(given_rig, monocular_model), new, progress
                )
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise


@dataclass(frozen=True, slots=True, eq=False)
class _ReconstructionInputs:
    """Where the cameras stand, and the network that sees depth where there is only one."""

    rig: Rig
    monocular_model: MonocularEstimator | None


def _make_new_folder(path: Path) -> Path:
    """Make a folder of its own beside the session: what is removed after a failure is surely ours."""
    with disk_errors(path.parent):
        while True:
            new = find_free_path(path)
            try:
                new.mkdir()
                return new
            except FileExistsError:  # somebody else was faster
                continue


def _find_rig(path: Path, rig: Path | None, footage: Footage) -> Rig:
    """Read the rig, its cameras in the order of the session's videos."""
    sizes_wh = [source.size_wh for source in footage.sources]
    if rig is not None:
        return match_rig(load_rig(rig), footage.view_names, sizes_wh, rig)
    has_rig = footage.session is not None and footage.session.has_rig
    if not has_rig and len(footage.view_names) == 1:
        return guess_rig(footage.view_names[0], sizes_wh[0])
    if footage.session is None or not has_rig:
        raise SessionError(
            f"The session '{path.name}' has no rig, so that nothing can be put into the room. "
            "Calibrate it with "
            f"'epipole calibrate', or choose a rig file."
        )
    return match_rig(footage.session.rig(), footage.view_names, sizes_wh, path / RIG)


@contextmanager
def _open_monocular_model(footage: Footage, rig: Rig) -> Iterator[MonocularEstimator | None]:
    """Load the network that sees depth, where one camera is alone; it serves whoever the session shows."""
    if len(footage.view_names) > 1:
        yield None
        return
    person = footage.session.facts.person if footage.session is not None else ""
    monocular_model = load_monocular_model("", person, rig=None if is_guessed(rig) else rig)
    try:
        yield monocular_model
    finally:
        if monocular_model is not None:
            monocular_model.close()


def _track(
    footage: Footage, model: str, inputs: _ReconstructionInputs, new: Path, progress: Progress
) -> RetrackResult:
    """Fill the new session."""
    progress("Copying the videos", 0.0)
    settings = {"tracked_from": str(footage.session.path) if footage.session else ""}
    with TrackedSessionWriter(new, footage, model, settings) as writer:
        progress("Loading the model", _COPIED_SHARE)
        if not is_guessed(inputs.rig):
            writer.write_rig(inputs.rig)
        recording, monocular = _observe(writer, model, inputs.monocular_model, progress)
        progress("Putting the person into the room", _FOUND_SHARE)
        if monocular is not None:
            stature_m = footage.session.facts.stature_m if footage.session is not None else None
            reconstruction = reconstruct_monocular(recording, monocular, inputs.rig, stature_m)
        else:
            reconstruction = offline.reconstruct_recording(recording, inputs.rig)
        writer.write_reconstruction(reconstruction)
        progress("Finishing", 1.0)
    found = sum(bool(poses.people) for poses in reconstruction.poses_3d)
    remarks = tuple(dict.fromkeys((*footage.remarks, *reconstruction.remarks)))
    return RetrackResult(new, len(reconstruction.poses_3d), found, remarks)


def _observe(
    writer: TrackedSessionWriter,
    model: str,
    monocular_model: MonocularEstimator | None,
    progress: Progress,
) -> tuple[offline.PoseRecording, OfflineMonocular | None]:
    """Find the joints in every frameset, and keep them as they come."""
    footage = writer.footage
    estimator = create_estimator(model, len(footage.view_names))
    try:
        framesets = footage.read_framesets()
        total = max(framesets.count or 0, 1)
        pose_sink = writer.open_raw_pose_sink(estimator.skeleton, estimator.model_hash)

        def on_frameset(done: int) -> None:
            """Tell how far it is."""
            share = min(done / total, 1.0)
            progress("Finding joints", _COPIED_SHARE + (_FOUND_SHARE - _COPIED_SHARE) * share)

        monocular = (
            OfflineMonocular(monocular_model, estimator.skeleton)
            if monocular_model is not None
            else None
        )
        sinks = (monocular,) if monocular is not None else ()
        pose_sets = offline.estimate_poses(framesets, tap(estimator, pose_sink), sinks, on_frameset)
        sizes_wh = tuple(source.size_wh for source in footage.sources)
        return offline.PoseRecording(
            pose_sets, estimator.skeleton, footage.view_names, sizes_wh
        ), monocular
    finally:
        estimator.close()
