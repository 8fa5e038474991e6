"""Learner: a network, its optimizer and its averaged copy; one step, and the state to resume."""

import math
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from training.data.batches import Batch
from training.loop.checkpoint import Checkpoint
from training.loop.config import TrainConfig
from training.loop.devices import Placement
from training.loop.losses import heat_loss, reprojection_loss, smooth_l1
from training.networks.pose_network import PoseNetwork
from training.networks.volume import compute_expected_positions


class Learner:
    """A network that is trained on a device.

    Parameters
    ----------
    network
        Is changed.
    config
    placement

    Attributes
    ----------
    network, placement
    average
        The network with its weights averaged over the last steps, in evaluation.
    """

    def __init__(self, network: PoseNetwork, config: TrainConfig, placement: Placement) -> None:
        self._config, self.placement = config, placement
        self.network = network.to(  # type: ignore[call-overload]
            placement.device, memory_format=torch.channels_last
        )
        self.network.train()
        self.network.requires_grad_(True)
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        self._optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate, fused=True
        )
        self._scaler = torch.amp.GradScaler(
            placement.device.type, enabled=placement.dtype == torch.float16
        )
        self._worker: nn.Module = _MarginalsModule(self.network)
        if placement.world_size > 1:
            ids = [placement.device.index] if placement.device.type == "cuda" else None
            self._worker = DistributedDataParallel(self._worker, device_ids=ids)
        self._steps = 0

    def train_step(self, batch: Batch, rate: float) -> float:
        """Train on one batch.

        Parameters
        ----------
        batch
            Of two samples or more: batch norm cannot norm a single value.
        rate
            Learning rate.

        Returns
        -------
        loss
            NaN where it, or a gradient, is NaN or infinite; the weights are then as they were.
        """
        batch = batch.to(self.placement.device)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        with self.placement.autocast():
            shares = self._worker(batch.image.contiguous(memory_format=torch.channels_last))
        loss = compute_loss(
            compute_expected_positions(shares),
            batch,
            self._config,
            flat=self.network.volume_depth == 1,
        )
        if self._config.heat_weight > 0:
            loss = loss + self._config.heat_weight * heat_loss(shares, batch.uvw, batch.weight)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self._config.clip)
        loss_value = loss.item()
        if not math.isfinite(loss_value) or not (self._scaler.is_enabled() or torch.isfinite(norm)):
            return math.nan
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._update_average()
        return loss_value

    def state(self) -> dict[str, Any]:
        """Return a copy of what the next step needs: `weights`, `ema`, `optimizer`, `random`."""
        random = {"cpu": torch.get_rng_state()}
        if self.placement.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.placement.device)
        optimizer = {
            "adam": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "steps": self._steps,
        }
        weights = self.network.state_dict()
        ema = self.average.state_dict()
        return {
            "weights": _copy_to_cpu(weights),
            "ema": _copy_to_cpu(ema),
            "optimizer": _copy_to_cpu(optimizer),
            "random": _copy_to_cpu(random),
        }

    def restore(self, kept: Checkpoint) -> None:
        """Restore a checkpoint with an optimizer; `restore_random` does the random state."""
        optimizer = _copy_to_cpu(kept.optimizer)  # an optimizer keeps the tensors it is given
        self.network.load_state_dict(kept.weights)
        self.average.load_state_dict(kept.weights if kept.ema is None else kept.ema)
        self._optimizer.load_state_dict(optimizer["adam"])
        self._scaler.load_state_dict(optimizer["scaler"])
        self._steps = optimizer["steps"]

    def restore_random(self, kept: Checkpoint) -> None:
        """Continue the random numbers from where the checkpoint left them."""
        torch.set_rng_state(kept.random["cpu"])
        if "cuda" in kept.random and self.placement.device.type == "cuda":
            torch.cuda.set_rng_state(kept.random["cuda"], self.placement.device)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the averaged weights and batch norms towards the present ones; fast at first."""
        self._steps += 1
        kept = min(self._config.ema, self._steps / (self._steps + 9.0))
        present = self.network.state_dict()
        for name, average in self.average.state_dict().items():
            if average.is_floating_point():
                average.lerp_(present[name], 1.0 - kept)
            else:
                average.copy_(present[name])


class _MarginalsModule(nn.Module):
    """The forward of training: several processes can share the work only through a forward."""

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the marginals of the volumes."""
        return self.network.marginals(image)


def compute_loss(uvw: Tensor, batch: Batch, config: TrainConfig, *, flat: bool) -> Tensor:
    """Return the loss of a batch: its labels, and what another view saw.

    Parameters
    ----------
    uvw : (B, J, 3)
    batch
    config
        `beta`, `reprojection_weight`.
    flat
        Leaves out depth, and with it the other view: a network of two dimensions has neither.

    Returns
    -------
    loss : ()
    """
    axes = 2 if flat else 3
    loss = smooth_l1(uvw[..., :axes], batch.uvw[..., :axes], batch.weight, beta=config.beta)
    if flat or batch.other is None or config.reprojection_weight == 0:
        return loss
    seen = reprojection_loss(uvw, batch.root_depth_m, batch.views, batch.other, beta=config.beta)
    return loss + config.reprojection_weight * seen


def _copy_to_cpu(value: Any) -> Any:
    """Copy all tensors within a value to the processor's memory."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copy_to_cpu(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy_to_cpu(item) for item in value]
    return value
