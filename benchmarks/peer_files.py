"""Maps written by the programs that our users come from, and what we read of them.

    python benchmarks/peer_files.py write FOLDER    where the peers are installed
    python benchmarks/peer_files.py read FOLDER     where this package is installed

The first needs hyperspy, rosettasciio with zarr below 3, fabio, PyMca5, pewlib, silx, rasterio,
opencv-python-headless, spectral, pillow, openpyxl and pandas; a peer that is missing is left out.
The second compares every number, the µm, the names and the missing pixels, and writes
docs/measured/peers.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[1] / "docs" / "measured" / "peers.md"
NAMES = ("Fe", "Ca", "Ti", "Zr", "Pb")
SHAPE = (11, 7)
UM = (25.0, 12.5)
# Of the missing pixels, where a format has them.
HOLE = (slice(2, 4), slice(3, 6))
Writer = Callable[[Path, np.ndarray], dict[str, Any]]


def counts() -> np.ndarray:
    """Maps (5, 11, 7) of whole numbers above 255."""
    return np.random.default_rng(1).integers(300, 60_000, (len(NAMES), *SHAPE)).astype(np.uint16)


def _signals(ending: str) -> Writer:
    def write(folder: Path, maps: np.ndarray) -> dict[str, Any]:
        import hyperspy.api as hs

        for name, plane in zip(NAMES, maps, strict=True):
            signal = hs.signals.Signal2D(plane)
            signal.metadata.General.title = name
            for axis, letter, step in zip(
                signal.axes_manager.signal_axes, "xy", UM[::-1], strict=True
            ):
                axis.name, axis.scale, axis.units = letter, step, "µm"
            signal.save(str(folder / f"{name}_Ka.{ending}"), overwrite=True)
        return {"um": UM, "names": [f"{name} Ka" for name in NAMES]}

    return write


def _fabio(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from fabio.edfimage import EdfImage

    image = EdfImage(data=maps[0], header={"Title": NAMES[0]})
    for name, plane in zip(NAMES[1:], maps[1:], strict=True):
        image.append_frame(data=plane, header={"Title": name})
    image.write(str(folder / "maps.edf"))
    return {"file": "maps.edf"}


def _pymca_edf(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from PyMca5.PyMca import ArraySave

    ArraySave.save2DArrayListAsEDF(list(maps), str(folder / "maps.edf"), labels=list(NAMES))
    return {"file": "maps.edf"}


def _pymca_csv(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from PyMca5.PyMca import ArraySave

    ArraySave.save2DArrayListAsASCII(
        list(maps), str(folder / "maps.csv"), labels=list(NAMES), csv=True, csvseparator=";"
    )
    return {"file": "maps.csv"}


def _pymca_tiff(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from PyMca5.PyMca import ArraySave

    ArraySave.save2DArrayListAsMonochromaticTiff(
        list(maps), str(folder / "maps.tif"), labels=list(NAMES), dtype=np.uint16
    )
    return {"file": "maps.tif"}


def _pewlib(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from pewlib import io
    from pewlib.config import Config
    from pewlib.laser import Laser

    data = np.zeros(SHAPE, dtype=[(name, float) for name in NAMES])
    for name, plane in zip(NAMES, maps, strict=True):
        data[name] = plane
    config = Config(spotsize=UM[0], speed=50.0, scantime=UM[1] / 50.0)
    io.npz.save(folder / "laser.npz", Laser(data, config=config, info={"Name": "scan"}))
    return {"file": "laser.npz", "um": UM, "dtype": "float64"}


def _silx(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from silx.io.dictdump import dicttoh5

    tree: dict[str, Any] = {("", "NX_class"): "NXdata", ("", "axes"): ["y", "x"]}
    tree |= {"y": UM[0] * np.arange(SHAPE[0]), "x": UM[1] * np.arange(SHAPE[1])}
    tree |= {("y", "units"): "um", ("x", "units"): "um", ("", "signal"): NAMES[0]}
    tree |= dict(zip(NAMES, maps, strict=True))
    dicttoh5({"entry": {"maps": tree}}, str(folder / "maps.h5"))
    return {"file": "maps.h5", "um": UM}


def _rasterio(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    import rasterio
    from rasterio.crs import CRS
    from rasterio.transform import Affine

    holed = maps.copy()
    holed[(slice(None), *HOLE)] = 65535
    step = Affine(UM[1] * 1e-6, 0, 0, 0, -UM[0] * 1e-6, 0)
    profile: dict[str, Any] = {"driver": "GTiff", "count": len(NAMES), "dtype": "uint16"}
    profile |= {"height": SHAPE[0], "width": SHAPE[1], "transform": step, "nodata": 65535}
    profile["crs"] = CRS.from_wkt('LOCAL_CS["section",UNIT["metre",1]]')
    with rasterio.open(folder / "maps.tif", "w", **profile) as file:
        file.write(holed)
        file.descriptions = NAMES
    return {"file": "maps.tif", "um": UM, "hole": True}


def _rasterio_asc(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    import rasterio
    from rasterio.transform import Affine

    for name, plane in zip(NAMES, maps.astype("int32"), strict=True):
        plane[HOLE] = -9999
        profile: dict[str, Any] = {"driver": "AAIGrid", "count": 1, "dtype": "int32"}
        profile |= {"height": SHAPE[0], "width": SHAPE[1], "nodata": -9999}
        profile["transform"] = Affine(20.0, 0, 0, 0, -20.0, 0)
        with rasterio.open(folder / f"{name}.asc", "w", **profile) as file:
            file.write(plane, 1)
    return {"hole": True}


def _opencv(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    import cv2

    for name, plane in zip(NAMES, maps, strict=True):
        cv2.imwrite(str(folder / f"{name}.png"), plane)
    return {}


def _pillow(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from PIL import Image

    for name, plane in zip(NAMES, maps, strict=True):
        Image.fromarray((plane >> 8).astype(np.uint8)).save(folder / f"{name}.png")
    return {"shift": 8, "dtype": "uint8"}


def _spectral(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    from spectral.io import envi

    envi.save_image(
        str(folder / "maps.hdr"),
        np.moveaxis(maps, 0, 2),
        dtype=np.uint16,
        metadata={"band names": list(NAMES)},
    )
    return {"file": "maps.hdr"}


def _pandas(folder: Path, maps: np.ndarray) -> dict[str, Any]:
    import pandas as pd

    rows, columns = np.indices(SHAPE)
    table = {"x (µm)": UM[1] * columns.ravel(), "y (µm)": UM[0] * rows.ravel()}
    table |= {name: plane.ravel() for name, plane in zip(NAMES, maps, strict=True)}
    pd.DataFrame(table).to_excel(folder / "maps.xlsx", index=False)
    return {"file": "maps.xlsx", "um": UM}


PEERS: tuple[tuple[str, str, str, Writer], ...] = (
    ("hyperspy", "HyperSpy", "`.hspy`", _signals("hspy")),
    ("hyperspy", "HyperSpy", "`.zspy`", _signals("zspy")),
    ("hyperspy", "HyperSpy", "`.emd`", _signals("emd")),
    ("hyperspy", "HyperSpy", "`.rpl`", _signals("rpl")),
    ("fabio", "fabio", "EDF, several images", _fabio),
    ("PyMca5", "PyMca", "EDF, several images", _pymca_edf),
    ("PyMca5", "PyMca", "CSV, a row per pixel", _pymca_csv),
    ("PyMca5", "PyMca", "TIFF", _pymca_tiff),
    ("pewlib", "pewlib", "`.npz`", _pewlib),
    ("silx", "silx", "HDF5, NXdata", _silx),
    ("rasterio", "GDAL through rasterio", "multi-band GeoTIFF", _rasterio),
    ("rasterio", "GDAL through rasterio", "`.asc` per element", _rasterio_asc),
    ("opencv-python-headless", "OpenCV", "PNG of 16 bits per element", _opencv),
    ("pillow", "Pillow", "PNG of 8 bits per element", _pillow),
    ("spectral", "Spectral Python", "ENVI", _spectral),
    ("pandas", "pandas with openpyxl", "`.xlsx`", _pandas),
)


def write(folder: Path) -> None:
    """Let every peer write its file, and keep what is in it."""
    told = []
    for i, (package, peer, form, writer) in enumerate(PEERS):
        place = folder / f"{i:02d}"
        place.mkdir(parents=True, exist_ok=True)
        try:
            row = {"version": version(package), **writer(place, counts())}
        except (ImportError, PackageNotFoundError) as error:
            print(f"{peer}: left out ({error})")
            continue
        told.append({"peer": peer, "form": form, "place": place.name, **row})
    (folder / "written.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def read(folder: Path) -> int:
    """Read every file, compare, and write the table; 1 where something differs."""
    head = ("written by", "version", "format", "opened", "values equal", "µm", "names", "missing")
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    failed = False
    for row in json.loads((folder / "written.json").read_text(encoding="utf-8")):
        cells = compared(folder, row)
        failed = failed or "**no**" in cells
        lines.append(f"| {' | '.join((row['peer'], row['version'], row['form'], *cells))} |")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return int(failed)


def compared(folder: Path, row: dict[str, Any]) -> tuple[str, ...]:
    """What is right of one file: opened, values, µm, names, missing."""
    from napari_mineral_anomaly import read_maps
    from napari_mineral_anomaly.errors import InputError

    expected = (counts() >> row.get("shift", 0)).astype(row.get("dtype", "uint16"))
    missing = np.zeros(expected.shape, bool)
    if row.get("hole"):
        missing[(slice(None), *HOLE)] = True
    try:
        cube = read_maps(folder / row["place"] / row.get("file", ""))
    except InputError as error:
        return "**no**", str(error), "", "", ""
    names = row.get("names", list(NAMES))
    is_named = sorted(cube.elements) == sorted(names)
    maps = np.asarray(cube.maps)[[cube.elements.index(name) for name in names]] if is_named else []
    is_equal = is_named and np.array_equal(np.asarray(maps)[~missing], expected[~missing])
    kept = is_named and (row.get("hole") or np.asarray(maps).dtype == expected.dtype)
    um = row.get("um")
    size = "not in the file" if um is None else _yes(cube.pixel_size == tuple(um))
    holes = _yes(is_named and np.array_equal(np.isnan(np.asarray(maps, float)), missing))
    return (
        "yes",
        _yes(is_equal and kept),
        size if um is not None or cube.pixel_size is None else "**no**",
        _yes(is_named),
        holes if row.get("hole") else "none" if holes == "yes" else "**no**",
    )


def _yes(is_right: object) -> str:
    return "yes" if is_right else "**no**"


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "read"):
        raise SystemExit(__doc__)
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        raise SystemExit(read(Path(sys.argv[2])))
