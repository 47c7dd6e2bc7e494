"""Prepare the maps of a file for a detector: transform, drop, scale, fill.

Every step treats each element by itself, so it is fitted plane by plane and applied block by
block; a whole scan is never copied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.robust import thinned
from napari_mineral_anomaly.scan.transforms import (
    AppliedTransform,
    Transform,
    resolve_transform,
    stabilise,
)

# So many pixels give the middle of an element well enough for values that are missing.
ENOUGH_PIXELS = 50_000


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """The fitted per-element treatment of a scan; the same for every scan a model is applied to.

    Attributes
    ----------
    elements : tuple of str
        The K elements in use, in the order of the fit.
    dropped : tuple of str
        Elements left out because they have one value (or none) over the whole valid area: they
        carry no information and would make a covariance singular.
    transform : {"none", "anscombe", "log1p"}
    low, high : (K,) float64
        Range of the transformed valid pixels.
    fill : (K,) float64
        Median of the transformed valid pixels (of large scans: of `ENOUGH_PIXELS` or more of them,
        evenly spread): stands in for values that are missing.
    """

    elements: tuple[str, ...]
    dropped: tuple[str, ...]
    transform: AppliedTransform
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    fill: NDArray[np.float64]

    def positions(self, cube: ElementCube) -> list[int]:
        """Where the K elements lie in ``cube``, matched by name in any order.

        Raises
        ------
        InputError
            When the cube lacks some of them; the sentence lists those.
        """
        where = {name: position for position, name in enumerate(cube.elements)}
        missing = [name for name in self.elements if name not in where]
        if missing:
            raise InputError(
                f"{cube.source or 'The scan'} has no map of {', '.join(missing)}, which this model "
                f"was trained with; it has: {', '.join(cube.elements)}."
            )
        return [where[name] for name in self.elements]

    def plane(
        self, cube: ElementCube, k: int, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Transformed map (h, w) float32 of the k-th element; missing values filled."""
        position = self.positions(cube)[k]
        values = np.asarray(cube.maps[position, rows, columns])
        return self._treated(cube.as_measured(position, values), k)

    def thinned(self, cube: ElementCube, k: int, n: int) -> NDArray[np.float32]:
        """``n`` to 2 ``n`` transformed valid values of the k-th element, evenly spread."""
        position = self.positions(cube)[k]
        plane = cube.plane(position)
        values = plane.reshape(-1) if cube.valid.all() else plane[cube.valid]
        return self._treated(cube.as_measured(position, thinned(values, n)), k)

    def block(
        self, cube: ElementCube, rows: slice, columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        """Transformed values (K, h, w) float32 of some rows and columns; missing values filled."""
        out = np.empty((len(self.elements), *cube.valid[rows, columns].shape), dtype=np.float32)
        stored = cube.stored(rows, columns)
        for k, position in enumerate(self.positions(cube)):
            out[k] = self._treated(cube.as_measured(position, stored[position]), k)
        return out

    def pixels(self, cube: ElementCube, rows: slice) -> NDArray[np.float32]:
        """Transformed valid pixels (n, K) float32 of some rows; missing values filled."""
        block, valid = self.block(cube, rows), cube.valid[rows]
        chosen = block.reshape(len(block), -1) if valid.all() else block[:, valid]
        return chosen.T

    def scaled_block(
        self, cube: ElementCube, rows: slice, columns: slice = slice(None)
    ) -> NDArray[np.float32]:
        """`block` with each element brought to [0, 1] over the valid pixels of the fit.

        High values are never clipped, because anomalies have them: pixels of another scan may
        exceed 1.
        """
        out = self.block(cube, rows, columns)
        out -= self.low.astype(np.float32)[:, None, None]
        out /= (self.high - self.low).astype(np.float32)[:, None, None]
        return out

    def _treated(self, values: NDArray[Any], k: int) -> NDArray[np.float32]:
        """Values of the k-th element, transformed; missing ones filled."""
        treated = stabilise(_float32(values), self.transform)
        # A valid area drawn by hand may hold missing values; the contract wants a finite score.
        finite = np.isfinite(treated)
        return treated if finite.all() else np.where(finite, treated, np.float32(self.fill[k]))

    def by_name(self) -> Preprocessing:
        """The same with the elements in the order of their names."""
        order = sorted(range(len(self.elements)), key=lambda k: self.elements[k])
        return replace(
            self,
            elements=tuple(self.elements[k] for k in order),
            dropped=tuple(sorted(self.dropped)),
            low=self.low[order],
            high=self.high[order],
            fill=self.fill[order],
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers to save with a model."""
        return {"low": self.low, "high": self.high, "fill": self.fill}

    def meta(self) -> dict[str, Any]:
        """The names to save with a model."""
        return {
            "elements": list(self.elements),
            "dropped_elements": list(self.dropped),
            "transform": self.transform,
        }

    @classmethod
    def from_saved(cls, arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> Preprocessing:
        """Rebuild from `arrays` and `meta`."""
        return cls(
            elements=tuple(meta["elements"]),
            dropped=tuple(meta["dropped_elements"]),
            transform=cast(AppliedTransform, meta["transform"]),
            low=arrays["low"],
            high=arrays["high"],
            fill=arrays["fill"],
        )


def fit_preprocessing(
    cube: ElementCube, transform: Transform = "auto", *, task: Task = SILENT
) -> Preprocessing:
    """Learn range and median of every element over the valid pixels of a scan.

    Parameters
    ----------
    cube : ElementCube
    transform : {"auto", "none", "anscombe", "log1p"}
    task : Task, optional
        Checked before each plane.

    Raises
    ------
    InputError
        When no element varies over the valid area.
    """
    applied = resolve_transform(transform, cube.quantity)
    valid = cube.valid
    whole = bool(valid.all())
    kept: list[str] = []
    dropped: list[str] = []
    numbers: list[tuple[float, float, float]] = []
    for c, name in enumerate(cube.elements):
        task.check()
        plane = cube.plane(c)
        values = cube.as_measured(c, plane if whole else plane[valid])
        if values.dtype.kind == "f":
            values = _float32(values)
            finite = np.isfinite(values)
            values = values if finite.all() else values[finite]
        values = values.reshape(-1)
        if not values.size:
            dropped.append(name)
            continue
        # The transform keeps the order, so the ends and a thinned part are enough.
        ends = stabilise(_float32(np.array([values.min(), values.max()])), applied)
        low, high = (float(end) for end in ends)
        if low == high:
            dropped.append(name)
            continue
        kept.append(name)
        middle = stabilise(_float32(thinned(values, ENOUGH_PIXELS)), applied)
        numbers.append((low, high, float(np.median(middle))))
    if not kept:
        raise InputError(
            f"{cube.source or 'The scan'} has nothing to compare: each of its element maps "
            f"({', '.join(cube.elements)}) has a single value over the whole valid area."
        )
    lows, highs, fill = np.array(numbers, dtype=np.float64).T
    return Preprocessing(tuple(kept), tuple(dropped), applied, lows, highs, fill)


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32, copy=False)
