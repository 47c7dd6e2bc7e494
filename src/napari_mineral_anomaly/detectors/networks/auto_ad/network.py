"""The fully convolutional autoencoder: five halvings, five doublings, a skip at each level."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.auto_ad.tiles import LEVELS

LEAK = 0.2


class ConvBlock(nn.Module):
    """Convolution over reflected borders, batch normalisation, leaky ReLU."""

    def __init__(
        self, inputs: int, outputs: int, size: int, generator: torch.Generator, *, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = convolution(inputs, outputs, size, generator, stride=stride)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, image: Tensor) -> Tensor:
        """(1, inputs, H, W) to (1, outputs, H / stride, W / stride)."""
        return nnf.leaky_relu(self.norm(self.conv(image)), LEAK)


class Level(nn.Module):
    """Halve, go one level deeper, double, and join with the skip connection."""

    def __init__(
        self, inputs: int, channels: int, deeper: Level | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.skip = ConvBlock(inputs, channels, 1, generator)
        self.down = ConvBlock(inputs, channels, 3, generator, stride=2)
        self.inner = ConvBlock(channels, channels, 3, generator)
        self.deeper = deeper
        self.norm = nn.BatchNorm2d(2 * channels)
        self.up = ConvBlock(2 * channels, channels, 3, generator)
        self.mix = ConvBlock(channels, channels, 1, generator)

    def forward(self, image: Tensor) -> Tensor:
        """(1, inputs, H, W) to (1, channels, H, W)."""
        low = self.inner(self.down(image))
        if self.deeper is not None:
            low = self.deeper(low)
        low = nnf.interpolate(low, scale_factor=2, mode="nearest")
        joined: Tensor = self.mix(self.up(self.norm(torch.cat([self.skip(image), low], dim=1))))
        return joined


class AutoAdNetwork(nn.Module):
    """From noise (1, K, H, W) to element maps (1, K, H, W) in [0, 1].

    Parameters
    ----------
    n_elements : int
        K.
    channels : int
        Features of each layer.
    generator : torch.Generator
        Source of all weights. torch's global random state is neither used nor changed.
    """

    def __init__(self, n_elements: int, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        level: Level | None = None
        for depth in reversed(range(LEVELS)):
            level = Level(n_elements if depth == 0 else channels, channels, level, generator)
        assert level is not None
        self.top = level
        self.head = convolution(channels, n_elements, 1, generator)

    def forward(self, noise: Tensor) -> Tensor:
        """Reconstruct the maps from noise."""
        return torch.sigmoid(self.head(self.top(noise)))


def convolution(
    inputs: int, outputs: int, size: int, generator: torch.Generator, *, stride: int = 1
) -> nn.Conv2d:
    """A convolution whose weights come from ``generator``, within torch's own default bounds."""
    # Left empty at first: torch's own filling would draw from its global generator.
    conv: nn.Conv2d = nn.utils.skip_init(  # type: ignore[no-untyped-call]  # torch's, untyped
        nn.Conv2d,
        inputs,
        outputs,
        size,
        stride=stride,
        padding=size // 2,
        padding_mode="reflect" if size > 1 else "zeros",
    )
    bound = 1 / math.sqrt(inputs * size * size)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) * bound)
    return conv
