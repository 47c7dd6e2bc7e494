"""ESRI ASCII grids (``.asc``): the sizes stand above the numbers, one for each keyword.

The first line of numbers is the top row of the grid; numbers may be wrapped over lines (ESRI, "Esri
ASCII raster format").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.text.columns import careful_numbers

_KEY = re.compile(
    r"\s*(ncols|nrows|xll(?:corner|center|centre)|yll(?:corner|center|centre)|cellsize|dx|dy"
    r"|nodata(?:_value)?)[\s=:,;]+(\S+)\s*",
    re.IGNORECASE,
)
_MOST_KEYS = 10


@dataclass(frozen=True)
class EsriGrid:
    """The numbers (H, W) of a grid, the number for missing ones, and words for the report."""

    values: NDArray[np.float64]
    nodata: float | None
    notes: tuple[str, ...]
    steps: tuple[str, ...]


def header_of(lines: Sequence[str]) -> dict[str, str]:
    """The keywords above the numbers in lower case; {} for other text."""
    found: dict[str, str] = {}
    for line in lines[:_MOST_KEYS]:
        match = _KEY.fullmatch(line)
        if match is None:
            break
        found[match[1].lower()] = match[2]
    return found if {"ncols", "nrows"} <= found.keys() else {}


def read_grid(path: Path, lines: Sequence[str]) -> EsriGrid:
    """Read a grid.

    Raises
    ------
    InputError
        When the header holds no numbers or declares another number of values than there are.
    """
    header = header_of(lines)
    sizes = {key: _number(path, key, header[key]) for key in header}
    n_rows, n_columns = sizes["nrows"], sizes["ncols"]
    fields = " ".join(lines[len(header) :]).replace(";", " ").split()
    if n_rows * n_columns != len(fields) or n_rows < 1 or n_rows % 1:
        raise InputError(
            f"{path.name} is damaged: its header declares {n_rows:g} rows of {n_columns:g} values, "
            f"it holds {len(fields)} values."
        )
    notes: tuple[str, ...] = ()
    try:
        values = np.array(fields, dtype=np.float64)
    except ValueError:
        read = careful_numbers(
            path.name,
            [fields],
            lambda row, _, field: InputError(
                f"{path.name} is not a grid of numbers: its value {row + 1} is {field[:40]!r}."
            ),
        )
        values, notes = read.values[:, 0], read.notes
    step = sizes.get("cellsize", sizes.get("dx"))
    if step is not None and step != 1:
        down = sizes.get("dy", step)
        said = f"{step:g}" if down == step else f"{step:g} across and {down:g} down"
        notes += (
            f"its header names no unit for the size of a cell, so the pixel size is unknown: give "
            f"it in µm (the header says {said})",
        )
    nodata = sizes.get("nodata_value", sizes.get("nodata"))
    return EsriGrid(
        values.reshape(int(n_rows), int(n_columns)),
        nodata,
        notes,
        ("an ESRI grid: the first line below its header is the first row of the map",),
    )


def _number(path: Path, key: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InputError(
            f"{path.name} says {key} {text[:40]}: an ESRI grid needs a number there."
        ) from None
