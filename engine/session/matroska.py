"""Write encoded images into a Matroska file, as they are."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, cast

import av
from av.stream import Stream
from av.video.stream import VideoStream


class MatroskaFile(Protocol):
    """The part of PyAV's output container that writes packets; PyAV leaves its types open."""

    def add_mux_stream(self, codec_name: str, rate: Fraction, *, width: int, height: int) -> Stream:
        """Add a stream whose packets are encoded elsewhere; `rate` in images per second."""
        ...

    def add_stream_from_template(self, template: VideoStream) -> VideoStream:
        """Add a stream for packets of another file's stream."""
        ...

    def mux(self, packets: "av.Packet[Any]") -> None:
        """Write one packet; its stream and stamps are set before."""
        ...


def create_matroska(
    path: Path, options: Mapping[str, str] | None = None
) -> AbstractContextManager[MatroskaFile]:
    """Create a Matroska file; it is finished, and gets its index, when the context ends.

    Parameters
    ----------
    path
        Replaced if it exists.
    options
        Of the muxer, by FFmpeg's names.

    Returns
    -------
    file
        Enter it once.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    container = av.open(str(path), "w", format="matroska", options=dict(options or {}))
    return cast(AbstractContextManager[MatroskaFile], container)
