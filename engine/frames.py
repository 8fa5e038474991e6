"""Frame and FrameSet: one image, and the images of one instant."""

from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import U8
from engine.errors import UnreadableSourceError


class Jpeg:
    """An image as the camera compressed it; decoded on first use, once.

    A recorder writes `data` as it is, and a frame that no stage wants costs no decoding.

    Parameters
    ----------
    data
        The compressed image.
    size_wh
        Width and height, px, as its header says.
    """

    __slots__ = ("_image", "data", "size_wh")

    def __init__(self, data: bytes, size_wh: tuple[int, int]) -> None:
        self.data, self.size_wh = data, size_wh
        self._image: U8 | None = None

    def decode(self) -> U8 | None:
        """Return the image, (H, W, 3), read-only; None if the bytes are no image."""
        if self._image is None:  # two threads may both decode; the images are equal
            encoded = np.frombuffer(self.data, np.uint8)
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
            if image is None:
                return None
            image.flags.writeable = False
            self._image = np.asarray(image, np.uint8)
        return self._image


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
    payload
        The pixels, BGR (H, W, 3), which become read-only; or the image as the camera compressed it.
    """

    camera: str
    sequence: int
    timestamp_ns: int
    payload: U8 | Jpeg

    def __post_init__(self) -> None:
        if not isinstance(self.payload, Jpeg):
            self.payload.flags.writeable = False

    @property
    def jpeg(self) -> bytes | None:
        """The image as the camera compressed it; None where it sends pixels."""
        return self.payload.data if isinstance(self.payload, Jpeg) else None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height, px."""
        if isinstance(self.payload, Jpeg):
            return self.payload.size_wh
        return self.payload.shape[1], self.payload.shape[0]

    @property
    def image_bgr(self) -> U8:
        """The pixels, (H, W, 3), read-only; a compressed image is decoded on first use.

        Raises
        ------
        engine.errors.UnreadableSourceError
            If the bytes are no image.
        """
        if not isinstance(self.payload, Jpeg):
            return self.payload
        image = self.payload.decode()
        if image is None:
            raise UnreadableSourceError(
                self.camera,
                f"Camera '{self.camera}' sent an image that is damaged; it is left out.",
            )
        return image


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
