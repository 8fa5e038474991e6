"""Request images from an HTTP camera, through redirections and logins."""

import http.client
import socket
import ssl
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urljoin

from engine.capture.network.address import (
    Endpoint,
    make_login_error,
    make_unreachable_error,
    open_connection,
    parse_endpoint,
)
from engine.capture.network.limits import NETWORK_LIMITS, NetworkLimits
from engine.capture.network.login import Login
from engine.capture.network.source import ReadLoop
from engine.errors import CameraDisconnectedError, CameraNotFoundError, UnreadableSourceError

_MAX_STEPS = 6  # redirections and logins
_REDIRECTIONS = (301, 302, 303, 307, 308)


class Conversation:
    """Requests images from a camera.

    Parameters
    ----------
    endpoint
    name
        The view's name, for the errors.
    read_loop
        Whose `stop` cuts the conversation short.
    limits
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: str,
        read_loop: ReadLoop,
        limits: NetworkLimits = NETWORK_LIMITS,
    ) -> None:
        self._limits = limits
        self._endpoint = endpoint
        self._name = name
        self._read_loop = read_loop
        self._login: Login | None = None
        self._open = ExitStack()
        self._connection: HTTPConnection | None = None

    def request_images(self) -> HTTPResponse:
        """Request the images, on the open connection if there is one.

        Returns
        -------
        response
            With status 200; its body blocks for `NetworkLimits.http_silence_s` at most. The next
            request closes it.

        Raises
        ------
        engine.errors.CameraError
            If the camera cannot be reached, or refuses.
        """
        refused = False
        for _ in range(_MAX_STEPS):
            response = self._send_with_retry()
            if response.status in _REDIRECTIONS:
                self._follow_redirect(response)
            elif response.status == http.client.UNAUTHORIZED:
                if refused:
                    raise make_login_error(self._endpoint, self._name)
                refused = True
                self._log_in(response)
            elif response.status != http.client.OK:
                raise self._make_refusal_error(response)
            else:
                return response
            self.close()
        raise CameraNotFoundError(
            self._name,
            f"Camera '{self._name}' at {self._endpoint.netloc} redirects in a circle. Check the "
            "path of its address.",
        )

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._connection = None
        self._open.close()

    def _send_with_retry(self) -> HTTPResponse:
        """Send the request, again on a new connection if the old one was closed meanwhile."""
        if self._connection is not None:
            try:
                return self._send(self._connection)
            except (OSError, HTTPException):
                self.close()
        connection = self._connect()
        try:
            return self._send(connection)
        except TimeoutError as error:
            raise UnreadableSourceError(
                self._name,
                f"Camera '{self._name}' at {self._endpoint.netloc} accepts the connection but "
                f"does not answer within {self._limits.reply_s:.0f} s. "
                "Restart it, and check the port of its address.",
            ) from error
        except ConnectionError as error:  # also a RemoteDisconnected
            raise CameraDisconnectedError(
                self._name,
                f"Camera '{self._name}' at {self._endpoint.netloc} closes the connection at once. "
                "It may still be starting; if this continues, check the port of its address.",
            ) from error
        except (OSError, HTTPException) as error:
            raise UnreadableSourceError(
                self._name,
                f"What answers for camera '{self._name}' at {self._endpoint.netloc} does not "
                "speak HTTP. Check scheme and port of its address.",
            ) from error

    def _connect(self) -> HTTPConnection:
        """Connect, with TLS for https."""
        endpoint = self._endpoint
        line = open_connection(
            endpoint, self._name, self._read_loop.is_stopped, self._limits.connect_s
        )
        self._open.enter_context(self._read_loop.hold_connection(line))
        if endpoint.scheme == "https":
            line.settimeout(self._limits.reply_s)
            try:
                context = ssl.create_default_context()
                safe = context.wrap_socket(
                    line, server_hostname=endpoint.host, do_handshake_on_connect=False
                )
                line = self._open.enter_context(self._read_loop.hold_connection(safe))
                safe.do_handshake()
            except TimeoutError as error:
                # a camera that speaks plain HTTP waits for the end of the request
                raise make_unreachable_error(endpoint, self._name, ssl.SSLError()) from error
            except (OSError, ValueError) as error:
                raise make_unreachable_error(endpoint, self._name, error) from error
        connection = HTTPConnection(endpoint.host, endpoint.port)
        connection.auto_open = False
        connection.sock = line
        self._open.callback(connection.close)
        self._connection = connection
        return connection

    def _send(self, connection: HTTPConnection) -> HTTPResponse:
        """Send the request and read the head of the answer."""
        target = self._endpoint.target
        headers = {
            "Host": self._endpoint.netloc,
            "Accept": "multipart/x-mixed-replace, image/jpeg",
            "User-Agent": "epipole",
        }
        if self._login is not None:
            headers["Authorization"] = self._login.build_header("GET", target)
        line: socket.socket = connection.sock
        if line is None:
            raise http.client.NotConnected
        line.settimeout(self._limits.reply_s)
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        self._open.callback(response.close)
        line.settimeout(self._limits.http_silence_s)
        return response

    def _follow_redirect(self, response: HTTPResponse) -> None:
        """Follow a redirection; another host does not get the password."""
        here = f"{self._endpoint.scheme}://{self._endpoint.netloc}{self._endpoint.target}"
        there = urljoin(here, response.headers.get("Location", ""))
        if not there.startswith(("http://", "https://")):
            raise CameraNotFoundError(
                self._name,
                f"Camera '{self._name}' at {self._endpoint.netloc} redirects to something that is "
                "not a web address. Check the path of its address.",
            )
        endpoint = parse_endpoint(there, self._name)
        old = self._endpoint
        known = endpoint.host == old.host and (
            endpoint.scheme == old.scheme or endpoint.scheme == "https"
        )
        user, password = (old.user, old.password) if known else (None, None)
        self._endpoint = Endpoint(
            endpoint.scheme, endpoint.host, endpoint.port, endpoint.target, user, password
        )
        self._login = None

    def _log_in(self, response: HTTPResponse) -> None:
        """Prepare the answer to the camera's challenge."""
        if self._endpoint.user is None:
            raise make_login_error(self._endpoint, self._name)
        challenges = response.headers.get_all("WWW-Authenticate") or []
        try:
            self._login = Login(challenges, self._endpoint.user, self._endpoint.password or "")
        except ValueError as error:
            raise CameraNotFoundError(
                self._name,
                f"Camera '{self._name}' at {self._endpoint.netloc} requires a kind of login that "
                "is not supported. Choose Basic or Digest in its settings.",
            ) from error

    def _make_refusal_error(self, response: HTTPResponse) -> CameraNotFoundError:
        """Say what the camera's refusal means."""
        where = f"Camera '{self._name}' at {self._endpoint.netloc}"
        if response.status == http.client.NOT_FOUND:
            said = "has nothing under this path. Look up the path of its stream in its manual."
        elif response.status == http.client.FORBIDDEN:
            said = "does not let this user see its images. Allow it in its settings."
        elif response.status == http.client.SERVICE_UNAVAILABLE:
            said = (
                "is busy: too many viewers, or still starting. Close other viewers, then try again."
            )
        else:
            said = f"answers with error {response.status}. Check the path of its address."
        return CameraNotFoundError(self._name, f"{where} {said}")
