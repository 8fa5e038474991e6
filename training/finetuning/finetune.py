"""Fine-tune a model on what the rig saw: the steps in order; `steps` holds what each does."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.finetuning.request import FinetuneRequest, load_request
from training.finetuning.run import CANCEL, PAUSE, Phase, RunState, read_state, write_state

WRITE_INTERVAL_S = 0.5
PAUSE_POLL_S = 0.2

Result = Mapping[str, Any]


class CancelledRunError(Exception):
    """The user cancelled the run."""


@dataclass(frozen=True, slots=True, eq=False)
class StepContext:
    """What a step can build upon.

    Parameters
    ----------
    folder
        Of the run; a step leaves its files here.
    request
    results
        Of the steps before, by name.
    """

    folder: Path
    request: FinetuneRequest
    results: Mapping[str, Result]


class ProgressReporter:
    """Reports a step's progress, pauses or cancels it on request, and measures the working time.

    Parameters
    ----------
    folder
        Of the run.
    state
        As it is before.
    """

    def __init__(self, folder: Path, state: RunState) -> None:
        self._folder, self.state = folder, state
        self._at_s = self._written_s = time.monotonic()

    def __call__(self, share: float, seconds_left: float = math.nan, message: str = "") -> None:
        """Report how far the step is; waits as long as the run is paused.

        Parameters
        ----------
        share
            Of the step.
        seconds_left
            NaN where unknown.
        message
            On how it goes; empty leaves the last one.

        Raises
        ------
        CancelledRunError
            If the person does not want it any more.
        """
        shown = message or self.state.message
        self.state = replace(self.state, share=share, seconds_left=seconds_left, message=shown)
        if self.should_stop():
            raise CancelledRunError
        if self._at_s - self._written_s >= WRITE_INTERVAL_S:
            self.write()

    def should_stop(self) -> bool:
        """Wait while the run is paused; return whether the step is to end resumably."""
        self._count_time()
        self._wait_while_paused()
        return (self._folder / CANCEL).exists()

    def write(self, **changes: Any) -> None:
        """Write the state, with these changes."""
        self._count_time()
        self.state = replace(self.state, **changes)
        self._written_s = self._at_s
        write_state(self._folder, self.state)

    def _wait_while_paused(self) -> None:
        """Wait while a pause is requested; a request to cancel ends the waiting too."""
        if (self._folder / PAUSE).exists() and not (self._folder / CANCEL).exists():
            self.write(phase=Phase.PAUSED)
            while (self._folder / PAUSE).exists() and not (self._folder / CANCEL).exists():
                time.sleep(PAUSE_POLL_S)
            self._at_s = time.monotonic()
            self.write(phase=Phase.RUNNING)

    def _count_time(self) -> None:
        """Add the time since the last call to the time used."""
        now_s = time.monotonic()
        self.state = replace(self.state, seconds_used=self.state.seconds_used + now_s - self._at_s)
        self._at_s = now_s


Step = Callable[[StepContext, ProgressReporter], Result]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of the recipe; each returns plain values, which a resumed run starts from.

    Parameters
    ----------
    label
        The joints that all views agree on, in each session.
    parent
        The model that serves this person now; the new one starts from it and has to beat it.
    collect
        Crops of the person with their labels.
    divide
        Time blocks and a camera are held out, and never trained on.
    train
        Within the minutes that were given.
    export
        ONNX.
    check
        The exported model answers as torch does on real crops, or a TrainingError.
    compare
        Both models on what was held out, judged by the rig: ``better`` and ``message``, and the
        figures.
    report
        For a person.
    add, adopt
        The new model goes into the library · and serves.
    """

    label: Step
    parent: Step
    collect: Step
    divide: Step
    train: Step
    export: Step
    check: Step
    compare: Step
    report: Step
    add: Step
    adopt: Step


def finetune(folder: Path, steps: Steps) -> RunState:
    """Fine-tune a model on what the rig saw; it serves if it is better, else nothing changes.

    Parameters
    ----------
    folder
        Of the run; an interrupted run continues after the last finished step.
    steps

    Returns
    -------
    state
        Kept or rolled back.

    Raises
    ------
    TrainingError, EngineError, CalibrationError, OSError
        What a step refuses; the model in use is untouched.
    CancelledRunError
        If the person does not want it any more.
    """
    run = _StepRunner(folder)
    run.run_step("label", steps.label)
    run.run_step("parent", steps.parent)
    run.run_step("collect", steps.collect)
    run.run_step("divide", steps.divide)
    run.run_step("train", steps.train)
    run.run_step("export", steps.export)
    run.run_step("check", steps.check)
    verdict = run.run_step("compare", steps.compare)
    run.run_step("report", steps.report)
    if not verdict["better"]:
        return run.finish(Phase.ROLLED_BACK, verdict["message"])
    run.run_step("add", steps.add)
    run.run_step("adopt", steps.adopt)  # up to here nothing that serves has changed
    return run.finish(Phase.KEPT, verdict["message"])


class _StepRunner:
    """Runs the steps that are not done yet, and keeps their results."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._request = folder, load_request(folder)
        self._reporter = ProgressReporter(
            folder, replace(read_state(folder), phase=Phase.RUNNING, message="")
        )

    def run_step(self, name: str, step: Step) -> Result:
        """Do a step, or return its kept result."""
        done = dict(self._reporter.state.results)
        if name in done:
            return done[name]
        self._reporter.write(step=name, share=0.0, seconds_left=math.nan, message="")
        self._reporter(0.0)  # a request to cancel counts before the step begins
        result = step(StepContext(self._folder, self._request, done), self._reporter)
        self._reporter.write(results={**done, name: dict(result)}, share=1.0, seconds_left=0.0)
        return result

    def finish(self, phase: Phase, message: str) -> RunState:
        """Write the outcome."""
        self._reporter.write(phase=phase, message=message)
        return self._reporter.state
