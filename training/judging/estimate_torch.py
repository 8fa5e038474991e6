"""The estimate of a network in torch."""

from pathlib import Path

import numpy as np
import torch

from calibration.geometry.arrays import F32
from training.judging.estimate_samples import Estimate
from training.judging.judged_network import JudgedNetwork
from training.loop.checkpoint import load_checkpoint, network_of
from training.networks.pose_network import PoseNetwork


def torch_estimate(network: PoseNetwork) -> Estimate:
    """Return a network as `training.judging.estimate_samples` wants it.

    Parameters
    ----------
    network
        Where it is, in float32. If it is being taught it goes on as before after each call.

    Returns
    -------
    estimate
    """

    def estimate(image: F32) -> F32:
        taught = network.training
        network.eval()
        try:
            with torch.inference_mode():
                where = next(network.parameters()).device
                return np.asarray(network(torch.from_numpy(image).to(where)).float().cpu().numpy(), np.float32)
        finally:
            network.train(taught)

    return estimate


def open_checkpoint(path: Path) -> JudgedNetwork:
    """Open the network of a checkpoint, with its averaged weights.

    Parameters
    ----------
    path

    Returns
    -------
    network

    Raises
    ------
    TrainingError
        If there is none, or it is damaged.
    """
    checkpoint = load_checkpoint(path)
    estimate = torch_estimate(network_of(checkpoint))
    return JudgedNetwork(str(path), checkpoint.skeleton, checkpoint.network.size_px, estimate)
