"""TIFF: one map per file, or a stack with one map per page (plain, ImageJ, OME)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.guards import collected_log, explained
from napari_mineral_anomaly.io.formats.shared.lengths import (
    imagej_pixel_size,
    ome_pixel_size,
    tiff_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Plane,
    numbered_planes,
)
from napari_mineral_anomaly.io.formats.tiff.check import (
    require_declared_pages,
    require_whole_pixels,
    require_whole_structure,
)
from napari_mineral_anomaly.io.formats.tiff.names import (
    OmeFacts,
    ome_facts,
    page_names,
    shaped_planes,
)

TITLE = "TIFF"
_COLOUR = (
    tifffile.PHOTOMETRIC.RGB,
    tifffile.PHOTOMETRIC.SEPARATED,
    tifffile.PHOTOMETRIC.YCBCR,
    tifffile.PHOTOMETRIC.CIELAB,
)
_PALETTE_NOTE = "the file has a colour table; its stored numbers are read, not the colours"
_WHITE_NOTE = "the file says that zero is white; its stored numbers are read as they are"


def open_maps(path: Path) -> MapFile:
    """Check a TIFF and list its planes; pixels are read later, plane by plane.

    Raises
    ------
    InputError
        When the file is damaged or holds something else than real numbers.
    """
    with explained(path, TITLE):
        n_pages = require_whole_structure(path)
    with (
        collected_log("tifffile") as log,
        explained(path, TITLE),
        tifffile.TiffFile(path) as tif,
    ):
        file = _described(path, tif, n_pages)
    complaints = tuple(f"tifffile says: {line}" for line in dict.fromkeys(log))
    return MapFile(path, file.planes, file.not_maps, file.notes + complaints)


def _described(path: Path, tif: tifffile.TiffFile, n_pages: int) -> MapFile:
    pages: list[Any] = list(tif.pages)
    ome = ome_facts(tif)
    if ome is not None and ome.n_files > 1:
        raise InputError(
            f"{path.name} is one of the {ome.n_files} files of an OME-TIFF: save the whole image "
            "as one file, for example in Fiji with File > Save As > OME-TIFF."
        )
    if ome is not None and ome.n_channels > 1 and ome.n_planes > ome.n_channels:
        raise InputError(
            f"{path.name} holds {ome.n_channels} channels at several depths or times "
            f"({ome.n_planes} planes): save the channels of one of them."
        )
    declared, says = _declared_planes(tif, ome)
    if n_pages == 1 and declared is not None and declared > 1:
        _require_unpaged_stack(path, tif, pages[0], declared, says)
    else:
        require_declared_pages(path, len(pages), declared, says)
    # Thumbnails and transparency masks are pages too.
    own = [i for i, page in enumerate(pages) if not (page.is_reduced or page.is_mask)] or [0]
    grey = [i for i in own if not _is_picture(pages[i])]
    if not grey:
        return MapFile(path, not_maps=_picture_kind(pages[own[0]]))
    for i in grey:
        require_whole_pixels(path, pages[i], i + 1, path.stat().st_size)
        _require_numbers(path, pages[i], i + 1)
        _require_codec(path, pages[i])
    notes = _notes(pages, own, grey)
    pixel_size, size_note = _pixel_size(tif, pages[grey[0]], ome)
    if size_note:
        notes.append(size_note)
    if n_pages == 1 and declared is not None and declared > 1:
        planes = _unpaged_planes(path, tif, pages[0], declared, ome, pixel_size)
    else:
        names = page_names(tif, pages, ome)
        planes = tuple(
            Plane(
                path,
                (int(pages[i].imagelength), int(pages[i].imagewidth)),
                np.dtype(pages[i].dtype).newbyteorder("="),
                partial(_read_page, path, i),
                names[i],
                i + 1 if len(grey) > 1 else None,
                pixel_size,
                _direct(path, pages[i], tif.byteorder),
            )
            for i in grey
        )
    return MapFile(path, planes, notes=tuple(notes))


def _declared_planes(tif: tifffile.TiffFile, ome: OmeFacts | None) -> tuple[int | None, str]:
    """The number of planes that the file declares, and the place where it does."""
    if tif.is_imagej:
        images = (tif.imagej_metadata or {}).get("images")
        return (int(images) if images else None), "ImageJ tag"
    if ome is not None:
        return ome.n_planes, "OME description"
    return shaped_planes(tif), "description"


def _require_unpaged_stack(
    path: Path, tif: tifffile.TiffFile, page: Any, declared: int, says: str
) -> None:
    """Accept a single page as a stack only if the numbers of all planes follow it in the file.

    ImageJ writes stacks above 4 GB in this form, and tifffile with ``truncate``.
    """
    needed = page.dataoffsets[0] + declared * page.nbytes if page.dataoffsets else 0
    if not page.is_contiguous or page.compression != 1 or needed > tif.filehandle.size:
        require_declared_pages(path, 1, declared, says)


def _unpaged_planes(
    path: Path,
    tif: tifffile.TiffFile,
    page: Any,
    declared: int,
    ome: OmeFacts | None,
    pixel_size: FilePixelSize | None,
) -> tuple[Plane, ...]:
    shape = (int(page.imagelength), int(page.imagewidth))
    stored = np.dtype(page.dtype).newbyteorder(tif.byteorder)
    names = page_names(tif, [page] * declared, ome)

    def read(index: int) -> NDArray[Any]:
        offset = page.dataoffsets[0] + index * page.nbytes
        with explained(path, TITLE):
            values = np.fromfile(path, dtype=stored, count=shape[0] * shape[1], offset=offset)
            return values.reshape(shape)

    return numbered_planes(path, shape, stored, declared, read, names, pixel_size)


def _is_picture(page: Any) -> bool:
    return page.photometric in _COLOUR or page.samplesperpixel > 1


def _picture_kind(page: Any) -> str:
    if page.photometric in _COLOUR:
        return "a colour picture, not counts"
    return f"an image with {page.samplesperpixel} values per pixel, not one map"


def _require_numbers(path: Path, page: Any, number: int) -> None:
    if page.dtype is None or np.dtype(page.dtype).kind not in "uifb" or page.imagedepth > 1:
        raise InputError(
            f"{path.name} cannot be read: page {number} is not a plane of real numbers "
            f"({page.bitspersample} bits, {page.dtype or 'unknown sample format'})."
        )


def _require_codec(path: Path, page: Any) -> None:
    """Refuse a compression that tifffile cannot decode by itself, and name the extra that can."""
    if page.compression == 1:
        return
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
        tifffile.TIFF.UNPREDICTORS[page.predictor]
    except KeyError:
        name = getattr(page.compression, "name", str(page.compression))
        raise InputError(
            f"{path.name} is compressed ({name}), which needs one more package: "
            'pip install "napari-mineral-anomaly[codecs]", or save it without compression.'
        ) from None


def _notes(pages: Sequence[Any], own: Sequence[int], grey: Sequence[int]) -> list[str]:
    notes = []
    if len(own) < len(pages):
        notes.append(f"{len(pages) - len(own)} reduced or mask pages are left out")
    if len(grey) < len(own):
        notes.append(f"{len(own) - len(grey)} colour pages are left out")
    photometrics = {pages[i].photometric for i in grey}
    if tifffile.PHOTOMETRIC.PALETTE in photometrics:
        notes.append(_PALETTE_NOTE)
    if tifffile.PHOTOMETRIC.MINISWHITE in photometrics:
        notes.append(_WHITE_NOTE)
    return notes


def _pixel_size(
    tif: tifffile.TiffFile, page: Any, ome: OmeFacts | None
) -> tuple[FilePixelSize | None, str]:
    if tif.is_imagej:
        return imagej_pixel_size(page, tif.imagej_metadata or {}), ""
    if ome is not None and (size := ome_pixel_size(ome.pixels)):
        return size, ""
    return tiff_pixel_size(page)


def _direct(path: Path, page: Any, order: str) -> Callable[[NDArray[Any]], None] | None:
    """A function that reads a page without tifffile, if its numbers are stored as they are."""
    dtype = np.dtype(page.dtype).newbyteorder(order)
    whole_bytes = page.bitspersample == 8 * dtype.itemsize
    if not (page.is_contiguous and page.compression == 1 and whole_bytes and dtype.isnative):
        return None
    if page.predictor != 1 or page.fillorder != 1 or page.samplesperpixel != 1:
        return None
    return partial(_read_into, path, page.dataoffsets[0])


def _read_into(path: Path, offset: int, place: NDArray[Any]) -> None:
    with explained(path, TITLE), path.open("rb") as file:
        file.seek(offset)
        got = file.readinto(place.reshape(-1).view(np.uint8).data)
    if got != place.nbytes:
        raise InputError(f"{path.name} is cut short: {got} of {place.nbytes} bytes are left.")


def _read_page(path: Path, index: int) -> NDArray[Any]:
    with collected_log("tifffile"), explained(path, TITLE), tifffile.TiffFile(path) as tif:
        values: NDArray[Any] = tif.pages[index].asarray()
    return values
