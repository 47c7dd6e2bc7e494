"""The OME description of a TIFF: which page is which plane of which image.

Schema 2016-06. A file holds one or several images. The planes of an image count channels (C),
depths (Z) and times (T) in its ``DimensionOrder``; ``TiffData`` says on which pages they lie.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as count_from
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.tiff.imagej import require_planes_along_one_axis
from napari_mineral_anomaly.scan.names.map_names import any_element, parse_names
from napari_mineral_anomaly.words import listed

# Names that programs give to images without one.
_NO_NAME = re.compile(r"(image|series|pixels)?[\s:_#-]*\d*", re.IGNORECASE)


@dataclass(frozen=True)
class OmePlane:
    """One plane of an image.

    Attributes
    ----------
    page : int
        The page of the file that holds it, from 0.
    channel : str
        Name of its channel; "" without one.
    """

    page: int
    channel: str


@dataclass(frozen=True)
class OmeImage:
    """One image of the description.

    Attributes
    ----------
    name : str
    pixels : Element
        Its ``Pixels``.
    channels, depths, times : int
        Channels are counted as pages: the samples of a colour picture are one.
    planes : tuple of OmePlane
        In the order channel, depth, time; the last counts fastest.
    """

    name: str
    pixels: ElementTree.Element
    channels: int
    depths: int
    times: int
    planes: tuple[OmePlane, ...]

    @property
    def shape(self) -> tuple[str, str]:
        """(H, W) as written."""
        return self.pixels.get("SizeY", ""), self.pixels.get("SizeX", "")


@dataclass(frozen=True)
class OmeFacts:
    """The parts of an OME description that are used here."""

    # Of a scan that is spread over several files: those with planes in this file.
    images: tuple[OmeImage, ...]
    # The names of all its files; () where the file holds the whole scan.
    files: tuple[str, ...] = ()

    @property
    def n_planes(self) -> int:
        """Planes that the file should hold."""
        return sum(len(image.planes) for image in self.images)

    def image_of(self, page: int) -> OmeImage:
        """The image that a page belongs to."""
        return next(i for i in self.images if any(plane.page == page for plane in i.planes))


def ome_facts(tif: tifffile.TiffFile) -> OmeFacts | None:
    """Read the OME description of a file; None if there is none or it cannot be parsed."""
    if not tif.is_ome:
        return None
    try:
        root = ElementTree.fromstring(tif.ome_metadata or "")
    except ElementTree.ParseError:
        return None
    elements = [image for image in root.findall(".//{*}Image") if _pixels(image) is not None]
    if not elements:
        return None
    files = {uuid.get("FileName", "") for uuid in root.findall(".//{*}TiffData/{*}UUID")}
    if len(files) < 2:
        return OmeFacts(tuple(_images(elements)))
    images = _images(elements, _OwnBlocks(root, Path(tif.filename).name))
    return OmeFacts(tuple(image for image in images if image.planes), tuple(sorted(files)))


def require_one_scan(path: Path, ome: OmeFacts) -> None:
    """Refuse what cannot be one map per element: two axes, several stacks, a part without planes.

    Raises
    ------
    InputError
    """
    if ome.files and not ome.images:
        raise InputError(
            f"{path.name} is one of the {len(ome.files)} files of an OME-TIFF, and its description "
            "names no plane in it: give the files their old names, or save the whole image as one "
            "file, for example in Fiji with File > Save As > OME-TIFF."
        )
    for image in ome.images:
        require_planes_along_one_axis(path, image.channels, image.depths, image.times)
    pages = [plane.page for image in ome.images for plane in image.planes]
    twice = next((page for page in pages if pages.count(page) > 1), None)
    if twice is not None:
        raise InputError(
            f"{path.name} has a damaged OME description: page {twice + 1} stands for two planes."
        )


def require_one_stack(path: Path, images: Sequence[OmeImage]) -> None:
    """Refuse several images that are stacks of their own.

    Raises
    ------
    InputError
    """
    stacks = [image for image in images if len(image.planes) > 1]
    if len(stacks) > 1:
        names = [image.name or f"image {i}" for i, image in enumerate(stacks, start=1)]
        raise InputError(
            f"{path.name} holds {len(stacks)} images of several planes each ({listed(names)}): "
            "save one of them as a file of its own, for example in Fiji."
        )


def ome_names(images: Sequence[OmeImage]) -> dict[int, str]:
    """The name of each page: of its channel, or of its image where an image is one plane."""
    channels = {p.page: p.channel for image in images for p in image.planes}
    own = dict(channels)
    for image in images:
        is_named = not _NO_NAME.fullmatch(image.name.strip())
        if len(image.planes) == 1 and is_named:
            own[image.planes[0].page] = image.name.strip()
    # An image of one plane may have both names ("Sample 7" and "Fe"): the one that is an element.
    for candidate in (channels, own):
        named = [name for name in candidate.values() if name]
        if len(named) == len(candidate) and any_element(parse_names(named)):
            return candidate
    return {page: channels[page] or name for page, name in own.items()}


def _pixels(image: ElementTree.Element) -> ElementTree.Element | None:
    return image.find("{*}Pixels")


class _OwnBlocks:
    """Which ``TiffData`` blocks are about one file of several: by its UUID, else by its name."""

    def __init__(self, root: ElementTree.Element, file: str) -> None:
        named = root.findall(".//{*}TiffData/{*}UUID")
        own = root.get("UUID", "").strip()
        # A renamed file keeps its UUID; some programs write one UUID for all files.
        meant = {uuid.get("FileName") for uuid in named if (uuid.text or "").strip() == own}
        self._uuid = own if own and len(meant) == 1 else ""
        self._file = file

    def __contains__(self, block: ElementTree.Element) -> bool:
        uuid = block.find("{*}UUID")
        if uuid is None:
            return False
        if self._uuid:
            return (uuid.text or "").strip() == self._uuid
        return uuid.get("FileName") == self._file


def _images(
    elements: Sequence[ElementTree.Element], own: _OwnBlocks | None = None
) -> Iterator[OmeImage]:
    free_page = 0  # where the next image begins whose description does not say so
    for element in elements:
        pixels = element.find("{*}Pixels")
        assert pixels is not None
        sizes = {axis: max(1, int(pixels.get(f"Size{axis}", "1"))) for axis in "CZT"}
        channels = pixels.findall("{*}Channel")
        samples = max([int(one.get("SamplesPerPixel", "1")) for one in channels] or [1])
        if samples > 1 and sizes["C"] % samples == 0:
            sizes["C"] //= samples
        names = [one.get("Name", "").strip() for one in channels]
        if len(names) != sizes["C"] or (sizes["C"] == 1 and sizes["Z"] * sizes["T"] > 1):
            names = [""] * sizes["C"]
        pages = _pages(pixels, sizes, samples, free_page, own)
        planes = tuple(OmePlane(pages[place], names[place[0]]) for place in sorted(pages))
        free_page = max((plane.page for plane in planes), default=free_page - 1) + 1
        yield OmeImage(element.get("Name", ""), pixels, sizes["C"], sizes["Z"], sizes["T"], planes)


def _pages(
    pixels: ElementTree.Element,
    sizes: dict[str, int],
    samples: int,
    free_page: int,
    own: _OwnBlocks | None,
) -> dict[tuple[int, int, int], int]:
    """Follow the TiffData blocks: the page of each plane (c, z, t)."""
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT").upper() if axis in "CZT"]
    order = order if sorted(order) == ["C", "T", "Z"] else ["C", "Z", "T"]
    n_planes = math.prod(sizes.values())
    if n_planes > 10_000_000:
        raise ValueError(f"the OME description declares {n_planes} planes")
    blocks = pixels.findall("{*}TiffData")
    pages: dict[tuple[int, int, int], int] = {}
    for block in blocks:
        if own is not None and block not in own:
            continue
        page = int(block.get("IFD", free_page))
        n = int(block.get("PlaneCount", "1" if "IFD" in block.attrib else n_planes))
        first, step = 0, 1
        for axis in order:
            begin = int(block.get(f"First{axis}", "0")) // (samples if axis == "C" else 1)
            first += begin * step
            step *= sizes[axis]
        for i in range(first, min(first + n, n_planes)):
            pages[_place(i, order, sizes)] = page + i - first
    if own is not None:
        return pages
    # Planes that no block names lie in their order on the pages that are left.
    taken = set(pages.values())
    free = (page for page in count_from(free_page) if page not in taken)
    for place in (_place(i, order, sizes) for i in range(n_planes)):
        if place not in pages:
            pages[place] = next(free)
    return pages


def _place(i: int, order: Sequence[str], sizes: dict[str, int]) -> tuple[int, int, int]:
    at = {}
    for axis in order:
        i, at[axis] = divmod(i, sizes[axis])
    return at["C"], at["Z"], at["T"]
