"""ENVI images of X-ray spectra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.envi.bands import bands_of
from napari_mineral_anomaly.io.formats.envi.fields import read_envi_header
from napari_mineral_anomaly.io.formats.envi.header import EnviImage, open_envi, what_else
from napari_mineral_anomaly.io.formats.envi.numbers import band_numbers
from napari_mineral_anomaly.io.formats.envi.pixel_size import pixel_size_in
from napari_mineral_anomaly.io.formats.shared.axes import FEWEST_SPECTRUM_CHANNELS
from napari_mineral_anomaly.io.formats.shared.spectra import axis_from_energies, require_spectra
from napari_mineral_anomaly.io.formats.shared.steps import Step, applied, dtype_after, effective
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage


def holds_spectra(path: Path) -> bool:
    """Whether the header describes X-ray spectra of 65 channels or more; never raises."""
    try:
        fields = read_envi_header(path)
        n_bands = int(fields.get("bands", "0"))
        if what_else(fields) or n_bands < FEWEST_SPECTRUM_CHANNELS:
            return False
        return bands_of(path, fields, n_bands).is_spectra
    except (InputError, OSError, ValueError):
        return False


def open_spectra(path: Path) -> SpectrumImage:
    """Open an ENVI spectrum image by its header.

    The calibration is the list ``wavelength`` where ``wavelength units`` says keV or eV. Missing
    values and one gain for all channels are applied block by block.

    Raises
    ------
    InputError
        Also for gains that differ between channels.
    """
    fields = read_envi_header(path)
    if other := what_else(fields):
        raise InputError(f"{path.name} is {other}.")
    image = open_envi(path)
    require_spectra(path, image.counts.shape)
    numbers = band_numbers(path, image.fields, int(image.counts.shape[2]))
    if len(set(numbers.steps)) > 1:
        raise InputError(
            f"{path.name} gives its channels different gains or offsets, which is not read for "
            "spectra: export plain counts."
        )
    steps = effective(numbers.steps[0], image.counts.dtype)
    energy, notes = _energy(image)
    size, size_steps = pixel_size_in(image.fields)
    return SpectrumImage(
        _Stepped(image.counts, steps) if steps else image.counts,
        energy,
        pixel_size=None if size is None else size.um,
        source=str(path),
        files=(image.data_file.name, path.name),
        notes=(*image.notes, *notes, *numbers.notes),
        steps=(*(step.words for step in steps), *image.steps, *size_steps),
    )


@dataclass(frozen=True)
class _Stepped:
    """Counts (H, W, E) with steps applied to each block that is read."""

    stored: Any
    steps: tuple[Step, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(n) for n in self.stored.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_after(self.steps, self.stored.dtype.newbyteorder("="))

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[Any]:
        return applied(np.asarray(self.stored[index]), self.steps)


def _energy(image: EnviImage) -> tuple[EnergyAxis | None, list[str]]:
    factor = KEV_PER_UNIT.get(image.fields.get("wavelength units", "").lower())
    values = image.listed("wavelength")
    if factor is None or not values:
        return None, []
    if len(values) != image.counts.shape[2]:
        n_channels = image.counts.shape[2]
        return None, [
            f"the energies in the header are not used: {len(values)} for {n_channels} channels"
        ]
    try:
        return axis_from_energies(np.array([float(value) for value in values]) * factor)
    except ValueError:
        return None, ["the energies in the header are not used: they are not numbers"]
