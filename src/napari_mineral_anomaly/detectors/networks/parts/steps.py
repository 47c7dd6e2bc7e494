"""One step of training: follow the gradient, and stop when the loss is no longer a number."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, task: Task) -> None:
    """Take one step of the optimiser down the gradient of the loss."""
    task.check()
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimiser.step()


def finite_loss(loss: Tensor, where: str, learning_rate: float) -> float:
    """The loss as a number.

    Raises
    ------
    InputError
        When it is infinite or not a number; ``where`` names the step.
    """
    value = loss.item()
    if not math.isfinite(value):
        raise InputError(
            f"Training came apart at {where}: the loss is not a number; "
            f"try a learning rate below {learning_rate:g}."
        )
    return value
