"""FinetuneControl: the fine-tunings behind the window; what it asks of the disk it asks in a thread of its own."""

import math
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from app import requests
from app.jobs import Worker, sentence_of
from app.presenters.finetune import FinetuneState, NetworkRow, present_finetune
from app.presenters.finetune_run import RunLook
from app.presenters.tone import Tone
from engine.errors import EngineError
from engine.library import Library
from training.errors import TrainingError
from training.finetuning.process import start_process
from training.finetuning.request import FinetuneRequest, check_sessions, load_request, save_request
from training.finetuning.run import (
    CAN_RESUME,
    UNDER_WAY,
    Phase,
    ask_to_cancel,
    ask_to_go_on,
    ask_to_pause,
    is_held,
    list_runs,
    make_run,
    read_state,
)
from training.loop.history import read_history

CLOSING_S = 1.0
# A process that has written its last word ends in a moment, on a busy machine in a while.
LET_GO_S, LOOKED_EVERY_S = 30.0, 0.05
TRAINING = "training"
NOTHING = "There is no teaching under way. Choose a session, and press Start."
ENDED = {Phase.KEPT: Tone.GOOD, Phase.ROLLED_BACK: Tone.CARE, Phase.FAILED: Tone.BAD}


class Shelf(Protocol):
    """The networks there are: `app.network_shelf.NetworkShelf`, or a test's."""

    def rows(self) -> Sequence[NetworkRow]:
        """List them, the newest first."""
        ...

    def use(self, name: str, person: str, rig_id: str) -> None:
        """Let one serve a person before a rig."""
        ...

    def roll_back(self, person: str, rig_id: str) -> None:
        """Let the one serve again that served before."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What fine-tuning needs of the rest of the program.

    Parameters
    ----------
    tell
        Lets a person read a sentence, in a tone.
    is_live
        Whether the live view runs and needs its processor.
    swap
        Lets the live view look at once which network serves this person now.
    person
        Who is usually in front of the cameras; empty where nobody said.
    looked
        Whether the folders of the sessions were looked at yet.
    """

    tell: Callable[..., None]
    is_live: Callable[[], bool] = lambda: False
    swap: Callable[[str], None] = lambda _person: None
    person: Callable[[], str] = lambda: ""
    looked: Callable[[], bool] = lambda: True


class FinetuneControl:
    """What the page of fine-tuning asks for; asking and looking never wait.

    Parameters
    ----------
    runs
        Folder of the runs; a run that is under way there, whoever began it, is shown.
    library
        Of the sessions.
    shelf
        Of the networks.
    around
    """

    def __init__(self, runs: Path, library: Library, shelf: Shelf, around: Surroundings) -> None:
        self._runs, self._library, self._shelf, self._around = runs, library, shelf, around
        self._worker = Worker(self._fail)
        self._lock = threading.Lock()
        self._news: FinetuneState | None = present_finetune(None, None)
        self._looked_s, self._looking = -math.inf, False
        self._under_way: Path | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def ask(self, request: requests.Request) -> bool:
        """Do what a person asked for; never waits.

        Parameters
        ----------
        request

        Returns
        -------
        mine
            False for what concerns something else.
        """
        match request:
            case requests.Finetune(sessions, person, minutes):
                threads = 1 if self._around.is_live() else 0  # the live view keeps its processor
                self._worker.do(lambda: self._begin(sessions, person, minutes, threads))
            case requests.PauseFinetune():
                self._worker.do(lambda: ask_to_pause(self._newest()))
            case requests.ResumeFinetune(minutes):
                self._worker.do(lambda: self._resume(minutes))
            case requests.CancelFinetune():
                self._worker.do(lambda: ask_to_cancel(self._newest()))
            case requests.UseNetwork():
                self._worker.do(lambda: self._use(request))
            case requests.RollBackNetwork():
                self._worker.do(lambda: self._roll_back(request))
            case _:
                return False
        self._looked_s = -math.inf
        return True

    def look(self, every_s: float) -> FinetuneState | None:
        """Return what is new; None where nothing is. May be called at screen rate.

        Parameters
        ----------
        every_s
            How often to look at the disk.

        Returns
        -------
        state
        """
        now_s = time.monotonic()
        with self._lock:
            due = not self._looking and now_s - self._looked_s >= every_s
            if due:
                self._looking, self._looked_s = True, now_s
            news, self._news = self._news, None
        if due and not self._worker.do(self._read):
            self._looking = False
        return news

    def close(self) -> None:
        """Let go; a run under way goes on."""
        self._worker.close(CLOSING_S)
        for process in self._processes:
            if process.poll() is None:
                process.returncode = 0  # it outlives this program, and nobody shall complain of it

    def _begin(self, sessions: tuple[Path, ...], person: str, minutes: float, threads: int) -> None:
        """Begin a new run. Runs in the worker's thread."""
        self._processes = [process for process in self._processes if process.poll() is None]
        newest = next(iter(list_runs(self._runs)), None)
        if newest is not None and is_held(newest):
            raise TrainingError("Something is being taught already. Wait for its end, or cancel it.")
        request = FinetuneRequest(sessions, person.strip(), minutes=minutes, threads=threads)
        check_sessions(sessions)
        self._processes.append(start_process(make_run(self._runs, request)))

    def _resume(self, minutes: float) -> None:
        """Let the newest run go on, never with less time than it had. Runs in the worker's thread."""
        newest = self._newest()
        phase = read_state(newest).phase
        if phase in UNDER_WAY:
            ask_to_go_on(newest)
        elif phase in CAN_RESUME:
            _wait_until_let_go(newest)
            request = load_request(newest)
            if minutes > request.minutes:  # one that ran out of time would only run out of it again
                save_request(newest, replace(request, minutes=minutes))
            self._processes.append(start_process(newest))

    def _use(self, wish: requests.UseNetwork) -> None:
        """Let a network serve. Runs in the worker's thread."""
        self._shelf.use(wish.name, wish.person, wish.rig_id)
        self._around.swap(wish.person)
        self._around.tell(f"'{wish.name}' serves {wish.person or 'everybody'} from now on.", Tone.GOOD)

    def _roll_back(self, wish: requests.RollBackNetwork) -> None:
        """Let the network before serve. Runs in the worker's thread."""
        self._shelf.roll_back(wish.person, wish.rig_id)
        self._around.swap(wish.person)
        self._around.tell(f"The network before serves {wish.person or 'everybody'} again.", Tone.GOOD)

    def _newest(self) -> Path:
        """Return the newest run, or refuse where there is none."""
        folder = next(iter(list_runs(self._runs)), None)
        if folder is None:
            raise TrainingError(NOTHING)
        return folder

    def _read(self) -> None:
        """Look at everything and leave it for the window. Runs in the worker's thread."""
        try:
            notices: list[str] = []
            run, networks = None, ()
            try:
                run = self._run()
                networks = tuple(self._shelf.rows())
            except (TrainingError, EngineError, OSError) as error:
                notices.append(sentence_of(error))
            sessions = self._library.sessions()
            known = sessions if sessions or self._around.looked() else None
            state = present_finetune(known, run, networks, person=self._around.person(), notices=notices)
            with self._lock:
                self._news = state
            if run is not None:
                self._tell_the_end(run)
        finally:
            self._looking = False

    def _run(self) -> RunLook | None:
        """Read the newest run."""
        folder = next(iter(list_runs(self._runs)), None)
        if folder is None:
            return None
        state = read_state(folder)
        drawn = state.results.get("report", {}).get("pictures", ())
        pictures = tuple((str(action), (folder / name).read_bytes()) for action, name in drawn)
        return RunLook(folder, load_request(folder), state, read_history(folder / TRAINING), pictures)

    def _tell_the_end(self, run: RunLook) -> None:
        """Say once what came of a run that was seen under way, and let the live view swap."""
        if run.state.phase in (Phase.RUNNING, Phase.PAUSED):
            self._under_way = run.folder
        elif self._under_way == run.folder:
            self._under_way = None
            if run.state.phase in ENDED:
                self._around.tell(run.state.sentence, ENDED[run.state.phase])
            if run.state.phase is Phase.KEPT:
                self._around.swap(run.request.person)

    def _fail(self, sentence: str) -> None:
        """Say what could not be done."""
        self._around.tell(sentence, Tone.BAD)


def _wait_until_let_go(folder: Path) -> None:
    """Wait for a process that has said how its run ended, and has not ended itself: a run that is held cannot begin."""
    end_s = time.monotonic() + LET_GO_S
    while is_held(folder) and time.monotonic() < end_s:
        time.sleep(LOOKED_EVERY_S)
