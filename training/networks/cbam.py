"""CBAM: attention to channels, then to places (Woo et al., ECCV 2018)."""

import torch
from torch import Tensor, nn

REDUCTION = 16
SPATIAL_KERNEL = 7


class Cbam(nn.Module):
    """Weigh the channels of a map, then its places; the shape stays.

    Parameters
    ----------
    channels
        Of the map.

    Notes
    -----
    ``F' = Mc(F) F`` and ``F'' = Ms(F') F'``, with ``Mc = sigmoid(MLP(mean F) + MLP(max F))`` over
    places and ``Ms = sigmoid(conv7x7[mean F'; max F'])`` over channels. The paper of Pose ResNet
    writes Mc inside its pools: a slip.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // REDUCTION, 1)
        self.channel = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1)
        )
        self.place = nn.Conv2d(2, 1, SPATIAL_KERNEL, padding=SPATIAL_KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        mean = x.mean((2, 3), keepdim=True)
        most = x.amax((2, 3), keepdim=True)
        x = x * torch.sigmoid(self.channel(mean) + self.channel(most))
        pools = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.place(pools))
