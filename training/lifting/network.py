"""LifterNetwork: a few hundred thousand numbers that turn a window of joints into a pose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.reconstruction.body_size import LIMBS

OWN_INPUTS = 3 * len(LIMBS) + 1
"""Of the 2D model's own guess, the last ones of a window."""
_LOG_SIGMA_RANGE = (-4.5, 1.5)
"""Of what it can claim: 4 mm to 1.5 m of a person of usual size."""


@dataclass(frozen=True, slots=True)
class LifterShape:
    """How large a lifter is.

    Parameters
    ----------
    inputs
        Length of what `engine.monocular.joint_window.build_inputs` makes.
    width
    blocks
        Residual ones, of two layers each (Martinez et al. 2017).
    dropout
    """

    inputs: int
    width: int = 400
    blocks: int = 3
    dropout: float = 0.05


class Lifted(NamedTuple):
    """What a lifter says.

    Parameters
    ----------
    joints : (N, 12, 3), look
        In units of the mean length of eight bones.
    log_sigma : (N, 12, 3)
        Natural logarithm of the standard deviation, per axis.
    up : (N, 3), look
        Not of unit length.
    """

    joints: Tensor
    log_sigma: Tensor
    up: Tensor


class LifterNetwork(nn.Module):
    """Linear layers with residual blocks; one pose of one person per row.

    Parameters
    ----------
    shape
    """

    def __init__(self, shape: LifterShape) -> None:
        super().__init__()
        self.shape = shape
        self.first = nn.Linear(shape.inputs, shape.width)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.blocks))
        self.last = nn.Linear(shape.width, 2 * 3 * len(LIMBS) + 3)

    def forward(self, inputs: Tensor) -> Lifted:
        """Lift N windows, (N, F)."""
        hidden = functional.relu(self.first(inputs))
        for block in self.blocks:
            hidden = block(hidden)
        answer = self.last(hidden)
        size = 3 * len(LIMBS)
        shape = (-1, len(LIMBS), 3)
        log_sigma = answer[:, size : 2 * size].clamp(*_LOG_SIGMA_RANGE)
        return Lifted(
            answer[:, :size].reshape(shape), log_sigma.reshape(shape), answer[:, 2 * size :]
        )


class LifterEnsemble(nn.Module):
    """Several lifters that were trained apart: their mean is better than each, and says how far to
    trust it.

    Parameters
    ----------
    members
        Of one shape.
    sees_own : one per member
        Whether it is shown the 2D model's own guess. One that is not cannot be misled by it.
    """

    mask: Tensor
    log_scale: Tensor

    def __init__(self, members: Sequence[LifterNetwork], sees_own: Sequence[bool]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        inputs = members[0].shape.inputs
        self.sees_own = tuple(sees_own)
        mask = torch.ones(len(members), inputs)
        for row, sees in enumerate(sees_own):
            mask[row, inputs - OWN_INPUTS :] = float(sees)
        self.register_buffer("mask", mask)
        self.register_buffer("log_scale", torch.zeros(1))

    @property
    def inputs(self) -> int:
        """Length of what it sees."""
        return int(self.mask.shape[1])

    def forward(self, inputs: Tensor) -> Lifted:
        """Lift N windows, (N, F): the mean, and the variance of a mixture of Gaussians."""
        # What a member sees whole is not multiplied by ones: runtimes would rename the input.
        answers = [
            member(inputs if sees else inputs * self.mask[row])
            for row, (member, sees) in enumerate(zip(self.members, self.sees_own))
        ]
        joints = torch.stack([answer.joints for answer in answers])
        mean = joints.mean(0)
        within = torch.stack([torch.exp(2 * answer.log_sigma) for answer in answers]).mean(0)
        between = (joints - mean).square().mean(0)
        log_sigma = 0.5 * torch.log(within + between) + self.log_scale
        up = torch.stack([functional.normalize(answer.up, dim=1) for answer in answers]).sum(0)
        return Lifted(mean, log_sigma, up)


class _Block(nn.Module):
    """Two layers beside a straight connection."""

    def __init__(self, shape: LifterShape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Linear(shape.width, shape.width),
                nn.BatchNorm1d(shape.width),
                nn.ReLU(),
                nn.Dropout(shape.dropout),
            ]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, hidden: Tensor) -> Tensor:
        """Add what two layers make of it."""
        return hidden + self.layers(hidden)


def lifter_loss(lifted: Lifted, joints: Tensor, up: Tensor) -> Tensor:
    """Measure a lifter's answers.

    Parameters
    ----------
    lifted
    joints : (N, 12, 3), look
        The truth.
    up : (N, 3), look

    Returns
    -------
    loss
        Of the joints, Huber's; of their sigmas, the Gaussian likelihood of the errors as they are,
        so that being unsure never pays for being wrong; of up, the squared chord.
    """
    error = (lifted.joints - joints).abs()
    place = functional.smooth_l1_loss(lifted.joints, joints, beta=_HUBER)
    ratio = (error.detach() * torch.exp(-lifted.log_sigma)).square().clamp(max=_MAX_RATIO)
    claim = (0.5 * ratio + lifted.log_sigma).mean()
    chord = (functional.normalize(lifted.up, dim=1) - up).square().sum(1).mean()
    return place + _CLAIM_WEIGHT * claim + _UP_WEIGHT * chord


_HUBER = 0.1
_MAX_RATIO = 50.0
_CLAIM_WEIGHT, _UP_WEIGHT = 0.1, 0.1
