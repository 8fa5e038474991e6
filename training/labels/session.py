"""Label a session: from its folder to a set of labels in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.rig import Rig
from engine.errors import SessionError
from engine.offline.recording import PoseRecording, load_recording
from engine.session.session import POSES_2D_RAW, RIG, Session
from training.errors import TrainingError
from training.labels.calibration import read_calibration
from training.labels.files import save_labels
from training.labels.person import find_person
from training.labels.pseudo_labels import (
    LabelConfig,
    PseudoLabels,
    demand_enough_labels,
    make_labels,
)
from training.labels.report import summarise_labels

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSession:
    """What came of a labelling.

    Parameters
    ----------
    path
        Of the stored set.
    labels
    summary
        As `training.labels.report` describes it.
    """

    path: Path
    labels: PseudoLabels
    summary: dict[str, Any]


def label_session(
    session: Session,
    rig_file: Path | None = None,
    config: LabelConfig | None = None,
    progress: Progress = lambda _step, _share: None,
) -> LabelledSession:
    """Label the person of a session and store the labels in it.

    Parameters
    ----------
    session
        With the raw 2D poses of a network.
    rig_file
        None takes the session's own rig.
    config
        None takes the usual one.
    progress
        Called with the step in words and the share done; may raise to cancel.

    Returns
    -------
    labelled
        Another rig makes another set; what is there is never overwritten.

    Raises
    ------
    TrainingError
        If there is no rig, a refused one, one of other cameras, one camera, no person, or too few
        data.
    SessionError
        If the session holds no poses.
    CalibrationError
        If the rig cannot be read.
    OSError
        If the disk refuses.
    """
    if len(session.cameras) < 2:
        raise TrainingError(
            f"The session '{session.path.name}' has only one camera; labels need two or more "
            "that see the same person."
        )
    config = config or LabelConfig()
    path = rig_file or session.path / RIG
    if rig_file is None and not session.has_rig:
        raise TrainingError(
            f"The session '{session.path.name}' has no calibration, so nothing in it can be "
            "labelled. Calibrate it with 'epipole calibrate', or give a rig with --rig."
        )
    rig, calibration = read_calibration(path)
    progress("Reading the poses", 0.0)
    recording = _load_raw_poses(session)
    rig = _reorder_cameras(rig, recording, path)
    progress("Finding the person", 0.2)
    person = find_person(recording, rig)
    progress("Labelling", 0.6)
    labels = make_labels(person, rig, calibration, config)
    demand_enough_labels(labels)
    progress("Storing the labels", 0.9)
    index = np.array([poses.index for poses in recording.pose_sets], np.int64)
    model = {str(key): str(value) for key, value in session.facts.model.items()}
    stored = save_labels(session.path, labels, index, model, config)
    return LabelledSession(stored, labels, summarise_labels(labels))


def _load_raw_poses(session: Session) -> PoseRecording:
    """Read what the network saw; an empty recording is refused."""
    recording = load_recording(session)
    if not recording.pose_sets:
        raise SessionError(
            f"'{POSES_2D_RAW}' of the session '{session.path.name}' is empty. Run track on it "
            "again."
        )
    return recording


def _reorder_cameras(rig: Rig, recording: PoseRecording, path: Path) -> Rig:
    """Put the rig's cameras into the order of the views."""
    if not set(recording.view_names) <= set(rig.names):
        raise TrainingError(
            f"'{path}' describes the cameras {', '.join(rig.names)}, not those of this session "
            f"({', '.join(recording.view_names)}). Choose the rig of these cameras."
        )
    cameras = tuple(rig[view] for view in recording.view_names)
    for camera, size in zip(cameras, recording.sizes_wh):
        if tuple(camera.size_wh) != tuple(size):
            raise TrainingError(
                f"'{path}' was calibrated with images of {camera.size_wh[0]}x{camera.size_wh[1]} "
                f"of '{camera.name}', but the session's are {size[0]}x{size[1]}. Choose the rig of "
                "these cameras."
            )
    return Rig(cameras, rig.time_offset_ns, rig.metadata)
