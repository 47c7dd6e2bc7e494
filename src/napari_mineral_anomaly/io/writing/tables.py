"""CSV: every pixel of a map with its place, and the table of grains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.spreadsheets import PLAIN, Dialect
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.io.writing.tiff import PixelSize, visible

# A few hundred thousand lines at a time: 40 columns of them are about 100 MB as text.
_BLOCK_PIXELS = 250_000

PLACE_COLUMNS = ("row", "column", "y_um", "x_um")


def write_pixels(
    path: str | Path,
    planes: Any,
    names: Sequence[str],
    pixel_size: PixelSize,
    *,
    dialect: Dialect = PLAIN,
    before_block: Callable[[float], None] | None = None,
) -> Path:
    """Write maps as a table: a line per pixel, a column per map.

    The first columns are ``row`` and ``column`` from 0 and, with a pixel size, ``y_um`` and
    ``x_um`` of the pixel's centre, counted from the centre of the first pixel, y downwards. Numbers
    have the digits that give them back exactly; missing values are empty.

    Parameters
    ----------
    path : path
        Replaced once the new file is complete.
    planes : (C, H, W), numpy or lazy
        Read in blocks of rows.
    names : C names of columns
    pixel_size : (y, x) in µm, or None when unknown
    dialect : Dialect
    before_block : callable, optional
        Called with the share that is done before each block; may raise to stop.

    Raises
    ------
    InputError
        When a name is that of a column of places, or the file cannot be written.
    """
    count, height, width = (int(n) for n in planes.shape)
    columns = [visible(name) for name in names]
    if len(columns) != count or set(columns) & set(PLACE_COLUMNS):
        raise InputError(
            f"{Path(path).name}: a table needs one name per map, and none may be called "
            f"{', '.join(PLACE_COLUMNS)}."
        )
    step = max(1, _BLOCK_PIXELS // width)
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding=dialect.encoding, newline="") as file,
    ):
        file.write(dialect.heading([*_places(slice(0, 0), width, pixel_size), *columns]))
        for start in range(0, height, step):
            if before_block is not None:
                before_block(start / height)
            rows = slice(start, min(start + step, height))
            table = _places(rows, width, pixel_size)
            block = np.asarray(planes[:, rows, :])
            for c, name in enumerate(columns):
                table[name] = block[c].reshape(-1).astype(block.dtype.newbyteorder("="))
            frame = pd.DataFrame(table)
            if dialect == PLAIN:  # numbers alone: pandas writes the same lines, faster
                frame.to_csv(file, index=False, header=False, lineterminator="\n")
            else:
                file.writelines(dialect.lines(frame, is_exact=True))
    return Path(path)


def _places(rows: slice, width: int, pixel_size: PixelSize) -> dict[str, Any]:
    row = np.repeat(np.arange(rows.start, rows.stop), width)
    column = np.tile(np.arange(width), rows.stop - rows.start)
    if pixel_size is None:
        return {"row": row, "column": column}
    y, x = pixel_size
    # Twelve digits: 3 x 0.1 is 0.3, and no µm is lost.
    return {
        "row": row,
        "column": column,
        "y_um": np.round(row * y, 12),
        "x_um": np.round(column * x, 12),
    }


def write_grains(path: str | Path, grains: pd.DataFrame, dialect: Dialect = PLAIN) -> Path:
    """Write the table of grains, with two columns for maps at the end.

    ``map_x_um`` and ``map_y_um`` are the centroid where the world files put it, y upwards: given
    to QGIS as X and Y fields, the grains lie on the maps. Empty without a pixel size.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    table = grains.assign(
        map_x_um=grains["centroid_x_um"],
        # 0.0 - y, because -y would write -0.0 for the first row.
        map_y_um=0.0 - grains["centroid_y_um"].astype(float),
    )
    return write_table(path, table, dialect)


def write_table(path: str | Path, table: pd.DataFrame, dialect: Dialect = PLAIN) -> Path:
    """Write any table in a dialect; numbers as `spreadsheets.short_number` gives them.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding=dialect.encoding, newline="") as file,
    ):
        file.write(dialect.heading(map(str, table.columns)))
        file.writelines(dialect.lines(table))
    return Path(path)
