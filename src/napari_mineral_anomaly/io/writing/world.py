"""World files: six lines beside a TIFF with the place of its pixels, for QGIS.

Map units are µm, as in the table of grains. The origin is the centre of the first pixel (row 0,
column 0), x grows to the right. GIS maps grow upwards and scans downwards, so the fourth line, the
height of a pixel, is negative and the y of a map is minus the µm counted down the scan. (Esri's
convention, which GDAL follows: lines A, D, B, E, C, F; C and F belong to the centre of the upper
left pixel.)
"""

from __future__ import annotations

from pathlib import Path

from napari_mineral_anomaly.io.writing.atomic import atomic_path

# A local coordinate system in WKT 1 (OGC 01-009), in the file that GDAL calls PAM.
_UNIT_FILE = """<PAMDataset>
  <SRS>LOCAL_CS["scan in micrometres",UNIT["micrometre",1e-06],AXIS["x",EAST],AXIS["y",NORTH]]</SRS>
</PAMDataset>
"""


def world_files_of(tiff: str | Path) -> tuple[Path, Path]:
    """The world file of a TIFF and the file beside it that names its unit."""
    path = Path(tiff)
    return world_file_of(path), path.with_name(f"{path.name}.aux.xml")


def world_file_of(tiff: str | Path) -> Path:
    """The world file that GDAL looks for: ``score.ome.tfw`` for ``score.ome.tif``."""
    return Path(tiff).with_suffix(".tfw")


def write_world_file(tiff: str | Path, pixel_size: tuple[float, float]) -> Path:
    """Write the world file of a TIFF, and the file that names its unit.

    Parameters
    ----------
    tiff : path
        The TIFF; not opened.
    pixel_size : (y, x) in µm

    Returns
    -------
    Path
        `world_file_of` the TIFF.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    y, x = (float(size) for size in pixel_size)
    lines = (x, 0.0, 0.0, -y, 0.0, 0.0)
    path, unit_file = world_files_of(tiff)
    with atomic_path(unit_file) as temporary:
        temporary.write_text(_UNIT_FILE, encoding="ascii", newline="\n")
    with atomic_path(path) as temporary:
        text = "".join(f"{value!r}\n" for value in lines)
        temporary.write_text(text, encoding="ascii", newline="\r\n")
    return path
