"""Batch norms folded into the convolutions before them, for a network after training."""

from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fuse_batch_norms(network: Network) -> Network:
    """Return a copy of a network that computes the same with fewer steps.

    Parameters
    ----------
    network
        Is not changed. Each batch norm follows its convolution in the order in which they were
        made.

    Returns
    -------
    copy
        In evaluation; no batch norm is left in it, and its state dict names what an ONNX file of it
        will hold. Every convolution has a bias: for one without, the exporter writes a CastLike,
        which TensorRT may not read.

    Raises
    ------
    ValueError
        If a batch norm follows no convolution.
    """
    copy = deepcopy(network).eval()
    for module in list(copy.modules()):
        children = list(module.named_children())
        for (name, child), (next_name, follower) in pairwise(children):
            if isinstance(child, (nn.Conv2d, nn.ConvTranspose2d)) and isinstance(
                follower, nn.BatchNorm2d
            ):
                transposed = isinstance(child, nn.ConvTranspose2d)
                setattr(module, name, fuse_conv_bn_eval(child, follower, transposed))
                setattr(module, next_name, nn.Identity())
    for module in copy.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) and module.bias is None:
            module.bias = nn.Parameter(module.weight.new_zeros(module.out_channels))
    left = [name for name, module in copy.named_modules() if isinstance(module, nn.BatchNorm2d)]
    if left:
        raise ValueError(f"The batch norm '{left[0]}' follows no convolution and cannot be fused.")
    return copy
