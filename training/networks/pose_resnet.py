"""Pose ResNet: attention, waterfall, deconvolutions, volumes (Sensors 2023, 23, 3057)."""

from dataclasses import dataclass

from torch import Tensor, nn

from training.networks.cbam import Cbam
from training.networks.deconvolution import INITIAL_SD, Deconvolutions
from training.networks.pose_network import PoseNetwork
from training.networks.resnet import STRIDE, WIDTH, ResNet
from training.networks.wasp import Wasp


@dataclass(frozen=True, slots=True)
class PoseResNetConfig:
    """What a Pose ResNet is made of; every part of the paper's ablation can be switched off.

    Parameters
    ----------
    depth
        Of the ResNet: 18, 34, 50 or 101.
    joints
        16 as the paper, 17 as Human3.6M.
    size_px
        Side of the input: 128, 160, 192, 224 or 256.
    cbam
        Attention before the first stage and after the last.
    wasp
        The waterfall between trunk and deconvolutions.
    volume_depth
        Cells along the line of sight; as many as the heat map is wide (``size_px / 4``) in the
        paper.
    head_channels
        Of the waterfall and the deconvolutions.
    dropout
        After the waterfall.
    width
        Channels of the trunk's first stage: 64 as published; fewer for a machine without a GPU, and
        then no ImageNet weights fit.
    """

    depth: int = 50
    joints: int = 16
    size_px: int = 256
    cbam: bool = True
    wasp: bool = True
    volume_depth: int = 64
    head_channels: int = 256
    dropout: float = 0.5
    width: int = WIDTH


class PoseResNet(PoseNetwork):
    """Find the joints of the person in a crop, in three dimensions.

    Raises
    ------
    ValueError
        If `config` describes no network.
    """

    def __init__(self, config: PoseResNetConfig) -> None:
        super().__init__(config)
        self.config = config
        channels = config.head_channels
        self.trunk = ResNet(config.depth, config.width)
        self.stem_attention = Cbam(config.width) if config.cbam else nn.Identity()
        self.attention = Cbam(self.trunk.channels) if config.cbam else nn.Identity()
        map_size = config.size_px // STRIDE
        self.waterfall = (
            Wasp(self.trunk.channels, map_size, channels, config.dropout)
            if config.wasp
            else nn.Identity()
        )
        self.deconvolutions = Deconvolutions(
            channels if config.wasp else self.trunk.channels, channels
        )
        self.scores = nn.Conv2d(channels, config.joints * config.volume_depth, 1)
        nn.init.normal_(self.scores.weight, std=INITIAL_SD)
        nn.init.zeros_(self.scores.bias)  # type: ignore[arg-type]

    def flat_volume(self, image: Tensor) -> Tensor:
        """Score the cells, (B, J × D, S / 4, S / 4), joint by joint."""
        x = self.stem_attention(self.trunk.stem(image))
        x = self.attention(self.trunk.stages(x))
        return self.scores(self.deconvolutions(self.waterfall(x)))
