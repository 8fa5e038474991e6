"""MPII Human Pose as published: ``mpii_human_pose_v1_u12_1.mat`` (or ``_2``), ``images/*.jpg``.

Photographs with joints in the image only: nothing is known of depth or lens, so `xyz` is NaN, the
weights are 0, and the cameras are nominal. The annotations count pixels from 1, as MATLAB does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.geometry.arrays import F64, U8
from calibration.rig import Camera
from calibration.skeleton import load_skeleton
from engine.clock import NS_PER_S
from training.data.samples import Samples, join
from training.errors import DatasetError
from training.public.clips import CHUNK_SIZE, ImageSelection, cut_stored_crop, demand_folder
from training.public.matlab import read_matlab

ANNOTATIONS = "mpii_human_pose_v1_u12_*.mat"
JOINT_COUNT = 16
"""In the set's order, which is that of the skeleton `mpii_16`."""

SCALE_PX = 200.0
"""A person's `scale` is the height in the image over this."""

BOX_SCALE = 1.25
CENTRE_SHIFT_PX = 15.0
"""The set's centre of a person is that of head and trunk: this much lower, legs are inside.

Times the scale; usual for the set.
"""

NOMINAL_FOCAL = 1.2
"""Of the long side of a photograph, whose lens is unknown: 45°."""

UNKNOWN_PERSON = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One annotated person.

    Parameters
    ----------
    image
        Name of the file.
    photograph
        Number of the image in the set.
    clip, action
        The video it was taken from, and what is done in it.
    square : px
        Centre x, y and side of what a network sees.
    xy : (16, 2), px
        NaN where a joint was not annotated.
    """

    image: str
    photograph: int
    clip: str
    action: str
    square: tuple[float, float, float]
    xy: F64


def read_mpii(folder: Path, selection: ImageSelection) -> Iterator[Samples]:
    """Read the people of MPII's training images whose joints are annotated.

    Parameters
    ----------
    folder
        With the annotations and ``images``.
    selection
        Each `every`-th photograph; the set does not name its people.

    Yields
    ------
    samples
        Of `mpii_16`, without depth.

    Raises
    ------
    DatasetError
        If the folder is not in that layout, or a file is missing or damaged.
    """
    demand_folder(folder, "MPII")
    people = [
        person
        for person in read_people(_find_annotations(folder))
        if person.photograph % selection.every == 0
    ]
    if not people:
        raise DatasetError(
            f"'{folder}' holds no annotated person among the selected images. Select more of them."
        )
    if selection.max_samples is not None and selection.max_samples < len(people):
        people = [
            people[index * len(people) // selection.max_samples]
            for index in range(selection.max_samples)
        ]
    cameras: dict[tuple[int, int], Camera] = {}
    for first in range(0, len(people), CHUNK_SIZE):
        part = people[first : first + CHUNK_SIZE]
        samples = join(
            [_make_sample(person, folder / "images", cameras, selection) for person in part]
        )
        # no two share an instant: there is no other view of them
        yield replace(samples, frameset=np.arange(first, first + len(part)))


def read_people(path: Path) -> list[Person]:
    """Read the annotations; DatasetError if they are missing, damaged or another file's."""
    release = read_matlab(path, "RELEASE")["RELEASE"]
    try:
        images = np.atleast_1d(release.annolist)
        training = np.asarray(release.img_train, bool).reshape(-1)
        acts = np.atleast_1d(getattr(release, "act", np.empty(0)))
        people = []
        for number in np.flatnonzero(training[: len(images)]):
            action = _read_text(acts[number], "cat_name") if number < len(acts) else ""
            people += _read_image_people(images[number], int(number), action or "unknown")
        return people
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise DatasetError(f"'{path}' is not as published ({error}). Fetch it again.") from error


def _read_image_people(image: Any, number: int, action: str) -> list[Person]:
    """Read the people of one image whose joints, size and place are known."""
    people = []
    video = getattr(image, "vididx", None)
    clip = (
        f"video {int(video)}"
        if video is not None and np.size(video) == 1
        else f"photograph {number}"
    )
    for rectangle in np.atleast_1d(image.annorect):
        xy = _read_joints(getattr(rectangle, "annopoints", None))
        square = _read_square(rectangle)
        if xy is not None and square is not None:
            people.append(Person(str(image.image.name), number, clip, action, square, xy))
    return people


def _read_square(rectangle: Any) -> tuple[float, float, float] | None:
    """Read the square around a person, px from 0: x, y and side; None without size or place."""
    scale = getattr(rectangle, "scale", None)
    middle = getattr(rectangle, "objpos", None)
    if (
        scale is None
        or middle is None
        or np.size(scale) != 1
        or not hasattr(middle, "x")
        or not float(scale) > 0
    ):
        return None
    scale = float(scale)
    return (
        float(middle.x) - 1,
        float(middle.y) - 1 + CENTRE_SHIFT_PX * scale,
        BOX_SCALE * SCALE_PX * scale,
    )


def _read_joints(points: Any) -> F64 | None:
    """Read the joints of a person, (16, 2), px from 0; None where not annotated."""
    if not hasattr(points, "point"):
        return None
    xy = np.full((JOINT_COUNT, 2), np.nan)
    for point in np.atleast_1d(points.point):
        if not 0 <= int(point.id) < JOINT_COUNT:
            raise ValueError(f"a joint has number {point.id}")
        xy[int(point.id)] = float(point.x) - 1, float(point.y) - 1
    return xy if np.isfinite(xy).any() else None


def _read_text(thing: Any, name: str) -> str:
    """Return a field's text; empty where it has none."""
    value = getattr(thing, name, "")
    return value if isinstance(value, str) else ""


def _make_sample(
    person: Person, images: Path, cameras: dict[tuple[int, int], Camera], selection: ImageSelection
) -> Samples:
    """Make one person a sample; photographs count as a second apart, so that splits part them."""
    image_bgr = _read_image(images / person.image)
    size_wh = (image_bgr.shape[1], image_bgr.shape[0])
    one = np.zeros(1, np.int32)
    return Samples(
        image=cut_stored_crop(image_bgr, person.square, selection.stored_px)[None],
        region=np.array([person.square]),
        camera=one,
        cameras=(cameras.setdefault(size_wh, _make_nominal_camera(size_wh)),),
        xyz=np.full((1, JOINT_COUNT, 3), np.nan, np.float32),
        weight=np.zeros((1, JOINT_COUNT), np.float32),
        xy=person.xy[None].astype(np.float32),
        confidence=np.asarray(np.isfinite(person.xy[None]).all(-1), np.float32),
        frameset=np.zeros(1, np.int64),
        time_ns=np.array([person.photograph * NS_PER_S], np.int64),
        person=one,
        clip=one,
        action=one,
        persons=(UNKNOWN_PERSON,),
        clips=(person.clip,),
        actions=(person.action,),
        skeleton=load_skeleton("mpii_16"),
        teacher="annotation",
    )


def _make_nominal_camera(size_wh: tuple[int, int]) -> Camera:
    """Return a camera for photographs of a size, as good as any."""
    focal_px = NOMINAL_FOCAL * max(size_wh)
    matrix = np.array(
        [[focal_px, 0, (size_wh[0] - 1) / 2], [0, focal_px, (size_wh[1] - 1) / 2], [0, 0, 1]]
    )
    return Camera(f"photograph_{size_wh[0]}x{size_wh[1]}", size_wh, matrix)


def _read_image(path: Path) -> U8:
    """Read a photograph."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise DatasetError(f"There is no readable image '{path}'. Unpack the set's images there.")
    return np.asarray(image, np.uint8)


def _find_annotations(folder: Path) -> Path:
    """Find the annotations."""
    places = [*sorted(folder.glob(ANNOTATIONS)), *sorted(folder.glob(f"*/{ANNOTATIONS}"))]
    if not places:
        raise DatasetError(
            f"'{folder}' has no '{ANNOTATIONS}'. Unpack the set's annotations there."
        )
    return places[-1]
