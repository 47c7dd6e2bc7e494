"""Stacks of maps that are computed where somebody looks: they never take memory as a whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.scan.cube import ElementCube

Window = tuple[slice, slice]
_SIMPLE = (int, np.integer, slice)


class MapsOnDemand(ABC):
    """A stack (C, H, W) float32 that is indexed as a numpy array, and computed then.

    Parameters
    ----------
    shape : (int, int, int)
        (C, H, W).
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape

    @abstractmethod
    def part(self, elements: range, window: Window) -> NDArray[np.float32]:
        """Some elements in some rows and columns (c, h, w)."""

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._whole(), dtype=dtype)

    def __getitem__(self, key: Any) -> Any:
        """As of a numpy array. What numbers and slices leave out is not computed."""
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > 3 or not all(isinstance(each, _SIMPLE) for each in keys):
            return self._whole()[key]
        parts = (*keys, slice(None), slice(None))[:3]
        spans = [_span(part, size) for part, size in zip(parts, self.shape, strict=True)]
        (elements, element), (rows, row), (columns, column) = spans
        found = self.part(range(elements.start, elements.stop), (rows, columns))
        return found[element, row, column]

    def _whole(self) -> NDArray[np.float32]:
        n, height, width = self.shape
        return self.part(range(n), (slice(0, height), slice(0, width)))


def _span(key: Any, size: int) -> tuple[slice, Any]:
    """What a key needs along an axis, and the key within that."""
    if isinstance(key, int | np.integer) and -size <= key < size:
        place = int(key) % size
        return slice(place, place + 1), 0
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        if step == 1 and start < stop:
            return slice(start, stop), slice(None)
    return slice(0, size), key


class ExpectedMaps(MapsOnDemand):
    """`AnomalyResult.reconstruction` of a network, predicted when it is asked for.

    Few users look at it. All elements of a pixel are predicted together, so the last rows and
    columns that were asked for are kept.

    Parameters
    ----------
    shape : (int, int, int)
    predict : callable
        Takes rows and columns, gives their expected maps (C, h, w) float32.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        predict: Callable[[slice, slice], NDArray[np.float32]],
    ) -> None:
        super().__init__(shape)
        self._predict = predict
        self._kept: tuple[Window, NDArray[np.float32]] | None = None

    def part(self, elements: range, window: Window) -> NDArray[np.float32]:
        """Predict the window, unless it was the last one."""
        kept = self._kept
        if kept is None or kept[0] != window:
            kept = window, self._predict(*window)
            self._kept = kept
        return kept[1][elements.start : elements.stop]


class FadedMaps(MapsOnDemand):
    """Maps times one factor for each pixel.

    Parameters
    ----------
    maps : (C, H, W) float32
        An array, or computed where it is indexed.
    factor : (H, W) float32
    """

    def __init__(self, maps: Any, factor: NDArray[np.float32]) -> None:
        super().__init__((len(maps), *factor.shape))
        self._maps, self._factor = maps, factor

    def part(self, elements: range, window: Window) -> NDArray[np.float32]:
        """The product in a window."""
        near = np.asarray(self._maps[(slice(elements.start, elements.stop), *window)])
        return near * self._factor[window]


@dataclass(frozen=True, eq=False)
class ScaledElements:
    """How a transformed element becomes its robust z.

    Attributes
    ----------
    preprocessing : Preprocessing
    centre, sigma : (K,) float32
    """

    preprocessing: Preprocessing
    centre: NDArray[np.float32]
    sigma: NDArray[np.float32]


class ElementContributions(MapsOnDemand):
    """Robust z of every transformed element: `AnomalyResult.contributions` without a residual.

    Elements that the detector does not use (constant in the fit, or unknown to it) contribute 0.

    Parameters
    ----------
    cube : ElementCube
        Its maps are read again whenever somebody looks.
    scaled : ScaledElements
    """

    def __init__(self, cube: ElementCube, scaled: ScaledElements) -> None:
        super().__init__((cube.n_elements, *cube.shape))
        self._cube = cube
        self._scaled = scaled
        self._used = {c: k for k, c in enumerate(scaled.preprocessing.positions(cube))}

    def part(self, elements: range, window: Window) -> NDArray[np.float32]:
        """Robust z, NaN outside the valid area."""
        valid = self._cube.valid[window]
        out = np.zeros((len(elements), *valid.shape), dtype=np.float32)
        for place, c in enumerate(elements):
            k = self._used.get(c)
            if k is not None:
                out[place] = self._scaled.preprocessing.plane(self._cube, k, *window)
                out[place] -= self._scaled.centre[k]
                out[place] /= self._scaled.sigma[k]
        if not valid.all():
            out[:, ~valid] = np.nan
        return out
