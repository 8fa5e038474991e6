"""HTTP cameras as they are opened: logins, redirections, certificates, refusals."""

import shutil
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from engine.capture.network import source as network_source
from engine.capture.network.limits import NetworkLimits
from engine.capture.network.mjpeg import HttpMjpegSource
from engine.errors import CameraError, CameraTimeoutError, UnreadableSourceError
from engine.mailbox import Bounded
from tests.support.http_source import QUICK_FPS, is_thread_gone, read_first_frames
from tests.support.ip_cameras import QUOTED_LOGIN, MjpegServer, find_free_port, make_certificate
from tests.support.patience import PATIENCE_S, PATIENT_NETWORK, wait_until


def refusal(address: str, limits: NetworkLimits = PATIENT_NETWORK) -> CameraError:
    """Return what a source says that cannot be opened; it leaves nothing open."""
    source = HttpMjpegSource(address, "left", limits)
    with pytest.raises(CameraError) as caught:
        source.open()
    assert source.read(0) is None
    assert is_thread_gone()
    message = str(caught.value)
    assert "'left'" in message
    assert caught.value.camera_id == "left"
    return caught.value


@pytest.mark.parametrize("login", ["basic", "digest"])
@pytest.mark.parametrize("path", ["/video", "/snapshot"])
def test_user_and_password_open_the_camera(login: str, path: str):
    with MjpegServer(fps=QUICK_FPS, login=login) as camera:
        assert len(read_first_frames(camera, 3, path, QUOTED_LOGIN)) == 3
        assert "Authorization" not in camera.requests[0]


def test_a_redirection_is_followed():
    with MjpegServer(fps=QUICK_FPS, login="digest") as camera:
        assert len(read_first_frames(camera, 3, "/moved", QUOTED_LOGIN)) == 3


REFUSALS = {
    "/nothing": "has nothing under this path",
    "/page": "is a web page",
    "/circle": "redirects in a circle",
    "/file": "redirects to something that is not a web address",
}


@pytest.mark.parametrize("path", REFUSALS)
def test_what_is_no_stream_is_refused_in_a_sentence(path: str):
    with MjpegServer() as camera:
        assert REFUSALS[path] in str(refusal(camera.address_of(path)))


def test_a_camera_that_is_off_or_unknown_is_refused_in_a_sentence():
    assert "refuses the connection" in str(refusal(f"http://127.0.0.1:{find_free_port()}/video"))
    assert "no computer named 'no-such-camera.invalid'" in str(
        refusal("http://no-such-camera.invalid/video")
    )


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


def test_a_camera_that_says_nothing_is_refused_in_a_sentence():
    with MjpegServer(mute=True) as camera:
        assert "does not answer within" in str(
            refusal(camera.address, replace(PATIENT_NETWORK, reply_s=0.3))
        )


def test_a_camera_that_sends_no_first_image_is_refused_in_a_sentence():
    limits = replace(PATIENT_NETWORK, first_image_s=0.3)
    with MjpegServer(images=0, mute=True) as camera:
        assert isinstance(refusal(camera.address, limits), CameraTimeoutError)


@pytest.mark.parametrize(
    "manners", [{"mute": True}, {"stall_after": 1, "stall_s": PATIENCE_S}], ids=str
)
def test_closing_ends_an_opening_that_waits(manners: dict[str, object]):
    with MjpegServer(**manners) as camera:
        source = HttpMjpegSource(camera.address, "left", PATIENT_NETWORK)
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
        assert is_thread_gone()
    assert "closed while it was opened" in str(said[0])


@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_refused_login_is_said_without_showing_it(
    login: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    with MjpegServer(login=login) as camera:
        wrong = camera.address_of("/video?pwd=hush1", "someone:hush2@")
        error = refusal(wrong)
        assert "wrong user or password" in str(error)
        assert "needs a user and a password" in str(refusal(camera.address))
        source = HttpMjpegSource(wrong, "left", PATIENT_NETWORK)
    said = "".join(traceback.format_exception(error)) + caplog.text + "".join(capfd.readouterr())
    for secret in ("hush1", "hush2", "someone"):
        assert secret not in said + str(source.remarks) + source.address + repr(source.endpoint)


def test_another_host_does_not_get_the_password():
    with MjpegServer(fps=QUICK_FPS) as other, MjpegServer() as camera:
        location = f"http://localhost:{other.port}/video"
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        camera.change_behaviour(greeting=head.encode())
        other.change_behaviour(login="basic")
        assert "needs a user and a password" in str(
            refusal(camera.address_of("/video", QUOTED_LOGIN))
        )
        assert not any("Authorization" in question for question in other.requests)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_an_encrypted_camera_needs_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    certificate = make_certificate(tmp_path)
    with MjpegServer(fps=QUICK_FPS, certificate=certificate) as camera:
        assert "certificate of camera 'left'" in str(refusal(camera.address))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert len(read_first_frames(camera, 3)) == 3


def test_an_encrypted_address_of_a_plain_camera_is_refused_in_a_sentence():
    limits = replace(PATIENT_NETWORK, reply_s=0.3)
    with MjpegServer() as camera:
        encrypted = camera.address.replace("http:", "https:")
        assert "Try http:// instead" in str(refusal(encrypted, limits))


def test_a_stream_that_closing_cut_is_not_said_to_have_ended(monkeypatch: pytest.MonkeyPatch):
    class EndsWhenCut(network_source.NetworkSource):
        def _read_images(self, loop):
            while not loop.is_stopped():
                time.sleep(0.001)
            yield from ()

    discard, said = Bounded.discard, []
    monkeypatch.setattr(
        Bounded, "discard", lambda box: (time.sleep(0.1), discard(box))
    )  # the reader is the faster one
    source = EndsWhenCut("http://127.0.0.1:1/video", "left", PATIENT_NETWORK)

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
