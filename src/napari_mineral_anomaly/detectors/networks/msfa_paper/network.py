"""The network: pixel-wise encoder, multi-scale orthogonal attention, pixel-wise decoder.

Layer types and widths follow DFAN (Cheng et al. 2024), the parent of MSFA-Net; the paper's public
record does not give them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.msfa_paper.attention import OrthogonalAttention
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.parts.grid import PixelGrid


@dataclass(frozen=True)
class Encoded:
    """Outputs of the three encoder layers: (h1, n), (h2, n) and the latent features (D, n)."""

    first: Tensor
    second: Tensor
    latent: Tensor


@dataclass(frozen=True)
class Forward:
    """What one pass gives: ``latent`` (D, n) after the attention, ``output`` (K, n) in [0, 1]."""

    latent: Tensor
    output: Tensor


class PixelLayer(nn.Module):
    """Linear layer without bias on (C, n) pixels, batch normalisation, optional ReLU.

    The same as a 1x1 convolution. Normalisation runs over the valid pixels, because only they
    are in the list.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        generator: torch.Generator,
        *,
        norm: bool = True,
        relu: bool = True,
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        weight = (2 * torch.rand((outputs, inputs), generator=generator) - 1) * bound
        self.weight = nn.Parameter(weight)
        self.norm = nn.BatchNorm1d(outputs) if norm else None
        self.relu = relu

    def forward(self, pixels: Tensor) -> Tensor:
        """(inputs, n) to (outputs, n)."""
        out = self.weight @ pixels
        if self.norm is not None:
            out = self.norm(out[None])[0]
        return torch.relu(out) if self.relu else out


class MsfaNetwork(nn.Module):
    """Autoencoder of the K elements of each pixel with attention on its D latent features.

    Parameters
    ----------
    n_elements : int
        K.
    config : MsfaPaperConfig
    seed : int
        Seed of all weights and filters. torch's global random state is neither used nor changed.
    """

    def __init__(self, n_elements: int, config: MsfaPaperConfig, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        # DFAN halves twice; the floors keep a network for 7 elements from closing up.
        wide, narrow = max(n_elements // 2, 8), max(n_elements // 4, 4)
        features = config.latent_dim
        self.concat = config.skip == "concat"
        self.encoder1 = PixelLayer(n_elements, wide, generator)
        self.encoder2 = PixelLayer(wide, narrow, generator)
        self.encoder3 = PixelLayer(narrow, features, generator)
        self.attention = (
            None
            if config.no_attention
            else OrthogonalAttention(
                features,
                1 if config.no_groups else config.groups,
                config.pool_size,
                config.ortho_init,
                not config.no_orthogonal,
                generator,
            )
        )
        doubled = 2 if self.concat else 1
        self.decoder1 = PixelLayer(features, narrow, generator)
        self.decoder2 = PixelLayer(doubled * narrow, wide, generator)
        self.decoder3 = PixelLayer(
            doubled * wide,
            n_elements,
            generator,
            norm=config.head == "bn_sigmoid",
            relu=False,
        )

    def forward(self, pixels: Tensor, grid: PixelGrid) -> Forward:
        """Reconstruct the valid pixels (K, n) of a window."""
        encoded = self.encode(pixels)
        latent = encoded.latent
        if self.attention is not None:
            latent = self.attention(latent, grid)
        return Forward(latent, self.decode(latent, encoded))

    def encode(self, pixels: Tensor) -> Encoded:
        """Encoder outputs of pixels (K, n), each pixel by itself."""
        first = self.encoder1(pixels)
        second = self.encoder2(first)
        return Encoded(first, second, self.encoder3(second))

    def decode(self, latent: Tensor, encoded: Encoded) -> Tensor:
        """Reconstruction (K, n) from latent features after the attention."""
        out = self.decoder1(latent)
        out = self.decoder2(torch.cat([out, encoded.second]) if self.concat else out)
        out = self.decoder3(torch.cat([out, encoded.first]) if self.concat else out)
        return torch.sigmoid(out)

    @torch.no_grad()
    def calibrate_encoder(self, pixels: Tensor) -> Encoded:
        """Set the encoder's normalisations to the statistics of these pixels, and encode them."""
        with _measuring(self, [self.encoder1, self.encoder2, self.encoder3], pixels.shape[1]):
            return self.encode(pixels)

    @torch.no_grad()
    def calibrate_decoder(self, latent: Tensor, encoded: Encoded) -> None:
        """Set the decoder's normalisations to the statistics of these pixels."""
        with _measuring(self, [self.decoder1, self.decoder2, self.decoder3], latent.shape[1]):
            self.decode(latent, encoded)


@contextmanager
def _measuring(network: MsfaNetwork, layers: list[PixelLayer], n_pixels: int) -> Iterator[None]:
    """Let the batch normalisations of some layers take over the statistics of the next pass.

    The running averages of training lag behind the weights and remember only the last windows
    (and, in an untrained network, nothing). The network is in evaluation mode afterwards.
    """
    norms = [layer.norm for layer in layers if layer.norm is not None]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    yield
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        # torch normalises by the variance over n while training but remembers that over n - 1.
        if norm.running_var is not None:
            norm.running_var.mul_((n_pixels - 1) / n_pixels)
    network.eval()
