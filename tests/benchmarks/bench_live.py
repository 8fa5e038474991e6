"""What the live program costs in its window.

``pytest -m benchmark tests/benchmarks/bench_live.py -s``

``EPIPOLE_BENCH_S`` sets the seconds of each measurement. Prints date, machine and figures; asserts
what a busy machine cannot change: that nothing is lost. The processor's share is printed, and the
limits beside it.
"""

import os
import platform
import sys
from datetime import UTC, datetime

import pytest

from app.bench.film import make_film
from app.bench.live import describe, get_screen_application, list_cases, measure

pytestmark = pytest.mark.benchmark
SECONDS = float(os.environ.get("EPIPOLE_BENCH_S", "20"))
LIMITS = ("0.35 cores, recording 0.15 more", "recording 0.05 more", "25 pictures", "none")


@pytest.fixture(scope="module")
def film():
    running = get_screen_application()
    yield make_film()
    running.quit()


@pytest.mark.parametrize("number", range(len(LIMITS)))
def test_four_cameras_in_the_window(film, number):
    setup = list_cases(film)[number]
    figures = measure(setup, SECONDS)
    machine = f"{platform.processor() or platform.machine()} x{os.cpu_count()}"
    sys.stdout.write(
        f"\n{datetime.now(UTC):%Y-%m-%d} {machine}  {setup.title} (limit: "
        f"{LIMITS[number]})\n{describe(figures)}\n"
    )
    assert bool(figures.recorded) == setup.records
    assert figures.lost == 0
