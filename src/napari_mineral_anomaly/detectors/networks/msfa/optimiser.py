"""AdamW with a one-cycle step width, for a network of a few thousand weights.

The numbers are those of `torch.optim.AdamW` with `torch.optim.lr_scheduler.OneCycleLR` and
`torch.nn.utils.clip_grad_norm_`. torch's optimisers import its compiler, which takes longer than
all steps of ours together, and they treat each of the small weights by itself; here all weights are
one vector (Loshchilov and Hutter 2019; Smith and Topin 2019).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WEIGHT_DECAY = 1e-4
LARGEST_GRADIENT = 1.0
RISING_SHARE = 0.15
# The first step is as much narrower than the widest one, and the last as much than the first.
FIRST_NARROWER, LAST_NARROWER = 25.0, 1e4
LONGEST_MEMORY, SHORTEST_MEMORY = 0.95, 0.85
MEMORY_OF_SQUARES = 0.999
SMALLEST_ROOT = 1e-8


class OneCycleAdamW:
    """Follows gradients of a network.

    Parameters
    ----------
    network : nn.Module
    widest : float
        Largest step width.
    steps : int
        Length of the cycle: the step width rises over `RISING_SHARE` of it, then falls.
    """

    def __init__(self, network: nn.Module, widest: float, steps: int) -> None:
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        self._widest = widest
        self._steps = steps
        self._taken = 0
        size = sum(p.numel() for p in self._parameters)
        self._mean = self._parameters[0].new_zeros(size)
        self._squares = torch.zeros_like(self._mean)

    @torch.no_grad()
    def follow(self, loss: Tensor) -> None:
        """Take one step down the gradient of a loss."""
        for parameter in self._parameters:
            parameter.grad = None
        with torch.enable_grad():
            torch.autograd.backward(loss)
        gradient = torch.cat(
            [
                torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten()
                for p in self._parameters
            ]
        )
        length = float(torch.linalg.vector_norm(gradient))
        gradient *= min(1.0, LARGEST_GRADIENT / (length + 1e-6))
        width, memory = self._cycle()
        self._taken += 1
        self._mean.lerp_(gradient, 1 - memory)
        self._squares.mul_(MEMORY_OF_SQUARES).addcmul_(
            gradient, gradient, value=1 - MEMORY_OF_SQUARES
        )
        # Means of few steps are too small by these factors.
        of_mean = 1 - memory**self._taken
        of_squares = 1 - MEMORY_OF_SQUARES**self._taken
        root = (self._squares.sqrt() / math.sqrt(of_squares)).add_(SMALLEST_ROOT)
        step = self._mean / root
        start = 0
        for parameter in self._parameters:
            part = step[start : start + parameter.numel()].view_as(parameter)
            parameter.mul_(1 - width * WEIGHT_DECAY).sub_(part, alpha=width / of_mean)
            start += parameter.numel()

    def _cycle(self) -> tuple[float, float]:
        """Step width and share of the old mean gradient that is kept, of the next step."""
        first = self._widest / FIRST_NARROWER
        top, last = RISING_SHARE * self._steps - 1, self._steps - 1
        if self._taken <= top:
            share = self._taken / top
            width = _cosine(first, self._widest, share)
            return width, _cosine(LONGEST_MEMORY, SHORTEST_MEMORY, share)
        share = (self._taken - top) / (last - top)
        width = _cosine(self._widest, first / LAST_NARROWER, share)
        return width, _cosine(SHORTEST_MEMORY, LONGEST_MEMORY, share)


def _cosine(start: float, stop: float, share: float) -> float:
    return stop + (start - stop) / 2 * (1 + math.cos(math.pi * share))
