"""`epipole bench`: what one part of the program costs on this machine.

Processor time is measured first of all: unlike wall time it does not depend on what else runs.
"""

import os
import platform
import subprocess
import time
from argparse import Namespace
from collections.abc import Callable
from datetime import date

from app.cli.arguments_bench import BENCHES
from engine.child import build_command, build_environment
from engine.frames import FrameSet
from engine.inference.estimator import create_estimator
from engine.inference.parity import check_precision
from engine.loading import load_attribute
from engine.models.shelf import load_model
from engine.offline.footage import open_inputs

_WARM_UP_FRAMESETS = 10
_PRECISION_FRAMESETS = 60


def run(options: Namespace) -> int:
    """Run one measurement, and print its result with the date and the machine.

    Parameters
    ----------
    options
        `subject`: a key of `app.cli.arguments_bench.BENCHES`, and the options of that subject.

    Returns
    -------
    code
        0.
    """
    print(
        f"{date.today()}  {platform.machine()} {platform.system()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    load_attribute(BENCHES[options.subject])(options)
    return 0


def bench_start(options: Namespace) -> None:
    """Measure how long ``epipole --help`` takes; `options` has `runs`."""
    command = build_command("app.cli.main", "--help")
    took_s = []
    for _ in range(options.runs):
        start_s = time.perf_counter()
        subprocess.run(command, env=build_environment(), capture_output=True, check=True)
        took_s.append(time.perf_counter() - start_s)
    took_s.sort()
    print(
        f"start      epipole --help: best {took_s[0]:.2f} s, median "
        f"{took_s[len(took_s) // 2]:.2f} s (limit 0.5)"
    )


def bench_studio(options: Namespace) -> None:
    """Measure the cost of rendering four views of the studio; `options` has `framesets`."""
    framesets, cpu_ms, wall_ms = _render_framesets(options.framesets)
    view_count = len(framesets[0].frames)
    print(
        f"studio     {view_count} views of 640x480: {cpu_ms:.1f} ms of processor time per "
        f"frameset, {wall_ms:.1f} ms of wall time"
    )


def bench_inference(options: Namespace) -> None:
    """Measure the cost of pose estimation in four views; `options` has `model`, `framesets`."""
    framesets, *_ = _render_framesets(options.framesets)
    estimator = create_estimator(options.model, len(framesets[0].frames))
    for frames in framesets[:_WARM_UP_FRAMESETS]:
        estimator(frames)
    waiting = iter(framesets[_WARM_UP_FRAMESETS:])
    cpu_ms, wall_ms = measure_ms(lambda: estimator(next(waiting)), options.framesets)
    print(
        f"inference  {estimator.name}: {wall_ms:.1f} ms for 4 views, {cpu_ms:.1f} ms of "
        "processor time"
    )
    print(f"           {1000 / wall_ms:.1f} framesets of 4 views per second")
    estimator.close()


def bench_precision(options: Namespace) -> None:
    """Check whether bf16, at half the cost, may replace f32, and keep the answer for later runs.

    Parameters
    ----------
    options
        `model`.
    """
    framesets, *_ = _render_framesets(_PRECISION_FRAMESETS)
    images = [
        frame.image_bgr for frames in framesets[::5] for frame in frames.frames if frame is not None
    ]
    found = check_precision(load_model(options.model), "openvino", "bf16", images)
    answer = (
        "agrees with f32 and is used from now on"
        if found.accepted
        else "differs from f32 and is not used"
    )
    off_px = found.deviation * 256
    print(
        f"precision  bf16 {answer}: {off_px:.1f} px of a 256 px crop at the 99th percentile of "
        f"{found.joints} joints"
    )


def bench_window(options: Namespace) -> None:
    """Measure the cost of drawing the whole window; `options` has `paints`."""
    from app.bench import window as window_bench  # imported here: only this subject needs Qt

    framesets, *_ = _render_framesets(_WARM_UP_FRAMESETS)
    redraw = window_bench.prepare_redraw(framesets)
    cpu_ms, _ = measure_ms(redraw, options.paints)
    print(
        f"window     four images and the room at 1280x720: {cpu_ms:.1f} ms of processor time per "
        "paint"
    )


def bench_live(options: Namespace) -> None:
    """Measure what four cameras of 640x480 cost live, in four set-ups; `options` has `seconds`."""
    from app.bench import live as live_bench  # imported here: only this subject needs Qt
    from app.bench.film import make_film

    qt_application = live_bench.get_screen_application()
    for case in live_bench.list_cases(make_film()):
        result = live_bench.measure(case, options.seconds)
        print(f"live       {case.title}\n{live_bench.describe(result)}", flush=True)
    qt_application.quit()


def measure_ms(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Measure a piece of work, repeated several times.

    Returns
    -------
    cpu_ms, wall_ms
        Mean per repetition; processor time is that of all threads.
    """
    start_cpu_s, start_s = time.process_time(), time.perf_counter()
    for _ in range(times):
        work()
    cpu_s = time.process_time() - start_cpu_s
    wall_s = time.perf_counter() - start_s
    return 1000 * cpu_s / times, 1000 * wall_s / times


def _render_framesets(count: int) -> tuple[list[FrameSet], float, float]:
    """Render the studio.

    Parameters
    ----------
    count
        Framesets to measure, after `_WARM_UP_FRAMESETS`.

    Returns
    -------
    framesets
        With those of the warm-up.
    cpu_ms, wall_ms
        Per frameset.
    """
    seconds = (_WARM_UP_FRAMESETS + count) / 30 + 1
    with open_inputs([f"studio:walk?cameras=4&seed=1&seconds={seconds:.0f}"]) as footage:
        coming = iter(footage.read_framesets())
        framesets = [next(coming) for _ in range(_WARM_UP_FRAMESETS)]
        cpu_ms, wall_ms = measure_ms(lambda: framesets.append(next(coming)), count)
    return framesets, cpu_ms, wall_ms
