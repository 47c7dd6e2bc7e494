"""Compare a pixel or a region with the scan (spectra), and with what a detector expects (counts).

This module only forms sums. The score says whether a difference is more than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.words import sizes

Pixel = tuple[int, int]
Region = Pixel | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RegionSpectrum:
    """The spectrum of a region, and the spectrum that it would have if it were like the scan.

    Attributes
    ----------
    counts : (E,) float64
        Sum over the pixels of the region.
    like_scan : (E,) float64
        The scan's sum spectrum, scaled to the same total.
    n_pixels : int
    """

    counts: NDArray[np.float64]
    like_scan: NDArray[np.float64]
    n_pixels: int


@dataclass(frozen=True, eq=False)
class ExpectedCounts:
    """Observed and expected signal of a region, element by element.

    Attributes
    ----------
    elements : tuple of str
    observed, expected : (n,) float64
        In the units of the maps: sums over the region for counts, means for other quantities.
    n_pixels : int
        Pixels of the region to which the detector gave an expectation.
    summed : bool
        Whether the numbers are sums.
    """

    elements: tuple[str, ...]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    n_pixels: int
    summed: bool

    def departures(self) -> list[tuple[str, float, float]]:
        """(element, observed, expected), the largest departure first.

        Departures are ranked by (observed - expected) / sqrt(max(expected, 1)), the Pearson
        residual of a Poisson count; for other quantities it is a ranking only.
        """
        size = np.abs(self.observed - self.expected) / np.sqrt(np.maximum(self.expected, 1.0))
        order = np.argsort(-size, kind="stable")
        return [(self.elements[i], float(self.observed[i]), float(self.expected[i])) for i in order]


def region_spectrum(image: SpectrumImage, region: Region, task: Task = SILENT) -> RegionSpectrum:
    """The spectrum of a pixel (y, x) or of a mask (H, W), and that of the scan at equal total.

    Raises
    ------
    InputError
        When the mask is empty or has another shape than the scan.
    CancelledError
    """
    if isinstance(region, tuple):
        counts, n_pixels = image.spectrum_at(*region), 1
    else:
        n_pixels = int(np.count_nonzero(region))
        if n_pixels == 0:
            raise InputError("The region is empty: brush some pixels.")
        counts = image.spectrum_of(region, task=task.quiet())
    whole = image.sum_spectrum(task=task.quiet())
    total = float(whole.sum())
    share = float(counts.sum()) / total if total else 0.0
    return RegionSpectrum(counts, whole * share, n_pixels)


def expected_counts(
    cube: ElementCube, reconstruction: Any, elements: Sequence[str], region: Region
) -> ExpectedCounts | None:
    """The signal of the maps in a region, and the signal that a detector expected there.

    Parameters
    ----------
    cube : ElementCube
    reconstruction : array (C, H, W)
        `AnomalyResult.reconstruction`, NaN outside the area that the detector scored.
    elements : sequence of str
        Names of the C planes; planes that the cube no longer has are left out.
    region : (int, int) or array (H, W) of bool

    Returns
    -------
    ExpectedCounts or None
        None when no pixel of the region was scored, or no element is left.
    """
    rows, columns, inside = _window_of(region, cube.shape)
    shared = [name for name in elements if name in cube.elements]
    if not shared or not inside.any():
        return None
    planes = np.stack(
        [np.asarray(reconstruction[list(elements).index(name), rows, columns]) for name in shared]
    ).astype(np.float64)
    judged = inside & np.isfinite(planes).all(axis=0)
    n_pixels = int(np.count_nonzero(judged))
    if n_pixels == 0:
        return None
    maps = [
        np.asarray(cube.maps[cube.elements.index(name), rows, columns])[judged] for name in shared
    ]
    observed = np.array([values.sum(dtype=np.float64) for values in maps])
    expected = planes[:, judged].sum(axis=1)
    summed = cube.quantity == "counts"
    if not summed:
        observed, expected = observed / n_pixels, expected / n_pixels
    return ExpectedCounts(tuple(shared), observed, expected, n_pixels, summed)


def _window_of(region: Region, shape: tuple[int, int]) -> tuple[slice, slice, NDArray[np.bool_]]:
    """The smallest block of rows and columns around a region, and the region inside it."""
    if isinstance(region, tuple):
        y, x = region
        return slice(y, y + 1), slice(x, x + 1), np.ones((1, 1), dtype=bool)
    mask = np.asarray(region, dtype=bool)
    if mask.shape != shape:
        raise InputError(
            f"The region has {sizes(mask.shape)} pixels, the element maps {sizes(shape)}."
        )
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if ys.size == 0:
        return slice(0, 0), slice(0, 0), np.zeros((0, 0), dtype=bool)
    rows, columns = slice(ys[0], ys[-1] + 1), slice(xs[0], xs[-1] + 1)
    return rows, columns, mask[rows, columns]
