"""Which files are spectrum images, and which reader opens them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import ArrayLike

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats import ripple, vendors
from napari_mineral_anomaly.io.formats.arrays import spectra as spectrum_arrays
from napari_mineral_anomaly.io.formats.envi import spectra as spectrum_envi
from napari_mineral_anomaly.io.formats.hdf5 import spectra as spectrum_hdf5
from napari_mineral_anomaly.io.formats.hdf5.spectra import split_path
from napari_mineral_anomaly.io.reading.spectra import maps_of_spectra
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback
from napari_mineral_anomaly.scan.cube import ElementCube, Quantity
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.energy import typed_energy


@dataclass(frozen=True)
class SpectrumReader:
    """One family of spectrum images.

    ``holds_spectra`` looks into files whose name does not tell; None where the suffix does.
    """

    title: str
    suffixes: tuple[str, ...]
    open_file: Callable[[Path], SpectrumImage]
    holds_spectra: Callable[[Path], bool] | None = None


READERS = (
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


def spectrum_reader(path: Path) -> SpectrumReader | None:
    """The reader of a spectrum image; looks into files that may hold maps as well; never raises."""
    for reader in READERS:
        if path.suffix.lower() in reader.suffixes:
            is_one = reader.holds_spectra is None or reader.holds_spectra(path)
            return reader if is_one else None
    return None


def can_read(path: Path) -> bool:
    """Whether a file is a spectrum image: by its name, or by its content where both may be."""
    return spectrum_reader(path) is not None


def is_spectrum_image(source: str | Path) -> bool:
    """Whether a file is a spectrum image, or names a dataset in one (``file.h5::/path``)."""
    path, dataset = split_path(str(source))
    if not path.is_file():
        return False
    return path.suffix.lower() in spectrum_hdf5.SUFFIXES if dataset else can_read(path)


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
        reader = next((one for one in READERS if suffix in one.suffixes), None)
        if reader is None:
            raise InputError(f"{path.name} is not a spectrum image that this version reads.")
        image = reader.open_file(path)
    return image if typed is None else image.with_energy(*typed)


def read_element_maps(
    path: Path,
    *,
    dataset: str | None = None,
    energy: Sequence[float] | None = None,
    elements: Sequence[str] | None = None,
    pixel_size: float | Sequence[float] | None = None,
    valid: ArrayLike | str | Path | None = None,
    quantity: Quantity | None = None,
    spot_size: float | None = None,
    on_event: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> ElementCube:
    """Make element maps of a spectrum image; the parameters are those of `read_maps`.

    Raises
    ------
    InputError
    CancelledError
    """
    image = open_spectrum_image(path, energy, dataset)
    return maps_of_spectra(
        image,
        elements,
        calibration_source="the file" if energy is None else "typed by the user",
        pixel_size=pixel_size,
        valid=valid,
        quantity=quantity,
        spot_size=spot_size,
        on_event=on_event,
        cancel=cancel,
    )
