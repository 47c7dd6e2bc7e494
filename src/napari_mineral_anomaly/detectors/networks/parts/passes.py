"""Passes of a trained autoencoder over a whole scan, strip by strip."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.parts.autoencoder import Encoded, PixelAutoencoder
from napari_mineral_anomaly.detectors.networks.parts.grid import pixel_rows
from napari_mineral_anomaly.detectors.networks.parts.windows import Window, bounding_window
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass(frozen=True, eq=False)
class StripOutput:
    """Features of the n valid pixels of a strip.

    Attributes
    ----------
    window : Window
    valid : (h, w) bool
    latent : (D, n)
        Latent features after the attention.
    encoded : Encoded
        Encoder outputs.
    """

    window: Window
    valid: NDArray[np.bool_]
    latent: Tensor
    encoded: Encoded


# Called for each strip with the latent features (n, D) of its valid pixels.
StripCallback = Callable[[StripOutput, NDArray[np.float32]], None]


NetworkT = TypeVar("NetworkT", bound=PixelAutoencoder)


@dataclass(eq=False)
class AutoencoderScan(ABC, Generic[NetworkT]):
    """Passes of a network in evaluation mode over the valid area of a scan.

    Attributes
    ----------
    network : PixelAutoencoder
    cube : ElementCube
    preprocessing : Preprocessing
    limit : int
        Pixels per strip.
    device : torch.device
    task : Task
        Checked before each strip of each pass; each strip is reported to it.
    """

    network: NetworkT
    cube: ElementCube
    preprocessing: Preprocessing
    limit: int
    device: torch.device
    task: Task = SILENT

    def __post_init__(self) -> None:
        self.outer = bounding_window(self.cube.valid)

    @abstractmethod
    def outputs(self, phase: str) -> Iterator[StripOutput]:
        """Latent features of the whole scan, strip by strip; ``phase`` names it in progress."""

    def reconstruct(self, phase: str, on_strip: StripCallback | None = None) -> NDArray[np.float32]:
        """Reconstruct the scan, (K, H, W) in scaled units; zero outside the valid area."""
        n_elements = self.network.decoder3.weight.shape[0]
        out = np.zeros((n_elements, *self.cube.shape), dtype=np.float32)
        for strip in self.outputs(phase):
            with torch.no_grad():
                output = self.network.decode(strip.latent, strip.encoded)
            # The first index gives a view, so the values land in `out`.
            out[:, strip.window.rows, strip.window.columns][:, strip.valid] = output.cpu().numpy()
            if on_strip is not None:
                on_strip(strip, pixel_rows(strip.latent))
        return out
