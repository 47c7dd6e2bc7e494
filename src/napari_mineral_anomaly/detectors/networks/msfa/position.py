"""The standard position of a scan, so that a mirrored scan gets the same scores.

Random numbers choose training tiles by their place, and the 3x3 filters of the network have a left
and a right. A mirrored scan would therefore train another network. So every scan is mirrored to a
position that its content decides, before anything else is done with it, and the result is mirrored
back. Elements are taken in the order of their names for the same reason (`features.fit_features`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.maps_on_demand import MapsOnDemand
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.scan.cube import ElementCube

# An element decides where its centre of mass is this share of half the scan off the middle; far
# above rounding, so that a scan and its mirror image agree.
CLEARLY_OFF, BARELY_OFF = 1e-3, 1e-9


@dataclass(frozen=True)
class Position:
    """Which axes of a scan are reversed in its standard position."""

    rows_reversed: bool
    columns_reversed: bool

    @classmethod
    def of(cls, cube: ElementCube) -> Position:
        """Reverse an axis where an element has more counts in the first half than in the second.

        The first element by name that is clearly lopsided decides; the first that is barely so
        where none is. A scan in which no element is lopsided stays as it is.
        """
        order = sorted(range(cube.n_elements), key=lambda c: cube.elements[c])
        known: dict[int, NDArray[np.float64]] = {}
        reversed_axes = []
        for axis in (0, 1):
            deciding = 0.0
            for limit, c in product((CLEARLY_OFF, BARELY_OFF), order):
                if c not in known:
                    known[c] = _lopsidedness(cube, c)
                if abs(known[c][axis]) > limit:
                    deciding = known[c][axis]
                    break
            reversed_axes.append(bool(deciding < 0))
        return cls(*reversed_axes)

    def turned(self, cube: ElementCube) -> ElementCube:
        """The scan in its standard position; the maps are viewed, not copied."""
        if not (self.rows_reversed or self.columns_reversed):
            return cube
        return cube.replace(
            maps=cube.maps[self._cut()] if not cube.is_lazy else _as_dask(cube.maps)[self._cut()],
            valid=self.turned_image(cube.valid),
            quantity=cube.quantity,
            spectra=None,
            context=(),
        )

    def turned_back(self, result: AnomalyResult, **on_demand: MapsOnDemand) -> AnomalyResult:
        """The result in the position of the scan that was given.

        Parameters
        ----------
        result : AnomalyResult
            Of the turned scan.
        **on_demand
            Stacks of the given scan, in the place of those of the result.
        """
        given: dict[str, Any] = dict(on_demand)
        result = replace(result, **given)
        if not (self.rows_reversed or self.columns_reversed):
            return result
        optional: dict[str, Any] = {
            name: None if image is None else np.ascontiguousarray(self.turned_image(image))
            for name, image in (
                ("reconstruction_error", result.reconstruction_error),
                ("found_by", result.found_by),
            )
        }
        if "contributions" not in given:
            optional["contributions"] = self.turned_image(result.contributions)
        return replace(
            result,
            score=np.ascontiguousarray(self.turned_image(result.score)),
            pseudo_labels=np.ascontiguousarray(self.turned_image(result.pseudo_labels)),
            **optional,
        )

    def turned_image(self, image: Any) -> Any:
        """An image (..., H, W) with the same axes reversed: a view."""
        return image[self._cut()]

    def turned_window(
        self, window: tuple[slice, slice], shape: tuple[int, int]
    ) -> tuple[slice, slice]:
        """Where some rows and columns of the given scan lie in the standard position."""
        rows, columns = (
            slice(size - part.stop, size - part.start) if is_reversed else part
            for part, size, is_reversed in zip(
                window, shape, (self.rows_reversed, self.columns_reversed), strict=True
            )
        )
        return rows, columns

    def _cut(self) -> tuple[Any, slice, slice]:
        rows = slice(None, None, -1 if self.rows_reversed else None)
        columns = slice(None, None, -1 if self.columns_reversed else None)
        return (..., rows, columns)


def _lopsidedness(cube: ElementCube, index: int) -> NDArray[np.float64]:
    """How far the centre of mass is off the middle, (down, right), in shares of half the scan."""
    plane = cube.as_measured(index, cube.plane(index)).astype(np.float64)
    plane = np.where(cube.valid & np.isfinite(plane), plane, 0.0)
    weight = np.abs(plane).sum()
    if weight == 0:
        return np.zeros(2)
    out = []
    for axis, size in enumerate(cube.shape):
        place = np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
        out.append(float(plane.sum(axis=1 - axis) @ place) / weight)
    return np.array(out)


def _as_dask(maps: Any) -> Any:
    """Lazy maps that can be read backwards."""
    import dask.array as da

    if isinstance(maps, da.Array):
        return maps
    from_array: Any = da.from_array
    return from_array(maps)
