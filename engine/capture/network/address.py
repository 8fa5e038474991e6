"""Network cameras: their addresses, how to connect, and messages for one out of reach."""

import errno
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from engine.address import parse_scheme
from engine.capture.network.limits import NETWORK_LIMITS, NetworkLimits
from engine.capture.source import FrameSource
from engine.errors import CameraNotFoundError
from engine.loading import load_attribute

# What reads a camera, by the scheme of its address; imported on use. Takes the address and the
# view's name.
NETWORK_SOURCES = {
    "http": "engine.capture.network.mjpeg:HttpMjpegSource",
    "https": "engine.capture.network.mjpeg:HttpMjpegSource",
    "rtsp": "engine.capture.network.rtsp:RtspSource",
    "rtsps": "engine.capture.network.rtsp:RtspSource",
}
_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_POLL_S = 0.1  # how often a waiting thread checks whether the source was closed
_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a camera is.

    Parameters
    ----------
    scheme, host, port
    target
        Path and query.
    user, password
        Not quoted; None where the address has none.
    """

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)  # its query may hold a password, too
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def netloc(self) -> str:
        """Host and port, as in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def secret_url(self) -> str:
        """The whole address with its password, for a library; never for a message."""
        login = (
            f"{quote(self.user, safe='')}:{quote(self.password or '', safe='')}@"
            if self.user
            else ""
        )
        return f"{self.scheme}://{login}{self.netloc}{self.target}"


def open_network(address: str, name: str, limits: NetworkLimits = NETWORK_LIMITS) -> FrameSource:
    """Make the source that reads a camera in the network; it is not open yet.

    Parameters
    ----------
    address
        ``rtsp://``, ``rtsps://``, ``http://`` or ``https://``, with user and password if the camera
        needs them.
    name
        The view's name.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If it is not the address of a network camera.
    """
    kind = parse_scheme(address)
    if kind not in NETWORK_SOURCES:
        raise CameraNotFoundError(
            name,
            f"The address of camera '{name}' is not that of a network camera, which begins with "
            "rtsp:// or http://.",
        )
    make: Callable[..., Any] = load_attribute(NETWORK_SOURCES[kind])
    return make(address, name, limits)


def parse_endpoint(address: str, name: str) -> Endpoint:
    """Parse the address of a network camera.

    Parameters
    ----------
    address
    name
        The view's name, for the error.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If the address is not complete. The message does not repeat the address: where its password
        ends is not known.
    """
    try:
        parts = urlsplit(address.strip())
        kind = parts.scheme.lower()
        host = parts.hostname
        port = parts.port
    except ValueError:
        kind, host, port = "", None, None
    if (
        kind not in NETWORK_SOURCES
        or not host
        or any(ord(letter) <= ord(" ") for letter in address.strip())
    ):
        raise CameraNotFoundError(
            name,
            f"The address of camera '{name}' cannot be read. It should look like "
            "rtsp://user:password@host:port/path; in a password, write %40 for @, %2F for / and "
            "%3A for a colon.",
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return Endpoint(
        kind, host, port or _PORTS[kind], quote(target, safe="%/?&=:;,+$!*'()@~[]"), user, password
    )


def open_connection(
    endpoint: Endpoint,
    name: str,
    is_stopped: Callable[[], bool],
    connect_s: float = NETWORK_LIMITS.connect_s,
) -> socket.socket:
    """Connect to a camera, without TLS.

    Parameters
    ----------
    endpoint
    name
        The view's name, for the errors.
    is_stopped
        Returns whether the source was closed.
    connect_s
        How long to wait for the camera.

    Returns
    -------
    connection
        It blocks.

    Raises
    ------
    engine.errors.CameraNotFoundError
        If it cannot be reached, or `is_stopped`.
    """
    problem: Exception = TimeoutError()
    deadline_s = time.monotonic() + connect_s
    try:
        for family, kind, protocol, _, where in socket.getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM
        ):
            connection = socket.socket(family, kind, protocol)
            try:
                _connect(connection, where, deadline_s, is_stopped)
                return connection
            except OSError as error:
                connection.close()
                problem = error
    except (OSError, UnicodeError) as error:
        # a host name that is too long, or empty between dots, is a UnicodeError
        problem = error
    raise make_unreachable_error(endpoint, name, problem, connect_s) from problem


def make_unreachable_error(
    endpoint: Endpoint, name: str, error: Exception, connect_s: float = NETWORK_LIMITS.connect_s
) -> CameraNotFoundError:
    """Say why a camera cannot be reached.

    Parameters
    ----------
    endpoint
    name
        The view's name.
    error
        From the operating system.
    connect_s
        How long the camera had to answer.

    Returns
    -------
    error
        Its message holds no password.
    """
    where = f"camera '{name}' at {endpoint.netloc}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return CameraNotFoundError(
            name,
            f"The certificate of {where} is not trusted by this computer "
            f"({error.verify_message}). Let this computer trust it, or use "
            f"{endpoint.scheme.removesuffix('s')}:// in a network of your own.",
        )
    if isinstance(error, ssl.SSLError):
        plain = endpoint.scheme.removesuffix("s")
        return CameraNotFoundError(
            name, f"There is no encrypted connection with {where}. Try {plain}:// instead."
        )
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return CameraNotFoundError(
            name,
            f"There is no computer named '{endpoint.host}' for camera '{name}'. Check its "
            "address and your network.",
        )
    if isinstance(error, ConnectionRefusedError):
        said = (
            "refuses the connection. Check that it is on and has finished starting, and check "
            "the port."
        )
    elif isinstance(error, TimeoutError):
        said = f"does not answer within {connect_s:.0f} s. Check that it is on and in this network."
    elif error.__class__ is OSError and getattr(error, "errno", None) in _UNREACHABLE:
        said = "is in a network that cannot be reached from here. Check cable, WLAN and address."
    else:
        said = (
            f"cannot be reached ({getattr(error, 'strerror', None) or 'no reason given'}). "
            "Check it and its address."
        )
    return CameraNotFoundError(name, f"{where[0].upper()}{where[1:]} {said}")


def make_login_error(endpoint: Endpoint, name: str) -> CameraNotFoundError:
    """Say that a camera needs a login, or another one; the password is not shown.

    Parameters
    ----------
    endpoint
    name
        The view's name.
    """
    if endpoint.user is None:
        return CameraNotFoundError(
            name,
            f"Camera '{name}' at {endpoint.netloc} needs a user and a password. Put them into "
            f"its address: {endpoint.scheme}://user:password@host…",
        )
    return CameraNotFoundError(
        name,
        f"Camera '{name}' at {endpoint.netloc} refuses the login: wrong user or password. Correct "
        "them in its address (%40 for @, %2F for /, %3A for a colon).",
    )


def _connect(
    connection: socket.socket, where: Any, deadline_s: float, is_stopped: Callable[[], bool]
) -> None:
    """Connect; stop if the source is closed meanwhile."""
    connection.setblocking(False)
    code = connection.connect_ex(where)
    if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)):
        raise OSError(code, errno.errorcode.get(code, ""))
    while not select.select((), (connection,), (connection,), _POLL_S)[1]:
        if is_stopped() or time.monotonic() > deadline_s:
            raise TimeoutError
    code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, errno.errorcode.get(code, ""))
    connection.setblocking(True)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
