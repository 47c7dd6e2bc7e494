"""A trained network as few matrices: what `frozen` multiplies.

After training every statistic of the network is a constant, and all that lies between two
non-linear steps is linear. Normalisation joins the layer that follows; the squeezed 3x3 branch of
the attention becomes a single filter per group; biases become one more column. Hiding a feature
takes off what it would have added, up to the first non-linear step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_mineral_anomaly.detectors.networks.msfa.network.attention import (
    STRIP_REACH,
    ScanAttention,
    diagonal_blocks,
)
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import Block, MaskedNetwork

STRIP_PIXELS = 2 * STRIP_REACH + 1


@dataclass(frozen=True, eq=False)
class FoldedBlock:
    """A residual block with its normalisation inside the wide layer.

    Attributes
    ----------
    taps : (W, 9)
        Depthwise 3x3; (W, 1) for a block without context.
    wide : (2 W, W)
    wide_bias : (2 W,)
    narrow : (W, 2 W)
    narrow_bias : (W,)
    """

    taps: Tensor
    wide: Tensor
    wide_bias: Tensor
    narrow: Tensor
    narrow_bias: Tensor


@dataclass(frozen=True, eq=False)
class FoldedAttention:
    """Attention as matrices, see `ScanAttention`.

    Attributes
    ----------
    line : (W, W + 1)
        Layer of the line branch, block-diagonal, over the length of a strip.
    line_share : (G, W)
        What the gated channels of the line branch add to the weight of their group.
    area : (9 G, W)
        What each of the 3x3 neighbours adds, neighbour by neighbour; (G, W) without context.
    constant, strength : (G, 1)
    """

    line: Tensor
    line_share: Tensor
    area: Tensor
    constant: Tensor
    strength: Tensor


@dataclass(frozen=True, eq=False)
class Pass:
    """Matrices of one pass: everything shown, or some features hidden.

    Attributes
    ----------
    hidden : list of int
        The b hidden features.
    entry : (W, F + 1)
        Entry for the features and a constant 1, with the biases of all narrow layers.
    wide : (2 W, W + 1 + 9 b)
        First wide layer for the surroundings of the entry with everything shown, a constant 1, and
        the values of the hidden features around a pixel.
    line : (D, F + 1)
        Linear path, with the bias of the bottleneck.
    exit : (f, W + 1)
        The last layer for the hidden features; for all features where nothing is hidden.
    line_out : (f, D)
    """

    hidden: list[int]
    entry: Tensor
    wide: Tensor
    line: Tensor
    exit: Tensor
    line_out: Tensor


def folded_block(block: Block) -> FoldedBlock:
    """The matrices of a block in evaluation mode."""
    scale, shift = _scale_and_shift(block.norm)
    taps = scale.new_ones(len(scale), 1)
    if isinstance(block.neighbours, nn.Conv2d):
        taps = block.neighbours.weight.detach().flatten(1)
        shift = shift + scale * _bias(block.neighbours)
    wide = matrix(block.wide)
    return FoldedBlock(
        taps,
        wide * scale,
        _bias(block.wide) + wide @ shift,
        matrix(block.narrow),
        _bias(block.narrow),
    )


def folded_attention(attention: ScanAttention) -> FoldedAttention:
    """The matrices of the attention in evaluation mode."""
    of_area, of_line = torch.softmax(attention.squeezed, dim=-1)
    line_scale, line_shift = _scale_and_shift(attention.line_norm)
    area_scale, area_shift = _scale_and_shift(attention.area_norm)
    line = diagonal_blocks(matrix(attention.line).expand(attention.groups, -1, -1))
    line = torch.cat([line, _bias(attention.line).repeat(attention.groups)[:, None]], 1)
    kernel = attention.area.weight.detach().flatten(2)
    squeezed = torch.einsum("go,oit->tgi", of_area * area_scale, kernel)
    constant = of_area @ (area_scale * _bias(attention.area) + area_shift) + of_line @ line_shift
    return FoldedAttention(
        line / STRIP_PIXELS if attention.context else line,
        diagonal_blocks((of_line * line_scale)[:, None]),
        torch.cat([diagonal_blocks(tap[:, None]) for tap in squeezed]),
        constant[:, None],
        attention.strength.detach().view(-1, 1),
    )


def open_entry(network: MaskedNetwork) -> Tensor:
    """Entry (W, F + 1) for the features, all shown, and a constant 1."""
    shown, _ = _shown_and_mask(network)
    return torch.cat([shown, _bias(network.entry)[:, None]], 1)


def folded_pass(
    network: MaskedNetwork, first: FoldedBlock, later_bias: Tensor, hidden: NDArray[np.intp]
) -> Pass:
    """The matrices of one pass.

    Parameters
    ----------
    first : FoldedBlock
        The first block of the network.
    later_bias : (W,)
        Sum of the biases of all narrow layers.
    hidden : (b,) int
        Features that are hidden; none: all of them are shown and predicted.
    """
    shown, mask = _shown_and_mask(network)
    picked = torch.from_numpy(np.asarray(hidden, dtype=np.int64)).to(shown.device)
    appears = mask[:, picked].sum(1)
    entry = open_entry(network)
    entry[:, -1] += appears + later_bias
    around = torch.einsum("ow,wf,wt->oft", first.wide, shown[:, picked], first.taps)
    constant = first.wide_bias + first.wide @ (first.taps.sum(1) * appears)
    latent = network.bottleneck.out_channels
    line_in, line_out = (
        shown.new_zeros(latent, shown.shape[1]),
        shown.new_zeros(shown.shape[1], latent),
    )
    if network.line_in is not None and network.line_out is not None:
        line_in, line_out = matrix(network.line_in).clone(), matrix(network.line_out)
    entry[:, picked] = 0
    line_in[:, picked] = 0
    last = with_bias(network.exit)
    predicted = picked if len(picked) else torch.arange(len(last), device=picked.device)
    return Pass(
        picked.tolist(),
        entry,
        torch.cat([first.wide, constant[:, None], -around.flatten(1)], 1),
        torch.cat([line_in, _bias(network.bottleneck)[:, None]], 1),
        last[predicted],
        line_out[predicted],
    )


def matrix(layer: nn.Conv2d) -> Tensor:
    """Weights (out, in) of a pixel-wise layer."""
    return layer.weight.detach().flatten(1)


def with_bias(layer: nn.Conv2d) -> Tensor:
    """Weights and bias (out, in + 1) of a pixel-wise layer."""
    return torch.cat([matrix(layer), _bias(layer)[:, None]], 1)


def _shown_and_mask(network: MaskedNetwork) -> tuple[Tensor, Tensor]:
    shown, mask = matrix(network.entry).tensor_split(2, dim=1)
    return shown, mask


def _bias(layer: nn.Conv2d) -> Tensor:
    if layer.bias is None:
        return layer.weight.new_zeros(layer.out_channels)
    return layer.bias.detach()


def _scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """A frozen normalisation is ``scale * x + shift``."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight.detach() / torch.sqrt(variance + norm.eps)
    return scale, norm.bias.detach() - scale * mean
