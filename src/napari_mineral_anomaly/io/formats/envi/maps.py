"""ENVI images whose bands are element maps; `envi.spectra` reads those of spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.envi.header import EnviImage, open_envi
from napari_mineral_anomaly.io.formats.shared.axes import MOST_UNNAMED_CHANNELS
from napari_mineral_anomaly.io.formats.shared.guards import explained
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Opened,
    SpectraInside,
    numbered_planes,
)
from napari_mineral_anomaly.scan.names.map_names import parse_names

TITLE = "ENVI image"
_UNITS = {"meters": "m", "micrometers": "µm", "millimeters": "mm"}


def open_maps(path: Path) -> Opened:
    """List the bands of an ENVI image; the numbers stay in their file until they are read.

    The answer is `SpectraInside` where no band is named by an element, and the bands have
    wavelengths or are more than 64.

    Raises
    ------
    InputError
        When header or numbers are missing or disagree.
    """
    with explained(path, TITLE):
        image = open_envi(path)
        names = image.listed("band names")
        bands = image.counts.shape[2]
        if names and len(names) != bands:
            raise InputError(
                f"{path.name} is damaged: it declares {bands} bands but names {len(names)}."
            )
        is_named = any(entry.role == "element" for entry in parse_names(names))
        if not is_named and ("wavelength" in image.fields or bands > MOST_UNNAMED_CHANNELS):
            return SpectraInside(path)
        pixel_size = _pixel_size(image)
    native = image.counts.dtype.newbyteorder("=")
    planes = numbered_planes(
        path,
        image.counts.shape,
        native,
        bands,
        lambda i: np.array(image.counts[:, :, i], dtype=native),
        names,
        pixel_size,
    )
    return MapFile(path, planes, notes=image.notes)


def _pixel_size(image: EnviImage) -> FilePixelSize | None:
    """From ``pixel size = {x, y, units=...}``. The field ``map info`` gives a place on Earth."""
    parts = image.listed("pixel size")
    unit = next((p.partition("=")[2].strip() for p in parts if "unit" in p.casefold()), "m")
    try:
        x, y = (float(part) for part in parts if "=" not in part)
    except ValueError:
        return None
    return length_in_um((y, x), _UNITS.get(unit.casefold(), unit), "ENVI pixel size")
