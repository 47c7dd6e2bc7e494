"""The network of DFAN: a pixel-wise autoencoder with one gain per latent feature."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.dfan.config import DfanConfig
from napari_mineral_anomaly.detectors.networks.parts.autoencoder import (
    Forward,
    PixelAutoencoder,
    PixelLayer,
)
from napari_mineral_anomaly.detectors.networks.parts.filters import orthonormal_filters
from napari_mineral_anomaly.detectors.networks.parts.grid import FoldedPooling, PixelGrid


class ChannelAttention(nn.Module):
    """Orthogonal channel attention: an image is squeezed to D numbers, those become D gains.

    Parameters
    ----------
    features : int
        Latent width D.
    pool : int
        Side of the pooled grid that the orthogonal filters see.
    generator : torch.Generator
        Source of every random number.
    """

    filters: Tensor

    def __init__(self, features: int, pool: int, generator: torch.Generator) -> None:
        super().__init__()
        # Gram-Schmidt on even noise, as in OrthoNets and DFAN.
        filters = orthonormal_filters(features, pool, "uniform_gs", generator)
        self.register_buffer("filters", filters)
        narrow = max(1, features // 2)
        self.squeeze = PixelLayer(features, narrow, generator, norm=False)
        self.excite = PixelLayer(narrow, features, generator, norm=False, relu=False)

    def gains(self, squeezed: Tensor) -> Tensor:
        """Gains (D, 1) in (0, 1) from the squeezed image (D,)."""
        gains: Tensor = torch.sigmoid(self.excite(self.squeeze(squeezed[:, None])))
        return gains


class DfanNetwork(PixelAutoencoder):
    """A `PixelAutoencoder` with a `ChannelAttention` on its latent features.

    Parameters
    ----------
    n_elements : int
    config : DfanConfig
    """

    def __init__(self, n_elements: int, config: DfanConfig) -> None:
        super().__init__(n_elements, config.latent_dim, torch.Generator().manual_seed(config.seed))
        # A second generator of the same seed: the layers above are those of MSFA-Net for that seed.
        generator = torch.Generator().manual_seed(config.seed)
        self.channels = ChannelAttention(config.latent_dim, config.pool_size, generator)
        self._pooling: tuple[PixelGrid, Tensor] | None = None

    def forward(self, pixels: Tensor, grid: PixelGrid) -> Forward:
        """Reconstruct the valid pixels (K, n) of a window."""
        encoded = self.encode(pixels)
        squeezed = (encoded.latent * self._pooling_weights(grid)).sum(1)
        latent = encoded.latent * self.channels.gains(squeezed)
        return Forward(latent, self.decode(latent, encoded))

    def _pooling_weights(self, grid: PixelGrid) -> Tensor:
        # A scan trained as one window asks for the same weights at every step.
        if self._pooling is None or self._pooling[0] is not grid:
            folded = FoldedPooling(self.channels.filters, grid.valid)
            self._pooling = (grid, grid.to_list(folded.weights()).contiguous())
        return self._pooling[1]
