"""The steps that lead from the stored numbers of a TIFF page to its values, in their order.

Missing values are stored numbers and come first, then masks (they lie as the page is stored), then
scales, and the orientation last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import tifffile

from napari_mineral_anomaly.io.formats.shared.steps import MissingWhere, Step, Turn
from napari_mineral_anomaly.io.formats.tiff.bands import Bands, Samples, mask_of
from napari_mineral_anomaly.io.formats.tiff.gdal import GdalFacts
from napari_mineral_anomaly.io.formats.tiff.imagej import calibration

_ORIENTATION = 274


def page_steps(
    path: Path,
    page: Any,
    band: int,
    facts: GdalFacts,
    imagej: dict[str, Any] | None,
    masks: Sequence[MissingWhere],
) -> tuple[list[Step], list[str]]:
    """The steps of one plane, and notes.

    Parameters
    ----------
    path : Path
    page : tifffile.TiffPage
    band : int
        The band that the plane is for GDAL, from 0.
    facts : GdalFacts
    imagej : dict or None
        The ImageJ description.
    masks : sequence of MissingWhere
        Of the page.
    """
    steps: list[Step] = []
    notes: list[str] = []
    if (missing := facts.missing_step(band)) is not None:
        steps.append(missing)
    steps += masks
    if (scale := facts.scale_step(band)) is not None:
        steps.append(scale)
    notes += facts.notes
    if imagej is not None:
        curve, note = calibration(path, page, imagej)
        steps += [] if curve is None else [curve]
        notes += [note] if note else []
    turn, note = _turn(page)
    steps += [] if turn is None else [turn]
    notes += [note] if note else []
    return steps, notes


def _turn(page: Any) -> tuple[Turn | None, str]:
    tag = page.tags.get(_ORIENTATION)
    if tag is None:
        return None, ""
    try:
        orientation = int(tag.value)
    except (TypeError, ValueError):
        orientation = 0
    if not 1 <= orientation <= 8:
        return None, (
            f"its TIFF tag Orientation is {tag.value!r}, which is none of 1 to 8; "
            "the maps are shown as they are stored"
        )
    return Turn(orientation, "the TIFF tag Orientation"), ""


def mask_pages(
    path: Path, pages: Sequence[Any], own: Sequence[int], title: str
) -> tuple[dict[int, list[MissingWhere]], int]:
    """The masks of each page, by its index; and the number of masks that fit no page.

    A mask belongs to the page before it (as GDAL writes them), or to the first.
    """
    masks: dict[int, list[MissingWhere]] = {}
    unfit = 0
    for i, page in enumerate(pages):
        if not page.is_mask or page.is_reduced:
            continue
        owner = max((j for j in own if j < i), default=own[0])
        shape = (int(pages[owner].imagelength), int(pages[owner].imagewidth))
        if (page.imagelength, page.imagewidth, page.samplesperpixel) != (*shape, 1):
            unfit += 1
            continue
        read = partial(mask_of, path, i, shape, title)
        masks.setdefault(owner, []).append(MissingWhere(read, "the mask page of the file"))
    return masks, unfit


def transparency(bands: Bands, samples: Samples) -> list[MissingWhere]:
    """The mask that a transparency sample is: pixels of 0 are not there."""
    if samples.mask is None:
        return []
    read = partial(bands.is_transparent, samples.mask)
    return [MissingWhere(read, "the transparency stored with each pixel")]


def mask_beside(path: Path, shape: tuple[int, int], title: str) -> tuple[list[MissingWhere], str]:
    """The mask that GDAL writes into a file of its own (`Fe.tif.msk`), and a note."""
    beside = path.with_name(path.name + ".msk")
    if not beside.is_file():
        return [], ""
    try:
        with tifffile.TiffFile(beside) as tif:
            page: Any = tif.pages[0]
            found = (int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel))
    except Exception:  # whatever a damaged file raises; it is said below
        found = (0, 0, 0)
    if found != (*shape, 1):
        return [], f"the mask beside it ({beside.name}) does not fit and is not used"
    read = partial(mask_of, beside, 0, shape, title)
    return [MissingWhere(read, "the mask beside the file (.msk)")], ""
