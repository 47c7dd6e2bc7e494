"""The features of a scan for the heads: in units of the noise, as measured and beam-averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.detectors.statistical.ring import mirrored
from napari_mineral_anomaly.scan.cube import ElementCube

# Standard deviation (px) of the Gaussian that averages over about the beam, as in the network's
# own residual (`MsfaConfig.smoothing_px`). Our choice, in trials on development scenes.
BEAM_PX = 0.65
# Pixels beyond which the Gaussian is cut off.
REACH = 3
_KERNEL = np.exp(-0.5 * np.square(np.arange(-REACH, REACH + 1) / BEAM_PX))
# What white noise of variance 1 keeps after the averaging, in two directions.
AVERAGED_VARIANCE = float((np.square(_KERNEL).sum() / _KERNEL.sum() ** 2) ** 2)

# Pixels of a block, so that its float64 arrays stay below 100 MB for 40 features.
BLOCK_PIXELS = 100_000

Floats = NDArray[np.float32]


class HeadFeatures(Protocol):
    """What a scan's features must offer, see `msfa.features.Features`."""

    @property
    def n(self) -> int:
        """Number of features F."""
        ...

    @property
    def unit(self) -> NDArray[np.float64]:
        """(F,) size of a feature in the unit in which its noise is even."""
        ...

    def block(self, cube: ElementCube, rows: slice) -> Floats:
        """Features (F, h, W) of some rows, 0 outside the valid area."""
        ...


@dataclass(frozen=True, eq=False)
class HeadBlock:
    """Some rows of a scan.

    Attributes
    ----------
    rows : slice
        The rows that are scored.
    measured, averaged : (F, h + 2 m, W + 2 m) float32
        Features as measured and averaged over the beam; mirrored at the border of the scan.
    valid : (h + 2 m, W + 2 m) bool
    margin : int
        m, the same on all sides.
    """

    rows: slice
    measured: Floats
    averaged: Floats
    valid: NDArray[np.bool_]
    margin: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """The scored pixels without the margin."""
        cut = slice(self.margin, -self.margin or None)
        return cut, cut

    def pixels(self, planes: Floats) -> Floats:
        """The valid scored pixels (n, F) of ``measured`` or ``averaged``."""
        return np.ascontiguousarray(planes[:, *self.inside][:, self.valid[self.inside]].T)


def head_block(cube: ElementCube, features: HeadFeatures, rows: slice, margin: int) -> HeadBlock:
    """Some rows with a mirrored margin; missing pixels take no part in the averages."""
    height, width = cube.shape
    around = margin + REACH
    columns = mirrored(np.arange(-around, width + around), width)
    wanted = mirrored(np.arange(rows.start - around, rows.stop + around), height)
    low, high = int(wanted.min()), int(wanted.max()) + 1
    part = features.block(cube, slice(low, high))
    part *= features.unit.astype(np.float32)[:, None, None]
    values = np.ascontiguousarray(part[:, wanted - low][:, :, columns])
    inside = cube.valid[wanted][:, columns]
    averaged = beam_average(values, inside)
    cut = (slice(None), slice(REACH, -REACH), slice(REACH, -REACH))
    return HeadBlock(rows, values[cut], averaged[cut], inside[cut[1:]], margin)


def beam_average(values: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Planes (F, h, w) averaged over the valid pixels within about the beam; 0 elsewhere."""
    sigma, truncate = BEAM_PX, REACH / BEAM_PX
    out = ndimage.gaussian_filter(values * valid, (0, sigma, sigma), truncate=truncate)
    if not valid.all():
        weight = ndimage.gaussian_filter(valid.astype(np.float32), sigma, truncate=truncate)
        out /= np.maximum(weight, 1e-6)
        out *= valid
    return np.asarray(out, dtype=np.float32)
