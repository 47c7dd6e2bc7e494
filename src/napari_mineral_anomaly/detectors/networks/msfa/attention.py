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


def strip_mean(features: Tensor, dim: int) -> Tensor:
    """Mean of the nine pixels around each one along ``dim``; fewer at the border.

    Two rounds of threes: a third of the time of torch's average pooling.
    """
    size = features.shape[dim]
    ones = torch.ones(size, dtype=features.dtype, device=features.device)
    shape = [1] * features.dim()
    shape[dim] = size
    return _strip_sum(features, dim) / _strip_sum(ones, 0).view(shape)


def _strip_sum(values: Tensor, dim: int) -> Tensor:
    border = list(values.shape)
    border[dim] = STRIP_REACH
    zeros = values.new_zeros(border)
    padded = torch.cat([zeros, values, zeros], dim)
    threes = _three(padded, dim, 1)
    return _three(threes, dim, 3)


def _three(values: Tensor, dim: int, step: int) -> Tensor:
    """Sum of three neighbours ``step`` apart."""
    size = values.shape[dim] - 2 * step
    first, second, third = (values.narrow(dim, number * step, size) for number in range(3))
    return first + second + third


class ScanAttention(nn.Module):
    """Weights pixels of each feature group, (B, D, H, W) to (B, D, H, W).

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
        batch, _, height, width = features.shape
        grouped = features.reshape(batch * self.groups, -1, height, width)
        line = self.line_norm(grouped * self._gate(grouped))
        area = self.area_norm(self.area(grouped))
        squeezed = self._squeeze(line, area, batch) if self.training else self.squeezed
        shares = torch.softmax(squeezed, dim=-1)[:, None, :, :, None, None]
        by_group = (batch, self.groups, -1, height, width)
        line, area = line.view(by_group), area.view(by_group)
        weights = torch.sigmoid((shares[0] * area + shares[1] * line).sum(2, keepdim=True))
        gain = 1 + self.strength * (2 * weights - 1)
        return (features.view(by_group) * gain).view_as(features)

    def reset(self) -> None:
        """Forget the running squeeze and average the next batches evenly."""
        self._measured = 0
        self.momentum = None

    def _gate(self, grouped: Tensor) -> Tensor:
        """1x1 branch: gates from the means of a horizontal and a vertical strip."""
        if not self.context:
            return torch.sigmoid(self.line(grouped))
        along, across = (torch.sigmoid(self.line(strip_mean(grouped, dim))) for dim in (-1, -2))
        return along * across

    def _squeeze(self, line: Tensor, area: Tensor, batch: int) -> Tensor:
        """One number per channel of both branches, (2, G, d): the response of its own filter."""
        numbers = []
        for branch, filters in zip((line, area), self.filters, strict=True):
            if self.orthogonal:
                # Scans narrower than a filter are filled up with zeros.
                lacking = [max(0, FILTER_SIDE - side) for side in branch.shape[-2:]]
                filled = nnf.pad(branch, (0, lacking[1], 0, lacking[0]))
                seen = nnf.conv2d(filled, filters, groups=branch.shape[1], stride=SQUEEZE_STRIDE)
                value = seen.square().mean((-2, -1)).add(1e-12).sqrt()
            else:
                value = branch.mean((-2, -1))
            numbers.append(value.view(batch, self.groups, -1).mean(0))
        squeezed = torch.stack(numbers)
        self._measured += 1
        share = 1 / self._measured if self.momentum is None else self.momentum
        with torch.no_grad():
            self.squeezed.lerp_(squeezed.detach(), share)
        return squeezed
