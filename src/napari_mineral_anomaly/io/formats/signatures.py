"""What a file really is, from its first bytes, where its ending says something else.

Files are renamed by hand, and failed downloads are saved under the name of the data. A reader that
then reports a damaged file is wrong about it.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError

_HEAD = 4096
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_EXPORT = "export the map as TIFF or text from the program that made it"


class WrongEndingError(InputError):
    """A file is of another kind than its ending says."""


@dataclass(frozen=True)
class Content:
    """What a file is by its first bytes.

    Attributes
    ----------
    kind : str
        "an HDF5 file".
    ending : str
        The usual ending, where this version reads such files; else "".
    advice : str
        What to do with it; "" where it only needs another ending.
    """

    kind: str
    ending: str = ""
    advice: str = ""

    def words(self, path: Path) -> str:
        """What to do with a file of this content: rename it, or the advice."""
        if self.ending:
            return f"rename it to {path.stem}{self.ending}"
        return self.advice or _EXPORT


HDF5 = Content("an HDF5 file", ".h5")
TIFF = Content("a TIFF", ".tif")
NPY = Content("a numpy array", ".npy")
NPZ = Content("a numpy archive", ".npz")
MATLAB = Content("a MATLAB file", ".mat")
GZIP = Content("a gzip file", advice="unpack it first")
ZIP = Content("a ZIP archive", advice="unpack it first")
EXCEL = Content("an Excel sheet", ".xlsx")
PNG, JPEG = Content("a PNG picture"), Content("a JPEG picture")
_SAVE_CSV = "open it in Excel and save it as CSV"
_STARTS: tuple[tuple[bytes, Content], ...] = (
    (_HDF5_MAGIC, HDF5),
    *((start, TIFF) for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"\x93NUMPY", NPY),
    (b"MATLAB 5.0 MAT-file", MATLAB),
    (b"\x1f\x8b", GZIP),
    *((start, Content("a netCDF-3 file")) for start in (b"CDF\x01", b"CDF\x02", b"CDF\x05")),
    (b"\x0e\x03\x13\x01", Content("an HDF4 file")),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF8", Content("a GIF picture")),
    (b"%PDF", Content("a PDF document")),
    (b"SIMPLE  =", Content("a FITS file")),
    (b"AAMVHFSS", Content("a Bruker spectrum image", ".bcf")),
    (b"MAPSPECTRA_DATA", Content("an EDAX spectrum image", ".spd")),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Content("an old Excel or Word file", advice=_SAVE_CSV),
    ),
    (b"7z\xbc\xaf\x27\x1c", Content("a 7z archive", advice="unpack it first")),
    (b"Rar!", Content("a RAR archive", advice="unpack it first")),
    (b"BZh", Content("a bzip2 file", advice="unpack it first")),
    (b"\xfd7zXZ\0", Content("an xz file", advice="unpack it first")),
    (b"SQLite format 3\0", Content("an SQLite database")),
    (b"\0\x05\x16\x07", Content("a side file of macOS", advice="open the file without ._")),
    (b"# vtk DataFile", Content("a VTK file")),
)
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)
_WEB_PAGE = Content("a web page", advice="the download went wrong, get the file again")

# What may stand behind an ending, by the name of the format. Text may begin with anything that is
# no binary file. Formats that are not listed are not checked.
_EXPECTED: dict[str, tuple[str, tuple[Content, ...]]] = {
    "TIFF": ("a TIFF", (TIFF,)),
    "text": ("text", (GZIP,)),
    ".npy": ("a numpy array", (NPY,)),
    ".npz": ("a numpy archive", (NPZ, ZIP)),
    ".mat": ("a MATLAB file", (MATLAB, HDF5)),
    "HDF5": ("an HDF5 file", (HDF5,)),
    "HyperSpy": ("a HyperSpy file", (HDF5,)),
    "EMD": ("an EMD file", (HDF5,)),
    "AZtec": ("an AZtec file", (HDF5,)),
    "EDF": ("an ESRF data file", ()),
    "grey picture": ("a picture", (PNG, JPEG)),
    "Excel": ("an Excel sheet", (EXCEL, ZIP)),
    "ENVI": ("an ENVI header", ()),
    "Ripple": ("a Ripple header", ()),
}


def content_of(path: Path) -> Content | None:
    """What a file is by its first bytes; None for text, unknown files and folders. Never raises."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    for start, content in _STARTS:
        if head.startswith(start):
            return content
    # HDF5 may follow a block of the user, as in MATLAB 7.3.
    if any(head[at : at + 8] == _HDF5_MAGIC for at in (512, 1024, 2048)):
        return MATLAB if head.startswith(b"MATLAB 7.3") else HDF5
    return _WEB_PAGE if _PAGE.match(head) else None


def require_ending(path: Path, format_name: str) -> None:
    """Refuse a file whose first bytes are those of another format than its ending says.

    Raises
    ------
    WrongEndingError
    """
    expected = _EXPECTED.get(format_name)
    if expected is None:
        return
    meant, allowed = expected
    content = content_of(path)
    if content is not None and content not in allowed:
        raise WrongEndingError(
            f"{path.name} is not {meant} but {content.kind}, by its first bytes: "
            f"{content.words(path)}."
        )


def _in_zip(path: Path) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return ZIP
    if any(name.startswith("xl/") for name in names):
        return EXCEL
    if "mimetype" in names and "content.xml" in names:
        return Content("an OpenDocument file", advice="open it and save it as text CSV")
    if names and all(name.endswith(".npy") for name in names):
        return NPZ
    return ZIP
