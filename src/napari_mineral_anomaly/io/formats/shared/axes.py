"""Which axis of a three-dimensional array counts the channels, and what the channels are.

Files such as HDF5, `.npy` or Zarr may hold element maps or spectra, with the channels first or
last. Where nothing names the channels, the shape decides. This module is the only place for that
rule; the documentation gives it under "Maps or spectra".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Channels without names are element maps up to this number, spectra above it; our choice: the
# longest lists of element maps have 30 to 40, the shortest spectra 128 channels.
MOST_UNNAMED_CHANNELS = 64
FEWEST_SPECTRUM_CHANNELS = MOST_UNNAMED_CHANNELS + 1
# Only the energy axis of a small scan is so many times longer than both sides of the map.
_SPECTRUM_TO_MAP = 4


@dataclass(frozen=True)
class ChannelAxis:
    """The axis (0 or 2) that counts the channels, and whether they are energies or elements."""

    index: int
    is_energy: bool


def channel_axis(shape: Sequence[int], n_names: int = 0) -> ChannelAxis | None:
    """Find the axis of the channels in a stack, the first or the last.

    Parameters
    ----------
    shape : three sizes
    n_names : int
        Length of the list that names the channels; 0 without one.

    Returns
    -------
    ChannelAxis or None
        Elements: the axis as long as the list of names, else the shorter of the two. Energies,
        only without names: where the shorter axis has more than 64 channels, or one axis is more
        than four times longer than both others (25 x 25 pixels of 4096 channels). None for lists
        of names that fit neither axis, and for other numbers of dimensions.
    """
    if len(shape) != 3:
        return None
    if n_names:
        fitting = [axis for axis in (0, 2) if shape[axis] == n_names]
        return ChannelAxis(fitting[0], is_energy=False) if fitting else None
    shorter = 0 if shape[0] <= shape[2] else 2
    if shape[shorter] > MOST_UNNAMED_CHANNELS or _stands_out(shape, 2 - shorter):
        energies = energy_axis(shape)
        return None if energies is None else ChannelAxis(energies, is_energy=True)
    return ChannelAxis(shorter, is_energy=False)


def energy_axis(shape: Sequence[int]) -> int | None:
    """Find the axis of the energies in an array that is known to hold spectra.

    Detectors count into 2^n channels: the axis of such a length. Where both the first and the last
    have one, the last, but the first where it is more than four times longer than both others (a
    map 256 pixels wide with 4096 channels stored first). Where none has one, the longer. None
    where both have fewer than 65 channels, and for other numbers of dimensions.
    """
    if len(shape) != 3:
        return None
    counted = [
        axis
        for axis in (2, 0)
        if shape[axis] >= FEWEST_SPECTRUM_CHANNELS and shape[axis].bit_count() == 1
    ]
    if len(counted) == 2 and _stands_out(shape, 0):
        return 0
    axis = counted[0] if counted else 2 if shape[2] >= shape[0] else 0
    return axis if shape[axis] >= FEWEST_SPECTRUM_CHANNELS else None


def _stands_out(shape: Sequence[int], axis: int) -> bool:
    """Whether an axis is so long that it cannot be a side of the map."""
    others = max(size for i, size in enumerate(shape) if i != axis)
    return shape[axis] > MOST_UNNAMED_CHANNELS and shape[axis] > _SPECTRUM_TO_MAP * others
