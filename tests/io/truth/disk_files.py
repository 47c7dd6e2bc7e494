"""Small scans of every format that is read, with two sets of numbers: before and after a change."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

NAMES = ("Ca", "Fe", "Ti")
H, W, E = 24, 20, 256
ENERGY = (0.0, 0.05)
_SCANS = (".tif", ".npy", ".npz", ".mat", ".h5", ".hdr", ".rpl", ".spd", ".zarr")


def planes(seed: int) -> NDArray[np.uint16]:
    """Maps (3, H, W) without a repeated row."""
    return np.random.default_rng(seed).integers(1, 4000, (3, H, W)).astype(np.uint16)


def spectra(seed: int) -> NDArray[np.uint16]:
    """Spectra (H, W, E) with peaks of Ca, Ti and Fe on a continuum."""
    rng = np.random.default_rng(seed)
    kev = ENERGY[1] * np.arange(E)
    peaks = [np.exp(-0.5 * ((kev - line) / 0.07) ** 2) for line in (3.69, 4.51, 6.40)]
    amounts = rng.uniform(5, 60, (H, W, 3))
    return rng.poisson(amounts @ np.array(peaks) + 1.0).astype(np.uint16)


@dataclass(frozen=True)
class Format:
    """One way to keep a scan.

    Attributes
    ----------
    write : callable
        Writes the scan with the numbers of a seed into a folder; returns the path for `read_maps`.
    damaged : str
        Glob pattern of the files that are changed while they are read.
    is_spectra : bool
    needs_energy : bool
        Whether the calibration must be typed.
    """

    write: Callable[[Path, int], Path]
    damaged: str
    is_spectra: bool = False
    needs_energy: bool = False

    def path(self, folder: Path) -> Path:
        """What `write` returned for a folder."""
        scans = [one for one in folder.iterdir() if one.suffix in _SCANS and one.name != "scan.raw"]
        return scans[0] if scans and scans[0].stem == "scan" else folder

    def options(self) -> dict[str, Any]:
        """The arguments of `read_maps`."""
        return ({"energy": ENERGY} if self.needs_energy else {}) | (
            {"elements": NAMES} if self.is_spectra else {}
        )


def _tiffs(**options: Any) -> Callable[[Path, int], Path]:
    def write(folder: Path, seed: int) -> Path:
        for name, plane in zip(NAMES, planes(seed), strict=True):
            tifffile.imwrite(folder / f"{name}.tif", plane, **options)
        return folder

    return write


def _stack(**options: Any) -> Callable[[Path, int], Path]:
    def write(folder: Path, seed: int) -> Path:
        path = folder / "scan.tif"
        labels = {"imagej": True, "metadata": {"axes": "CYX", "Labels": list(NAMES)}}
        with_labels = {"photometric": "minisblack"} | (options or labels)
        tifffile.imwrite(path, planes(seed), **with_labels)
        return path

    return write


def _text(folder: Path, seed: int) -> Path:
    for name, plane in zip(NAMES, planes(seed), strict=True):
        np.savetxt(folder / f"{name}.csv", plane, fmt="%d", delimiter=",")
    return folder


def _gz(folder: Path, seed: int) -> Path:
    for name, plane in zip(NAMES, planes(seed), strict=True):
        rows = "\n".join(",".join(map(str, row)) for row in plane)
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(rows.encode()))
    return folder


def _npys(folder: Path, seed: int) -> Path:
    for name, plane in zip(NAMES, planes(seed), strict=True):
        np.save(folder / f"{name}.npy", plane)
    return folder


def _npy_stack(folder: Path, seed: int) -> Path:
    np.save(folder / "scan.npy", planes(seed))
    (folder / "scan.json").write_text(json.dumps(list(NAMES)), "utf-8")
    return folder / "scan.npy"


def _npz(folder: Path, seed: int) -> Path:
    np.savez_compressed(folder / "scan.npz", **dict(zip(NAMES, planes(seed), strict=True)))
    return folder / "scan.npz"


def _mat5(folder: Path, seed: int) -> Path:
    from scipy.io import savemat

    maps: Mapping[str, Any] = dict(zip(NAMES, planes(seed), strict=True))
    savemat(folder / "scan.mat", maps, do_compression=True)
    return folder / "scan.mat"


def _mat73(folder: Path, seed: int) -> Path:
    with h5py.File(folder / "scan.mat", "w", userblock_size=512) as file:
        for name, plane in zip(NAMES, planes(seed), strict=True):
            file[name] = plane.T
    return folder / "scan.mat"


def _h5_maps(folder: Path, seed: int) -> Path:
    with h5py.File(folder / "scan.h5", "w") as file:
        file["MAPS/XRF_roi"] = planes(seed)
        file["MAPS/channel_names"] = np.array(NAMES, dtype="S4")
    return folder / "scan.h5"


def _h5_spectra(folder: Path, seed: int) -> Path:
    with h5py.File(folder / "scan.h5", "w") as file:
        file["MAPS/mca_arr"] = spectra(seed).transpose(2, 0, 1)
        file["MAPS/energy"] = ENERGY[1] * np.arange(E)
    return folder / "scan.h5"


def _envi(numbers: NDArray[Any], **fields: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        header = {"samples": W, "lines": H, "bands": len(numbers), "data type": 12} | fields
        lines = [f"{key} = {value}\n" for key, value in header.items()]
        (folder / "scan.hdr").write_text("ENVI\ninterleave = bsq\n" + "".join(lines), "ascii")
        (folder / "scan.raw").write_bytes(numbers.astype("<u2").tobytes())
        return folder / "scan.hdr"

    return write


def _envi_maps(folder: Path, seed: int) -> Path:
    return _envi(planes(seed), **{"band names": "{Ca, Fe, Ti}"})(folder)


def _envi_spectra(folder: Path, seed: int) -> Path:
    energies = ", ".join(f"{ENERGY[1] * i:.3f}" for i in range(E))
    fields = {"wavelength units": "keV", "wavelength": "{" + energies + "}"}
    return _envi(spectra(seed).transpose(2, 0, 1), **fields)(folder)


def _ripple(folder: Path, seed: int) -> Path:
    header = {"width": W, "height": H, "depth": E, "offset": 0, "data-length": 2}
    words = {"data-type": "unsigned", "byte-order": "little-endian", "record-by": "vector"}
    scale = {"depth-scale": ENERGY[1], "depth-origin": 0, "depth-units": "keV"}
    lines = [f"{key}\t{value}\n" for key, value in (header | words | scale).items()]
    (folder / "scan.rpl").write_text("".join(lines), "ascii")
    (folder / "scan.raw").write_bytes(spectra(seed).astype("<u2").tobytes())
    return folder / "scan.rpl"


def _npy_spectra(folder: Path, seed: int) -> Path:
    np.save(folder / "scan.npy", spectra(seed))
    return folder / "scan.npy"


def _npz_spectra(folder: Path, seed: int) -> Path:
    energies = ENERGY[1] * np.arange(E)
    np.savez_compressed(folder / "scan.npz", counts=spectra(seed), energy=energies)
    return folder / "scan.npz"


def _edax(folder: Path, seed: int) -> Path:
    head = struct.pack("<16s7I", b"MAPSPECTRA_DATA", 1, H * W, W, H, E, 2, 2048)
    body = spectra(seed).astype("<u2").tobytes()
    (folder / "scan.spd").write_bytes(head.ljust(2048, b"\0") + body)
    return folder / "scan.spd"


def _zarr(version: int) -> Callable[[Path, int], Path]:
    def write(folder: Path, seed: int) -> Path:
        import zarr

        path = folder / "scan.zarr"
        array = zarr.create_array(
            str(path), shape=(3, H, W), chunks=(1, 12, 10), dtype="u2", zarr_format=version
        )
        array[...] = planes(seed)
        array.attrs["elements"] = list(NAMES)
        return path

    return write


FORMATS = {
    "TIFF": Format(_tiffs(), "Fe.tif"),
    "TIFF deflate": Format(_tiffs(compression="zlib"), "Fe.tif"),
    "TIFF tiled": Format(_tiffs(compression="zlib", tile=(16, 16)), "Fe.tif"),
    "BigTIFF": Format(_tiffs(bigtiff=True), "Fe.tif"),
    "ImageJ stack": Format(_stack(), "scan.tif"),
    "text": Format(_text, "Fe.csv"),
    "gz": Format(_gz, "Fe.csv.gz"),
    "npy maps": Format(_npys, "Fe.npy"),
    "npy stack": Format(_npy_stack, "scan.npy"),
    "npz": Format(_npz, "scan.npz"),
    "mat 5": Format(_mat5, "scan.mat"),
    "mat 7.3": Format(_mat73, "scan.mat"),
    "HDF5 maps": Format(_h5_maps, "scan.h5"),
    "ENVI maps": Format(_envi_maps, "scan.raw"),
    "Zarr 2": Format(_zarr(2), "1.*"),
    "Zarr 3": Format(_zarr(3), "c/1/*/*"),
    "HDF5 spectra": Format(_h5_spectra, "scan.h5", True),
    "ENVI spectra": Format(_envi_spectra, "scan.raw", True),
    "Ripple": Format(_ripple, "scan.raw", True),
    "npy spectra": Format(_npy_spectra, "scan.npy", True, True),
    "npz spectra": Format(_npz_spectra, "scan.npz", True),
    "EDAX": Format(_edax, "scan.spd", True, True),
}
