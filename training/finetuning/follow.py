"""Follow a run in its own process: report its progress, and end it where its caller is ended."""

import math
import subprocess
import time
from pathlib import Path

from engine.offline.progress import Progress, StepProgress
from training.finetuning.run import RunState, is_held, read_state

POLL_INTERVAL_S = 0.3
END_TIMEOUT_S = 20.0
STEP_LABELS = {
    "label": "Labelling",
    "collect": "Cutting out pictures",
    "divide": "Choosing clips for the comparison",
    "parent": "Fetching the model in use",
    "train": "Training",
    "export": "Exporting",
    "check": "Checking the export",
    "compare": "Comparing old and new",
    "report": "Writing the report",
    "add": "Adding to the library",
    "adopt": "Taking the new model into use",
}
_STEPS = tuple(STEP_LABELS)


def follow_run(
    folder: Path,
    process: subprocess.Popen[bytes],
    progress: Progress,
    *,
    poll_interval_s: float = POLL_INTERVAL_S,
) -> None:
    """Report the progress of a run until its process has ended.

    Parameters
    ----------
    folder
        Of the run.
    process
        As `training.finetuning.process.start_process` returned it.
    progress
        A step that was over before it could be seen is not reported.
    poll_interval_s
        Between two looks at the run.
    """
    while process.poll() is None:
        state = read_state(folder)
        if state.step and state.step not in state.results:
            progress(_describe_step(state))
        time.sleep(poll_interval_s)


def wait_until_released(
    folder: Path, *, timeout_s: float = END_TIMEOUT_S, poll_interval_s: float = POLL_INTERVAL_S
) -> bool:
    """Wait a while until no process works on a run; return whether that is so.

    Parameters
    ----------
    folder
        Of the run.
    timeout_s
        How long to wait.
    poll_interval_s
        Between two looks at the run.
    """
    end_s = time.monotonic() + timeout_s
    while is_held(folder) and time.monotonic() < end_s:
        time.sleep(poll_interval_s)
    return not is_held(folder)


def _describe_step(state: RunState) -> StepProgress:
    """Describe how far a run is; a step of unknown length counts as begun."""
    share = state.share if math.isfinite(state.share) else 0.0
    whole = (_STEPS.index(state.step) + share) / len(_STEPS)
    return StepProgress(STEP_LABELS[state.step], whole, "percent", round(100 * share), 100)
