"""The pixel-wise autoencoder of DFAN, which MSFA-Net took over: encoder, attention, decoder.

Layer types and widths follow DFAN (Cheng et al. 2024); the public record of MSFA-Net does not
give them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Encoded:
    """Outputs of the three encoder layers: (h1, n), (h2, n) and the latent features (D, n)."""

    first: Tensor
    second: Tensor
    latent: Tensor


@dataclass(frozen=True)
class Forward:
    """Result of one pass of a network.

    Attributes
    ----------
    latent : (D, n), or (B, D, H, W) of tiles
        Latent features, after the attention where there is one before them.
    output : (K, n), or (B, F, H, W) of tiles
        Reconstructed or predicted values.
    """

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


class PixelAutoencoder(nn.Module):
    """Encoder and decoder of the K elements of each pixel, with D latent features between them.

    Parameters
    ----------
    n_elements : int
        K.
    features : int
        D.
    generator : torch.Generator
        Source of all weights. torch's global random state is neither used nor changed.
    make_attention : callable, optional
        Makes the attention on the latent features. Called between encoder and decoder: it may draw
        from the same generator.
    concat : bool
        Whether the decoder also sees the earlier layers of the encoder.
    norm_output : bool
        Whether the last layer is normalised before the sigmoid.
    """

    attention: nn.Module | None

    def __init__(
        self,
        n_elements: int,
        features: int,
        generator: torch.Generator,
        *,
        make_attention: Callable[[], nn.Module] | None = None,
        concat: bool = True,
        norm_output: bool = True,
    ) -> None:
        super().__init__()
        # DFAN halves twice; the floors keep a network for 7 elements from closing up.
        wide, narrow = max(n_elements // 2, 8), max(n_elements // 4, 4)
        self.concat = concat
        self.encoder1 = PixelLayer(n_elements, wide, generator)
        self.encoder2 = PixelLayer(wide, narrow, generator)
        self.encoder3 = PixelLayer(narrow, features, generator)
        self.attention = None if make_attention is None else make_attention()
        doubled = 2 if concat else 1
        self.decoder1 = PixelLayer(features, narrow, generator)
        self.decoder2 = PixelLayer(doubled * narrow, wide, generator)
        self.decoder3 = PixelLayer(
            doubled * wide, n_elements, generator, norm=norm_output, relu=False
        )

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
    def measure_encoder(self, pixels: Tensor) -> Encoded:
        """Set the encoder's normalisations to the statistics of these pixels, and encode them."""
        with _measuring_norms(self, [self.encoder1, self.encoder2, self.encoder3], pixels.shape[1]):
            return self.encode(pixels)

    @torch.no_grad()
    def measure_decoder(self, latent: Tensor, encoded: Encoded) -> None:
        """Set the decoder's normalisations to the statistics of these pixels."""
        with _measuring_norms(self, [self.decoder1, self.decoder2, self.decoder3], latent.shape[1]):
            self.decode(latent, encoded)


@contextmanager
def _measuring_norms(
    network: PixelAutoencoder, layers: list[PixelLayer], n_pixels: int
) -> Iterator[None]:
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
