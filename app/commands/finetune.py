"""`epipole finetune`: fine-tune the model in use; the new one is adopted only if better."""

import shlex
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from app.cli.step_progress import StepLines
from app.errors import UsageError
from app.exit_codes import DONE, REFUSED
from app.paths import runs_folder
from app.report.calibration_output import print_messages
from engine.offline.repair_sessions import repair_sessions
from engine.session.session import Session
from training.errors import TrainingError
from training.finetuning.follow import follow_run, wait_until_released
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

DEFAULT_MINUTES = 10.0
MAX_NAMED = 5


def run(options: Namespace) -> int:
    """Start, resume, pause or cancel a fine-tuning.

    Parameters
    ----------
    options
        `sessions`, `method`, `minutes`, `person`, `start`, `threads`, `seed`, `out`, and one of
        `resume`, `pause`, `cancel`.

    Returns
    -------
    code
        0 where the new model is in use, or the request was passed on; 3 where it is not better
        and nothing changed.

    Raises
    ------
    TrainingError
        If a step failed; the message says why, and the model in use is unchanged.
    KeyboardInterrupt
        If Ctrl-C was pressed; the run was ended and can be resumed.
    """
    runs = options.out or runs_folder()
    run_name = options.resume or options.pause or options.cancel
    if run_name:
        if options.sessions:
            raise UsageError("A run has its sessions already. Give a run or sessions, not both.")
        return _control_run(_find_run(runs, run_name), options)
    if not options.sessions:
        raise UsageError(
            "Give the sessions to train on: epipole finetune SESSION… See "
            "'epipole finetune --help'."
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
    print_messages(repair_sessions(options.sessions))
    check_sessions(request.sessions)
    check_start(request)
    return _follow(make_run(runs, request))


def _find_person(options: Namespace) -> str:
    """Find whose model it becomes: the given person, else the person of the sessions."""
    if options.person is not None:
        return options.person
    names = list(dict.fromkeys(Session.open(path).facts.person for path in options.sessions))
    if len(names) == 1:
        return names[0]
    shown = " and ".join(f"'{name}'" if name else "an unnamed person" for name in names)
    raise UsageError(
        f"The sessions are of {shown}. Choose whose model it becomes: --person NAME, or "
        "--person '' for everybody."
    )


def _control_run(folder: Path, options: Namespace) -> int:
    """Resume, pause or cancel a run that exists."""
    state = read_state(folder)
    if options.resume:
        if not is_held(folder):
            if options.minutes:
                save_request(folder, replace(load_request(folder), minutes=options.minutes))
            return _follow(folder)
        request_resume(folder)
        print(f"'{folder.name}' continues.")
        return DONE
    if state.phase not in (Phase.RUNNING, Phase.PAUSED):
        raise TrainingError(
            f"The run '{folder.name}' is not running ({state.phase}), so it cannot be paused or "
            "cancelled."
        )
    (request_pause if options.pause else request_cancel)(folder)
    print(
        f"'{folder.name}' {'pauses' if options.pause else 'ends'} at its next step. Continue with: "
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
        else "There is none yet. Start one with: epipole finetune SESSION…"
    )
    raise TrainingError(f"There is no run '{name}' in '{runs}'. {there}")


def _follow(folder: Path) -> int:
    """Start a run's process, show its progress until its end, and print the outcome."""
    print(f"Run      {folder}")
    try:
        process = start_process(folder)
        with StepLines() as progress:
            follow_run(folder, process, progress)
    except KeyboardInterrupt:
        print("\nStopping; finished steps are kept.", flush=True)
        request_cancel(folder)  # also one that is only just starting
        if not wait_until_released(folder):
            print(
                f"'{folder.name}' is in a step that cannot be interrupted; it ends after that step."
            )
        print(f"Continue with: {_format_resume_command(folder)}")
        raise
    return _print_outcome(folder, read_state(folder))


def _format_resume_command(folder: Path) -> str:
    """Format the command that resumes a run."""
    is_default_folder = folder.parent.absolute() == runs_folder()
    return (
        "epipole finetune --resume "
        f"{folder.name if is_default_folder else shlex.quote(str(folder))}"
    )


def _print_outcome(folder: Path, state: RunState) -> int:
    """Print the outcome of a run."""
    if state.phase not in (Phase.KEPT, Phase.ROLLED_BACK):
        raise TrainingError(
            f"{state.message} To try this run again: {_format_resume_command(folder)}"
        )
    verdict = state.results.get("compare", {}).get("verdict")
    print()
    print_messages(describe_verdict(verdict_from_table(verdict)) if verdict else [state.message])
    page = state.results.get("report", {}).get("page")
    if page:
        print(f"Report   {folder / page}")
    return DONE if state.phase is Phase.KEPT else REFUSED
