"""Transfer: the weights of a trained network, given to another."""

import torch

from training.errors import WeightsError
from training.networks.pose_network import PoseNetwork


def transfer_weights(source: PoseNetwork, target: PoseNetwork) -> None:
    """Copy the weights of a network into another, from two dimensions to three as well.

    Parameters
    ----------
    source
        Trained in 2D (``volume_depth = 1`` is enough, and far cheaper) or in 3D.
    target
        Is changed. Of the same make; its volume may be deeper than a flat one.

    Raises
    ------
    WeightsError
        If they are of different makes, joints, or depths of which the first is not 1.

    Notes
    -----
    From a flat volume every layer of the deep one starts with the same scores: x and y are what
    they were, and z is 0.
    """
    if target.joints != source.joints or source.volume_depth not in (1, target.volume_depth):
        raise WeightsError(
            f"Weights for {source.joints} joints in a volume {source.volume_depth} deep do not fit "
            f"a network of {target.joints} joints and depth {target.volume_depth}. Build both for "
            "the same joints."
        )
    weights = dict(source.state_dict())
    if source.volume_depth != target.volume_depth:
        for name in ("scores.weight", "scores.bias"):
            weights[name] = _expand_depth(weights[name], target)
    try:
        target.load_state_dict(weights)
    except RuntimeError as error:
        raise WeightsError(
            f"The weights of a {type(source).__name__} do not fit this {type(target).__name__}: it "
            "is made of other parts. Build both with the same depth, attention and waterfall."
        ) from error


def _expand_depth(flat: torch.Tensor, target: PoseNetwork) -> torch.Tensor:
    """Repeat the rows of a flat head, (J × cells, ...), for every layer of (J × D × cells, ...)."""
    rows = flat.unflatten(0, (target.joints, 1, target.cells_per_channel))
    return rows.expand(-1, target.volume_depth, *rows.shape[2:]).flatten(0, 2).contiguous()
