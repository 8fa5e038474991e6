import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from calibration.errors import NotEnoughMotionError
from calibration.self_calibrate import CalibrationOptions
from engine.live.calibration_process import CRASHED_MESSAGE, CalibrationProcess, CalibrationTask
from tests.support.patience import PATIENCE_S, wait_until

HERE = "tests.unit.engine.live.test_calibration_process"
OPTIONS = CalibrationOptions()
ROOT = Path(__file__).parents[4]
LONG_S = 3 * PATIENCE_S  # a child begins by loading everything that a calibration needs


def echo(candidates, options, progress):
    """Return what came, with the child's number, niceness and threads of algebra."""
    progress("Half", 0.5)
    return candidates, os.getpid(), os.nice(0), os.environ["OMP_NUM_THREADS"]


def refuse(candidates, options, progress):
    raise NotEnoughMotionError("Walk some more.")


def break_down(candidates, options, progress):
    raise ZeroDivisionError


def die(candidates, options, progress):
    os._exit(3)


def take_for_ever(candidates, options, progress):
    progress("Begun", 0.5)
    while True:
        time.sleep(0.01)


def answer(process, task):
    """Let a process do a task; return the outcome."""
    process.solve(task)
    outcomes = []

    def done():
        outcomes.append(process.take_outcome())
        return outcomes[-1] is not None

    assert wait_until(done, LONG_S), "no outcome"
    return outcomes[-1]


def until(condition):
    assert wait_until(condition, LONG_S)


def is_alive(number: int) -> bool:
    """Whether a process runs (one that nobody has buried yet does not)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def process():
    made = []

    def make(function):
        made.append(CalibrationProcess(f"{HERE}:{function.__name__}"))
        return made[-1]

    yield make
    for each in made:
        each.stop()
    assert wait_until(
        lambda: not [one for one in threading.enumerate() if one.name == "calibration process"]
    )


def test_one_warm_child_does_task_after_task_behind_everything_else(process):
    calibration = process(echo)
    first, second = (
        answer(calibration, CalibrationTask(number, f"task {number}", OPTIONS)) for number in (1, 2)
    )
    assert (first.number, second.number) == (1, 2)
    assert second.calibration[0] == "task 2"
    assert first.calibration[1] == second.calibration[1] != os.getpid()
    assert first.calibration[2] >= min(os.nice(0) + 10, 19)
    assert first.calibration[3] == "1"
    assert calibration.progress == 0.5
    assert calibration.take_outcome() is None


def test_a_refusal_comes_back_as_its_sentence(process):
    outcome = answer(process(refuse), CalibrationTask(1, None, OPTIONS))
    assert outcome.message == "Walk some more."
    assert not outcome.crashed
    assert outcome.calibration is None


def test_a_fault_of_the_program_is_logged_and_the_next_task_is_done(process, caplog):
    calibration = process(break_down)
    assert answer(calibration, CalibrationTask(1, None, OPTIONS)).crashed
    assert "ZeroDivisionError" in caplog.text
    assert answer(calibration, CalibrationTask(2, None, OPTIONS)).number == 2


def test_a_child_that_dies_is_replaced(process):
    calibration = process(die)
    first = answer(calibration, CalibrationTask(1, None, OPTIONS))
    assert first.crashed
    assert first.message == CRASHED_MESSAGE
    assert answer(calibration, CalibrationTask(2, None, OPTIONS)).number == 2


def test_resting_ends_a_task_at_once_and_another_one_can_follow(process):
    calibration = process(take_for_ever)
    calibration.solve(CalibrationTask(1, None, OPTIONS))
    until(lambda: calibration.progress == 0.5)
    calibration.cancel()
    assert calibration.take_outcome() is None
    calibration.solve(CalibrationTask(2, None, OPTIONS))
    until(lambda: calibration.progress == 0.5)
    calibration.stop()


def test_stopping_leaves_no_child_even_while_it_starts(process):
    calibration = process(echo)
    calibration.start()
    calibration.stop()
    calibration.stop()
    calibration.start()
    number = answer(calibration, CalibrationTask(1, None, OPTIONS)).calibration[1]
    calibration.stop()
    until(lambda: not is_alive(number))


def test_asking_never_waits_while_the_child_is_busy(process):
    calibration = process(take_for_ever)
    calibration.solve(CalibrationTask(1, None, OPTIONS))
    until(lambda: calibration.progress == 0.5)
    for number in range(2, 50):
        calibration.solve(CalibrationTask(number, bytes(1_000_000), OPTIONS))  # a pipe holds 64 kB


PARENT = f"""
import sys, time
from engine.live.calibration_process import CalibrationProcess, CalibrationTask
from calibration.self_calibrate import CalibrationOptions
process = CalibrationProcess("{HERE}:WORK")
process.solve(CalibrationTask(1, None, CalibrationOptions()))
"""


@pytest.mark.parametrize("how", ["-c", "-"])
def test_a_parent_without_a_file_can_calibrate(how):
    script = PARENT.replace("WORK", "echo") + (
        "while (outcome := process.take_outcome()) is None: "
        "time.sleep(0.01)\nprint(outcome.calibration[2])\nprocess.stop()"
    )
    command = [sys.executable, how, script] if how == "-c" else [sys.executable, how]
    done = subprocess.run(
        command,
        input=script if how == "-" else "",
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=LONG_S,
        check=False,
    )
    assert done.stderr == ""
    assert int(done.stdout) >= 10


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_child_ends_with_its_parent_and_says_nothing(how):
    script = PARENT.replace("WORK", "take_for_ever") + (
        "while process.progress != 0.5: time.sleep(0.01)\n"
        "try: print(process._child.pid, flush=True); time.sleep(60)\nexcept KeyboardInterrupt: "
        "process.stop()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    number = int(parent.stdout.readline())
    assert is_alive(number)
    if how == signal.SIGINT:
        os.killpg(parent.pid, how)  # as the terminal does: to all of them
    else:
        parent.kill()
    _, said = parent.communicate(timeout=LONG_S)
    until(lambda: not is_alive(number))
    assert said == ""


CTRL_C_AT_ONCE = """
import os, signal, time
from engine.live.calibration_process import CalibrationProcess
signal.signal(signal.SIGINT, lambda *_: None)
process = CalibrationProcess()
process.start()
while process._child is None:
    time.sleep(0.001)
for _ in range(5):
    os.kill(process._child.pid, signal.SIGINT)
    time.sleep(0.03)
print("alive" if process._child.is_alive() else "dead")
process.stop()
"""


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
def test_the_first_child_of_a_program_does_not_hear_ctrl_c_while_it_starts():
    command = [sys.executable, "-c", CTRL_C_AT_ONCE]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("alive\n", "")
