"""A conversation with an HTTP camera: one question again and again, through redirections and logins."""

import http.client
import socket
import ssl
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urljoin

from engine.capture.http_login import Login
from engine.capture.network import Place, dial, login_refused, place_of, unreachable
from engine.capture.network_source import Reading
from engine.errors import CameraDisconnectedError, CameraNotFoundError, UnreadableSourceError

# A camera that is there begins to answer within this time.
REPLY_S = 3.0
# An open stream that is silent for so long is dead: its camera lost power and could not say so.
SILENT_S = 10.0
_MOST_STEPS = 6  # redirections and logins
_REDIRECTIONS = (301, 302, 303, 307, 308)


class Conversation:
    """Asks a camera for its images.

    Parameters
    ----------
    place
    name
        The view's name, for the errors.
    reading
        Whose `stop` cuts the conversation short.
    """

    def __init__(self, place: Place, name: str, reading: Reading) -> None:
        self._place, self._name, self._reading = place, name, reading
        self._login: Login | None = None
        self._open = ExitStack()
        self._connection: HTTPConnection | None = None

    def ask(self) -> HTTPResponse:
        """Ask for the images, on the open connection if there is one.

        Returns
        -------
        response
            With status 200; its body blocks for `SILENT_S` at most. It is closed with the next question.

        Raises
        ------
        engine.errors.CameraError
            If the camera cannot be reached, or refuses.
        """
        refused = False
        for _ in range(_MOST_STEPS):
            response = self._question()
            if response.status in _REDIRECTIONS:
                self._follow(response)
            elif response.status == http.client.UNAUTHORIZED:
                if refused:
                    raise login_refused(self._place, self._name)
                refused = True
                self._log_in(response)
            elif response.status != http.client.OK:
                raise self._refused(response)
            else:
                return response
            self.close()
        raise CameraNotFoundError(
            self._name,
            f"Camera '{self._name}' at {self._place.netloc} redirects in a circle. Check the path of its address.",
        )

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._connection = None
        self._open.close()

    def _question(self) -> HTTPResponse:
        """Send the question, once more on a fresh connection if an old one was closed meanwhile."""
        if self._connection is not None:
            try:
                return self._send(self._connection)
            except (OSError, HTTPException):
                self.close()
        connection = self._connected()
        try:
            return self._send(connection)
        except TimeoutError as error:
            raise UnreadableSourceError(
                self._name,
                f"Camera '{self._name}' at {self._place.netloc} was connected but says nothing within {REPLY_S:.0f} s. "
                "Start it anew, and check the port of its address.",
            ) from error
        except ConnectionError as error:  # also a RemoteDisconnected
            raise CameraDisconnectedError(
                self._name,
                f"Camera '{self._name}' at {self._place.netloc} hangs up at once. It may still be starting; check the "
                "port of its address if it goes on.",
            ) from error
        except (OSError, HTTPException) as error:
            raise UnreadableSourceError(
                self._name,
                f"What answers for camera '{self._name}' at {self._place.netloc} does not speak HTTP. Check scheme and "
                "port of its address.",
            ) from error

    def _connected(self) -> HTTPConnection:
        """Connect, with TLS for https."""
        place = self._place
        line = dial(place, self._name, self._reading.stopped)
        self._open.enter_context(self._reading.holding(line))
        if place.scheme == "https":
            line.settimeout(REPLY_S)
            try:
                context = ssl.create_default_context()
                safe = context.wrap_socket(line, server_hostname=place.host, do_handshake_on_connect=False)
                line = self._open.enter_context(self._reading.holding(safe))
                safe.do_handshake()
            except TimeoutError as error:  # a camera that speaks plain HTTP waits for the end of a question
                raise unreachable(place, self._name, ssl.SSLError()) from error
            except (OSError, ValueError) as error:
                raise unreachable(place, self._name, error) from error
        connection = HTTPConnection(place.host, place.port)
        connection.auto_open = False
        connection.sock = line
        self._open.callback(connection.close)
        self._connection = connection
        return connection

    def _send(self, connection: HTTPConnection) -> HTTPResponse:
        """Send the question and read the head of the answer."""
        target = self._place.target
        headers = {
            "Host": self._place.netloc,
            "Accept": "multipart/x-mixed-replace, image/jpeg",
            "User-Agent": "epipole",
        }
        if self._login is not None:
            headers["Authorization"] = self._login.header("GET", target)
        line: socket.socket = connection.sock
        if line is None:
            raise http.client.NotConnected
        line.settimeout(REPLY_S)
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        self._open.callback(response.close)
        line.settimeout(SILENT_S)
        return response

    def _follow(self, response: HTTPResponse) -> None:
        """Turn to where the camera redirects; another host does not get the password."""
        here = f"{self._place.scheme}://{self._place.netloc}{self._place.target}"
        there = urljoin(here, response.headers.get("Location", ""))
        if not there.startswith(("http://", "https://")):
            raise CameraNotFoundError(
                self._name,
                f"Camera '{self._name}' at {self._place.netloc} redirects to what is no web address, which is not "
                "followed. Check the path of its address.",
            )
        place, old = place_of(there, self._name), self._place
        known = place.host == old.host and (place.scheme == old.scheme or place.scheme == "https")
        user, password = (old.user, old.password) if known else (None, None)
        self._place = Place(place.scheme, place.host, place.port, place.target, user, password)
        self._login = None

    def _log_in(self, response: HTTPResponse) -> None:
        """Prepare the answer to the camera's challenge."""
        if self._place.user is None:
            raise login_refused(self._place, self._name)
        challenges = response.headers.get_all("WWW-Authenticate") or []
        try:
            self._login = Login(challenges, self._place.user, self._place.password or "")
        except ValueError as error:
            raise CameraNotFoundError(
                self._name,
                f"Camera '{self._name}' at {self._place.netloc} wants a kind of login that is not known here. Choose "
                "Basic or Digest in its settings.",
            ) from error

    def _refused(self, response: HTTPResponse) -> CameraNotFoundError:
        """Say what the camera's refusal means."""
        where = f"Camera '{self._name}' at {self._place.netloc}"
        if response.status == http.client.NOT_FOUND:
            said = "has nothing under this path. Look up the path of its stream in its manual."
        elif response.status == http.client.FORBIDDEN:
            said = "forbids this user to see its images. Allow it in its settings."
        elif response.status == http.client.SERVICE_UNAVAILABLE:
            said = "is busy: too many viewers, or still starting. Close other viewers, then try again."
        else:
            said = f"answers with error {response.status}. Check the path of its address."
        return CameraNotFoundError(self._name, f"{where} {said}")
