"""The header of a JPEG: its size, and whether it is complete, without decoding it."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA
# Markers that begin a frame header (SOF0-SOF15); C4, C8 and CC among them mean other things (ITU-T
# T.81, table B.1).
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a length: restarts and TEM


def read_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Read the size of an image from its own header.

    Parameters
    ----------
    data
        A JPEG, or its beginning.

    Returns
    -------
    size_wh : px
        None where the bytes are no JPEG, or their header is torn or says 0.
    """
    at = _find_segment(data, _FRAME_HEADERS)
    if at is None or at + 9 > len(data):
        return None
    height = int.from_bytes(data[at + 5 : at + 7])
    width = int.from_bytes(data[at + 7 : at + 9])
    return (width, height) if width > 0 and height > 0 else None


def is_complete_jpeg(data: bytes) -> bool:
    """Return whether a JPEG has its beginning, its size and its end.

    Parameters
    ----------
    data
        What a camera sent; padding after the end of the image is allowed, as USB cameras send it.

    Returns
    -------
    whole
        False for one that was cut off, also where a thumbnail in its header ends well.
    """
    scan = _find_segment(data, frozenset((_SCAN,)))
    return scan is not None and read_jpeg_size(data) is not None and data.rfind(_END, scan) >= 0


def find_jpeg_end(data: bytes | bytearray, searched: int = 0) -> int | None:
    """Find where the first image in a stream ends.

    Parameters
    ----------
    data
        Begins with a JPEG.
    searched
        So many bytes were searched before without success.

    Returns
    -------
    end
        Behind the image; None where the end has not come yet. Compressed pixels hold no end marker
        (T.81, B.1.1.5).
    """
    scan = _find_segment(data, frozenset((_SCAN,)))
    if scan is None:
        return None
    at = data.find(_END, max(scan, searched - 1))
    return at + len(_END) if at >= 0 else None


def _find_segment(data: bytes | bytearray, markers: frozenset[int]) -> int | None:
    """Find where the first of the wanted markers is; None if the header ends or breaks before."""
    if not data.startswith(_START):
        return None
    at = len(_START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in markers:
            return at
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in (0xD9, _SCAN):
            return None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
