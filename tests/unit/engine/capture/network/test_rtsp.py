"""RTSP cameras, against a real server in a process of its own, killed and restarted."""

import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.capture.jpeg import is_complete_jpeg
from engine.capture.network.limits import NetworkLimits
from engine.capture.network.rtsp import RtspSource
from engine.clock import host_ns
from engine.errors import (
    CameraDisconnectedError,
    CameraError,
    CameraNotFoundError,
    CameraTimeoutError,
)
from engine.frames import Frame
from tests.support.http_source import is_thread_gone
from tests.support.ip_cameras import QUOTED_LOGIN, MjpegServer, count_sockets, find_free_port
from tests.support.patience import PATIENCE_MS, PATIENCE_S, ROOMY_NETWORK, wait_until
from tests.support.rtsp_server import RtspServer, explain_missing_rtsp_server

needs_server = pytest.mark.skipif(
    bool(explain_missing_rtsp_server()), reason=explain_missing_rtsp_server()
)
SIZE_WH = (160, 120)

# The server takes its time, except where a camera says nothing.
PATIENT = replace(ROOMY_NETWORK, rtsp_answer_s=PATIENCE_S, rtsp_silence_s=PATIENCE_S)
# Wait a moment only for a camera that does not answer.
SOON_UNANSWERED = replace(PATIENT, rtsp_answer_s=1.0)
# Give a camera up that froze, but not one that lacks the processor for a moment.
SOON_SILENT = replace(PATIENT, rtsp_silence_s=3.0)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    """Return a camera with a login."""
    with RtspServer(tmp_path_factory.mktemp("locked"), login="digest", size_wh=SIZE_WH) as camera:
        yield camera


def frames_of(source: RtspSource, count: int) -> list[Frame]:
    """Read so many frames."""
    frames = [source.read(PATIENCE_MS) for _ in range(count)]
    return [frame for frame in frames if frame is not None]


def refusal(address: str, limits: NetworkLimits = PATIENT) -> CameraError:
    """Return what a source says that cannot be opened; it leaves nothing open."""
    source = RtspSource(address, "left", limits)
    with pytest.raises(CameraError) as caught:
        source.open()
    assert is_thread_gone()
    assert "'left'" in str(caught.value)
    return caught.value


def read_on(source: RtspSource, timeout_ms: int) -> None:
    """Read until the source complains."""
    while True:
        source.read(timeout_ms)


def read_until_gone(source: RtspSource) -> None:
    """Read until the camera is gone."""
    while True:
        try:
            source.read(500)
        except CameraTimeoutError:
            continue


def opened_at_30_fps(camera: RtspServer) -> RtspSource:
    """Open a camera, again where the machine was too busy for its rate to be measured."""
    opened: list[RtspSource] = []

    def measured() -> bool:
        opened.append(RtspSource(camera.address_of(), "left", PATIENT))
        opened[-1].open()
        right = opened[-1].rate_fps == pytest.approx(30.0, rel=0.02)
        if not right:
            opened[-1].close()
        return right

    assert wait_until(measured)
    return opened[-1]


@needs_server
@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_images_come_at_the_steady_times_of_the_camera(codec: str, tmp_path: Path):
    with RtspServer(tmp_path, codec=codec, size_wh=SIZE_WH) as camera:
        source = opened_at_30_fps(camera)
        assert source.size_wh == SIZE_WH
        frames = frames_of(source, 12)
        source.close()
    assert {frame.size_wh for frame in frames} == {SIZE_WH}
    assert not frames[0].image_bgr.flags.writeable
    assert frames[0].image_bgr.std() > 10
    steps_ms = [
        (after.timestamp_ns - before.timestamp_ns) / 1e6 for before, after in pairwise(frames)
    ]
    rises = [after.sequence - before.sequence for before, after in pairwise(frames)]
    off_ms = np.abs(np.array(steps_ms) - 1000 / 30 * np.array(rises))
    assert (
        np.median(off_ms) < 3.0
    )  # arrivals tremble at every step; one that is quicker than all before moves one
    assert all((frame.jpeg is not None) == (codec == "jpeg") for frame in frames)
    assert all(is_complete_jpeg(frame.jpeg) for frame in frames if frame.jpeg)


@needs_server
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_an_image_that_is_held_back_until_the_next_has_the_time_of_its_own_arrival(
    codec: str, tmp_path: Path
):
    with RtspServer(tmp_path, codec=codec, size_wh=SIZE_WH) as camera:
        source = RtspSource(camera.address_of(), "left", PATIENT)
        source.open()
        seen_ns, frames = [], []
        for _ in range(15):
            frames += frames_of(source, 1)
            seen_ns.append(host_ns())
        source.close()
    assert all(frame.timestamp_ns <= before_ns for frame, before_ns in zip(frames[1:], seen_ns))


@needs_server
def test_a_killed_camera_is_gone_and_back_on_the_same_address(tmp_path: Path):
    camera = RtspServer(tmp_path, size_wh=SIZE_WH).start()
    source = RtspSource(camera.address_of(), "left", PATIENT)
    source.open()
    threads, sockets, sequences = threading.active_count(), count_sockets(), []
    for _ in range(3):
        sequences += [frame.sequence for frame in frames_of(source, 3)]
        camera.kill()
        with pytest.raises(CameraDisconnectedError, match=r"'left'.*Epipole tries again"):
            read_until_gone(source)
        source.close()
        with pytest.raises(CameraNotFoundError, match="refuses"):
            source.open()
        camera.start()
        source.open()
    sequences += [frame.sequence for frame in frames_of(source, 3)]
    assert sequences == sorted(set(sequences))
    assert wait_until(lambda: threading.active_count() <= threads)
    assert wait_until(lambda: count_sockets() <= sockets)
    source.close()
    camera.kill()


@needs_server
def test_a_frozen_camera_is_silent_then_given_up_then_back(tmp_path: Path):
    with RtspServer(tmp_path, size_wh=SIZE_WH) as camera:
        source = RtspSource(camera.address_of(), "left", SOON_SILENT)
        source.open()
        last = frames_of(source, 1)[0]
        camera.freeze()
        with pytest.raises(CameraTimeoutError):
            read_on(source, 200)
        with pytest.raises(CameraDisconnectedError, match="was silent"):
            read_until_gone(source)
        source.close()
        camera.thaw()
        source.open()
        assert frames_of(source, 1)[0].sequence > last.sequence
        source.close()


@needs_server
def test_closing_does_not_wait_for_a_frozen_camera_for_ever(tmp_path: Path):
    with RtspServer(tmp_path, size_wh=SIZE_WH) as camera:
        source = RtspSource(camera.address_of(), "left", SOON_SILENT)
        source.open()
        camera.freeze()
        source.close()
        assert is_thread_gone()
        assert source.read(10) is None


@needs_server
def test_user_and_password_open_the_camera(locked: RtspServer):
    source = RtspSource(locked.address_of(login=QUOTED_LOGIN), "left", PATIENT)
    source.open()
    assert len(frames_of(source, 2)) == 2
    source.close()


@needs_server
def test_a_refused_login_is_said_without_showing_it(
    locked: RtspServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    wrong = locked.address_of("/cam?pwd=hush1", "someone:hush2@")
    errors = [refusal(wrong), refusal(locked.address_of("/nothing", "someone:hush2@"))]
    assert "wrong user or password" in str(errors[0])
    assert "needs a user and a password" in str(refusal(locked.address_of()))
    said = "".join("".join(traceback.format_exception(error)) for error in errors)
    said += caplog.text + "".join(capfd.readouterr()) + RtspSource(wrong, "left", PATIENT).address
    for secret in ("hush1", "hush2", "someone"):
        assert secret not in said
    assert all(error.__context__ is None for error in errors)


@needs_server
def test_a_path_that_is_not_there_is_refused_in_a_sentence(locked: RtspServer):
    error = refusal(locked.address_of("/nothing", QUOTED_LOGIN))
    assert isinstance(error, CameraNotFoundError)
    assert "has nothing under this path" in str(error)


def test_a_camera_that_is_off_or_unknown_is_refused_in_a_sentence():
    assert "refuses the connection" in str(refusal(f"rtsp://127.0.0.1:{find_free_port()}/cam"))
    assert "no computer named" in str(refusal("rtsp://no-such-camera.invalid/cam"))


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\n\r\n", bytes(range(256)) * 40]
)
def test_what_does_not_speak_rtsp_is_refused_in_a_sentence(greeting: bytes):
    with MjpegServer(greeting=greeting) as camera:
        assert "is no RTSP stream" in str(refusal(f"rtsp://127.0.0.1:{camera.port}/cam"))


def test_a_camera_that_says_nothing_is_refused_in_a_sentence():
    with MjpegServer(mute=True) as camera:
        assert "sends no stream" in str(
            refusal(f"rtsp://127.0.0.1:{camera.port}/cam", SOON_UNANSWERED)
        )


def test_closing_ends_an_opening_that_waits():
    with MjpegServer(mute=True) as camera:
        source, said = (
            RtspSource(f"rtsp://127.0.0.1:{camera.port}/cam", "left", SOON_UNANSWERED),
            [],
        )

        def opening() -> None:
            try:
                source.open()
            except CameraError as error:
                said.append(str(error))

        thread = threading.Thread(target=opening)
        thread.start()
        assert wait_until(lambda: len(camera._lines) > 0)
        source.close()
        thread.join()
        assert is_thread_gone()
    assert "closed while it was opened" in said[0]
