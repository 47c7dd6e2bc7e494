"""Whether a grown piece is a part of a grain that was found before it.

A small grain that is far brighter than its surroundings may be found in pieces: a core, and beside
it pixels that hold a part of it and of two different hosts, which no single surroundings explain.
Two pieces are one grain where their signatures over the surroundings of both point the same way:
the cosine of both in Mahalanobis' metric is at least `SAME`. A second piece within the reach of
the beam (`HALO_PX`) that holds less than half of the first one's signature in the mean is its
fringe: no row, and no other grain starts there. Any other that touches the first one and holds
`LEAST_SHARE` of its signature is a part of the grain. One that does not touch it is another grain
of the same mineral.
"""

from __future__ import annotations

import numpy as np

from napari_mineral_anomaly.grains.pixels.extent import (
    EDGE,
    HALO_EDGE,
    HALO_PX,
    Background,
    Bools,
    SignaturePlanes,
    Window,
    find_surroundings,
    widened,
)

# Chosen on scans with planted grains (seed 50) and on simulated sections with seeds 10 and 11.
SAME = 0.8
# A pale piece belongs to a grain from this mean share of its signature on.
LEAST_SHARE = 0.2
# Pieces farther apart are not compared.
NEAR_PX = 2

PART, FRINGE = "part", "fringe"


def role_beside(
    signatures: SignaturePlanes, free: Bools, window: Window, grain: Bools, piece: Bools
) -> str | None:
    """What a piece is of a grain near it: `PART`, `FRINGE`, or None for a grain of its own.

    Parameters
    ----------
    signatures : SignaturePlanes
    free : (h, w) bool
        Pixels of the window that are in no grain.
    window : (slice, slice)
        Rows and columns of the scan.
    grain, piece : (h, w) bool
        They share no pixel. The grain may reach beyond the window.
    """
    around = find_surroundings(grain | piece, free)
    if not around.any():
        return None
    values = signatures.window(*window)
    known = np.isfinite(values).all(axis=1)
    values[~known] = 0.0
    around &= known.reshape(around.shape)
    if not around.any():
        return None
    background = Background.of(signatures, values, around)
    first, second = (background.signature(pixels) for pixels in (grain, piece))
    lengths = background.product(first, first) * background.product(second, second)
    if not background.product(first, second) >= SAME * np.sqrt(lengths) > 0:
        return None
    shares, _ = background.shares(grain)
    share = float(shares[piece].mean())
    if share < HALO_EDGE:  # the noise beside a bright grain
        return None
    in_reach = not (piece & ~widened(grain, HALO_PX)).any()
    if in_reach and share < EDGE:
        return FRINGE
    touches = bool((piece & widened(grain, 1)).any())
    return PART if touches and share >= LEAST_SHARE else None
