"""WASP: a waterfall of dilated convolutions (Artacho and Savakis, UniPose, CVPR 2020)."""

import torch
from torch import Tensor, nn

DILATIONS_ON_8 = (3, 2, 1)
"""The published ones, 18, 12 and 6, reach beyond a map of 8 × 8: outer taps see only padding.

The fourth published number, 24, belongs to the first branch, a 1 × 1 convolution, and does nothing.
"""


def choose_dilations(map_size: int) -> tuple[int, ...]:
    """Return dilations whose taps stay on the map.

    Parameters
    ----------
    map_size
        Cells along a side.

    Returns
    -------
    dilations
        ``(3, 2, 1)`` on 8 cells, in proportion elsewhere.
    """
    return tuple(max(1, round(dilation * map_size / 8)) for dilation in DILATIONS_ON_8)


class Wasp(nn.Module):
    """See a map at five ranges at once.

    Parameters
    ----------
    channels_in
        Of the map.
    map_size
        Cells along its side.
    channels
        Of the branches and of what comes out.
    dropout
        Share of the output's values that training leaves out.

    Notes
    -----
    Four branches in cascade, each then twice through one shared convolution, as published, and one
    that sees the whole map. Training needs two samples a batch at least: that last branch has one
    cell per channel, and batch norm cannot norm a single value.
    """

    def __init__(
        self, channels_in: int, map_size: int, channels: int = 256, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.entry = _add_norm_and_relu(nn.Conv2d(channels_in, channels, 1, bias=False))
        self.cascade = nn.ModuleList(
            _add_norm_and_relu(
                nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
            )
            for dilation in choose_dilations(map_size)
        )
        self.shared = nn.Conv2d(channels, channels, 1, bias=False)
        self.whole = _add_norm_and_relu(nn.Conv2d(channels_in, channels, 1, bias=False))
        self.merge = _add_norm_and_relu(
            nn.Conv2d((len(DILATIONS_ON_8) + 2) * channels, channels, 1, bias=False)
        )
        self.dropout = nn.Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, channels, H, W)."""
        waterfall = [self.entry(x)]
        for dilated in self.cascade:
            waterfall.append(dilated(waterfall[-1]))
        branches = [self.shared(self.shared(branch)) for branch in waterfall]
        whole = self.whole(x.mean((2, 3), keepdim=True))
        branches.append(whole.expand(-1, -1, x.shape[2], x.shape[3]))
        return self.dropout(self.merge(torch.cat(branches, 1)))


def _add_norm_and_relu(convolution: nn.Conv2d) -> nn.Sequential:
    """Return a convolution followed by batch norm and ReLU."""
    return nn.Sequential(
        convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True)
    )
