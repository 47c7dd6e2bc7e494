"""The elements that drive the score of a grain: as the detector says, and as the maps show.

A contribution of a detector is compared with the ring of the grain, because a network that predicts
an element badly in the whole neighbourhood does so in the grain too. And it counts only as far as
the element's own map differs from the ring: the list names what is odd in the rock, not in the
network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.columns import N_DRIVERS
from napari_mineral_anomaly.grains.pixels.regions import PixelSets
from napari_mineral_anomaly.grains.signals import GrainSignals

Floats = NDArray[np.float64]

# Smaller drivers would read as 0.0: they are not named.
_LEAST_DRIVER = 0.05


def driver_contributions(result: AnomalyResult, sets: PixelSets, ring: PixelSets) -> Floats:
    """Contribution (n, C) of each element to n grains, over their surroundings.

    The mean over the grain minus the mean over its ring, in background sigmas; where the ring
    varies by more than one sigma, in units of that. So an element that a detector expects wrongly
    in the whole neighbourhood does not drive a grain. Our choice.

    Holds one contribution plane in memory at a time: they may be lazy.
    """
    means = np.empty((sets.n_grains, len(result.elements)))
    for c in range(len(result.elements)):
        plane = np.asarray(result.contributions[c]).reshape(-1)
        around = plane[ring.pixel].astype(np.float64)
        centre = np.nan_to_num(ring.mean(around))
        spread = np.sqrt(np.nan_to_num(ring.mean((around - centre[ring.grain]) ** 2)))
        means[:, c] = (sets.mean(plane[sets.pixel]) - centre) / np.maximum(spread, 1.0)
    return means


def with_surroundings(means: Floats, elements: tuple[str, ...], signals: GrainSignals) -> Floats:
    """For a score that also asks what differs from its surroundings: the larger of both answers.

    A network may predict titanium from the barium that overlaps it. An ilmenite then has no
    residual in titanium, and is found because it differs from its surroundings. So an element
    counts with its contribution (n, C) or with its difference to the ring in units of the ring's
    spread, whichever is larger.
    """
    shown = in_order_of(elements, signals.ring_departure, signals.elements)
    return np.where(np.abs(shown) > np.abs(means), shown, means)


def seen_in_maps(
    means: Floats, elements: tuple[str, ...], signals: GrainSignals, peak: Floats
) -> Floats:
    """Contributions (n, C), none larger than what the element's map shows.

    An element counts with no more sigmas than its map differs from the ring, and with nothing where
    the two have other signs: a network that predicts an element badly everywhere makes large
    contributions to it, and the rock does not. Where the contributions name no element at all, the
    differences of the maps do, the largest up to the peak score (n,) and the others in proportion.
    """
    shown = in_order_of(elements, signals.ring_sigmas, signals.elements)
    known = np.isin(elements, signals.elements) & (signals.n_ring > 0)[:, None]
    agrees = np.where(shown * means > 0, np.abs(shown), 0.0)
    capped = np.where(known, np.sign(means) * np.minimum(np.abs(means), agrees), means)
    nameless = np.abs(capped).max(axis=1, initial=0.0) < _LEAST_DRIVER
    largest = np.abs(shown).max(axis=1, initial=0.0)
    scale = np.minimum(1.0, np.abs(peak) / np.maximum(largest, 1e-12))[:, None]
    return np.where(nameless[:, None], shown * scale, capped)


def driving_contributions(means: Floats) -> Floats:
    """``means`` (n, C) with all but the `N_DRIVERS` largest magnitudes of each row set to 0."""
    order = _largest_first(means)
    out = np.zeros_like(means)
    np.put_along_axis(out, order, np.take_along_axis(means, order, axis=1), axis=1)
    return out


def _largest_first(means: Floats) -> NDArray[np.intp]:
    # A stable sort keeps ties in element order, so that the same run gives the same table.
    return np.argsort(-np.abs(means), axis=1, kind="stable")[:, :N_DRIVERS]


def driver_texts(means: Floats, elements: tuple[str, ...]) -> NDArray[np.object_]:
    """(n, N_DRIVERS) texts, empty where fewer elements count."""
    texts = np.full((means.shape[0], N_DRIVERS), "", dtype=object)
    order = _largest_first(means)
    for k in range(order.shape[1]):
        values = np.take_along_axis(means, order[:, k : k + 1], axis=1)[:, 0]
        texts[:, k] = [
            f"{elements[c]}{z:+.1f}" if abs(z) >= _LEAST_DRIVER else ""
            for c, z in zip(order[:, k], values, strict=True)
        ]
    return texts


def in_order_of(wanted: tuple[str, ...], values: Floats, elements: tuple[str, ...]) -> Floats:
    """Columns of ``values`` (named by ``elements``) as ``wanted``; 0 where one is missing."""
    out = np.zeros((values.shape[0], len(wanted)))
    for c, name in enumerate(wanted):
        if name in elements:
            out[:, c] = values[:, elements.index(name)]
    return out
