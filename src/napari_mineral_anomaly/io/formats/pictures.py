"""Grey pictures, a file for each element: PNG of 16 bits, and display values of 8 bits.

Pillow decodes them. Instrument programs save what is on the screen as JPEG or PNG: every map is
stretched on its own to 0 ... 255. Such numbers are read with a warning. Coloured pictures are no
maps.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import (
    explained,
    require_memory,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.shared.steps import (
    Missing,
    MissingWhere,
    Step,
    Turn,
    with_steps,
)

TITLE = "a picture"
COLOURED = "a colour picture, not counts"
DISPLAY_NOTE = (
    "THESE ARE DISPLAY VALUES, NOT COUNTS: a picture of 8 bits holds brightness from 0 to 255, "
    "which most programs stretch for every map on its own, so weak signals, ratios and sums of "
    "elements are lost; export the maps as TIFF or text with counts"
)
_LOSSY_NOTE = "the file is compressed with loss (JPEG), so neighbouring pixels are mixed"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 274
_GREY_16 = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def open_maps(path: Path) -> MapFile:
    """The map in a grey picture.

    Three equal channels count as grey. A level or pixels that the file declares as transparent are
    missing.

    Raises
    ------
    InputError
        When the file is damaged, holds several pictures, or 16 bits in colours or with transparent
        pixels, which Pillow would cut to 8 bits.
    """
    with explained(path, TITLE):
        _require_sound(path)
        with _opened(path) as picture:
            found = _grey(path, picture)
    if found is None:
        return MapFile(path, not_maps=COLOURED)
    plane = Plane(path, found.shape, found.dtype, partial(_values, path))
    notes = [DISPLAY_NOTE] if found.is_display else []
    notes += [_LOSSY_NOTE] if found.is_lossy else []
    return MapFile(
        path,
        (with_steps(plane, *found.steps),),
        notes=tuple(notes),
        quantity="unknown" if found.is_display else None,
    )


@dataclass(frozen=True)
class _Grey:
    """What a grey picture holds.

    Attributes
    ----------
    shape, dtype
    is_display : bool
        Whether it holds brightness of 8 bits or less.
    is_lossy : bool
    steps : tuple of Step
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    is_display: bool
    is_lossy: bool
    steps: tuple[Step, ...]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The picture. Opened by us: Pillow maps a file that it opens by name into memory."""
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open("rb") as file, Image.open(file) as picture:
            yield picture
    except UnidentifiedImageError:
        raise InputError(
            f"{path.name} is no picture, or a damaged one: export the map again, best as TIFF."
        ) from None


def _require_sound(path: Path) -> None:
    """Refuse a damaged picture, and one that Pillow would read as less than it holds."""
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    with path.open("rb") as file:
        head = file.read(26)
    if head.startswith(_PNG_MAGIC) and len(head) == 26:
        width, height, bits, colours = struct.unpack(">IIBB", head[16:26])
        require_plausible(path, width * height * bits // 8, size)
        if bits == 16 and colours != 0:
            kind = "with transparent pixels" if colours == 4 else "in colours"
            raise InputError(
                f"{path.name} is a picture of 16 bits {kind}, which is not read: save it as grey "
                "of 16 bits, or as TIFF."
            )
        with _opened(path) as picture:
            picture.verify()  # the check sums of all parts
    with _opened(path) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise InputError(f"{path.name} holds several pictures: save each map as its own file.")
        width, height = picture.size
        require_memory(path, width * height * 4, "its pixels")
        picture.load()


def _grey(path: Path, picture: Any) -> _Grey | None:
    """What is in a picture; None for colours."""
    values, opaque = _decoded(picture)
    if values is None:
        return None
    steps: list[Step] = []
    level = picture.info.get("transparency")
    if opaque is not None:
        steps.append(MissingWhere(partial(_transparent, path), "its transparent pixels"))
    elif isinstance(level, int) and picture.mode != "P":
        steps.append(Missing((float(level),), "the transparent level of the picture"))
    orientation = picture.getexif().get(_ORIENTATION, 1)
    if orientation in range(2, 9):
        steps.append(Turn(int(orientation), "the EXIF tag Orientation"))
    return _Grey(
        (int(values.shape[0]), int(values.shape[1])),
        values.dtype,
        is_display=values.dtype == np.uint8,
        is_lossy=picture.format == "JPEG",
        steps=tuple(steps),
    )


def _decoded(picture: Any) -> tuple[NDArray[Any] | None, NDArray[np.bool_] | None]:
    """The grey values (H, W), None for colours; and which pixels are opaque, where some are not."""
    if picture.mode in _GREY_16:
        values = np.asarray(picture)
        if values.dtype.kind == "i" and values.size and values.min() >= 0 and values.max() < 65536:
            values = values.astype(np.uint16)
        return values.astype(values.dtype.newbyteorder("=")), None
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L")), None
    if picture.mode in ("CMYK", "YCCK", "LAB", "HSV", "F"):
        return None, None
    pixels = np.asarray(picture.convert("RGBA"))
    opaque = pixels[..., 3] == 255
    seen = pixels[opaque]
    if not seen.size or not (seen[:, :3] == seen[:, :1]).all():
        return None, None
    return np.ascontiguousarray(pixels[..., 0]), None if opaque.all() else opaque


def _values(path: Path) -> NDArray[Any]:
    with explained(path, TITLE), _opened(path) as picture:
        values, _ = _decoded(picture)
    if values is None:
        raise InputError(f"{path.name} is {COLOURED}.")
    return values


def _transparent(path: Path) -> NDArray[np.bool_]:
    with explained(path, TITLE), _opened(path) as picture:
        _, opaque = _decoded(picture)
    if opaque is None:
        raise InputError(f"{path.name} was changed while it was read: open it again.")
    return ~opaque
