"""Network cameras: addresses, what opens them, their rates, and what all share."""

import errno
import socket
import ssl
import threading

import pytest

from engine.capture.network.address import (
    NETWORK_SOURCES,
    Endpoint,
    make_unreachable_error,
    open_connection,
    open_network,
    parse_endpoint,
)
from engine.capture.network.mjpeg import HttpMjpegSource
from engine.capture.network.rtsp import RtspSource
from engine.capture.network.source import DEFAULT_FPS, ReadLoop, estimate_nominal_fps
from engine.clock import NS_PER_S
from engine.errors import CameraNotFoundError


def test_an_address_is_taken_apart():
    place = parse_endpoint("RTSP://me:p%40ss%2Fw@door.local:8554/live/1?channel=2&user=x", "left")
    assert (place.scheme, place.host, place.port) == ("rtsp", "door.local", 8554)
    assert place.target == "/live/1?channel=2&user=x"
    assert (place.user, place.password) == ("me", "p@ss/w")
    assert place.secret_url == "rtsp://me:p%40ss%2Fw@door.local:8554/live/1?channel=2&user=x"


@pytest.mark.parametrize(
    ("kind", "port"), [("http", 80), ("https", 443), ("rtsp", 554), ("rtsps", 322)]
)
def test_a_port_that_is_not_said_is_the_usual_one(kind: str, port: int):
    place = parse_endpoint(f"{kind}://[fe80::1]", "left")
    assert (place.port, place.target, place.netloc) == (port, "/", "[fe80::1]")


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://",
        "rtsp://me:pa/ss@door/1",
        "http://door:port/",
        "http://door:99999/",
        "usb:0",
        "rtsp://a b/",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_repeating_it(address: str):
    with pytest.raises(CameraNotFoundError, match="camera 'left' cannot be read") as caught:
        parse_endpoint(address, "left")
    assert "pa/ss" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_place_does_not_show_its_login():
    shown = repr(parse_endpoint("rtsp://some:hush@door/1", "left"))
    assert "hush" not in shown
    assert "some" not in shown


def test_every_scheme_has_its_source():
    assert {kind: type(open_network(f"{kind}://door/1", "left")) for kind in NETWORK_SOURCES} == {
        "http": HttpMjpegSource,
        "https": HttpMjpegSource,
        "rtsp": RtspSource,
        "rtsps": RtspSource,
    }
    with pytest.raises(CameraNotFoundError, match=r"begins with rtsp:// or http://"):
        open_network("ftp://door/1", "left")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "no computer named 'door'"),
        (UnicodeError("label too long"), "no computer named 'door'"),
        (ConnectionRefusedError(), "refuses the connection"),
        (TimeoutError(), "does not answer"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "cannot be reached from here"),
        (OSError(errno.EIO, "Input/output error"), "cannot be reached (Input/output error)"),
        (ssl.SSLError(), "Try rtsp:// instead"),
    ],
    ids=repr,
)
def test_every_reason_not_to_reach_a_camera_is_a_sentence(error: Exception, said: str):
    message = str(
        make_unreachable_error(Endpoint("rtsps", "door", 322, "/1", "me", "hush"), "left", error)
    )
    assert said in message
    assert "'left'" in message
    assert "hush" not in message


def test_a_connection_that_nobody_wants_any_more_is_not_waited_for():
    with pytest.raises(CameraNotFoundError):
        open_connection(
            Endpoint("rtsp", "192.0.2.1", 554, "/"), "left", lambda: True
        )  # an address that nobody has


def test_stopping_ends_a_read_that_blocks():
    reading = ReadLoop()
    near, far = socket.socketpair()
    with reading.hold_connection(near):
        thread = threading.Thread(target=reading.stop)
        thread.start()
        assert near.recv(1) == b""
        thread.join()
    far.close()
    assert near.fileno() == -1


def test_what_is_held_after_stopping_is_cut_at_once():
    reading = ReadLoop()
    reading.stop()
    near, far = socket.socketpair()
    with reading.hold_connection(near):
        assert near.recv(1) == b""
    far.close()


@pytest.mark.parametrize(
    ("fps", "nominal"), [(29.5, 30.0), (14.7, 15.0), (25.2, 25.0), (24.1, 24.0), (17.3, 17.3)]
)
def test_the_rate_is_one_that_cameras_have_where_it_is_near(fps: float, nominal: float):
    assert estimate_nominal_fps([round(k * NS_PER_S / fps) for k in range(12)]) == pytest.approx(
        nominal, rel=1e-6
    )


@pytest.mark.parametrize("times_ns", [[], [5], [5, 9], [7, 7, 7]], ids=str)
def test_too_few_images_have_no_rate(times_ns: list[int]):
    assert estimate_nominal_fps(times_ns) == DEFAULT_FPS
