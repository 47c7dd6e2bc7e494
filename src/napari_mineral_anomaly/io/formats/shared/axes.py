"""Which axis of a three-dimensional array counts the channels, and what the channels are.

Files such as HDF5, `.npy` or Zarr may hold element maps or spectra, with the channels first or
last. Where nothing names the channels, the shape decides, unless the user says it. This module is
the only place for that rule; the documentation gives it under "Maps or spectra".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.words import sizes

Channels = Literal["first", "last"]

# Channels without names are element maps up to this number, spectra above it; our choice: the
# longest lists of element maps have 30 to 40, the shortest spectra 128 channels.
MOST_UNNAMED_CHANNELS = 64
FEWEST_SPECTRUM_CHANNELS = MOST_UNNAMED_CHANNELS + 1
# Only the energy axis of a small scan is so many times longer than both sides of the map.
_SPECTRUM_TO_MAP = 4
# Numbers of channels of detectors that are no power of two.
_ROUND_CHANNELS = (1000, 2000, 4000)

_PLACES = ("first", "middle", "last")
_OTHER: dict[int, Channels] = {0: "last", 2: "first"}


@dataclass(frozen=True)
class ChannelAxis:
    """The axis that counts the channels of an array of three axes.

    Attributes
    ----------
    index : int
        0 or 2; 1 only where a list of names fits that axis alone.
    is_energy : bool
        Whether the channels are energies; else they are elements.
    rule : str
        Why this axis, in words.
    is_open : bool
        Whether another axis could be meant as well: the user should check it.
    """

    index: int
    is_energy: bool
    rule: str = ""
    is_open: bool = False

    def words(self, shape: Sequence[int]) -> str:
        """The order of the axes, for ``steps`` of the report."""
        names = ["rows", "columns"]
        names.insert(self.index, "channels")
        because = f", {self.rule}" if self.rule else ""
        return (
            f"axes {sizes(shape)} = {', '.join(names)}: the {_PLACES[self.index]} axis counts the "
            f"channels{because}"
        )

    def note(self, shape: Sequence[int]) -> str:
        """For the warnings, where the axis is open: the rule, and how to overrule it; else ""."""
        if not self.is_open or self.index not in _OTHER:
            return ""
        other = _OTHER[self.index]
        return (
            f"of its axes {sizes(shape)} the {_PLACES[self.index]} ({shape[self.index]}) is taken "
            f"for the channels, {self.rule}; if it is the {other}, say --channels {other} on the "
            f'command line (channels="{other}" in Python)'
        )


def open_axis(notes: Iterable[str]) -> Channels | None:
    """The axis that could count the channels as well, by the notes of a report; None: no question.

    The notes are those of `ChannelAxis.note`.
    """
    found = (re.search(r"say --channels (first|last)\b", note) for note in notes)
    return next((checked_channels(match[1]) for match in found if match), None)


def checked_channels(channels: str | None) -> Channels | None:
    """The word that a user gives for the axis of the channels.

    Raises
    ------
    InputError
        When it is neither "first" nor "last".
    """
    if channels is None:
        return None
    for known in (_OTHER[0], _OTHER[2]):
        if channels == known:
            return known
    raise InputError(f'channels must be "first" or "last"; got {channels!r}.')


def channel_axis(
    shape: Sequence[int], n_names: int = 0, channels: Channels | None = None
) -> ChannelAxis | None:
    """Find the axis of the channels in a stack.

    Parameters
    ----------
    shape : three sizes
    n_names : int
        Length of the list that names the channels; 0 without one.
    channels : {"first", "last"}, optional
        What the user says; overrules the shape.

    Returns
    -------
    ChannelAxis or None
        Elements: the axis as long as the list of names, else the shorter of the first and the
        last. Energies, only without names: where the shorter has more than 64 channels, or one axis
        is more than four times longer than both others (25 x 25 pixels of 4096 channels). None for
        lists of names that fit no axis, and for other numbers of dimensions.
    """
    if len(shape) != 3:
        return None
    if channels is not None:
        index = 0 if channels == "first" else 2
        if n_names and n_names != shape[index]:
            return None
        is_energy = not n_names and shape[index] > MOST_UNNAMED_CHANNELS
        return ChannelAxis(index, is_energy, "as the user says")
    if n_names:
        return _named_axis(shape, n_names)
    shorter = 0 if shape[0] <= shape[2] else 2
    longer = 2 - shorter
    if shape[shorter] > MOST_UNNAMED_CHANNELS or _stands_out(shape, longer):
        return energies_of(shape)
    is_open = shape[longer] <= MOST_UNNAMED_CHANNELS or _is_usual(shape[longer])
    rule = "the shorter of the first and the last"
    return ChannelAxis(shorter, is_energy=False, rule=rule, is_open=is_open)


def energies_of(shape: Sequence[int], channels: Channels | None = None) -> ChannelAxis | None:
    """Find the axis of the energies in an array that is known to hold spectra.

    An axis more than four times longer than both others; else the axis of a usual number of
    channels of a detector (2^n from 128 up, 1000, 2000, 4000); where both the first and the last
    have one, the last; where none has one, the longer. The choice is open (`ChannelAxis.is_open`)
    unless the axis is of such a number and much the longer. None where both
    have fewer than 65 channels, and for other numbers of dimensions.
    """
    if len(shape) != 3:
        return None
    if channels is not None:
        return ChannelAxis(0 if channels == "first" else 2, is_energy=True, rule="as the user says")
    for index in (2, 0):
        if _stands_out(shape, index):
            rule = "more than four times longer than both others"
            may_be_maps = shape[2 - index] <= MOST_UNNAMED_CHANNELS
            is_open = may_be_maps and not _is_usual(shape[index])
            return ChannelAxis(index, is_energy=True, rule=rule, is_open=is_open)
    usual = [index for index in (2, 0) if _is_usual(shape[index])]
    index = usual[0] if usual else 2 if shape[2] >= shape[0] else 0
    if shape[index] < FEWEST_SPECTRUM_CHANNELS:
        return None
    other = shape[2 - index]
    factor = len(usual)  # where both are usual, the axis must be twice as long to be sure
    is_sure = factor > 0 and factor * other <= shape[index]
    rule = "a usual number of channels" if usual else "the longer of the first and the last"
    return ChannelAxis(index, is_energy=True, rule=rule, is_open=not is_sure)


def energy_axis(shape: Sequence[int], channels: Channels | None = None) -> int | None:
    """The index that `energies_of` finds."""
    found = energies_of(shape, channels)
    return None if found is None else found.index


def _named_axis(shape: Sequence[int], n_names: int) -> ChannelAxis | None:
    """The axis that a list of names fits; the middle one only where no other does."""
    fitting = [index for index in (0, 2, 1) if shape[index] == n_names]
    if not fitting:
        return None
    both = fitting[:2] == [0, 2]
    rule = f"as long as the list of {n_names} names"
    if both:
        rule += ", as is the last"
    return ChannelAxis(fitting[0], is_energy=False, rule=rule, is_open=both)


def _is_usual(n_channels: int) -> bool:
    """Whether detectors have so many channels."""
    if n_channels < FEWEST_SPECTRUM_CHANNELS:
        return False
    return n_channels.bit_count() == 1 or n_channels in _ROUND_CHANNELS


def _stands_out(shape: Sequence[int], axis: int) -> bool:
    """Whether an axis is so long that it cannot be a side of the map."""
    others = max(size for i, size in enumerate(shape) if i != axis)
    return shape[axis] > MOST_UNNAMED_CHANNELS and shape[axis] > _SPECTRUM_TO_MAP * others
