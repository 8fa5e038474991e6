"""How large a network is: its parameters and its multiplications."""

import math

import torch
from torch import Tensor, nn


def count_parameters(network: nn.Module) -> int:
    """Count a network's parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, size_px: int) -> int:
    """Count the multiply-accumulates of the convolutions for one image.

    Parameters
    ----------
    network
        On any device; on ``meta`` nothing is computed.
    size_px
        Side of the image.

    Returns
    -------
    macs
        Of convolutions and transposed convolutions; batch norms, activations and attention pools
        are not counted.
    """
    macs = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        nonlocal macs
        if isinstance(layer, nn.Conv2d):
            macs += made.shape[1:].numel() * layer.weight.shape[1:].numel()
        elif isinstance(layer, nn.ConvTranspose2d):
            macs += given[0].shape[1:].numel() * math.prod(layer.weight.shape[1:])

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(
                torch.zeros(1, 3, size_px, size_px, device=next(network.parameters()).device)
            )
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return macs
