"""ResNet 18, 34, 50 and 101: the trunk from an image to features at a thirty-second of its size.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.

The names of the parameters are those of the common ImageNet files, so that a file which a user has
can be read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.errors import WeightsError

WIDTH = 64
"""Channels of the first stage in the published networks; each stage after it has twice as many."""

STAGES = 4
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
STRIDE = 32
"""Pixels of the image per cell of the last map, along a side."""


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions around a shortcut.

    Parameters
    ----------
    channels_in, width
        Channels of the input and of the output.
    stride
        Of the first convolution.
    """

    expansion = 1

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = make_shortcut(channels_in, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + self.downsample(x))


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3, 1 × 1 around a shortcut; the stride in the middle, as in common weight files.

    Parameters
    ----------
    channels_in, width
        Channels of the input, and a quarter of those of the output.
    stride
        Of the 3 × 3 convolution.
    """

    expansion = 4

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        channels_out = width * self.expansion
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = make_shortcut(channels_in, channels_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 4 width, H / stride, W / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + self.downsample(x))


class ResNet(nn.Module):
    """The trunk, without pooling and classifier.

    Parameters
    ----------
    depth
        18, 34, 50 or 101.
    width
        Channels of the first stage.

    Raises
    ------
    ValueError
        If `depth` is none of them, or `width` is no positive number.
    """

    def __init__(self, depth: int, width: int = WIDTH) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise ValueError(f"There is no ResNet-{depth}. Known: {', '.join(map(str, BLOCKS))}.")
        if width < 1:
            raise ValueError(
                f"A ResNet with {width} channels in its first stage is none. Usual: {WIDTH}."
            )
        block = BasicBlock if depth < 50 else Bottleneck
        self.depth = depth
        self.channels = width * 2 ** (STAGES - 1) * block.expansion
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = width
        for stage, count in enumerate(BLOCKS[depth]):
            inner = width * 2**stage
            blocks = []
            for index in range(count):
                blocks.append(block(channels, inner, 2 if stage and index == 0 else 1))
                channels = inner * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def stem(self, image: Tensor) -> Tensor:
        """Map (B, 3, S, S) to (B, width, S / 4, S / 4)."""
        return self.maxpool(self.relu(self.bn1(self.conv1(image))))

    def stages(self, x: Tensor) -> Tensor:
        """Map (B, width, S / 4, S / 4) to (B, channels, S / 32, S / 32)."""
        for stage in range(1, STAGES + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return x

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, 3, S, S) to (B, channels, S / 32, S / 32)."""
        return self.stages(self.stem(image))


def make_shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Return the shortcut of a block: nothing, or a 1 × 1 convolution where the shape changes."""
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    convolution = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out))


def load_imagenet(trunk: ResNet, path: Path) -> None:
    """Load the weights of an ImageNet file into a trunk; the classifier in it is left out.

    Parameters
    ----------
    trunk
        Is changed only if the whole file fits.
    path
        A state dict as `torch.save` writes it, bare or under ``state_dict``.

    Raises
    ------
    WeightsError
        If the file cannot be read or holds another network.
    """
    given = read_state_dict(path)
    given = {name: tensor for name, tensor in given.items() if not name.startswith("fc.")}
    target = trunk.state_dict()
    missing = [
        name for name in target if name not in given and not name.endswith("num_batches_tracked")
    ]
    strange = [name for name in given if name not in target]
    unlike = [name for name in given if name in target and given[name].shape != target[name].shape]
    if missing or strange or unlike:
        example = (missing or strange or unlike)[0]
        raise WeightsError(
            f"'{path.name}' does not hold a ResNet-{trunk.depth}: {len(missing)} of its tensors "
            f"are missing, {len(strange)} are unknown and {len(unlike)} have another shape (the "
            f"first is '{example}'). Choose a file for ResNet-{trunk.depth}, or another depth."
        )
    trunk.load_state_dict({**target, **given})


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors; nothing in it is executed.

    Parameters
    ----------
    path
        As `torch.save` writes it.

    Returns
    -------
    tensors : by name
        Without the prefix that data-parallel training leaves.

    Raises
    ------
    WeightsError
        If it is missing, damaged, or holds something else.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"There is no weight file '{path}'. Check the path.") from error
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise WeightsError(
            f"'{path}' is no file of weights, or a damaged one. Fetch it again."
        ) from error
    tensors = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(tensors, Mapping) or not all(
        isinstance(tensor, Tensor) for tensor in tensors.values()
    ):
        raise WeightsError(
            f"'{path}' holds something other than named tensors. Save the network's state dict "
            "instead."
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in tensors.items()}
