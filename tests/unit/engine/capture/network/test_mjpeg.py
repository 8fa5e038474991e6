"""HTTP cameras, against real servers on the loopback that behave well and badly."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engine.capture.network.limits import NETWORK_LIMITS
from engine.capture.network.mjpeg import HttpMjpegSource
from engine.capture.network.source import RATE_IMAGES
from engine.errors import (
    CameraDisconnectedError,
    CameraNotFoundError,
    CameraTimeoutError,
)
from engine.frames import Frame
from engine.mailbox import Bounded
from tests.support.http_source import QUICK_FPS, is_thread_gone, read_first_frames, read_frames
from tests.support.ip_cameras import (
    BOUNDARY,
    MjpegServer,
    count_sockets,
    make_jpeg,
)
from tests.support.patience import (
    PATIENCE_MS,
    PATIENCE_S,
    PATIENT_NETWORK,
    ROOMY_NETWORK,
    wait_until,
)
from tests.support.videos import read_number


def read_on(source: HttpMjpegSource, timeout_ms: int, frames: list[Frame]) -> None:
    """Read until the source complains; what was read is added to the frames."""
    while (frame := source.read(timeout_ms)) is not None:
        frames.append(frame)


def open_and_read(source: HttpMjpegSource, count: int) -> None:
    """Open and read: on a busy machine a camera may be given up before it is open."""
    source.open()
    read_frames(source, count)


def steps_of(numbers: Sequence[int]) -> list[int]:
    """Return from which image to which the images went on, modulo 36."""
    return [(after - before) % 36 for before, after in pairwise(numbers)]


def sequence_steps(frames: Sequence[Frame]) -> list[int]:
    """Return by how much the sequence numbers rose."""
    return [after.sequence - before.sequence for before, after in pairwise(frames)]


def times_rise(frames: Sequence[Frame]) -> bool:
    """Tell whether each frame is later than the one before."""
    return all(before.timestamp_ns < after.timestamp_ns for before, after in pairwise(frames))


MANNERS = {
    "a length in every part": {},
    "no lengths": {"length": "none"},
    "chunked": {"chunked": True},
    "a quoted boundary": {"boundary": f'boundary="{BOUNDARY}"'},
    "a boundary with dashes": {"boundary": f"boundary=--{BOUNDARY}"},
    "no boundary in the header": {"boundary": "charset=x"},
    "the boundary behind the image": {"delimiter_behind": True, "length": "none"},
    "lengths that are too short": {"length": "short"},
    "lengths that are too long": {"length": "long"},
    "a size that is a lie": {"claimed_size": "9999x1"},
}


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS)
def test_images_come_as_the_camera_compressed_them(manners: dict[str, object]):
    with MjpegServer(fps=QUICK_FPS, **manners) as camera:
        frames = read_first_frames(camera)
    numbers = [read_number(frame.image_bgr) for frame in frames]
    assert [frame.jpeg for frame in frames] == [make_jpeg(number) for number in numbers]
    assert numbers == list(range(RATE_IMAGES, RATE_IMAGES + 8))
    assert [frame.sequence for frame in frames] == list(range(8))
    assert {frame.size_wh for frame in frames} == {(64, 48)}
    assert times_rise(frames)


@pytest.mark.parametrize("length", ["short", "long"])
def test_wrong_lengths_are_remarked(length: str):
    with MjpegServer(fps=QUICK_FPS, length=length) as camera:
        source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
        source.open()
        assert "wrong lengths" in " ".join(source.remarks)
        source.close()


def test_an_open_source_knows_size_and_rate_of_its_camera():
    with MjpegServer(fps=15.0, size_wh=(80, 60), jitter_s=0.01) as camera:
        source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
        with pytest.raises(ValueError, match="opened first"):
            _ = source.size_wh
        source.open()
        assert source.size_wh == (80, 60)
        assert source.live
        assert source.frame_count is None
        source.close()


def test_the_rate_is_that_of_the_first_images():
    def measured_fps() -> float:
        source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
        source.open()
        source.close()
        return source.rate_fps

    with MjpegServer(fps=15.0, jitter_s=0.01) as camera:
        assert wait_until(
            lambda: measured_fps() == pytest.approx(15.0, rel=0.2)
        )  # now, or in a quiet moment


def test_images_in_the_wrong_order_keep_their_order_of_arrival():
    with MjpegServer(fps=QUICK_FPS, swapped=True) as camera:
        frames = read_first_frames(camera)
    assert [read_number(frame.image_bgr) for frame in frames] == [12, 14, 13, 15, 16, 18, 17, 19]
    assert times_rise(frames)
    assert [frame.sequence for frame in frames] == list(range(8))


def test_a_camera_that_pauses_is_waited_for():
    with MjpegServer(fps=QUICK_FPS) as camera:
        source = HttpMjpegSource(camera.address, "left", ROOMY_NETWORK)
        source.open()
        before = read_frames(source, 4)
        camera.silent.set()
        with pytest.raises(CameraTimeoutError, match=r"Camera 'left' sent no image for \d+\.\d s"):
            read_on(source, 200, before)
        camera.silent.clear()
        later = read_frames(source, 3)
        source.close()
        assert [frame.sequence for frame in before + later] == list(range(len(before) + 3))
        assert len(camera.requests) == 1


def test_a_camera_that_is_silent_for_ever_is_given_up():
    limits = replace(PATIENT_NETWORK, http_silence_s=0.3)
    with MjpegServer(fps=QUICK_FPS, stall_after=13, stall_s=PATIENCE_S) as camera:
        source = HttpMjpegSource(camera.address, "left", limits)
        with pytest.raises(CameraDisconnectedError, match="was silent"):
            open_and_read(source, RATE_IMAGES)
        source.close()


def test_a_killed_camera_is_gone_and_back_on_the_same_address():
    camera = MjpegServer(fps=QUICK_FPS).start()
    source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
    source.open()
    threads, sockets, sequences = threading.active_count(), count_sockets(), []
    for _ in range(3):
        sequences += [frame.sequence for frame in read_frames(source, 3)]
        camera.kill()
        with pytest.raises(CameraDisconnectedError, match=r"'left'.*Epipole tries again"):
            read_frames(source, NETWORK_LIMITS.max_waiting_images + 3)
        source.close()
        with pytest.raises(CameraNotFoundError, match="refuses"):
            source.open()
        camera.start()
        source.open()
    sequences += [frame.sequence for frame in read_frames(source, 3)]
    assert sequences == sorted(set(sequences))
    assert wait_until(lambda: threading.active_count() <= threads)
    assert wait_until(lambda: count_sockets() <= sockets)
    source.close()
    camera.kill()
    assert is_thread_gone()


def test_a_camera_that_ends_its_stream_is_gone():
    with MjpegServer(fps=QUICK_FPS, images=14) as camera:
        source = HttpMjpegSource(camera.address, "left", ROOMY_NETWORK)
        source.open()
        for _ in range(2):
            with pytest.raises(CameraDisconnectedError, match="ended its stream"):
                read_frames(source, 3)
        source.close()


def test_damaged_images_are_left_out_and_counted():
    with MjpegServer(fps=QUICK_FPS, damaged_every=4) as camera:
        source = HttpMjpegSource(camera.address, "left", ROOMY_NETWORK)
        source.open()
        before = source.damaged
        sequences = [frame.sequence for frame in read_frames(source, 9)]
        source.close()
    assert source.damaged > before
    assert max(np.diff(sequences)) >= 2
    assert "damaged images" in source.remarks[-1]


def test_images_that_nobody_takes_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch):
    offer, arrived = Bounded.offer, []
    monkeypatch.setattr(Bounded, "offer", lambda box, one: (offer(box, one), arrived.append(1))[0])
    with MjpegServer(fps=QUICK_FPS) as camera:
        source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
        source.open()
        before = len(arrived)
        assert wait_until(lambda: len(arrived) > before + 30)
        frames = read_frames(source, NETWORK_LIMITS.max_waiting_images + 1)
        source.close()
    steps = sequence_steps(frames)
    assert steps_of([read_number(frame.image_bgr) for frame in frames]) == [
        step % 36 for step in steps
    ]
    assert sum(steps) > 20  # of the thirty, at most those that wait were kept


def test_images_of_another_size_end_the_source():
    with MjpegServer(fps=QUICK_FPS) as camera:
        source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
        source.open()
        source._size_wh = (32, 24)
        with pytest.raises(CameraDisconnectedError, match="64×48 instead of 32×24"):
            source.read(PATIENCE_MS)
        source.close()


def test_a_camera_with_one_image_per_question_is_asked_again_and_again():
    with MjpegServer() as camera:
        frames = read_first_frames(camera, 5, "/snapshot")
    numbers = [read_number(frame.image_bgr) for frame in frames]
    assert steps_of(numbers) == [step % 36 for step in sequence_steps(frames)]


def test_a_camera_with_one_image_per_question_that_is_killed_is_gone():
    camera = MjpegServer().start()
    source = HttpMjpegSource(camera.address_of("/snapshot"), "left", PATIENT_NETWORK)
    source.open()
    camera.kill()
    with pytest.raises(CameraDisconnectedError, match="no longer answers"):
        read_frames(source, NETWORK_LIMITS.max_waiting_images + 3)
    source.close()


def test_a_camera_that_is_opened_again_gives_its_very_first_image():
    with MjpegServer() as camera:
        source = HttpMjpegSource(camera.address_of("/video"), "left", PATIENT_NETWORK)
        source.open()
        source.close()
        camera.kill()
        before = camera.sent
        camera.start()
        source.open()
        try:
            first = source.read(PATIENCE_MS)
        finally:
            source.close()
        assert first is not None
        assert read_number(first.image_bgr) == before % 36
