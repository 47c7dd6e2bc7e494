"""ENVI images whose bands are maps; `envi.spectra` reads those of X-ray spectra."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.envi.bands import bands_of
from napari_mineral_anomaly.io.formats.envi.fields import read_envi_header
from napari_mineral_anomaly.io.formats.envi.header import open_envi, what_else
from napari_mineral_anomaly.io.formats.envi.numbers import band_numbers
from napari_mineral_anomaly.io.formats.envi.pixel_size import pixel_size_in
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import (
    MapFile,
    Opened,
    SpectraInside,
    numbered_planes,
)
from napari_mineral_anomaly.io.formats.shared.steps import with_steps

TITLE = "ENVI image"


def open_maps(path: Path) -> Opened:
    """List the bands of an ENVI image; the numbers stay in their file until they are read.

    Bands are called by ``band names``, or by their wavelengths; bands that ``bbl`` marks as bad are
    left out. Missing values, gains and offsets of the header are steps of each plane. The answer is
    `SpectraInside` for X-ray spectra (see `bands_of`).

    Raises
    ------
    InputError
        When header or numbers are missing or disagree.
    """
    with explained(path, TITLE):
        if other := what_else(read_envi_header(path)):
            return MapFile(path, not_maps=other)
        image = open_envi(path)
        n_bands = int(image.counts.shape[2])
        bands = bands_of(path, image.fields, n_bands)
        if bands.is_spectra:
            return SpectraInside(path)
        numbers = band_numbers(path, image.fields, n_bands)
        pixel_size, size_steps = pixel_size_in(image.fields)
    planes = numbered_planes(
        path,
        image.counts.shape,
        image.counts.dtype,
        n_bands,
        partial(_band, image.counts),
        bands.names,
        pixel_size,
    )
    is_reflectance = numbers.is_reflectance and bands.quantity != "reflectance"
    return MapFile(
        path,
        tuple(with_steps(planes[i], *numbers.steps[i]) for i in bands.kept),
        notes=(*image.notes, *bands.notes, *numbers.notes),
        quantity="reflectance" if is_reflectance else bands.quantity,
        steps=(*image.steps, *bands.steps, *size_steps),
    )


def _band(counts: Any, index: int) -> NDArray[Any]:
    values = counts[:, :, index]
    return np.array(values, dtype=values.dtype.newbyteorder("="))
