"""Clips: images of one person by one camera with their joints, made into samples a few at a time.

Whole sets do not fit into memory: Human3.6M, every fifth image, is 33 GB of crops. So readers give
parts, one after another, and to store a set they are appended to a
`training.data.samples.SampleWriter`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from calibration.geometry.arrays import F32, F64, U8
from calibration.rig import Camera
from calibration.skeleton import Skeleton
from engine.clock import NS_PER_S
from engine.inference.preprocess import BLACK, Region, cut
from training.data.crops import square_around_root
from training.data.samples import MARGIN, STORED_PX, Samples
from training.errors import DatasetError

CHUNK_SIZE = 256
"""Samples in a part: 28 MB of crops at 192 px."""

MAX_FRAMES = 1 << 32
"""Images that a clip may have, so that the framesets of two clips never meet."""

MAX_MISSING_SHARE = 0.02
"""A video may end so much earlier than its joints: the loss of its last images is accepted."""


@dataclass(frozen=True, slots=True)
class ImageSelection:
    """Which of a set's images become samples.

    Parameters
    ----------
    every
        Of a video, each image whose number it divides; of photographs, likewise.
    people
        Names as the set has them ("S1"); empty for all.
    stored_px
        Side of the stored crops.
    max_samples
        Samples in all; where there would be more, images are left out evenly. None for any number.

    Raises
    ------
    ValueError
        If `every`, `stored_px` or `max_samples` is not positive.
    """

    every: int = 5
    people: tuple[str, ...] = ()
    stored_px: int = STORED_PX
    max_samples: int | None = None

    def __post_init__(self) -> None:
        """Refuse what chooses nothing."""
        if (
            self.every < 1
            or self.stored_px < 1
            or (self.max_samples is not None and self.max_samples < 1)
        ):
            raise ValueError(
                f"Every {self.every}th image at {self.stored_px} px, {self.max_samples} at "
                "most, is nothing."
            )

    def includes(self, person: str) -> bool:
        """Return whether a person is selected."""
        return not self.people or person in self.people

    def thin_out(self, lengths: Sequence[int]) -> "ImageSelection":
        """Raise `every` until no more than `max_samples` images are left.

        Parameters
        ----------
        lengths
            Images of each clip.

        Returns
        -------
        selection
            With the smallest `every` that does; where there are more clips than samples wanted,
            with one image a clip.
        """
        if self.max_samples is None:
            return self
        images, every = np.array(lengths, np.int64), self.every
        while (-(-images // every)).sum() > self.max_samples and every < images.max(initial=0):
            every += 1
        return replace(self, every=every)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """What is known of one camera's images of one person.

    Parameters
    ----------
    name, person, action
    number
        Of the clip in its set; the views of one clip share it.
    camera
        The same object in all clips that it took.
    rate_fps
        Images per second.
    skeleton
    xyz : (T, J, 3), m, camera
        Of each image; NaN where nothing is known.
    xy : (T, J, 2), px
        Likewise, in the image as it was taken.
    """

    name: str
    person: str
    action: str
    number: int
    camera: Camera
    rate_fps: float
    skeleton: Skeleton
    xyz: F64
    xy: F64

    def __len__(self) -> int:
        return len(self.xyz)

    def sees_root(self, frame: int) -> bool:
        """Return whether the pelvis is known, in front of the camera and in its image."""
        root = self.skeleton.index("pelvis")
        x, y = self.xy[frame, root]
        width, height = self.camera.size_wh
        return bool(self.xyz[frame, root, 2] > 0 and 0 <= x < width and 0 <= y < height)


@dataclass(slots=True)
class ClipBuffer:
    """Images of a clip that wait to become a part."""

    clip: Clip
    stored_px: int
    frames: list[int] = field(default_factory=list)
    crops: list[U8] = field(default_factory=list)
    squares: list[tuple[float, float, float]] = field(default_factory=list)

    def add(self, frame: int, image_bgr: U8) -> None:
        """Cut the person out of one image, as large as a network with margin needs it."""
        clip = self.clip
        region = square_around_root(clip.xyz[frame, clip.skeleton.index("pelvis")], clip.camera)
        (x, y), side = region.center_xy, region.size_wh[0]
        self.frames.append(frame)
        self.crops.append(cut_stored_crop(image_bgr, (x, y, side), self.stored_px))
        self.squares.append((x, y, side))

    def flush(self) -> Samples:
        """Return what was gathered as samples, and start again empty."""
        frames = np.array(self.frames, np.int64)
        samples = make_samples(self.clip, frames, np.stack(self.crops), np.array(self.squares))
        self.frames = []
        self.crops = []
        self.squares = []
        return samples


def cut_stored_crop(image_bgr: U8, square: tuple[float, float, float], stored_px: int) -> U8:
    """Cut what is stored of a person out of an image.

    Parameters
    ----------
    image_bgr : (H, W, 3)
    square : px
        Centre x, y and side of what a network sees; `MARGIN` times that is cut.
    stored_px

    Returns
    -------
    crop : (stored, stored, 3)
        Black beyond the image.
    """
    x, y, side = square
    return cut(
        image_bgr, Region((x, y), (MARGIN * side, MARGIN * side)), (stored_px, stored_px), BLACK
    )


def make_samples(clip: Clip, frames: np.ndarray, image: U8, region: F64) -> Samples:
    """Combine crops of a clip with its joints: those of the set count as truth.

    Parameters
    ----------
    clip
    frames : (N,)
        Numbers of the images.
    image : (N, P, P, 3)
        Crops of them.
    region : (N, 3), px
    """
    count = len(frames)
    xyz = clip.xyz[frames].astype(np.float32)
    xy = clip.xy[frames].astype(np.float32)
    none = np.zeros(count, np.int32)
    return Samples(
        image=image,
        region=region,
        camera=none,
        cameras=(clip.camera,),
        xyz=xyz,
        weight=_compute_known(xyz),
        xy=xy,
        confidence=_compute_known(xy),
        frameset=clip.number * MAX_FRAMES + frames,
        time_ns=np.round(frames * (NS_PER_S / clip.rate_fps)).astype(np.int64),
        person=none,
        clip=none,
        action=none,
        persons=(clip.person,),
        clips=(clip.name,),
        actions=(clip.action,),
        skeleton=clip.skeleton,
    )


def _compute_known(points: F32) -> F32:
    """Return 1 for points of (..., 2 or 3) that are known, and 0 for others, (...)."""
    return np.asarray(np.isfinite(points).all(-1), np.float32)


def make_samples_from_images(
    clip: Clip, images: Iterable[tuple[int, U8]], selection: ImageSelection
) -> Iterator[Samples]:
    """Make samples of the images of a clip that show the person.

    Parameters
    ----------
    clip
    images
        Their numbers, rising, and pictures.
    selection

    Yields
    ------
    samples
        At most `CHUNK_SIZE` of them.

    Raises
    ------
    DatasetError
        If an image has another size than the camera that took it.
    """
    buffer = ClipBuffer(clip, selection.stored_px)
    for frame, image_bgr in images:
        size_wh = (image_bgr.shape[1], image_bgr.shape[0])
        if size_wh != clip.camera.size_wh:
            raise DatasetError(
                f"The images of '{clip.name}' by camera '{clip.camera.name}' are "
                f"{size_wh[0]}x{size_wh[1]}, but its calibration is for "
                f"{clip.camera.size_wh[0]}x{clip.camera.size_wh[1]}. Use the images as published."
            )
        buffer.add(frame, image_bgr)
        if len(buffer.frames) == CHUNK_SIZE:
            yield buffer.flush()
    if buffer.frames:
        yield buffer.flush()


def read_video_images(
    path: Path, clip: Clip, selection: ImageSelection
) -> Iterator[tuple[int, U8]]:
    """Read the images of a video that are wanted and show the person.

    Parameters
    ----------
    path
    clip
        Its joints belong to the video's images one by one, from the first on; the video may be
        longer.
    selection

    Yields
    ------
    frame
        From 0, rising: every `selection.every`-th image in which the root is seen.
    image_bgr : (H, W, 3)

    Raises
    ------
    DatasetError
        If the video is missing, cannot be read, or ends much earlier than the joints do.
    """
    if not path.is_file():
        raise DatasetError(f"There is no video '{path}'. Unpack the set's videos there.")
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise DatasetError(f"'{path}' is no readable video. Unpack or fetch it again.")
        for frame in range(len(clip)):
            if not video.grab():
                if frame >= (1 - MAX_MISSING_SHARE) * len(clip):
                    return
                raise DatasetError(
                    f"'{path}' has {frame} images, but the set has joints for {len(clip)}: it is "
                    "cut short. Fetch it again."
                )
            if frame % selection.every == 0 and clip.sees_root(frame):
                found, image = video.retrieve()
                if not found:
                    raise DatasetError(
                        f"Image {frame} of '{path}' cannot be read. Fetch the video again."
                    )
                yield frame, np.asarray(image, np.uint8)
    finally:
        video.release()


def read_video_facts(path: Path) -> tuple[float, tuple[int, int]]:
    """Return the rate of a video, per second, and the size of its images, px, or DatasetError."""
    video = cv2.VideoCapture(str(path)) if path.is_file() else None
    try:
        if video is None or not video.isOpened():
            raise DatasetError(
                f"There is no readable video '{path}'. Unpack the set's videos there."
            )
        size_wh = (
            int(video.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        return float(video.get(cv2.CAP_PROP_FPS)), size_wh
    finally:
        if video is not None:
            video.release()


def count_images(path: Path) -> int:
    """Return how many images a video states; 0 where it cannot be read."""
    video = cv2.VideoCapture(str(path))
    try:
        return max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0) if video.isOpened() else 0
    finally:
        video.release()


def demand_folder(folder: Path, what: str) -> None:
    """Refuse a path that is no folder; raises DatasetError."""
    if not folder.is_dir():
        raise DatasetError(
            f"There is no folder '{folder}'. Give the folder of {what} as it was unpacked."
        )
