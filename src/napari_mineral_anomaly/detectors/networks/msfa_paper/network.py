"""The published network: pixel-wise encoder, multi-scale orthogonal attention, decoder."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa_paper.attention import OrthogonalAttention
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.parts.autoencoder import Forward, PixelAutoencoder
from napari_mineral_anomaly.detectors.networks.parts.grid import PixelGrid


class MsfaPaperNetwork(PixelAutoencoder):
    """Autoencoder of the K elements of each pixel with attention on its D latent features.

    Parameters
    ----------
    n_elements : int
        K.
    config : MsfaPaperConfig
    """

    attention: OrthogonalAttention | None

    def __init__(self, n_elements: int, config: MsfaPaperConfig) -> None:
        generator = torch.Generator().manual_seed(config.seed)

        def make_attention() -> OrthogonalAttention:
            return OrthogonalAttention(
                config.latent_dim,
                1 if config.no_groups else config.groups,
                config.pool_size,
                config.ortho_init,
                not config.no_orthogonal,
                generator,
            )

        super().__init__(
            n_elements,
            config.latent_dim,
            generator,
            make_attention=None if config.no_attention else make_attention,
            concat=config.skip == "concat",
            norm_output=config.head == "bn_sigmoid",
        )

    def forward(self, pixels: Tensor, grid: PixelGrid) -> Forward:
        """Reconstruct the valid pixels (K, n) of a window."""
        encoded = self.encode(pixels)
        latent = encoded.latent
        if self.attention is not None:
            latent = self.attention(latent, grid)
        return Forward(latent, self.decode(latent, encoded))
