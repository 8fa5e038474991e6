"""JPEG images out of a multipart/x-mixed-replace stream, whatever its server says about lengths and boundaries."""

import re
from collections.abc import Callable, Iterator

from engine.capture.jpeg import is_whole, jpeg_end
from engine.clock import host_ns

# Largest part: a JPEG of 50 megapixels.
MOST_BYTES = 32 * 1024 * 1024
# Between two parts, and in the headers of one, there is no more than this.
MOST_BETWEEN = 256 * 1024
# So many damaged parts on end are no bad luck.
MOST_DAMAGED = 60
# A boundary as long as this does not occur in compressed pixels by chance (once in 3e14 bytes).
_LONG_BOUNDARY = 6
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_KIND = re.compile(rb"^content-type[ \t]*:[ \t]*([a-z-]+)/", re.IGNORECASE | re.MULTILINE)
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_ANY_DELIMITER = re.compile(rb"(?:^|\n)--([^\r\n]{1,200})\r?\n")


class NoImagesError(Exception):
    """The stream is none of JPEG images."""


class Parts:
    """The images of a multipart stream.

    Parameters
    ----------
    receive
        Gives some more bytes; none at the end.
    boundary
        As the server's header says, with or without leading dashes; None where it says nothing.

    Attributes
    ----------
    lied
        Whether a part's length was not what its header said; lengths are not believed from then on.

    Notes
    -----
    A part ends where its header says, if a whole JPEG ends there; else where its JPEG ends. Neither waits for the
    boundary behind it, which may come with the next image only.
    """

    def __init__(self, receive: Callable[[], bytes], boundary: str | None) -> None:
        self.lied = False
        self._receive = receive
        self._core = (boundary or "").strip().strip("-").encode("latin-1", "replace")
        self._buffer = bytearray()
        self._filled_ns = 0

    def images(self) -> Iterator[tuple[int, bytes] | None]:
        """Give image after image until the stream ends.

        Yields
        ------
        time_ns, jpeg
            When the first byte of the image came, on the host's clock, and the whole image; None for a damaged part.

        Raises
        ------
        NoImagesError
            If the stream holds none, or a part that does not end.
        """
        damaged = 0
        try:
            while damaged < MOST_DAMAGED:
                self._pass_delimiter()
                length = self._pass_headers()
                if length is None:
                    continue
                if not self._buffer:
                    self._fill()
                time_ns, image = self._filled_ns, self._image(length)
                damaged = 0 if image else damaged + 1
                yield (time_ns, image) if image else None
        except EOFError:
            return
        raise NoImagesError

    @property
    def _mark(self) -> bytes:
        """What does not occur inside an image."""
        return self._core if len(self._core) >= _LONG_BOUNDARY else b"\n--" + self._core

    def _fill(self) -> None:
        """Wait for more bytes."""
        more = self._receive()
        if not more:
            raise EOFError
        self._filled_ns = host_ns()
        self._buffer += more

    def _pass_delimiter(self) -> None:
        """Throw away everything up to the beginning of the next part's headers."""
        while True:
            if self._core:
                match = re.search(re.escape(self._core) + rb"-*[ \t]*\r?\n", self._buffer)
            else:
                match = _ANY_DELIMITER.search(self._buffer)
                self._core = match[1].strip(b"- \t") if match else b""
            if match:
                del self._buffer[: match.end()]
                return
            if len(self._buffer) > MOST_BETWEEN:
                raise NoImagesError
            self._fill()

    def _pass_headers(self) -> int | None:
        """Throw away a part's headers; return the length they say (0 for none), None if the part is no image."""
        while not (match := _HEADERS_END.search(self._buffer)):
            if len(self._buffer) > MOST_BETWEEN:
                raise NoImagesError
            self._fill()
        head = bytes(self._buffer[: match.start()])
        del self._buffer[: match.end()]
        kind, length = _KIND.search(head), _LENGTH.search(head)
        if kind and kind[1].lower() not in (b"image", b"application"):
            return None
        return int(length[1]) if length and not self.lied else 0

    def _image(self, length: int) -> bytes | None:
        """Take the image at the beginning of the buffer; None if it is damaged."""
        searched = 0
        while True:
            mark = self._buffer.find(self._mark, max(0, searched - len(self._mark)))
            if length and 0 <= mark < length:
                self.lied, length, searched = True, 0, 0
            if length and len(self._buffer) >= length:
                image = bytes(self._buffer[:length])
                if is_whole(image):
                    del self._buffer[:length]
                    return image
                self.lied, length, searched = True, 0, 0
                continue
            end = None if length else jpeg_end(self._buffer, searched)
            if end is not None and not 0 <= mark < end:
                image = bytes(self._buffer[:end])
                del self._buffer[:end]
                return image if is_whole(image) else None
            if mark >= 0:
                del self._buffer[:mark]
                return None
            if len(self._buffer) > MOST_BYTES:
                raise NoImagesError
            searched = len(self._buffer)
            self._fill()
