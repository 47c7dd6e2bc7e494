"""What the readers of spectrum images share: files checked before they are mapped, calibrations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.containers import MOST_UNNAMED_CHANNELS
from napari_mineral_anomaly.scan.spectra import EnergyAxis
from napari_mineral_anomaly.words import pixels

# A cube with fewer channels is a stack of maps, not of spectra.
FEWEST_CHANNELS = MOST_UNNAMED_CHANNELS + 1


def mapped_file(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, *, told_by: str
) -> tuple[NDArray[Any], list[str]]:
    """Map a file of plain numbers, after its size was checked against the header.

    Returns
    -------
    array : memory-mapped, of ``shape``
    notes : list of str
        Says so when the file is longer than the header tells.

    Raises
    ------
    InputError
        When the file is shorter.
    """
    needed = offset + math.prod(shape) * dtype.itemsize
    size = path.stat().st_size
    if size < needed:
        raise InputError(
            f"{path.name} is cut short or the header is wrong: {told_by} says "
            f"{' x '.join(map(str, shape))} numbers of {dtype.itemsize} bytes"
            f"{f' after {offset} bytes' if offset else ''}, {needed} bytes in all, "
            f"the file has {size}."
        )
    notes = []
    if size > needed:
        notes.append(f"{path.name} has {size - needed} bytes more than {told_by} says")
    try:
        return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape), notes
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}.") from None


def require_spectra(path: Path, shape: Sequence[int]) -> None:
    """Refuse what has rows and columns but too few channels for spectra.

    Raises
    ------
    InputError
    """
    if shape[2] < FEWEST_CHANNELS:
        raise InputError(
            f"{path.name} holds {shape[2]} channels on {pixels((shape[0], shape[1]))} pixels: a "
            f"spectrum image has {FEWEST_CHANNELS} or more; open element maps as TIFF or text."
        )


def channel_axis(shape: Sequence[int]) -> int | None:
    """Which of three axes holds the channels; None when neither the last nor the first can.

    Detectors count into 2^n channels: the last axis of such a length, else the first, else the
    longer of the two.
    """
    if len(shape) != 3:
        return None
    for axis in (2, 0):
        if shape[axis] >= FEWEST_CHANNELS and shape[axis] & (shape[axis] - 1) == 0:
            return axis
    axis = 2 if shape[2] >= shape[0] else 0
    return axis if shape[axis] >= FEWEST_CHANNELS else None


def axis_or_note(
    offset_kev: float, gain_kev: float, n_channels: int
) -> tuple[EnergyAxis | None, list[str]]:
    """A calibration as a file gives it; one that cannot be right becomes a note instead."""
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
    if axis is not None and bend > axis.gain_kev:
        notes.append(
            f"the energy calibration in the file is curved; the straight line that is used "
            f"departs from it by up to {1000 * bend:.0f} eV"
        )
    return axis, notes
