"""The part of a large scan that the network is trained on."""

from __future__ import annotations

import numpy as np

from napari_mineral_anomaly.detectors.networks.msfa.config import TRAINED_PIXELS
from napari_mineral_anomaly.scan.cube import ElementCube

# Two tiles high, so that few tiles lie across a seam.
BAND_ROWS = 64
LEAST_BANDS = 4


def training_part(cube: ElementCube, most: int = TRAINED_PIXELS) -> ElementCube:
    """A scan in memory; of one with more than ``most`` valid pixels, bands of rows.

    The bands lie at even distances from the first row with sample to the last, one below the other.
    """
    if cube.n_valid <= most:
        return cube.in_memory()
    height = cube.shape[0]
    bands = [slice(top, min(top + BAND_ROWS, height)) for top in range(0, height, BAND_ROWS)]
    bands = [band for band in bands if cube.valid[band].any()]
    wanted = max(LEAST_BANDS, round(len(bands) * most / cube.n_valid))
    if wanted >= len(bands):
        return cube.in_memory()
    places = np.linspace(0, len(bands) - 1, wanted).round().astype(int)
    return cube.some_rows([bands[place] for place in places])
