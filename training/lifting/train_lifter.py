"""Train a lifter: batches without end, for a number of steps."""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from engine.stages import prefetch
from training.lifting.batches import BatchPlan, LifterBatch
from training.lifting.network import LifterNetwork, LifterShape, lifter_loss

_AHEAD = 3  # batches drawn while the network learns


@dataclass(frozen=True, slots=True)
class LifterConfig:
    """How a lifter is trained.

    Parameters
    ----------
    steps
        Batches.
    rate
        Of learning, at its highest; it rises for the first 2 % and then falls as a cosine.
    decay
        Of the weights.
    average
        Of the averaged weights that are kept, per step.
    seed
    width, blocks
        Of the network.
    """

    steps: int = 10_000
    rate: float = 1.5e-3
    decay: float = 1e-3
    average: float = 0.999
    seed: int = 0
    width: int = 400
    blocks: int = 3


@dataclass(frozen=True, slots=True)
class LifterProgress:
    """Where a training is.

    Parameters
    ----------
    step, steps
    loss
        Mean of the last hundred batches.
    left_s
        Expected time to the end.
    """

    step: int
    steps: int
    loss: float
    left_s: float


def train_lifter(
    plan: BatchPlan,
    config: LifterConfig,
    progress: Callable[[LifterProgress], None] = lambda _: None,
    start: LifterNetwork | None = None,
) -> LifterNetwork:
    """Train a lifter.

    Parameters
    ----------
    plan
        Where batches come from.
    config
    progress
        Called every hundred steps; may raise to cancel.
    start
        A lifter that is trained further; None for a new one.

    Returns
    -------
    network
        With averaged weights, ready for use.
    """
    torch.manual_seed(config.seed)
    batches = draw_batches(plan, config)
    first = next(batches)
    shape = LifterShape(first.inputs.shape[1], config.width, config.blocks)
    network = LifterNetwork(shape) if start is None else deepcopy(start)
    averaged = deepcopy(network)
    optimizer = torch.optim.AdamW(
        network.parameters(), config.rate, weight_decay=config.decay, fused=True
    )
    losses: list[float] = []
    began_s = time.monotonic()
    network.train()
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = config.rate * compute_rate_share(step, config.steps)
        losses.append(_learn(network, optimizer, batch))
        _average(averaged, network, min(config.average, (step + 1) / (step + 10)))
        if (step + 1) % 100 == 0:
            left_s = (time.monotonic() - began_s) / (step + 1) * (config.steps - step - 1)
            progress(LifterProgress(step + 1, config.steps, float(np.mean(losses[-100:])), left_s))
    return averaged.eval()


def draw_batches(plan: BatchPlan, config: LifterConfig) -> Iterator[LifterBatch]:
    """Draw the batches of a training: one to find the sizes, then `steps` of them."""

    def draw(step: int) -> LifterBatch:
        """Draw one; it depends on nothing but its number."""
        return plan.draw(np.random.default_rng([config.seed, step]))

    return prefetch((draw(step) for step in range(config.steps + 1)), _AHEAD)


def compute_rate_share(step: int, steps: int) -> float:
    """Compute the share of the highest learning rate at a step."""
    warm = max(steps // 50, 1)
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(steps - warm, 1)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(done, 1.0))))


def _learn(network: LifterNetwork, optimizer: torch.optim.Optimizer, batch: LifterBatch) -> float:
    """Take one step; return the loss."""
    loss = lifter_loss(
        network(torch.from_numpy(batch.inputs)),
        torch.from_numpy(batch.joints),
        torch.from_numpy(batch.up),
    )
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.item())


def _average(averaged: LifterNetwork, network: LifterNetwork, keep: float) -> None:
    """Move the averaged weights, and the statistics of the batches, towards the network's."""
    with torch.no_grad():
        for mean, now in zip(averaged.state_dict().values(), network.state_dict().values()):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)
