"""Which arrays of a container are maps: not pictures and masks, and of which group.

Fit programs write one group of maps per detector, and beside the counts their uncertainties and
mass fractions, under the same names. One group is read, the counts first, and the others are named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import listed, sizes

# Parts of the path of a group: what its maps are, if not counts.
_UNCERTAIN = re.compile(
    r"uncertaint|(^|[/_\s])(errors?|sigmas?|std|stddev|variances?)($|[/_\d])", re.I
)
_FRACTIONS = re.compile(
    r"mass_?-?\s?frac|concentration|composition|molar|wt_?(%|pct|percent)", re.I
)
_DIAGNOSTICS = re.compile(
    r"(^|[/_])(derivatives?|diagnostics?|chi_?sq\w*|residuals?|k[\s_-]?ratios?)($|[/_])", re.I
)
_SUM = re.compile(r"(^|[/_])((?:det|mca)_?sum|sum|total|all|merged|mean|average)($|[/_\d])", re.I)
_PICTURE_NAME = re.compile(
    r"(^|[_\-\s])(preview|thumb(nail)?s?|rgba?|photos?|pictures?|screenshot|overview|mosaic|video|icon"
    r"|mask|masks|segmentation)($|[_\-\s\d])",
    re.I,
)
_RANKS = ("counts", "concentrations", "diagnostics", "uncertainties")


class _Array(Protocol):
    """What is asked of an array here: see `StoredArray`."""

    @property
    def group(self) -> str: ...
    @property
    def basename(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


A = TypeVar("A", bound=_Array)


@dataclass(frozen=True)
class ElementGroup(Generic[A]):
    """The maps of one group.

    Attributes
    ----------
    arrays : list
        Empty where no group names an element.
    notes : tuple of str
        Which group is read where several name elements.
    quantity : str or None
        What the maps are, where the name of the group says so.
    """

    arrays: list[A]
    notes: tuple[str, ...] = ()
    quantity: Quantity | None = None


def element_group(path: Path, arrays: Sequence[A]) -> ElementGroup[A]:
    """The arrays of the group that is read, those of its usual shape.

    Counts come before mass fractions, a sum of detectors before single ones, then the group that
    names the most elements, then the first.

    Parameters
    ----------
    path : Path
    arrays : sequence
        Two-dimensional ones.

    Raises
    ------
    InputError
        When the maps of the group differ in shape, or when only uncertainties name elements.
    """
    groups: dict[str, list[A]] = defaultdict(list)
    for array in arrays:
        groups[array.group].append(array)
    ranked = []
    for place, (name, members) in enumerate(groups.items()):
        parsed = parse_names([array.basename for array in members])
        count = len({entry.label for entry in parsed if entry.role == "element"})
        if count:
            is_sum = _SUM.search(name) is not None
            ranked.append((_RANKS.index(_kind(name)), not is_sum, -count, place, name))
    ranked.sort()
    if not ranked:
        return ElementGroup([])
    used = ranked[0][-1]
    if ranked[0][0] >= _RANKS.index("diagnostics"):
        raise InputError(
            f"{path.name} holds no element maps: {used or 'the file'} has only "
            f"{_kind(used)} of a fit; open the file that holds its counts."
        )
    kept = _of_one_shape(path, groups[used])
    others = [name for *_, name in ranked[1:]]
    return ElementGroup(kept, _notes(path, used, others), _QUANTITY.get(_kind(used)))


_QUANTITY: dict[str, Quantity] = {"concentrations": "concentration"}


def _kind(group: str) -> str:
    """What the maps of a group are, by its path."""
    if _UNCERTAIN.search(group):
        return "uncertainties"
    if _DIAGNOSTICS.search(group):
        return "diagnostics"
    return "concentrations" if _FRACTIONS.search(group) else "counts"


def _notes(path: Path, used: str, others: Sequence[str]) -> tuple[str, ...]:
    if not others:
        return ()
    words = [
        f"{name or 'the top of the file'} ({_kind(name)})"
        if _kind(name) != "counts"
        else name or "/"
        for name in others
    ]
    return (
        f"the maps of {used or 'the top of the file'} are read; elements are named in "
        f"{listed(words, shown=6)}, too: open another as "
        f'"{path.name}::/{others[0]}"',
    )


def _of_one_shape(path: Path, members: Sequence[A]) -> list[A]:
    shapes = [array.shape for array in members]
    parsed = parse_names([array.basename for array in members])
    of_elements = [
        array.shape for array, entry in zip(members, parsed, strict=True) if entry.role == "element"
    ]
    common = max(set(of_elements), key=of_elements.count)
    odd = [
        f"{array.basename} {sizes(array.shape)}"
        for array, entry in zip(members, parsed, strict=True)
        if entry.role == "element" and array.shape != common
    ]
    if odd:
        raise InputError(
            f"The element maps of {path.name} differ in shape: most have "
            f"{sizes(common)} pixels, but {listed(odd)}."
        )
    return [array for array, shape in zip(members, shapes, strict=True) if shape == common]


def picture_words(name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> str:
    """What an array without named channels is, if it looks like a picture; else "".

    Parameters
    ----------
    name : str
        Without its group.
    shape, dtype
        Three or four bytes per pixel, the last axis, are a colour picture.
    """
    is_colour = len(shape) == 3 and shape[2] in (3, 4) and shape[2] < min(shape[:2])
    if is_colour and dtype == np.uint8:
        return "a colour picture"
    if is_colour and _PICTURE_NAME.search(name):
        return "a colour picture by its name"
    if dtype.kind == "b" or (len(shape) == 2 and _PICTURE_NAME.search(name)):
        return "a mask or a preview"
    return ""
