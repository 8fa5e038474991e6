"""Deconvolutions: a map of features grown to the size of the heat map.

The head of Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018.
"""

from torch import Tensor, nn

LAYERS = 3
INITIAL_SD = 1e-3
"""Of the weights of deconvolutions and last layer, as EpipolarPose starts them: scores near 0."""


class Deconvolutions(nn.Module):
    """Double the size of a map three times.

    Parameters
    ----------
    channels_in, channels
        Channels of the input and of the output.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(LAYERS):
            grow = nn.ConvTranspose2d(
                channels_in if index == 0 else channels, channels, 4, 2, 1, bias=False
            )
            nn.init.normal_(grow.weight, std=INITIAL_SD)
            layers += [grow, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, channels, 8 H, 8 W)."""
        return self.layers(x)
