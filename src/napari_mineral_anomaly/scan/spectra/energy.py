"""`EnergyAxis`: the energy of each channel of a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError

# No detector of element maps has channels outside this range (keV per channel). A file with such a
# gain gives it in another unit.
_GAIN_RANGE = (1e-4, 0.5)
# Spectra begin a little below zero (the peak of the noise is at zero), or where they were cut.
_FIRST_KEV = (-5.0, 100.0)


@dataclass(frozen=True)
class EnergyAxis:
    """A linear energy calibration.

    Attributes
    ----------
    offset_kev : float
        Energy of the centre of channel 0 in keV.
    gain_kev : float
        Width of a channel in keV.
    n_channels : int

    Raises
    ------
    InputError
        When the offset or the gain is impossible for an X-ray spectrum.
    """

    offset_kev: float
    gain_kev: float
    n_channels: int

    def __post_init__(self) -> None:
        low, high = _GAIN_RANGE
        if not (isfinite(self.gain_kev) and low <= self.gain_kev <= high):
            meant = self.gain_kev / 1000
            hint = f"; if {self.gain_kev:g} eV is meant, {meant:g}" if low <= meant <= high else ""
            if -high <= self.gain_kev < 0:
                hint = "; energies that fall from channel to channel are not read"
            raise InputError(
                f"A channel of {self.gain_kev:g} keV cannot be right: give the gain in keV per "
                f"channel, between {low:g} and {high:g} (10 eV per channel is 0.01){hint}."
            )
        first, last = _FIRST_KEV
        if not (isfinite(self.offset_kev) and first <= self.offset_kev <= last):
            meant = self.offset_kev / 1000
            hint = f" ({meant:g} if {self.offset_kev:g} eV is meant)" if isfinite(meant) else ""
            raise InputError(
                f"An energy of {self.offset_kev:g} keV for the first channel cannot be right; "
                f"give the offset in keV{hint}."
            )

    @property
    def kev(self) -> NDArray[np.float64]:
        """(n_channels,) float64: the energy of each channel in keV."""
        return self.channels_to_kev(np.arange(self.n_channels))

    @property
    def range_kev(self) -> tuple[float, float]:
        """Lowest (not below zero) and highest energy in keV."""
        last = self.offset_kev + self.gain_kev * (self.n_channels - 1)
        return max(0.0, self.offset_kev), last

    def channels_to_kev(self, channels: ArrayLike) -> NDArray[np.float64]:
        """Energies in keV of channel numbers (counted from 0)."""
        return np.asarray(self.offset_kev + self.gain_kev * np.asarray(channels, dtype=np.float64))

    def kev_to_channels(self, kev: ArrayLike) -> NDArray[np.float64]:
        """Channel numbers, with fractions, of energies in keV."""
        return np.asarray((np.asarray(kev, dtype=np.float64) - self.offset_kev) / self.gain_kev)

    def channel_range(self, low_kev: float, high_kev: float) -> slice:
        """Channels whose centre lies in [low, high) keV, cut to the spectrum."""
        # Plain numbers, because one list of elements needs thousands of calls and numpy is slower.
        edges = ((kev - self.offset_kev) / self.gain_kev - 1e-9 for kev in (low_kev, high_kev))
        start, stop = (ceil(min(max(edge, 0.0), self.n_channels)) for edge in edges)
        return slice(start, stop)


def typed_energy(energy: Sequence[float] | None) -> tuple[float, float] | None:
    """Offset and gain (keV) as a user gives them, checked.

    Raises
    ------
    InputError
        When they are not two numbers that can calibrate a spectrum.
    """
    if energy is None:
        return None
    values: list[Any] = list(energy)
    try:
        offset, gain = (float(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(
            "The energy calibration is two numbers, the energy of the first channel and the width "
            f"of a channel, both in keV (for example 0 and 0.01); got {energy}."
        ) from None
    axis = EnergyAxis(offset, gain, 1)
    return axis.offset_kev, axis.gain_kev
