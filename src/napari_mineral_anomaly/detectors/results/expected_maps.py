"""Expected element maps that are predicted where somebody looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]


class ExpectedMaps:
    """`AnomalyResult.reconstruction` of a network, computed when it is asked for.

    Few users look at it, and it would take as much memory as the contributions. The last part that
    was asked for is kept, so that the elements of one region are predicted together.

    Parameters
    ----------
    shape : (int, int, int)
        (C, H, W).
    predict : callable
        Takes rows and columns, gives their expected maps (C, h, w) float32.
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(
        self,
        shape: tuple[int, int, int],
        predict: Callable[[slice, slice], NDArray[np.float32]],
    ) -> None:
        self.shape = shape
        self._predict = predict
        self._kept: tuple[Window, NDArray[np.float32]] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._part(self._whole()), dtype=dtype)

    def __getitem__(self, key: Any) -> Any:
        """As of a numpy array; rows and columns given as numbers or slices are predicted alone."""
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > 3 or any(each is Ellipsis or each is None for each in keys):
            return self._part(self._whole())[key]
        element, rows, columns = (*keys, slice(None), slice(None))[:3]
        spans, within = zip(
            *(
                _span(part, size)
                for part, size in zip((rows, columns), self.shape[1:], strict=True)
            ),
            strict=True,
        )
        return self._part((spans[0], spans[1]))[element, *within]

    def _whole(self) -> Window:
        return slice(0, self.shape[1]), slice(0, self.shape[2])

    def _part(self, window: Window) -> NDArray[np.float32]:
        kept = self._kept
        if kept is None or kept[0] != window:
            kept = window, self._predict(*window)
            self._kept = kept
        return kept[1]


def _span(key: Any, size: int) -> tuple[slice, Any]:
    """The rows (or columns) that a key needs, and the key within them."""
    if isinstance(key, int | np.integer) and -size <= key < size:
        place = int(key) % size
        return slice(place, place + 1), 0
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        if step == 1 and start < stop:
            return slice(start, stop), slice(None)
    return slice(0, size), key
