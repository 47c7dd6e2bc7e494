"""The names of the pages of a TIFF, and the planes that tifffile's own description declares."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.words import sizes

_PAGE_NAME = 285
# PyMca writes "Title=Fe-K" among other key=value lines of the description.
_TITLE = re.compile(r"^\s*Title\s*=\s*(.+?)\s*$", re.MULTILINE)
_SHORT = 64


def shaped_planes(path: Path, tif: tifffile.TiffFile) -> int | None:
    """Number of planes in the JSON that tifffile writes into the description; None without it.

    Raises
    ------
    InputError
        When the planes lie along two axes.
    """
    declared = 0
    pages: list[Any] = list(tif.pages)
    for page in pages:
        shape = _declared_shape(page)
        if not shape:
            continue
        declared += math.prod(shape) // max(math.prod(page.shape), 1)
        axes = [n for n in shape[: len(shape) - len(page.shape)] if n > 1]
        if len(axes) > 1:
            raise InputError(
                f"{path.name} holds {math.prod(axes)} planes along {len(axes)} axes "
                f"({sizes(axes)}): save a stack with one plane per element."
            )
    return declared or None


def _declared_shape(page: Any) -> list[int]:
    text = str(page.description)
    if not text.startswith('{"shape"'):
        return []
    try:
        return [int(n) for n in json.loads(text)["shape"]]
    except (ValueError, KeyError, TypeError):
        return []


def axes_note(tif: tifffile.TiffFile, n_planes: int, shape: tuple[int, int]) -> str:
    """A note where a stack without names may have its elements along its last axis.

    tifffile cuts an array (H, W, C) along its first axis: H pages of W rows and C columns.
    """
    pages: list[Any] = list(tif.pages)
    declared = _declared_shape(pages[0])
    if not declared and tif.is_imagej:
        declared = [n_planes, *shape]
    if len(declared) != 3 or declared[1:] != list(shape) or shape[1] >= min(n_planes, shape[0]):
        return ""
    return (
        f"it is read as {n_planes} maps of {sizes(shape)} pixels; if the elements were the last "
        f"axis of an array of {sizes(declared)}, save it again with the elements first"
    )


def page_names(
    tif: tifffile.TiffFile, pages: Sequence[Any], ome_names: Mapping[int, str]
) -> list[str]:
    """The name of each page in the file; "" for pages without one.

    In this order: ImageJ labels, OME names, the TIFF tag PageName, the title PyMca writes, a short
    description.
    """
    stored = (tif.imagej_metadata or {}).get("Labels", [])
    # tifffile gives the label of a single image as text, not as a list of one.
    labels = [stored] if isinstance(stored, str) else [str(label) for label in stored]
    names = []
    for i, page in enumerate(pages):
        name = labels[i] if i < len(labels) else ""
        names.append((name or ome_names.get(i, "") or _name_in_tags(page)).strip())
    return names


def _name_in_tags(page: Any) -> str:
    tag = page.tags.get(_PAGE_NAME)
    if tag is not None and str(tag.value).strip():
        return str(tag.value)
    description = str(page.description)
    if match := _TITLE.search(description):
        return match[1]
    is_plain = len(description) <= _SHORT and not set(description) & set("{}<>=\n")
    return description if is_plain else ""
