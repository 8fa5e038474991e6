"""Cameras that send JPEG images over HTTP: as one endless multipart answer, or one image per question."""

import time
from collections.abc import Generator, Iterator
from http.client import HTTPException, HTTPResponse

from engine.capture.http_conversation import SILENT_S, Conversation
from engine.capture.jpeg import is_whole, jpeg_size
from engine.capture.multipart import MOST_BYTES, NoImagesError, Parts
from engine.capture.network_source import Arrived, NetworkSource, Reading
from engine.clock import host_ns
from engine.errors import CameraError, UnreadableSourceError

_RECEIVE_BYTES = 64 * 1024
# A camera that gives one image per question is asked this often at most.
MOST_QUESTIONS_FPS = 30.0
# The same bytes again are the same image; after so long they are given all the same, as a sign of life.
_SAME_S = 1.0


class HttpMjpegSource(NetworkSource):
    """A camera that sends JPEG images over HTTP, given on as they came.

    Parameters
    ----------
    address
        ``http://`` or ``https://``, with user and password if the camera wants them (Basic or Digest).
    name
        The view's name.

    Notes
    -----
    An image's time is the arrival of its first byte on the host's clock; servers' own time stamps have no known
    clock. Its size is the one in the image, whatever the server says.
    """

    def _images(self, reading: Reading) -> Generator[Arrived | None, None, None]:
        """Give image after image until the camera ends; None for a damaged one."""
        conversation = Conversation(self.place, self.name, reading)
        last_ns = 0
        try:
            for image in self._content(conversation, reading):
                size_wh = jpeg_size(image[1]) if image else None
                if image is None or size_wh is None:
                    yield None
                    continue
                last_ns = max(image[0], last_ns + 1)  # a burst after a pause arrives at one moment
                yield Arrived(last_ns, image[1], size_wh)
        except TimeoutError as error:
            raise self._gone(f"was silent for {SILENT_S:.0f} s") from error
        except (OSError, HTTPException) as error:
            raise self._gone("broke off its stream") from error
        except NoImagesError as error:
            raise self._no_camera("sends no JPEG images") from error
        finally:
            conversation.close()

    def _content(self, conversation: Conversation, reading: Reading) -> Iterator[tuple[int, bytes] | None]:
        """Give what the camera sends, by its kind."""
        response = conversation.ask()
        kind = response.headers.get_content_type()
        if kind.startswith("multipart/"):
            parts = Parts(lambda: response.read1(_RECEIVE_BYTES), response.headers.get_boundary())
            for image in parts.images():
                yield image
                if parts.lied:
                    self._remark(f"Camera '{self.name}' says wrong lengths of its images; their real ends are used.")
        elif kind in ("image/jpeg", "image/jpg", "image/pjpeg"):
            yield from self._single(response, conversation, reading)
        else:
            what = "is a web page" if kind == "text/html" else f"sends '{kind[:40]}'"
            raise self._no_camera(f"{what} and no images")

    def _single(
        self, response: HTTPResponse, conversation: Conversation, reading: Reading
    ) -> Iterator[tuple[int, bytes] | None]:
        """Ask for one image after the other."""
        before, given_s = b"", 0.0
        self._remark(f"Camera '{self.name}' gives one image per question; a stream (MJPEG, RTSP) would be steadier.")
        while not reading.stopped():
            asked_s = time.monotonic()
            arrived_ns, image = host_ns(), response.read(MOST_BYTES)
            if image != before or asked_s - given_s > _SAME_S:
                before, given_s = image, asked_s
                yield (arrived_ns, image) if is_whole(image) else None
            reading.wait(asked_s + 1 / MOST_QUESTIONS_FPS - time.monotonic())
            if not reading.stopped():
                response = self._again(conversation)

    def _again(self, conversation: Conversation) -> HTTPResponse:
        """Ask a camera that has answered before."""
        try:
            return conversation.ask()
        except CameraError as error:
            raise self._gone("answers no more") from error

    def _no_camera(self, what: str) -> UnreadableSourceError:
        """Say that the address is none of a camera's stream."""
        return UnreadableSourceError(
            self.name,
            f"The address of camera '{self.name}' at {self.place.netloc} {what}. Look up the address of its MJPEG "
            "stream in its manual.",
        )
