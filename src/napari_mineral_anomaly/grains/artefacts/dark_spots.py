"""Dark spots: grains in which every element is low.

Holes, cracks and thin places give fewer counts in all elements. So does a mineral made of elements
that were not mapped. Such a grain shows no element of its own, and no formula can be compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.signals import GrainSignals

# A dark spot holds at most this share of the signal of its ring, all elements together.
_LARGEST_SHARE = 0.85
# No element is above the ring by more sigmas (`GrainSignals.ring_sigmas`), and none that makes up
# this share of the ring is above it at all.
_STANDS_OUT_SIGMAS, _MAIN_SHARE = 2.0, 0.05


def are_dark(signals: GrainSignals) -> NDArray[np.bool_]:
    """(n,) bool: grains with less of everything than the ring around them.

    False for grains without a ring and for maps that are neither counts nor concentrations.
    """
    if not (signals.is_counts or signals.is_concentration):
        return np.zeros(signals.n_pixels.size, dtype=bool)
    ring = np.nan_to_num(signals.ring_mean)
    whole = ring.sum(axis=1)
    darker = signals.mean.sum(axis=1) <= _LARGEST_SHARE * whole
    main = ring >= _MAIN_SHARE * whole[:, None]
    none_above = ~(main & (signals.excess > 0)).any(axis=1)
    nothing_of_its_own = (signals.ring_sigmas <= _STANDS_OUT_SIGMAS).all(axis=1)
    return np.asarray((whole > 0) & darker & none_above & nothing_of_its_own)
