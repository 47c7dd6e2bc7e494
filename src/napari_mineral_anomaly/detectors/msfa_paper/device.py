"""Where the network runs, and why."""

from __future__ import annotations

import torch

from napari_mineral_anomaly.detectors.base import Device
from napari_mineral_anomaly.errors import InputError


def resolve_device(wanted: Device) -> tuple[torch.device, str]:
    """The torch device for a request, and the reason in words for run.json.

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
