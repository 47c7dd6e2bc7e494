"""Checks that a TIFF is complete; tifffile reads the rest of a damaged file without an error.

A stack that was cut short is read as its first page, and tiles with a byte count of zero are read
as zeros. Both look like data. So the chain of pages is followed here before tifffile reads pixels.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import require_memory, require_plausible
from napari_mineral_anomaly.io.formats.shared.extras import MissingPackageError
from napari_mineral_anomaly.words import sizes

# Bytes per value of the TIFF field types (TIFF 6.0 section 2 and the BigTIFF extension).
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TYPE_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
# Private tags may hold anything and are not checked, except two that hold ImageJ's page labels.
_FIRST_PRIVATE_TAG = 32768
_IMAGEJ_TAGS = (50838, 50839)


def require_whole_structure(path: Path) -> int:
    """Follow the chain of pages of a TIFF to its end.

    Returns
    -------
    int
        Number of pages.

    Raises
    ------
    InputError
        When the file is empty, is no TIFF, or when a page or a tag lies beyond its end.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    with path.open("rb") as file:
        layout = _layout(file.read(16), path)
        pages = 0
        seen: set[int] = set()
        offset = layout.first_page
        while offset:
            if offset in seen:
                raise InputError(f"{path.name} is damaged: its chain of pages runs in a circle.")
            seen.add(offset)
            offset = _walk_page(file, offset, layout, size, path, pages)
            pages += 1
    if pages == 0:
        raise InputError(f"{path.name} is a TIFF without a single page.")
    return pages


class _Layout:
    """Field widths of classic TIFF or BigTIFF in the byte order of the file."""

    def __init__(self, order: str, big: bool, first_page: int) -> None:
        self.first_page = first_page
        self.count = struct.Struct(order + ("Q" if big else "H"))
        self.entry = struct.Struct(order + ("HHQQ" if big else "HHII"))
        self.offset = struct.Struct(order + ("Q" if big else "I"))


def _layout(head: bytes, path: Path) -> _Layout:
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise InputError(f"{path.name} is not a TIFF although its name says so.")
    if len(head) < 8:
        raise InputError(f"{path.name} is cut short: it holds {len(head)} bytes.")
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == 43 and len(head) == 16:
        return _Layout(order, True, struct.unpack(order + "Q", head[8:16])[0])
    if version == 42:
        return _Layout(order, False, struct.unpack(order + "I", head[4:8])[0])
    raise InputError(f"{path.name} is not a TIFF although its name says so.")


def _walk_page(
    file: BinaryIO, offset: int, layout: _Layout, size: int, path: Path, page: int
) -> int:
    """Check the tags of one page. Returns the offset of the next page, 0 after the last."""
    lost = InputError(
        f"{path.name} is cut short: page {page + 1} lies beyond the end of the file ({size} bytes)."
    )
    if offset + layout.count.size > size:
        raise lost
    file.seek(offset)
    head = file.read(layout.count.size)
    needed = layout.count.unpack(head)[0] * layout.entry.size + layout.offset.size
    if offset + len(head) + needed > size:
        raise lost
    body = file.read(needed)
    for tag, kind, count, value in layout.entry.iter_unpack(body[: -layout.offset.size]):
        n_bytes = _TYPE_SIZES.get(kind, 0) * count
        is_ours = tag < _FIRST_PRIVATE_TAG or tag in _IMAGEJ_TAGS
        if is_ours and n_bytes > layout.offset.size and value + n_bytes > size:
            raise InputError(
                f"{path.name} is cut short: the description of page {page + 1} lies beyond "
                f"the end of the file ({size} bytes)."
            )
    following: int = layout.offset.unpack(body[-layout.offset.size :])[0]
    return following


def require_whole_pixels(path: Path, page: Any, number: int, size: int) -> None:
    """Check that every strip or tile of a page is inside the file.

    Parameters
    ----------
    path : Path
    page : tifffile.TiffPage
    number : int
        Of the page, from 1, for the sentence.
    size : int
        Of the file in bytes.

    Raises
    ------
    InputError
    """
    offsets: Sequence[int] = page.dataoffsets
    counts: Sequence[int] = page.databytecounts
    expected = math.prod(page.chunked)
    if len(offsets) < expected or len(counts) < expected:
        raise InputError(
            f"{path.name} is damaged: page {number} has {min(len(offsets), len(counts))} "
            f"of its {expected} strips or tiles."
        )
    empty = sum(1 for start, count in zip(offsets, counts, strict=False) if not (start and count))
    if empty:
        raise InputError(
            f"{path.name} is damaged: {empty} of the {expected} strips or tiles of page {number} "
            "hold no bytes and would read as zeros."
        )
    end = max(start + count for start, count in zip(offsets, counts, strict=False))
    if end > size:
        raise InputError(
            f"{path.name} is cut short: page {number} needs {end} bytes, the file has {size}."
        )
    require_plausible(path, page.nbytes, sum(counts))
    if page.is_tiled:  # a tile is unpacked whole, also where the picture is smaller
        tile = page.tilelength * page.tilewidth * page.tiledepth * max(page.bitspersample // 8, 1)
        require_plausible(path, tile, max(counts))
    require_memory(path, page.nbytes, f"the pixels of page {number}")
    whole_bytes = page.bitspersample in (8, 16, 32, 64)
    if page.compression == 1 and whole_bytes and sum(counts) < page.nbytes:
        raise InputError(
            f"{path.name} is damaged: page {number} holds {sum(counts)} bytes, its size of "
            f"{page.imagelength}x{page.imagewidth} pixels needs {page.nbytes}."
        )


def require_declared_pages(path: Path, found: int, declared: int | None, says: str) -> None:
    """Refuse a stack that holds fewer planes than its own description declares."""
    if declared is not None and found < declared:
        raise InputError(
            f"{path.name} is cut short: its {says} declares {declared} planes, "
            f"{found} {'is' if found == 1 else 'are'} left."
        )


def require_numbers(path: Path, page: Any, number: int) -> None:
    """Refuse pages that are no planes of real numbers; ``number`` is that of the page, from 1."""
    if page.dtype is None or np.dtype(page.dtype).kind not in "uifb" or page.imagedepth > 1:
        raise InputError(
            f"{path.name} cannot be read: page {number} is not a plane of real numbers "
            f"({page.bitspersample} bits, {page.dtype or 'unknown sample format'})."
        )


def require_codec(path: Path, page: Any) -> None:
    """Refuse a compression that tifffile cannot decode by itself, and name the extra that can."""
    if page.compression == 1:
        return
    try:
        decode = tifffile.TIFF.DECOMPRESSORS[page.compression]
        tifffile.TIFF.UNPREDICTORS[page.predictor]
        if find_spec("imagecodecs") is None:
            _try(decode)
    except (KeyError, ImportError):
        name = getattr(page.compression, "name", str(page.compression))
        raise MissingPackageError(
            f"{path.name} is compressed ({name}), which needs one more package: "
            'pip install "napari-mineral-anomaly[codecs]", or save it without compression.'
        ) from None


def _try(decode: Callable[[bytes], object]) -> None:
    """Decode nothing: only then tifffile imports what newer Pythons bring (ImportError)."""
    try:
        decode(b"")
    except ImportError:
        raise
    except Exception:
        return  # what is empty is damaged for most codecs


def require_known_layout(path: Path, tif: tifffile.TiffFile) -> None:
    """Refuse files of microscopes whose pages are not the planes that they hold.

    Raises
    ------
    InputError
    """
    if tif.is_mdgel:
        raise InputError(
            f"{path.name} holds numbers in the scale of a gel scanner (Molecular Dynamics GEL): "
            "save it as an ordinary TIFF, for example in Fiji."
        )
    planes = int((tif.stk_metadata or {}).get("NumberPlanes", 1)) if tif.is_stk else 1
    if planes > 1:
        raise InputError(
            f"{path.name} is a MetaMorph stack ({planes} planes in one page): save it as an "
            "ordinary TIFF stack, for example in Fiji."
        )
    if not (tif.is_fluoview or tif.is_lsm or tif.is_scanimage):
        return
    series = tif.series[0]
    axes = [n for n, axis in zip(series.shape, series.axes, strict=True) if axis not in "YXS"]
    if sum(n > 1 for n in axes) > 1:
        raise InputError(
            f"{path.name} holds planes along several axes ({series.axes}: {sizes(series.shape)}): "
            "save a stack with one plane per element, for example in Fiji."
        )
