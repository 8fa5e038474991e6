"""`epipole finetune`: the rig teaches the network in use; the new one serves only if it is better."""

import math
import shlex
import subprocess
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from app.cli.progress import Progress
from app.errors import UsageError
from app.paths import runs_folder
from app.repair_sessions import repair_sessions
from app.report.calibration_output import print_messages
from engine.session.session import Session
from training.errors import TrainingError
from training.finetuning.process import start_process
from training.finetuning.report import describe_verdict
from training.finetuning.request import (
    FinetuneRequest,
    check_sessions,
    check_start,
    load_request,
    save_request,
)
from training.finetuning.run import (
    STATE,
    Phase,
    RunState,
    is_held,
    list_runs,
    make_run,
    read_state,
    request_cancel,
    request_pause,
    request_resume,
)
from training.finetuning.verdict import verdict_from_table

DONE, NOT_BETTER = 0, 3
DEFAULT_MINUTES = 10.0
POLL_INTERVAL_S = 0.3
MAX_NAMED = 5
END_TIMEOUT_S = 20.0
STEP_LABELS = {
    "label": "Labelling",
    "collect": "Cutting out pictures",
    "divide": "Setting clips aside",
    "parent": "Fetching the network in use",
    "train": "Teaching",
    "export": "Exporting",
    "check": "Checking the export",
    "compare": "Comparing old and new",
    "report": "Writing the report",
    "add": "Adding to the library",
    "adopt": "Letting it serve",
}


def run(options: Namespace) -> int:
    """Teach, go on, let rest or end.

    Parameters
    ----------
    options
        `sessions`, `method`, `minutes`, `person`, `start`, `threads`, `seed`, `out`, and one of
        `resume`, `pause`, `cancel`.

    Returns
    -------
    code
        0 where the new network serves, or the wish was passed on; 3 where it is not better and
        nothing changed.

    Raises
    ------
    TrainingError
        If a step refused; the sentence says why, and the network in use is untouched.
    KeyboardInterrupt
        If Ctrl-C was pressed; the run was ended and can be resumed.
    """
    runs = options.out or runs_folder()
    run_name = options.resume or options.pause or options.cancel
    if run_name:
        if options.sessions:
            raise UsageError("A run knows its sessions. Give a run or sessions, not both.")
        return _control_run(_find_run(runs, run_name), options)
    if not options.sessions:
        raise UsageError(
            "Say what to learn from: epipole finetune SESSION… 'epipole finetune --help' shows "
            "more."
        )
    request = FinetuneRequest(
        tuple(options.sessions),
        _find_person(options),
        start=options.start,
        method=options.method,
        minutes=options.minutes or DEFAULT_MINUTES,
        threads=options.threads,
        seed=options.seed,
    )
    repair_sessions(options.sessions)
    check_sessions(request.sessions)
    check_start(request)
    return _follow(make_run(runs, request))


def _find_person(options: Namespace) -> str:
    """Say whose network it becomes: whose it is said to be, else whoever the sessions show."""
    if options.person is not None:
        return options.person
    names = list(dict.fromkeys(Session.open(path).facts.person for path in options.sessions))
    if len(names) == 1:
        return names[0]
    shown = " and ".join(f"'{name}'" if name else "nobody in particular" for name in names)
    raise UsageError(
        f"The sessions are of {shown}. Say whose network it becomes: --person NAME, or --person ''."
    )


def _control_run(folder: Path, options: Namespace) -> int:
    """Pass a wish on to a run that exists."""
    state = read_state(folder)
    if options.resume:
        if not is_held(folder):
            if options.minutes:
                save_request(folder, replace(load_request(folder), minutes=options.minutes))
            return _follow(folder)
        request_resume(folder)
        print(f"'{folder.name}' goes on.")
        return DONE
    if state.phase not in (Phase.RUNNING, Phase.PAUSED):
        raise TrainingError(
            f"Nobody works on the run '{folder.name}' ({state.phase}), so it cannot rest or end."
        )
    (request_pause if options.pause else request_cancel)(folder)
    print(
        f"'{folder.name}' {'rests' if options.pause else 'ends'} at its next step. Go on with: "
        f"{_format_resume_command(folder)}"
    )
    return DONE


def _find_run(runs: Path, name: str) -> Path:
    """Find a run by its name or its path."""
    for folder in (runs / name, Path(name)):
        if (folder / STATE).is_file():
            return folder
    known = ", ".join(folder.name for folder in list_runs(runs)[:MAX_NAMED])
    there = (
        f"Choose one of these: {known}."
        if known
        else "There is none at all yet: begin one with its sessions."
    )
    raise TrainingError(f"There is no run '{name}' in '{runs}'. {there}")


def _follow(folder: Path) -> int:
    """Start a run's process, show how it goes until its end, and say what came of it."""
    print(f"Run      {folder}")
    try:
        _show_until_ended(folder, start_process(folder))
    except KeyboardInterrupt:
        print("\nEnding; what was done is kept.", flush=True)
        request_cancel(folder)  # also one that is only just starting
        if not _wait_until_released(folder):
            print(
                f"'{folder.name}' still works on a step that cannot be stopped; it ends after it."
            )
        print(f"Go on with: {_format_resume_command(folder)}")
        raise
    return _print_outcome(folder, read_state(folder))


def _wait_until_released(folder: Path, timeout_s: float = END_TIMEOUT_S) -> bool:
    """Wait a while until nobody works on a run any more; say whether it came to that."""
    end_s = time.monotonic() + timeout_s
    while is_held(folder) and time.monotonic() < end_s:
        time.sleep(POLL_INTERVAL_S)
    return not is_held(folder)


def _format_resume_command(folder: Path) -> str:
    """Say what to type to go on with a run, wherever it lies."""
    is_default_folder = folder.parent.absolute() == runs_folder()
    return (
        "epipole finetune --resume "
        f"{folder.name if is_default_folder else shlex.quote(str(folder))}"
    )


def _show_until_ended(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Show one line of progress per step; those that were over before anybody looked are left out."""
    while process.poll() is None:
        state = read_state(folder)
        if state.step and state.step not in state.results:
            _show_step(folder, process, state.step)
        else:
            time.sleep(POLL_INTERVAL_S)


def _show_step(folder: Path, process: subprocess.Popen[bytes], step: str) -> None:
    """Show how far a step is, until it is done or the process has ended."""
    with Progress(STEP_LABELS[step], 100, "percent") as progress:
        while process.poll() is None:
            state = read_state(folder)
            if state.step != step or step in state.results:
                return
            if math.isfinite(state.share):
                progress(round(100 * state.share))
            time.sleep(POLL_INTERVAL_S)


def _print_outcome(folder: Path, state: RunState) -> int:
    """Say what came of a run."""
    if state.phase not in (Phase.KEPT, Phase.ROLLED_BACK):
        raise TrainingError(
            f"{state.sentence} To try this run again: {_format_resume_command(folder)}"
        )
    verdict = state.results.get("compare", {}).get("verdict")
    print()
    print_messages(describe_verdict(verdict_from_table(verdict)) if verdict else [state.sentence])
    page = state.results.get("report", {}).get("page")
    if page:
        print(f"Report   {folder / page}")
    return DONE if state.phase is Phase.KEPT else NOT_BETTER
