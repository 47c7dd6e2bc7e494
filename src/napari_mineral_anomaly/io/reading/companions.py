"""Images that lie beside the element maps: electron images, pictures, phase maps, masks.

They are offered as context and never mixed into the elements. Only an image of the same shape as
the maps is in register with them; the report names images of another shape, with both shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import parse_file_names
from napari_mineral_anomaly.io.formats.registry import NPY, PICTURE, TEXT, TIFF
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file, require_file
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp, unchanged
from napari_mineral_anomaly.io.formats.text.encoding import read_text
from napari_mineral_anomaly.io.formats.tiff import maps as tiff
from napari_mineral_anomaly.io.reading.images import read_image
from napari_mineral_anomaly.io.reading.naming.told_names import CONTEXT_BY_USER
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.scan.context import ContextImage, ContextKind
from napari_mineral_anomaly.scan.names.map_names import ParsedName, any_element
from napari_mineral_anomaly.scan.report import Companion, IgnoredFile
from napari_mineral_anomaly.words import sizes

# The reasons of `parse_names` for a companion, and the kind of image that each stands for.
_KINDS: dict[str, ContextKind] = {
    "an electron image": "bse",
    "a picture": "optical",
    "a phase map": "phase",
    "a mask": "mask",
    "a sum of signals": "other",
    "background signal": "other",
    "scattered radiation": "other",
    "a quality map of a fit": "other",
    "a scaler": "other",
    CONTEXT_BY_USER: "other",
}
_WORD = re.compile(r"[^\s,;]+")
# A line of fewer words lists a class and its place rather than a row of a map.
_NARROWEST_MAP = 6
# A folder above the maps is looked into only if it is as small as that of one scan.
_MOST_FILES_ABOVE = 60


@dataclass(frozen=True)
class Companions:
    """The images beside the maps of a scan.

    Attributes
    ----------
    images : tuple of ContextImage
        Those in register.
    listed : tuple of Companion
        What the report says of all of them.
    """

    images: tuple[ContextImage, ...] = ()
    listed: tuple[Companion, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the images that are not in register."""
        refused = [one for one in self.listed if not one.offered and one.shape is not None]
        return tuple(f"{one.file} is {one.reason}." for one in refused)

    def explained(self, ignored: Iterable[IgnoredFile]) -> tuple[IgnoredFile, ...]:
        """The list of ignored files, with better reasons for files that were opened here."""
        reasons = {one.file: one.reason for one in self.listed if one.reason and not one.shape}
        return tuple(
            IgnoredFile(file=one.file, reason=reasons[one.file])
            # The reader of maps has reported a damaged TIFF already.
            if one.file in reasons and one.reason in _KINDS
            else one
            for one in ignored
        )


def beside_maps(
    listing: Listing,
    used: Container[Path],
    shape: tuple[int, int],
    parsed: Mapping[Path, ParsedName],
) -> Companions:
    """Find the images that lie beside the maps of a folder.

    Parameters
    ----------
    listing : Listing
        The files of the scan.
    used : paths
        Those that were read as maps.
    shape : (int, int)
        Of the maps.
    parsed : mapping of Path to ParsedName
        What the names of the files say, each by itself.

    Returns
    -------
    Companions
        Empty for a scan that is one file. Phase maps, electron images and masks in the folder
        above belong to it, too, if that folder holds no element map itself and they have the shape
        of the maps: programs write each kind of export into a folder of its own.
    """
    if listing.is_single:
        return Companions()
    beside = [path for path in listing.files if path not in used]
    found = [
        _examined(path, listing.name(path), shape, parsed.get(path) or parse_file_names([path])[0])
        for path in beside
    ]
    above = [
        _examined(path, shown(f"../{path.name}"), shape, parse_file_names([path])[0])
        for path in _files_above(listing.root)
    ]
    found += [one for one in above if one is not None and one[1] is not None]
    kept = [one for one in found if one is not None]
    return Companions(
        images=tuple(image for _, image in kept if image is not None),
        listed=tuple(companion for companion, _ in kept),
    )


def context_image(path: Path) -> ContextImage:
    """An image of any shape, to be laid onto the maps (`scan.looking.registration`).

    Parameters
    ----------
    path : Path
        TIFF, picture, `.npy` or text matrix of one channel, or a picture in colours.

    Raises
    ------
    InputError
        When it is missing, damaged or no single image.
    """
    require_file(path, "an image")
    with unchanged(FileStamp.of(path)), explained(path, "an image"):
        found = _opened(path, "other")
    if found is None:
        raise InputError(f"{path.name} is not a single image; TIFF, PNG, .npy or text is needed.")
    kind, shape, load = found
    return ContextImage(_title(path), kind, path, shape, partial(_as_it_is, path, load))


def _examined(
    path: Path, name: str, shape: tuple[int, int], entry: ParsedName
) -> tuple[Companion, ContextImage | None] | None:
    """What the report says of a file, and its image if it fits; None for files of other kinds."""
    kind = _KINDS.get(entry.reason) if entry.role == "companion" else None
    if kind is None and (entry.role == "companion" or not _may_be_picture(path)):
        return None

    def companion(kind: ContextKind, shape: tuple[int, int] | None, reason: str) -> Companion:
        return Companion(
            file=name,
            name=_title(path),
            kind=kind,
            shape=shape,
            offered=not reason,
            reason=reason,
        )

    try:
        with unchanged(FileStamp.of(path)), explained(path, "an image"):
            found = _opened(path, kind)
    except InputError as error:
        # Where the name is not that of an image, the reader of maps has reported the same already.
        return None if kind is None else (companion(kind, None, str(error).rstrip(".")), None)
    if found is None:
        return None
    own_kind, own_shape, load = found
    if own_shape != shape:
        reason = (
            f"not used as {_USES[own_kind]}: it has {sizes(own_shape)} pixels, the maps have "
            f"{sizes(shape)}, so they are not in register"
        )
        return companion(own_kind, own_shape, reason), None
    image = ContextImage(_title(path), own_kind, path, own_shape, partial(_as_it_is, path, load))
    return companion(own_kind, own_shape, ""), image


def _as_it_is(path: Path, load: _Load) -> tuple[NDArray[Any], dict[int, str]]:
    """The image as it is when it is looked at; it must not change while it is read."""
    with unchanged(FileStamp.of(path)), explained(path, "an image"):
        return load()


def _may_be_picture(path: Path) -> bool:
    return TIFF.takes(path) or PICTURE.takes(path)


_USES: dict[ContextKind, str] = {
    "bse": "an electron image of these maps",
    "optical": "a picture of these maps",
    "phase": "a phase map of these maps",
    "mask": "a mask of these maps",
    "other": "an image beside these maps",
}

_Load = Callable[[], tuple[NDArray[Any], dict[int, str]]]
_Opened = tuple[ContextKind, tuple[int, int], _Load]


def _opened(path: Path, kind: ContextKind | None) -> _Opened | None:
    """Kind, shape and loader of an image of one channel or in colours; None for other files."""
    if TIFF.takes(path):
        return _opened_tiff(path, kind)
    if PICTURE.takes(path):
        return _opened_picture(path, kind)
    if kind is None or not (TEXT.takes(path) or NPY.takes(path)):
        return None
    if kind == "phase":
        return _opened_phase_text(path)
    values = read_image(path)
    return kind, values.shape, lambda: (values, {})


def _opened_tiff(path: Path, kind: ContextKind | None) -> _Opened | None:
    file = tiff.open_maps(path)
    if not file.not_maps:
        if kind is None or len(file.planes) != 1:
            return None
        return kind, file.planes[0].shape, lambda: (read_image(path), {})
    with explained(path, tiff.TITLE), tifffile.TiffFile(path) as tif:
        page: Any = tif.pages[0]
        shape = (int(page.imagelength), int(page.imagewidth))
        if page.samplesperpixel not in (3, 4):
            return None
    return "optical", shape, lambda: (_colours(path), {})


def _opened_picture(path: Path, kind: ContextKind | None) -> _Opened | None:
    from PIL import Image

    # Opened by us: the library would map a file that it opens by name into memory, and a mapped
    # file that is cut short meanwhile ends the process.
    with explained(path, "a picture"), path.open("rb") as file, Image.open(file) as picture:
        width, height = picture.size
        is_grey = picture.mode in ("1", "L", "I", "I;16", "F")
    own: ContextKind = kind if kind is not None and is_grey else "optical"

    def load() -> tuple[NDArray[Any], dict[int, str]]:
        with explained(path, "a picture"), path.open("rb") as file, Image.open(file) as picture:
            return np.asarray(picture if is_grey else picture.convert("RGB")), {}

    return own, (height, width), load


def _colours(path: Path) -> NDArray[np.uint8]:
    """A colour TIFF as (H, W, 3) uint8."""
    with explained(path, tiff.TITLE):
        values = np.asarray(tifffile.imread(path, key=0))
    if values.ndim == 3 and values.shape[0] in (3, 4) and values.shape[2] not in (3, 4):
        values = np.moveaxis(values, 0, 2)
    if values.ndim != 3 or values.shape[2] not in (3, 4):
        raise InputError(f"{path.name} is not a colour picture: shape {values.shape}.")
    values = values[:, :, :3]
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        values = values // 257
    if values.dtype != np.uint8:
        if values.dtype.kind != "u":
            raise InputError(f"{path.name} is not an 8- or 16-bit colour picture.")
        values = values.astype(np.uint8)
    return np.ascontiguousarray(values)


def _opened_phase_text(path: Path) -> _Opened:
    """A text matrix of mineral names or class numbers; its shape is that of its words.

    Raises
    ------
    InputError
        For a list of points, as programs write it for training a classifier.
    """
    lines = [line for line in read_text(path, "phase map").lines if line.strip()]
    width = len(_WORD.findall(lines[0]))
    if width < _NARROWEST_MAP:
        raise InputError(f"a list of {len(lines)} points or classes, not a map")
    return "phase", (len(lines), width), lambda: read_phase_text(path)


def read_phase_text(path: Path) -> tuple[NDArray[Any], dict[int, str]]:
    """Read a phase map written as text.

    Parameters
    ----------
    path : Path
        One line per row of the map: names of minerals ("Qtz Grt Bt"), or whole numbers.

    Returns
    -------
    labels : (H, W) integer
        For names 1, 2, ... in alphabetical order; for numbers as stored.
    names : dict of int to str
        {} for numbers.

    Raises
    ------
    InputError
        When the lines differ in length or hold fractions.
    """
    lines = [line for line in read_text(path, "phase map").lines if line.strip()]
    rows = [_WORD.findall(line) for line in lines]
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise InputError(
            f"{path.name} is not a phase map: its lines hold {min(lengths, default=0)} to "
            f"{max(lengths, default=0)} entries"
        )
    table = np.array(rows)
    if not any(map(str.isalpha, "".join(table[0]))):
        try:
            values = table.astype(np.float64)
        except ValueError:
            values = np.array([[np.nan]])
        if np.array_equal(values, np.rint(values)):
            return np.asarray(values, dtype=np.int32), {}
    found, labels = np.unique(table, return_inverse=True)
    labels = labels.reshape(table.shape) + 1
    small = labels.astype(np.uint8 if found.size < 256 else np.uint16)
    return small, {i: str(name) for i, name in enumerate(found, start=1)}


def _files_above(folder: Path) -> Sequence[Path]:
    try:
        above = folder.resolve().parent
    except (OSError, RuntimeError):  # a circle of links
        return ()
    files = [path for path in entries(above) if is_file(path)]
    if len(files) > _MOST_FILES_ABOVE:
        return ()
    parsed = parse_file_names(files)
    if any_element(parsed):
        return ()
    wanted = ("an electron image", "a phase map", "a mask")
    return [path for path, entry in zip(files, parsed, strict=True) if entry.reason in wanted]


def _title(path: Path) -> str:
    return shown(path.name.split(".")[0].replace("_", " "))
