"""Which arrays of a file with several named arrays (HDF5, npz, Zarr) are the element maps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import ChannelAxis, Channels, channel_axis
from napari_mineral_anomaly.io.formats.shared.lengths import is_length, length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Opened,
    Plane,
    SpectraInside,
    numbered_planes,
)
from napari_mineral_anomaly.io.formats.shared.steps import Step, with_steps
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import listed, sizes

_NAME_LISTS = (
    *("elements", "element_names", "channel_names", "names", "channels", "labels"),
    *("xrf_fit_name", "bands", "band_names"),
)
# Those that end in "um" are in µm; the others may have a unit in another attribute.
_PIXEL_SIZES = ("pixel_size_um", "element_size_um", "step_um", "pixel_size", "pixelsize")
_UNIT_NAMES = ("unit", "units", "pixel_size_unit", "pixel_size_units")


@dataclass(frozen=True)
class StoredArray:
    """One array of numbers in a container.

    Attributes
    ----------
    name : str
        Path in the container, "xrfmap/detsum/xrf_fit".
    shape, dtype
    read : callable
        Returns all its numbers.
    check : callable
        Called before memory is allocated; raises `InputError` where the numbers are missing.
    steps : tuple of Step
        What the file declares about the numbers: scale, missing values.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]
    check: Callable[[], object] = lambda: None
    steps: tuple[Step, ...] = ()

    @property
    def group(self) -> str:
        """Path of the group it lies in."""
        return self.name.rpartition("/")[0]

    @property
    def basename(self) -> str:
        """Its name in the group."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True)
class Container:
    """The arrays of a file, listed but not read.

    Attributes
    ----------
    path : Path
    arrays : sequence of StoredArray
        Those of real numbers.
    texts : mapping of str to tuple of str
        Lists of words by their path.
    pixel_size : FilePixelSize or None
    channels : {"first", "last"} or None
        Which axis of a stack counts the channels, where the user says so.
    """

    path: Path
    arrays: Sequence[StoredArray]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pixel_size: FilePixelSize | None = None
    channels: Channels | None = None

    def below(self, dataset: str) -> Container:
        """Only the arrays at or below a path.

        Raises
        ------
        InputError
            When there is none.
        """
        name = dataset.strip("/")
        arrays = [a for a in self.arrays if a.name == name or a.name.startswith(f"{name}/")]
        if name and not arrays:
            raise InputError(
                f"{self.path.name} has no dataset {dataset}; its arrays are {self.contents()}."
            )
        return replace(self, arrays=arrays or self.arrays)

    def contents(self) -> str:
        """The arrays with their shapes, in words."""
        words = [f"{a.name} ({sizes(a.shape) or 'one value'})" for a in self.arrays]
        return listed(words, shown=8) or "none"


def maps_in(container: Container) -> Opened:
    """The element maps among the arrays of a container, or that it holds spectra.

    In this order: two-dimensional arrays of one group that are named by elements; a stack with a
    list of names of its length; the only stack that `channel_axis` takes for element maps. Where
    it takes every stack for spectra, the answer is `SpectraInside`.

    Raises
    ------
    InputError
        When there is no map, or when several stacks could be meant.
    """
    arrays = [array for array in container.arrays if 0 not in array.shape]
    group = _element_group(container.path, [array for array in arrays if len(array.shape) == 2])
    if group:
        planes = (_single_plane(container, array, i) for i, array in enumerate(group, start=1))
        return MapFile(container.path, tuple(planes))
    stacks = [array for array in arrays if len(array.shape) == 3]
    named = [(stack, names) for stack in stacks if (names := _names_of(container, stack))]
    if len(named) == 1:
        return open_stack(container, *named[0])
    few = [stack for stack in stacks if _holds_maps(stack, container.channels)]
    if len(few) == 1 and not named:
        return open_stack(container, few[0], ())
    if stacks and not few and not named:
        return SpectraInside(container.path, stacks[0].name if len(stacks) == 1 else None)
    if stacks:
        raise InputError(
            f"{container.path.name} holds several stacks of maps "
            f"({listed([stack.name for stack in stacks], shown=6)}): name the one to read, "
            f'as "{container.path.name}::/{stacks[0].name}".'
        )
    if len(arrays) == 1 and len(arrays[0].shape) == 2:
        return MapFile(container.path, (_single_plane(container, arrays[0], None),))
    raise InputError(
        f"{container.path.name} holds no element maps: a stack (elements, rows, columns) or maps "
        f"named by their elements are needed, its arrays are {container.contents()}."
    )


def open_stack(container: Container, stack: StoredArray, names: Sequence[str]) -> Opened:
    """The planes of a three-dimensional array, named or not, or that it holds spectra.

    Raises
    ------
    InputError
        When the user names an axis that the list of names does not fit.
    """
    axis = channel_axis(stack.shape, len(names), container.channels)
    if axis is None and names and container.channels is not None:
        raise InputError(
            f"{container.path.name} holds {len(names)} names for its stack of "
            f"{sizes(stack.shape)}: the {container.channels} axis cannot count the channels, leave "
            "out --channels."
        )
    if axis is None or axis.is_energy:
        return SpectraInside(container.path, stack.name)
    notes = [axis.note(stack.shape), *([] if names else _unused_names(container, stack))]
    return MapFile(
        container.path,
        stack_planes(container, stack, axis.index, names),
        notes=tuple(filter(None, notes)),
        steps=(axis.words(stack.shape),),
    )


def stack_planes(
    container: Container, stack: StoredArray, axis: int, names: Sequence[str]
) -> tuple[Plane, ...]:
    """The planes along one axis of a three-dimensional array; ``names`` may be empty."""
    stack.check()
    stack = _as_numbers(stack)
    whole = cache(stack.read)

    def read(index: int) -> NDArray[Any]:
        return np.asarray(np.take(whole(), index, axis=axis))

    shape = [size for i, size in enumerate(stack.shape) if i != axis]
    planes = numbered_planes(
        container.path, shape, stack.dtype, stack.shape[axis], read, names, container.pixel_size
    )
    return tuple(with_steps(plane, *stack.steps) for plane in planes)


def _holds_maps(stack: StoredArray, channels: Channels | None) -> bool:
    axis: ChannelAxis | None = channel_axis(stack.shape, 0, channels)
    return axis is not None and not axis.is_energy


def names_beside(
    container: Container, stack: StoredArray, axes: Sequence[int] = (0, 2)
) -> tuple[str, ...]:
    """The list of names in the group of a stack that has the length of one of some axes."""
    lengths = [stack.shape[axis] for axis in axes]
    for names in _lists_beside(container, stack).values():
        if len(names) in lengths and len(set(names)) == len(names):
            return names
    return ()


def _names_of(container: Container, stack: StoredArray) -> tuple[str, ...]:
    """The list of names of a stack; it may count the middle axis, where it fits no other."""
    return names_beside(container, stack) or names_beside(container, stack, axes=(1,))


def _lists_beside(container: Container, stack: StoredArray) -> dict[str, tuple[str, ...]]:
    """The lists of names in the group of a stack by their path, in the order of preference."""
    beside = {
        path.rpartition("/")[2].casefold(): (path, names)
        for path, names in container.texts.items()
        if path.rpartition("/")[0] == stack.group
    }
    return dict(beside[wanted] for wanted in _NAME_LISTS if wanted in beside)


def _unused_names(container: Container, stack: StoredArray) -> list[str]:
    """A note on each list of names that does not name the channels of a stack."""
    notes = []
    for path, names in _lists_beside(container, stack).items():
        fits = len(names) in stack.shape
        why = "are not all different" if fits else f"fit no axis of {sizes(stack.shape)}"
        notes.append(f"the list {path} is not used: its {len(names)} names {why}")
    return notes


def stored_pixel_size(values: Mapping[str, Any], origin: str) -> FilePixelSize | None:
    """A pixel size from attributes or single numbers called ``pixel_size_um`` and so on.

    Parameters
    ----------
    values : mapping
        One number, (y, x) or (z, y, x). ``pixel_size`` is in µm unless ``unit`` or ``units`` names
        another unit of length. Some programs write the unit of the map's numbers there: that is
        not used.
    origin : str
        Where the values come from, for the report.
    """
    named = {name.rpartition("/")[2].casefold(): value for name, value in values.items()}
    beside = [_first_word(named[name]) for name in _UNIT_NAMES if name in named]
    unit = next((word for word in beside if is_length(word)), "µm")
    for name in _PIXEL_SIZES:
        if name not in named:
            continue
        numbers = np.atleast_1d(np.asarray(named[name])).ravel()
        if numbers.dtype.kind in "uif" and numbers.size in (1, 2, 3):
            sizes = (float(numbers[0 if numbers.size == 1 else -2]), float(numbers[-1]))
            return length_in_um(sizes, "µm" if name.endswith("um") else unit, origin)
    return None


def _first_word(value: Any) -> str:
    words = np.asarray(value).ravel()
    return as_text(words[0]) if words.size else ""


def _element_group(path: Path, arrays: Sequence[StoredArray]) -> list[StoredArray]:
    """The arrays of the group that names the most elements, if they have its usual shape."""
    groups: dict[str, list[StoredArray]] = defaultdict(list)
    for array in arrays:
        groups[array.group].append(array)
    best: list[StoredArray] = []
    most = 0
    for members in groups.values():
        parsed = parse_names([array.basename for array in members])
        count = len({entry.label for entry in parsed if entry.role == "element"})
        if count > most:
            most, best = count, members
    shapes = [array.shape for array in best]
    common = max(set(shapes), key=shapes.count, default=())
    parsed = parse_names([array.basename for array in best])
    odd = [
        f"{array.basename} {sizes(array.shape)}"
        for array, entry in zip(best, parsed, strict=True)
        if entry.role == "element" and array.shape != common
    ]
    if odd:
        raise InputError(
            f"The element maps of {path.name} differ in shape: most have "
            f"{sizes(common)} pixels, but {listed(odd)}."
        )
    return [array for array in best if array.shape == common]


def _as_numbers(array: StoredArray) -> StoredArray:
    """True and False as 1 and 0, because maps are computed with."""
    if array.dtype.kind != "b":
        return array
    read = array.read
    return replace(
        array, dtype=np.dtype(np.uint8), read=lambda: np.asarray(read()).astype(np.uint8)
    )


def _single_plane(container: Container, array: StoredArray, page: int | None) -> Plane:
    array.check()
    array = _as_numbers(array)
    shape = (int(array.shape[0]), int(array.shape[1]))
    dtype = array.dtype.newbyteorder("=")
    plane = Plane(
        container.path, shape, dtype, array.read, array.basename, page, container.pixel_size
    )
    return with_steps(plane, *array.steps)
