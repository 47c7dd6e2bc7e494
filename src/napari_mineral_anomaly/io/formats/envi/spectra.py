"""ENVI images of spectra, as programs for imaging spectroscopy write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.envi.header import EnviImage, open_envi, read_envi_header
from napari_mineral_anomaly.io.formats.shared.axes import FEWEST_SPECTRUM_CHANNELS
from napari_mineral_anomaly.io.formats.shared.spectra import axis_from_energies, require_spectra
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage


def holds_spectra(path: Path) -> bool:
    """Whether the header describes X-ray spectra: 65 bands or more, not in nm; never raises."""
    try:
        fields = read_envi_header(path)
        unit = fields.get("wavelength units", "").lower()
        is_light = bool(unit) and unit not in (*KEV_PER_UNIT, "unknown", "index")
        return int(fields.get("bands", "0")) >= FEWEST_SPECTRUM_CHANNELS and not is_light
    except (InputError, OSError, ValueError):
        return False


def open_spectra(path: Path) -> SpectrumImage:
    """Open an ENVI spectrum image by its header.

    The calibration is the list ``wavelength`` where ``wavelength units`` says keV or eV.

    Raises
    ------
    InputError
    """
    image = open_envi(path)
    require_spectra(path, image.counts.shape)
    energy, notes = _energy(image)
    return SpectrumImage(
        image.counts,
        energy,
        source=str(path),
        files=(image.data_file.name, path.name),
        notes=(*image.notes, *notes),
    )


def _energy(image: EnviImage) -> tuple[EnergyAxis | None, list[str]]:
    factor = KEV_PER_UNIT.get(image.fields.get("wavelength units", "").lower())
    values = image.listed("wavelength")
    if factor is None or len(values) != image.counts.shape[2]:
        return None, []
    try:
        return axis_from_energies(np.array([float(value) for value in values]) * factor)
    except ValueError:
        return None, ["the energies in the header are not used: they are not numbers"]
