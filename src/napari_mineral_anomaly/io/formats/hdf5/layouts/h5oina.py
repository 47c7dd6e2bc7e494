"""Oxford Instruments AZtec (`.h5oina`): maps of EDS as lists of pixels, with the size in a header.

H5OINA specification, versions 1 to 8 (github.com/oinanoanalysis/h5oina): SLICE/EDS/Data/KIND/NAME
holds one number per pixel, row by row; SLICE/EDS/Header has "X Cells", "Y Cells", and "X Step" and
"Y Step" in µm. Pixels outside the acquired area are NaN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.containers import Container, StoredArray
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um, no_scan_has, size_words
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.words import sizes

_MAP = re.compile(r"(?P<technique>[^/]+/EDS\d*)/Data/(?P<kind>[^/]+)/[^/]+")
_CELLS, _STEPS = ("Y Cells", "X Cells"), ("Y Step", "X Step")
_QUANTITIES: dict[str, Quantity] = {
    "Window Integral": "counts",
    "Peak Area": "counts",
    "Composition": "concentration",
}


def arranged(container: Container) -> Container:
    """The container with its EDS maps as rows and columns; unchanged in other files.

    Raises
    ------
    InputError
        When a map has not the size of its header, or is a line.
    """
    arrays = {array.name: array for array in container.arrays}
    found = {name: match for name in arrays if (match := _MAP.fullmatch(name))}
    techniques = dict.fromkeys(match["technique"] for match in found.values())
    headers = {
        name: (_numbers(arrays, name, _CELLS), _numbers(arrays, name, _STEPS))
        for name in techniques
    }
    if not found or any(cells is None for cells, _ in headers.values()):
        return container
    maps: list[StoredArray] = []
    size: FilePixelSize | None = None
    note = ""
    for name, match in found.items():
        cells, steps = headers[match["technique"]]
        assert cells is not None
        shape = (int(cells[0]), int(cells[1]))
        maps.append(_map(container, arrays[name], shape, match["kind"]))
        if steps is not None and size is None:
            size = length_in_um(steps, "µm", "header of AZtec")
            note = "" if size else no_scan_has(f"{size_words(steps)} µm", "its header says")
    others = {name: "not a map of EDS" for name in arrays if name not in found}
    others |= {
        name: "spectra, which are not read from AZtec files: export the maps, too"
        for name in others
        if name.endswith("/Data/Spectrum")
    }
    return replace(
        container,
        arrays=maps,
        others={**container.others, **others},
        pixel_size=size,
        size_note=note,
        words=(*container.words, "the lists of pixels are read as rows and columns of its header"),
    )


def _map(
    container: Container, array: StoredArray, shape: tuple[int, int], kind: str
) -> StoredArray:
    file = container.path.name
    if min(shape) < 2:
        raise InputError(f"{file} holds a line of {max(shape)} points, not a map.")
    n = int(np.prod(array.shape))
    if n != shape[0] * shape[1]:
        raise InputError(
            f"{file} is damaged: {array.name} holds {n} values, its header says {sizes(shape)}; "
            "export it again from AZtec."
        )
    return replace(
        array,
        shape=shape,
        read=partial(_in_rows, array.read, shape),
        quantity=_QUANTITIES.get(kind),
        order=None,
    )


def _in_rows(read: Callable[[], NDArray[Any]], shape: tuple[int, int]) -> NDArray[Any]:
    return np.asarray(read()).reshape(shape)


def _numbers(
    arrays: Mapping[str, StoredArray], technique: str, names: tuple[str, str]
) -> tuple[float, float] | None:
    """Two numbers of a header; None where one is missing or no number."""
    found = [arrays.get(f"{technique}/Header/{name}") for name in names]
    values = []
    for array in found:
        if array is None or int(np.prod(array.shape)) != 1:
            return None
        values.append(float(np.ravel(array.read())[0]))
    return (values[0], values[1]) if np.isfinite(values).all() else None
