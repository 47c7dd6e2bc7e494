"""Files beside a TIFF for QGIS: the place of its pixels, their unit, and all planes of a stack.

Map units are µm, as in the table of grains. The origin is the centre of the first pixel (row 0,
column 0), x grows to the right. GIS maps grow upwards and scans downwards, so the fourth line, the
height of a pixel, is negative and the y of a map is minus the µm counted down the scan. (Esri's
convention, which GDAL follows: lines A, D, B, E, C, F; C and F belong to the centre of the upper
left pixel.)

GDAL takes the pages of a TIFF for separate images. So a stack gets a ``.vrt`` too, which lists its
pages as the bands of one image, with their names (GDAL: Virtual Format, raw bands).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import tifffile

from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.io.writing.tiff import visible

# A local coordinate system in WKT 1 (OGC 01-009).
MICROMETRES = (
    'LOCAL_CS["scan in micrometres",UNIT["micrometre",1e-06],AXIS["x",EAST],AXIS["y",NORTH]]'
)
_SRS = f"<SRS>{MICROMETRES}</SRS>"
# The file that GDAL calls PAM.
_UNIT_FILE = f"<PAMDataset>\n  {_SRS}\n</PAMDataset>\n"
_GDAL_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}


def world_files_of(tiff: str | Path, *, is_stack: bool = False) -> tuple[Path, ...]:
    """The files that `write_world_file` puts beside a TIFF."""
    path = Path(tiff)
    files = (world_file_of(path), path.with_name(f"{path.name}.aux.xml"))
    return (*files, band_file_of(path)) if is_stack else files


def world_file_of(tiff: str | Path) -> Path:
    """The world file that GDAL looks for: ``score.ome.tfw`` for ``score.ome.tif``."""
    return Path(tiff).with_suffix(".tfw")


def band_file_of(tiff: str | Path) -> Path:
    """The list of the bands of a stack: ``contributions.vrt`` for ``contributions.ome.tif``."""
    path = Path(tiff)
    return path.with_name(path.name.removesuffix(path.suffix).removesuffix(".ome") + ".vrt")


def write_world_file(
    tiff: str | Path, pixel_size: tuple[float, float], names: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """Write the world file of a TIFF, the file that names its unit and, for a stack, its bands.

    Parameters
    ----------
    tiff : path
        The TIFF, as `writing.tiff` writes it.
    pixel_size : (y, x) in µm
    names : one per page, optional
        For a stack.

    Returns
    -------
    tuple of Path
        `world_files_of` the TIFF.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    y, x = (float(size) for size in pixel_size)
    lines = (x, 0.0, 0.0, -y, 0.0, 0.0)
    files = world_files_of(tiff, is_stack=names is not None)
    with atomic_path(files[1]) as temporary:
        temporary.write_text(_UNIT_FILE, encoding="ascii", newline="\n")
    if names is not None:
        with atomic_path(files[2]) as temporary:
            text = _bands(Path(tiff), (y, x), names)
            temporary.write_text(text, encoding="utf-8", newline="\n")
    with atomic_path(files[0]) as temporary:
        text = "".join(f"{value!r}\n" for value in lines)
        temporary.write_text(text, encoding="ascii", newline="\r\n")
    return files


def _bands(tiff: Path, pixel_size: tuple[float, float], names: Sequence[str]) -> str:
    """The text of the ``.vrt``: where the numbers of each page lie in the file."""
    y, x = pixel_size
    with tifffile.TiffFile(tiff) as tif:
        pages = [page.aspage() for page in tif.pages]
        order = "LSB" if tif.byteorder == "<" else "MSB"
    first = pages[0]
    dtype, width = np.dtype(first.dtype), first.imagewidth
    n_bytes = dtype.itemsize
    bands = "".join(
        f"""  <VRTRasterBand dataType="{_GDAL_TYPES[dtype.name]}" band="{band}" """
        f"""subClass="VRTRawRasterBand">
    <Description>{escape(visible(name))}</Description>
    <SourceFilename relativeToVRT="1">{escape(tiff.name)}</SourceFilename>
    <ImageOffset>{page.dataoffsets[0]}</ImageOffset>
    <PixelOffset>{n_bytes}</PixelOffset>
    <LineOffset>{n_bytes * width}</LineOffset>
    <ByteOrder>{order}</ByteOrder>
  </VRTRasterBand>
"""
        for band, (page, name) in enumerate(zip(pages, names, strict=True), start=1)
    )
    return (
        f"""<VRTDataset rasterXSize="{width}" rasterYSize="{first.imagelength}">
  {_SRS}
  <GeoTransform>{-x / 2!r}, {x!r}, 0.0, {y / 2!r}, 0.0, {-y!r}</GeoTransform>
"""
        f"{bands}</VRTDataset>\n"
    )
