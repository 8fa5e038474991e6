"""Half an hour live with a recording: memory stays flat and the delay does not grow.

EPIPOLE_BENCH_MINUTES=30 pytest -m benchmark -s tests/benchmarks/bench_long.py   (writes 13 GB to
the temporary folder)
"""

import gc
import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from app.settings import Settings
from app.window.application import make_application
from app.window.snapshot import get_offscreen_application

MINUTES = float(os.environ.get("EPIPOLE_BENCH_MINUTES", "1"))
SAMPLE_S = 5.0
SETTLED_S = 60.0  # until there is a rig and every buffer is full


def measure_resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.benchmark
@pytest.mark.model
def test_memory_and_delay_over_a_long_recording(tmp_path):
    running = get_offscreen_application()
    app = make_application(Settings(stature_m=1.75, sessions=str(tmp_path)), None)
    app.window.show()
    app.control.record_to(tmp_path / "take")
    app.control.start((f"studio:?cameras=4&seconds={60 * MINUTES + 120:g}&seed=0",))
    begun_s, next_s, samples = time.monotonic(), SAMPLE_S, []
    while (now_s := time.monotonic() - begun_s) < 60 * MINUTES:
        running.processEvents()
        time.sleep(0.01)
        if now_s >= next_s:
            next_s += SAMPLE_S
            state, _, _ = app.control.snapshot()
            whole = next((stage for stage in state.latency if stage.name == "in all"), None)
            lost = state.recording.lost if state.recording else -1
            samples.append(
                (
                    now_s,
                    measure_resident_mb(),
                    whole.median_ms if whole else np.nan,
                    state.framesets_hz,
                    lost,
                )
            )
            if len(samples) % 12 == 0:
                print(
                    "  {:5.0f} s  {:6.1f} MB  {:5.0f} ms  {:4.1f} framesets/s  lost {}".format(
                        *samples[-1]
                    ),
                    flush=True,
                )
    app.window.close()
    gc.collect()
    table = np.array(samples)
    table = table[table[:, 0] > min(SETTLED_S, 30 * MINUTES)]
    third = max(len(table) // 3, 1)
    first, last = table[:third], table[-third:]
    growth = np.polyfit(table[:, 0] / 60, table[:, 1], 1)[0] * MINUTES
    print(
        f"\n{MINUTES:g} min: memory {np.median(first[:, 1]):.0f} -> {np.median(last[:, 1]):.0f} MB",
        end=", ",
    )
    print(f"{growth:+.1f} MB by the trend")
    print(
        f"delay {np.nanmedian(first[:, 2]):.0f} -> {np.nanmedian(last[:, 2]):.0f} ms, lost "
        f"{table[-1, 4]:.0f} images"
    )
