"""Predicts tiles of a scan with a trained network, by few matrix products.

Pixels are the columns of every matrix. A tile is small enough for the cache of a processor, and
its working memory is used again by the next tile of the same thread. All passes of a tile share
their start. The
numbers are those of `MaskedNetwork.forward` in evaluation mode, up to rounding.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
import torch.nn.functional as nnf
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa.network.attention import STRIP_REACH
from napari_mineral_anomaly.detectors.networks.msfa.network.folding import (
    STRIP_PIXELS,
    FoldedAttention,
    Pass,
    folded_attention,
    folded_block,
    folded_pass,
    matrix,
    open_entry,
    with_bias,
)
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import Block, MaskedNetwork

# Rows and columns of the part of an image that lies in the scan.
Inside = tuple[slice, slice]


class FrozenNetwork:
    """A trained network that predicts features from each other. Several threads may use it at once.

    Each feature is predicted twice, with everything shown and with its block hidden, and the mean
    is taken.

    Parameters
    ----------
    network : MaskedNetwork
        In evaluation mode, not one that predicts from surroundings.
    blocks : list of arrays
        From `predicting.hidden_blocks`; empty: everything is shown, once.

    Attributes
    ----------
    margin : int
        Pixels around a tile that `predict` needs.
    """

    @torch.no_grad()
    def __init__(self, network: MaskedNetwork, blocks: list[NDArray[np.intp]]) -> None:
        self.margin = network.reach
        self._scratch = _Scratch()
        layers = [folded_block(block) for block in network.blocks if isinstance(block, Block)]
        # The biases of the narrow layers enter at the start, where they cost nothing. The first
        # wide layer does not see them; the later ones take off those that are still to come.
        to_come = torch.stack([layer.narrow_bias for layer in layers]).flip(0).cumsum(0).flip(0)
        self._taps = layers[0].taps
        self._context = self._taps.shape[1] > 1
        self._narrow = [layer.narrow for layer in layers]
        self._later_wide = [
            torch.cat([layer.wide, (layer.wide_bias - layer.wide @ bias)[:, None]], 1)
            for layer, bias in zip(layers[1:], to_come[1:], strict=True)
        ]
        self._attention = None if network.attention is None else folded_attention(network.attention)
        self._bottleneck = matrix(network.bottleneck)
        self._widen = with_bias(network.widen)
        self._entry = open_entry(network)
        hidden = [np.zeros(0, dtype=np.intp), *blocks]
        self._passes = [folded_pass(network, layers[0], to_come[0], block) for block in hidden]

    @torch.no_grad()
    def predict(self, values: Tensor, inside: Inside) -> tuple[Tensor, Tensor]:
        """Prediction (F, h, w) and bottleneck (D, h, w) of a tile.

        Parameters
        ----------
        values : (F, h + 2 m, w + 2 m) float32
            Features of the tile and of the `margin` m around it. Beyond the border of the scan the
            pixels at the border are repeated.
        inside : (slice, slice)
            Rows and columns of ``values`` that lie in the scan.
        """
        m, ring = self.margin, int(self._context)
        height, width = (size - 2 * m for size in values.shape[1:])
        centre = self._with_ones("centre", _without_border(values, m))
        near = self._with_ones("near", _without_border(values, ring))
        widest = max(len(one.hidden) for one in self._passes)
        stack = self._buffer(
            "stack", len(self._taps) + 1 + widest * self._taps.shape[1], near.shape[1]
        )
        self._surroundings(values, stack)
        shape = tuple(size - 2 * ring for size in values.shape[1:])
        rows, columns = (
            slice(max(0, part.start - ring), min(size, part.stop - ring))
            for part, size in zip(inside, shape, strict=True)
        )
        prediction = latent = centre
        for one in self._passes:
            state = self._features(one, near, self._seen(one, values, stack))
            if self._attention is not None:
                state = self._attended(self._attention, state, shape, (rows, columns))
            else:
                state = state[:-1]
            found, bottleneck = self._output(one, state, centre)
            if one.hidden:
                prediction[one.hidden] = 0.5 * (prediction[one.hidden] + found)
            else:
                prediction, latent = found.clone(), bottleneck.clone()
        return prediction.view(-1, height, width), latent.view(-1, height, width)

    def _surroundings(self, values: Tensor, stack: Tensor) -> None:
        """Depthwise 3x3 of the entry with everything shown, and a row of ones."""
        entry = self._entry @ self._with_ones("whole", values)
        n_features = len(entry)
        if self._context:
            grid = entry.view(1, n_features, *values.shape[1:])
            taps = self._taps.view(n_features, 1, 3, 3)
            entry = nnf.conv2d(grid, taps, groups=n_features).view(n_features, -1)
        stack[:n_features] = entry
        stack[n_features] = 1

    def _seen(self, one: Pass, values: Tensor, stack: Tensor) -> Tensor:
        """`stack` with the values of the hidden features around each pixel."""
        row = len(self._taps) + 1
        for feature in one.hidden:
            for tap in range(self._taps.shape[1]):
                top, left = divmod(tap, 3)
                bottom, right = ((2 - top), (2 - left)) if self._context else (0, 0)
                part = values[
                    feature, top : values.shape[1] - bottom, left : values.shape[2] - right
                ]
                stack[row].view(part.shape).copy_(part)
                row += 1
        return stack[:row]

    def _features(self, one: Pass, near: Tensor, seen: Tensor) -> Tensor:
        """Features (W + 1, n) after the blocks; the last row is 1."""
        n = near.shape[1]
        out = self._buffer("state", len(self._taps) + 1, n)
        out[-1] = 1
        state = torch.mm(one.entry, near, out=out[:-1])
        inner = self._buffer("inner", len(one.wide), n)
        torch.mm(one.wide, seen, out=inner)
        state.addmm_(self._narrow[0], _gelu(inner))
        for wide, narrow in zip(self._later_wide, self._narrow[1:], strict=True):
            torch.mm(wide, out, out=inner)
            state.addmm_(narrow, _gelu(inner))
        return out

    def _output(self, one: Pass, state: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted features (f, n) and bottleneck (D, n)."""
        n = centre.shape[1]
        latent = self._buffer("latent", len(one.line) + 1, n)
        latent[-1] = 1
        bottleneck = torch.mm(one.line, centre, out=latent[:-1]).addmm_(self._bottleneck, state)
        widened = self._buffer("widened", len(self._widen) + 1, n)
        _gelu(torch.mm(self._widen, latent, out=widened[:-1]))
        widened[-1] = 1
        out = torch.mm(one.exit, widened, out=self._buffer("out", len(one.exit), n))
        return out.addmm_(one.line_out, bottleneck), bottleneck

    def _attended(
        self, folded: FoldedAttention, hidden: Tensor, shape: tuple[int, ...], inside: Inside
    ) -> Tensor:
        """Features (W, n) of the tile without the reach of a strip, weighed by group."""
        state = hidden[:-1]
        groups = len(folded.constant)
        reach = STRIP_REACH if self._context else 0
        centre = _without_border(state.view(-1, *shape), reach)
        line = torch.mm(folded.line, hidden, out=self._buffer("line", *state.shape))
        if self._context:
            gate = self._gate(line.view(-1, *shape), inside)
        else:
            gate = line.sigmoid_().view(-1, *shape)
        gate *= centre
        n = gate[0].numel()
        weight = torch.addmm(
            folded.constant,
            folded.line_share,
            gate.view(-1, n),
            out=self._buffer("weight", groups, n),
        )
        around = torch.mm(
            folded.area, state, out=self._buffer("area", len(folded.area), state.shape[1])
        )
        if self._context:
            grid = around.view(9, groups, *shape)
            _clear_outside(grid, inside)
            height, width = centre.shape[1:]
            by_group = weight.view(groups, height, width)
            for tap in range(9):
                top, left = tap // 3 + reach - 1, tap % 3 + reach - 1
                by_group += grid[tap, :, top : top + height, left : left + width]
        else:
            weight += around
        gain = weight.sigmoid_().mul_(2).sub_(1).mul_(folded.strength).add_(1)
        torch.mul(
            centre.view(groups, -1, *centre.shape[1:]),
            gain.view(groups, 1, *centre.shape[1:]),
            out=gate.view(groups, -1, *centre.shape[1:]),
        )
        return gate.view(-1, n)

    def _gate(self, line: Tensor, inside: Inside) -> Tensor:
        """Gates (W, h, w) from the strips around each pixel, which ``line`` holds with margin."""
        _clear_outside(line, inside)
        middle = slice(STRIP_REACH, -STRIP_REACH)
        along = self._strip_sum(line[:, middle], 2, "along", inside[1])
        across = self._strip_sum(line[:, :, middle], 1, "across", inside[0])
        return along.sigmoid_().mul_(across.sigmoid_())

    def _strip_sum(self, values: Tensor, dim: int, name: str, inside: slice) -> Tensor:
        """Sum over the nine pixels around each one; near the border that of nine mean pixels."""
        size = values.shape[dim]
        shape = list(values.shape)
        shape[dim] = size - 2
        threes = self._buffer(f"{name} threes", shape[0], shape[1] * shape[2]).view(shape)
        torch.add(values.narrow(dim, 0, size - 2), values.narrow(dim, 1, size - 2), out=threes)
        threes += values.narrow(dim, 2, size - 2)
        length = size - 2 * STRIP_REACH
        shape[dim] = length
        nines = self._buffer(f"{name} nines", shape[0], shape[1] * shape[2]).view(shape)
        torch.add(threes.narrow(dim, 0, length), threes.narrow(dim, 3, length), out=nines)
        nines += threes.narrow(dim, 6, length)
        if inside.start > 0 or inside.stop < size:
            place = torch.arange(length, device=values.device)
            last = (place + STRIP_PIXELS).clamp(max=inside.stop)
            seen = last - place.clamp(min=inside.start)
            share = STRIP_PIXELS / seen.clamp(min=1).to(values.dtype)
            nines *= share if dim == 2 else share[:, None]
        return nines

    def _with_ones(self, name: str, values: Tensor) -> Tensor:
        """Features (F, h, w) as columns, with a last row of ones, (F + 1, h w)."""
        out = self._buffer(name, len(values) + 1, values[0].numel())
        out[:-1].view(values.shape).copy_(values)
        out[-1] = 1
        return out

    def _buffer(self, name: str, rows: int, n: int) -> Tensor:
        """Working memory (rows, n) of this thread, used again by the next pass and tile."""
        kept = self._scratch.kept.get(name)
        if kept is None or kept.numel() < rows * n:
            kept = self._entry.new_empty(rows * n)
            self._scratch.kept[name] = kept
        return kept[: rows * n].view(rows, n)


class _Scratch(threading.local):
    """Working memory by name; each thread has its own."""

    def __init__(self) -> None:
        self.kept: dict[str, Tensor] = {}


def _without_border(grid: Tensor, border: int) -> Tensor:
    cut = slice(border, -border or None)
    return grid[:, cut, cut]


def _clear_outside(grid: Tensor, inside: Inside) -> None:
    """Write 0 where an image (..., h, w) lies beyond the border of the scan."""
    rows, columns = inside
    grid[..., : rows.start, :] = 0
    grid[..., rows.stop :, :] = 0
    grid[..., : columns.start] = 0
    grid[..., columns.stop :] = 0


def _gelu(values: Tensor) -> Tensor:
    """GELU in place."""
    out: Tensor = torch.ops.aten.gelu_(values)
    return out
