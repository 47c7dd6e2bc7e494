"""ESRF data files (`.edf`): a map per file, or several images in one, as PyMca and fabio save them.

fabio reads the headers and unpacks the numbers. It fills a file that was cut short with zeros and
guesses what a header lacks, so both are checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import (
    collected_log,
    explained,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.extras import require_extra
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.words import sizes

TITLE = "an ESRF data file"
_TITLES = ("title", "name")
# fabio says so of every file that was not written at the ESRF.
_USUAL = ("mandatory keys", "missing in")


def open_maps(path: Path) -> MapFile:
    """List the images of a file; each is named by the `Title` in its header.

    Raises
    ------
    InputError
        When fabio is not installed, when the file is damaged or cut short, or when its header lacks
        the type or the order of the bytes.
    """
    require_extra(path, "fabio", "fabio", "edf")
    with explained(path, TITLE), collected_log("fabio") as log:
        _require_start(path)
        with _image(path) as image:
            count = int(image.nframes)
            described = [_described(path, image.get_frame(i), i, count) for i in range(count)]
            last = image.get_frame(count - 1)
            _require_end(path, int(last.start) + int(last.blobsize))
    told = [line for line in dict.fromkeys(log) if not any(word in line for word in _USUAL)]
    planes = tuple(
        Plane(path, shape, dtype, partial(_read, path, i), name, i + 1 if count > 1 else None)
        for i, (shape, dtype, name) in enumerate(described)
    )
    return MapFile(path, planes, notes=tuple(f"fabio says: {line[:160]}" for line in told))


def _require_start(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise InputError(f"{path.name} is empty (0 bytes).")
    if not head.lstrip(b"\r\n ").startswith(b"{"):
        raise InputError(f"{path.name} is no ESRF data file: its header does not begin with {{.")


def _require_end(path: Path, end: int) -> None:
    """Refuse what stands behind the last image: the header of one that was cut off."""
    with path.open("rb") as file:
        file.seek(end)
        rest = file.read(512)
    if rest.strip(b"\0\r\n\t "):
        raise InputError(
            f"{path.name} is cut short: behind its last whole image stand {len(rest)} bytes or "
            "more of another one; copy it again."
        )


@contextmanager
def _image(path: Path) -> Iterator[Any]:
    from fabio.edfimage import EdfImage

    try:
        image = EdfImage().read(str(path))
    except KeyError as error:
        raise InputError(
            f"{path.name}: its header lacks {error.args[0]}, so its numbers cannot be read; "
            "export it again."
        ) from None
    with image:
        yield image


def _described(
    path: Path, frame: Any, index: int, count: int
) -> tuple[tuple[int, int], np.dtype[Any], str]:
    """Shape, dtype and name of an image."""
    where = f"{path.name}, image {index + 1}" if count > 1 else path.name
    header: Mapping[str, str] = {str(k).casefold(): str(v) for k, v in frame.header.items()}
    missing = [key for key in ("Dim_1", "Dim_2", "DataType") if key.casefold() not in header]
    dtype = np.dtype(frame.dtype).newbyteorder("=")
    if dtype.itemsize > 1 and "byteorder" not in header:
        missing.append("ByteOrder")
    if missing:
        raise InputError(
            f"{where}: its header lacks {' and '.join(missing)}, so its numbers cannot be read; "
            "export it again."
        )
    shape = tuple(int(size) for size in frame.shape)
    if len(shape) != 2 or min(shape) < 1:
        raise InputError(f"{where} is no map: it holds {sizes(shape)} numbers.")
    declared = shape[0] * shape[1] * dtype.itemsize
    require_plausible(path, declared, path.stat().st_size)
    is_packed = header.get("compression", "none").strip().casefold() not in ("", "none", "raw")
    stored = declared if is_packed else int(frame.blobsize)
    if frame.incomplete_data or stored < declared:
        raise InputError(
            f"{where} is cut short: {sizes(shape)} numbers are {declared} bytes, the file holds "
            "fewer; copy it again."
        )
    name = next((header[key].strip() for key in _TITLES if header.get(key, "").strip()), "")
    return (shape[0], shape[1]), dtype, name


def _read(path: Path, index: int) -> NDArray[Any]:
    # What fabio logs was collected at the opening; here it would be printed.
    with explained(path, TITLE), collected_log("fabio"), _image(path) as image:
        values = np.asarray(image.get_frame(index).data)
    return values.astype(values.dtype.newbyteorder("="), copy=False)
