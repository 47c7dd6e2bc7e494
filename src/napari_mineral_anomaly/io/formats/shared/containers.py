"""Which arrays of a file with several named arrays (HDF5, npz, Zarr) are the element maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import (
    MOST_UNNAMED_CHANNELS,
    ChannelAxis,
    Channels,
    channel_axis,
)
from napari_mineral_anomaly.io.formats.shared.groups import element_group, picture_words
from napari_mineral_anomaly.io.formats.shared.lengths import (
    is_length,
    length_in_um,
    no_scan_has,
    size_words,
)
from napari_mineral_anomaly.io.formats.shared.named_axes import Order
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Opened,
    Plane,
    SpectraInside,
    numbered_planes,
)
from napari_mineral_anomaly.io.formats.shared.steps import MissingWhere, Step, with_steps
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.words import listed, sizes

NAME_LISTS = (
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
    order : Order or None
        Where the file names the axes: their order. ``shape`` and ``read`` already follow it.
    names : tuple of str
        Of the channels, where the file keeps them as the positions of that axis.
    quantity : str or None
        What the numbers are, where the file says so.
    mask : StoredArray or None
        An array of the same shape that is true where a number is missing.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]
    check: Callable[[], object] = lambda: None
    steps: tuple[Step, ...] = ()
    order: Order | None = None
    names: tuple[str, ...] = ()
    quantity: Quantity | None = None
    mask: StoredArray | None = None

    @property
    def group(self) -> str:
        """Path of the group it lies in."""
        return self.name.rpartition("/")[0]

    @property
    def basename(self) -> str:
        """Its name in the group."""
        return self.name.rpartition("/")[2]

    @property
    def is_series(self) -> bool:
        """Whether the file says that the planes are times, depths or the like, not elements."""
        return self.order is not None and self.order.roles == "oyx"

    @property
    def picture(self) -> str:
        """What it is, if it looks like a picture and no map: "a colour picture"; else ""."""
        is_named = bool(self.names) or (self.order is not None and self.order.roles == "cyx")
        return "" if is_named else picture_words(self.basename, self.shape, self.dtype)


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
    others : mapping of str to str
        What else is there, by its path: "a table with columns", "a link to other.h5".
    words, notes : tuple of str
        How the file was understood, and warnings, for the report.
    channels : {"first", "last"} or None
        Which axis of a stack counts the channels, where the user says so.
    size_note : str
        Why a declared pixel size is not used.
    """

    path: Path
    arrays: Sequence[StoredArray]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pixel_size: FilePixelSize | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    channels: Channels | None = None
    size_note: str = ""

    def below(self, dataset: str) -> Container:
        """Only the arrays at or below a path.

        Raises
        ------
        InputError
            When there is none.
        """
        name = dataset.strip("/")
        arrays = [a for a in self.arrays if a.name == name or a.name.startswith(f"{name}/")]
        if name in self.others:
            raise InputError(
                f"{self.path.name}: {name} is {self.others[name]}; name an array of numbers, or "
                "open the file that holds it."
            )
        if name and not arrays:
            raise InputError(
                f"{self.path.name} has no dataset {dataset}; its arrays are {self.contents()}."
            )
        return replace(self, arrays=arrays or self.arrays)

    def contents(self) -> str:
        """The arrays with their shapes, in words."""
        words = [f"{a.name} ({_words(a)})" for a in self.arrays]
        words += [f"{name} ({what})" for name, what in self.others.items()]
        return listed(words, shown=8) or "none"


def maps_in(container: Container) -> Opened:
    """The element maps among the arrays of a container, or that it holds spectra.

    In this order: two-dimensional arrays of one group that are named by elements; a stack with a
    list of names of its length; the only stack of which the names of its axes, or `channel_axis`,
    say that it holds element maps. Where every stack holds spectra, the answer is `SpectraInside`.
    Colour pictures, previews and masks are never taken for maps.

    Raises
    ------
    InputError
        When there is no map, or when several stacks could be meant.
    """
    arrays = [array for array in container.arrays if 0 not in array.shape]
    if len(arrays) > 1:
        arrays = [array for array in arrays if not array.picture]
    found = element_group(container.path, [array for array in arrays if len(array.shape) == 2])
    if found.arrays:
        planes = (single_plane(container, a, i) for i, a in enumerate(found.arrays, start=1))
        file = map_file(container, tuple(planes), found.arrays, found.notes)
        return file if file.quantity else replace(file, quantity=found.quantity)
    stacks = [array for array in arrays if len(array.shape) == 3]
    stacks = [stack for stack in stacks if not stack.is_series or names_of(container, stack)]
    named = [(stack, names) for stack in stacks if (names := names_of(container, stack))]
    if len(named) == 1:
        return open_stack(container, *named[0])
    few = [stack for stack in stacks if _holds_maps(stack, container.channels)]
    deeper = [array for array in arrays if len(array.shape) > 3]
    if len(few) == 1 and not named and not _is_beside(few[0], deeper):
        return open_stack(container, few[0], ())
    if stacks and not few and not named:
        return SpectraInside(container.path, stacks[0].name if len(stacks) == 1 else None)
    if len(stacks) > 1:
        raise InputError(
            f"{container.path.name} holds several stacks of maps "
            f"({listed([stack.name for stack in stacks], shown=6)}): name the one to read, "
            f'as "{container.path.name}::/{stacks[0].name}".'
        )
    if len(arrays) == 1 and len(arrays[0].shape) == 2:
        plane = single_plane(container, arrays[0], None)
        return map_file(container, (plane,), arrays, ())
    raise InputError(
        f"{container.path.name} holds no element maps: a stack (elements, rows, columns) or maps "
        f"named by their elements are needed, its arrays are {container.contents()}."
    )


def open_stack(container: Container, stack: StoredArray, names: Sequence[str]) -> Opened:
    """The planes of a three-dimensional array, named or not, or that it holds spectra.

    Raises
    ------
    InputError
        For a picture, or when the user names an axis that the list of names does not fit.
    """
    if not names and stack.picture:
        raise InputError(
            f"{container.path.name} holds no element maps: {stack.name} ({sizes(stack.shape)}) "
            f"looks like {stack.picture}."
        )
    if not names and stack.is_series:
        raise InputError(
            f"{container.path.name} holds no element maps: {stack.name} ({_words(stack)})."
        )
    axis = named_axis(stack, len(names))
    is_named = axis is not None
    axis = axis or channel_axis(stack.shape, len(names), container.channels)
    if axis is None and names and container.channels is not None:
        raise InputError(
            f"{container.path.name} holds {len(names)} names for its stack of "
            f"{sizes(stack.shape)}: the {container.channels} axis cannot count the channels, leave "
            "out --channels."
        )
    if axis is None or axis.is_energy:
        return SpectraInside(container.path, stack.name)
    notes = [axis.note(stack.shape), *([] if names else unused_names(container, stack))]
    planes = stack_planes(container, stack, axis.index, names)
    file = map_file(container, planes, [stack], tuple(filter(None, notes)))
    steps = () if is_named else (axis.words(stack.shape),)
    return replace(file, steps=(*file.steps, *steps))


def _words(array: StoredArray) -> str:
    words = sizes(array.shape) or "one value"
    if array.is_series and array.order is not None:
        return f"{words}, {array.order.words[0]}"
    return f"{words}, {array.picture}" if array.picture else words


def map_file(
    container: Container,
    planes: tuple[Plane, ...],
    arrays: Sequence[StoredArray],
    notes: tuple[str, ...] = (),
) -> MapFile:
    """The file, with what is known of the arrays that are read."""
    orders = [array.order for array in arrays if array.order is not None]
    said = [*container.notes, *notes, *(note for order in orders for note in order.notes)]
    words = [*container.words, *(word for order in orders for word in order.words)]
    quantities = {array.quantity for array in arrays}
    return MapFile(
        container.path,
        planes,
        notes=tuple(dict.fromkeys(said)),
        quantity=quantities.pop() if len(quantities) == 1 else None,
        steps=tuple(dict.fromkeys(words)),
    )


def stack_planes(
    container: Container, stack: StoredArray, axis: int, names: Sequence[str]
) -> tuple[Plane, ...]:
    """The planes along one axis of a three-dimensional array; ``names`` may be empty."""
    stack.check()
    whole = cache(stack.read)

    def read(index: int) -> NDArray[Any]:
        return np.asarray(np.take(whole(), index, axis=axis))

    shape = [size for i, size in enumerate(stack.shape) if i != axis]
    size = _size_of(container, stack)
    planes = numbered_planes(
        container.path, shape, stack.dtype, stack.shape[axis], read, names, size
    )
    masks = _masks(stack, axis)
    return tuple(
        with_steps(replace(plane, size_note=container.size_note), *masks[i : i + 1], *stack.steps)
        for i, plane in enumerate(planes)
    )


def _masks(stack: StoredArray, axis: int) -> list[MissingWhere]:
    """The mask of each plane along an axis; none without a mask."""
    if stack.mask is None:
        return []
    whole = cache(stack.mask.read)

    def of_plane(index: int) -> NDArray[np.bool_]:
        return np.asarray(np.take(whole(), index, axis=axis), dtype=bool)

    source = f"the array {stack.mask.name} in the file"
    return [MissingWhere(partial(of_plane, i), source) for i in range(stack.shape[axis])]


def _size_of(container: Container, array: StoredArray) -> FilePixelSize | None:
    own = array.order.pixel_size if array.order is not None else None
    return own or container.pixel_size


def named_axis(stack: StoredArray, n_names: int) -> ChannelAxis | None:
    """The axis of the channels, where the file names the axes."""
    roles = stack.order.roles if stack.order is not None else ""
    if roles in ("cyx", "yxe"):
        return ChannelAxis(0 if roles == "cyx" else 2, is_energy=roles == "yxe")
    if roles == "oyx" and n_names:
        return ChannelAxis(0, is_energy=False)
    if roles == "?yx":
        return ChannelAxis(0, is_energy=not n_names and stack.shape[0] > MOST_UNNAMED_CHANNELS)
    return None


def _holds_maps(stack: StoredArray, channels: Channels | None) -> bool:
    axis = named_axis(stack, 0) or channel_axis(stack.shape, 0, channels)
    return axis is not None and not axis.is_energy


def _is_beside(stack: StoredArray, deeper: Sequence[StoredArray]) -> bool:
    """Whether a stack without names only accompanies a larger array that is not read."""
    return any(math.prod(array.shape) > math.prod(stack.shape) for array in deeper)


def names_beside(
    container: Container, stack: StoredArray, axes: Sequence[int] = (0, 2)
) -> tuple[str, ...]:
    """The list of names in the group of a stack that has the length of one of some axes.

    Where the file names the axes, the list must have the length of the axis of the channels.
    """
    if stack.names:
        return stack.names
    if stack.order is not None and "e" in stack.order.roles:
        return ()
    lengths = {stack.shape[axis] for axis in (axes if stack.order is None else (0,))}
    for names in _lists_beside(container, stack).values():
        if len(names) in lengths and len(set(names)) == len(names):
            return names
    return ()


def names_of(container: Container, stack: StoredArray) -> tuple[str, ...]:
    """The list of names of a stack; it may count the middle axis, where it fits no other."""
    return names_beside(container, stack) or names_beside(container, stack, axes=(1,))


def _lists_beside(container: Container, stack: StoredArray) -> dict[str, tuple[str, ...]]:
    """The lists of names of a stack by their path, in the order of preference.

    They are in its group, or below its own path where they are an attribute of it.
    """
    beside = {
        path.rpartition("/")[2].casefold(): (path, names)
        for path, names in container.texts.items()
        if path.rpartition("/")[0] in (stack.group, stack.name)
    }
    return dict(beside[wanted] for wanted in NAME_LISTS if wanted in beside)


def unused_names(container: Container, stack: StoredArray) -> list[str]:
    """A note on each list of names that does not name the channels of a stack."""
    notes = []
    for path, names in _lists_beside(container, stack).items():
        fits = len(names) in stack.shape
        why = "are not all different" if fits else f"fit no axis of {sizes(stack.shape)}"
        notes.append(f"the list {path} is not used: its {len(names)} names {why}")
    return notes


def stored_pixel_size(values: Mapping[str, Any], origin: str) -> tuple[FilePixelSize | None, str]:
    """A pixel size from attributes or single numbers called ``pixel_size_um`` and so on.

    With it a note, where a size is declared that no scan has.

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
            unit = "µm" if name.endswith("um") else unit
            size = length_in_um(sizes, unit, origin)
            if size is not None:
                return size, ""
            return None, no_scan_has(f"{size_words(sizes)} {unit}", f"the {origin} says")
    return None, ""


def _first_word(value: Any) -> str:
    words = np.asarray(value).ravel()
    return as_text(words[0]) if words.size else ""


def single_plane(container: Container, array: StoredArray, page: int | None) -> Plane:
    """A two-dimensional array as a plane; ``page`` is its number among several."""
    array.check()
    shape = (int(array.shape[0]), int(array.shape[1]))
    dtype = array.dtype.newbyteorder("=")
    plane = Plane(
        container.path, shape, dtype, array.read, array.basename, page, _size_of(container, array)
    )
    return with_steps(replace(plane, size_note=container.size_note), *array.steps)
