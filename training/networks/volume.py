"""From a volume of scores per joint to the joint's place in it."""

import torch
from torch import Tensor


def soft_argmax(scores: Tensor) -> Tensor:
    """Return the expected place of each joint under the softmax of its volume.

    Parameters
    ----------
    scores : (B, J, D, H, W)
        Any floating type; the softmax runs in float32, for a bfloat16 sum over 64³ cells stops growing at 256 terms.

    Returns
    -------
    uvw : (B, J, 3), float32
        x along W, y along H, z along D; each within [-0.5, 0.5], where a cell stands for its centre.

    Notes
    -----
    Sums of products, no matrix product: autocast would take that to bfloat16 again.
    """
    batch, joints, depth, height, width = scores.shape
    share = torch.softmax(scores.float().reshape(batch, joints, -1), -1).reshape(scores.shape)
    by_depth_row = share.sum(4)
    x = (share.sum((2, 3)) * cell_centres(width, scores)).sum(-1)
    y = (by_depth_row.sum(2) * cell_centres(height, scores)).sum(-1)
    z = (by_depth_row.sum(3) * cell_centres(depth, scores)).sum(-1)
    return torch.stack([x, y, z], -1)


def cell_centres(count: int, like: Tensor) -> Tensor:
    """Return the centres of `count` equal cells that fill [-0.5, 0.5], (count,), on the device of `like`."""
    return (torch.arange(count, device=like.device, dtype=torch.float32) + 0.5) / count - 0.5
