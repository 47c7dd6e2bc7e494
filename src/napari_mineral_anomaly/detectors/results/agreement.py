"""Where several detectors agree: how many of them flag a pixel or a grain of one scan.

Scores are background sigmas, so the same threshold means the same expected number of false pixels
for every detector, and the pixels that they flag can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    flagged,
    threshold_for,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.words import sizes

# In a map of counts: no detector has a score there (outside the valid area).
NOT_JUDGED = 255

MAX_DETECTORS = NOT_JUDGED - 1


@dataclass(frozen=True, eq=False)
class Agreement:
    """How many detectors flag each pixel at the same expected number of false pixels.

    Attributes
    ----------
    counts : (H, W) uint8
        Detectors that flag the pixel; `NOT_JUDGED` (255) where none has a score. A pixel that is
        outside the valid area of only some of them counts those that judged it.
    flagged : dict of str to int
        Pixels that each detector flags, by its name.
    thresholds : dict of str to float
        Background sigmas from which each detector flags.
    """

    counts: NDArray[np.uint8]
    flagged: dict[str, int]
    thresholds: dict[str, float]

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of the detectors, in the order given."""
        return tuple(self.flagged)

    def n_pixels(self, n_detectors: int) -> int:
        """Pixels that exactly ``n_detectors`` detectors flag."""
        return int(np.count_nonzero(self.counts == n_detectors))


def agree(results: Mapping[str, AnomalyResult], *, false_pixels: float | None = None) -> Agreement:
    """Count for every pixel the detectors that flag it.

    Parameters
    ----------
    results : mapping of str to AnomalyResult
        Results of several detectors on the same scan, by the name of the detector. Their own
        thresholds are not used here: a person may have moved them.
    false_pixels : float, optional
        Background pixels that each detector may flag by chance; default: what the default
        threshold promises for the size of the scan (`results.threshold.promised_false_pixels`).

    Raises
    ------
    InputError
        Without results, with results of different shapes, with more than 254, or for a number of
        false pixels that the scan cannot have.
    """
    shape = _common_shape(results)
    counts = np.zeros(shape, dtype=np.uint8)
    judged = np.zeros(shape, dtype=bool)
    n_flagged: dict[str, int] = {}
    thresholds: dict[str, float] = {}
    for name, result in results.items():
        thresholds[name] = _threshold(result, false_pixels)
        flags = flagged(result.score, thresholds[name])
        n_flagged[name] = int(np.count_nonzero(flags))
        counts += flags
        judged |= result.valid
    counts[~judged] = NOT_JUDGED
    return Agreement(counts, n_flagged, thresholds)


def agreeing_detectors(
    labels: NDArray[np.integer[Any]],
    results: Mapping[str, AnomalyResult],
    *,
    false_pixels: float | None = None,
) -> list[tuple[str, ...]]:
    """Name for every grain the detectors that flag at least one of its pixels.

    One pixel is enough (our choice): detectors draw the rim of a grain differently, and at one
    expected false pixel per scan a flag inside a grain is hardly there by chance.

    Parameters
    ----------
    labels : (H, W) integer
        Numbered grains from 1, as `pixels.regions.label_grains` gives them.
    results, false_pixels
        As in `agree`.

    Returns
    -------
    list of tuple of str
        The entry at position k - 1 belongs to grain k; names in the order of ``results``.

    Raises
    ------
    InputError
        As in `agree`, and when the labels have another shape than the results.
    """
    shape = _common_shape(results)
    if labels.shape != shape:
        raise InputError(
            f"The grains cover {sizes(labels.shape)} pixels, the results {sizes(shape)}."
        )
    where = np.flatnonzero(labels)
    grain = labels.reshape(-1)[where]
    n_grains = int(grain.max(initial=0))
    names: list[list[str]] = [[] for _ in range(n_grains)]
    for name, result in results.items():
        flags = flagged(result.score.reshape(-1)[where], _threshold(result, false_pixels))
        for number in np.unique(grain[flags]):
            names[int(number) - 1].append(name)
    return [tuple(found) for found in names]


def _threshold(result: AnomalyResult, false_pixels: float | None) -> float:
    n_valid = int(np.count_nonzero(result.valid))
    if false_pixels is None:
        return default_threshold(n_valid)
    return threshold_for(false_pixels, n_valid)


def _common_shape(results: Mapping[str, AnomalyResult]) -> tuple[int, int]:
    if not results:
        raise InputError("There is no result to compare: run a detector first.")
    if len(results) > MAX_DETECTORS:
        raise InputError(f"At most {MAX_DETECTORS} results can be compared, not {len(results)}.")
    shapes = {result.score.shape for result in results.values()}
    if len(shapes) > 1:
        listed = ", ".join(sorted(sizes(shape) for shape in shapes))
        raise InputError(f"Only results of one scan can be compared; these cover {listed} pixels.")
    height, width = shapes.pop()
    return height, width
