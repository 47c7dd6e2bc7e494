"""The readers of maps and of spectra, one folder per family, and what is known but not read.

Maps or spectra: some files (HDF5, numpy, ENVI, Zarr) may hold either. The reader of maps takes a
stack whose channels are named, or that has at most 64 channels and no axis four times longer than
both others (`containers.channel_axis`); bands with wavelengths are spectra unless elements name
them. Anything else it answers with `planes.HoldsSpectra`, and `read_maps` hands the file to the
readers of spectrum images (`SPECTRUM_READERS`), which turn it into element maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats import datamuncher, ripple, vendors
from napari_mineral_anomaly.io.formats.arrays import matlab_maps as mat
from napari_mineral_anomaly.io.formats.arrays import numpy_maps
from napari_mineral_anomaly.io.formats.arrays import spectra as spectrum_arrays
from napari_mineral_anomaly.io.formats.envi import maps as envi
from napari_mineral_anomaly.io.formats.envi import spectra as spectrum_envi
from napari_mineral_anomaly.io.formats.hdf5 import maps as hdf5
from napari_mineral_anomaly.io.formats.hdf5 import spectra as spectrum_hdf5
from napari_mineral_anomaly.io.formats.hdf5.spectra import split_path
from napari_mineral_anomaly.io.formats.shared.planes import MapFile
from napari_mineral_anomaly.io.formats.text import matrix as text
from napari_mineral_anomaly.io.formats.tiff import maps as tiff
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_stores
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.energy import typed_energy

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


@dataclass(frozen=True)
class SpectrumReader:
    """One family of spectrum images.

    ``holds_spectra`` looks into files whose name does not tell; None where the suffix does.
    """

    title: str
    suffixes: tuple[str, ...]
    open_file: Callable[[Path], SpectrumImage]
    holds_spectra: Callable[[Path], bool] | None = None


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

SPECTRUM_READERS = (
    SpectrumReader(ripple.TITLE, ripple.SUFFIXES, ripple.open_file),
    SpectrumReader(
        "spectrum image of Bruker, JEOL or EDAX",
        vendors.SUFFIXES,
        vendors.open_file,
    ),
    SpectrumReader(
        spectrum_hdf5.TITLE,
        spectrum_hdf5.SUFFIXES,
        spectrum_hdf5.open_file,
        spectrum_hdf5.holds_spectra,
    ),
    SpectrumReader(
        spectrum_envi.TITLE,
        spectrum_envi.SUFFIXES,
        spectrum_envi.open_file,
        spectrum_envi.holds_spectra,
    ),
    SpectrumReader(
        spectrum_arrays.TITLE,
        spectrum_arrays.SUFFIXES,
        spectrum_arrays.open_file,
        spectrum_arrays.holds_spectra,
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
    return path.suffix.lower() not in NOT_READ and can_open_spectra(path)


def rank_of(path: Path) -> int:
    """Position of a file's reader among the readers; unread files come last."""
    return next((i for i, r in enumerate(READERS) if r.can_read(path)), len(READERS))


def kind_of(path: Path) -> str:
    """What a file without a reader is, in words."""
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return "a picture, not counts"
    return _SPECTRUM_IMAGES.get(suffix) or NOT_READ.get(suffix, "not a file of maps")


def spectrum_reader(path: Path) -> SpectrumReader | None:
    """The reader of a spectrum image; looks into files that may hold maps as well; never raises."""
    for reader in SPECTRUM_READERS:
        if path.suffix.lower() in reader.suffixes:
            is_one = reader.holds_spectra is None or reader.holds_spectra(path)
            return reader if is_one else None
    return None


def holds_spectra(path: Path) -> bool:
    """Whether a file is a spectrum image: by its name, or by its content where both may be."""
    return spectrum_reader(path) is not None


def can_open_spectra(source: str | Path) -> bool:
    """Whether a file is a spectrum image, or names a dataset in one (``file.h5::/path``)."""
    path, dataset = split_path(str(source))
    if not path.is_file():
        return False
    return path.suffix.lower() in spectrum_hdf5.SUFFIXES if dataset else holds_spectra(path)


def open_spectrum_image(
    source: str | Path, energy: Sequence[float] | None = None, dataset: str | None = None
) -> SpectrumImage:
    """Open a spectrum image; its spectra are read when they are asked for.

    Parameters
    ----------
    source : path
        A file, or ``file.h5::/path`` for a dataset in an HDF5 file.
    energy : (float, float), optional
        Energy of the first channel and width of a channel in keV; overrules the file.
    dataset : str, optional
        Which array of the file, where it holds several.

    Raises
    ------
    InputError
    """
    typed = typed_energy(energy)
    path, inside = split_path(str(source))
    inside = inside or (dataset or "").strip("/")
    if path.is_dir():
        raise InputError(
            f"{path.name} is a folder; spectra are read from HDF5, not from Zarr stores: "
            "save them as HDF5 or Ripple."
        )
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the spelling and the drive.")
    suffix = path.suffix.lower()
    if inside and suffix in spectrum_hdf5.SUFFIXES:
        image = spectrum_hdf5.open_file(path, inside)
    elif inside and suffix in spectrum_arrays.SUFFIXES:
        image = spectrum_arrays.open_file(path, inside)
    else:
        reader = next((one for one in SPECTRUM_READERS if suffix in one.suffixes), None)
        if reader is None:
            raise InputError(f"{path.name} is not a spectrum image that this version reads.")
        image = reader.open_file(path)
    return image if typed is None else image.with_energy(*typed)
