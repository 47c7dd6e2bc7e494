"""numpy arrays: `.npy` with one map or a stack, `.npz` with arrays named by elements."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays import pewlib
from napari_mineral_anomaly.io.formats.arrays.numpy_files import (
    member,
    members,
    not_numbers,
    numbers_of,
    read_header,
    require_bytes,
    require_sound_archive,
)
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    maps_in,
    open_stack,
    stored_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Opened,
    Plane,
)
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.words import listed, sizes

TITLE = "numpy array"
_LONGEST_NAME_LIST = 100_000
_MASKS = ("mask", "masks")


def open_npy(path: Path, channels: Channels | None = None) -> Opened:
    """List the map or the maps in a `.npy`; pickled objects are never loaded.

    The file holds no names. Those of its elements come from a file beside it, ``scan.json`` (a
    list, or ``{"elements": [...], "pixel_size_um": 20}``) or ``scan.txt`` (a name per line) for
    ``scan.npy``; or they are the fields of a structured array.

    Parameters
    ----------
    path : Path
    channels : {"first", "last"}, optional
        Which axis of a stack counts the channels; default: `channel_axis`.

    Raises
    ------
    InputError
        When the file is damaged or holds something else than real numbers.
    """
    with explained(path, TITLE):
        return _npy(path, channels)


def open_npz(path: Path, dataset: str | None = None, channels: Channels | None = None) -> Opened:
    """List the maps in a `.npz`: a stack with a list ``elements``, or a map for each element.

    The maps may be the fields of a structured array, as pewlib writes them. A mask of the shape of
    the stack marks missing values, as in numpy's masked arrays.

    Raises
    ------
    InputError
        As `open_npy`.
    """
    with explained(path, TITLE):
        archive = _npz(path, channels)
        container = archive.container
        if dataset is not None:
            container = container.below(dataset)
        opened = maps_in(container)
    if not isinstance(opened, MapFile):
        return opened
    return replace(opened, notes=(*opened.notes, *archive.notes))


def _npy(path: Path, channels: Channels | None) -> Opened:
    with path.open("rb") as file:
        shape, columns_first, dtype = read_header(path, file)
        offset = file.tell()
    if dtype.hasobject or (dtype.names is None and dtype.kind not in "uifb"):
        raise not_numbers(path, dtype)
    require_bytes(path, shape, dtype, offset)
    if dtype.names is not None:
        arrays = _fields("", shape, dtype, partial(_whole, path))
        if not arrays:
            raise not_numbers(path, dtype)
        return maps_in(Container(path, arrays))
    numbers = numbers_of(path, shape, columns_first, dtype, offset)
    beside = _beside(path)
    names, pixel_size, origin = beside.names, beside.pixel_size, beside.file
    array = StoredArray("array", shape, dtype, partial(np.asarray, numbers))
    container = Container(
        path, [array], pixel_size=pixel_size, channels=channels, size_note=beside.size_note
    )
    steps = (f"names and sizes from {origin}",) if origin else ()
    if len(shape) == 2 and 0 not in shape:
        if channels is not None:
            raise InputError(f"{path.name} holds one map: leave out --channels.")
        name = names[0] if len(names) == 1 else ""
        native, read = dtype.newbyteorder("="), partial(np.asarray, numbers)
        plane = Plane(path, (shape[0], shape[1]), native, read, name, None, pixel_size)
        return MapFile(path, (replace(plane, size_note=beside.size_note),), steps=steps)
    if len(shape) != 3 or 0 in shape:
        raise InputError(
            f"{path.name} is no map and no stack of maps: its shape is "
            f"{sizes(shape) or 'one value'}."
        )
    if names and len(names) not in shape:
        raise InputError(
            f"The list of elements beside {path.name} has {len(names)} names, the array is "
            f"{sizes(shape)}."
        )
    opened = open_stack(container, array, names)
    if isinstance(opened, MapFile):
        return replace(opened, steps=(*opened.steps, *steps))
    return opened


@dataclass(frozen=True)
class _Archive:
    """What a `.npz` holds: its arrays, and notes."""

    container: Container
    notes: tuple[str, ...]


def _npz(path: Path, channels: Channels | None) -> _Archive:
    arrays: list[StoredArray] = []
    texts: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, NDArray[Any]] = {}
    size: FilePixelSize | None = None
    size_note = ""
    pickled: list[str] = []
    notes: list[str] = []
    with zipfile.ZipFile(path) as archive:
        require_sound_archive(path, archive)
        if broken := archive.testzip():
            raise InputError(f"{path.name} is damaged: its array {broken} does not unpack.")
        for name, shape, dtype in members(path, archive):
            read = partial(_member, path, name)
            if dtype.names is not None:
                arrays += _fields(name, shape, dtype, read)
                if name == pewlib.SETTINGS and pewlib.is_settings(dtype):
                    size = pewlib.pixel_size(read())
                elif name == pewlib.CALIBRATIONS:
                    notes += pewlib.calibration_notes(read())
            elif dtype.kind in "uifb":
                arrays.append(StoredArray(name, shape, dtype, read))
            elif dtype.kind in "US" and len(shape) == 1 and shape[0] < _LONGEST_NAME_LIST:
                texts[name] = tuple(as_text(word) for word in read())
            elif dtype.kind == "O":
                pickled.append(name)
            if dtype.kind in "uifUS" and 0 < math.prod(shape) <= 3:
                numbers[name] = read()
    if pickled and not any(len(array.shape) > 1 for array in arrays):
        raise InputError(
            f"{path.name} holds pickled Python objects ({listed(pickled)}), which are never "
            "loaded: save arrays of numbers with numpy.savez."
        )
    if size is None:
        size, size_note = stored_pixel_size(numbers, "pixel_size array")
    masks = [a for a in arrays if a.dtype.kind == "b" and a.basename.casefold() in _MASKS]
    others = [array for array in arrays if array not in masks]
    if others:
        arrays, mask_notes = _with_masks(others, masks)
        notes += mask_notes
    container = Container(path, arrays, texts, size, channels=channels, size_note=size_note)
    notes += [
        f"the array {name} is not used: it holds pickled Python objects, which are never loaded; "
        "save names as text (dtype str)"
        for name in pickled
    ]
    return _Archive(container, tuple(notes))


def _with_masks(
    arrays: Sequence[StoredArray], masks: Sequence[StoredArray]
) -> tuple[list[StoredArray], list[str]]:
    """The arrays with their masks, as of numpy's masked arrays; a note on other masks."""
    notes = []
    masked = list(arrays)
    for mask in masks:
        fitting = [i for i, array in enumerate(masked) if array.shape == mask.shape]
        if len(mask.shape) == 3 and len(fitting) == 1:
            masked[fitting[0]] = replace(masked[fitting[0]], mask=mask)
        elif len(mask.shape) > 1:
            notes.append(
                f"the array {mask.name} ({sizes(mask.shape)}) is not used: it does not say "
                "whether it marks missing pixels or the sample; save it as an image of the sample "
                "and name that with --valid"
            )
    return masked, notes


def _fields(
    name: str, shape: tuple[int, ...], dtype: np.dtype[Any], read: Callable[[], NDArray[Any]]
) -> list[StoredArray]:
    """The maps in the fields of a structured array of rows and columns."""
    if len(shape) != 2:
        return []
    return [
        StoredArray(f"{name}/{field}", shape, dtype[field], partial(_field, read, field))
        for field in dtype.names or ()
        if dtype[field].kind in "uifb"
    ]


def _field(read: Callable[[], NDArray[Any]], field: str) -> NDArray[Any]:
    return np.ascontiguousarray(read()[field])


def _whole(path: Path) -> NDArray[Any]:
    with explained(path, TITLE):
        return np.asarray(np.load(path, allow_pickle=False))


def _member(path: Path, name: str) -> NDArray[Any]:
    with explained(path, TITLE):
        return member(path, name)


@dataclass(frozen=True)
class _Sidecar:
    """What a file beside an array, with the same name, says of it; its name.

    ``size_note`` says why a pixel size in it is not used.
    """

    names: tuple[str, ...] = ()
    pixel_size: FilePixelSize | None = None
    file: str = ""
    size_note: str = ""


def _beside(path: Path) -> _Sidecar:
    """Names of the elements and pixel size from a file beside it with the same name."""
    sidecar = path.with_suffix(".json")
    if sidecar.is_file():
        try:
            content = json.loads(sidecar.read_text(encoding="utf-8-sig"))
        except ValueError:
            raise InputError(
                f"{sidecar.name} beside {path.name} is no JSON file in UTF-8: mend it or move it "
                "away."
            ) from None
        listing = content.get("elements", []) if isinstance(content, dict) else content
        if not isinstance(listing, list):
            raise InputError(f"{sidecar.name} names no list of elements for {path.name}.")
        attributes = content if isinstance(content, dict) else {}
        size, note = stored_pixel_size(
            {k: v for k, v in attributes.items() if isinstance(v, int | float | str | list)},
            f"pixel size in {sidecar.name}",
        )
        return _Sidecar(tuple(str(name) for name in listing), size, sidecar.name, note)
    sidecar = path.with_suffix(".txt")
    if sidecar.is_file():
        text = sidecar.read_text(encoding="utf-8-sig").replace(",", "\n")
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
        return _Sidecar(names, file=sidecar.name)
    return _Sidecar()
