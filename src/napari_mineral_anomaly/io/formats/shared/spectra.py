"""What the readers of spectrum images share: numbers in files, and energy calibrations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import FEWEST_SPECTRUM_CHANNELS
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp
from napari_mineral_anomaly.io.formats.shared.disk.stored_numbers import StoredNumbers
from napari_mineral_anomaly.scan.spectra import EnergyAxis
from napari_mineral_anomaly.words import sizes

# A peak of a silicon detector is 0.06 to 0.3 keV wide: windows on a line that departs further from
# the calibration would count beside the peaks.
_MOST_BEND_KEV = 0.15


def mapped_file(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, *, header: str
) -> tuple[StoredNumbers, list[str]]:
    """Open a file of plain numbers, after a check of its size; they are read in blocks later.

    Parameters
    ----------
    path : Path
    dtype, shape, offset
        What the header says of the numbers; ``offset`` in bytes.
    header : str
        Name of the header, for the sentences.

    Returns
    -------
    array : StoredNumbers of ``shape``
    notes : list of str
        One where the file is longer than the header says.

    Raises
    ------
    InputError
        When the file is shorter, or is not there.
    """
    needed = offset + math.prod(shape) * dtype.itemsize
    stamp = FileStamp.of(path)
    size = stamp.size
    if size < needed:
        raise InputError(
            f"{path.name} is cut short or the header is wrong: {header} says "
            f"{sizes(shape)} numbers of {dtype.itemsize} bytes"
            f"{f' after {offset} bytes' if offset else ''}, {needed} bytes in all, "
            f"the file has {size}."
        )
    notes = []
    if size > needed:
        notes.append(f"{path.name} has {size - needed} bytes more than {header} says")
    return StoredNumbers(path, dtype, shape, offset, stamp), notes


def require_spectra(path: Path, shape: Sequence[int]) -> None:
    """Refuse an image (H, W, channels) with too few channels for spectra.

    Raises
    ------
    InputError
    """
    if shape[2] < FEWEST_SPECTRUM_CHANNELS:
        raise InputError(
            f"{path.name} holds {shape[2]} channels on {sizes((shape[0], shape[1]))} pixels: a "
            f"spectrum image has {FEWEST_SPECTRUM_CHANNELS} or more; open element maps as TIFF or "
            "text."
        )


def axis_or_note(
    offset_kev: float, gain_kev: float, n_channels: int
) -> tuple[EnergyAxis | None, list[str]]:
    """The calibration that a file gives; None and a note for one that cannot be right."""
    try:
        return EnergyAxis(float(offset_kev), float(gain_kev), n_channels), []
    except InputError as error:
        return None, [f"the energy calibration in the file is not used: {str(error).rstrip('.')}"]


def axis_from_energies(kev: ArrayLike) -> tuple[EnergyAxis | None, list[str]]:
    """A linear calibration through a list of channel energies in keV."""
    energies = np.asarray(kev, dtype=np.float64).ravel()
    if energies.size < 2 or not np.isfinite(energies).all():
        return None, ["the energies in the file are not used: they are not finite"]
    channels = np.arange(energies.size)
    gain, offset = np.polyfit(channels, energies, 1)
    axis, notes = axis_or_note(offset, gain, energies.size)
    bend = float(np.abs(energies - (offset + gain * channels)).max())
    if axis is not None and bend > _MOST_BEND_KEV:
        return None, [
            f"the energy calibration in the file is not used: a straight line departs from it by "
            f"up to {1000 * bend:.0f} eV, more than a peak is wide"
        ]
    if axis is not None and bend > axis.gain_kev:
        notes.append(
            f"the energy calibration in the file is curved; the straight line that is used "
            f"departs from it by up to {1000 * bend:.0f} eV"
        )
    return axis, notes
