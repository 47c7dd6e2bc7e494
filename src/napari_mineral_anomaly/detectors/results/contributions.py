"""Which elements make a pixel odd: signed contributions in sigmas of the background."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.maps_on_demand import (
    ElementContributions,
    ScaledElements,
)
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.robust import robust_centre_and_sigma, thinned

# Median and MAD of so many pixels scatter by less than a hundredth of a sigma.
ENOUGH_PIXELS = 50_000


def robust_z_in_place(plane: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
    """Replace an (H, W) plane by (plane - median) / (1.4826 MAD), both over valid pixels.

    Of a large scan, `ENOUGH_PIXELS` or more of them, evenly spread: the sigma is then within one
    per cent of that of all.
    """
    values = plane.reshape(-1) if valid.all() else plane[valid]
    centre, sigma = robust_centre_and_sigma(thinned(values, ENOUGH_PIXELS))
    plane -= np.float32(centre)
    plane /= np.float32(sigma)


def element_contributions(
    cube: ElementCube, preprocessing: Preprocessing, *, task: Task = SILENT
) -> ElementContributions:
    """Robust z of every transformed element, (C, H, W): for detectors without a residual."""
    return ElementContributions(cube, scaled_elements(cube, preprocessing, task=task))


def scaled_elements(
    cube: ElementCube, preprocessing: Preprocessing, *, task: Task = SILENT
) -> ScaledElements:
    """Centre and sigma of every transformed element, as in `robust_z_in_place`."""
    scales = []
    for k in range(len(preprocessing.elements)):
        task.check()
        scales.append(robust_centre_and_sigma(preprocessing.thinned(cube, k, ENOUGH_PIXELS)))
    centre, sigma = np.array(scales, dtype=np.float32).T
    return ScaledElements(preprocessing, centre, sigma)


def residual_contributions(
    cube: ElementCube,
    preprocessing: Preprocessing,
    residual: Iterable[NDArray[np.float32]],
    *,
    task: Task = SILENT,
) -> NDArray[np.float32]:
    """Robust z of every element's residual, (C, H, W): positive = more than the model expects.

    Parameters
    ----------
    residual : (K, H, W) float32, or its K planes one by one
        Observed minus reconstructed, in the order of ``preprocessing.elements``.
    """
    out = np.zeros((cube.n_elements, *cube.shape), dtype=np.float32)
    for c, plane in zip(preprocessing.positions(cube), residual, strict=True):
        task.check()
        out[c] = plane
        robust_z_in_place(out[c], cube.valid)
    return out
