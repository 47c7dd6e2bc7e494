"""The network: masked elements in, residual blocks with context, bottleneck, all elements out.

A linear path runs beside the blocks, through the same bottleneck. It starts at the principal
components of the scan, so that training begins where PCA ends and adds what PCA cannot describe:
mixtures that are not sums, neighbours, elements predicted while hidden. From a random start the
same steps learnt rare minerals in one run and not in the next (our choice, see docs/benchmarks.md).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as nnf
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.msfa.config import AUTO, MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.network.attention import REACH, ScanAttention
from napari_mineral_anomaly.detectors.networks.parts.autoencoder import Forward

SMALLEST_LATENT = 3
LATENT_SHARE = 0.3
# Counting sigmas of a principal component per unit of the bottleneck, so that it is about as large
# as what the blocks add to it.
SIGMAS_PER_UNIT = 5.0


def latent_width(n_features: int, config: MsfaConfig) -> int:
    """Width D of the bottleneck, `AUTO` resolved.

    Three tenths of the elements: a rock of a handful of minerals needs no more dimensions, and
    anomalies are what needs more (our choice).
    """
    if config.latent_dim != AUTO:
        return config.latent_dim
    return max(SMALLEST_LATENT, round(LATENT_SHARE * n_features))


class Block(nn.Module):
    """Depthwise 3x3 (the neighbours), then two pixel-wise layers, added to what came in."""

    def __init__(self, width: int, context: bool) -> None:
        super().__init__()
        self.neighbours = (
            nn.Conv2d(width, width, 3, padding=1, groups=width, padding_mode="replicate")
            if context
            else nn.Identity()
        )
        self.norm = nn.BatchNorm2d(width)
        self.wide = nn.Conv2d(width, 2 * width, 1)
        self.narrow = nn.Conv2d(2 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(width, B, H, W) to the same."""
        around = features
        if isinstance(self.neighbours, nn.Conv2d):
            around = self.neighbours(features.transpose(0, 1)).transpose(0, 1)
        depth = len(features)
        inside = self.norm(around.reshape(1, depth, -1, 1)).view(depth, -1)
        out: Tensor = features + pixelwise(
            self.narrow, nnf.gelu(pixelwise(self.wide, inside))
        ).view_as(features)
        return out


def pixelwise(layer: nn.Conv2d, pixels: Tensor) -> Tensor:
    """A 1x1 convolution of pixels (C, ...), as one matrix product.

    torch's convolution of small images with few channels takes two to three times as long.
    """
    weight = layer.weight.flatten(1)
    columns = pixels.flatten(1)
    if layer.bias is None:
        out = weight @ columns
    else:
        out = torch.addmm(layer.bias[:, None], weight, columns)
    return out.view(-1, *pixels.shape[1:])


class MaskedNetwork(nn.Module):
    """Predicts features of a tile from those that are not hidden.

    Parameters
    ----------
    n_features : int
        F.
    n_inputs : int
        Channels of the input: 2 F (values and masks), or the means of the surroundings.
    config : MsfaConfig
    local : bool
        Prediction from the surroundings: no convolution may use the pixel itself, and there is
        no linear path.

    Notes
    -----
    Only the first block uses the neighbours: with a second one, small grains would predict
    themselves. torch's global random state is restored after the weights are drawn.
    """

    def __init__(self, n_features: int, n_inputs: int, config: MsfaConfig, local: bool) -> None:
        super().__init__()
        context = not (config.no_context or local)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            width = config.width
            self.entry = nn.Conv2d(n_inputs, width, 1)
            self.blocks = nn.ModuleList(
                Block(width, context and number == 0) for number in range(config.blocks)
            )
            self.attention = (
                None
                if config.no_attention
                else ScanAttention(
                    width,
                    1 if config.no_groups else config.groups,
                    not config.no_orthogonal,
                    context,
                    torch.Generator().manual_seed(config.seed),
                )
            )
            latent = latent_width(n_features, config)
            self.bottleneck = nn.Conv2d(width, latent, 1)
            self.widen = nn.Conv2d(latent, width, 1)
            self.exit = nn.Conv2d(width, n_features, 1)
            linear = not (local or config.no_linear_path)
            self.line_in = nn.Conv2d(n_features, latent, 1, bias=False) if linear else None
            self.line_out = nn.Conv2d(latent, n_features, 1, bias=False) if linear else None
        self.reach = (1 + (0 if config.no_attention else REACH)) if context else 0

    def forward(self, inputs: Tensor) -> Forward:
        """(n_inputs, B, H, W) to features (F, B, H, W)."""
        hidden = pixelwise(self.entry, inputs)
        for block in self.blocks:
            hidden = block(hidden)
        if self.attention is not None:
            hidden = self.attention(hidden)
        latent = pixelwise(self.bottleneck, hidden)
        if self.line_in is not None:
            latent = latent + pixelwise(self.line_in, inputs[: self.line_in.in_channels])
        output = pixelwise(self.exit, nnf.gelu(pixelwise(self.widen, latent)))
        if self.line_out is not None:
            output = output + pixelwise(self.line_out, latent)
        return Forward(latent, output)

    @torch.no_grad()
    def start_at(
        self, axes: NDArray[np.float64], unit: NDArray[np.float64], share_of_blocks: float
    ) -> None:
        """Start the linear path at principal components.

        Parameters
        ----------
        axes : (F, F) float64
            Principal axes in units of the noise, one per column, the longest first.
        unit : (F,) float64
            Size of one feature in units of its noise.
        share_of_blocks : float
            What the blocks add to bottleneck and output, as a share of a usual random start.

        Notes
        -----
        Without a linear path nothing changes: the blocks keep their random start.
        """
        if self.line_in is None or self.line_out is None:
            return
        longest = axes[:, : self.line_in.out_channels]
        into = (longest * unit[:, None]).T / SIGMAS_PER_UNIT
        back = longest / unit[:, None] * SIGMAS_PER_UNIT
        for path, matrix in ((self.line_in, into), (self.line_out, back)):
            # A bottleneck wider than the features keeps places without a component.
            path.weight.zero_()
            path.weight[: matrix.shape[0], : matrix.shape[1], 0, 0] = torch.from_numpy(matrix)
        for layer in (self.bottleneck, self.exit):
            layer.weight.mul_(share_of_blocks)
            if layer.bias is not None:
                layer.bias.zero_()

    def multiply_adds(self) -> int:
        """Multiplications per pixel and pass: the design figure of the scoring cost."""
        total = 0
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                total += module.weight.numel()
        if self.attention is not None:
            # Its convolutions are shared by the groups; the line branch runs twice.
            shared = self.attention.line.weight.numel() * 2 + self.attention.area.weight.numel()
            once = self.attention.line.weight.numel() + self.attention.area.weight.numel()
            total += shared * self.attention.groups - once
        return total

    def start_measuring(self) -> None:
        """Let the next batches, evenly averaged, set all running statistics."""
        self.train()
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        if self.attention is not None:
            self.attention.reset()

    def stop_measuring(self) -> None:
        """Freeze the running statistics."""
        self.eval()
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.1
        if self.attention is not None:
            self.attention.momentum = 0.1
