"""Sightings: what the real 2D model finds in pictures of the studio, and where the joints are.

The studio's bodies are posed as real people were (`engine.studio.body.retarget`). What comes of it
trains a lifter on the 2D model's errors and how far its own guess in depth can be believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from calibration.geometry.arrays import F32, F64, I64
from calibration.geometry.projection import rays_from_pixels, undistort
from calibration.rig import Camera
from engine.disk import atomic_binary_file
from engine.inference.pose_model import PoseModel
from engine.inference.preprocess import Region, image_from_crop, whole_image
from engine.reconstruction.body_size import LIMBS
from engine.studio.body.landmarks import SKELETON
from training.data.samples import MARGIN, Samples
from training.errors import DatasetError

MIN_SCORE = 0.5
"""Of the model that there is a person: what is less sure is dropped live, too."""
PICTURE_PX = 320


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """N people found in one image each.

    Parameters
    ----------
    rays : (N, 12, 2), undistorted
        Where the limb joints (`LIMBS`) were found: directions x/z and y/z in the camera's axes.
    confidence : (N, 12), 0 to 1
    own_xyz : (N, 12, 3), m
        The model's own guess, as `engine.poses.Pose2D` has it; NaN where it makes none.
    xyz : (N, 12, 3), m, camera
        Where the joints are: exact.
    up : (N, 3), camera
    """

    rays: F32
    confidence: F32
    own_xyz: F32
    xyz: F32
    up: F32

    def __len__(self) -> int:
        return len(self.rays)

    def take(self, index: np.ndarray) -> "Sightings":
        """Return some of them, in that order."""
        return Sightings(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def compute_errors(self) -> F64:
        """Compute how far off each joint was found, (N, 12, 2), in extents of the person.

        The extent is the spread of the true joints in the image, as a lifter's inputs have it.
        """
        true = self.xyz[..., :2] / np.maximum(self.xyz[..., 2:], 0.2)
        away = true - true.mean(1, keepdims=True)
        size = np.sqrt((away**2).sum(-1).mean(-1))
        return (self.rays - true) / size[:, None, None]


def join_sightings(parts: list[Sightings]) -> Sightings:
    """Put several together."""
    return Sightings(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Sightings)}
    )


def find_people(samples: Samples, model: PoseModel) -> Iterator[Sightings]:
    """Find the people in pictures of the studio, one by one.

    Parameters
    ----------
    samples
        Of the 2D model's skeleton, with exact joints.
    model
        Looks twice, the second time where the first look found the person, as it does live.

    Yields
    ------
    sightings
        Of one person; nobody where the model finds nobody.
    """
    limbs = SKELETON.indices(LIMBS)
    for index, image in enumerate(samples.image):
        found = model.find([image], [whole_image((image.shape[1], image.shape[0]))])[0]
        if not found:
            continue
        region = model.region(max(found, key=lambda one: one.score).points)
        first = model.locate([image], [region])[0]
        seen = model.locate([image], [model.region(first.points)])[0]
        if seen.score < MIN_SCORE:
            continue
        camera = samples.cameras[samples.camera[index]]
        xy = _pixels_of_image(seen.xy[limbs], samples, index)
        yield Sightings(
            _directions(xy, camera)[None],
            seen.confidence[limbs][None].astype(np.float32),
            _take_own(seen.own_xyz, limbs)[None],
            samples.xyz[index][samples.skeleton.indices(LIMBS)][None],
            camera.R[:, 2][None].astype(np.float32),
        )


def write_sightings(sightings: Sightings, path: Path) -> None:
    """Write sightings, whole or not at all."""
    with atomic_binary_file(path) as file:
        np.savez(file, **{f.name: getattr(sightings, f.name) for f in fields(sightings)})


def read_sightings(path: Path) -> Sightings:
    """Read sightings.

    Raises
    ------
    DatasetError
        If the file cannot be read, or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Sightings(**{f.name: stored[f.name] for f in fields(Sightings)})
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"'{path}' is no file of sightings: {error}. Draw them again."
        ) from error


def _take_own(own_xyz: F64 | None, limbs: I64) -> F32:
    """Take the limbs of the model's own guess, (12, 3); NaN where it makes none."""
    blank = np.full((len(limbs), 3), np.nan)
    return np.asarray(blank if own_xyz is None else own_xyz[limbs], np.float32)


def _pixels_of_image(xy: F64, samples: Samples, index: int) -> F64:
    """Convert pixels of a stored picture, (J, 2), to pixels of the camera's image."""
    x, y, side = samples.region[index]
    wide = MARGIN * side
    stored = samples.image.shape[1]
    matrix = image_from_crop(Region((x, y), (wide, wide)), (stored, stored))
    return xy @ matrix[:, :2].T + matrix[:, 2]


def _directions(xy: F64, camera: Camera) -> F32:
    """Convert pixels, (J, 2), to directions, (J, 2)."""
    rays = rays_from_pixels(xy, camera.matrix)
    return undistort(rays, camera.distortion).astype(np.float32)
