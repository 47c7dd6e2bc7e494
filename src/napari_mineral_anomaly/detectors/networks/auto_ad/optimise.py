"""Optimise one network on one tile with the adaptive loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.auto_ad.config import AutoAdConfig
from napari_mineral_anomaly.detectors.networks.auto_ad.network import AutoAdNetwork
from napari_mineral_anomaly.detectors.networks.auto_ad.tiles import padded_side
from napari_mineral_anomaly.detectors.networks.parts.steps import descend, finite_loss
from napari_mineral_anomaly.progress import SILENT, Task

# The input is uniform noise between 0 and this, as in the authors' code.
INPUT_NOISE = 0.1

# The stopping rule looks at the mean change of the loss over this many steps.
STOP_WINDOW = 50


@dataclass(frozen=True, eq=False)
class LearntTile:
    """The output of the network at the last update of the weights.

    Attributes
    ----------
    output : (K, h, w) float32
        Reconstruction in scaled units.
    losses : list of float
        Loss of every step.
    """

    output: NDArray[np.float32]
    losses: list[float]


def learn_tile(
    target: NDArray[np.float32],
    valid: NDArray[np.bool_],
    config: AutoAdConfig,
    seed: int,
    device: torch.device,
    *,
    on_step: Callable[[int, float], None] | None = None,
    task: Task = SILENT,
) -> LearntTile:
    """Fit a fresh network to a tile.

    Every `AutoAdConfig.reweight_every` steps a pixel's weight becomes one minus its squared
    residual, brought to [0, 1] over the tile; the loss is the mean of
    ``(weight x (output - target))^2``, so a weight acts squared, as in the authors' code.

    Parameters
    ----------
    target : (K, h, w) float32
        Scaled maps.
    valid : (h, w) bool
        Only these pixels are learnt, weighted and counted.
    seed : int
    on_step : callable, optional
        Called with each step and its loss.

    Raises
    ------
    InputError
        When the loss stops being a number.
    CancelledError
    """
    generator = torch.Generator().manual_seed(seed)
    n_elements, height, width = target.shape
    sides = padded_side(height), padded_side(width)
    maps = torch.zeros((1, n_elements, *sides))
    maps[0, :, :height, :width] = torch.from_numpy(np.where(valid, target, 0).astype(np.float32))
    counted = torch.zeros(sides)
    counted[:height, :width] = torch.from_numpy(valid.astype(np.float32))
    n_values = n_elements * int(valid.sum())
    maps, counted = maps.to(device), counted.to(device)
    noise = INPUT_NOISE * torch.rand((1, n_elements, *sides), generator=generator)
    network = AutoAdNetwork(n_elements, config.channels, generator).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    weights, kept = counted, None
    losses: list[float] = []
    output = maps
    for step in range(config.epochs):
        task.check()
        jitter = config.jitter * torch.randn(noise.shape, generator=generator)
        output = network((noise + jitter).to(device))
        if step and step % config.reweight_every == 0:
            kept = output.detach()
            weights = adaptive_weights((kept - maps).square().sum(dim=(0, 1)), counted)
        loss = (weights * (output - maps)).square().sum() / n_values
        descend(optimiser, loss, task)
        losses.append(finite_loss(loss, f"step {step + 1}", config.learning_rate))
        if on_step is not None:
            on_step(step, losses[-1])
        if step and step % STOP_WINDOW == 0 and _is_still(losses, config.stop_below):
            break
    last = output.detach() if kept is None else kept
    return LearntTile(last[0, :, :height, :width].cpu().numpy(), losses)


def adaptive_weights(squared: Tensor, counted: Tensor) -> Tensor:
    """Weights (H, W) in [0, 1]: 1 for the best learnt pixel, 0 for the worst.

    Parameters
    ----------
    squared : (H, W)
        Squared residual of each pixel.
    counted : (H, W)
        1 inside the valid area; outside the weight is 0 and the residual plays no part.
    """
    inside = squared[counted > 0]
    low, high = inside.min(), inside.max()
    if high <= low:
        return counted
    return counted * (high - squared) / (high - low)


def _is_still(losses: list[float], stop_below: float) -> bool:
    return bool(np.abs(np.diff(losses[-STOP_WINDOW - 1 :])).mean() < stop_below)
