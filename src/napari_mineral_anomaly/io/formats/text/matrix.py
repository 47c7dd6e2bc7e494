"""Text matrices: one file per element, one line per row of the map, plain or gzipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, MapFile, Plane
from napari_mineral_anomaly.io.formats.shared.steps import Missing, applied, with_steps
from napari_mineral_anomaly.io.formats.text import esri
from napari_mineral_anomaly.io.formats.text.columns import Numbers, careful_numbers, plain_numbers
from napari_mineral_anomaly.io.formats.text.encoding import Text, read_text
from napari_mineral_anomaly.io.formats.text.frame import Frame, frame_of
from napari_mineral_anomaly.io.formats.text.labels import find_labels
from napari_mineral_anomaly.io.formats.text.separator import (
    commas_in_numbers,
    rows_of,
    separator_of,
    without_trailing_separators,
)
from napari_mineral_anomaly.io.formats.text.tables import table as tables
from napari_mineral_anomaly.io.formats.text.tables import three_columns
from napari_mineral_anomaly.io.formats.text.tables.coordinates import coordinate_names
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import listed

TITLE = "text matrix"
_SHOWN = 40
# The first words of text formats that are no matrices of ours, and what to do.
_OTHERS = {
    "DSAA": "a Surfer grid: save it as an ESRI ASCII grid or as XYZ data",
    "<?xml": "an XML file, not numbers: export the map as text or TIFF",
    "<!DOC": "a web page, not numbers: export the map as text or TIFF",
    "<html": "a web page, not numbers: export the map as text or TIFF",
}


@dataclass(frozen=True)
class Matrix:
    """The numbers (H, W) of a text, as stored, and how it was understood.

    Attributes
    ----------
    values : array (H, W) of float64
    missing : tuple of Missing
        What the header declares as missing.
    pixel_size : FilePixelSize or None
    notes, steps : tuple of str
        As in `MapFile`.
    """

    values: NDArray[np.float64]
    missing: tuple[Missing, ...] = ()
    pixel_size: FilePixelSize | None = None
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def open_maps(path: Path) -> MapFile:
    """Read a text matrix, or a long table (see `text.tables`).

    Raises
    ------
    InputError
        When the text is neither.
    """
    if tables.holds_grains(path) or tables.table_columns(path):
        return tables.open_maps(path)
    with explained(path, TITLE):
        return maps_of_text(path, read_text(path, TITLE))


def maps_of_text(path: Path, text: Text) -> MapFile:
    """The one map in the lines of a text.

    Raises
    ------
    InputError
    """
    with explained(path, TITLE):
        matrix = _read(path, text)
    values = in_smallest_dtype(matrix.values)
    plane = Plane(path, values.shape, values.dtype, lambda: values, pixel_size=matrix.pixel_size)
    return MapFile(
        path, (with_steps(plane, *matrix.missing),), notes=matrix.notes, steps=matrix.steps
    )


def read_matrix(path: Path) -> NDArray[np.float64]:
    """The numbers of a text matrix (H, W), for images beside the maps; missing ones are NaN.

    Raises
    ------
    InputError
    """
    with explained(path, TITLE):
        matrix = _read(path, read_text(path, TITLE))
    return np.asarray(applied(matrix.values, matrix.missing))


def _read(path: Path, text: Text) -> Matrix:
    """Read a matrix.

    Columns are separated by semicolon, tab, comma (with or without blanks) or blanks; separators
    at the end of the lines are dropped; lines of text may stand above and below the numbers. The
    signs for decimals and thousands are decided for the whole file (`numbers.style_of`). Missing
    values ("", nan, NA) become NaN. Numbers and positions in the first row and column are left out
    (`labels.find_labels`).
    """
    for word, kind in _OTHERS.items():
        if text.lines[0].lstrip().casefold().startswith(word.casefold()):
            raise InputError(f"{path.name} is {kind}.")
    if esri.header_of(text.lines):
        grid = esri.read_grid(path, text.lines)
        missing = () if grid.nodata is None else (Missing((grid.nodata,), "NODATA_value"),)
        return Matrix(grid.values, missing, None, grid.notes, (*text.steps, *grid.steps))
    if columns := tables.columns_in(text.lines):
        raise InputError(
            f"{path.name} is one long table with a row per pixel (columns "
            f"{listed(columns, shown=6)}), not one matrix of numbers."
        )
    separator = separator_of(text.lines)
    frame = frame_of(path.name, text, separator)
    if coordinates := coordinate_names(frame.names).all:
        others = [name for name in frame.names if name and name not in coordinates]
        raise InputError(
            f"{path.name} is a table with a row per pixel ({listed(coordinates)}), not a matrix; "
            "it needs rows of numbers below its heading and a column named by its element, it has "
            f"{listed(others)}."
        )
    if len(frame.names) == 2 and any(
        entry.role == "element" and len(entry.element or "") > 1
        for entry in parse_names(frame.names)
    ):
        raise InputError(
            f"{path.name} is a table without coordinates, not a matrix (columns "
            f"{listed(frame.names)}): it needs columns row and column, or X and Y."
        )
    if separator == "," and (line := commas_in_numbers(frame.body)):
        raise InputError(
            f"{path.name} is ambiguous: its commas seem to mark decimals as well as columns "
            f"({line[:_SHOWN]}); export it with a decimal point, or with semicolons between the "
            "columns."
        )
    body = without_trailing_separators(frame.body, separator)
    numbers = plain_numbers(body, separator) or _careful(path, body, frame, separator)
    if not numbers.values.size:
        raise InputError(f"{path.name} holds no numbers, only empty fields.")
    values, steps = numbers.values, (*text.steps, *numbers.steps(separator), *frame.steps)
    notes = (*numbers.notes, *numbers.doubts(separator))
    if (found := three_columns.as_map(path.name, values, bool(frame.names))) is not None:
        return Matrix(found.values, (), None, (*frame.notes, *notes, *found.notes), steps)
    labels = find_labels(values, frame.names, frame.above)
    if labels.columns and not labels.rows:
        inner = three_columns.as_map(path.name, values[:, 1:], bool(frame.names))
        if inner is not None:
            counted = ("the first of four columns numbers the rows and is left out",)
            return Matrix(
                inner.values, (), None, (*frame.notes, *notes, *inner.notes), steps + counted
            )
    return Matrix(
        values[labels.rows :, labels.columns :],
        (),
        labels.pixel_size,
        (*frame.notes, *notes, *labels.notes),
        (*steps, *labels.steps),
    )


def _careful(path: Path, body: Sequence[str], frame: Frame, separator: str | None) -> Numbers:
    """The same field by field, with a sentence that says where a line is wrong."""
    rows: list[list[str]] = []
    first, step = frame.first_line, frame.line_step
    for row, fields in enumerate(rows_of(body, separator)):
        fields = fields[1:] if frame.has_row_names else fields
        if rows and len(fields) != len(rows[0]):
            raise InputError(
                f"{path.name} is not a matrix: line {first + row * step} has {len(fields)} values, "
                f"the lines before have {len(rows[0])}."
            )
        rows.append(fields)

    def wrong(row: int, column: int, field: str) -> InputError:
        return InputError(
            f"{path.name} is not a matrix of numbers: line {first + row * step} holds "
            f"{field[:40]!r}."
        )

    return careful_numbers(path.name, list(zip(*rows, strict=True)), wrong, separator == ",")
