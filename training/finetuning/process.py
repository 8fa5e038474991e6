"""The process of a run: ``python -m training.finetuning.process RUN``. It outlives the window.

Nothing heavy is imported before the folder is held and the number of threads is known.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calibration.errors import CalibrationError
from engine.child import THREAD_VARIABLES, build_command, build_environment, lower_priority
from engine.disk import FolderLock, InUseError
from engine.errors import EngineError
from engine.loading import load_attribute
from training.errors import TrainingError
from training.finetuning.finetune import CancelledRunError, finetune
from training.finetuning.request import load_request
from training.finetuning.run import LOG, Phase, clear_requests, is_held, read_state, write_state

STEPS = "training.finetuning.steps:STEPS"
POLL_INTERVAL_S = 0.05
MAX_TRIES = 200
DONE, FAILED, IN_USE = 0, 1, 2
CANCELLED = "Cancelled. The model in use is unchanged; resume the run to go on where it stopped."
INTERNAL_ERROR = "Internal error. The model in use is unchanged. Details: {log}"
NO_TORCH = (
    "Fine-tuning needs PyTorch, which is not installed. The model in use is unchanged. Install "
    "it with: pip install 'epipole[train]'"
)
DISK_ERROR = (
    "The disk refused {what}: {why}. The model in use is unchanged, and what was done is kept: "
    "free some space, then resume the run."
)

logger = logging.getLogger(__name__)


def start_process(folder: Path, steps: str = STEPS) -> subprocess.Popen[bytes]:
    """Start or restart the process of a run, and wait until it holds the run.

    Parameters
    ----------
    folder
        Of the run.
    steps
        ``module:name`` of the `Steps` it does.

    Returns
    -------
    process
        It outlives this program. One that has ended already has left its word in the run's state.

    Raises
    ------
    TrainingError
        If the run is under way already, or it is done.
    OSError
        If the system has no room for one.
    """
    request = load_request(folder)
    state = read_state(folder)
    if is_held(folder):
        raise TrainingError(
            f"The run '{folder.name}' is under way already. Look at it in the window."
        )
    if state.phase in (Phase.KEPT, Phase.ROLLED_BACK):
        raise TrainingError(f"The run '{folder.name}' is done. Start a new one to train further.")
    clear_requests(folder)
    write_state(folder, replace(state, phase=Phase.RUNNING, message=""))
    threads = {name: str(request.threads) for name in THREAD_VARIABLES} if request.threads else {}
    command = build_command("training.finetuning.process", str(folder.absolute()), steps)
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=build_environment(threads),
            start_new_session=True,
            creationflags=_get_creation_flags(),
        )
    _wait_until_held(process, folder)
    return process


def run_process(folder: Path, steps: str) -> int:
    """Work on a run until it ends, and write the outcome into its state.

    Parameters
    ----------
    folder
    steps
        ``module:name``.

    Returns
    -------
    code
        0 kept, rolled back or cancelled; 1 failed; 2 another process works on it.
    """
    hold = _hold_run(folder)
    if hold is None:
        return IN_USE
    try:
        lower_priority()
        return _run_recipe(folder, steps)
    finally:
        hold.release()


def main(arguments: Sequence[str]) -> int:
    """Read the words after the program's name, and work."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return run_process(Path(arguments[0]), arguments[1] if len(arguments) > 1 else STEPS)


def _hold_run(folder: Path) -> FolderLock | None:
    """Lock a run; None where another process works on it, rather than only checks."""
    for _ in range(MAX_TRIES):
        try:
            return FolderLock(folder)
        except InUseError:
            time.sleep(POLL_INTERVAL_S)
    return None


def _run_recipe(folder: Path, steps: str) -> int:
    """Run the steps; every error becomes a message."""
    try:
        state = finetune(folder, load_attribute(steps))
    except CancelledRunError:
        return _write_final_state(folder, Phase.CANCELLED, CANCELLED)
    except (CalibrationError, EngineError, TrainingError) as error:
        logger.info("refused", exc_info=True)
        return _write_final_state(folder, Phase.FAILED, str(error))
    except OSError as error:
        logger.info("refused by the system", exc_info=True)
        what = f"'{error.filename}'" if error.filename else "a file"
        return _write_final_state(
            folder, Phase.FAILED, DISK_ERROR.format(what=what, why=error.strerror or error)
        )
    except ModuleNotFoundError as error:
        if error.name != "torch":
            return _end_with_internal_error(folder)
        logger.info("torch is missing", exc_info=True)
        return _write_final_state(folder, Phase.FAILED, NO_TORCH)
    except Exception:  # a bug: the log has it, the person a sentence
        return _end_with_internal_error(folder)
    logger.info("%s: %s", state.phase, state.message)
    return DONE


def _end_with_internal_error(folder: Path) -> int:
    """Write the error into the log and a message into the state."""
    logger.exception("a fault of the program")
    return _write_final_state(folder, Phase.FAILED, INTERNAL_ERROR.format(log=folder / LOG))


def _write_final_state(folder: Path, phase: Phase, message: str) -> int:
    """Write the final state if the disk allows; else the run reads as interrupted."""
    try:
        write_state(folder, replace(read_state(folder), phase=phase, message=message))
    except (OSError, TrainingError):
        logger.exception("The last word could not be written: %s", message)
        return FAILED
    return DONE if phase is Phase.CANCELLED else FAILED


def _get_creation_flags() -> int:
    """Return the Windows flags of a process that outlives its parent; elsewhere none."""
    if sys.platform == "win32":
        apart = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return apart | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0


def _wait_until_held(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the process holds the folder or has ended; how long depends on the machine."""
    try:
        while process.poll() is None and not is_held(folder):
            time.sleep(POLL_INTERVAL_S)
    except BaseException:
        process.kill()
        process.wait()
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
