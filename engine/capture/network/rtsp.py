"""Cameras that speak RTSP: H.264, H.265 or Motion JPEG over one TCP connection, read by FFmpeg."""

import time
from collections.abc import Generator, Iterator

import av
from av.codec.context import Flags
from av.container import InputContainer
from av.error import (
    ExitError,
    FFmpegError,
    HTTPClientError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPServerError,
    HTTPUnauthorizedError,
)
from av.packet import Packet
from av.video.stream import VideoStream

from engine.capture.jpeg import is_complete_jpeg, read_jpeg_size
from engine.capture.network.address import make_login_error, open_connection
from engine.capture.network.arrival import ArrivalTimes
from engine.capture.network.source import ArrivedImage, NetworkSource, ReadLoop
from engine.clock import host_ns, ns_from_ticks
from engine.errors import CameraError, CameraNotFoundError, UnreadableSourceError

# Pictures before the first key frame cannot be decoded; a stream that never marks one is decoded
# from here on.
_MAX_BEFORE_KEY = 75
_OPTIONS = {
    "rtsp_transport": "tcp",  # UDP loses packets, and each costs pictures up to the next key frame
    # with sound, FFmpeg moves all stamps when the first sender report comes
    "allowed_media_types": "video",
    "protocol_whitelist": "rtp,tcp,tls,udp",  # a camera cannot point into our files
    "fflags": "nobuffer",
    "analyzeduration": "500000",
    "fpsprobesize": "0",
}


class RtspSource(NetworkSource):
    """A camera that speaks RTSP.

    Parameters
    ----------
    address
        ``rtsp://`` or ``rtsps://``, with user and password if the camera needs them.
    name
        The view's name.

    Notes
    -----
    Motion JPEG is passed on as it came; other codecs are decoded by the reading thread. An image's
    time comes from the stream's own stamps, placed on the host's clock by the quickest
    arrivals (`ArrivalTimes`). A stream that is silent for 1.5 s is closed. FFmpeg's own messages
    are not shown: they hold the address with its password. With ``rtsps://`` the stream is
    encrypted, but FFmpeg does not verify the certificate: nearly all cameras sign theirs
    themselves.
    """

    def _read_images(self, read_loop: ReadLoop) -> Generator[ArrivedImage | None, None, None]:
        """Yield images until the camera ends; None for a damaged one."""
        # FFmpeg does not say why a camera cannot be reached; a plain connection does.
        open_connection(
            self.endpoint, self.name, read_loop.is_stopped, self.limits.connect_s
        ).close()
        with self._open_stream() as container:
            stream = container.streams.video[0]
            stream.thread_count = 1  # threads would add a frame of delay each
            stream.codec_context.flags |= Flags.low_delay
            compressed = stream.codec_context.name == "mjpeg"
            times, begun = ArrivalTimes(), False
            for packet, arrived_ns in self._read_packets(
                container, stream, times, is_delayed=not compressed
            ):
                images = (
                    self._forward_jpeg(packet, times, arrived_ns)
                    if compressed
                    else self._decode(packet, times, arrived_ns)
                )
                for image in images:
                    begun = begun or image is not None
                    if begun:
                        yield image

    def _open_stream(self) -> InputContainer:
        """Open the stream.

        The error is raised outside of `except`: FFmpeg's own holds the password.
        """
        start_s = time.monotonic()
        try:
            container = av.open(
                self.endpoint.secret_url,
                format="rtsp",
                options=_OPTIONS,
                timeout=(self.limits.rtsp_answer_s, self.limits.rtsp_silence_s),
            )
        except (FFmpegError, OSError, ValueError) as error:
            failure = (
                self._make_timeout_error()
                if time.monotonic() - start_s >= self.limits.rtsp_answer_s
                else self._make_open_error(error)
            )
        else:
            if container.streams.video:
                return container
            container.close()
            failure = self._make_no_video_error()
        raise failure

    def _read_packets(
        self,
        container: InputContainer,
        stream: VideoStream,
        times: ArrivalTimes,
        *,
        is_delayed: bool,
    ) -> Iterator[tuple[Packet, int]]:
        """Yield compressed pictures and their arrival times, from the first key frame on.

        Where `is_delayed`, FFmpeg hands a picture over when the next one begins to arrive
        (measured: one period late to the millisecond); so an arrival belongs to the stamp after it.
        """
        key = False
        count = 0
        before_ns = None
        failure = ""
        try:
            for packet in container.demux(stream):
                arrived_ns, count = host_ns(), count + 1
                if packet.pts is not None:
                    seen_ns = before_ns if is_delayed else arrived_ns
                    if seen_ns is not None:
                        times.record_arrival(_get_stamp_ns(packet), seen_ns)
                    before_ns = arrived_ns
                key = key or packet.is_keyframe or count > _MAX_BEFORE_KEY
                if key:
                    yield packet, arrived_ns
        except (FFmpegError, OSError) as error:
            failure = (
                f"was silent for {self.limits.rtsp_silence_s} s"
                if isinstance(error, ExitError)
                else "interrupted its stream"
            )
        if failure:
            raise self._make_disconnected_error(failure)

    def _forward_jpeg(
        self, packet: Packet, times: ArrivalTimes, arrived_ns: int
    ) -> Iterator[ArrivedImage | None]:
        """Pass on a compressed image."""
        jpeg = bytes(packet)
        size_wh = read_jpeg_size(jpeg)
        if not jpeg:
            return  # the end of the stream
        if size_wh is None or not is_complete_jpeg(jpeg) or packet.is_corrupt:
            yield None
            return
        stamp_ns = None if packet.pts is None else _get_stamp_ns(packet)
        yield ArrivedImage(times.estimate_time_ns(stamp_ns, arrived_ns), jpeg, size_wh)

    def _decode(
        self, packet: Packet, times: ArrivalTimes, arrived_ns: int
    ) -> Iterator[ArrivedImage | None]:
        """Decode a picture."""
        try:
            pictures = packet.decode()
        except FFmpegError:
            yield None
            return
        for picture in pictures:
            if picture.is_corrupt:
                yield None
                continue
            stamp_ns = (
                None if picture.pts is None else ns_from_ticks(picture.pts, picture.time_base)
            )
            image = picture.to_ndarray(format="bgr24", threads=1)
            image.flags.writeable = False
            yield ArrivedImage(
                times.estimate_time_ns(stamp_ns, arrived_ns), image, (picture.width, picture.height)
            )

    def _make_open_error(self, error: Exception) -> CameraError:
        """Say why a stream cannot be opened."""
        where = f"Camera '{self.name}' at {self.endpoint.netloc}"
        if isinstance(error, HTTPUnauthorizedError):
            return make_login_error(self.endpoint, self.name)
        if isinstance(error, HTTPForbiddenError):
            return CameraNotFoundError(
                self.name,
                f"{where} does not let this user see its images. Allow it in its settings.",
            )
        if isinstance(error, HTTPNotFoundError):
            said = "has nothing under this path. Look up the path of its stream in its manual."
            return CameraNotFoundError(self.name, f"{where} {said}")
        if isinstance(error, (HTTPClientError, HTTPServerError)):
            said = "refuses the stream. Check the path of its address, and close other viewers."
            return CameraNotFoundError(self.name, f"{where} {said}")
        return UnreadableSourceError(
            self.name,
            f"What answers for {where[0].lower()}{where[1:]} is no RTSP stream. Check port and "
            "path of its address.",
        )

    def _make_timeout_error(self) -> CameraNotFoundError:
        """Say that the camera took too long; FFmpeg's own errors do not."""
        return CameraNotFoundError(
            self.name,
            f"Camera '{self.name}' at {self.endpoint.netloc} accepts the connection but sends "
            f"no stream within {self.limits.rtsp_answer_s:.1f} s. "
            "Restart it; check the port and the path of its address.",
        )

    def _make_no_video_error(self) -> UnreadableSourceError:
        """Say that there are no pictures."""
        return UnreadableSourceError(
            self.name,
            f"Camera '{self.name}' at {self.endpoint.netloc} sends no video. Switch video on in "
            "its settings.",
        )


def _get_stamp_ns(packet: Packet) -> int:
    """Return a packet's stamp; it must have one."""
    return ns_from_ticks(packet.pts or 0, packet.time_base)
