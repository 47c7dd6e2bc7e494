"""The input of the network: features of a scan, or the surroundings of each pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.networks.msfa.features import Features
from napari_mineral_anomaly.detectors.statistical.ring import mirrored, ring_sum
from napari_mineral_anomaly.scan.cube import ElementCube

# Inner and outer squares (px) of the surroundings: grains of up to 3, 5 and 9 pixels do not enter
# their own background. The outer ones are those of local RX and its neighbours.
RINGS = ((3, 9), (5, 13), (9, 17))
MARGIN = RINGS[-1][1] // 2

# Up to this size the features of a whole scan are kept, so that tiles need no second computation.
CACHED_BYTES = 256 * 1024 * 1024


class ScanView:
    """Reads features of parts of a scan.

    Parameters
    ----------
    cube : ElementCube
    features : Features
    kept : bool
        Whether the features of a scan that is not too large are kept in memory.
    """

    def __init__(self, cube: ElementCube, features: Features, *, kept: bool = True) -> None:
        self.cube = cube
        self.features = features
        self.valid = cube.valid
        self._whole: NDArray[np.float32] | None = None
        if kept and 4 * features.n * cube.shape[0] * cube.shape[1] <= CACHED_BYTES:
            self._whole = features.block(cube, slice(0, cube.shape[0]))

    def values(self, rows: slice, columns: slice = slice(None)) -> NDArray[np.float32]:
        """Features (F, h, w) of some rows and columns."""
        if self._whole is not None:
            return self._whole[:, rows, columns]
        return self.features.block(self.cube, rows, columns)

    def padded(self, rows: slice, columns: slice) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Features and valid area with a margin of `MARGIN`, mirrored at the border of the scan."""
        wanted = [
            mirrored(np.arange(part.start - MARGIN, part.stop + MARGIN), size)
            for part, size in zip((rows, columns), self.cube.shape, strict=True)
        ]
        low = [int(index.min()) for index in wanted]
        cut = tuple(
            slice(start, int(index.max()) + 1) for start, index in zip(low, wanted, strict=True)
        )
        where = np.ix_(wanted[0] - low[0], wanted[1] - low[1])
        return self.values(*cut)[:, where[0], where[1]], self.valid[cut][where]

    def surroundings(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Means (3 F, h, w) of the valid pixels in the three `RINGS` around each pixel."""
        values, valid = self.padded(rows, columns)
        means = []
        for inner, outer in RINGS:
            inset = MARGIN - outer // 2
            cut = (slice(inset, -inset or None),) * 2
            weight = valid[cut].astype(np.float64)
            count = np.maximum(ring_sum(weight, inner, outer), 1)
            means.append(ring_sum(values[(slice(None), *cut)] * weight, inner, outer) / count)
        return np.concatenate(means).astype(np.float32)
