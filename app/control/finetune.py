"""FinetuneControl: the runs of fine-tuning behind the window; a worker reads the disk."""

import math
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from app import requests
from app.control.controller import Handlers
from app.control.jobs import Worker, message_from_error
from app.presenters.finetune import FinetuneState, ModelRow, present_finetune
from app.presenters.finetune_run import RunSnapshot
from app.presenters.severity import Severity
from engine.errors import EngineError
from engine.mailbox import Latest
from engine.session.library import Library
from training.errors import TrainingError
from training.finetuning.follow import wait_until_released
from training.finetuning.process import start_process
from training.finetuning.request import FinetuneRequest, check_sessions, load_request, save_request
from training.finetuning.run import (
    ACTIVE_PHASES,
    RESUMABLE_PHASES,
    Phase,
    is_held,
    list_runs,
    make_run,
    read_state,
    request_cancel,
    request_pause,
    request_resume,
)
from training.loop.history import read_history

REFRESH_INTERVAL_S = 0.5
CLOSE_S = 1.0
TRAINING_FOLDER = "training"
NO_RUN = "No fine-tuning is running. Choose a session, and press Start."
SEVERITY_BY_PHASE = {
    Phase.KEPT: Severity.GOOD,
    Phase.ROLLED_BACK: Severity.WARNING,
    Phase.FAILED: Severity.ERROR,
}


class ModelListLike(Protocol):
    """The models there are: `app.control.model_list.ModelList`, or a test's."""

    def rows(self) -> Sequence[ModelRow]:
        """List them, the newest first."""
        ...

    def use(self, name: str, person: str, rig_id: str) -> None:
        """Use one for a person before a rig."""
        ...

    def roll_back(self, person: str, rig_id: str) -> None:
        """Use the model that was used before."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FinetuneCallbacks:
    """What fine-tuning needs of the rest of the program.

    Parameters
    ----------
    notify
        Shows a message, with a severity.
    is_live
        Whether the live view runs and needs its processor.
    swap_model
        Lets the live view load the model that is now used for this person.
    get_person
        Who is usually in front of the cameras; empty where it is not set.
    set_person
        Notes who is in front of the cameras.
    has_scanned
        Whether the folders of the sessions were read yet.
    """

    notify: Callable[..., None]
    is_live: Callable[[], bool] = lambda: False
    swap_model: Callable[[str], None] = lambda _person: None
    get_person: Callable[[], str] = lambda: ""
    set_person: Callable[[str], None] = lambda _person: None
    has_scanned: Callable[[], bool] = lambda: True


class FinetuneControl:
    """What the page of fine-tuning does; nothing waits.

    Parameters
    ----------
    runs
        Folder of the runs; a run that is under way there is shown, also one of another program.
    library
        Of the sessions.
    models
        Of the library.
    callbacks
    close_s
        How long `close` waits for the worker's present work.

    Attributes
    ----------
    handlers
        What handles each request.
    interval_s
        How often `tick` reads the disk.
    """

    def __init__(
        self,
        runs: Path,
        library: Library,
        models: ModelListLike,
        callbacks: FinetuneCallbacks,
        close_s: float = CLOSE_S,
    ) -> None:
        self._close_s = close_s
        self._runs = runs
        self._library = library
        self._models = models
        self._callbacks = callbacks
        self.interval_s = REFRESH_INTERVAL_S
        self._worker = Worker(self._notify_failure)
        self._news: Latest[FinetuneState] = Latest()
        self._news.put(present_finetune(None, None))
        self._polled_s, self._polling = -math.inf, False
        self._running_run: Path | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self.handlers = self._build_handlers()

    def tick(self) -> None:
        """Read the disk again in the background if that is due; never waits."""
        now_s = time.monotonic()
        if self._polling or now_s - self._polled_s < self.interval_s:
            return
        self._polling, self._polled_s = True, now_s
        if not self._worker.submit(self._refresh):
            self._polling = False

    def take_state(self) -> FinetuneState | None:
        """Take what the page shows if it is new; None if not."""
        return self._news.take_now()

    def close(self) -> bool:
        """End the worker; a run under way goes on."""
        ended = self._worker.close(self._close_s)
        for process in self._processes:
            if process.poll() is None:
                process.returncode = 0  # it outlives this program: no warning of a child left
        return ended

    def _build_handlers(self) -> Handlers:
        """Build the table of requests; the worker does them in order."""

        def later(work: Callable[[Any], object]) -> Callable[[Any], None]:
            """Let the worker do it, and read the disk again right after."""

            def handle(request: requests.Request) -> None:
                self._worker.submit(partial(work, request))
                self._polled_s = -math.inf

            return handle

        return {
            requests.StartFinetune: self._handle_start,
            requests.PauseFinetune: later(lambda _: request_pause(self._require_newest_run())),
            requests.ResumeFinetune: later(lambda r: self._resume_run(r.minutes)),
            requests.CancelFinetune: later(lambda _: request_cancel(self._require_newest_run())),
            requests.UseModel: later(self._use_model),
            requests.RollBackModel: later(self._roll_back),
        }

    def _handle_start(self, request: requests.StartFinetune) -> None:
        """Start a run; who fine-tunes a model for Anna is Anna, where no person is set."""
        if request.person and not self._callbacks.get_person():
            self._callbacks.set_person(request.person)
        threads = 1 if self._callbacks.is_live() else 0  # the live view keeps its processor
        self._worker.submit(partial(self._start_run, request, threads))
        self._polled_s = -math.inf

    def _start_run(self, start: requests.StartFinetune, threads: int) -> None:
        """Start a new run. Runs in the worker's thread."""
        self._processes = [process for process in self._processes if process.poll() is None]
        newest = next(iter(list_runs(self._runs)), None)
        if newest is not None and is_held(newest):
            raise TrainingError(
                "A fine-tuning is already running. Wait until it ends, or cancel it."
            )
        request = FinetuneRequest(
            start.sessions, start.person.strip(), minutes=start.minutes, threads=threads
        )
        check_sessions(start.sessions)
        self._processes.append(start_process(make_run(self._runs, request)))

    def _resume_run(self, minutes: float) -> None:
        """Resume the newest run, with no less time than it had. Runs in the worker's thread."""
        newest = self._require_newest_run()
        phase = read_state(newest).phase
        if phase in ACTIVE_PHASES:
            request_resume(newest)
        elif phase in RESUMABLE_PHASES:
            if not wait_until_released(newest):  # a folder that is held cannot be started
                raise TrainingError(
                    f"The run '{newest.name}' has not ended yet. Press Resume again in a moment."
                )
            request = load_request(newest)
            if minutes > request.minutes:  # one that ran out of time would do so again
                save_request(newest, replace(request, minutes=minutes))
            self._processes.append(start_process(newest))

    def _use_model(self, request: requests.UseModel) -> None:
        """Use a model. Runs in the worker's thread."""
        self._models.use(request.name, request.person, request.rig_id)
        self._callbacks.swap_model(request.person)
        self._callbacks.notify(
            f"'{request.name}' is now used for {request.person or 'everybody'}.", Severity.GOOD
        )

    def _roll_back(self, request: requests.RollBackModel) -> None:
        """Use the previous model. Runs in the worker's thread."""
        self._models.roll_back(request.person, request.rig_id)
        self._callbacks.swap_model(request.person)
        self._callbacks.notify(
            f"The previous model is used for {request.person or 'everybody'} again.", Severity.GOOD
        )

    def _require_newest_run(self) -> Path:
        """Return the newest run, or refuse where there is none."""
        folder = next(iter(list_runs(self._runs)), None)
        if folder is None:
            raise TrainingError(NO_RUN)
        return folder

    def _refresh(self) -> None:
        """Read everything and leave it for the window. Runs in the worker's thread."""
        try:
            notices: list[str] = []
            run, models = None, ()
            try:
                run = self._read_newest_run()
                models = tuple(self._models.rows())
            except (TrainingError, EngineError, OSError) as error:
                notices.append(message_from_error(error))
            sessions = self._library.list_sessions()
            summaries = sessions if sessions or self._callbacks.has_scanned() else None
            state = present_finetune(
                summaries, run, models, person=self._callbacks.get_person(), notices=notices
            )
            self._news.put(state)
            if run is not None:
                self._notify_outcome(run)
        finally:
            self._polling = False

    def _read_newest_run(self) -> RunSnapshot | None:
        """Read the newest run."""
        folder = next(iter(list_runs(self._runs)), None)
        if folder is None:
            return None
        state = read_state(folder)
        picture_files = state.results.get("report", {}).get("pictures", ())
        pictures = tuple(
            (str(action), (folder / name).read_bytes()) for action, name in picture_files
        )
        return RunSnapshot(
            folder, load_request(folder), state, read_history(folder / TRAINING_FOLDER), pictures
        )

    def _notify_outcome(self, run: RunSnapshot) -> None:
        """Report once how a run ended that was seen under way; the live view swaps its model."""
        if run.state.phase in (Phase.RUNNING, Phase.PAUSED):
            self._running_run = run.folder
        elif self._running_run == run.folder:
            self._running_run = None
            if run.state.phase in SEVERITY_BY_PHASE:
                self._callbacks.notify(run.state.message, SEVERITY_BY_PHASE[run.state.phase])
            if run.state.phase is Phase.KEPT:
                self._callbacks.swap_model(run.request.person)

    def _notify_failure(self, message: str) -> None:
        """Report what could not be done."""
        self._callbacks.notify(message, Severity.ERROR)
