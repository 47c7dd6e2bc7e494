"""The descriptions in a TIFF: names of its pages, number of planes, OME description."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import tifffile

_PAGE_NAME = 285
# PyMca writes "Title=Fe-K" among other key=value lines of the description.
_TITLE = re.compile(r"^\s*Title\s*=\s*(.+?)\s*$", re.MULTILINE)
_SHORT = 64


@dataclass(frozen=True)
class OmeFacts:
    """The parts of an OME description that are used here.

    Attributes
    ----------
    pixels : Element
        The ``Pixels`` element of the first image.
    n_planes : int
        Planes the image should hold.
    n_files : int
        Number of files that the image is spread over.
    n_channels : int
    names : dict
        Channel name of each page (from 0) that has one.
    """

    pixels: ElementTree.Element
    n_planes: int
    names: dict[int, str]
    n_files: int = 1
    n_channels: int = 1


def ome_facts(tif: tifffile.TiffFile) -> OmeFacts | None:
    """Read the OME description of a file; None if there is none or it cannot be parsed."""
    if not tif.is_ome:
        return None
    try:
        root = ElementTree.fromstring(tif.ome_metadata or "")
    except ElementTree.ParseError:
        return None
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return None
    files = {uuid.get("FileName") for uuid in pixels.findall("{*}TiffData/{*}UUID")}
    if len(files) > 1:
        return OmeFacts(pixels, 0, {}, len(files))
    sizes = {axis: int(pixels.get(f"Size{axis}", "1")) for axis in "CZT"}
    channels = [channel.get("Name", "") for channel in pixels.findall("{*}Channel")]
    names: dict[int, str] = {}
    if len(channels) == sizes["C"] and sizes["Z"] == sizes["T"] == 1:
        names = _names_by_page(pixels, channels)
    return OmeFacts(pixels, math.prod(sizes.values()), names, 1, sizes["C"])


def _names_by_page(pixels: ElementTree.Element, channels: Sequence[str]) -> dict[int, str]:
    """Follow the TiffData blocks: which page holds which channel."""
    names: dict[int, str] = {}
    for block in pixels.findall("{*}TiffData"):
        page, channel = int(block.get("IFD", "0")), int(block.get("FirstC", "0"))
        count = int(block.get("PlaneCount", "1" if "IFD" in block.attrib else len(channels)))
        for step in range(min(count, len(channels) - channel)):
            names[page + step] = channels[channel + step]
    return names or dict(enumerate(channels))


def shaped_planes(tif: tifffile.TiffFile) -> int | None:
    """Number of planes in the JSON that tifffile writes into the description; None without it."""
    declared = 0
    pages: list[Any] = list(tif.pages)
    for page in pages:
        text = str(page.description)
        if not text.startswith('{"shape"'):
            continue
        try:
            shape = json.loads(text)["shape"]
        except (ValueError, KeyError, TypeError):
            continue
        declared += math.prod(shape) // max(math.prod(page.shape), 1)
    return declared or None


def page_names(tif: tifffile.TiffFile, pages: Sequence[Any], ome: OmeFacts | None) -> list[str]:
    """The name of each page in the file; "" for pages without one.

    In this order: ImageJ labels, OME channel names, the TIFF tag PageName, the title PyMca writes,
    a short description.
    """
    stored = (tif.imagej_metadata or {}).get("Labels", [])
    # tifffile gives the label of a single image as text, not as a list of one.
    labels = [stored] if isinstance(stored, str) else [str(label) for label in stored]
    names = []
    for i, page in enumerate(pages):
        name = labels[i] if i < len(labels) else ""
        if not name and ome is not None:
            name = ome.names.get(i, "")
        names.append((name or _name_in_tags(page)).strip())
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
