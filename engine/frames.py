"""Frame and FrameSet: one image, and the images of one instant."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from calibration.geometry.arrays import U8
from engine.errors import UnreadableSourceError


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of one camera.

    Parameters
    ----------
    camera
        Name of the camera.
    sequence
        0-based count of the camera's images, dropped ones included.
    timestamp_ns
        When it was taken, on the clock of the source (a video: since its first frame).
    image_bgr : (H, W, 3), uint8, read-only
    """

    camera: str
    sequence: int
    timestamp_ns: int
    image_bgr: U8

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.image_bgr.shape[1], self.image_bgr.shape[0]

    def with_timestamp(self, timestamp_ns: int) -> "Frame":
        """Return the same image, taken at another time."""
        return replace(self, timestamp_ns=timestamp_ns)


class JpegFrame(Frame):
    """A frame as the camera compressed it; it is decoded when somebody looks at it, once.

    A recorder writes `jpeg` as it is, and a frame that no stage wants costs no decoding.

    Parameters
    ----------
    camera, sequence, timestamp_ns
        As of a `Frame`.
    jpeg
        The compressed image.
    size_wh
        Width and height, px, as its header says.
    """

    __slots__ = ("_size_wh", "jpeg")

    def __init__(
        self, camera: str, sequence: int, timestamp_ns: int, jpeg: bytes, size_wh: tuple[int, int]
    ) -> None:
        for name, value in (
            ("camera", camera),
            ("sequence", sequence),
            ("timestamp_ns", timestamp_ns),
        ):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "jpeg", jpeg)
        object.__setattr__(self, "_size_wh", size_wh)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height, px."""
        return self._size_wh

    @property
    def image_bgr(self) -> U8:  # pyright: ignore[reportIncompatibleVariableOverride]  a frozen field may be computed
        """The decoded image, (H, W, 3), read-only.

        Raises
        ------
        engine.errors.UnreadableSourceError
            If the bytes are no image.
        """
        try:
            return _IMAGE_SLOT.__get__(self)
        except AttributeError:
            image = decode_jpeg(self.camera, self.jpeg)
            _IMAGE_SLOT.__set__(self, image)  # two threads may both decode; the images are equal
            return image

    def with_timestamp(self, timestamp_ns: int) -> "JpegFrame":
        """Return the same image, taken at another time."""
        return JpegFrame(self.camera, self.sequence, timestamp_ns, self.jpeg, self._size_wh)


_IMAGE_SLOT = Frame.__dict__[
    "image_bgr"
]  # the slot of `Frame`, where a `JpegFrame` keeps what it decoded


def decode_jpeg(camera: str, jpeg: bytes) -> U8:
    """Decode a compressed image.

    Parameters
    ----------
    camera
        Whose it is, for the sentence.
    jpeg

    Returns
    -------
    image_bgr : (H, W, 3), read-only

    Raises
    ------
    engine.errors.UnreadableSourceError
        If the bytes are no image.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        raise UnreadableSourceError(
            camera, f"Camera '{camera}' sent an image that is damaged; it is left out."
        )
    image.flags.writeable = False
    return np.asarray(image, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class FrameSet:
    """The images of one instant.

    Parameters
    ----------
    index
        0-based, travels unchanged to the poses.
    timestamp_ns
        The instant; each frame keeps its own time beside it.
    frames : V of them, in camera order
        None where a camera has no image of this instant.
    """

    index: int
    timestamp_ns: int
    frames: tuple[Frame | None, ...]
