"""Normalisation statistics of the trained network over the scan as a whole."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaNetwork
from napari_mineral_anomaly.detectors.networks.msfa_paper.scan import ScanPasses
from napari_mineral_anomaly.detectors.networks.parts.grid import pixel_rows
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.scan.cube import ElementCube


def calibrate_norms(
    network: MsfaNetwork,
    cube: ElementCube,
    preprocessing: Preprocessing,
    passes: ScanPasses,
    config: MsfaPaperConfig,
    device: torch.device,
) -> NDArray[np.float32]:
    """Set the batch normalisations to the statistics of the final weights on the whole scan.

    They are taken over a seeded sample of at most ``batch_size`` valid pixels: all of them where
    the scan was trained on as one window, and the numbers are then those of a training step.

    Returns
    -------
    (n, D) float32
        Latent features of the sample, after the attention.
    """
    where = np.flatnonzero(cube.valid)
    if len(where) > config.batch_size:
        rng = np.random.default_rng(config.seed)
        where = np.sort(rng.choice(where, config.batch_size, replace=False))
    picked = np.zeros(cube.shape, dtype=bool)
    picked.reshape(-1)[where] = True
    pixels = torch.from_numpy(_scaled_pixels(cube, preprocessing, where)).to(device)
    encoded = network.calibrate_encoder(pixels)
    latents = []
    for strip in passes.outputs("statistics"):
        own = picked[strip.window.rows, strip.window.columns][strip.valid]
        latents.append(strip.latent[:, torch.from_numpy(own).to(device)])
    latent = torch.cat(latents, dim=1)
    network.calibrate_decoder(latent, encoded)
    return pixel_rows(latent)


def _scaled_pixels(
    cube: ElementCube, preprocessing: Preprocessing, where: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Scaled values (K, n) at flat positions of the scan, plane by plane."""
    out = np.empty((len(preprocessing.elements), len(where)), dtype=np.float32)
    for k in range(len(out)):
        values = preprocessing.plane(cube, k).reshape(-1)[where]
        low, high = preprocessing.low[k], preprocessing.high[k]
        out[k] = (values - np.float32(low)) / np.float32(high - low)
    return out
