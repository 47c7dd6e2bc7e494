"""TIFF: one map per file, or a stack: a map per page (plain, ImageJ, OME) or per band (GeoTIFF)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import collected_log, explained
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.shared.steps import MissingWhere, with_steps
from napari_mineral_anomaly.io.formats.tiff.bands import Bands, Samples, page_values, samples_of
from napari_mineral_anomaly.io.formats.tiff.check import (
    require_codec,
    require_declared_pages,
    require_known_layout,
    require_numbers,
    require_whole_pixels,
    require_whole_structure,
)
from napari_mineral_anomaly.io.formats.tiff.gdal import GdalFacts, facts_of_pages
from napari_mineral_anomaly.io.formats.tiff.imagej import require_one_axis, value_unit
from napari_mineral_anomaly.io.formats.tiff.names import axes_note, page_names, shaped_planes
from napari_mineral_anomaly.io.formats.tiff.ome import (
    OmeFacts,
    ome_facts,
    ome_names,
    require_one_scan,
    require_one_stack,
)
from napari_mineral_anomaly.io.formats.tiff.page_steps import (
    mask_beside,
    mask_pages,
    page_steps,
    transparency,
)
from napari_mineral_anomaly.io.formats.tiff.pixel_size import (
    Answer,
    geotiff_pixel_size,
    geotiff_turns,
    imagej_pixel_size,
    ome_pixel_size,
    sem_pixel_size,
    tiff_pixel_size,
)
from napari_mineral_anomaly.scan.cube import Quantity

TITLE = "TIFF"
_PALETTE_NOTE = "the file has a colour table; its stored numbers are read, not the colours"
_WHITE_NOTE = "the file says that zero is white; its stored numbers are read as they are"
_LOSSY_NOTE = "the file is compressed with loss (JPEG); its numbers are not exact"
_LOSSY = ("OJPEG", "JPEG", "ALT_JPEG", "JPEG_LOSSY")
_CONCENTRATIONS = ("wt%", "wt.%", "wt %", "mass%", "mass %", "weight%", "ppm", "ppb", "mg/kg")


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
    # Missing values that the dtype cannot hold change nothing.
    told = dict.fromkeys(line for line in log if "GDAL_NODATA" not in line)
    complaints = tuple(f"tifffile says: {line}" for line in told)
    return MapFile(
        path,
        file.planes,
        file.not_maps,
        tuple(dict.fromkeys(file.notes)) + complaints,
        quantity=file.quantity,
        steps=file.steps,
        parts=file.parts,
    )


@dataclass(frozen=True)
class _Stored:
    """What is known of the pages of a file before their planes are made.

    Attributes
    ----------
    pages : list of tifffile.TiffPage
    grey : tuple of int
        The pages that hold maps, in the order of the planes.
    samples : dict of int to Samples
    facts : dict of int to (GdalFacts, int)
    masks : dict of int to list of MissingWhere
    n_unpaged : int
        Planes that follow the one page of the file; 0 where each has a page.
    ome : OmeFacts or None
    imagej : dict or None
    """

    pages: list[Any]
    grey: tuple[int, ...]
    samples: Mapping[int, Samples]
    facts: Mapping[int, tuple[GdalFacts, int]]
    masks: Mapping[int, list[MissingWhere]]
    n_unpaged: int
    ome: OmeFacts | None
    imagej: dict[str, Any] | None


def _described(path: Path, tif: tifffile.TiffFile, n_pages: int) -> MapFile:
    pages: list[Any] = list(tif.pages)
    require_known_layout(path, tif)
    ome = ome_facts(tif)
    if ome is not None:
        require_one_scan(path, ome)
    imagej = dict(tif.imagej_metadata or {}) if tif.is_imagej else None
    if imagej is not None:
        require_one_axis(path, imagej)
    declared, says = _declared_planes(path, tif, ome)
    if declared is not None and pages[0].samplesperpixel * n_pages == declared > n_pages:
        declared, ome = n_pages, None  # channels of OME that are samples of one page
    is_unpaged = n_pages == 1 and declared is not None and declared > 1
    if is_unpaged and declared is not None:
        _require_unpaged_stack(path, tif, pages[0], declared, says)
    else:
        require_declared_pages(path, len(pages), declared, says)
    # Thumbnails and transparency masks are pages too.
    own = [i for i, page in enumerate(pages) if not (page.is_reduced or page.is_mask)] or [0]
    notes = _left_out_notes(pages, own)
    if ome is not None and not is_unpaged:
        own, left_out = _pages_of_ome(own, ome)
        notes += left_out
    facts = facts_of_pages(path, {i: pages[i] for i in own})
    samples = {i: samples_of(pages[i], facts[i][0]) for i in own}
    grey = [i for i in own if samples[i].n_maps]
    if not grey:
        return MapFile(path, not_maps=samples[own[0]].not_maps)
    if ome is not None and not is_unpaged:
        require_one_stack(path, [i for i in ome.images if any(p.page in grey for p in i.planes)])
    n_bands = max(samples[i].n_maps for i in grey)
    if n_bands > 1 and (len(grey) > 1 or is_unpaged):
        raise InputError(
            f"{path.name} holds {declared if is_unpaged else len(grey)} pages with up to {n_bands} "
            "values per pixel: save a stack with one page per element."
        )
    masks, unfit = mask_pages(path, pages, own, TITLE)
    masked = [i for i, page in enumerate(pages) if page.is_mask and not page.is_reduced]
    for i in (*grey, *masked):
        require_whole_pixels(path, pages[i], i + 1, path.stat().st_size)
        require_numbers(path, pages[i], i + 1)
        require_codec(path, pages[i])
    if unfit:
        notes.append(f"{unfit} mask pages of another size are left out")
    if len(grey) < len(own):
        notes.append(f"{len(own) - len(grey)} colour pages are left out")
    beside, note = mask_beside(path, _shape(pages[grey[0]]), TITLE)
    masks[grey[0]] = [*masks.get(grey[0], []), *beside]
    notes += [note] if note else []
    n_unpaged = declared if is_unpaged and declared is not None else 0
    stored = _Stored(pages, tuple(grey), samples, facts, masks, n_unpaged, ome, imagej)
    return _planes(path, tif, stored, notes)


def _planes(path: Path, tif: tifffile.TiffFile, stored: _Stored, notes: list[str]) -> MapFile:
    """The planes of the pages, with their steps."""
    pages, grey = stored.pages, stored.grey
    first = pages[grey[0]]
    n_places = stored.n_unpaged or len(pages)
    by_ome = {} if stored.ome is None else ome_names(stored.ome.images)
    names = page_names(tif, [first] * n_places if stored.n_unpaged else pages, by_ome)
    notes += _photometric_notes([pages[i] for i in grey])
    places = [(i, 0) for i in range(stored.n_unpaged)] or [
        (i, sample) for i in grey for sample in range(stored.samples[i].n_maps)
    ]
    shared = {i: Bands(path, i, TITLE) for i in grey if stored.samples[i].n_maps > 1}
    planes: list[Plane] = []
    units = set()
    for i, sample in places:
        at = grey[0] if stored.n_unpaged else i
        page = pages[at]
        facts, band = stored.facts[at]
        band += sample
        masks = list(stored.masks.get(at, []))
        if at in shared:
            masks += transparency(shared[at], stored.samples[at])
        steps, found = page_steps(path, page, band, facts, stored.imagej, masks)
        notes += found
        size, size_note = _pixel_size(tif, page, at, stored)
        plane = Plane(
            path,
            _shape(page),
            np.dtype(page.dtype).newbyteorder("="),
            _reader(path, tif, page, i, sample, stored, shared.get(at)),
            facts.name(band) or ("" if at in shared else names[i]),
            _number(i, sample, stored, len(places)),
            size,
            None if stored.n_unpaged or at in shared else _direct(path, page, tif.byteorder),
            size_note=size_note,
        )
        planes.append(with_steps(plane, *steps))
        units.add(facts.text("unittype", band) or value_unit(stored.imagej or {}))
    if len(planes) > 1 and not any(plane.name for plane in planes):
        note = axes_note(tif, len(planes), _shape(first))
        notes += [note] if note else []
    unit = units.pop() if len(units) == 1 else ""
    in_words: tuple[str, ...] = (
        (f"the file says that its values are in {unit[:40]}",) if unit else ()
    )
    if any(geotiff_turns(pages[i]) for i in grey):
        in_words += ("its GeoTIFF tags turn or mirror the map, which stays as stored",)
    quantity: Quantity | None = "concentration" if unit.lower() in _CONCENTRATIONS else None
    return MapFile(
        path,
        tuple(planes),
        notes=tuple(notes),
        quantity=quantity,
        steps=in_words,
        parts=() if stored.ome is None else stored.ome.files,
    )


def _number(i: int, sample: int, stored: _Stored, n_planes: int) -> int | None:
    """The number of a plane in its file: of its page, or of its band."""
    if n_planes == 1:
        return None
    return (sample if len(stored.grey) == 1 and not stored.n_unpaged else i) + 1


def _reader(
    path: Path,
    tif: tifffile.TiffFile,
    page: Any,
    i: int,
    sample: int,
    stored: _Stored,
    bands: Bands | None,
) -> Callable[[], NDArray[Any]]:
    if stored.n_unpaged:
        dtype = np.dtype(page.dtype).newbyteorder(tif.byteorder)
        return partial(
            _read_unpaged, path, page.dataoffsets[0] + i * page.nbytes, dtype, _shape(page)
        )
    if bands is not None:
        return partial(bands.read, sample)
    return partial(page_values, path, i, TITLE)


def _read_unpaged(
    path: Path, offset: int, dtype: np.dtype[Any], shape: tuple[int, int]
) -> NDArray[Any]:
    with explained(path, TITLE):
        values = np.fromfile(path, dtype=dtype, count=shape[0] * shape[1], offset=offset)
        return values.reshape(shape)


def _shape(page: Any) -> tuple[int, int]:
    return int(page.imagelength), int(page.imagewidth)


def _declared_planes(
    path: Path, tif: tifffile.TiffFile, ome: OmeFacts | None
) -> tuple[int | None, str]:
    """The number of planes that the file declares, and the place where it does."""
    if tif.is_imagej:
        images = (tif.imagej_metadata or {}).get("images")
        return (int(images) if images else None), "ImageJ tag"
    if ome is not None:
        return ome.n_planes, "OME description"
    return shaped_planes(path, tif), "description"


def _require_unpaged_stack(
    path: Path, tif: tifffile.TiffFile, page: Any, declared: int, says: str
) -> None:
    """Accept a single page as a stack only if the numbers of all planes follow it in the file.

    ImageJ writes stacks above 4 GB in this form, and tifffile with ``truncate``.
    """
    needed = page.dataoffsets[0] + declared * page.nbytes if page.dataoffsets else 0
    if not page.is_contiguous or page.compression != 1 or needed > tif.filehandle.size:
        require_declared_pages(path, 1, declared, says)


def _pages_of_ome(own: Sequence[int], ome: OmeFacts) -> tuple[list[int], list[str]]:
    """The pages in the order of the OME description, and a note on those it does not name."""
    named = [plane.page for image in ome.images for plane in image.planes if plane.page in own]
    rest = len(set(own) - set(named))
    if not named:
        return list(own), []
    return named, [f"{rest} pages that its OME description does not name are left out"][
        : bool(rest)
    ]


def _left_out_notes(pages: Sequence[Any], own: Sequence[int]) -> list[str]:
    n = sum(1 for i, page in enumerate(pages) if i not in own and page.is_reduced)
    return [f"{n} reduced {'page is' if n == 1 else 'pages are'} left out"] if n else []


def _photometric_notes(pages: Sequence[Any]) -> list[str]:
    notes = []
    photometrics = {page.photometric for page in pages}
    if tifffile.PHOTOMETRIC.PALETTE in photometrics:
        notes.append(_PALETTE_NOTE)
    if tifffile.PHOTOMETRIC.MINISWHITE in photometrics:
        notes.append(_WHITE_NOTE)
    if any(getattr(page.compression, "name", "") in _LOSSY for page in pages):
        notes.append(_LOSSY_NOTE)
    return notes


def _pixel_size(tif: tifffile.TiffFile, page: Any, index: int, stored: _Stored) -> Answer:
    """What the file says of the pixel size of a page; the first place that knows it."""
    if stored.imagej is not None:
        return imagej_pixel_size(stored.pages[stored.grey[0]], stored.imagej)
    answers: list[Callable[[], Answer]] = [
        partial(geotiff_pixel_size, page),
        partial(tiff_pixel_size, page),
        partial(sem_pixel_size, tif),
    ]
    if stored.ome is not None and stored.ome.images:
        image = stored.ome.images[0] if stored.n_unpaged else stored.ome.image_of(index)
        answers.insert(0, partial(ome_pixel_size, image.pixels))
    note = ""
    for answer in answers:
        size, found = answer()
        if size is not None:
            return size, found
        note = note or found
    return None, note


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
