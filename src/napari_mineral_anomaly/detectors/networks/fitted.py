"""Shared by detectors with a trained network: its device, saving and loading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from numpy.typing import NDArray
from torch import nn

from napari_mineral_anomaly.detectors.base import Device, ModelState
from napari_mineral_anomaly.detectors.fitting import ConfigT, Fitted
from napari_mineral_anomaly.detectors.results.info import RunInfo
from napari_mineral_anomaly.errors import InputError

NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(eq=False)
class FittedNetwork(Fitted[ConfigT], Generic[ConfigT, NetworkT]):
    """A trained network on its device, in evaluation mode; subclasses define how it scores."""

    network: NetworkT
    fit_info: dict[str, Any]

    def __post_init__(self) -> None:
        self.device, self._device_reason = resolve_device(self.config.device)
        self.network = self.network.to(self.device).eval()

    def _info(self, **of_the_scan: Any) -> RunInfo:
        """The info of a result: of the fit, of the scored scan and of the device."""
        device = {"device": self.device.type, "device_reason": self._device_reason}
        return RunInfo.of(self.fit_info | of_the_scan | device)

    def _state(self, parts: dict[str, dict[str, NDArray[Any]]], **meta: Any) -> ModelState:
        """Network, scaling, and the arrays and plain values that a detector adds."""
        weights = {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}
        scaling = self.preprocessing.arrays()
        return ModelState.of_parts(
            {"network": weights, **parts, "scaling": scaling},
            self.preprocessing.meta() | meta | {"fit_info": self.fit_info},
        )


def load_weights(network: nn.Module, state: ModelState) -> None:
    """Give a network the weights from a state that `FittedNetwork` made.

    Raises
    ------
    RuntimeError
        torch's own, when they are not those of such a network.
    """
    weights = state.parts()["network"]
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})


def resolve_device(wanted: Device) -> tuple[torch.device, str]:
    """The torch device for a request, and the reason in words, for run.json.

    Raises
    ------
    InputError
        When a GPU is asked for that this machine or this build of torch does not offer.
    """
    cuda = torch.cuda.is_available()
    mps = torch.backends.mps.is_available()
    if wanted == "auto":
        if cuda:
            return torch.device("cuda"), "auto: a CUDA graphics card was found"
        if mps:
            return torch.device("mps"), "auto: an Apple graphics processor was found"
        return torch.device("cpu"), "auto: no graphics card that torch can use was found"
    if (wanted == "cuda" and not cuda) or (wanted == "mps" and not mps):
        raise InputError(
            f"Device {wanted} was asked for, but torch {torch.__version__} finds none on this "
            "machine; use device auto or cpu."
        )
    return torch.device(wanted), "as asked for"
