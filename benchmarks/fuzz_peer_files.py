"""Small good files in the formats of other programs, for `fuzz_readers.py` to damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

from fuzz_files import NAMES, SHAPE, Case, maps


def _pictures(ending: str, dtype: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        from PIL import Image

        for name, plane in zip(NAMES, maps(dtype), strict=True):
            Image.fromarray(plane).save(folder / f"{name}{ending}")
        return folder

    return make


def _excel_table(folder: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["row", "column", *NAMES])
    for row, column in np.ndindex(SHAPE):
        book.active.append([row, column, *maps()[:, row, column].tolist()])
    book.save(folder / "maps.xlsx")
    return folder / "maps.xlsx"


def _excel_sheets(folder: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, plane in zip(NAMES, maps(), strict=True):
        sheet = book.create_sheet(name)
        for row in plane.tolist():
            sheet.append(row)
    book.save(folder / "maps.xlsx")
    return folder / "maps.xlsx"


def _edf(folder: Path) -> Path:
    from fabio.edfimage import EdfImage

    for name, plane in zip(NAMES, maps(), strict=True):
        EdfImage(data=plane).write(str(folder / f"{name}.edf"))
    return folder


def _edf_stack(folder: Path) -> Path:
    from fabio.edfimage import EdfImage

    image = EdfImage(data=maps()[0], header={"Title": NAMES[0]})
    for name, plane in zip(NAMES[1:], maps()[1:], strict=True):
        image.append_frame(data=plane, header={"Title": name})
    image.write(str(folder / "maps.edf"))
    return folder / "maps.edf"


def _emd(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "Fe.emd", "w") as file:
        group = file.create_group("signals/Fe")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("data", data=maps()[0].T, compression="gzip", chunks=(20, 8))
        for i, name in enumerate("xy", start=1):
            group[f"dim{i}"] = [0.0, 20.0]
            group[f"dim{i}"].attrs.update({"name": name, "units": "[µ_m]"})
    return folder / "Fe.emd"


def _velox(folder: Path) -> Path:
    import h5py

    text = h5py.string_dtype()
    with h5py.File(folder / "maps.emd", "w") as file:
        for i, (name, plane) in enumerate(zip(NAMES, maps(), strict=True)):
            place = f"Data/Image/{i:032x}"
            file[f"{place}/Data"] = plane[:, :, None]
            size = {"PixelSize": {"width": "2e-5", "height": "2e-5"}, "PixelUnitX": "m"}
            told = json.dumps({"BinaryResult": size}).encode()
            file[f"{place}/Metadata"] = np.frombuffer(told, np.uint8)[:, None]
            shown = json.dumps({"dataPath": f"/{place}", "display": {"label": name}})
            file.create_dataset(f"Presentation/Displays/ImageDisplay/{i}", data=[shown], dtype=text)
    return folder / "maps.emd"


def _aztec(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "maps.h5oina", "w") as file:
        for key, value in (("Y Cells", SHAPE[0]), ("X Cells", SHAPE[1])):
            file[f"1/EDS/Header/{key}"] = np.array([value], np.int32)
        for key in ("X Step", "Y Step"):
            file[f"1/EDS/Header/{key}"] = np.array([20.0], np.float32)
        for name, plane in zip(NAMES, maps("float32"), strict=True):
            file[f"1/EDS/Data/Window Integral/{name} Ka1"] = plane.ravel()
    return folder / "maps.h5oina"


def _xrm(folder: Path) -> Path:
    import h5py

    rows, columns = np.indices(SHAPE)
    with h5py.File(folder / "maps.h5", "w") as file:
        file["xrmmap/positions/pos"] = np.stack([0.02 * columns, 0.02 * rows], axis=2)
        file["xrmmap/positions/name"] = np.array([b"fine x", b"fine y"])
        for name, plane in zip(NAMES, maps("uint32"), strict=True):
            for kind in ("raw", "cor"):
                file.create_dataset(
                    f"xrmmap/roimap/mcasum/{name} Ka/{kind}", data=plane, compression="gzip"
                )
    return folder / "maps.h5"


def _zspy(folder: Path) -> Path:
    import zarr

    group = zarr.open_group(str(folder / "Fe.zspy"), mode="w", zarr_format=2)
    signal = group.create_group("Experiments/Fe")
    signal.create_array("data", data=maps()[0], chunks=SHAPE)
    for i, name in enumerate("yx"):
        axis = {"name": name, "units": "µm", "scale": 20.0, "navigate": False}
        signal.create_group(f"axis-{i}").attrs.update(axis)
    return folder / "Fe.zspy"


def _ome_parts(folder: Path) -> Path:
    blocks = "".join(
        f'<TiffData FirstC="{c}" IFD="0" PlaneCount="1"><UUID FileName="part{c}.ome.tif">'
        f"urn:uuid:{c}</UUID></TiffData>"
        for c in range(len(NAMES))
    )
    channels = "".join(f'<Channel ID="Channel:0:{c}" Name="{n}"/>' for c, n in enumerate(NAMES))
    for c, plane in enumerate(maps()):
        text = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{c}"><Image ID="Image:0"><Pixels ID="Pixels:0" Type="uint16" '
            f'DimensionOrder="XYCZT" SizeX="{SHAPE[1]}" SizeY="{SHAPE[0]}" SizeC="{len(NAMES)}" '
            f'SizeZ="1" SizeT="1">{channels}{blocks}</Pixels></Image></OME>'
        )
        path = folder / f"part{c}.ome.tif"
        tifffile.imwrite(path, plane, description=text.encode(), metadata=None)
    return folder


PEER_CASES = {
    "png-16": Case("picture", _pictures(".png", "uint16"), ("Fe.png",), ("Fe.png",)),
    "png-8": Case("picture", _pictures(".png", "uint8"), ("Fe.png",), ("Fe.png",)),
    "jpeg": Case("picture", _pictures(".jpg", "uint8"), ("Fe.jpg",)),
    "bmp": Case("picture", _pictures(".bmp", "uint8"), ("Fe.bmp",), ("Fe.bmp",)),
    "xlsx-table": Case("Excel", _excel_table, ("maps.xlsx",), ("maps.xlsx",), share=0.2),
    "xlsx-sheets": Case("Excel", _excel_sheets, ("maps.xlsx",), ("maps.xlsx",), share=0.2),
    "edf": Case("EDF", _edf, ("Fe.edf",), ("Fe.edf",)),
    "edf-stack": Case("EDF", _edf_stack, ("maps.edf",), ("maps.edf",)),
    "emd": Case("HDF5", _emd, ("Fe.emd",), ("Fe.emd",)),
    "velox": Case("HDF5", _velox, ("maps.emd",), ("maps.emd",)),
    "aztec": Case("HDF5", _aztec, ("maps.h5oina",), ("maps.h5oina",)),
    "xrm": Case("HDF5", _xrm, ("maps.h5",), ("maps.h5",)),
    "zspy": Case(
        "Zarr",
        _zspy,
        ("Fe.zspy/Experiments/Fe/data/.zarray", "Fe.zspy/Experiments/Fe/data/0.0"),
        ("Fe.zspy/Experiments/Fe/data/0.0",),
    ),
    "ome-parts": Case("TIFF", _ome_parts, ("part1.ome.tif",), ("part1.ome.tif",)),
}
