"""Multi-scale orthogonal attention whose statistics are those of the scan, not of a tile.

The published attention (`msfa_paper.attention`) averages whole rows, whole columns and the whole
image, so its effect on a pixel depends on the window around it. Here the line branch averages a
strip of a few pixels, and normalisation and the orthogonal squeeze use running statistics that are
measured over tiles of the whole scan after training. A scan scored strip by strip therefore gets
the same numbers as a scan scored at once. The branches are joined as in EMA (Ouyang et al. 2023)
and OrthoNets (Salman et al. 2023), as in the published network; the changes are ours.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.parts.filters import orthonormal_filters

FILTER_SIDE = 5
# The filters look at every third pixel only: their output is averaged over the scan anyway.
SQUEEZE_STRIDE = 3
STRIP_REACH = 4
# The weight of a pixel depends on the strip around it.
REACH = STRIP_REACH


def strip_mean(values: Tensor, dim: int) -> Tensor:
    """Mean of the nine pixels around each one of (..., h, w) along ``dim``; fewer at the border.

    As a product with a band matrix: on training tiles faster than any sum of shifted images.
    """
    band = _band(values.shape[dim], values)
    out: Tensor = values @ band.T if dim == -1 else band @ values
    return out


def _band(size: int, like: Tensor) -> Tensor:
    """(size, size): row i holds equal shares of the pixels within `STRIP_REACH` of i."""
    place = torch.arange(size, device=like.device)
    near = (place[:, None] - place).abs() <= STRIP_REACH
    band = near.to(like.dtype)
    return band / band.sum(1, keepdim=True)


def diagonal_blocks(blocks: Tensor) -> Tensor:
    """The matrix (G a, G b) with matrices (G, a, b) along its diagonal and 0 elsewhere."""
    groups, rows, columns = blocks.shape
    apart = torch.eye(groups, dtype=blocks.dtype, device=blocks.device)
    out = torch.einsum("gab,gh->gahb", blocks, apart)
    return out.reshape(groups * rows, groups * columns)


class ScanAttention(nn.Module):
    """Weights pixels of each feature group, (D, B, H, W) to (D, B, H, W).

    Parameters
    ----------
    features : int
        D.
    groups : int
        G, must divide D; all groups share the convolutions.
    orthogonal : bool
        False: the channels are squeezed by a plain average (the ablation "no orthogonal").
    context : bool
        False: neither strips nor 3x3, each pixel by itself (the ablation "no context").
    generator : torch.Generator
        Source of the fixed orthonormal filters.
    """

    filters: Tensor
    squeezed: Tensor

    def __init__(
        self,
        features: int,
        groups: int,
        orthogonal: bool,
        context: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        width = features // groups
        self.groups = groups
        self.orthogonal = orthogonal
        self.context = context
        self.line = nn.Conv2d(width, width, 1)
        side = 3 if context else 1
        self.area = nn.Conv2d(width, width, side, padding=side // 2)
        self.line_norm = nn.BatchNorm2d(width)
        self.area_norm = nn.BatchNorm2d(width)
        # One set per branch and a filter per channel, orthonormal within a group.
        sets = [orthonormal_filters(width, FILTER_SIDE, "gaussian_qr", generator) for _ in range(2)]
        self.register_buffer("filters", torch.stack(sets)[:, :, None])
        self.register_buffer("squeezed", torch.zeros(2, groups, width))
        # Starts as the identity: attention comes in as far as it helps to predict (our choice).
        self.strength = nn.Parameter(torch.zeros(groups, 1, 1, 1))
        self.momentum: float | None = 0.1
        self._measured = 0

    def forward(self, features: Tensor) -> Tensor:
        """Attend; in training mode the squeeze is that of the batch and updates the buffer."""
        depth, batch, height, width = features.shape
        groups, of_group = self.groups, depth // self.groups
        # All groups share the layers: they are further images of the batch.
        gated = (features * self._gate(features)).view(groups, of_group, batch * height, width)
        line = self.line_norm(gated)
        images = features.view(groups, of_group, batch, height, width).transpose(1, 2)
        area = self.area_norm(self.area(images.reshape(-1, of_group, height, width)))
        area = area.view(groups, batch, of_group, height * width)
        line = line.view(groups, of_group, -1)
        squeezed = self.squeezed
        if self.training:
            squeezed = self._squeeze(
                line.view(groups, of_group, batch, height, width).transpose(1, 2),
                area.view(groups, batch, of_group, height, width),
            )
        of_line, of_area = torch.softmax(squeezed, dim=-1)
        # The squeeze of each branch weighs the channels of the other.
        weights = of_line[:, None, None] @ area
        weights = weights.view(groups, 1, -1) + of_area[:, None] @ line
        gain = 1 + self.strength.view(-1, 1, 1) * (2 * torch.sigmoid(weights) - 1)
        return (features.reshape(groups, of_group, -1) * gain).view_as(features)

    def reset(self) -> None:
        """Forget the running squeeze and average the next batches evenly."""
        self._measured = 0
        self.momentum = None

    def _gate(self, features: Tensor) -> Tensor:
        """1x1 branch: gates from the means of a horizontal and a vertical strip.

        A mean and a pixel-wise layer may change places, so one layer serves both strips.
        """
        line = diagonal_blocks(self.line.weight.flatten(1).expand(self.groups, -1, -1))
        pixels = (line @ features.flatten(1)).view_as(features)
        if self.line.bias is not None:
            pixels = pixels + self.line.bias.repeat(self.groups).view(-1, 1, 1, 1)
        if not self.context:
            return torch.sigmoid(pixels)
        return torch.sigmoid(strip_mean(pixels, -1)) * torch.sigmoid(strip_mean(pixels, -2))

    def _squeeze(self, line: Tensor, area: Tensor) -> Tensor:
        """One number per channel of both branches (G, B, d, h, w): the response of its filter."""
        numbers = []
        for branch, filters in zip((line, area), self.filters, strict=True):
            images = branch.reshape(-1, *branch.shape[2:])
            if self.orthogonal:
                # Scans narrower than a filter are filled up with zeros.
                lacking = [max(0, FILTER_SIDE - side) for side in branch.shape[-2:]]
                filled = nnf.pad(images, (0, lacking[1], 0, lacking[0]))
                seen = nnf.conv2d(filled, filters, groups=images.shape[1], stride=SQUEEZE_STRIDE)
                value = seen.square().mean((-2, -1)).add(1e-12).sqrt()
            else:
                value = images.mean((-2, -1))
            numbers.append(value.view(self.groups, -1, value.shape[-1]).mean(1))
        squeezed = torch.stack(numbers)
        self._measured += 1
        share = 1 / self._measured if self.momentum is None else self.momentum
        with torch.no_grad():
            self.squeezed.lerp_(squeezed.detach(), share)
        return squeezed
