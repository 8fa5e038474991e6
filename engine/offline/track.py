"""Track a person: footage and a rig become a session with the joints in the room."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.rig import Rig, load_rig
from calibration.skeleton import Skeleton
from engine.disk import disk_errors, find_free_path
from engine.errors import EngineError
from engine.models.card import has_own_pose, load_card
from engine.monocular.guessed_room import guess_rig, is_guessed
from engine.monocular.load import NO_MODEL, load_monocular_model
from engine.monocular.source import MonocularModel
from engine.offline import recording as offline
from engine.offline.calibrate import find_stature_m
from engine.offline.footage import Footage, open_inputs
from engine.offline.match_rig import match_rig
from engine.offline.observe import Observation, observe
from engine.offline.progress import Progress, StepProgress, ignore_progress, scale_progress
from engine.offline.single_view import OfflineMonocular, reconstruct_monocular
from engine.offline.tracked_session_writer import TrackedSessionWriter
from engine.pipeline import Sink
from engine.session.session import RIG

# Of the whole work; finding joints takes nearly all of it.
COPIED_SHARE, FOUND_SHARE = 0.02, 0.95


class TrackOptionsError(EngineError):
    """The options do not fit the footage: no rig for several cameras, or no model for one."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackOptions:
    """How to track.

    Parameters
    ----------
    model
        Name of the pose model.
    rig
        A rig or its file; None takes the session's own. One camera needs none: its room is made
        up.
    stature_m
        Of the person; None takes that of the session. It counts where one camera alone sees them.
    monocular_model
        Name of the model that estimates depth where one camera alone sees the person; empty takes
        the one in use, and only for footage of one camera; ``none`` takes none.
    """

    model: str
    rig: Rig | Path | None = None
    stature_m: float | None = None
    monocular_model: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """A new session and what is in it.

    Parameters
    ----------
    path
        Of the new session.
    rig
        Its cameras are the views; for one camera it may be made up.
    observation
        What the pose model found.
    reconstruction
    remarks
        Messages on what was odd.
    """

    path: Path
    rig: Rig
    observation: Observation
    reconstruction: offline.Reconstruction
    remarks: tuple[str, ...]

    @property
    def frameset_count(self) -> int:
        """How many framesets there are."""
        return len(self.reconstruction.poses_3d)

    @property
    def found_count(self) -> int:
        """In how many of them the person was reconstructed."""
        return sum(bool(poses.people) for poses in self.reconstruction.poses_3d)


def track(
    inputs: Sequence[str | Path],
    out: Path,
    options: TrackOptions,
    progress: Progress = ignore_progress,
) -> Tracked:
    """Find the person in recorded footage, and reconstruct the joints into a new session.

    Parameters
    ----------
    inputs
        A session folder, one video per camera in the order of the cameras, or the studio.
    out
        Folder of the new session; it does not exist yet, or is empty.
    options
    progress
        May raise to cancel.

    Raises
    ------
    TrackOptionsError
        If there are several cameras and no rig, or one and no model for it.
    EngineError
        If an input cannot be read, a model is missing, no person is in view, or the disk refuses.
    CalibrationError
        If the rig cannot be read, or is not for these cameras.

    Notes
    -----
    What ends it early leaves the new session with what was written so far; it can be opened.
    """
    with _open_all(inputs, options) as opened:
        return _write_session(opened, out, options, progress)


def track_again(path: Path, options: TrackOptions, progress: Progress = ignore_progress) -> Tracked:
    """Track a session again with another model or rig; the session itself stays as it is.

    Parameters
    ----------
    path
        Of the session.
    options
    progress
        May raise to cancel.

    Returns
    -------
    tracked
        Its session is beside the old one, with a number behind the name.

    Raises
    ------
    EngineError, CalibrationError
        As `track`.

    Notes
    -----
    Whatever ends it early, also a cancel, the unfinished new session is removed: all of it can be
    made again.
    """
    path = Path(path).absolute()
    with _open_all([path], options) as opened:
        new = _make_new_folder(path)
        try:
            return _write_session(opened, new, options, progress)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise


@dataclass(frozen=True, slots=True, eq=False)
class _OpenInputs:
    """Open footage, where its cameras are, and the model for views that are alone."""

    footage: Footage
    rig: Rig
    monocular_model: MonocularModel | None


@contextmanager
def _open_all(inputs: Sequence[str | Path], options: TrackOptions) -> Iterator[_OpenInputs]:
    """Open footage, rig and monocular model; what cannot be used is refused before any work."""
    given = load_rig(options.rig) if isinstance(options.rig, Path) else options.rig
    with ExitStack() as stack:
        footage = stack.enter_context(open_inputs(inputs))
        rig = _choose_rig(footage, given, _name_rig(options))
        monocular_model = _load_monocular_model(footage, rig, options)
        if monocular_model is not None:
            stack.callback(monocular_model.close)
        yield _OpenInputs(footage, rig, monocular_model)


def _name_rig(options: TrackOptions) -> Path:
    """Name the given rig in messages."""
    return options.rig if isinstance(options.rig, Path) else Path("rig")


def _choose_rig(footage: Footage, given: Rig | None, name: Path) -> Rig:
    """Choose the given rig, the session's own, or for one camera a guess."""
    sizes_wh = [source.size_wh for source in footage.sources]
    if given is not None:
        return match_rig(given, footage.view_names, sizes_wh, name)
    session = footage.session
    if session is not None and session.has_rig:
        return match_rig(session.rig(), footage.view_names, sizes_wh, session.path / RIG)
    if len(footage.view_names) == 1:
        return guess_rig(footage.view_names[0], sizes_wh[0])
    raise TrackOptionsError(
        f"{len(footage.view_names)} cameras need a rig, and none is known. Calibrate them "
        "('epipole calibrate' writes rig.toml), or choose a rig file."
    )


def _load_monocular_model(
    footage: Footage, rig: Rig, options: TrackOptions
) -> MonocularModel | None:
    """Load the model for one camera, where there is only one, or where it is named."""
    name, is_single = options.monocular_model, len(footage.view_names) == 1
    if not is_single and not name:
        return None
    if is_single and name == NO_MODEL:
        raise TrackOptionsError(
            f"One camera needs a model that estimates depth, and '{NO_MODEL}' was chosen. Choose "
            "one of 'epipole models list', or add a second camera."
        )
    person = footage.session.facts.person if footage.session is not None else ""
    return load_monocular_model(
        name,
        person,
        rig=None if is_guessed(rig) else rig,
        has_own_pose=lambda: has_own_pose(load_card(options.model)),
    )


def _write_session(
    opened: _OpenInputs, out: Path, options: TrackOptions, progress: Progress
) -> Tracked:
    """Fill the new session."""
    progress(StepProgress("Copying the videos", 0.0))
    settings = _build_settings(opened.footage, options)
    with TrackedSessionWriter(out, opened.footage, options.model, settings) as writer:
        progress(StepProgress("Loading the model", COPIED_SHARE))
        if not is_guessed(opened.rig):
            writer.write_rig(opened.rig)
        observation, monocular = _observe(
            writer,
            options.model,
            opened.monocular_model,
            scale_progress(progress, COPIED_SHARE, FOUND_SHARE),
        )
        progress(StepProgress("Reconstructing", FOUND_SHARE))
        stature_m = find_stature_m(opened.footage, options.stature_m)
        reconstruction = _reconstruct(observation.recording, opened.rig, monocular, stature_m)
        writer.write_reconstruction(reconstruction)
        progress(StepProgress("Finishing", 1.0))
    remarks = tuple(dict.fromkeys((*observation.remarks, *reconstruction.remarks)))
    return Tracked(out, opened.rig, observation, reconstruction, remarks)


def _build_settings(footage: Footage, options: TrackOptions) -> dict[str, Any]:
    """Collect what the session says of how it was made."""
    settings: dict[str, Any] = {"rig": str(options.rig) if isinstance(options.rig, Path) else ""}
    if options.stature_m:
        settings["stature_m"] = options.stature_m
    if footage.session is not None:
        settings["tracked_from"] = str(footage.session.path)
    return settings


def _observe(
    writer: TrackedSessionWriter,
    model: str,
    monocular_model: MonocularModel | None,
    progress: Progress,
) -> tuple[Observation, OfflineMonocular | None]:
    """Find the joints in every frameset, and write them as they come."""
    monocular: OfflineMonocular | None = None

    def make_sinks(skeleton: Skeleton, model_hash: str) -> Sequence[Sink]:
        nonlocal monocular
        raw_poses = writer.open_raw_pose_sink(skeleton, model_hash)
        if monocular_model is None:
            return (raw_poses,)
        monocular = OfflineMonocular(monocular_model, skeleton)
        return (raw_poses, monocular)

    observation = observe(writer.footage, model, make_sinks, progress)
    return observation, monocular


def _reconstruct(
    recording: offline.PoseRecording,
    rig: Rig,
    monocular: OfflineMonocular | None,
    stature_m: float | None,
) -> offline.Reconstruction:
    """Reconstruct from all views; where one alone sees the person, with the monocular model."""
    if monocular is None:
        return offline.reconstruct_recording(recording, rig)
    if len(rig) == 1:
        return reconstruct_monocular(recording, monocular, rig, stature_m)
    return monocular.fill(offline.reconstruct_recording(recording, rig), rig, stature_m)


def _make_new_folder(path: Path) -> Path:
    """Make a folder beside the session: what is removed after a failure is certainly ours."""
    with disk_errors(path.parent):
        while True:
            new = find_free_path(path)
            try:
                new.mkdir()
                return new
            except FileExistsError:  # another program made it in between
                continue
