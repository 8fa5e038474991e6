"""HTTP cameras, against real servers on the loopback that behave well and badly."""

import shutil
import threading
import time
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.capture import http_conversation, network_source
from engine.capture.mjpeg_http import HttpMjpegSource
from engine.capture.network_source import WAITING
from engine.errors import (
    CameraDisconnectedError,
    CameraError,
    CameraNotFoundError,
    CameraTimeoutError,
    UnreadableSourceError,
)
from engine.frames import Frame, JpegFrame
from engine.mailbox import Bounded
from tests.support.ip_cameras import (
    BOUNDARY,
    QUOTED_LOGIN,
    MjpegServer,
    free_port,
    image,
    make_certificate,
    open_sockets,
    wait_until,
)
from tests.support.videos import number_of

QUICK_FPS = 120.0


def frames_of(source: HttpMjpegSource, count: int) -> list[Frame]:
    """Read so many frames."""
    frames = [source.read(2000) for _ in range(count)]
    return [frame for frame in frames if frame is not None]


def read_on(source: HttpMjpegSource, timeout_ms: int) -> None:
    """Read until the source complains."""
    while True:
        source.read(timeout_ms)


def steps_of(numbers: Sequence[int]) -> list[int]:
    """Return from which image to which the images went on, modulo 36."""
    return [(after - before) % 36 for before, after in pairwise(numbers)]


def sequence_steps(frames: Sequence[Frame]) -> list[int]:
    """Return by how much the sequence numbers rose."""
    return [after.sequence - before.sequence for before, after in pairwise(frames)]


def times_rise(frames: Sequence[Frame]) -> bool:
    """Tell whether each frame is later than the one before."""
    return all(before.timestamp_ns < after.timestamp_ns for before, after in pairwise(frames))


def first_frames(camera: MjpegServer, count: int = 8, path: str = "/video", login: str = "") -> list[Frame]:
    """Open a camera, read, and close it."""
    source = HttpMjpegSource(camera.at(path, login), "left")
    source.open()
    try:
        return frames_of(source, count)
    finally:
        source.close()


def refusal(address: str) -> CameraError:
    """Return what a source says that cannot be opened; it leaves nothing open."""
    source = HttpMjpegSource(address, "left")
    with pytest.raises(CameraError) as caught:
        source.open()
    assert source.read(0) is None
    assert "camera left" not in [thread.name for thread in threading.enumerate()]
    sentence = str(caught.value)
    assert "'left'" in sentence
    assert caught.value.camera_id == "left"
    return caught.value


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
        frames = first_frames(camera)
    numbers = [number_of(frame.image_bgr) for frame in frames]
    assert all(isinstance(frame, JpegFrame) for frame in frames)
    assert [frame.jpeg for frame in frames if isinstance(frame, JpegFrame)] == [image(number) for number in numbers]
    assert steps_of(numbers) == [step % 36 for step in sequence_steps(frames)]
    assert frames[0].sequence < WAITING
    assert {frame.size_wh for frame in frames} == {(64, 48)}
    assert times_rise(frames)


@pytest.mark.parametrize("length", ["short", "long"])
def test_wrong_lengths_are_remarked(length: str):
    with MjpegServer(fps=QUICK_FPS, length=length) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        assert "wrong lengths" in " ".join(source.remarks)
        source.close()


def test_an_open_source_knows_size_and_rate_of_its_camera():
    with MjpegServer(fps=15.0, size_wh=(80, 60), jitter_s=0.01) as camera:
        source = HttpMjpegSource(camera.address, "left")
        with pytest.raises(ValueError, match="opened first"):
            _ = source.size_wh
        source.open()
        assert source.size_wh == (80, 60)
        assert source.rate_fps == pytest.approx(15.0, rel=0.2)
        assert source.live
        assert source.frame_count is None
        source.close()


def test_images_in_the_wrong_order_keep_their_order_of_arrival():
    with MjpegServer(fps=QUICK_FPS, swapped=True) as camera:
        frames = first_frames(camera)
    assert 35 in steps_of([number_of(frame.image_bgr) for frame in frames])
    assert times_rise(frames)
    assert min(sequence_steps(frames)) > 0


def test_a_camera_that_pauses_is_waited_for():
    with MjpegServer(fps=QUICK_FPS, stall_after=16, stall_s=1.0) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        with pytest.raises(CameraTimeoutError, match="Camera 'left' sent no image for 0"):
            read_on(source, 200)
        later = frames_of(source, 3)
        source.close()
        assert later[0].sequence >= 4
        assert len(camera.questions) == 1


def test_a_camera_that_is_silent_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_conversation, "SILENT_S", 0.3)
    with MjpegServer(fps=QUICK_FPS, stall_after=13, stall_s=60.0) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        with pytest.raises(CameraDisconnectedError, match="was silent"):
            frames_of(source, 2)
        source.close()


def test_a_killed_camera_is_gone_and_back_on_the_same_address():
    camera = MjpegServer(fps=QUICK_FPS).start()
    source = HttpMjpegSource(camera.address, "left")
    source.open()
    threads, sockets, sequences = threading.active_count(), open_sockets(), []
    for _ in range(3):
        sequences += [frame.sequence for frame in frames_of(source, 3)]
        camera.kill()
        with pytest.raises(CameraDisconnectedError, match=r"'left'.*is tried again"):
            frames_of(source, WAITING + 3)
        source.close()
        with pytest.raises(CameraNotFoundError, match="refuses"):
            source.open()
        camera.start()
        source.open()
    sequences += [frame.sequence for frame in frames_of(source, 3)]
    assert sequences == sorted(set(sequences))
    assert wait_until(lambda: threading.active_count() <= threads)
    assert wait_until(lambda: open_sockets() <= sockets)
    source.close()
    camera.kill()
    assert "camera left" not in [thread.name for thread in threading.enumerate()]


def test_a_camera_that_ends_its_stream_is_gone():
    with MjpegServer(fps=QUICK_FPS, images=14) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        for _ in range(2):
            with pytest.raises(CameraDisconnectedError, match="ended its stream"):
                frames_of(source, 3)
        source.close()


def test_damaged_images_are_left_out_and_counted():
    with MjpegServer(fps=QUICK_FPS, damaged_every=4) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        before = source.damaged
        sequences = [frame.sequence for frame in frames_of(source, 9)]
        source.close()
    assert source.damaged > before
    assert max(np.diff(sequences)) >= 2
    assert "damaged images" in source.remarks[-1]


def test_images_that_nobody_takes_are_dropped_and_counted():
    with MjpegServer(fps=QUICK_FPS) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        sent = camera.sent
        assert wait_until(lambda: camera.sent > sent + 30)
        sequences = [frame.sequence for frame in frames_of(source, WAITING + 1)]
        source.close()
    assert sequences[:WAITING] == list(range(WAITING))
    assert sequences[WAITING] > 20


def test_images_of_another_size_end_the_source():
    with MjpegServer(fps=QUICK_FPS) as camera:
        source = HttpMjpegSource(camera.address, "left")
        source.open()
        source._size_wh = (32, 24)
        with pytest.raises(CameraDisconnectedError, match="64×48 instead of 32×24"):
            source.read(2000)
        source.close()


def test_a_camera_with_one_image_per_question_is_asked_again_and_again():
    with MjpegServer() as camera:
        frames = first_frames(camera, 5, "/snapshot")
    numbers = [number_of(frame.image_bgr) for frame in frames]
    assert steps_of(numbers) == [step % 36 for step in sequence_steps(frames)]


def test_a_camera_with_one_image_per_question_that_is_killed_is_gone():
    camera = MjpegServer().start()
    source = HttpMjpegSource(camera.at("/snapshot"), "left")
    source.open()
    camera.kill()
    with pytest.raises(CameraDisconnectedError, match="answers no more"):
        frames_of(source, WAITING + 3)
    source.close()


def test_a_stream_that_closing_cut_is_not_said_to_have_ended(monkeypatch: pytest.MonkeyPatch):
    class EndsWhenCut(network_source.NetworkSource):
        def _images(self, reading):
            while not reading.stopped():
                time.sleep(0.001)
            yield from ()

    discard, said = Bounded.discard, []
    monkeypatch.setattr(Bounded, "discard", lambda box: (time.sleep(0.1), discard(box)))  # the reader is the faster one
    source = EndsWhenCut("http://127.0.0.1:1/video", "left")

    def opening() -> None:
        try:
            source.open()
        except CameraError as error:
            said.append(str(error))

    thread = threading.Thread(target=opening)
    thread.start()
    assert wait_until(lambda: source._thread is not None)
    source.close()
    thread.join()
    assert "closed while it was opened" in said[0]


@pytest.mark.parametrize("login", ["basic", "digest"])
@pytest.mark.parametrize("path", ["/video", "/snapshot"])
def test_user_and_password_open_the_camera(login: str, path: str):
    with MjpegServer(fps=QUICK_FPS, login=login) as camera:
        assert len(first_frames(camera, 3, path, QUOTED_LOGIN)) == 3
        assert "Authorization" not in camera.questions[0]


def test_a_redirection_is_followed():
    with MjpegServer(fps=QUICK_FPS, login="digest") as camera:
        assert len(first_frames(camera, 3, "/moved", QUOTED_LOGIN)) == 3


REFUSALS = {
    "/nothing": "has nothing under this path",
    "/page": "is a web page",
    "/circle": "redirects in a circle",
    "/file": "redirects to what is no web address",
}


@pytest.mark.parametrize("path", REFUSALS)
def test_what_is_no_stream_is_refused_in_a_sentence(path: str):
    with MjpegServer() as camera:
        assert REFUSALS[path] in str(refusal(camera.at(path)))


def test_a_camera_that_is_off_or_unknown_is_refused_in_a_sentence():
    assert "refuses to be connected" in str(refusal(f"http://127.0.0.1:{free_port()}/video"))
    assert "no computer named 'no-such-camera.invalid'" in str(refusal("http://no-such-camera.invalid/video"))


@pytest.mark.parametrize(
    ("manners", "said"),
    [
        ({"rubbish": True}, "sends no JPEG images"),
        ({"greeting": b"SSH-2.0-OpenSSH_9\r\n"}, "does not speak HTTP"),
        ({"greeting": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"}, "does not speak HTTP"),
        ({"content_type": "video/mp4"}, "sends 'video/mp4'"),
    ],
    ids=str,
)
def test_rubbish_is_refused_in_a_sentence(manners: dict[str, object], said: str):
    with MjpegServer(**manners) as camera:
        error = refusal(camera.address)
    assert isinstance(error, UnreadableSourceError)
    assert said in str(error)


def test_a_camera_that_says_nothing_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_conversation, "REPLY_S", 0.3)
    with MjpegServer(mute=True) as camera:
        assert "says nothing" in str(refusal(camera.address))


def test_a_camera_that_sends_no_first_image_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(network_source, "OPEN_S", 0.3)
    with MjpegServer(images=0, mute=True) as camera:
        assert isinstance(refusal(camera.address), CameraTimeoutError)


@pytest.mark.parametrize("manners", [{"mute": True}, {"stall_after": 1, "stall_s": 60.0}], ids=str)
def test_closing_ends_an_opening_that_waits(manners: dict[str, object], monkeypatch: pytest.MonkeyPatch):
    for module, limit in ((http_conversation, "REPLY_S"), (network_source, "OPEN_S"), (network_source, "RATE_S")):
        monkeypatch.setattr(module, limit, 60.0)
    with MjpegServer(**manners) as camera:
        source = HttpMjpegSource(camera.address, "left")
        said: list[BaseException] = []

        def opening() -> None:
            try:
                source.open()
            except CameraError as error:
                said.append(error)

        thread = threading.Thread(target=opening)
        thread.start()
        assert wait_until(lambda: bool(camera._lines))
        source.close()
        thread.join()
    assert "closed while it was opened" in str(said[0])
    assert "camera left" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_refused_login_is_said_without_showing_it(
    login: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    with MjpegServer(login=login) as camera:
        wrong = camera.at("/video?pwd=hush1", "someone:hush2@")
        error = refusal(wrong)
        assert "wrong user or password" in str(error)
        assert "wants a user and a password" in str(refusal(camera.address))
        source = HttpMjpegSource(wrong, "left")
    said = "".join(traceback.format_exception(error)) + caplog.text + "".join(capfd.readouterr())
    for secret in ("hush1", "hush2", "someone"):
        assert secret not in said + str(source.remarks) + source.address + repr(source.place)


def test_another_host_does_not_get_the_password():
    with MjpegServer(fps=QUICK_FPS) as other, MjpegServer() as camera:
        location = f"http://localhost:{other.port}/video"
        camera.change(greeting=f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
        other.change(login="basic")
        assert "wants a user and a password" in str(refusal(camera.at("/video", QUOTED_LOGIN)))
        assert not any("Authorization" in question for question in other.questions)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_an_encrypted_camera_needs_a_certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    certificate = make_certificate(tmp_path)
    with MjpegServer(fps=QUICK_FPS, certificate=certificate) as camera:
        assert "certificate of camera 'left'" in str(refusal(camera.address))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert len(first_frames(camera, 3)) == 3


def test_an_encrypted_address_of_a_plain_camera_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_conversation, "REPLY_S", 0.3)
    with MjpegServer() as camera:
        assert "Try http:// instead" in str(refusal(camera.address.replace("http:", "https:")))


def test_a_camera_that_is_opened_again_gives_its_very_first_image():
    with MjpegServer() as camera:
        source = HttpMjpegSource(camera.at("/video"), "left")
        source.open()
        source.close()
        camera.kill()
        before = camera.sent
        camera.start()
        source.open()
        try:
            first = source.read(2000)
        finally:
            source.close()
        assert first is not None
        assert number_of(first.image_bgr) == before % 36
