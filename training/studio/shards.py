"""Shards of studio samples, drawn ahead by another process, so that training never waits.

A shard is a folder of samples. Shard k of a seed is always the same, whatever was drawn before it;
the spool keeps a few ahead, and a shard that was used is deleted.
"""

import logging
import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import cv2

from calibration.skeleton import load_skeleton
from engine.child import isolated_spawn
from engine.disk import FolderLock, InUseError
from training.config import config_from_toml, config_to_toml
from training.data.samples import Samples, SampleWriter, open_samples
from training.errors import TrainingError
from training.studio.child import BROKEN, MADE, serve
from training.studio.samples import StudioSampleConfig, StudioSampler

WORK = "training.studio.shards:shard_maker"
SHARD_PATTERN = "shard_*"
POLL_INTERVAL_S = 1.0  # Ctrl-C is noticed within this
EXIT_TIMEOUT_S = 30.0  # a killed process is gone at once, on a busy machine in a while
PROCESS_ENDED = (
    "The process that draws studio samples ended unexpectedly (exit code {code}); the machine "
    "may have run out of memory. Close other programs, then go on: the next shard is drawn "
    "again."
)
PROCESS_FAILED = "Internal error in the process that draws studio samples. Details are in the log."

logger = logging.getLogger(__name__)


def render_shard(
    folder: Path,
    config: StudioSampleConfig,
    number: int = 0,
    *,
    sampler: StudioSampler | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Draw a shard into a folder of its own.

    Parameters
    ----------
    folder
        New, or left over from a making that was cut short.
    config
    number
        Which portion of the endless row.
    sampler
        Holds bodies from earlier shards; None starts empty.
    on_progress
        Called every 96 samples; may raise to end the work, which leaves no shard.

    Raises
    ------
    TrainingError
        If the disk refuses, or a shard is there already.
    """
    sampler = sampler or StudioSampler()
    with SampleWriter(folder, load_skeleton(config.skeleton), config.stored_px) as writer:
        for samples in sampler.draw(config, number):
            writer.append(samples)
            on_progress()
        writer.finish()


def shard_maker(config_toml: str) -> Callable[[str, int, Callable[[], None]], None]:
    """Return what makes one shard after the other in the child; see `child.serve`."""
    config = config_from_toml(StudioSampleConfig, config_toml)
    sampler = StudioSampler()
    cv2.setNumThreads(1)

    def make(spool: str, number: int, on_progress: Callable[[], None]) -> None:
        """Draw a shard into the spool."""
        render_shard(
            shard_folder(Path(spool), number),
            config,
            number,
            sampler=sampler,
            on_progress=on_progress,
        )

    return make


def shard_folder(spool: Path, number: int) -> Path:
    """Return the folder of a shard."""
    return spool / f"shard_{number:06d}"


class ShardRenderer:
    """The process that draws shards, each when it is requested.

    Parameters
    ----------
    spool
        Folder of the shards.
    config
    first
        Number of the first shard.
    work
        ``module:function`` that makes the shards; see `child.serve`.

    Raises
    ------
    TrainingError
        If the machine has no room for a process.
    """

    def __init__(
        self, spool: Path, config: StudioSampleConfig, *, first: int = 0, work: str = WORK
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        words = (theirs, work, str(spool), config_to_toml(config), first)
        child = spawn.Process(target=serve, args=words, name="studio shards", daemon=True)
        try:
            with isolated_spawn():
                child.start()
        except OSError as error:
            ours.close()
            raise TrainingError(
                "The process that draws studio samples cannot be started: "
                f"{error.strerror or error}. Close other programs, then try again."
            ) from error
        finally:
            theirs.close()  # so that the child's death ends the pipe
        self._pipe: Connection = ours
        self._child: SpawnProcess = child

    def request_shard(self) -> None:
        """Request one more shard; never waits. `poll_shard` reports a child that is gone."""
        try:
            self._pipe.send(None)
        except OSError:
            logger.debug("A shard was requested, but the process is gone.")

    def poll_shard(self, timeout_s: float = 0.0) -> int | None:
        """Return the next finished shard, waiting a little for one.

        Returns
        -------
        number
            None where none was finished in time.

        Raises
        ------
        TrainingError
            If there will be no more: the disk is full, or the process was killed or failed.
        """
        try:
            if not self._pipe.poll(timeout_s):
                return None
            kind, content = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._child.join(EXIT_TIMEOUT_S)
            raise TrainingError(PROCESS_ENDED.format(code=self._child.exitcode)) from error
        if kind == MADE:
            return int(content)
        if kind == BROKEN:
            logger.error("Drawing studio samples failed:\n%s", content)
        raise TrainingError(PROCESS_FAILED if kind == BROKEN else content)

    def close(self) -> None:
        """Kill the process, and wait until it has ended; may be called twice."""
        self._pipe.close()
        if self._child.is_alive():
            self._child.kill()
        self._child.join(EXIT_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished shard.

    Parameters
    ----------
    number
        Which of the endless row.
    folder
    """

    number: int
    folder: Path

    def samples(self) -> Samples:
        """Open it; the crops stay on the disk until they are looked at."""
        return open_samples(self.folder)


class ShardSpool:
    """A few shards ahead of their reader.

    Parameters
    ----------
    folder
        Of the spool's own; shards that an earlier run left in it are deleted.
    config
    ahead
        How many shards there are at most, those in use included: so much of the disk is needed, 110
        kB per sample.
    first
        Number of the first shard; a resumed run continues where it stopped.
    work
        ``module:function`` that makes the shards; see `child.serve`.

    Raises
    ------
    TrainingError
        If another run uses the folder, the disk refuses, or the process does not start.
    """

    def __init__(
        self,
        folder: Path,
        config: StudioSampleConfig,
        *,
        ahead: int = 3,
        first: int = 0,
        work: str = WORK,
    ) -> None:
        self._folder = Path(folder)
        self._hold = _hold_empty_folder(self._folder)
        try:
            self._renderer = ShardRenderer(self._folder, config, first=first, work=work)
        except BaseException:
            self._hold.release()
            raise
        self._free = max(ahead, 1)  # shards that are requested and not yet handed out
        for _ in range(self._free):
            self._renderer.request_shard()

    def __enter__(self) -> "ShardSpool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next(self) -> Shard:
        """Return the next shard, each once and in order; waits for as long as the process lives.

        How long a shard takes depends on the machine, and the first one waits for its bodies.

        Returns
        -------
        shard
            Stays on the disk until it is released.

        Raises
        ------
        TrainingError
            If the disk is full, or the process was killed or failed.
        ValueError
            If all shards are in use, so that none can come.
        """
        if self._free == 0:
            raise ValueError("All shards are in use. Release one before the next.")
        while (shard := self.ready(POLL_INTERVAL_S)) is None:
            pass
        return shard

    def ready(self, timeout_s: float = 0.0) -> Shard | None:
        """Return the next shard if it is there, or comes within a time; raises as `next` does."""
        number = self._renderer.poll_shard(timeout_s)
        if number is None:
            return None
        self._free -= 1
        return Shard(number, shard_folder(self._folder, number))

    def release(self, shard: Shard) -> None:
        """Delete a shard and make room for another.

        Parameters
        ----------
        shard
            None of its samples may be in use any more.
        """
        shutil.rmtree(shard.folder)
        self._free += 1
        self._renderer.request_shard()

    def close(self) -> None:
        """Kill the process, wait for its end, and delete what is left; may be called twice."""
        self._renderer.close()
        _delete_shards(self._folder)
        self._hold.release()


def _hold_empty_folder(folder: Path) -> FolderLock:
    """Make the spool's folder, hold it, and delete what an earlier run left."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hold = FolderLock(folder)
    except InUseError as error:
        raise TrainingError(
            f"Another run draws its samples into '{folder}'. Wait for it, or end it."
        ) from error
    except OSError as error:
        raise TrainingError(
            f"'{folder}' cannot be used for samples: {error.strerror or error}."
        ) from error
    _delete_shards(folder)
    return hold


def _delete_shards(folder: Path) -> None:
    """Delete the shards of a spool; what is still read stays until the spool is next used."""
    for shard in folder.glob(SHARD_PATTERN):
        shutil.rmtree(shard, ignore_errors=True)
