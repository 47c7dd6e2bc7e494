"""Tables of fiducials: what one types in a spreadsheet, and what a hand-over holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.fiducials import Fiducial, map_places, sem_places
from napari_mineral_anomaly.grains.sem.fit import SemFit
from napari_mineral_anomaly.io.spreadsheets import PLAIN, Dialect, number_in, read_cells
from napari_mineral_anomaly.io.writing.tables import write_table

PIXELS, MICROMETRES = ("map_x_px", "map_y_px"), ("map_x_um", "map_y_um")
READINGS = ("sem_x_mm", "sem_y_mm")


def read_fiducials(
    path: str | Path, pixel_size: tuple[float, float] | None = None
) -> tuple[Fiducial, ...]:
    """Read a table of fiducials.

    Parameters
    ----------
    path : path
        A CSV of any spreadsheet with the columns ``name`` (optional), ``sem_x_mm`` and
        ``sem_y_mm`` (empty where not read yet), and the place on the map: ``map_x_px`` and
        ``map_y_px``, or ``map_x_um`` and ``map_y_um`` with y counted down the map. Both count from
        the centre of the first pixel.
    pixel_size : (y, x) in µm, optional
        For places in µm.

    Raises
    ------
    InputError
        When the file cannot be read, or a number is missing; with the line.
    """
    path = Path(path)
    cells = read_cells(path, "table of fiducials", set(READINGS).issubset)
    has_pixels = set(PIXELS) <= set(cells.heading)
    place = PIXELS if has_pixels else MICROMETRES
    missing = [name for name in (*place, *READINGS) if name not in cells.heading]
    if missing:
        raise InputError(
            f"{path.name} lacks the column {', '.join(missing)}: a table of fiducials has "
            f"{', '.join(PIXELS)} (or {', '.join(MICROMETRES)}), {', '.join(READINGS)}."
        )
    if not has_pixels and pixel_size is None:
        raise InputError(
            f"{path.name} has places in µm, and the pixel size of the map is unknown: give "
            f"{', '.join(PIXELS)}."
        )
    size_y, size_x = (1.0, 1.0) if has_pixels or pixel_size is None else pixel_size
    found: list[Fiducial] = []
    for line, row in cells.rows:
        name = row.get("name", "").strip() or str(len(found) + 1)
        try:
            x, y = (number_in(row[key]) for key in place)
            sem_x, sem_y = (_reading(row.get(key, "")) for key in READINGS)
        except (KeyError, ValueError) as error:
            raise InputError(f"{path.name}, line {line}: cannot use {error}.") from None
        if name in {one.name for one in found}:
            raise InputError(f"{path.name}, line {line}: {name} is there twice.")
        found.append(Fiducial(name, y / size_y, x / size_x, sem_y, sem_x))
    return tuple(found)


def write_fiducials(path: str | Path, fit: SemFit, dialect: Dialect = PLAIN) -> Path:
    """Write the fiducials of a fit with their residuals; `read_fiducials` reads the table.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    return write_table(path, fit_table(fit), dialect)


def fit_table(fit: SemFit) -> pd.DataFrame:
    """The fiducials of a fit: name, places, readings, and how far the fit puts them from these."""
    places, readings = map_places(fit.fiducials), sem_places(fit.fiducials)
    return pd.DataFrame(
        {
            "name": [one.name for one in fit.fiducials],
            **{key: places[:, k] for k, key in enumerate(PIXELS)},
            **{key: readings[:, k] for k, key in enumerate(READINGS)},
            "residual_um": np.round(fit.residuals_um, 3),
            "transform": fit.model,
        }
    )


def _reading(cell: str) -> float | None:
    return number_in(cell) if cell.strip() else None
