"""The cost of the live program can be measured: cameras of a film, and a monitored window."""

import numpy as np
import pytest

from app.bench import film as filmed
from app.bench import live as live_bench
from app.bench.film import (
    JPEG,
    RAW,
    PrecomputedEstimator,
    make_film,
    open_film,
    ping_pong_index,
    register_film,
)
from app.bench.live import BenchCase, describe, measure
from calibration.geometry.projection import project
from calibration.geometry.triangulation import triangulate_robust
from engine.frames import FrameSet


@pytest.fixture(scope="module")
def film():
    return make_film(count=4, camera_count=2)


@pytest.fixture
def offered(film, monkeypatch):
    monkeypatch.setattr(filmed, "STUDIOS", filmed.STUDIOS | {})
    monkeypatch.setattr("engine.address.STUDIOS", filmed.STUDIOS)
    register_film(film)
    return film


def frameset(sources, number):
    frames = []
    for source in sources:
        source.open()
        frames.append([source.read(0) for _ in range(number + 1)][-1])
    return FrameSet(number, frames[0].timestamp_ns, tuple(frames))


def test_a_film_runs_to_and_fro_without_a_jump():
    numbers = [ping_pong_index(number, 5) for number in range(30)]
    assert set(np.abs(np.diff(numbers))) == {1}
    assert set(numbers) == set(range(5))


def test_the_poses_are_those_of_the_image_that_is_shown(offered):
    _, sources = open_film(RAW)
    for number in (0, 3, 4, 9):
        frames = frameset(sources, number)
        shown = ping_pong_index(number, 4)
        assert frames.frames[1].image_bgr is offered.images_bgr[1][shown]
        assert PrecomputedEstimator(offered)(frames).poses_by_view[1] is offered.poses[shown][1]


def test_the_poses_fit_the_rig(offered):
    views = offered.poses[2]
    xy = np.stack([view[0].xy for view in views])
    solved = triangulate_robust(xy, np.full(xy.shape[:2], 1.5), offered.rig.cameras, gate_px=9.0)
    off_px = np.linalg.norm(project(solved.xyz, offered.rig[0]) - xy[0], axis=-1)
    assert np.nanmedian(off_px) < 3


def test_cameras_that_compress_show_the_same_film(offered):
    _, sources = open_film(JPEG)
    frame = frameset(sources, 5).frames[0]
    assert frame.jpeg is not None
    assert np.abs(frame.image_bgr.astype(int) - offered.images_bgr[0][1]).mean() < 5


def measured(film):
    """Measure for a moment; for longer where a busy machine served the window too seldom in it."""
    for seconds in (0.6, 6.0, 30.0):
        figures = measure(
            BenchCase("short", JPEG, lambda _views: PrecomputedEstimator(film)),
            seconds,
            settle_s=0.6,
        )
        if len(figures.event_gaps_s) > 5 and figures.paints_hz["cameras"] > 0:
            break
    return figures


def test_a_short_measurement_tells_who_used_the_processor_and_what_was_painted(offered):
    figures = measured(offered)
    assert figures.cores > 0
    assert figures.by_thread["MainThread"] > 0
    assert "camera" in figures.by_thread
    assert figures.paints_hz["cameras"] > 0
    assert len(figures.event_gaps_s) > 5
    text = describe(figures)
    assert "cores" in text
    assert "longer than 100 ms" in text


def test_what_recording_adds_is_measured_in_turns(offered, monkeypatch):
    monkeypatch.setattr(live_bench, "TURNS", 2)
    setup = BenchCase(
        "short",
        RAW,
        lambda _views: PrecomputedEstimator(offered),
        records=True,
        images_to_compress=offered.images_bgr,
    )
    for seconds in (1.2, 6.0, 30.0):  # longer where a busy machine recorded nothing, or not all
        figures = measure(setup, seconds, settle_s=0.3)
        if figures.recorded > 0 and figures.lost == 0:
            break
    assert len(figures.added_cores) == 2
    assert figures.recorded > 0
    assert figures.lost == 0
    assert figures.state.recording is None
    assert figures.encoder_ms > 0
    assert figures.recorder_cores > 0
    assert "in 2 turns; recorder threads" in describe(figures)
    assert "encoder alone" in describe(figures)
