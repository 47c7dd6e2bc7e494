"""Outlines of grains as GeoJSON: for QuPath in pixels, for QGIS where the world files put the maps.

The text is that of RFC 7946: a FeatureCollection of Polygons and MultiPolygons, whose exteriors run
counterclockwise in their own axes. For QGIS there is a member ``crs`` too (GeoJSON 2008) with the
local coordinate system of the files beside the TIFFs: without it, GDAL takes any GeoJSON for
longitudes and latitudes. For QuPath, coordinates count pixels from the upper left corner of the
first pixel, y downwards, and properties hold ``objectType``, ``classification`` and
``measurements``, as QuPath writes them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.columns import COMMENT, DRIVER_COLUMNS, EDITED, STATUS
from napari_mineral_anomaly.grains.pixels.polygons import Polygon, mask_polygons
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.io.writing.world import MICROMETRES

Target = Literal["qupath", "qgis"]

_PIXELS = 'LOCAL_CS["scan in pixels",UNIT["pixel",1],AXIS["x",EAST],AXIS["y",NORTH]]'
# Red, green, blue in QuPath.
_COLOURS = {
    "accept": (46, 160, 67),
    "SEM-true": (46, 160, 67),
    "reject": (200, 60, 50),
    "SEM-false": (200, 60, 50),
    "undecided": (220, 170, 40),
}
_OTHER_COLOUR = (120, 120, 130)
_MEASURED = (
    "rank",
    "peak_score",
    "mean_score",
    "area_px",
    "area_um2",
    "equivalent_diameter_um",
    "sem_x_mm",
    "sem_y_mm",
)


def write_outlines(
    path: str | Path,
    table: pd.DataFrame,
    labels: NDArray[Any],
    target: Target,
    pixel_size: tuple[float, float] | None = None,
    *,
    title: str = "grains",
    before_grain: Callable[[float], None] | None = None,
) -> Path:
    """Write the outlines of grains, with what is known of each.

    Parameters
    ----------
    path : path
    table : DataFrame
        As `grains.table.find_grains` makes it. One feature per row, in this order.
    labels : (H, W)
        The pixels of the grains by their ids.
    target : {"qupath", "qgis"}
        "qgis" counts µm from the centre of the first pixel, y upwards, as the world files do;
        without a pixel size it counts pixels from the upper left corner, as QGIS then does with the
        TIFFs.
    pixel_size : (y, x) in µm, optional
    title : str
        Name of the layer.
    before_grain : callable, optional
        Called with the share that is done before each grain; may raise to stop.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    place = _in_qupath if target == "qupath" else _in_qgis(pixel_size)
    describe = _for_qupath if target == "qupath" else _for_qgis
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        head: dict[str, Any] = {"type": "FeatureCollection"}
        if target == "qgis":
            system = _PIXELS if pixel_size is None else MICROMETRES
            head |= {"name": title, "crs": {"type": "name", "properties": {"name": system}}}
        file.write(f'{json.dumps(head, ensure_ascii=False)[:-1]}, "features": [\n')
        for k, (row, polygons) in enumerate(_grains(table, labels)):
            if before_grain is not None:
                before_grain(k / len(table))
            # QuPath wants a UUID; the same grain of the same list gets the same one.
            own = uuid5(NAMESPACE_URL, f"{title}/{row['id']}") if target == "qupath" else row["id"]
            feature = {
                "type": "Feature",
                "id": str(own),
                "geometry": _geometry(polygons, place),
                "properties": describe(row),
            }
            text = json.dumps(feature, ensure_ascii=False, allow_nan=False)
            file.write(f"{',' if k else ''}{text}\n")
        file.write("]}\n")
    return Path(path)


_Place = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _grains(
    table: pd.DataFrame, labels: NDArray[Any]
) -> Iterator[tuple[dict[str, Any], list[Polygon]]]:
    for row in table.to_dict("records"):
        top, left = int(row["row_min"]), int(row["col_min"])
        window = labels[top : int(row["row_max"]) + 1, left : int(row["col_max"]) + 1]
        yield (
            {str(key): value for key, value in row.items()},
            mask_polygons(window == row["id"], offset=(top, left)),
        )


def _geometry(polygons: list[Polygon], place: _Place) -> dict[str, Any]:
    pieces = [
        [_ring(place(ring)) for ring in (polygon.exterior, *polygon.holes)] for polygon in polygons
    ]
    for piece in pieces:
        for number, ring in enumerate(piece):
            if (_area(ring) > 0) != (number == 0):
                ring.reverse()
    if len(pieces) == 1:
        return {"type": "Polygon", "coordinates": pieces[0]}
    return {"type": "MultiPolygon", "coordinates": pieces}


def _ring(points: NDArray[np.float64]) -> list[list[float]]:
    return [[_short(x), _short(y)] for x, y in points.tolist()]


def _short(value: float) -> float:
    """A number without digits that mean nothing, and without a minus before zero."""
    return round(value, 9) + 0.0


def _area(ring: list[list[float]]) -> float:
    """Positive for a ring that runs counterclockwise in its own axes."""
    pairs = pairwise(ring)
    (x0, y0) = ring[0]
    return sum((a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0) for a, b in pairs)


def _in_qupath(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    return ring[:, ::-1] + 0.5


def _in_qgis(pixel_size: tuple[float, float] | None) -> _Place:
    if pixel_size is None:
        return lambda ring: (ring[:, ::-1] + 0.5) * (1.0, -1.0)
    size_y, size_x = pixel_size
    return lambda ring: ring[:, ::-1] * (size_x, -size_y)


def _for_qupath(row: dict[str, Any]) -> dict[str, Any]:
    status = str(row[STATUS])
    measured = {key: _number(row.get(key)) for key in _MEASURED}
    return {
        "objectType": "annotation",
        "name": f"Grain {row['id']}",
        "classification": {"name": status, "color": list(_COLOURS.get(status, _OTHER_COLOUR))},
        "isLocked": True,
        "measurements": {key: value for key, value in measured.items() if value is not None},
        "metadata": {
            "drivers": _drivers(row),
            "mineral": str(row["mineral_hint"]),
            "comment": str(row[COMMENT]),
            EDITED: str(row[EDITED]),
        },
    }


def _for_qgis(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": int(row["id"]),
        **{key: _number(row.get(key)) for key in _MEASURED},
        "drivers": _drivers(row),
        "mineral": str(row["mineral_hint"]),
        "flags": str(row["flags"]),
        STATUS: str(row[STATUS]),
        COMMENT: str(row[COMMENT]),
        EDITED: str(row[EDITED]),
    }


def _drivers(row: dict[str, Any]) -> str:
    return ", ".join(row[key] for key in DRIVER_COLUMNS if row[key])


def _number(value: Any) -> float | int | None:
    if isinstance(value, int | np.integer):
        return int(value)
    number = math.nan if value is None else float(value)
    return float(f"{number:.9g}") if math.isfinite(number) else None
