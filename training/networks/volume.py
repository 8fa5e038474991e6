"""From a volume of scores per joint to the joint's place in it."""

import torch
from torch import Tensor


def soft_argmax(scores: Tensor) -> Tensor:
    """Return the expected place of each joint under the softmax of its volume.

    Parameters
    ----------
    scores : (B, J, D, H, W)
        Any floating type; the softmax runs in float32, for a bfloat16 sum over 64³ cells stops
        growing at 256 terms.

    Returns
    -------
    uvw : (B, J, 3), float32
        x along W, y along H, z along D; each within [-0.5, 0.5], where a cell stands for its
        centre.

    Notes
    -----
    Integral regression (Sun et al., "Integral Human Pose Regression", ECCV 2018). Sums of products,
    no matrix product: autocast would turn that into bfloat16 again.
    """
    return compute_expected_positions(marginals(scores))


def soft_argmax_and_spread(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the expected place of each joint, and the spread of its volume's softmax around it.

    Parameters
    ----------
    scores : (B, J, D, H, W)
        As for `soft_argmax`.

    Returns
    -------
    uvw : (B, J, 3), float32
        Exactly that of `soft_argmax`.
    spread : (B, J, 3), float32
        Standard deviation along each axis, in the same unit. Large where the network hesitates
        between two places; it becomes an error in metres by calibration only.
    """
    shares = marginals(scores)
    middles = [_compute_mean(share) for share in shares]
    spreads = [_compute_spread(share, middle) for share, middle in zip(shares, middles)]
    return torch.stack(middles, -1), torch.stack(spreads, -1)


def marginals(scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how likely each column, each row and each layer is.

    Parameters
    ----------
    scores : (B, J, D, H, W)

    Returns
    -------
    along_x, along_y, along_z : (B, J, W), (B, J, H), (B, J, D), float32
        Each sums to 1.
    """
    batch, joints, *_ = scores.shape
    share = torch.softmax(scores.float().reshape(batch, joints, -1), -1).reshape(scores.shape)
    by_depth_row = share.sum(4)
    return share.sum((2, 3)), by_depth_row.sum(2), by_depth_row.sum(3)


def compute_expected_positions(shares: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Return the expected places, (B, J, 3), of `marginals`."""
    return torch.stack([_compute_mean(share) for share in shares], -1)


def _compute_mean(share: Tensor) -> Tensor:
    """Return the expected place along an axis, (B, J)."""
    return (share * cell_centres(share.shape[-1], share)).sum(-1)


def _compute_spread(share: Tensor, middle: Tensor) -> Tensor:
    """Return the standard deviation along an axis, (B, J)."""
    away = cell_centres(share.shape[-1], share) - middle[..., None]
    return (share * away * away).sum(-1).sqrt()


def cell_centres(count: int, like: Tensor) -> Tensor:
    """Return the centres of `count` equal cells of [-0.5, 0.5], (count,), on `like`'s device."""
    return (torch.arange(count, device=like.device, dtype=torch.float32) + 0.5) / count - 0.5
