"""Single maps as Ripple pairs, a file for each element, as HyperSpy saves them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.ripple import holds_spectra, open_pair
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import (
    MapFile,
    Opened,
    Plane,
    SpectraInside,
)

TITLE = "Ripple map"


def open_maps(path: Path) -> Opened:
    """The map of a Ripple pair of depth 1; `SpectraInside` for deeper ones.

    The element comes from the name of the file, else from ``title`` in the header.

    Raises
    ------
    InputError
        As `ripple.open_pair`.
    """
    if holds_spectra(path):
        return SpectraInside(path)
    with explained(path, TITLE):
        pair = open_pair(path)
    height, width = (int(n) for n in pair.counts.shape[:2])
    plane = Plane(
        path,
        (height, width),
        np.dtype(pair.counts.dtype).newbyteorder("="),
        partial(_map, pair.counts),
        pair.header.get("title", ""),
        None,
        pair.pixel_size,
    )
    return MapFile(path, (plane,), notes=pair.notes, steps=pair.steps)


def _map(counts: Any) -> NDArray[Any]:
    return np.asarray(counts[:, :, 0])
