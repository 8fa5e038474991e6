"""Something tiny to train: a network of a few thousand weights, and batches with visible joints."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from training.data.batches import Batch
from training.data.reprojection import ViewBatch
from training.networks.compact import CompactConfig, CompactNetwork

JOINTS, SIZE_PX = 2, 128
TINY = CompactConfig(joints=JOINTS, size_px=SIZE_PX, volume_depth=2, widths=(4, 4, 4, 4))


def make_tiny_network(seed: int = 0, config: CompactConfig = TINY) -> CompactNetwork:
    """Build the network with weights by seed."""
    torch.manual_seed(seed)
    return CompactNetwork(config)


def make_views(count: int) -> ViewBatch:
    """Describe cameras that look at the origin from 4 m, their crops 2 m wide."""
    maps = torch.tensor([[1000.0, 0.0, 0.0], [0.0, 1000.0, 0.0]]).expand(count, 2, 3)
    matrix = torch.tensor([[2000.0, 0.0, 500.0], [0.0, 2000.0, 500.0], [0.0, 0.0, 1.0]]).expand(
        count, 3, 3
    )
    moved = torch.eye(4)
    moved[2, 3] = 4.0
    return ViewBatch(
        maps, matrix, torch.zeros(count, 5), moved.expand(count, 4, 4), torch.full((count,), 0.5)
    )


@dataclass
class FakeBatches:
    """Batches of dark images, a bright square at the first joint; the others' labels are constant.

    Parameters
    ----------
    count
        In an epoch.
    size
        Samples of each.
    spoiled
        Numbers of the batches, over all epochs, whose labels are NaN.
    """

    count: int = 4
    size: int = 4
    spoiled: tuple[int, ...] = ()
    served_count: int = 0

    def __len__(self) -> int:
        return self.count

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Give the batches of one epoch."""
        for position in range(first, self.count):
            batch = self.batch(torch.Generator().manual_seed(1000 * number + position))
            if self.served_count in self.spoiled:
                batch.image[:] = torch.nan
            self.served_count += 1
            yield batch

    def batch(self, generator: torch.Generator) -> Batch:
        """Make one batch."""
        n = self.size
        cells = torch.randint(0, 8, (n, 2), generator=generator)
        image = torch.zeros(n, 3, SIZE_PX, SIZE_PX)
        for sample, (x, y) in enumerate(cells.tolist()):
            image[sample, :, 16 * y : 16 * y + 16, 16 * x : 16 * x + 16] = 2.0
        uvw = torch.zeros(n, JOINTS, 3)
        uvw[:, 0, :2] = (cells + 0.5) / 8 - 0.5
        ones, uv = torch.ones(n, JOINTS), uvw[..., :2].clone()
        return Batch(
            image,
            uvw,
            ones,
            uv,
            ones.clone(),
            torch.full((n,), 4.0),
            make_views(n),
            None,
            torch.arange(n),
        )
