"""How long a network camera is waited for, and how many of its images wait for their reader."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """The limits of one network camera; the defaults suit a camera in the same building.

    Parameters
    ----------
    connect_s
        A camera answers within milliseconds, one that wakes up its radio within a second.
    reply_s
        A camera that is there begins to answer over HTTP within this time.
    first_image_s
        From the call of `open` to the first image: connection, reply and a key frame.
    rate_s
        The rate is measured on the images that come within this time.
    http_silence_s
        An open HTTP stream without a byte for so long is dead: its camera lost power and could not
        say so.
    rtsp_answer_s, rtsp_silence_s
        FFmpeg cannot be interrupted and looks at these limits itself; both are below the 2 s in
        which a source must be closed. The first counts twice: for the conversation, and for the
        first images.
    max_waiting_images
        A hiccup of 0.1 s at 30 per second costs none of 4, and 1080p decoded takes 25 MB.
    """

    connect_s: float = 2.0
    reply_s: float = 3.0
    first_image_s: float = 5.0
    rate_s: float = 1.0
    http_silence_s: float = 10.0
    rtsp_answer_s: float = 1.7
    rtsp_silence_s: float = 1.5
    max_waiting_images: int = 4


NETWORK_LIMITS = NetworkLimits()
