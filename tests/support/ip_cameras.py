"""Real HTTP servers on the loopback that act as good and bad IP cameras; see `rtsp_server`."""

import hashlib
import os
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType

import cv2

from tests.support.videos import draw_picture

USER, PASSWORD = "person", "s3cret p@ss/word"
QUOTED_LOGIN = "person:s3cret%20p%40ss%2Fword@"
BOUNDARY = "an-image-comes"


@dataclass(frozen=True)
class CameraBehaviour:
    """How an HTTP camera behaves; the defaults are those of a good one."""

    fps: float = 30.0
    size_wh: tuple[int, int] = (64, 48)
    images: int | None = None  # the server hangs up after so many
    length: str = "true"  # or "none", "short", "long"
    boundary: str = f"boundary={BOUNDARY}"  # as its header says
    delimiter: str = f"--{BOUNDARY}"  # as it writes it
    delimiter_behind: bool = (
        False  # the delimiter is sent with the image before it, as many servers do
    )
    claimed_size: str = ""  # a header that lies about the size
    chunked: bool = False
    login: str = ""  # or "basic", "digest"
    jitter_s: float = 0.0
    stall_after: int | None = None  # images, then silence of `stall_s`
    stall_s: float = 3.0
    swapped: bool = False  # every second pair of images is sent in the wrong order
    rubbish: bool = False  # endless bytes that are no image
    damaged_every: int = 0  # every so many images is torn
    greeting: bytes = b""  # sent instead of any HTTP
    mute: bool = False  # accepts and says nothing
    content_type: str = ""  # another one than it sends


class MjpegServer:
    """An HTTP camera. `kill` and `start` it as often as you like; it keeps its port. A context
    manager.

    Paths: ``/video`` (a stream), ``/snapshot`` (one image per question), ``/moved``, ``/circle``
    and ``/file`` (redirections), ``/page`` (a web page); everything else is not found.
    """

    def __init__(self, *, certificate: Path | None = None, **behaviour: object) -> None:
        self._certificate = certificate  # with its key; the camera speaks TLS then
        self.behaviour = replace(CameraBehaviour(), **behaviour)  # type: ignore[arg-type]
        self.port = 0
        self.requests: list[str] = []  # every head that came in
        self.sent = 0
        self.silent = (
            threading.Event()
        )  # while it is set, the streams stand still; then what was held back comes
        self._server: socketserver.ThreadingTCPServer | None = None
        self._lines: set[socket.socket] = set()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @property
    def address(self) -> str:
        return self.address_of("/video")

    def address_of(self, path: str, login: str = "") -> str:
        """Return the address of a path."""
        return f"{'https' if self._certificate else 'http'}://{login}127.0.0.1:{self.port}{path}"

    def start(self) -> "MjpegServer":
        camera = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                line = camera._wrap_tls(self.request)
                camera._lines.add(line)
                if not camera._ended.is_set():  # else `kill` may have missed this line
                    with suppress(OSError):  # the viewer is gone, or the camera was killed
                        _Connection(camera, line).run()
                camera._lines.discard(line)
                line.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = False  # closing waits for them: a killed camera sends no more

        self._ended.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        return self

    def kill(self) -> None:
        """Pull the plug: every connection breaks, nobody listens, nothing more is sent or counted.
        May be called twice.
        """
        server, thread, self._server, self._thread = self._server, self._thread, None, None
        if server is None or thread is None:
            return
        self._ended.set()
        server.shutdown()
        thread.join()
        for line in list(self._lines):
            with suppress(OSError):  # it is gone by itself
                # an SSL socket's own `shutdown` would free the TLS state under its thread
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        server.server_close()

    def _wrap_tls(self, line: socket.socket) -> socket.socket:
        if self._certificate is None:
            return line
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        # the handshake comes with the first bytes, when `kill` knows the line
        return context.wrap_socket(line, server_side=True, do_handshake_on_connect=False)

    def change_behaviour(self, **behaviour: object) -> None:
        """Behave otherwise from the next connection on."""
        self.behaviour = replace(self.behaviour, **behaviour)  # type: ignore[arg-type]

    def __enter__(self) -> "MjpegServer":
        return self.start()

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class _Connection:
    """The server's side of one connection."""

    def __init__(self, camera: MjpegServer, line: socket.socket) -> None:
        self.camera, self.line, self.behaviour = camera, line, camera.behaviour
        self.waiting = b""

    def run(self) -> None:
        if self.behaviour.mute:
            self.camera._ended.wait(30)
            return
        if self.behaviour.greeting:
            self.line.sendall(self.behaviour.greeting)
            return
        while head := self._read_head():
            self.camera.requests.append(head)
            if not self._answer(head):
                return

    def _read_head(self) -> str:
        while b"\r\n\r\n" not in self.waiting:
            more = self.line.recv(4096)
            if not more:
                return ""
            self.waiting += more
        head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
        return head.decode()

    def _answer(self, head: str) -> bool:
        path = head.split(" ")[1].split("?")[0]
        moved = {"/moved": "/video", "/circle": "/circle", "/file": "file:///etc/hostname"}
        if path in moved:
            self._respond("302 Found", f"Location: {moved[path]}", b"")
        elif self.behaviour.login and not self._is_authorised(head):
            self._respond("401 Unauthorized", _make_challenge(self.behaviour.login), b"no")
        elif path == "/page":
            self._respond("200 OK", "Content-Type: text/html", b"<html>")
        elif path == "/snapshot":
            self._respond(
                "200 OK",
                "Content-Type: image/jpeg",
                make_jpeg(self._next_number(), self.behaviour.size_wh),
            )
        elif path == "/video":
            self._stream()
            return False
        else:
            self._respond("404 Not Found", "Content-Type: text/plain", b"nothing")
        return True

    def _is_authorised(self, head: str) -> bool:
        given = [
            line.partition(": ")[2]
            for line in head.split("\r\n")
            if line.startswith("Authorization")
        ]
        if not given:
            return False
        if self.behaviour.login == "basic":
            return given[0] == "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        fields = dict(pair.strip().split("=", 1) for pair in given[0].partition(" ")[2].split(", "))
        fields = {name: value.strip('"') for name, value in fields.items()}
        ha1 = _md5(f"{USER}:here:{PASSWORD}")
        ha2 = _md5(f"GET:{head.split(' ')[1]}")
        return fields["response"] == _md5(
            f"{ha1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:{ha2}"
        )

    def _respond(self, status: str, header: str, body: bytes) -> None:
        self.line.sendall(
            f"HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )

    def _next_number(self) -> int:
        self.camera.sent += 1
        return self.camera.sent - 1

    def _stream(self) -> None:
        behaviour = self.behaviour
        kind = behaviour.content_type or f"multipart/x-mixed-replace; {behaviour.boundary}"
        chunked = "Transfer-Encoding: chunked\r\n" if behaviour.chunked else ""
        self.line.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{chunked}\r\n".encode())
        if behaviour.delimiter_behind:
            self._send(f"{behaviour.delimiter}\r\n".encode())
        begun_s, count = time.monotonic(), 0
        while not self.camera._ended.is_set() and count != behaviour.images:
            if behaviour.rubbish:
                self._send(os.urandom(16_384))
                continue
            number = self._next_number()
            if behaviour.swapped and number % 4 in (1, 2):
                number = number + 1 if number % 4 == 1 else number - 1
            count += 1
            self._send(self._make_part(number, count))
            if count == behaviour.stall_after:
                self.camera._ended.wait(behaviour.stall_s)
            while self.camera.silent.is_set() and not self.camera._ended.is_set():
                self.camera._ended.wait(0.01)
            trembling = behaviour.jitter_s * ((count * 7 % 5) / 4 - 0.5)
            self.camera._ended.wait(
                max(0.0, begun_s + count / behaviour.fps + trembling - time.monotonic())
            )

    def _make_part(self, number: int, count: int) -> bytes:
        behaviour = self.behaviour
        jpeg = make_jpeg(number, behaviour.size_wh)
        if behaviour.damaged_every and count % behaviour.damaged_every == 0:
            jpeg = jpeg[: len(jpeg) * 2 // 3]
        lengths = {"true": len(jpeg), "short": len(jpeg) // 2, "long": len(jpeg) + 300}
        length = (
            f"Content-Length: {lengths[behaviour.length]}\r\n"
            if behaviour.length in lengths
            else ""
        )
        claimed = f"X-Size: {behaviour.claimed_size}\r\n" if behaviour.claimed_size else ""
        delimiter = f"{behaviour.delimiter}\r\n".encode()
        head = f"Content-Type: image/jpeg\r\n{length}{claimed}X-Timestamp: 12.5\r\n\r\n".encode()
        if behaviour.delimiter_behind:
            return head + jpeg + b"\r\n" + delimiter
        return delimiter + head + jpeg + b"\r\n"

    def _send(self, data: bytes) -> None:
        if not self.behaviour.chunked:
            self.line.sendall(data)
            return
        for piece in (data[:100], data[100:]):
            if piece:
                self.line.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")


@cache
def make_jpeg(number: int, size_wh: tuple[int, int] = (64, 48)) -> bytes:
    """Draw and compress image `number`, which `videos.read_number` reads back modulo 36."""
    if number >= 36:
        return make_jpeg(number % 36, size_wh)
    return cv2.imencode(".jpg", draw_picture(number, size_wh))[1].tobytes()


def _make_challenge(login: str) -> str:
    if login == "basic":
        return 'WWW-Authenticate: Basic realm="here"'
    return (
        'WWW-Authenticate: Basic realm="x"\r\nWWW-Authenticate: Digest realm="here", '
        'qop="auth,auth-int", nonce="abc"'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def find_free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def count_sockets() -> int:
    """Count the sockets of this process."""
    links = list(Path("/proc/self/fd").iterdir())
    return sum(1 for link in links if _read_target(link).startswith("socket:"))


def _read_target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""  # it was closed meanwhile


def make_certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that nobody has signed, with its key."""
    path = folder / "camera.pem"
    what = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=camera")
    where = (
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(path),
        "-out",
        str(folder / "camera.crt"),
    )
    subprocess.run(["openssl", "req", *what, *where], check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "camera.crt").read_text())
    return path
