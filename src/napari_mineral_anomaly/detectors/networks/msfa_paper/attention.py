"""Multi-scale orthogonal attention (MOA): which pixels of which feature group matter.

The paper names the parts (multi-scale, orthogonal, groups) and cites EMA (Ouyang et al. 2023) and
OrthoNets (Salman et al. 2023) side by side; how they are joined is our reconstruction: EMA's two
branches and its cross-spatial learning, with its global average pooling replaced by fixed
orthonormal filters. In EMA itself the pooled output of the normalised branch is the layer's own
bias, a constant that does not depend on the image; the orthogonal filters make it depend on it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.parts.choices import OrthoInit
from napari_mineral_anomaly.detectors.networks.parts.filters import orthonormal_filters
from napari_mineral_anomaly.detectors.networks.parts.grid import FoldedPooling, PixelGrid


class OrthogonalAttention(nn.Module):
    """MOA on the latent features of one window.

    Parameters
    ----------
    features : int
        Latent width D.
    groups : int
        Number of groups G; all groups share the convolution weights.
    pool : int
        Side p of the pooled grid that the orthogonal filters see.
    ortho_init : {"gaussian_qr", "uniform_gs"}
    orthogonal : bool
        False: squeeze by the spatial mean (the ablation "No_Orthogonal"). The 3x3 branch is not
        normalised then, as in EMA: with both branches normalised both means would be constants.
    generator : torch.Generator
        Source of every random number.
    """

    filters: Tensor

    def __init__(
        self,
        features: int,
        groups: int,
        pool: int,
        ortho_init: OrthoInit,
        orthogonal: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.groups = groups
        self.orthogonal = orthogonal
        width = features // groups
        self.line_weight = nn.Parameter(_uniform((width, width, 1), width, generator))
        self.line_bias = nn.Parameter(_uniform((width,), width, generator))
        self.area_weight = nn.Parameter(_uniform((width, width, 3, 3), 9 * width, generator))
        self.area_bias = nn.Parameter(_uniform((width,), 9 * width, generator))
        # One channel per group of the normalisation, as in EMA.
        self.line_norm = nn.GroupNorm(width, width)
        self.area_norm = nn.GroupNorm(width, width) if orthogonal else None
        # Each branch gets its own set, as each block of OrthoNets does.
        sets = [orthonormal_filters(features, pool, ortho_init, generator) for _ in range(2)]
        self.register_buffer("filters", torch.stack(sets))
        self._pooling: tuple[PixelGrid, Tensor] | None = None

    def forward(self, latent: Tensor, grid: PixelGrid) -> Tensor:
        """Weight latent features (D, n) by the attention of their group and pixel, (D, n)."""
        grouped = latent.view(self.groups, -1, grid.n_pixels)
        on_grid = grid.to_grid(grouped)
        gates = self.gates(grid.row_means(on_grid), grid.column_means(on_grid))
        line: Tensor = self.line_norm(grid.to_list(self.gated(on_grid, *gates)))
        area = grid.to_list(self.convolved(on_grid))
        if self.area_norm is not None:
            area = self.area_norm(area)
        shares = self.channel_shares(*self._squeezed(line, area, grid))
        return (grouped * self.pixel_weights(line, area, *shares)).view_as(latent)

    def gates(self, row_means: Tensor, column_means: Tensor) -> tuple[Tensor, Tensor]:
        """1x1 branch: gates of rows (G, d, H) and columns (G, d, W) from their means."""
        lines = torch.cat([row_means, column_means], dim=-1)
        both = torch.sigmoid(nnf.conv1d(lines, self.line_weight, self.line_bias))
        rows, columns = torch.split(both, [row_means.shape[-1], column_means.shape[-1]], dim=-1)
        return rows, columns

    def gated(self, on_grid: Tensor, row_gate: Tensor, column_gate: Tensor) -> Tensor:
        """1x1 branch before normalisation, (G, d, H, W)."""
        return on_grid * (row_gate[..., :, None] @ column_gate[..., None, :])

    def convolved(self, on_grid: Tensor) -> Tensor:
        """3x3 branch before normalisation, (G, d, H, W)."""
        # This memory order is a quarter faster on a CPU for so few channels.
        ordered = on_grid.contiguous(memory_format=torch.channels_last)
        area = nnf.conv2d(ordered, self.area_weight, self.area_bias, padding=1)
        return area.contiguous()

    def channel_shares(self, line: Tensor, area: Tensor) -> tuple[Tensor, Tensor]:
        """Softmax over each group's channels of both squeezed branches (D,): (G, 1, d) each."""
        return (
            torch.softmax(line.view(self.groups, 1, -1), dim=-1),
            torch.softmax(area.view(self.groups, 1, -1), dim=-1),
        )

    def pixel_weights(
        self, line: Tensor, area: Tensor, line_share: Tensor, area_share: Tensor
    ) -> Tensor:
        """Cross-spatial learning: each branch weighs the other's pixels. (G, 1, n)."""
        return torch.sigmoid(torch.bmm(line_share, area) + torch.bmm(area_share, line))

    def _squeezed(self, line: Tensor, area: Tensor, grid: PixelGrid) -> tuple[Tensor, Tensor]:
        """One number (D,) per channel of each normalised branch (G, d, n)."""
        if not self.orthogonal:
            return line.mean(-1).flatten(), area.mean(-1).flatten()
        weights = self._pooling_weights(grid)
        return _inner(line, weights[0]), _inner(area, weights[1])

    def _pooling_weights(self, grid: PixelGrid) -> Tensor:
        # Most runs train on one and the same window: keep its weights.
        if self._pooling is None or self._pooling[0] is not grid:
            folded = FoldedPooling(self.filters, grid.valid)
            weights = grid.to_list(folded.weights()).contiguous()
            self._pooling = (grid, weights)
        return self._pooling[1]


def _inner(branch: Tensor, weights: Tensor) -> Tensor:
    """Inner product over the pixels of (G, d, n) with (D, n): (D,)."""
    return torch.bmm(branch.reshape(len(weights), 1, -1), weights[:, :, None]).flatten()


def _uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    """Draw weights evenly within +- 1 / sqrt(fan in), torch's own default for linear layers."""
    bound = 1 / math.sqrt(fan_in)
    return (2 * torch.rand(shape, generator=generator) - 1) * bound
