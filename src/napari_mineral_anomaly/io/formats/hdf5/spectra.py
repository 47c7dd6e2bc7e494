"""Spectrum images in HDF5: XRF-Maps, PyXRF, HyperSpy, PyMca and NeXus, or any dataset by its path.

Opening reads shapes and calibrations only; counts are read in blocks when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.hdf5.acquisition import acquisition
from napari_mineral_anomaly.io.formats.hdf5.maps import require_stored
from napari_mineral_anomaly.io.formats.shared.axes import (
    FEWEST_SPECTRUM_CHANNELS,
    channel_axis,
    energy_axis,
)
from napari_mineral_anomaly.io.formats.shared.guards import explained
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.spectra import (
    axis_from_energies,
    axis_or_note,
    require_spectra,
)
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT, as_text
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.words import listed, sizes

TITLE = "HDF5 spectrum image"

# Datasets with the channels first (XRF-Maps) and last (PyXRF), by the programs that write them.
_CHANNELS_FIRST = ("MAPS/Spectra/mca_arr", "MAPS/mca_arr")
_CHANNELS_LAST = ("xrfmap/detsum/counts", "xrfmap/det1/counts")


@dataclass(frozen=True)
class _Found:
    """One dataset of spectra: its path, the axis of its channels, and what the file says of it."""

    path: str
    channels: int
    energy: EnergyAxis | None = None
    pixel_size: tuple[float, float] | None = None
    notes: list[str] = field(default_factory=list)


def holds_spectra(path: Path) -> bool:
    """Whether an HDF5 file has spectra where a known program writes them; never raises."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return next(_known(file), None) is not None
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, InputError):
        return False


def open_spectra(path: Path, dataset: str | None = None) -> SpectrumImage:
    """Open the spectra of an HDF5 file.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of a 3-D dataset in the file; default: where XRF-Maps (``MAPS/mca_arr``), PyXRF
        (``xrfmap/detsum/counts``), HyperSpy or a NeXus ``NXdata`` group keeps its spectra.

    Raises
    ------
    InputError
        When the file is damaged, or holds no spectra (the sentence lists its large datasets).
    """
    import h5py

    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty: export it again.")
    with explained(path, TITLE), h5py.File(path, "r") as file:
        found = _explicit(file, path, dataset) if dataset else next(_known(file), None)
        if found is None:
            raise InputError(
                f"{path.name} holds no spectra where XRF-Maps, PyXRF, HyperSpy or NeXus put them; "
                f"{_what_there_is(file, path)}."
            )
        data = file[found.path]
        shape = tuple(int(n) for n in data.shape)
        if 0 in shape or data.dtype.kind not in "uif":
            raise InputError(
                f"{path.name}: {found.path} holds no counts ({sizes(shape)} of {data.dtype})."
            )
        require_stored(path, found.path, path.stat().st_size, data)
        order = (1, 2, 0) if found.channels == 0 else (0, 1, 2)
        turned = tuple(shape[axis] for axis in order)
        require_spectra(path, turned)
        counts = _Counts(path, found.path, turned, data.dtype, order)
        measured = acquisition(file, found.path, (turned[0], turned[1]))
    return SpectrumImage(
        counts,
        found.energy,
        pixel_size=found.pixel_size,
        declared_elements=measured.declared,
        beam_kev=measured.beam_kev,
        is_monochromatic=measured.is_monochromatic,
        live_time=measured.live_time,
        source=str(path),
        files=(path.name,),
        notes=(*found.notes, *measured.notes),
    )


@dataclass(frozen=True)
class _Counts:
    """Counts (H, W, E) of a dataset; the file is opened for each block and closed again.

    ``order`` maps (H, W, E) to the axes of the dataset.
    """

    path: Path
    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, int, int]

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[Any]:
        import h5py

        stored: list[slice] = [slice(None)] * 3
        for wanted, axis in zip((*index, slice(None)), self.order, strict=True):
            stored[axis] = wanted
        with explained(self.path, TITLE), h5py.File(self.path, "r") as file:
            return np.asarray(file[self.dataset][tuple(stored)]).transpose(self.order)


def _known(file: Any) -> Iterator[_Found]:
    """The spectra that lie where a known program writes them."""
    for path in _CHANNELS_FIRST:
        if _is_cube(file.get(path), 0):
            yield _xrf_maps(file, path)
    for path in _CHANNELS_LAST:
        if _is_cube(file.get(path), 2):
            yield _Found(path, 2)
    for group in _groups(file):
        found = _hyperspy(group) or _nexus(file, group)
        if found is not None:
            yield found


def _is_cube(item: Any, channels: int) -> bool:
    shape = getattr(item, "shape", ())
    return (
        len(shape) == 3 and shape[channels] >= FEWEST_SPECTRUM_CHANNELS and item.dtype.kind in "uif"
    )


def _groups(file: Any) -> list[Any]:
    import h5py

    groups: list[Any] = []

    def keep(_: str, item: Any) -> None:
        if isinstance(item, h5py.Group):
            groups.append(item)

    file.visititems(keep)
    return groups


def _xrf_maps(file: Any, path: str) -> _Found:
    notes: list[str] = []
    energy = None
    parent = path.rsplit("/", 1)[0]
    n_channels = int(file[path].shape[0])
    for place in (f"{parent}/Energy", f"{parent}/energy", "MAPS/energy"):
        values = file.get(place)
        if values is not None and values.shape == (n_channels,):
            energy, notes = axis_from_energies(values[()])
            break
    size = None
    axes = [file.get(f"MAPS/{name}") for name in ("y_axis", "x_axis")]
    if all(axis is not None and axis.ndim == 1 and axis.size > 1 for axis in axes):
        steps = [abs(float(np.median(np.diff(axis[()])))) for axis in axes if axis is not None]
        size = length_in_um((steps[0], steps[1]), "mm", "")  # stages of XRF-Maps count in mm
    return _Found(path, 0, energy, None if size is None else size.um, notes=notes)


def _hyperspy(group: Any) -> _Found | None:
    """A signal of HyperSpy: ``data`` with one group per axis beside it."""
    data = group.get("data")
    if not _is_cube(data, 2) or "axis-2" not in group:
        return None
    axes = [dict(group[f"axis-{i}"].attrs) for i in range(3)]
    energy = None
    notes: list[str] = []
    factor = KEV_PER_UNIT.get(as_text(axes[2].get("units")).lower())
    if factor is not None and "scale" in axes[2]:
        energy, notes = axis_or_note(
            float(axes[2].get("offset", 0.0)) * factor,
            float(axes[2]["scale"]) * factor,
            int(data.shape[2]),
        )
    size = None
    if all("scale" in axis for axis in axes[:2]):
        steps = (abs(float(axes[0]["scale"])), abs(float(axes[1]["scale"])))
        size = length_in_um(steps, as_text(axes[0].get("units")), "")
    um = None if size is None else size.um
    return _Found(f"{group.name}/data".strip("/"), 2, energy, um, notes=notes)


def _nexus(file: Any, group: Any) -> _Found | None:
    """An ``NXdata`` group whose signal is a cube of spectra (also what PyMca and BLISS write)."""
    if as_text(group.attrs.get("NX_class")) != "NXdata":
        return None
    name = as_text(group.attrs.get("signal"))
    if not name:
        name = next((k for k, v in group.items() if as_text(v.attrs.get("signal")) == "1"), "")
    data = group.get(name) if name else None
    found = channel_axis(getattr(data, "shape", ()))
    if data is None or found is None or not found.is_energy or not _is_cube(data, found.index):
        return None
    axis = found.index
    energy = None
    notes: list[str] = []
    for key, item in group.items():
        factor = KEV_PER_UNIT.get(as_text(item.attrs.get("units")).lower())
        is_axis = getattr(item, "shape", ()) == (data.shape[axis],)
        if is_axis and factor is None and key.lower() == "energy":
            factor = 1.0
        if is_axis and factor is not None:
            energy, notes = axis_from_energies(item[()] * factor)
            break
    if energy is None:
        energy, notes = _pymca_calibration(data, int(data.shape[axis]))
    return _Found(str(data.name).strip("/"), axis, energy, notes=notes)


def _pymca_calibration(data: Any, n_channels: int) -> tuple[EnergyAxis | None, list[str]]:
    """PyMca keeps ``calibration`` (zero, gain, quadratic term in keV) beside the counts."""
    for place in (data.parent, data.parent.parent):
        values = place.get("calibration")
        if values is not None and np.size(values) in (2, 3):
            zero, gain, *rest = (float(value) for value in np.ravel(values[()]))
            channels = np.arange(n_channels)
            return axis_from_energies(zero + gain * channels + sum(rest) * channels**2)
    return None, []


def _explicit(file: Any, path: Path, dataset: str) -> _Found:
    data = file.get(dataset)
    if data is None or not hasattr(data, "shape"):
        raise InputError(f"{path.name} has no dataset {dataset}; {_what_there_is(file, path)}.")
    for found in _known(file):
        if found.path == dataset:
            return found
    axis = energy_axis(data.shape)
    if axis is None:
        raise InputError(
            f"{path.name}: {dataset} is {sizes(data.shape)}; spectra are three-"
            f"dimensional, with {FEWEST_SPECTRUM_CHANNELS} channels or more along the last or "
            "first axis."
        )
    place = "last" if axis == 2 else "first"
    note = f"the {place} axis of {dataset} ({data.shape[axis]}) is taken for the channels"
    return _Found(dataset, axis, notes=[note])


def _what_there_is(file: Any, path: Path) -> str:
    cubes: list[str] = []

    def keep(name: str, item: Any) -> None:
        if len(getattr(item, "shape", ())) == 3:
            cubes.append(f"{name} ({sizes(item.shape)})")

    file.visititems(keep)
    if not cubes:
        return "it has no three-dimensional dataset at all"
    first = cubes[0].split(" (")[0]
    return f"its three-dimensional datasets are {listed(cubes)}: open one as {path.name}::/{first}"
