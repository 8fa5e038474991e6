"""Judge: the error of a network on held-out samples; one figure, for stopping and the best."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from training.data.batches import Batch, BatchSource
from training.data.crops import FIELD_M
from training.data.reprojection import world_from_patch
from training.loop.runs import Judge
from training.networks.pose_network import PoseNetwork


def make_judge(batches: BatchSource, root: int) -> Judge:
    """Make the function that measures a network on held-out samples.

    Parameters
    ----------
    batches
        Of held-out samples, without augmentation; their first epoch judges.
    root
        Position of the root joint.

    Returns
    -------
    judge
        Returns mm: the mean distance of the joints that have a label from it, both relative to the
        root and at the label's depth. A flat network is given the label's depth for every joint;
        where no depth is known the distance is that in the image, in a crop that is 2 m wide. NaN
        where nothing has a label.
    """

    @torch.no_grad()
    def judge(network: PoseNetwork) -> float:
        device = next(network.parameters()).device
        errors = [
            error for batch in batches.epoch(0) for error in _errors_m(network, batch.to(device))
        ]
        return 1000.0 * float(torch.cat(errors).mean()) if errors else math.nan

    def _errors_m(network: PoseNetwork, batch: Batch) -> Iterator[Tensor]:
        """Return the distances, in m, of a batch's labelled joints."""
        uvw = network(batch.image.contiguous(memory_format=torch.channels_last))
        if network.volume_depth == 1:
            uvw = torch.cat([uvw[..., :2], batch.uvw[..., 2:]], -1)
        deep = torch.isfinite(batch.uvw).all(-1) & torch.isfinite(batch.root_depth_m)[:, None]
        labelled = batch.weight > 0
        placed = deep & deep[:, root : root + 1] & labelled
        if placed.any():
            found, target = (_to_root_relative(points, batch, root) for points in (uvw, batch.uvw))
            yield (found - target).norm(dim=-1)[placed]
        flat = (
            ~torch.isfinite(batch.root_depth_m)[:, None]
            & labelled
            & torch.isfinite(batch.uvw[..., :2]).all(-1)
        )
        if flat.any():
            yield FIELD_M * (uvw - batch.uvw)[..., :2].norm(dim=-1)[flat]

    return judge


def _to_root_relative(uvw: Tensor, batch: Batch, root: int) -> Tensor:
    """Convert poses in the patch to metres around their roots, (B, J, 3)."""
    here = torch.eye(4, device=uvw.device).expand(len(uvw), 4, 4)
    xyz = world_from_patch(uvw, batch.root_depth_m, replace(batch.views, cam_from_world=here))
    return xyz - xyz[:, root : root + 1]
