"""Local RX: distance of a pixel to the mean and covariance of the ring around it.

Dual-window form of Reed and Yu (1990); see also Molero et al. (2013), IEEE JSTARS 6, 801-814.
Sums over the ring come from cumulative sums, so the cost does not depend on the window size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.base import ModelState
from napari_mineral_anomaly.detectors.mahalanobis import gaussianised
from napari_mineral_anomaly.detectors.pixelwise import element_scale, scan_moments
from napari_mineral_anomaly.detectors.ring import FittedRing, RingBlock, RingConfig
from napari_mineral_anomaly.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback, check


class LocalRxConfig(RingConfig):
    """Parameters of local RX."""

    ridge: float = Field(
        0.1,
        gt=0.0,
        le=10.0,
        description="Added to each variance of the ring, as a share of the element's variance over "
        "the scan (of the counting noise for counts); steadies rings with few pixels.",
    )
    components: int = Field(
        30,
        ge=2,
        le=200,
        description="Scans with more elements or bands than this are first reduced to so many "
        "principal components, since a ring holds too few pixels for a larger covariance.",
    )


class LocalRxDetector:
    """Dual-window RX, see `LocalRxConfig`.

    Defaults: squares of 5 and 13 px (144 pixels in the ring) suit grains of up to 5 px.
    """

    name = "local-rx"

    def __init__(self, config: LocalRxConfig | None = None) -> None:
        self.config: LocalRxConfig = config or LocalRxConfig()

    def fit(
        self,
        cube: ElementCube,
        *,
        on_event: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> FittedRing:
        """Learn the scale of each element; the background is local and needs no fit.

        Raises
        ------
        InputError
            When no element varies over the valid area.
        CancelledError
        """
        preprocessing = fit_preprocessing(cube, self.config.transform, cancel=cancel)
        moments = scan_moments(cube, preprocessing, on_event, cancel)
        scale = element_scale(moments, self.config.scaling, preprocessing)
        _, vectors = np.linalg.eigh(moments.covariance / np.outer(scale, scale))
        n = min(self.config.components, len(scale))
        basis = np.eye(n) if n == len(scale) else vectors[:, ::-1][:, :n]
        return self._fitted(preprocessing, scale, basis)

    def load(self, state: ModelState) -> FittedRing:
        """Rebuild a fitted detector from `FittedRing.state`."""
        preprocessing = Preprocessing.from_saved(state.arrays, state.meta)
        return self._fitted(preprocessing, state.arrays["scale"], state.arrays["basis"])

    def _fitted(
        self,
        preprocessing: Preprocessing,
        scale: NDArray[np.float64],
        basis: NDArray[np.float64],
    ) -> FittedRing:
        n = basis.shape[1]

        def statistic(block: RingBlock, cancel: CancelToken | None) -> NDArray[np.float64]:
            return local_distance(block, basis, self.config, cancel)

        return FittedRing(
            self.name,
            self.config,
            preprocessing,
            scale,
            statistic,
            bytes_per_pixel=8 * (3 * n * n + 4 * n),
            cost=f"one {n} x {n} covariance per pixel",
            arrays={"basis": basis},
        )


def local_distance(
    block: RingBlock,
    basis: NDArray[np.float64],
    config: LocalRxConfig,
    cancel: CancelToken | None = None,
) -> NDArray[np.float64]:
    """Cube root of d^2 / K of every pixel of a block to its ring, (h, W) float64.

    Pixels whose ring holds fewer than two valid pixels score 0: there is nothing to compare with.
    """
    margin = config.outer // 2
    weight = block.valid.astype(np.float64)
    values = block.values @ basis
    n = values.shape[-1]
    count = _ring_sum(weight, config)
    mean = np.stack([_ring_sum(values[..., i] * weight, config) for i in range(n)], axis=-1)
    enough = np.maximum(count, 1.0)
    mean /= enough[..., None]
    covariance = np.empty((*count.shape, n, n))
    for i in range(n):
        check(cancel)
        for j in range(i + 1):
            product = _ring_sum(values[..., i] * values[..., j] * weight, config) / enough
            covariance[..., i, j] = product - mean[..., i] * mean[..., j]
            covariance[..., j, i] = covariance[..., i, j]
    covariance += config.ridge * np.eye(n)
    centre = values[margin:-margin, margin:-margin] - mean
    solved = np.linalg.solve(covariance, centre[..., None])[..., 0]
    distance = np.einsum("hwk,hwk->hw", centre, solved)
    return np.where(count >= 2, gaussianised(np.maximum(distance, 0.0), n), 0.0)


def _ring_sum(plane: NDArray[np.float64], config: LocalRxConfig) -> NDArray[np.float64]:
    """Sum over the ring of every inner pixel of a plane with margins."""
    inset = config.outer // 2 - config.inner // 2
    sums = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1))
    np.cumsum(plane, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    inner = sums[inset : -inset or None, inset : -inset or None]
    return _square_sum(sums, config.outer) - _square_sum(inner, config.inner)


def _square_sum(sums: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray(
        sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    )
