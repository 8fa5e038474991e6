"""What every network here has in common: an image in, the joints' places in its crop out."""

from typing import Protocol

from torch import Tensor, nn

from training.networks.volume import marginals, soft_argmax, soft_argmax_and_spread

SIZES_PX = range(128, 257, 32)


class NetworkConfig(Protocol):
    """What a network's configuration defines of its output."""

    @property
    def joints(self) -> int:
        """How many joints it finds."""
        ...

    @property
    def size_px(self) -> int:
        """Side of its square input."""
        ...

    @property
    def volume_depth(self) -> int:
        """Cells along the line of sight; 1 is a network of two dimensions."""
        ...


class PoseNetwork(nn.Module):
    """A network whose last layer, `scores`, scores the cells of a volume per joint.

    The 2D network and the 3D network are one: two dimensions are the x and y of the same head. A
    subclass gives `volume`; `cells_per_channel` is how many output channels of `scores` make one of
    the volume (pixel shuffle).
    """

    cells_per_channel = 1
    scores: nn.Conv2d

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if config.size_px not in SIZES_PX:
            sizes = ", ".join(map(str, SIZES_PX))
            raise ValueError(f"A network cannot see {config.size_px} px; choose one of {sizes}.")
        if config.joints < 1 or config.volume_depth < 1:
            raise ValueError(
                f"{config.joints} joints in a volume {config.volume_depth} deep are no network."
            )
        self.joints = config.joints
        self.volume_depth = config.volume_depth
        self.size_px = config.size_px

    def flat_volume(self, image: Tensor) -> Tensor:
        """Score the cells, (B, J × D, H, W), joint by joint."""
        raise NotImplementedError

    def volume(self, image: Tensor) -> Tensor:
        """Score the cells of each joint's volume.

        Parameters
        ----------
        image : (B, 3, S, S)
            RGB, normalised as `training.data.crops.network_input` says.

        Returns
        -------
        scores : (B, J, D, H, W)
        """
        flat = self.flat_volume(image)
        return flat.unflatten(1, (self.joints, self.volume_depth))

    def forward(self, image: Tensor) -> Tensor:
        """Find the joints.

        Parameters
        ----------
        image : (B, 3, S, S)
            RGB, normalised.

        Returns
        -------
        uvw : (B, J, 3), float32
            In the crop, each within [-0.5, 0.5].
        """
        return soft_argmax(self.volume(image))

    def marginals(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return how likely each column, row and layer of the volume is, for every joint.

        Parameters
        ----------
        image : (B, 3, S, S)
            RGB, normalised.

        Returns
        -------
        along_x, along_y, along_z : (B, J, W), (B, J, H), (B, J, D), float32
            `forward` is their expectation.
        """
        return marginals(self.volume(image))

    def forward_with_spread(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Find the joints, and how sure of each place the network is.

        Parameters
        ----------
        image : (B, 3, S, S)
            RGB, normalised.

        Returns
        -------
        uvw : (B, J, 3), float32
            As from `forward`.
        spread : (B, J, 3), float32
            Standard deviation of each joint's volume along the axes, in crops.
        """
        return soft_argmax_and_spread(self.volume(image))
