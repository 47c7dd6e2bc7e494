"""The readers of element maps, one module per family of files, and what is known but not read.

Maps or spectra: some files (HDF5, numpy, ENVI, Zarr) may hold either. The reader of maps takes a
stack whose channels are named, or that has at most 64 channels and no axis four times longer than
both others (`containers.channel_axis`); bands with wavelengths are spectra unless elements name
them. Anything else it answers with `planes.HoldsSpectra`, and `read_maps` hands the file to the
readers of spectrum images (`spectrum_files`), which turn it into element maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.io.formats import datamuncher
from napari_mineral_anomaly.io.formats.arrays import matlab_maps as mat
from napari_mineral_anomaly.io.formats.arrays import numpy_maps
from napari_mineral_anomaly.io.formats.envi import maps as envi
from napari_mineral_anomaly.io.formats.hdf5 import maps as hdf5
from napari_mineral_anomaly.io.formats.shared.planes import MapFile
from napari_mineral_anomaly.io.formats.text import matrix as text
from napari_mineral_anomaly.io.formats.tiff import maps as tiff
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_stores

Opener = Callable[..., MapFile]


@dataclass(frozen=True)
class Reader:
    """One family of files.

    Attributes
    ----------
    title : str
    can_read : callable
        Decides by the name alone (a Zarr store: by what lies in the folder).
    open_file : callable
        Checks the file and lists its planes; takes ``dataset`` where ``has_datasets``.
    holds_scan : bool
        Whether each file is a scan of its own, never one element of a folder.
    has_datasets : bool
        Whether "file::/path" may name an array in the file.
    """

    title: str
    can_read: Callable[[Path], bool]
    open_file: Opener
    holds_scan: bool = False
    has_datasets: bool = False


# The order decides which file counts where one element lies there in two forms.
READERS = (
    Reader(tiff.TITLE, tiff.can_read, tiff.open_file),
    Reader(text.TITLE, text.can_read, text.open_file),
    Reader(numpy_maps.TITLE, numpy_maps.can_read, numpy_maps.open_file, has_datasets=True),
    Reader(mat.TITLE, mat.can_read, mat.open_file, holds_scan=True, has_datasets=True),
    Reader(hdf5.TITLE, hdf5.can_read, hdf5.open_file, holds_scan=True, has_datasets=True),
    Reader(envi.TITLE, envi.can_read, envi.open_file, holds_scan=True),
    Reader(datamuncher.TITLE, datamuncher.can_read, datamuncher.open_file, holds_scan=True),
    Reader(
        zarr_stores.TITLE,
        zarr_stores.is_store,
        zarr_stores.open_file,
        holds_scan=True,
        has_datasets=True,
    ),
)

WHAT_IS_READ = (
    "a folder of maps named by element (TIFF, text or .npy), a TIFF stack, a long table, HDF5, "
    "Zarr, ENVI, .npz and .mat files, and spectrum images"
)

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".svg", ".pdf")

_SAVE_AS_CSV = "an Excel sheet: open it in Excel and choose File > Save As > CSV (Comma delimited)"
NOT_READ = {
    ".raw": "the raw numbers of a spectrum image: open the .rpl beside it",
    ".rtx": "a Bruker report file: export the maps as TIFF or text from the instrument's program",
    ".edf": "an ESRF data file: export the maps as TIFF or text, for example from PyMca",
    ".xlsx": _SAVE_AS_CSV,
    ".xlsm": _SAVE_AS_CSV,
    ".xls": _SAVE_AS_CSV,
    ".ods": "a spreadsheet: open it and choose File > Save As > Text CSV",
    ".zip": "an archive: unpack it first",
    ".7z": "an archive: unpack it first",
    ".rar": "an archive: unpack it first",
}
_SPECTRUM_IMAGES = {
    ".rpl": "a spectrum image (Ripple)",
    ".bcf": "a spectrum image (Bruker)",
    ".spd": "a spectrum image (EDAX)",
    ".pts": "a spectrum image (JEOL)",
    ".emd": "a spectrum image (EMD)",
    ".hspy": "a spectrum image (HyperSpy)",
    ".zspy": "a spectrum image (HyperSpy)",
}


def reader_of(path: Path) -> Reader | None:
    """The reader for a file by its name, None if there is none."""
    return next((reader for reader in READERS if reader.can_read(path)), None)


def is_spectrum_image(path: Path) -> bool:
    """Whether a file holds spectra: by its name, else by a look at its headers; never raises."""
    # Imported here: the readers of spectra stand above those of maps.
    from napari_mineral_anomaly.io import spectrum_files

    return path.suffix.lower() not in NOT_READ and spectrum_files.is_spectrum_image(path)


def rank_of(path: Path) -> int:
    """Position of a file's reader among the readers; unread files come last."""
    return next((i for i, r in enumerate(READERS) if r.can_read(path)), len(READERS))


def kind_of(path: Path) -> str:
    """What a file without a reader is, in words."""
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return "a picture, not counts"
    return _SPECTRUM_IMAGES.get(suffix) or NOT_READ.get(suffix, "not a file of maps")
