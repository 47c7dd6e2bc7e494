"""Export of single results: plan which files to write, then write them.

A `Product` is one result with its numbers. `plan_files` lists the files that products become in
the chosen formats, with their sizes and notes for the user. `write_files` writes them; each file
appears complete or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.spreadsheets import PLAIN, Dialect
from napari_mineral_anomaly.io.writing.atomic import (
    atomic_folder,
    atomic_path,
    require_not_an_input,
)
from napari_mineral_anomaly.io.writing.file_names import safe_file_names
from napari_mineral_anomaly.io.writing.tables import write_grains, write_pixels
from napari_mineral_anomaly.io.writing.tiff import (
    not_for_imagej,
    storable,
    write_imagej,
    write_ome,
)
from napari_mineral_anomaly.io.writing.world import world_files_of, write_world_file
from napari_mineral_anomaly.io.writing.zarr import Shrink, write_ome_zarr
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.runs.outlines import write_outlines
from napari_mineral_anomaly.runs.report.map_style import MapStyle

Format = Literal["ome", "imagej", "folder", "png", "csv", "zarr", "qupath", "qgis"]

# What each format is for, in the order in which the formats are offered.
FORMATS: dict[Format, str] = {
    "ome": "OME-TIFF: napari, QuPath, Fiji (Bio-Formats); every number type, µm, names",
    "imagej": "ImageJ TIFF: Fiji opens it without a dialogue; µm and names",
    "folder": "A folder with one TIFF per element, named after the element",
    "png": "Picture with colour bar and scale bar, to look at",
    "csv": "Table with a line per pixel and a column per map",
    "zarr": "OME-Zarr: napari and Python, for scans larger than memory",
    "qupath": "Outlines as GeoJSON for QuPath, in pixels, with verdicts as classes",
    "qgis": "Outlines as GeoJSON for QGIS, in the µm of the world files",
}
_TIFF = {"ome": ".ome.tif", "imagej": ".tif"}
_OUTLINES = {"qupath": "_qupath.geojson", "qgis": "_qgis.geojson"}
_ENDINGS = {
    **_TIFF,
    **_OUTLINES,
    "folder": "",
    "png": ".png",
    "csv": ".csv",
    "zarr": ".ome.zarr",
}


@dataclass(frozen=True, eq=False)
class Product:
    """One result to export.

    Attributes
    ----------
    stem : str
        Name of its files without ending.
    title : str
        For the user.
    planes : (C, H, W), numpy or lazy, or None
        None for the table of grains.
    names : tuple of str
        One per plane.
    pixel_size : (y, x) in µm or None
    style : MapStyle
        How a picture shows it.
    table : DataFrame or callable returning one, optional
        The grains, for the product that is a table; a callable is called when it is written.
    labels : (H, W) or callable returning it, optional
        The pixels of these grains by their ids, for their outlines.
    is_stack : bool
        Whether the planes are a stack with a channel axis, one plane per element or the like; a
        single image has no channel axis.
    shrink : Shrink
        How the smaller levels of an OME-Zarr are made.
    """

    stem: str
    title: str
    planes: Any = None
    names: tuple[str, ...] = ()
    pixel_size: tuple[float, float] | None = None
    style: MapStyle | None = None
    table: pd.DataFrame | Callable[[], pd.DataFrame] | None = None
    labels: NDArray[Any] | Callable[[], NDArray[Any]] | None = None
    is_stack: bool = False
    shrink: Shrink = "mean"


@dataclass(frozen=True, eq=False)
class PlannedFile:
    """One file, or folder, that an export will write.

    Attributes
    ----------
    name : str
        Below the chosen folder.
    product : Product
    format : str
        The format that will be written; where it is not the chosen format, ``note`` says why.
    n_bytes : int
        Expected size.
    note : str
        Something that the user should know, or "".
    dialect : Dialect
        Of a CSV file.
    """

    name: str
    product: Product
    format: Format
    n_bytes: int
    note: str = ""
    dialect: Dialect = PLAIN


def plan_files(
    choices: Iterable[tuple[Product, Format]], dialect: Dialect = PLAIN
) -> list[PlannedFile]:
    """The files to write for pairs of product and format; equal file names are planned once.

    ``dialect`` is that of the CSV files.
    """
    planned: dict[str, PlannedFile] = {}
    for product, wanted in choices:
        file = _planned(product, wanted, dialect)
        planned.setdefault(file.name, file)
    return list(planned.values())


def write_files(
    files: Sequence[PlannedFile],
    folder: str | Path,
    *,
    overwrite: bool = False,
    world_files: bool = False,
    inputs: Sequence[str | Path] = (),
    task: Task = SILENT,
) -> list[Path]:
    """Write planned files into a folder, each complete or not at all.

    Parameters
    ----------
    files : list of PlannedFile
    folder : path
        Made if it is not there.
    overwrite : bool
        Whether files that exist are replaced.
    world_files : bool
        Put a world file beside each TIFF of known pixel size (QGIS).
    inputs : paths
        Files and folders that were read; they are never replaced, not even with ``overwrite``.
    task : Task, optional
        Reports progress (phase "writing") and can be cancelled.

    Returns
    -------
    list of Path
        Every file and folder that was written, world files included.

    Raises
    ------
    InputError
        When a file exists and ``overwrite`` is not set, when a file would replace an input, or when
        the disk is too full; then nothing is written. Also when writing fails.
    CancelledError
        When ``task`` was cancelled; complete files stay.
    """
    target = Path(folder)
    _require_writable(files, target, overwrite, world_files, inputs)
    made = [place for place in (target, *target.parents) if not place.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {target}: {error.strerror}.") from error
    written: list[Path] = []
    try:
        for step, file in enumerate(files):
            task.step("writing", step, len(files), file.name)
            written += _write(file, target / file.name, world_files, task)
    finally:
        if not written:
            for parent in made:
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()
    return written


def existing(files: Iterable[PlannedFile], folder: str | Path, world_files: bool) -> list[str]:
    """Names of the planned files that are already in a folder."""
    target = Path(folder)
    return [path.name for path in _targets(files, target, world_files) if path.exists()]


def _planned(product: Product, wanted: Format, dialect: Dialect) -> PlannedFile:
    if product.planes is None and wanted in _OUTLINES:
        # Our guess: a hundred grains of a hundred corners.
        return PlannedFile(f"{product.stem}{_ENDINGS[wanted]}", product, wanted, 200_000)
    if product.planes is None:
        name = dialect.file_name(f"{product.stem}.csv")
        return PlannedFile(name, product, "csv", 4096, dialect=dialect)
    count, height, width = (int(n) for n in product.planes.shape)
    dtype = np.dtype(product.planes.dtype)
    n_bytes = count * height * width * dtype.itemsize
    note = ""
    if wanted == "imagej" and (reason := not_for_imagej(dtype, n_bytes)):
        wanted, note = "ome", f"{reason}: OME-TIFF instead, which Fiji opens through Bio-Formats"
    elif wanted == "folder" and (reason := not_for_imagej(dtype, n_bytes // count)):
        note = f"{reason}: OME-TIFFs"
    elif wanted == "csv":
        # Our guess: six characters per number. Four columns hold the position.
        n_bytes = height * width * 6 * (count + 4)
    elif wanted == "png":
        n_bytes = 200_000 + 60_000 * count
    name = f"{product.stem}{_ENDINGS[wanted]}"
    name = dialect.file_name(name) if wanted == "csv" else name
    return PlannedFile(name, product, wanted, n_bytes, note, dialect)


def _require_writable(
    files: Sequence[PlannedFile],
    folder: Path,
    overwrite: bool,
    world_files: bool,
    inputs: Sequence[str | Path],
) -> None:
    if not files:
        raise InputError("Nothing was chosen to export: tick at least one box.")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the output.")
    for path in _targets(files, folder, world_files):
        require_not_an_input(path, inputs)
    there = existing(files, folder, world_files)
    if there and not overwrite:
        raise InputError(
            f"{folder} already holds {', '.join(there)}: choose another folder or tick "
            "“Replace files that exist”."
        )
    needed = sum(file.n_bytes for file in files)
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(
            f"The files need about {needed / 1e6:,.0f} MB, the disk of {folder} has "
            f"{free / 1e6:,.0f} MB left: choose another folder or fewer files."
        )


def _targets(files: Iterable[PlannedFile], folder: Path, world_files: bool) -> list[Path]:
    targets = []
    for file in files:
        path = folder / file.name
        targets.append(path)
        if _has_world_file(file, world_files):
            targets += world_files_of(path, is_stack=file.product.is_stack)
    return targets


def _has_world_file(file: PlannedFile, world_files: bool) -> bool:
    return world_files and file.format in _TIFF and file.product.pixel_size is not None


def _write(file: PlannedFile, path: Path, world_files: bool, task: Task) -> list[Path]:
    product = file.product
    planes, names, size = product.planes, product.names, product.pixel_size

    def stop_here(progress: float) -> None:  # the writers pass how far they are
        task.check()

    if product.planes is None:
        table = product.table() if callable(product.table) else product.table
        table = table if table is not None else pd.DataFrame()
        if file.format == "qupath" or file.format == "qgis":
            labels = product.labels() if callable(product.labels) else product.labels
            if labels is None:
                raise InputError(f"{product.title} has no pixels, so there are no outlines.")
            return [
                write_outlines(
                    path,
                    table,
                    labels,
                    file.format,
                    size,
                    title=product.title,
                    before_grain=stop_here,
                )
            ]
        return [write_grains(path, table, file.dialect)]
    axes = "CYX" if product.is_stack else "YX"
    if file.format == "folder":
        return [_write_folder(product, path, world_files, stop_here)]
    if file.format == "csv":
        write_pixels(path, planes, names, size, dialect=file.dialect, before_block=stop_here)
    elif file.format == "zarr":
        write_ome_zarr(
            path,
            planes,
            names,
            size,
            shrink=product.shrink,
            overwrite=True,
            before_plane=stop_here,
        )
    elif file.format == "png":
        # Imported here, because matplotlib takes a second to load and planning does not need it.
        from napari_mineral_anomaly.runs.report.drawing import figure_png
        from napari_mineral_anomaly.runs.report.maps import draw_maps

        figure = draw_maps(planes, names, size, product.style or MapStyle(), title=product.title)
        with atomic_path(path) as temporary:
            temporary.write_bytes(figure_png(figure))
    elif file.format == "imagej":
        write_imagej(path, planes, names, size, axes=axes, before_plane=stop_here)
    else:
        write_ome(path, planes, names, size, axes=axes, before_plane=stop_here)
    if _has_world_file(file, world_files) and size is not None:
        return [path, *write_world_file(path, size, names if product.is_stack else None)]
    return [path]


def _write_folder(
    product: Product, path: Path, world_files: bool, before_plane: Callable[[int], None]
) -> Path:
    """One TIFF per element, named after it, with world files beside them if wanted."""
    dtype = storable(product.planes)
    with atomic_folder(path, overwrite=True) as folder:
        for c, name in enumerate(safe_file_names(product.names)):
            before_plane(c)
            plane = np.asarray(product.planes[c])[None].astype(dtype, copy=False)
            write = write_ome if not_for_imagej(dtype, plane.nbytes) else write_imagej
            file = folder / (f"{name}.ome.tif" if write is write_ome else f"{name}.tif")
            write(file, plane, [product.names[c]], product.pixel_size, axes="YX")
            if world_files and product.pixel_size is not None:
                write_world_file(file, product.pixel_size)
    return path
