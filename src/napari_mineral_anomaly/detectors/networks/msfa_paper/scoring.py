"""From a trained network to the residual of a scan and its raw anomaly statistic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaNetwork
from napari_mineral_anomaly.detectors.networks.msfa_paper.scan import ScanPasses, StripOutput
from napari_mineral_anomaly.detectors.networks.parts.grid import pixel_rows
from napari_mineral_anomaly.scan.cube import ElementCube

# Called for each strip with the latent features (n, D) of its valid pixels.
StripCallback = Callable[[StripOutput, NDArray[np.float32]], None]


def reconstruct_scan(
    network: MsfaNetwork,
    cube: ElementCube,
    passes: ScanPasses,
    on_strip: StripCallback | None = None,
    *,
    phase: str,
) -> NDArray[np.float32]:
    """Reconstruct a scan, (K, H, W) float32 in scaled units; zero outside the valid area."""
    n_elements = network.decoder3.weight.shape[0]
    out = np.zeros((n_elements, *cube.shape), dtype=np.float32)
    for strip in passes.outputs(phase):
        with torch.no_grad():
            output = network.decode(strip.latent, strip.encoded)
        # The first index gives a view, so the values land in `out`.
        out[:, strip.window.rows, strip.window.columns][:, strip.valid] = output.cpu().numpy()
        if on_strip is not None:
            on_strip(strip, pixel_rows(strip.latent))
    return out
