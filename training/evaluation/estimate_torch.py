"""The estimate of a network in torch."""

from pathlib import Path

import numpy as np
import torch

from calibration.geometry.arrays import F32
from training.evaluation.estimate_samples import EstimateFunction
from training.evaluation.evaluated_model import EvaluatedModel
from training.loop.checkpoint import load_checkpoint, network_from_checkpoint
from training.networks.pose_network import PoseNetwork


def make_torch_estimate(network: PoseNetwork) -> EstimateFunction:
    """Return a network as an `EstimateFunction`.

    Parameters
    ----------
    network
        On any device, in float32. Its training mode is restored after each call.
    """

    def estimate(image: F32) -> F32:
        was_training = network.training
        network.eval()
        try:
            with torch.inference_mode():
                where = next(network.parameters()).device
                return np.asarray(
                    network(torch.from_numpy(image).to(where)).float().cpu().numpy(), np.float32
                )
        finally:
            network.train(was_training)

    return estimate


def open_checkpoint(path: Path) -> EvaluatedModel:
    """Open the network of a checkpoint, with its averaged weights.

    Raises
    ------
    TrainingError
        If there is none, or it is damaged.
    """
    checkpoint = load_checkpoint(path)
    estimate = make_torch_estimate(network_from_checkpoint(checkpoint))
    return EvaluatedModel(str(path), checkpoint.skeleton, checkpoint.network.size_px, estimate)
