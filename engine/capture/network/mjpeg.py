"""Cameras that send JPEG images over HTTP: as one endless answer, or one per request."""

import time
from collections.abc import Generator, Iterator
from http.client import HTTPException, HTTPResponse

from engine.capture.jpeg import is_complete_jpeg, read_jpeg_size
from engine.capture.network.conversation import Conversation
from engine.capture.network.multipart import MAX_IMAGE_BYTES, MultipartReader, NoImagesError
from engine.capture.network.source import ArrivedImage, NetworkSource, ReadLoop
from engine.clock import host_ns
from engine.errors import CameraError, UnreadableSourceError

_RECEIVE_BYTES = 64 * 1024
# A camera that gives one image per request is asked this often at most.
MAX_REQUEST_FPS = 30.0
# The same bytes again are the same image; after so long they are passed on all the same, as a sign
# of life.
_REPEAT_AFTER_S = 1.0


class HttpMjpegSource(NetworkSource):
    """A camera that sends JPEG images over HTTP, passed on as they came.

    Parameters
    ----------
    address
        ``http://`` or ``https://``, with user and password if the camera needs them (Basic or
        Digest).
    name
        The view's name.

    Notes
    -----
    An image's time is the arrival of its first byte on the host's clock; servers' own time stamps
    have no known clock. Its size is the one in the image, whatever the server says.
    """

    def _read_images(self, read_loop: ReadLoop) -> Generator[ArrivedImage | None, None, None]:
        """Yield images until the camera ends; None for a damaged one."""
        conversation = Conversation(self.endpoint, self.name, read_loop, self.limits)
        last_ns = 0
        try:
            for image in self._read_content(conversation, read_loop):
                size_wh = read_jpeg_size(image[1]) if image else None
                if image is None or size_wh is None:
                    yield None
                    continue
                last_ns = max(image[0], last_ns + 1)  # a burst after a pause arrives at one moment
                yield ArrivedImage(last_ns, image[1], size_wh)
        except TimeoutError as error:
            raise self._make_disconnected_error(
                f"was silent for {self.limits.http_silence_s:.0f} s"
            ) from error
        except (OSError, HTTPException) as error:
            raise self._make_disconnected_error("interrupted its stream") from error
        except NoImagesError as error:
            raise self._make_not_a_camera_error("sends no JPEG images") from error
        finally:
            conversation.close()

    def _read_content(
        self, conversation: Conversation, read_loop: ReadLoop
    ) -> Iterator[tuple[int, bytes] | None]:
        """Yield what the camera sends, by its content type."""
        response = conversation.request_images()
        kind = response.headers.get_content_type()
        if kind.startswith("multipart/"):
            parts = MultipartReader(
                lambda: response.read1(_RECEIVE_BYTES), response.headers.get_boundary()
            )
            for image in parts.read_images():
                yield image
                if parts.has_wrong_lengths:
                    self._add_remark(
                        f"Camera '{self.name}' sends wrong lengths of its images; their real ends "
                        "are used."
                    )
        elif kind in ("image/jpeg", "image/jpg", "image/pjpeg"):
            yield from self._poll_images(response, conversation, read_loop)
        else:
            what = "is a web page" if kind == "text/html" else f"sends '{kind[:40]}'"
            raise self._make_not_a_camera_error(f"{what} and no images")

    def _poll_images(
        self, response: HTTPResponse, conversation: Conversation, read_loop: ReadLoop
    ) -> Iterator[tuple[int, bytes] | None]:
        """Request one image after the other."""
        before, given_s = b"", 0.0
        self._add_remark(
            f"Camera '{self.name}' gives one image per request; a stream (MJPEG, RTSP) would be "
            "steadier."
        )
        while not read_loop.is_stopped():
            asked_s = time.monotonic()
            arrived_ns, image = host_ns(), response.read(MAX_IMAGE_BYTES)
            if image != before or asked_s - given_s > _REPEAT_AFTER_S:
                before, given_s = image, asked_s
                yield (arrived_ns, image) if is_complete_jpeg(image) else None
            read_loop.wait(asked_s + 1 / MAX_REQUEST_FPS - time.monotonic())
            if not read_loop.is_stopped():
                response = self._request_again(conversation)

    def _request_again(self, conversation: Conversation) -> HTTPResponse:
        """Request from a camera that has answered before."""
        try:
            return conversation.request_images()
        except CameraError as error:
            raise self._make_disconnected_error("no longer answers") from error

    def _make_not_a_camera_error(self, what: str) -> UnreadableSourceError:
        """Say that the address is not that of a camera's stream."""
        return UnreadableSourceError(
            self.name,
            f"The address of camera '{self.name}' at {self.endpoint.netloc} {what}. Look up the "
            "address of its MJPEG stream in its manual.",
        )
