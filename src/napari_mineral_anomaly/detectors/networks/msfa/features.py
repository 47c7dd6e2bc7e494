"""The features of the network: stabilised, standardised elements, or principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.networks.msfa.config import MOST_ELEMENTS
from napari_mineral_anomaly.detectors.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.detectors.statistical.pixelwise import scan_moments
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass(frozen=True, eq=False)
class Features:
    """The fitted conversion of a scan to the F features of the network.

    Attributes
    ----------
    preprocessing : Preprocessing
    mean, sd : (K,) float64
        Of the transformed valid pixels.
    basis : (K, F) float64
        Features are ``((x - mean) / sd) @ basis``: the identity for element maps, whitened
        principal components for spectral bands.
    unit : (F,) float64
        Size of one feature in the unit in which its noise is even: counting sigmas for counts
        (Anscombe values have unit noise), standard deviations otherwise.
    local : bool
        Whether a pixel is to be predicted from its surroundings (reflectance) rather than its
        elements from each other.
    """

    preprocessing: Preprocessing
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    basis: NDArray[np.float64]
    unit: NDArray[np.float64]
    local: bool

    @property
    def n(self) -> int:
        """Number of features F."""
        return int(self.basis.shape[1])

    @property
    def reduced(self) -> bool:
        """Whether features are principal components rather than elements."""
        return bool(self.basis.shape[0] != self.basis.shape[1])

    @property
    def unit_noise(self) -> bool:
        """Whether the noise of a feature, in `unit`, is 1: Anscombe values of elements."""
        return self.preprocessing.transform == "anscombe" and not self.reduced

    def block(
        self, cube: ElementCube, rows: slice, columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Features (F, h, w) float32; 0, the mean of the scan, outside the valid area."""
        values = self.preprocessing.block(cube, rows, columns)
        values -= self.mean.astype(np.float32)[:, None, None]
        values /= self.sd.astype(np.float32)[:, None, None]
        if self.reduced:
            values = np.einsum("khw,kf->fhw", values, self.basis.astype(np.float32), optimize=True)
        values[:, ~cube.valid[rows, columns]] = 0
        return values

    def transformed(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transformed elements (K, ...) from features (F, ...): the reverse of `block`."""
        if self.reduced:
            back = np.linalg.pinv(self.basis).astype(np.float32)
            values = np.einsum("f...,fk->k...", values, back, optimize=True)
        shape = (-1, *(1,) * (values.ndim - 1))
        sd, mean = self.sd.astype(np.float32), self.mean.astype(np.float32)
        return np.asarray(values * sd.reshape(shape) + mean.reshape(shape))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers to save with a model, without those of the preprocessing."""
        return {"mean": self.mean, "sd": self.sd, "basis": self.basis, "unit": self.unit}

    @classmethod
    def from_saved(
        cls, preprocessing: Preprocessing, arrays: dict[str, NDArray[Any]], local: bool
    ) -> Features:
        """Rebuild from `arrays`."""
        return cls(preprocessing, **arrays, local=local)


def fit_features(
    cube: ElementCube, transform: Any, components: int, *, task: Task = SILENT
) -> tuple[Features, NDArray[np.float64]]:
    """Learn mean, spread and, for spectral bands, the main components of the valid pixels.

    Returns
    -------
    features : Features
    axes : (F, F) float64
        Principal axes of the features in units of their noise, one per column, the longest first.

    Raises
    ------
    InputError
        When no element varies over the valid area.
    CancelledError
    """
    # By name, so that the order of the maps changes nothing.
    preprocessing = fit_preprocessing(cube, transform, task=task).by_name()
    moments = scan_moments(cube, preprocessing, task)
    covariance = moments.covariance
    sd = np.sqrt(np.diag(covariance))
    k = len(sd)
    basis, unit = np.eye(k), np.ones(k)
    if k > MOST_ELEMENTS:
        values, vectors = np.linalg.eigh(covariance / np.outer(sd, sd))
        n = min(components, k)
        values, vectors = values[::-1][:n], vectors[:, ::-1][:, :n]
        kept = values > 1e-10 * values[0]
        basis = vectors[:, kept] / np.sqrt(values[kept])
        unit = np.ones(int(kept.sum()))
    elif preprocessing.transform == "anscombe":
        unit = sd.copy()
    features = Features(
        preprocessing, moments.mean, sd, basis, unit, cube.quantity == "reflectance"
    )
    if features.reduced:
        return features, np.eye(features.n)
    to_noise = unit / sd
    _, axes = np.linalg.eigh(covariance * np.outer(to_noise, to_noise))
    return features, np.ascontiguousarray(axes[:, ::-1])
