"""The values that a detector expected of each element, in the units of the maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.transforms import unstabilise


def in_map_units(
    cube: ElementCube, preprocessing: Preprocessing, transformed: NDArray[np.float32]
) -> NDArray[np.float32]:
    """`AnomalyResult.reconstruction` from a reconstruction of the transformed elements.

    Parameters
    ----------
    cube : ElementCube
        The scan that was reconstructed.
    preprocessing : Preprocessing
    transformed : (K, H, W) float32
        In the order of ``preprocessing.elements``, transformed but not scaled; of the whole scan
        or of a part of it.

    Returns
    -------
    (C, H, W) float32
        NaN for elements of the scan that the detector does not use: it expects nothing of them.
    """
    shape = (cube.n_elements, *transformed.shape[1:])
    out = np.full(shape, np.nan, dtype=np.float32)
    for k, c in enumerate(preprocessing.positions(cube)):
        out[c] = unstabilise(transformed[k], preprocessing.transform)
    return out


def unscale(preprocessing: Preprocessing, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
    """Transformed values (K, H, W) from values scaled to [0, 1] as by `Preprocessing.scaled_block`.

    A new array; ``scaled`` stays as it is.
    """
    low = preprocessing.low.astype(np.float32)[:, None, None]
    span = (preprocessing.high - preprocessing.low).astype(np.float32)[:, None, None]
    out: NDArray[np.float32] = scaled * span + low
    return out
