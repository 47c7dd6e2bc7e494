"""`read_maps`: from the files of one scan to an `ElementCube` with its report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.cube import ElementCube, Quantity
from napari_mineral_anomaly.elements import parse_names
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import mat, text, tiff
from napari_mineral_anomaly.io.images import read_image
from napari_mineral_anomaly.io.ingest import IngestReport, UsedMap
from napari_mineral_anomaly.io.pixel_size import merged_pixel_size
from napari_mineral_anomaly.io.planes import Plane, listed, pixels
from napari_mineral_anomaly.io.selection import select_maps
from napari_mineral_anomaly.io.source import Listing, Source, list_source
from napari_mineral_anomaly.io.statistics import cube_warnings, used_map
from napari_mineral_anomaly.progress import (
    CancelToken,
    ProgressCallback,
    ProgressEvent,
    check,
    emit,
)

_FILES_SHOWN = 3


def read_maps(
    source: Source,
    *,
    pixel_size: float | tuple[float, float] | None = None,
    valid: ArrayLike | str | Path | None = None,
    quantity: Quantity | None = None,
    sample: str | None = None,
    on_event: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> ElementCube:
    """Read the element maps of one scan.

    Parameters
    ----------
    source : path or sequence of paths
        A folder with one TIFF or text matrix per element, the files of such a folder, one
        TIFF stack whose pages are named by elements, or a `.mat` scene.
    pixel_size : float or (float, float), optional
        µm, or (y, x) in µm; overrules what the files say.
    valid : array (H, W) or path, optional
        The area that holds sample: an array, or an image that is non-zero there.
    quantity : {"counts", "concentration", "reflectance", "unknown"}, optional
        Default: decided from the data.
    sample : str, optional
        Which sample, where one folder holds several.
    on_event, cancel
        Progress callback (phases "opening" and "reading") and cancel token.

    Returns
    -------
    ElementCube
        ``maps`` (C, H, W) in one dtype that holds every file's numbers unchanged; ``report``
        says what was used, what was ignored and why.

    Raises
    ------
    InputError
        One sentence: which file, what is wrong, what to do.
    CancelledError
        When ``cancel`` was cancelled.
    """
    listing = list_source(source)
    selection = select_maps(listing, sample=sample, on_event=on_event, cancel=cancel)
    planes = selection.planes
    file_names = {plane.path: listing.name(plane.path) for plane in planes.values()}
    _require_one_shape(planes, file_names)
    shape = next(iter(planes.values())).shape
    # A cube without pixels checks what the user typed before minutes are spent on reading.
    typed = ElementCube(np.zeros((1, 1, 1)), ["check"], pixel_size=_pair(pixel_size)).pixel_size
    area = _valid_area(valid, shape)
    size, size_source, size_warnings = merged_pixel_size(list(planes.values()), typed, file_names)
    maps, used = _read_planes(planes, file_names, on_event, cancel)
    cube = ElementCube(
        maps,
        [item.element for item in used],
        pixel_size=size,
        valid=area,
        quantity=quantity if quantity is not None else selection.quantity,
        source=str(listing.root),
    )
    warnings = [*selection.warnings, *size_warnings, *cube_warnings(cube, used)]
    report = IngestReport(
        used=tuple(used),
        ignored=tuple(selection.ignored),
        pixel_size_um=size,
        pixel_size_source=size_source,
        warnings=tuple(warnings),
    )
    return cube.replace(report=report)


def can_read(source: Source) -> bool:
    """Whether `read_maps` has something to try: looks at names and headers only, never raises."""
    try:
        listing = list_source(source)
        if not listing.is_single:
            parsed = parse_names([file.name for file in listing.files if not mat.can_read(file)])
            return any(entry.role == "element" for entry in parsed) or _holds_one_stack(listing)
        if mat.can_read(listing.root):
            return True
        [entry] = parse_names([listing.root.name])
        if tiff.can_read(listing.root):
            n_planes = len(tiff.open_file(listing.root).planes)
            return n_planes > 1 or (n_planes == 1 and entry.role == "element")
        return entry.role == "element" and text.can_read(listing.root)
    except (InputError, OSError):
        return False


def _holds_one_stack(listing: Listing) -> bool:
    stacks = [file for file in listing.files if tiff.can_read(file)]
    return len(stacks) == 1 and len(tiff.open_file(stacks[0]).planes) > 1


def _pair(pixel_size: float | tuple[float, float] | None) -> list[float] | None:
    return None if pixel_size is None else [float(size) for size in np.atleast_1d(pixel_size)]


def _require_one_shape(planes: Mapping[str, Plane], file_names: Mapping[Path, str]) -> None:
    """Refuse maps of different shapes, the commonest shape first in the sentence."""
    by_shape: dict[tuple[int, int], list[str]] = defaultdict(list)
    for plane in planes.values():
        place = "" if plane.page is None else f" plane {plane.page}"
        by_shape[plane.shape].append(file_names[plane.path] + place)
    if len(by_shape) == 1:
        return
    ranked = sorted(by_shape.items(), key=lambda item: -len(item[1]))
    parts = [f"{pixels(shape)} ({listed(names, _FILES_SHOWN)})" for shape, names in ranked]
    hint = ""
    if ranked[1][0] == ranked[0][0][::-1]:
        hint = " (rows and columns swapped?)"
    raise InputError(
        f"The element maps differ in shape (rows x columns): {', '.join(parts)}{hint}; "
        "bring them onto one grid or move the odd ones out of the folder."
    )


def _valid_area(
    valid: ArrayLike | str | Path | None, shape: tuple[int, int]
) -> NDArray[np.bool_] | None:
    if valid is None:
        return None
    if isinstance(valid, (str, Path)):
        values, name = read_image(valid), Path(valid).name
    else:
        values, name = np.asarray(valid), "the given array"
    if values.shape != shape:
        got = "x".join(map(str, values.shape))
        raise InputError(
            f"The valid area does not fit: {name} has {got} pixels, "
            f"the element maps have {pixels(shape)}."
        )
    return np.asarray(np.nan_to_num(values) != 0)


def _read_planes(
    planes: dict[str, Plane],
    file_names: Mapping[Path, str],
    on_event: ProgressCallback | None,
    cancel: CancelToken | None,
) -> tuple[NDArray[Any], list[UsedMap]]:
    """Fill one array (C, H, W), plane by plane; ``planes`` is emptied to free text as it goes."""
    labels = list(planes)
    shape = planes[labels[0]].shape
    dtype = np.result_type(*(plane.dtype for plane in planes.values()))
    try:
        maps = np.empty((len(labels), *shape), dtype=dtype)
    except MemoryError:
        needed = len(labels) * shape[0] * shape[1] * dtype.itemsize / 1e9
        raise InputError(
            f"{len(labels)} maps of {pixels(shape)} pixels need {needed:.1f} GB of memory, which "
            "this computer cannot give; read fewer maps or a part of the scan."
        ) from None
    used = []
    for c, label in enumerate(labels):
        check(cancel)
        plane = planes.pop(label)
        file = file_names[plane.path]
        values = plane.read()
        if values.shape != plane.shape:
            raise InputError(
                f"{file} is damaged: it holds {'x'.join(map(str, values.shape))} values, "
                f"its header says {pixels(plane.shape)}."
            )
        maps[c] = values
        if dtype.kind == "f" and plane.dtype.kind in "ui" and plane.dtype.itemsize == 8:
            _require_unchanged(maps[c], values, file)
        used.append(used_map(values, file=file, element=label, page=plane.page, dtype=plane.dtype))
        emit(on_event, ProgressEvent("reading", c + 1, len(labels), file))
    return maps, used


def _require_unchanged(stored: NDArray[Any], values: NDArray[Any], file: str) -> None:
    """64-bit integers beside fractions need 53 bits at most."""
    if not np.array_equal(stored.astype(values.dtype), values):
        raise InputError(
            f"{file} holds whole numbers too large to stand beside maps with fractions; "
            "export all maps in one number format."
        )
