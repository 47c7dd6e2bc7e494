"""The samples of a TIFF page: a picture, one map, or a map per sample (GeoTIFF and the like)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import collected_log, explained
from napari_mineral_anomaly.io.formats.tiff.gdal import GdalFacts
from napari_mineral_anomaly.scan.names.map_names import any_element, parse_names

_COLOUR = (
    tifffile.PHOTOMETRIC.RGB,
    tifffile.PHOTOMETRIC.SEPARATED,
    tifffile.PHOTOMETRIC.YCBCR,
    tifffile.PHOTOMETRIC.CIELAB,
)
# tifffile stores three or four maps of 16 bits so unless told otherwise.
_COLOUR_STACK = (
    "a colour picture by its tags, in one plane per colour; if these are maps, save them with "
    'photometric="minisblack"'
)
_PREMULTIPLIED, _TRANSPARENCY = 1, 2


@dataclass(frozen=True)
class Samples:
    """What the samples of a page are.

    Attributes
    ----------
    n_maps : int
        Samples that are maps; 0 for a picture.
    not_maps : str
        What the page is instead.
    mask : int or None
        The sample that holds a transparency.
    """

    n_maps: int
    not_maps: str = ""
    mask: int | None = None


def samples_of(page: Any, facts: GdalFacts) -> Samples:
    """Whether the samples of a page are colours or maps.

    Colours stay a picture unless GDAL's metadata name them after elements. Three or four samples of
    8 bits without names are taken for a picture, too.
    """
    total = int(page.samplesperpixel)
    extra = [int(kind) for kind in page.extrasamples]
    is_colour = page.photometric in _COLOUR
    if total == 1 and not is_colour:
        return Samples(1)
    names = [facts.name(band) for band in range(total)]
    is_named = any_element(parse_names([name for name in names if name]))
    if is_colour and not is_named:
        is_stacked = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and page.dtype != np.uint8
        return Samples(0, _COLOUR_STACK if is_stacked else "a colour picture, not counts")
    has_transparency = bool(extra) and extra[-1] in (_PREMULTIPLIED, _TRANSPARENCY)
    if has_transparency and names[-1] and any_element(parse_names(names[-1:])):
        has_transparency = False  # GDAL calls the fourth of four bands of 8 bits a transparency
    if has_transparency and total == 2:
        return Samples(0, "a grey value and a transparency per pixel, not one map")
    if has_transparency and extra[-1] == _PREMULTIPLIED:
        return Samples(0, "an image whose values are multiplied by a transparency, not counts")
    n_maps = total - has_transparency
    is_like_picture = n_maps in (3, 4) and page.bitspersample == 8 and page.dtype == np.uint8
    if is_like_picture and not any(names):
        return Samples(
            0,
            f"an image with {total} values of 8 bits per pixel without names, as a colour picture; "
            "save each as a file of its own if they are maps",
        )
    return Samples(n_maps, "", total - 1 if has_transparency else None)


class Bands:
    """The samples of one page as images; decoded once, forgotten when each was read once."""

    def __init__(self, path: Path, index: int, title: str) -> None:
        self._path, self._index, self._title = path, index, title
        self._decoded: NDArray[Any] | None = None
        self._read: set[int] = set()

    def read(self, sample: int) -> NDArray[Any]:
        """One sample (H, W)."""
        if self._decoded is None or sample in self._read:
            self._decoded, self._read = self._decode(), set()
        values: NDArray[Any] = self._decoded[sample].copy()
        self._read.add(sample)
        if len(self._read) == len(self._decoded):
            self._decoded = None
        return values

    def is_transparent(self, sample: int) -> NDArray[np.bool_]:
        """Where a transparency sample (H, W) is 0."""
        return np.asarray(self._decode()[sample] == 0)

    def _decode(self) -> NDArray[Any]:
        """All samples (S, H, W)."""
        with (
            collected_log("tifffile"),
            explained(self._path, self._title),
            tifffile.TiffFile(self._path) as tif,
        ):
            page: Any = tif.pages[self._index]
            values = np.asarray(page.asarray())
            n, height, width = page.samplesperpixel, page.imagelength, page.imagewidth
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
                return values.reshape(n, height, width)
            return np.moveaxis(values.reshape(height, width, n), 2, 0)


def page_values(path: Path, index: int, title: str) -> NDArray[Any]:
    """The numbers of a page with one sample (H, W)."""
    with collected_log("tifffile"), explained(path, title), tifffile.TiffFile(path) as tif:
        values: NDArray[Any] = tif.pages[index].asarray()
    return values


def mask_of(path: Path, index: int, shape: tuple[int, int], title: str) -> NDArray[np.bool_]:
    """Where the mask on a page of a file is 0: the pixels (H, W) that are not measured.

    Raises
    ------
    InputError
    """
    values = page_values(path, index, title)
    if values.shape != shape:
        raise InputError(f"{path.name} is damaged: its mask has not the shape of its maps.")
    return np.asarray(values == 0)
