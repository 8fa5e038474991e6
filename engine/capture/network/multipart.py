"""JPEG images from a multipart/x-mixed-replace stream, even one with wrong headers."""

import re
from collections.abc import Callable, Iterator

from engine.capture.jpeg import find_jpeg_end, is_complete_jpeg
from engine.clock import host_ns

# Largest part: a JPEG of 50 megapixels.
MAX_IMAGE_BYTES = 32 * 1024 * 1024
# Between two parts, and in the headers of one, there is no more than this.
MAX_GAP_BYTES = 256 * 1024
# So many damaged parts in a row are no accident.
MAX_DAMAGED = 60
# A boundary as long as this does not occur in compressed pixels by chance (once in 3e14 bytes).
_MIN_LONG_BOUNDARY = 6
_LENGTH = re.compile(
    rb"^content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_KIND = re.compile(rb"^content-type[ \t]*:[ \t]*([a-z-]+)/", re.IGNORECASE | re.MULTILINE)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_ANY_DELIMITER = re.compile(rb"(?:^|\n)--([^\r\n]{1,200})\r?\n")


class NoImagesError(Exception):
    """The stream holds no JPEG images."""


class MultipartReader:
    """The images of a multipart stream.

    Parameters
    ----------
    receive
        Returns some more bytes; none at the end.
    boundary
        From the server's header, with or without leading dashes; None where it has none.
    max_image_bytes
        A larger image is taken for a stream without images.

    Attributes
    ----------
    has_wrong_lengths
        Whether a part's length differed from its header; lengths are not used from then on.

    Notes
    -----
    A part ends where its header says, if a whole JPEG ends there; else where its JPEG ends. Neither
    waits for the boundary behind it, which may come with the next image only.
    """

    def __init__(
        self,
        receive: Callable[[], bytes],
        boundary: str | None,
        *,
        max_image_bytes: int = MAX_IMAGE_BYTES,
    ) -> None:
        self._max_image_bytes = max_image_bytes
        self.has_wrong_lengths = False
        self._receive = receive
        self._boundary = (boundary or "").strip().strip("-").encode("latin-1", "replace")
        self._buffer = bytearray()
        self._filled_ns = 0

    def read_images(self) -> Iterator[tuple[int, bytes] | None]:
        """Yield images until the stream ends.

        Yields
        ------
        time_ns, jpeg
            When the first byte of the image came, on the host's clock, and the whole image; None
            for a damaged part.

        Raises
        ------
        NoImagesError
            If the stream holds none, or a part that does not end.
        """
        damaged = 0
        try:
            while damaged < MAX_DAMAGED:
                self._skip_delimiter()
                length = self._skip_headers()
                if length is None:
                    continue
                if not self._buffer:
                    self._fill()
                time_ns, image = self._filled_ns, self._read_image(length)
                damaged = 0 if image else damaged + 1
                yield (time_ns, image) if image else None
        except EOFError:
            return
        raise NoImagesError

    @property
    def _delimiter(self) -> bytes:
        """What does not occur inside an image."""
        return (
            self._boundary
            if len(self._boundary) >= _MIN_LONG_BOUNDARY
            else b"\n--" + self._boundary
        )

    def _fill(self) -> None:
        """Wait for more bytes."""
        more = self._receive()
        if not more:
            raise EOFError
        self._filled_ns = host_ns()
        self._buffer += more

    def _skip_delimiter(self) -> None:
        """Skip everything up to the next part's headers."""
        while True:
            if self._boundary:
                match = re.search(re.escape(self._boundary) + rb"-*[ \t]*\r?\n", self._buffer)
            else:
                match = _ANY_DELIMITER.search(self._buffer)
                self._boundary = match[1].strip(b"- \t") if match else b""
            if match:
                del self._buffer[: match.end()]
                return
            if len(self._buffer) > MAX_GAP_BYTES:
                raise NoImagesError
            self._fill()

    def _skip_headers(self) -> int | None:
        """Skip a part's headers; return its length (0: not given), None if it is no image."""
        while not (match := _HEADERS_END.search(self._buffer)):
            if len(self._buffer) > MAX_GAP_BYTES:
                raise NoImagesError
            self._fill()
        head = bytes(self._buffer[: match.start()])
        del self._buffer[: match.end()]
        kind, length = _KIND.search(head), _LENGTH.search(head)
        if kind and kind[1].lower() not in (b"image", b"application"):
            return None
        return int(length[1]) if length and not self.has_wrong_lengths else 0

    def _read_image(self, length: int) -> bytes | None:
        """Remove and return the image at the start of the buffer; None if it is damaged."""
        searched = 0
        while True:
            delimiter_at = self._buffer.find(
                self._delimiter, max(0, searched - len(self._delimiter))
            )
            if length and 0 <= delimiter_at < length:
                self.has_wrong_lengths = True
                length = 0
                searched = 0
            if length and len(self._buffer) >= length:
                image = bytes(self._buffer[:length])
                if is_complete_jpeg(image):
                    del self._buffer[:length]
                    return image
                self.has_wrong_lengths = True
                length = 0
                searched = 0
                continue
            end = None if length else find_jpeg_end(self._buffer, searched)
            if end is not None and not 0 <= delimiter_at < end:
                image = bytes(self._buffer[:end])
                del self._buffer[:end]
                return image if is_complete_jpeg(image) else None
            if delimiter_at >= 0:
                del self._buffer[:delimiter_at]
                return None
            if len(self._buffer) > self._max_image_bytes:
                raise NoImagesError
            searched = len(self._buffer)
            self._fill()
