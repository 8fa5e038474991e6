"""`epipole bench`: what one part of the program costs on this machine.

Processor time is what counts on a busy machine: it says how much of the cores a part needs,
whatever else runs.
"""

import os
import platform
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from datetime import date

from app.cli.arguments import BENCHES
from app.cli.options import DEFAULT_MODEL
from engine.child import build_command, build_environment
from engine.frames import FrameSet
from engine.inference.estimator import create_estimator
from engine.inference.parity import check_precision
from engine.loading import load_attribute
from engine.models.shelf import load_model as load_model
from engine.offline.footage import open_inputs

_STARTS = 7
_FRAMESETS = 60
_STUDIO = "studio:walk?cameras=4&seed=1&seconds=4"
_PAINTS = 60
_LIVE_S = 24.0


def run(options: Namespace) -> int:
    """Measure, and print what was found with the date and the machine.

    Parameters
    ----------
    options
        `subject`: a key of `app.cli.arguments.BENCHES`.

    Returns
    -------
    code
        0.
    """
    print(
        f"{date.today()}  {platform.machine()} {platform.system()}, {os.cpu_count()} cores, "
        f"Python {sys.version[:6]}"
    )
    load_attribute(BENCHES[options.subject])()
    return 0


def bench_start() -> None:
    """Measure how long ``epipole --help`` takes."""
    command = build_command("app.cli.main", "--help")
    took_s = []
    for _ in range(_STARTS):
        start_s = time.perf_counter()
        subprocess.run(command, env=build_environment(), capture_output=True, check=True)
        took_s.append(time.perf_counter() - start_s)
    took_s.sort()
    print(
        f"start      epipole --help: {took_s[0]:.2f} s at best, {took_s[_STARTS // 2]:.2f} s in "
        "the middle (limit 0.5)"
    )


def bench_studio() -> None:
    """Measure what it costs to film four views of the studio."""
    framesets, cpu_ms, wall_ms = _render_framesets()
    view_count = len(framesets[0].frames)
    print(
        f"studio     {view_count} views of 640x480: {cpu_ms:.1f} ms of one core each frameset, "
        f"{wall_ms:.1f} ms in all"
    )


def bench_inference() -> None:
    """Measure what it costs to find one person's joints in four views."""
    framesets, *_ = _render_framesets()
    estimator = create_estimator(DEFAULT_MODEL, len(framesets[0].frames))
    for frames in framesets[:5]:
        estimator(frames)
    waiting = iter(framesets[5:])
    cpu_ms, wall_ms = measure_ms(lambda: estimator(next(waiting)), len(framesets) - 5)
    print(
        f"inference  {estimator.name}: {wall_ms:.1f} ms for 4 views, {cpu_ms:.1f} ms of "
        "processor time"
    )
    print(f"           {1000 / wall_ms:.1f} framesets of 4 views per second")
    estimator.close()


def bench_precision() -> None:
    """Ask whether bf16, half the cost, may replace f32; from then on the answer is obeyed."""
    framesets, *_ = _render_framesets()
    images = [
        frame.image_bgr for frames in framesets[::5] for frame in frames.frames if frame is not None
    ]
    found = check_precision(load_model(DEFAULT_MODEL), "openvino", "bf16", images)
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


def bench_window() -> None:
    """Measure what it costs to draw the whole window once more."""
    from app.bench import window as window_bench  # Qt is loaded by those who draw, when they draw

    framesets, *_ = _render_framesets()
    redraw = window_bench.prepare_redraw(framesets)
    cpu_ms, _ = measure_ms(redraw, _PAINTS)
    print(
        f"window     four images and the room at 1280x720: {cpu_ms:.1f} ms of processor time "
        "each time"
    )


def bench_live() -> None:
    """Measure what four cameras of 640x480 cost live: shown, recorded either way, with the network, and in all."""
    from app.bench import live as live_bench  # Qt is loaded by those who draw, when they draw
    from app.bench.film import make_film

    qt_application = live_bench.get_screen_application()
    for setup in live_bench.list_cases(make_film()):
        print(
            f"live       {setup.title}\n{live_bench.describe(live_bench.measure(setup, _LIVE_S))}",
            flush=True,
        )
    qt_application.quit()


def measure_ms(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Do something several times.

    Returns
    -------
    cpu_ms, wall_ms
        Each time, on average; processor time of all threads.
    """
    start_cpu_s, start_s = time.process_time(), time.perf_counter()
    for _ in range(times):
        work()
    return (time.process_time() - start_cpu_s) * 1000 / times, (
        time.perf_counter() - start_s
    ) * 1000 / times


def _render_framesets() -> tuple[list[FrameSet], float, float]:
    """Film the studio, after it has warmed up; return the framesets, and milliseconds of processor and wall time."""
    with open_inputs([_STUDIO]) as footage:
        coming = iter(footage.read_framesets())
        framesets = [next(coming) for _ in range(10)]
        cpu_ms, wall_ms = measure_ms(lambda: framesets.append(next(coming)), _FRAMESETS)
    return framesets, cpu_ms, wall_ms
