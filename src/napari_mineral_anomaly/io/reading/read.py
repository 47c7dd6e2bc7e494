"""`read_maps`: the files of one scan become an `ElementCube` with its report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import open_spectra
from napari_mineral_anomaly.io.formats.shared.axes import Channels, checked_channels
from napari_mineral_anomaly.io.formats.shared.disk.guards import in_gb
from napari_mineral_anomaly.io.formats.shared.planes import Plane, SpectraInside
from napari_mineral_anomaly.io.reading.companions import beside_maps
from napari_mineral_anomaly.io.reading.images import valid_image
from napari_mineral_anomaly.io.reading.missing import (
    Typed,
    checked_missing,
    without_markers,
    without_markers_lazily,
)
from napari_mineral_anomaly.io.reading.naming.told_names import told_names
from napari_mineral_anomaly.io.reading.selecting.select import select_maps
from napari_mineral_anomaly.io.reading.sizes.pixel_size import (
    checked_pixel_size,
    checked_spot_size,
    scan_pixel_size,
)
from napari_mineral_anomaly.io.reading.source import Source, list_source
from napari_mineral_anomaly.io.reading.step_words import step_words
from napari_mineral_anomaly.io.remembered import remembered_names
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.process import memory
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube, Quantity
from napari_mineral_anomaly.scan.quality.checks import full_report
from napari_mineral_anomaly.scan.quality.facts import ReadFacts, ReadMap
from napari_mineral_anomaly.scan.quality.lazy_scans import middle_block, report_of_middle
from napari_mineral_anomaly.scan.spectra.beam import checked_beam_kev
from napari_mineral_anomaly.words import listed, sizes

_FILES_SHOWN = 3
_SAMPLE_SIDE = 256


def read_maps(
    source: Source,
    *,
    pixel_size: float | tuple[float, float] | None = None,
    valid: ArrayLike | str | Path | None = None,
    quantity: Quantity | None = None,
    sample: str | None = None,
    spot_size: float | None = None,
    missing: Typed = None,
    remembered: bool = False,
    energy: Sequence[float] | None = None,
    elements: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    channels: Channels | None = None,
    beam_energy: float | None = None,
    monochromatic: bool | None = None,
    per_second: bool = False,
    task: Task | None = None,
) -> ElementCube:
    """Read the element maps of one scan.

    Parameters
    ----------
    source : path or sequence of paths
        A folder with one map per element (TIFF, text, ``.npy``), the files of such a folder, or
        one file that holds a scan: a TIFF stack, a long table, HDF5, Zarr, ENVI, ``.npz``,
        ``.mat``, or a spectrum image. "scan.h5::/path" names one array in a file.
    pixel_size : float or (float, float), optional
        µm, or (y, x) in µm; overrules what the files say.
    valid : array (H, W) or path, optional
        The area that holds sample: an array, or an image that is non-zero there.
    quantity : {"counts", "concentration", "reflectance", "unknown"}, optional
        Default: decided from the data.
    sample : str, optional
        Which sample, where one folder holds several.
    spot_size : float, optional
        Diameter of the beam in µm, for the report: grains below it are blobs of its size.
    missing : float or sequence of float or "none", optional
        Numbers that mark missing pixels, beside those that the files declare and negative ones
        that stand in blocks far below everything else; the latter are found
        (`scan.sentinels`) and left out with a warning. "none": they are kept as numbers.
    remembered : bool
        Whether a pixel size that was typed earlier for this folder may be used where no file has
        one, and the elements that were typed for its files (`io.remembered`); the report says so.
    energy : (float, float), optional
        Spectrum images only: energy of the first channel and width of a channel in keV; overrules
        what the file says.
    elements : sequence of str, optional
        Spectrum images only: the elements to map ("Fe", or "Pb Ma" to choose the line); default:
        those that the sum spectrum shows, and those that the file lists.
    names : mapping of str to str, optional
        The elements of files whose names do not say them, or say them wrongly: file as in the
        report, or a plane of a file (``stack.tif#3``), and "Fe", "Fe Ka", "SiO2" ...; "-" leaves
        it out, "context" sets a file beside the maps, "auto" goes back to its name.
    channels : {"first", "last"}, optional
        Which axis of an array of three axes (``.npy``, ``.npz``, ``.mat``, HDF5, Zarr) counts the
        elements or channels, where the file does not say it; default: the rule of the report.
    beam_energy : float, optional
        Spectrum images only: voltage of the tube or microscope in kV, or energy of the photons of a
        beamline in keV; overrules the file. Default: from the file, else from the sum spectrum.
    monochromatic : bool, optional
        Spectrum images only: whether the beam is photons of one energy, as at a synchrotron; such a
        beam excites every line whose edge it reaches. Default: what the file says, else whether the
        sum spectrum has an elastic peak.
    per_second : bool
        Spectrum images only: make maps of counts per second of live time, where the file knows it.
    task : Task, optional
        Reports progress (phases "opening" and "reading"; for spectrum images "summing spectra",
        "finding elements" and "integrating") and answers a cancel.

    Returns
    -------
    ElementCube
        ``maps`` (C, H, W) in one dtype that holds the numbers of all files unchanged, NaN for
        missing pixels; for Zarr stores above 256 MB a dask array over the store, which is not read
        here. ``context`` holds the images beside the maps. ``report`` says which files were used or
        ignored and why; its statistics are computed when it is first used. ``spectra`` are the
        spectra from which the maps were made.

    Raises
    ------
    InputError
        One sentence: which file, what is wrong, what to do.
    CancelledError
        When ``task`` was cancelled.
    """
    task = task or SILENT
    # Typed values are checked before minutes are spent on reading.
    typed, spot = checked_pixel_size(pixel_size), checked_spot_size(spot_size)
    channels = checked_channels(channels)
    beam = None if beam_energy is None else checked_beam_kev(beam_energy)
    named = checked_missing(missing)
    listing = list_source(source)
    kept = remembered_names(listing.root) if remembered else {}
    selection = select_maps(
        listing,
        sample=sample,
        told=told_names(listing, names, kept),
        channels=channels,
        task=task,
    )
    if isinstance(selection, SpectraInside):
        if names:
            raise InputError(
                f"{selection.path.name} holds a spectrum per pixel: --name is for element maps; "
                "choose its elements with --elements."
            )
        if named.numbers:
            raise InputError(
                f"{listing.root} holds spectra: missing values can be named for element maps only."
            )
        # Imported where a spectrum image is read: line energies take a second to load.
        from napari_mineral_anomaly.io.reading.spectra import maps_of_spectra

        return maps_of_spectra(
            open_spectra(selection.path, selection.dataset, energy, channels).with_typed_beam(
                beam, monochromatic
            ),
            elements,
            calibration_source="the file" if energy is None else "typed by the user",
            pixel_size=typed,
            valid=valid,
            quantity=quantity,
            spot_size=spot_size,
            per_second=per_second,
            task=task,
        )
    if any(option is not None for option in (energy, elements, beam, monochromatic)) or per_second:
        raise InputError(
            f"{listing.root} holds element maps: an energy calibration, a list of elements, a beam "
            "energy and counts per second are for spectrum images."
        )
    planes = selection.planes
    file_names = {plane.path: listing.name(plane.path) for plane in planes.values()}
    _require_one_shape(planes, file_names)
    shape = next(iter(planes.values())).shape
    area = valid_image(valid, shape)
    folder = listing.root if remembered else None
    size = scan_pixel_size(list(planes.values()), typed, file_names, folder)
    alone = {**(selection.folder.alone if selection.folder else {}), **selection.as_context}
    used = {plane.path for plane in planes.values()} | selection.left_out
    beside = beside_maps(listing, used, shape, alone)
    read = [
        ReadMap(
            file_names[plane.path],
            shown(name),
            plane.stored_dtype or plane.dtype,
            plane.page,
            None if plane.stamp is None else plane.stamp.size,
            None if plane.stamp is None else plane.stamp.modified,
            plane.top,
        )
        for name, plane in planes.items()
    ]
    steps = step_words(selection.steps, planes, file_names)
    warnings = [*selection.warnings, *size.warnings, *beside.warnings]
    labels = [item.element for item in read]
    sampled_quantity: Quantity | None = None
    if selection.lazy is None:
        measured = without_markers(_read_planes(planes, file_names, task), labels, named)
        maps = measured.maps
    else:
        maps = selection.lazy[[(plane.page or 1) - 1 for plane in planes.values()]]
        maps = maps.astype(_as_numbers(maps.dtype))
        block = middle_block(ElementCube(maps, labels), _SAMPLE_SIDE)
        sampled_quantity = block.quantity
        measured = without_markers_lazily(maps, block.maps, labels, named)
        maps = measured.maps
        warnings.append(
            f"These maps ({maps.nbytes / 1e9:.1f} GB) stay on disk and are read in parts."
        )
    warnings += measured.warnings
    facts = ReadFacts(
        all_are_numbers=not named.search,
        maps=tuple(read),
        ignored=beside.explained(selection.ignored),
        warnings=tuple(warnings),
        pixel_size_source=size.source,
        spot_size_um=spot,
        context=beside.listed,
        steps=(*steps, *size.steps, *measured.steps),
        to_decide=tuple(selection.to_decide),
    )
    cube = ElementCube(
        maps,
        labels,
        pixel_size=size.um,
        valid=area,
        quantity=quantity if quantity is not None else selection.quantity,
        source=str(listing.root),
        context=beside.images,
        # Maps in memory hold no marker any more; lazy ones may hold some that were not seen.
        missing=() if selection.lazy is None or not named.search else None,
    )
    if not cube.is_lazy:
        return cube.replace(report=partial(full_report, facts=facts))
    return cube.replace(
        quantity=quantity or selection.quantity or sampled_quantity,
        report=partial(report_of_middle, facts=facts),
    )


def _require_one_shape(planes: Mapping[str, Plane], file_names: Mapping[Path, str]) -> None:
    """Refuse maps of different shapes; the sentence begins with the most frequent shape."""
    by_shape: dict[tuple[int, int], list[str]] = defaultdict(list)
    for plane in planes.values():
        place = "" if plane.page is None else f" plane {plane.page}"
        by_shape[plane.shape].append(file_names[plane.path] + place)
    if len(by_shape) == 1:
        return
    ranked = sorted(by_shape.items(), key=lambda item: -len(item[1]))
    parts = [f"{sizes(shape)} ({listed(names, _FILES_SHOWN)})" for shape, names in ranked]
    hint = ""
    if ranked[1][0] == ranked[0][0][::-1]:
        hint = " (rows and columns swapped?)"
    raise InputError(
        f"The element maps differ in shape (rows x columns): {', '.join(parts)}{hint}; "
        "bring them onto one grid or move the odd ones out of the folder."
    )


def _read_planes(
    planes: dict[str, Plane], file_names: Mapping[Path, str], task: Task
) -> NDArray[Any]:
    """Fill one array (C, H, W) plane by plane; each plane leaves ``planes`` to free its memory."""
    labels = list(planes)
    shape = planes[labels[0]].shape
    dtype = _as_numbers(np.result_type(*(plane.dtype for plane in planes.values())))
    needed = len(labels) * shape[0] * shape[1] * dtype.itemsize
    # Asked first: Linux promises any amount of memory, and ends the process that uses it.
    available = memory()
    too_large = InputError(
        f"{len(labels)} maps of {sizes(shape)} pixels need {in_gb(needed)} of memory, which "
        "this computer cannot give; read fewer maps or a part of the scan."
    )
    if available is not None and needed > available:
        raise too_large
    try:
        maps = np.empty((len(labels), *shape), dtype=dtype)
    except MemoryError:
        raise too_large from None
    for c, label in enumerate(labels):
        task.check()
        plane = planes.pop(label)
        file = file_names[plane.path]
        if plane.read_into is not None and plane.dtype == dtype:
            plane.read_into(maps[c])
        else:
            _copy(plane, maps[c], file)
        task.step("reading", c + 1, len(labels), file)
    return maps


def _as_numbers(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of maps that are computed with: 1 and 0 for true and false."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def _copy(plane: Plane, place: NDArray[Any], file: str) -> None:
    """Decode a plane into its place in the cube, of the cube's dtype."""
    values = plane.read()
    if values.shape != plane.shape:
        raise InputError(
            f"{file} is damaged: it holds {sizes(values.shape)} values, "
            f"its header says {sizes(plane.shape)}."
        )
    place[...] = values
    if place.dtype.kind == "f" and plane.dtype.kind in "ui" and plane.dtype.itemsize == 8:
        _require_unchanged(place, values, file)


def _require_unchanged(stored: NDArray[Any], values: NDArray[Any], file: str) -> None:
    """Refuse 64-bit integers that float64 cannot hold (above 53 bits)."""
    if not np.array_equal(stored.astype(values.dtype), values):
        raise InputError(
            f"{file} holds whole numbers too large to stand beside maps with fractions; "
            "export all maps in one number format."
        )
