"""Losses, in the coordinates of the crop, where 1 is its width (2 m around most people)."""

import torch
from torch import Tensor

from training.data.reprojection import OtherView, ViewBatch, patch_from_world, world_from_patch
from training.networks.volume import cell_centres

MIN_SHARE = 1e-6
"""Of a cell: the logarithm of nothing would be infinite."""


def smooth_l1(predicted: Tensor, target: Tensor, weight: Tensor, *, beta: float) -> Tensor:
    """Return the mean robust distance of joints from where they should be.

    Parameters
    ----------
    predicted, target : (B, J, C)
        `target` is NaN where unknown: it then neither counts nor spoils a gradient.
    weight : (B, J)
        0 leaves a joint out; usually the label's.
    beta
        Where the square becomes a line.

    Returns
    -------
    loss : ()
        Summed over C, averaged over all joints of the batch: those without a label count as right,
        so that a batch of few labels does not dominate. 0 where there are none; NaN where a
        prediction is, so that the loop notices.

    Notes
    -----
    Smooth L1 of Girshick, "Fast R-CNN", ICCV 2015, scaled so that its slope beyond `beta` is 1.
    """
    error = (predicted - torch.where(torch.isfinite(target), target, predicted.detach())).abs()
    rho = torch.where(error < beta, 0.5 * error * error / beta, error - 0.5 * beta)
    sure = torch.where(torch.isfinite(weight), weight, 0.0)
    return (rho.sum(-1) * sure).sum() / weight.numel()


def heat_loss(shares: tuple[Tensor, Tensor, Tensor], target_uvw: Tensor, weight: Tensor) -> Tensor:
    """Return the cross-entropy of the volumes with where the joints should be.

    Parameters
    ----------
    shares : (B, J, W), (B, J, H), (B, J, D)
        From `PoseNetwork.marginals`.
    target_uvw : (B, J, 3)
        NaN where nothing is known.
    weight : (B, J)

    Returns
    -------
    loss : ()
        Cross-entropy with a Gaussian of one cell around each coordinate, summed over the axes,
        averaged over joints.

    Notes
    -----
    The expectation alone gives an untrained network hardly any gradient: from an even volume,
    its gradient is the same for near and far cells on one side. The cross-entropy names the cell.
    The published recipe has no such term; networks that start from ImageNet's weights need none.
    """
    loss = weight.new_zeros(())
    sure = torch.where(torch.isfinite(weight), weight, 0.0)
    for axis, share in enumerate(shares):
        if share.shape[-1] == 1:
            continue
        place = target_uvw[..., axis]
        known = torch.isfinite(place)
        away = (
            cell_centres(share.shape[-1], share) - torch.where(known, place, 0.0)[..., None]
        ) * share.shape[-1]
        target = torch.softmax(-0.5 * away * away, -1)
        entropy = -(target * torch.log(share + MIN_SHARE)).sum(-1)
        loss = loss + (entropy * sure * known).sum() / weight.numel()
    return loss


def reprojection_loss(
    uvw: Tensor, root_depth_m: Tensor, views: ViewBatch, other: OtherView, *, beta: float
) -> Tensor:
    """Return how far a pose of one view is, in another view, from the joints found there.

    Parameters
    ----------
    uvw : (B, J, 3)
        As the network sees the pose.
    root_depth_m : (B,)
        Of the root joint, from its label; NaN where that was rejected: the sample then adds
        nothing here.
    views
        Of the network's own crops.
    other
        The view that judges. A joint whose label in the room was rejected still counts here.
    beta
        As in `smooth_l1`.

    Returns
    -------
    loss : ()

    Notes
    -----
    The transformed reprojection of Geometry-Driven self-supervision (Li et al., AAAI 2020), but
    robust, and in crops rather than pixels, so that near and far people, wide and long lenses count
    alike. Alone it does not converge from random weights; beside labels (as in TriPose) it reduces
    their noise.
    """
    placed = torch.isfinite(root_depth_m)
    depth = torch.where(placed, root_depth_m, torch.ones_like(root_depth_m))
    seen, visible = patch_from_world(world_from_patch(uvw.float(), depth, views), other.views)
    return smooth_l1(seen, other.uv, other.weight * (placed[:, None] & visible), beta=beta)
