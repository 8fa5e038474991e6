"""FinetuneRequest: the options of one fine-tune, checked before any work begins."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from calibration.errors import CalibrationError
from engine.disk import atomic_file
from engine.models.library import ModelLibrary
from engine.session.session import RIG, Session
from training.errors import TrainingError
from training.labels.calibration import read_calibration

FILE = "request.json"
SCHEMA = 1
METHODS = ("pose_resnet",)
CHECKPOINT_SUFFIX = ".pt"
MIN_MINUTES, MAX_MINUTES = 2.0, 24 * 60.0


@dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What the model is to be fine-tuned on, for whom, and for how long.

    Parameters
    ----------
    sessions
        Their folders.
    person
        Whose model it becomes; empty for everybody.
    library
        Folder of the models; empty for the usual one.
    start
        Name of a model of the library, or a checkpoint's file; empty for the one that serves now.
    method
        One of `METHODS`.
    minutes
        That a person waits: for labels, pictures, training, export and comparison together. The
        first run on a machine draws people to be reminded of in them as well.
    threads
        Of the processor; 0 takes all of them, a live view leaves one.
    seed
    """

    sessions: tuple[Path, ...]
    person: str = ""
    library: str = ""
    start: str = ""
    method: str = METHODS[0]
    minutes: float = 10.0
    threads: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse invalid values."""
        if not self.sessions:
            raise TrainingError("There is nothing to train on. Give at least one session.")
        if self.method not in METHODS:
            raise TrainingError(f"There is no method '{self.method}'. Known: {', '.join(METHODS)}.")
        if not math.isfinite(self.minutes) or self.minutes > MAX_MINUTES:
            raise TrainingError(
                f"{self.minutes:g} minutes are more than a day. Choose {MAX_MINUTES:g} or fewer."
            )
        if self.minutes < MIN_MINUTES:
            raise TrainingError(
                f"{self.minutes:g} minutes are too short to train anything. Choose {MIN_MINUTES:g} "
                "or more; 10 is a good start."
            )


def check_sessions(paths: Sequence[Path]) -> None:
    """Refuse sessions that nothing can be trained on, before a process is started for them.

    Parameters
    ----------
    paths
        Of their folders.

    Raises
    ------
    SessionError
        If one is no session, or damaged.
    TrainingError
        If one has fewer than two cameras, no calibration or a refused one.
    """
    for path in paths:
        session = Session.open(path)
        if len(session.cameras) < 2:
            raise TrainingError(
                f"The session '{path.name}' has only one camera, and one view alone gives no "
                "labels. Record with two or more cameras that see the same person."
            )
        if not session.has_rig:
            raise TrainingError(
                f"The session '{path.name}' has no calibration, so it is unknown where its joints "
                "are. Calibrate it with 'epipole calibrate', and track it again."
            )
        try:
            read_calibration(path / RIG)
        except (CalibrationError, TrainingError) as error:
            raise TrainingError(
                f"The calibration of the session '{path.name}' cannot be used: {error}"
            ) from error


def check_start(request: FinetuneRequest) -> None:
    """Refuse a model to start from that is not there, before a process is started for it.

    Raises
    ------
    TrainingError
        If there is no such file, or it is none that can be trained further.
    EngineError
        If the library has no model of that name, or it is damaged.
    """
    if not request.start:
        return
    path = Path(request.start)
    if path.suffix != CHECKPOINT_SUFFIX and path.is_file():
        raise TrainingError(
            f"'{path}' cannot be trained further: only a checkpoint (.pt) can, as 'epipole train' "
            "leaves it. Give one of those, or a name of 'epipole models list'."
        )
    if path.suffix == CHECKPOINT_SUFFIX:
        if not path.is_file():
            raise TrainingError(f"There is no checkpoint '{path}' to start from. Check the path.")
        return
    ModelLibrary(Path(request.library) if request.library else None).find_model(request.start)


def save_request(folder: Path, request: FinetuneRequest) -> None:
    """Write a request into the folder of its run. Raises OSError if the disk refuses."""
    start = request.start
    if start.endswith(CHECKPOINT_SUFFIX):
        start = str(Path(start).absolute())  # the run may be resumed from another folder
    sessions = [str(path.absolute()) for path in request.sessions]
    table = {"schema": SCHEMA, **asdict(request), "sessions": sessions, "start": start}
    with atomic_file(folder / FILE) as file:
        json.dump(table, file, indent=1)


def load_request(folder: Path) -> FinetuneRequest:
    """Read the request of a run.

    Parameters
    ----------
    folder
        Of the run.

    Raises
    ------
    TrainingError
        If there is none, or it is damaged.
    """
    try:
        table: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        newer = int(table.pop("schema")) > SCHEMA
        if not newer:
            return FinetuneRequest(
                **{**table, "sessions": tuple(Path(path) for path in table["sessions"])}
            )
    except FileNotFoundError as error:
        raise TrainingError(
            f"'{folder}' is no run of 'epipole finetune'. Choose a folder with a {FILE}."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"The run '{folder.name}' is damaged: {FILE} cannot be read. Begin a new one."
        ) from error
    raise TrainingError(f"The run '{folder.name}' was begun by a newer Epipole. Update Epipole.")
