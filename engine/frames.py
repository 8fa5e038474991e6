"""Frame and FrameSet: one image, and the images of one instant."""

from dataclasses import dataclass

from calibration.geometry.arrays import U8


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
