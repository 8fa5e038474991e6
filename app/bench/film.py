"""A clip of the studio, rendered once and played in a loop: cameras and poses at no cost.

It serves to measure the cost of everything else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.geometry.projection import project
from calibration.rig import Camera, Rig
from calibration.skeleton import Skeleton
from engine.address import STUDIOS
from engine.clock import NS_PER_S
from engine.errors import EngineError
from engine.frames import Frame, FrameSet, Jpeg
from engine.poses import Pose2D, PoseSet2D
from engine.studio.address import StudioConfig
from engine.studio.scene import Studio

RATE_FPS = 30.0
JPEG_QUALITY = 90
ERROR_PX, CONFIDENCE = 1.5, 0.9  # of the poses
ENDLESS_FRAME_COUNT = 10**6  # frames

RAW, JPEG = "film:raw", "film:jpeg"
_KIND = "film"

MakeFrame = Callable[[str, int, int], Frame]


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A few framesets and the poses in them.

    Parameters
    ----------
    images_bgr : for each of V cameras T of (H, W, 3), uint8
    poses : T of V tuples
    rig
        Ground truth; all clocks agree.
    skeleton
    """

    images_bgr: tuple[tuple[U8, ...], ...]
    poses: tuple[tuple[tuple[Pose2D, ...], ...], ...]
    rig: Rig
    skeleton: Skeleton


_REGISTERED: dict[str, Film] = {}


def make_film(count: int = 60, camera_count: int = 4) -> Film:
    """Render a walking person.

    Parameters
    ----------
    count
        Number of framesets.
    camera_count
        Number of cameras.

    Returns
    -------
    film
        Its poses are the ground truth with the error of a good pose model.
    """
    config = StudioConfig(
        "walk", camera_count, 1, (count + 1) / RATE_FPS, time_offset_ms=0.0, drop_share=0.0
    )
    studio = Studio(config)
    images = tuple(
        tuple(_render_image(studio, view, number) for number in range(count))
        for view in range(camera_count)
    )
    xyz = studio.truth_as_detected(studio.own_time_ns(np.arange(count)))
    random = np.random.default_rng(0)
    poses = tuple(
        tuple((_simulate_detection(joints, camera, random),) for camera in studio.rig)
        for joints in xyz
    )
    return Film(images, poses, studio.rig, studio.skeleton)


def register_film(film: Film) -> None:
    """Make `RAW` and `JPEG` address the cameras of this film, until another one is registered."""
    STUDIOS[_KIND] = "app.bench.film:open_film"
    _REGISTERED[_KIND] = film


def open_film(address: str) -> tuple[Film, list["FilmCamera"]]:
    """Make the cameras of the registered film, as for a studio.

    Parameters
    ----------
    address
        `RAW` for cameras that send raw images, `JPEG` for those that compress them themselves.

    Returns
    -------
    film
    sources
        In the order of its views.
    """
    film = _REGISTERED[_KIND]
    make_frames = _make_jpeg_frames if address == JPEG else _make_raw_frames
    return film, [
        FilmCamera(camera.name, camera.size_wh, make_frames(images))
        for camera, images in zip(film.rig, film.images_bgr)
    ]


def ping_pong_index(number: int, count: int) -> int:
    """Find the image of a film for a frame number, when it runs back and forth without end.

    Examples
    --------
    >>> [ping_pong_index(number, 4) for number in range(8)]
    [0, 1, 2, 3, 2, 1, 0, 1]
    """
    place = number % max(2 * count - 2, 1)
    return min(place, 2 * count - 2 - place) if count > 1 else 0


class PrecomputedEstimator:
    """An estimator that returns the poses of a film and computes nothing."""

    def __init__(self, film: Film) -> None:
        self.skeleton = film.skeleton
        self.model_hash = ""
        self.name = "poses of a film"
        self._poses = film.poses

    def __call__(self, frames: FrameSet) -> PoseSet2D:
        """Return the poses in these images."""
        poses_by_view = tuple(
            ()
            if frame is None
            else self._poses[ping_pong_index(frame.sequence, len(self._poses))][view]
            for view, frame in enumerate(frames.frames)
        )
        times = tuple(None if frame is None else frame.timestamp_ns for frame in frames.frames)
        return PoseSet2D(frames.index, frames.timestamp_ns, poses_by_view, times)

    def reset(self) -> None:
        """Keep everything: there is no state."""

    def close(self) -> None:
        """Release nothing: nothing is held."""


class FilmCamera:
    """One camera of a film, with the protocol of any other camera."""

    def __init__(self, name: str, size_wh: tuple[int, int], make_frame: MakeFrame) -> None:
        self.name = name
        self.live = False
        self.size_wh = size_wh
        self.rate_fps = RATE_FPS
        self.frame_count, self.remarks = ENDLESS_FRAME_COUNT, ()
        self._make_frame, self._next = make_frame, 0

    def open(self) -> None:
        """Start at the first image."""
        self._next = 0

    def read(self, timeout_ms: int) -> Frame | None:  # noqa: ARG002 - all is there already
        """Return the next image."""
        number, self._next = self._next, self._next + 1
        return self._make_frame(self.name, number, round(number * NS_PER_S / RATE_FPS))

    def close(self) -> None:
        """Release nothing: nothing is held."""


def _make_raw_frames(images: Sequence[U8]) -> MakeFrame:
    """Return frames of raw images."""
    return lambda name, number, time_ns: Frame(
        name, number, time_ns, images[ping_pong_index(number, len(images))]
    )


def _make_jpeg_frames(images: Sequence[U8]) -> MakeFrame:
    """Compress the images once, and return frames of them."""
    size_wh = (images[0].shape[1], images[0].shape[0])
    quality = (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY)
    data = [cv2.imencode(".jpg", image, quality)[1].tobytes() for image in images]

    def make(name: str, number: int, time_ns: int) -> Frame:
        """Make the frame of any number."""
        compressed = Jpeg(data[ping_pong_index(number, len(data))], size_wh)
        return Frame(name, number, time_ns, compressed)

    return make


def _render_image(studio: Studio, view: int, number: int) -> U8:
    """Render one image."""
    frame = studio.render(view, number)
    if frame is None:
        raise EngineError(
            f"The studio lost image {number} of camera {view + 1}, though none should be lost."
        )
    return frame.image_bgr


def _simulate_detection(xyz: F64, camera: Camera, random: np.random.Generator) -> Pose2D:
    """Simulate the detection of joints (J, 3) of the room."""
    xy = project(xyz, camera)
    xy = xy + random.normal(0.0, ERROR_PX, xy.shape)
    inside = np.asarray(((xy >= 0) & (xy < camera.size_wh)).all(-1))
    return Pose2D(0, np.where(inside[:, None], xy, np.nan), np.where(inside, CONFIDENCE, 0.0))
