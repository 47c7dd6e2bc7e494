"""Are the named drivers the right elements? Used by `promises.py`.

The element that truly distinguishes a grain from its host has the largest difference of expected
counts, in counting sigmas of the host. The host is the commonest matrix mineral around the grain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly import AnomalyResult
from napari_mineral_anomaly.grains.table import list_grains
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.sensitivity import count_rates

HOST_REACH_PX = 4


def distinguishing_element(section: SimulatedSection, mineral: str, host: str) -> int:
    """Position of the element in which a mineral differs most from its host."""
    elements = section.cube.elements
    grain, rock = (count_rates(MINERALS[name], elements) for name in (mineral, host))
    dwell = section.scene.dwell_ms
    # One count of continuum under each line: a host without the element still has noise.
    sigmas = (grain - rock) * dwell / np.sqrt(rock * dwell + 1.0)
    return int(np.argmax(np.abs(sigmas)))


def host_of(section: SimulatedSection, pixels: NDArray[np.bool_]) -> str:
    """The commonest matrix mineral around a grain."""
    around = ndimage.binary_dilation(pixels, iterations=HOST_REACH_PX) & (section.fraction <= 0)
    matrix = {mode.mineral for mode in section.scene.modes}
    counts = np.bincount(section.phases[around], minlength=len(section.minerals))
    for code in np.argsort(-counts):
        if section.minerals[code] in matrix:
            return section.minerals[code]
    raise ValueError("a grain without a host")


def count_right_drivers(section: SimulatedSection, result: AnomalyResult) -> tuple[int, int, int]:
    """Count grains found, grains with the right first driver, and with it among the first three.

    A grain is found if one of its pixels is flagged. Its drivers are those of the grain list
    (`GrainList.drivers`).
    """
    labels, _ = ndimage.label(section.fraction > 0, np.ones((3, 3)))
    grains = list_grains(result, cube=section.cube)
    listed = grains.regions.labels
    found = first = third = 0
    for grain in section.grains.itertuples():
        y, x = round(grain.centroid_y_px), round(grain.centroid_x_px)
        number = int(labels[y, x])
        if not number:
            continue
        pixels = labels == number
        flagged = pixels & result.mask & (listed > 0)
        if not flagged.any():
            continue
        row = int(np.bincount(listed[flagged]).argmax()) - 1
        order = np.argsort(-np.abs(grains.drivers[row]), kind="stable")
        truth = distinguishing_element(section, grain.mineral, host_of(section, pixels))
        found += 1
        first += int(order[0] == truth)
        third += int(truth in order[:3])
    return found, first, third
