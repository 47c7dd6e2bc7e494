"""The readers, one module per family of files, and the files that are known but not read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.io import mat, text, tiff
from napari_mineral_anomaly.io.planes import MapFile


@dataclass(frozen=True)
class Reader:
    """One family of files.

    ``can_read`` decides by the name alone; ``open_file`` checks the file and lists its planes.
    """

    title: str
    can_read: Callable[[Path], bool]
    open_file: Callable[[Path], MapFile]


# The order decides which file counts where one element lies there in two forms.
READERS = (
    Reader(tiff.TITLE, tiff.can_read, tiff.open_file),
    Reader(text.TITLE, text.can_read, text.open_file),
    Reader(mat.TITLE, mat.can_read, mat.open_file),
)

WHAT_IS_READ = (
    "a folder of TIFF maps or text matrices named by element, one TIFF stack, or a .mat scene"
)

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".svg", ".pdf")

NOT_READ_YET = {
    ".rpl": "a spectrum image (Ripple)",
    ".raw": "the raw numbers of a spectrum image",
    ".bcf": "a spectrum image (Bruker)",
    ".rtx": "a spectrum image (Bruker)",
    ".spd": "a spectrum image (EDAX)",
    ".spc": "a spectrum (EDAX)",
    ".pts": "a spectrum image (JEOL)",
    ".emd": "a spectrum image (EMD)",
    ".hspy": "a spectrum image (HyperSpy)",
    ".zspy": "a spectrum image (HyperSpy)",
    ".h5": "an HDF5 file",
    ".hdf5": "an HDF5 file",
    ".nxs": "an HDF5 file (NeXus)",
    ".hdr": "the header of an ENVI image",
    ".dms": "a datamuncher stack",
    ".ims": "a datamuncher stack",
    ".edf": "an ESRF data file",
    ".npy": "a numpy array",
    ".npz": "numpy arrays",
    ".xlsx": "an Excel sheet",
    ".xls": "an Excel sheet",
}


def reader_of(path: Path) -> Reader | None:
    """The reader for a file by its name, None if there is none."""
    return next((reader for reader in READERS if reader.can_read(path)), None)


def rank_of(path: Path) -> int:
    """Position of a file's reader among the readers; unread files come last."""
    return next((i for i, r in enumerate(READERS) if r.can_read(path)), len(READERS))


def kind_of(path: Path) -> str:
    """What a file without a reader is, in words."""
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return "a picture, not counts"
    return NOT_READ_YET.get(suffix, "not a file of maps")
