"""Batches of shards that another process draws meanwhile: fresh samples beat repeated ones."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from training.data.batches import Batch, BatchSource
from training.data.samples import Samples
from training.studio.samples import StudioSampleConfig
from training.studio.shards import Shard, ShardSpool


class Shards(Protocol):
    """Where shards come from."""

    def get_shard(self, number: int) -> Samples:
        """Return a shard, the same for the same number; waits for it. Earlier ones may go."""
        ...


class SpooledShards:
    """Shards of the studio, drawn ahead from now on.

    Parameters
    ----------
    folder
        Of the spool's own.
    config
    ahead
        Shards on the disk at most.
    first
        Number of the first shard that will be requested.

    Raises
    ------
    TrainingError
        As `training.studio.shards.ShardSpool`.
    """

    def __init__(
        self, folder: Path, config: StudioSampleConfig, *, ahead: int, first: int = 0
    ) -> None:
        self._spool = ShardSpool(folder, config, ahead=ahead, first=first)
        self._shown: Shard | None = None

    def __enter__(self) -> "SpooledShards":
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def get_shard(self, number: int) -> Samples:
        """Return a shard, no earlier one than the last; those before it are deleted.

        Raises
        ------
        TrainingError
            If there will be no more: the disk is full, or the process was killed or failed.
        """
        while self._shown is None or self._shown.number < number:
            if self._shown is not None:
                self._spool.release(self._shown)
            self._shown = self._spool.next()
        return self._shown.samples()


class ShardBatches:
    """An endless row of shards as epochs: each shard is shown `repeats` times.

    Parameters
    ----------
    shards
    batches_of
        Makes the batches of one shard.
    repeats
        Of each shard; every time it is shuffled and augmented again.
    count
        Batches in an epoch, alike for all shards.
    """

    def __init__(
        self,
        shards: Shards,
        batches_of: Callable[[Samples], BatchSource],
        *,
        repeats: int,
        count: int,
    ) -> None:
        self._shards = shards
        self._batches_of = batches_of
        self._repeats = repeats
        self._count = count
        self._shown: tuple[int, BatchSource] | None = None

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._count

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch.

        Parameters
        ----------
        number
            0-based; `repeats` of them show one shard.
        first
            Of the batches to give.

        Returns
        -------
        batches
            The same for the same `number`; those of one shard differ in order and augmentation.
        """
        shard = number // self._repeats
        if self._shown is None or self._shown[0] != shard:
            self._shown = None  # its crops may be mapped from a file to be deleted
            self._shown = shard, self._batches_of(self._shards.get_shard(shard))
        return self._shown[1].epoch(number, first)
