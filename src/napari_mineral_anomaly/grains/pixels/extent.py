"""How far one grain reaches: from its oddest pixel to where half of its signature is left.

That is where the edge of a grain lies when the beam is about as wide as a pixel.

Let g be the mean of the grain's own pixels in all elements, b the median of its surroundings and S
their covariance (with the counting noise of b). Fisher's linear discriminant (Fisher 1936, "The use
of multiple measurements in taxonomic problems")

    f(x) = (x - b)' S^-1 d / (d' S^-1 d),   d = g - b,

is 0 in the surroundings and 1 in the grain, linear in the share of the pixel that the grain fills,
and blind to elements that vary in the surroundings too. A pixel belongs to the grain when f is at
least `EDGE`, when it is connected to the oddest pixel, and when what f leaves unexplained is not
larger than what it explains: so grains of different signature that touch stay apart. g and the
extent are found in turn, a few times. Pixels beside the grain that hold less of the same signature
are its halo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Window = tuple[slice, slice]

# Half of the signature, and a little less: g is the mean of the fuller half of the grain's pixels,
# which noise raises. Chosen on simulated sections with seeds 0 to 9; see docs/measurements.md.
EDGE = 0.47
HALO_EDGE, HALO_PX = 0.1, 3
_ROUNDS = 6
# The surroundings begin so many pixels beside the grain; nearer where they are too few.
_GAPS_PX = (4, 2, 1)
_LEAST_SURROUNDINGS_PX = 12
# The oddest tenth of the surroundings may be other grains. So the surroundings serve until the
# growing grain and the pixels beside it fill half of that tenth.
_TRIMMED_SHARE = 0.1
_COVERED_SHARE = 0.05
# Steadies the covariance of few pixels.
_SHRINKAGE = 0.02
# What a pixel may hold beside the signature, in units of the noise of all its elements.
_UNEXPLAINED = 3.0
# The smallest ring of 8-connected pixels has four.
_SMALLEST_RING_PX = 4

_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class SignaturePlanes:
    """The planes in which the signatures of grains are compared.

    Attributes
    ----------
    planes : (C, H, W)
        Element maps or contributions; may be lazy.
    noise : (C,) float64 or None
        Variance of the noise of each plane; None for counts, whose variance is their mean.
    """

    planes: Any
    noise: Floats | None

    def window(self, rows: slice, columns: slice) -> Floats:
        """(n, C) values of a window."""
        block = np.asarray(self.planes[:, rows, columns]).astype(np.float64)
        return np.ascontiguousarray(block.reshape(block.shape[0], -1).T)

    def variance(self, mean: Floats) -> Floats:
        """(C,) variance of the noise at a mean."""
        return np.maximum(mean, 1.0) if self.noise is None else self.noise


class Extent(NamedTuple):
    """A grain in a window; all arrays (h, w) bool.

    Attributes
    ----------
    grain, halo
        They share no pixel.
    first
        The grain of the first round, with the signature of the 3 x 3 pixels around its start.
    """

    grain: Bools
    halo: Bools
    first: Bools


def find_extent(
    signatures: SignaturePlanes, free: Bools, window: Window, at: tuple[int, int]
) -> Extent:
    """Grow a grain from one pixel of a window.

    Parameters
    ----------
    signatures : SignaturePlanes
    free : (h, w) bool
        Pixels of the window that the grain may take.
    window : (slice, slice)
        Rows and columns of the scan.
    at : (int, int)
        Row and column in the window.
    """
    values = signatures.window(*window)
    known = np.isfinite(values).all(axis=1)
    values[~known] = 0.0
    free = free & known.reshape(free.shape)
    grain = np.zeros(free.shape, dtype=bool)
    grain[at] = True
    first = grain
    # The first signature is a mean over 3 x 3 pixels: that of one pixel is mostly its noise.
    own = widened(grain, 1) & free
    background: Background | None = None
    share, is_alike = np.zeros(free.shape), np.zeros_like(grain)
    for number in range(_ROUNDS):
        if background is None or _covers(grain, background.around):
            around = find_surroundings(grain, free)
            if not around.any():
                break
            background = Background.of(signatures, values, around)
        if not own.any():
            break
        share, is_alike = background.shares(own)
        is_alike &= free
        found = connected((share >= EDGE) & is_alike, at)
        if number == 0:
            first = found
        if np.array_equal(found, grain):
            break
        grain = found
        own = grain & (share >= np.median(share[grain]))
    if np.count_nonzero(grain) >= _SMALLEST_RING_PX:
        grain = (ndimage.binary_fill_holes(grain) & free) | grain
    halo = widened(grain, HALO_PX) & is_alike & (share >= HALO_EDGE) & ~grain
    return Extent(grain, halo, first)


@dataclass(frozen=True, eq=False)
class Background:
    """The surroundings of a grain, and every pixel of the window compared with them.

    Attributes
    ----------
    around : (h, w) bool
    beside : (n, C) float64
        Pixels minus the median of the surroundings.
    inverse : (C, C) float64
        Inverse of the covariance of the surroundings.
    whole : (n,) float64
        Squared Mahalanobis distance of every pixel.
    """

    around: Bools
    beside: Floats
    inverse: Floats
    whole: Floats

    @classmethod
    def of(cls, signatures: SignaturePlanes, values: Floats, around: Bools) -> Background:
        """Of the pixels (n, C) of a window and the surroundings (h, w) in it."""
        known = values[around.reshape(-1)]
        # Of an even number of pixels the upper median: several times faster than `numpy.median`.
        middle = len(known) // 2
        centre = np.partition(known, middle, axis=0)[middle]
        departure = known - centre
        squared = departure**2
        size = (squared / (squared.mean(axis=0) + 1e-12)).sum(axis=1)
        kept = int(np.ceil((1 - _TRIMMED_SHARE) * len(size)))
        departure = departure[np.argpartition(size, kept - 1)[:kept]]
        covariance = departure.T @ departure / len(departure)
        spread = np.diag(covariance).copy()
        covariance *= 1 - _SHRINKAGE
        noise = signatures.variance(centre)
        covariance[np.diag_indices_from(covariance)] += _SHRINKAGE * spread + 0.5 * noise
        inverse = np.linalg.inv(covariance)
        beside = values - centre
        return cls(around, beside, inverse, ((beside @ inverse) * beside).sum(axis=1))

    def signature(self, own: Bools) -> Floats:
        """(C,) mean of some pixels (h, w), minus the surroundings."""
        mean: Floats = self.beside[own.reshape(-1)].mean(axis=0)
        return mean

    def product(self, first: Floats, second: Floats) -> float:
        """Inner product of two signatures in the metric of the surroundings."""
        return float(first @ self.inverse @ second)

    def shares(self, own: Bools) -> tuple[Floats, Bools]:
        """The share f (h, w) of every pixel, and whether it explains most of what the pixel holds.

        ``own`` (h, w) bool: the pixels whose mean is the signature.
        """
        signature = self.signature(own)
        weights = self.inverse @ signature
        length = float(weights @ signature)
        if not length > 0:
            return np.zeros(own.shape), np.zeros(own.shape, dtype=bool)
        share = self.beside @ weights / length
        explained = share**2 * length
        allowed = np.maximum(explained, _UNEXPLAINED * len(signature))
        is_alike = self.whole - explained <= allowed
        return share.reshape(own.shape), is_alike.reshape(own.shape)


def find_surroundings(grain: Bools, free: Bools) -> Bools:
    """Free pixels beside the grain; none where even the nearest are too few."""
    for gap in _GAPS_PX:
        found = free & ~widened(grain, gap)
        if np.count_nonzero(found) >= _LEAST_SURROUNDINGS_PX:
            return found
    return np.zeros_like(free)


def _covers(grain: Bools, around: Bools) -> bool:
    """Whether a grain has grown so far into its surroundings that they must be found anew."""
    inside = np.count_nonzero(widened(grain, 1) & around)
    return bool(inside > _COVERED_SHARE * np.count_nonzero(around))


def widened(mask: Bools, steps: int) -> Bools:
    """A mask with the pixels up to so many steps away, diagonal ones too.

    On small windows several times faster than `scipy.ndimage.binary_dilation`.
    """
    for _ in range(steps):
        rows = mask.copy()
        rows[1:] |= mask[:-1]
        rows[:-1] |= mask[1:]
        mask = rows.copy()
        mask[:, 1:] |= rows[:, :-1]
        mask[:, :-1] |= rows[:, 1:]
    return mask


def connected(mask: Bools, at: tuple[int, int]) -> Bools:
    """The 8-connected area of a mask that holds a pixel, which always belongs to it."""
    mask = mask.copy()
    mask[at] = True
    labels = label_areas(mask)
    return np.asarray(labels == labels[at])


def label_areas(mask: Bools) -> NDArray[np.int32]:
    """8-connected areas, numbered from 1."""
    labels = np.empty(mask.shape, dtype=np.int32)
    ndimage.label(mask, _EIGHT_CONNECTED, output=labels)
    return labels
