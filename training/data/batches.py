"""Batches: samples drawn, jittered, augmented and labelled, ahead of use in one thread.

All that is drawn comes from the seed, the epoch and the batch's position in it: never from when
something was ready.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from calibration.geometry.arrays import I64, U8
from engine.inference.preprocess import Region, to_batch
from engine.mailbox import Bounded, ClosedError
from training.data.augment import AugmentConfig, augment, jitter_region
from training.data.crops import Crop, network_input
from training.data.partners import find_partners
from training.data.recrop import recrop, region_from_square
from training.data.reprojection import OtherView, ViewBatch, batch_views, patch_from_world
from training.data.samples import Samples, join_without_images
from training.errors import DatasetError, TrainingError

HALF_CROP = 0.5
_ORDER, _SHUFFLE, _BATCH = range(3)  # what a generator is for, in its seed


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """How batches are made.

    Parameters
    ----------
    batch
        Samples in each.
    size_px
        Side of the network's input.
    other_views
        Share of the samples that another view judges as well, of those that have one.
    ahead
        Batches that wait ready for the network.
    """

    batch: int = 32
    size_px: int = 128
    other_views: float = 0.5
    ahead: int = 4


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSamples:
    """A set of samples and its share of the training.

    Parameters
    ----------
    samples
    share
        Relative to those of the other sets.
    rows : (M,)
        Positions of the samples that may be used; the others do not judge as another view either.
        None for all.
    """

    samples: Samples
    share: float = 1.0
    rows: I64 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B samples as a network sees them, and what it should find.

    Parameters
    ----------
    image : (B, 3, S, S)
        RGB, normalised.
    uvw : (B, J, 3)
        In the patch (`training.data.crops`); NaN where unknown or beyond the crop, which no heat
        map could say. Samples without anything in space have u and v of what was found in the
        image.
    weight : (B, J)
        Of `uvw`.
    uv : (B, J, 2)
        What was found in the image, in the patch; NaN where nothing.
    confidence : (B, J)
        Of `uv`.
    root_depth_m : (B,)
        NaN where unknown.
    views
        Crops and cameras.
    other
        What another view of the same instant saw; weight 0 for samples without one, None if no
        sample has one.
    index : (B,), int64
        Positions in the sets, put behind one another.
    """

    image: Tensor
    uvw: Tensor
    weight: Tensor
    uv: Tensor
    confidence: Tensor
    root_depth_m: Tensor
    views: ViewBatch
    other: OtherView | None
    index: Tensor

    def __len__(self) -> int:
        return len(self.index)

    def to(self, device: torch.device | str) -> "Batch":
        """Return the same on another device."""
        moved = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "other"}
        other = self.other
        if other is not None:
            other = OtherView(other.views.to(device), other.uv.to(device), other.weight.to(device))
        return Batch(**{name: value.to(device) for name, value in moved.items()}, other=other)


class BatchSource(Protocol):
    """Where batches come from: `Batches`, or shards that are rendered meanwhile."""

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        ...

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from position `first` on, the same for the same number."""
        ...


class Batches:
    """Sets of samples, as epochs of batches.

    Parameters
    ----------
    parts
        Of one skeleton and one size of crops. An epoch shows the first of them once, and of the
        others as much as their shares demand: again from the start where they are short, on from
        there in the next epoch where long.
    config
    augment
        None leaves the crops as they are.
    occluders : of (h, w, 4)
        What may stand before a person.
    seed

    Raises
    ------
    TrainingError
        If there are fewer samples than a batch takes, or sets that do not fit together.
    """

    def __init__(
        self,
        parts: Samples | Sequence[WeightedSamples],
        config: BatchConfig,
        augment: AugmentConfig | None = None,
        occluders: Sequence[U8] = (),
        seed: int = 0,
    ) -> None:
        self.config = config
        self._augment = augment
        self._occluders = occluders
        self._seed = seed
        self._parts = [WeightedSamples(parts)] if isinstance(parts, Samples) else list(parts)
        self._images = [part.samples.image for part in self._parts]
        self._all = _join_parts(self._parts)
        lengths = [len(part.samples) for part in self._parts]
        self._first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._rows = [
            first + (np.arange(length) if part.rows is None else np.asarray(part.rows, np.int64))
            for part, first, length in zip(self._parts, self._first, lengths)
        ]
        self._counts = _count_per_epoch(self._parts, self._rows)
        self._partners = find_partners(self._all, np.concatenate(self._rows))
        if len(self) < 1:
            raise TrainingError(
                f"There are only {sum(self._counts)} samples, but a batch needs {config.batch}. "
                "Record longer, or choose smaller batches."
            )
        if augment is not None and augment.occlusion_probability > 0 and not occluders:
            raise ValueError(
                "Crops are to be occluded, but nothing was given that could stand in them."
            )

    def __len__(self) -> int:
        """Batches in an epoch; samples that fill no batch are left out of it."""
        return sum(self._counts) // self.config.batch

    @property
    def skeleton_name(self) -> str:
        """Name of the samples' skeleton."""
        return self._all.skeleton.name

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, made ahead in a thread that ends with the iterator.

        Parameters
        ----------
        number
            0-based; each epoch has another order and other disturbances.
        first
            Of the batches to give: an interrupted training continues where it was.

        Yields
        ------
        batch
            The same for the same seed, number and position.
        """
        ahead: Bounded[Batch] = Bounded(self.config.ahead)
        maker = threading.Thread(
            target=self._make_batches, args=(number, first, ahead), name="make batches", daemon=True
        )
        maker.start()
        try:
            while True:
                yield ahead.take()
        except ClosedError:
            return
        finally:
            ahead.discard()
            maker.join()

    def _make_batches(self, number: int, first: int, ahead: Bounded[Batch]) -> None:
        """Make the batches of an epoch until they are no longer needed. Runs in its own thread."""
        try:
            order = self._draw_order(number)
            for position in range(first, len(self)):
                rows = order[position * self.config.batch : (position + 1) * self.config.batch]
                if not ahead.put(
                    self._make_batch(rows, self._make_generator(_BATCH, number, position))
                ):
                    return
            ahead.close()
        except BaseException as error:  # raised again in the reader's thread
            ahead.poison(error)

    def _make_generator(self, *what: int) -> np.random.Generator:
        """Return the generator for one purpose."""
        return np.random.default_rng((self._seed, *what))

    def _draw_order(self, number: int) -> I64:
        """Draw the samples of an epoch, in their order."""
        drawn = []
        for part, (rows, count) in enumerate(zip(self._rows, self._counts)):
            turns = np.arange(number * count // len(rows), -(-(number + 1) * count // len(rows)))
            shuffled = [
                self._make_generator(_ORDER, part, int(turn)).permutation(rows) for turn in turns
            ]
            start = number * count - int(turns[0]) * len(rows)
            drawn.append(np.concatenate(shuffled)[start : start + count])
        return self._make_generator(_SHUFFLE, number).permutation(np.concatenate(drawn))

    def _make_batch(self, rows: I64, rng: np.random.Generator) -> Batch:
        """Make one batch."""
        regions = [self._get_region(int(row)) for row in rows]
        if self._augment is not None:
            regions = [jitter_region(region, self._augment, rng) for region in regions]
        crops = self._make_crops(rows, regions)
        samples, views = self._all, batch_views(crops)
        images = [self._make_image(int(row), crop.region, rng) for row, crop in zip(rows, crops)]
        xyz = samples.xyz[rows]
        confidence = np.nan_to_num(samples.confidence[rows])
        root_depth_m = samples.root_depth_m[rows]
        uv = _patch_from_image(samples.xy[rows], views)
        uvw = _patch_from_camera(xyz, root_depth_m, views)
        flat = np.logical_not(np.isfinite(xyz).all(-1).any(-1))
        uvw[flat, :, :2] = uv[flat]
        weight = np.nan_to_num(np.where(flat[:, None], confidence, samples.weight[rows]))
        uvw[np.abs(uvw) > HALF_CROP] = np.nan
        return Batch(
            image=torch.from_numpy(to_batch(images, network_input(self.config.size_px))),
            uvw=torch.from_numpy(uvw),
            weight=torch.from_numpy(weight.astype(np.float32)),
            uv=torch.from_numpy(uv),
            confidence=torch.from_numpy(confidence),
            root_depth_m=torch.from_numpy(root_depth_m.astype(np.float32)),
            views=views,
            other=self._find_other_view(rows, rng),
            index=torch.from_numpy(rows),
        )

    def _find_other_view(self, rows: I64, rng: np.random.Generator) -> OtherView | None:
        """Find another view of the same instants for a share of the samples."""
        partner = self._partners.draw(rows, self.config.other_views, rng)
        if (partner < 0).all():
            return None
        other = np.where(partner < 0, rows, partner)
        crops = self._make_crops(other, [self._get_region(int(row)) for row in other])
        views = batch_views(crops)
        uv = _patch_from_image(self._all.xy[other], views)
        sure = np.sqrt(
            np.nan_to_num(self._all.confidence[rows]) * np.nan_to_num(self._all.confidence[other])
        )
        weight = np.where((partner < 0)[:, None], 0.0, sure).astype(np.float32)
        return OtherView(views, torch.from_numpy(uv), torch.from_numpy(weight))

    def _get_region(self, row: int) -> Region:
        """Return the square that a network sees of a sample."""
        return region_from_square(self._all.region[row])

    def _make_crops(self, rows: I64, regions: Sequence[Region]) -> list[Crop]:
        """Return the crops of samples."""
        cameras, size_px = self._all.cameras, self.config.size_px
        return [
            Crop(region, size_px, cameras[which])
            for which, region in zip(self._all.camera[rows], regions)
        ]

    def _make_image(self, row: int, region: Region, rng: np.random.Generator) -> U8:
        """Cut a crop out of the stored one, and disturb it."""
        part = int(np.searchsorted(self._first, row, "right")) - 1
        stored = self._images[part][row - self._first[part]]
        image = recrop(stored, self._all.region[row], region, self.config.size_px)
        return (
            image if self._augment is None else augment(image, self._occluders, self._augment, rng)
        )


def _join_parts(parts: Sequence[WeightedSamples]) -> Samples:
    """Concatenate the sets without their crops, and make sure that these can be cut."""
    try:
        samples = join_without_images([part.samples for part in parts])
    except ValueError as error:
        raise TrainingError(f"These sets of samples cannot be mixed: {error}") from error
    if not (np.isfinite(samples.region).all() and (samples.region[:, 2] > 0).all()):
        raise DatasetError(
            "A sample does not say where in its image it is. Make the samples again."
        )
    return samples


def _count_per_epoch(parts: Sequence[WeightedSamples], rows: Sequence[I64]) -> list[int]:
    """Find how many samples of each set an epoch shows."""
    if not all(part.share > 0 for part in parts) or not all(map(len, rows)):
        raise TrainingError(
            "A set of samples that is to be mixed in is empty, or its share is 0. Leave it out."
        )
    per_share = len(rows[0]) / parts[0].share
    return [max(round(per_share * part.share), 1) for part in parts]


def _patch_from_image(xy: np.ndarray, views: ViewBatch) -> np.ndarray:
    """Transform points of each sample's image, (B, J, 2), px, into its patch, float32."""
    maps = views.image_from_crop.numpy().astype(float)
    centred = xy - maps[:, None, :, 2]
    return (np.einsum("bij,bkj->bki", np.linalg.inv(maps[:, :, :2]), centred) - HALF_CROP).astype(
        np.float32
    )


def _patch_from_camera(xyz: np.ndarray, root_depth_m: np.ndarray, views: ViewBatch) -> np.ndarray:
    """Transform poses, (B, J, 3), m, camera, into patches, as `crops.patch_from_camera`."""
    here = replace(views, cam_from_world=torch.eye(4).expand(len(xyz), 4, 4))
    uv, visible = patch_from_world(torch.from_numpy(np.asarray(xyz, np.float32)), here)
    uv = np.where(visible[..., None].numpy(), uv.numpy(), np.nan)
    depth = root_depth_m[:, None]
    w = (xyz[..., 2] - depth) / (views.field_at_1m.numpy()[:, None] * depth)
    return np.concatenate([uv, w[..., None]], -1).astype(np.float32)
