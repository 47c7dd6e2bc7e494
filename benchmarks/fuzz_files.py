"""Small good files of every format that is read, for `fuzz_readers.py` to damage."""

from __future__ import annotations

import gzip
import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

SHAPE = (24, 20)
NAMES = ("Fe", "Si", "Ca")


@dataclass(frozen=True)
class Case:
    """A good file, or folder, of one format.

    Attributes
    ----------
    reader : str
        The family of readers, for the table.
    make : callable
        Writes it into an empty folder; returns the path for `read_maps`.
    damage : tuple of str
        Names of the files in the folder; one of them is damaged at a time.
    must_refuse_cut : tuple of str
        Those of them that declare their size, so that a file cut short must be refused.
    share : float
        Number of files, as a share of that of other cases; below 1 for readers that compute. Below
        `fuzz_readers.TRACED`, where a good file takes seconds, memory is limited only by the
        address space.
    energy : (float, float), optional
        The energy calibration that a user would type, in keV.
    """

    reader: str
    make: Callable[[Path], Path]
    damage: tuple[str, ...]
    must_refuse_cut: tuple[str, ...] = ()
    share: float = 1.0
    energy: tuple[float, float] | None = None


def maps(dtype: str = "uint16") -> np.ndarray:
    """Maps (3, 24, 20) without a repeated row, so that every loss is noticed."""
    values = np.random.default_rng(5).integers(1, 200, size=(len(NAMES), *SHAPE))
    return values.astype(dtype)


def _tiff(name: str, dtype: str = "uint16", **options: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / name, maps(dtype), photometric="minisblack", **options)
        return folder / name

    return make


def _tiff_folder(folder: Path) -> Path:
    for name, plane in zip(NAMES, maps("float32"), strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    return folder


def _ours(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        from napari_mineral_anomaly.io.writing.tables import write_pixels
        from napari_mineral_anomaly.io.writing.tiff import write_imagej, write_ome
        from napari_mineral_anomaly.io.writing.zarr import write_ome_zarr

        path = folder / name
        dtype = "uint32" if name.endswith(".ome.tif") else "uint16"
        write = {".csv": write_pixels, ".zarr": write_ome_zarr}.get(path.suffix)
        write = write or (write_ome if name.endswith(".ome.tif") else write_imagej)
        write(path, maps(dtype), NAMES, (20.0, 25.0))
        return path

    return make


def _matrices(ending: str, separator: str, pack: bool = False) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for name, plane in zip(NAMES, maps(), strict=True):
            text = "\n".join(separator.join(map(str, row)) for row in plane) + "\n"
            data = gzip.compress(text.encode(), mtime=0) if pack else text.encode()
            (folder / f"{name}{ending}").write_bytes(data)
        return folder

    return make


def _pymca(folder: Path) -> Path:
    lines = ['"row";"column";"Fe-K";"s(Fe-K)";"Ca-K"']
    iron, _, calcium = maps()
    for (row, column), value in np.ndenumerate(iron):
        lines.append(f"{row};{column};{value};{value / 10:.3f};{calcium[row, column]}")
    (folder / "fit.csv").write_text("\n".join(lines) + "\n")
    return folder / "fit.csv"


def _calcimage(folder: Path) -> Path:
    rows, columns = SHAPE
    names = ("NK", "X", "Y", "NX", "NY", "NXY", "FeO WT%", "SiO2 WT%", "CaO WT%", "Total")
    lines = [
        "\t".join(map(str, (columns, rows, rows * columns, len(names)))),
        "\t".join(f'"{name}"' for name in names),
    ]
    planes = maps()
    for number, (row, column) in enumerate(np.ndindex(SHAPE), 1):
        values = planes[:, row, column] / 4
        place = (f"{0.005 * column:.4f}", f"{28.8 + 0.005 * row:.4f}", column + 1, row + 1, number)
        lines.append("\t".join(map(str, (0, *place, *values, values.sum()))))
    (folder / "maps.DAT").write_text("\n".join(lines) + "\n")
    return folder / "maps.DAT"


def _mat(folder: Path) -> Path:
    from scipy.io import savemat

    savemat(folder / "scene.mat", {"data": np.moveaxis(maps(), 0, 2), "map": maps()[0] > 190})
    return folder / "scene.mat"


def _mat_packed(folder: Path) -> Path:
    from scipy.io import savemat

    savemat(folder / "scene.mat", {"data": np.moveaxis(maps(), 0, 2)}, do_compression=True)
    return folder / "scene.mat"


def _mat73(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "scene.mat", "w", userblock_size=512) as file:
        file["data"] = maps()
    return folder / "scene.mat"


def _hdf5(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "maps.h5", "w") as file:
        for name, plane in zip(NAMES, maps(), strict=True):
            file.create_dataset(f"maps/{name}", data=plane, compression="gzip", chunks=(8, 20))
    return folder / "maps.h5"


def _xrf_maps(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "maps.h5", "w") as file:
        group = file.create_group("MAPS/XRF_Analyzed/NNLS")
        group["Counts_Per_Sec"] = maps("float32")
        group["Channel_Names"] = np.array(NAMES, dtype="S")
    return folder / "maps.h5"


def _npy(folder: Path) -> Path:
    for name, plane in zip(NAMES, maps(), strict=True):
        np.save(folder / f"{name}.npy", plane)
    return folder


def _npz(folder: Path) -> Path:
    planes = dict(zip(NAMES, maps(), strict=True))
    np.savez_compressed(folder / "maps.npz", **planes)
    return folder / "maps.npz"


def _envi(folder: Path) -> Path:
    rows, columns = SHAPE
    maps().tofile(folder / "maps.img")
    (folder / "maps.hdr").write_text(
        f"ENVI\nsamples = {columns}\nlines = {rows}\nbands = 3\nheader offset = 0\n"
        "data type = 12\ninterleave = bsq\nbyte order = 0\nband names = {Fe, Si, Ca}\n"
    )
    return folder / "maps.hdr"


def spectra() -> np.ndarray:
    """Spectra (6, 5, 1024) of 10 eV per channel with the K lines of calcium and iron."""
    lines = {369: 400, 401: 50, 640: 300, 706: 40}
    channels = np.arange(1024)
    spectrum = sum(n * np.exp(-0.5 * ((channels - at) / 6.0) ** 2) for at, n in lines.items())
    return np.random.default_rng(5).poisson(spectrum + 2.0, size=(6, 5, 1024)).astype("<u2")


def _ripple(folder: Path) -> Path:
    spectra().tofile(folder / "scan.raw")
    header = {
        "key": "value",
        "width": 5,
        "height": 6,
        "depth": 1024,
        "offset": 0,
        "data-length": 2,
        "data-type": "unsigned",
        "byte-order": "little-endian",
        "record-by": "vector",
        "ev-per-chan": 10,
    }
    text = "\r\n".join(f"{key}\t{value}" for key, value in header.items())
    (folder / "scan.rpl").write_text(text + "\r\n")
    return folder / "scan.rpl"


def _envi_spectra(folder: Path) -> Path:
    spectra().tofile(folder / "scan.dat")
    wavelengths = ", ".join(f"{0.01 * channel:.2f}" for channel in range(1024))
    (folder / "scan.hdr").write_text(
        "ENVI\nsamples = 5\nlines = 6\nbands = 1024\nheader offset = 0\ndata type = 12\n"
        "interleave = bip\nbyte order = 0\nwavelength units = keV\n"
        f"wavelength = {{{wavelengths}}}\n"
    )
    return folder / "scan.hdr"


def _hdf5_spectra(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "scan.h5", "w") as file:
        counts = np.moveaxis(spectra(), 2, 0)
        file.create_dataset("MAPS/mca_arr", data=counts, compression="gzip", chunks=(256, 6, 5))
        file["MAPS/energy"] = 0.01 * np.arange(1024)
    return folder / "scan.h5"


def _numpy_spectra(folder: Path) -> Path:
    np.savez_compressed(folder / "scan.npz", counts=spectra(), energy=0.01 * np.arange(1024))
    return folder / "scan.npz"


def _edax(folder: Path) -> Path:
    counts = spectra()
    rows, columns, depth = counts.shape
    head = struct.pack(
        "<16s7I", b"MAPSPECTRA_DATA", 1, rows * columns, columns, rows, depth, 2, 2048
    )
    (folder / "scan.spd").write_bytes(head.ljust(2048, b"\0") + counts.tobytes())
    return folder / "scan.spd"


def _bruker(folder: Path) -> Path:
    source = Path(os.environ["MINERAL_ANOMALY_DATA"], "cubes", "chevkinite_30x30.bcf")
    (folder / "scan.bcf").write_bytes(source.read_bytes())
    return folder / "scan.bcf"


def _zarr3(folder: Path) -> Path:
    import zarr

    array = zarr.create_array(str(folder / "maps.zarr"), data=maps(), chunks=(1, 24, 20))
    array.attrs["elements"] = list(NAMES)
    return folder / "maps.zarr"


def _npy_stack(folder: Path) -> Path:
    np.save(folder / "maps.npy", maps())
    (folder / "maps.json").write_text(json.dumps({"elements": NAMES, "pixel_size_um": 20}))
    return folder / "maps.npy"


def _npy_spectra(folder: Path) -> Path:
    np.save(folder / "scan.npy", spectra())
    return folder / "scan.npy"


def _envi_declared(folder: Path) -> Path:
    path = _envi(folder)
    declared = (
        "data ignore value = 7\ndata gain values = {2, 2, 2}\ndata offset values = {1, 1, 1}\n"
    )
    path.write_text(path.read_text() + declared + "pixel size = {20, 20, units=micrometers}\n")
    return path


def _hdf5_packed(folder: Path) -> Path:
    import h5py

    path = _hdf5(folder)
    with h5py.File(path, "r+") as file:
        for name in NAMES:
            packed = {"_FillValue": np.uint16(7), "scale_factor": 0.5, "add_offset": 1.0}
            file[f"maps/{name}"].attrs.update(packed)
    return path


def _gdal(folder: Path) -> Path:
    for name, plane in zip(NAMES, maps(), strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane, extratags=[(42113, "s", 0, "7", True)])
    return folder


def _calibrated(folder: Path) -> Path:
    metadata = {"axes": "CYX", "Labels": list(NAMES), "cf": 0, "c0": -0.5, "c1": 0.25}
    tifffile.imwrite(folder / "maps.tif", maps(), imagej=True, metadata=metadata)
    return folder / "maps.tif"


def _utf16(folder: Path) -> Path:
    for name, plane in zip(NAMES, maps(), strict=True):
        text = "\n".join("\t".join(map(str, row)) for row in plane) + "\n"
        (folder / f"{name}.txt").write_bytes(text.encode("utf-16"))
    return folder


CASES = {
    "tiff": Case("TIFF", _tiff_folder, ("Fe.tif",), ("Fe.tif",)),
    "imagej": Case("TIFF", _ours("maps.tif"), ("maps.tif",), ("maps.tif",)),
    "ome": Case("TIFF", _ours("maps.ome.tif"), ("maps.ome.tif",), ("maps.ome.tif",)),
    "shaped": Case("TIFF", _tiff("maps.tif"), ("maps.tif",), ("maps.tif",)),
    "tiled": Case(
        "TIFF",
        _tiff("maps.tif", tile=(16, 16), compression="zlib", bigtiff=True),
        ("maps.tif",),
        ("maps.tif",),
    ),
    "big-endian": Case(
        "TIFF",
        _tiff("maps.tif", "int32", byteorder=">", rowsperstrip=5),
        ("maps.tif",),
        ("maps.tif",),
    ),
    "comma": Case("text matrix", _matrices(".csv", ", "), ("Fe.csv",), ("Fe.csv",)),
    "tab": Case("text matrix", _matrices(".txt", "\t"), ("Fe.txt",), ("Fe.txt",)),
    "gzip": Case("text matrix", _matrices(".txt.gz", " ", True), ("Fe.txt.gz",), ("Fe.txt.gz",)),
    "pymca": Case("long table", _pymca, ("fit.csv",), ("fit.csv",)),
    "pixels": Case("long table", _ours("maps.csv"), ("maps.csv",), ("maps.csv",)),
    "calcimage": Case("long table", _calcimage, ("maps.DAT",), ("maps.DAT",)),
    "mat5": Case("MATLAB 5", _mat, ("scene.mat",), ("scene.mat",)),
    "mat5-packed": Case("MATLAB 5", _mat_packed, ("scene.mat",), ("scene.mat",)),
    "mat73": Case("MATLAB 7.3", _mat73, ("scene.mat",), ("scene.mat",)),
    "hdf5": Case("HDF5", _hdf5, ("maps.h5",), ("maps.h5",)),
    "xrf-maps": Case("HDF5", _xrf_maps, ("maps.h5",), ("maps.h5",)),
    "npy": Case("numpy", _npy, ("Fe.npy",), ("Fe.npy",)),
    "npy-stack": Case("numpy", _npy_stack, ("maps.npy", "maps.json"), ("maps.npy",)),
    "npy-spectra": Case(
        "numpy", _npy_spectra, ("scan.npy",), ("scan.npy",), share=0.2, energy=(0.0, 0.01)
    ),
    "gdal": Case("TIFF", _gdal, ("Fe.tif",), ("Fe.tif",)),
    "calibrated": Case("TIFF", _calibrated, ("maps.tif",), ("maps.tif",)),
    "utf-16": Case("text matrix", _utf16, ("Fe.txt",), ("Fe.txt",)),
    "hdf5-packed": Case("HDF5", _hdf5_packed, ("maps.h5",), ("maps.h5",)),
    "envi-declared": Case("ENVI", _envi_declared, ("maps.hdr", "maps.img"), ("maps.img",)),
    "npz": Case("numpy", _npz, ("maps.npz",), ("maps.npz",)),
    "envi": Case("ENVI", _envi, ("maps.hdr", "maps.img"), ("maps.img",)),
    "ripple": Case("Ripple", _ripple, ("scan.rpl", "scan.raw"), ("scan.raw",), share=0.2),
    "envi-spectra": Case("ENVI", _envi_spectra, ("scan.hdr", "scan.dat"), ("scan.dat",), share=0.2),
    "hdf5-spectra": Case("HDF5", _hdf5_spectra, ("scan.h5",), ("scan.h5",), share=0.2),
    "npz-spectra": Case("numpy", _numpy_spectra, ("scan.npz",), ("scan.npz",), share=0.2),
    "edax": Case("EDAX", _edax, ("scan.spd",), ("scan.spd",), share=0.2, energy=(0.0, 0.01)),
    "bruker": Case("Bruker", _bruker, ("scan.bcf",), ("scan.bcf",), share=0.02),
    "ome-zarr": Case(
        "Zarr",
        _ours("maps.ome.zarr"),
        ("maps.ome.zarr/.zattrs", "maps.ome.zarr/0/.zarray", "maps.ome.zarr/0/1/0/0"),
        ("maps.ome.zarr/0/1/0/0",),
    ),
    "zarr3": Case(
        "Zarr", _zarr3, ("maps.zarr/zarr.json", "maps.zarr/c/1/0/0"), ("maps.zarr/c/1/0/0",)
    ),
}
