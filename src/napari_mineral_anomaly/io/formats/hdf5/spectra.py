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
from napari_mineral_anomaly.io.formats.hdf5.axes import file_axes, hyperspy_axes
from napari_mineral_anomaly.io.formats.hdf5.contents import dataset_steps
from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.hdf5.maps import require_stored
from napari_mineral_anomaly.io.formats.hdf5.positions import scan_positions
from napari_mineral_anomaly.io.formats.hdf5.virtual import require_openable
from napari_mineral_anomaly.io.formats.shared.axes import (
    FEWEST_SPECTRUM_CHANNELS,
    Channels,
    channel_axis,
    energies_of,
)
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.spectra import (
    axis_from_energies,
    axis_or_note,
    require_spectra,
)
from napari_mineral_anomaly.io.formats.shared.steps import Step, applied, dtype_after, effective
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT, as_text
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.words import listed, sizes

TITLE = "HDF5 spectrum image"

# Datasets with the channels first (XRF-Maps) and last (PyXRF), by the programs that write them.
_CHANNELS_FIRST = ("MAPS/Spectra/mca_arr", "MAPS/mca_arr")
_CHANNELS_LAST = ("xrfmap/detsum/counts", "xrfmap/det1/counts")


@dataclass(frozen=True)
class _Found:
    """One dataset of spectra: its path, the axis of its channels, and what the file says of it.

    ``order`` gives the axes of the rows, the columns and the energies, where the file names them.
    """

    path: str
    channels: int
    energy: EnergyAxis | None = None
    pixel_size: tuple[float, float] | None = None
    notes: list[str] = field(default_factory=list)
    steps: tuple[str, ...] = ()
    order: tuple[int, int, int] | None = None

    @property
    def axes(self) -> tuple[int, int, int]:
        """The axes of the rows, the columns and the energies."""
        return self.order or ((1, 2, 0) if self.channels == 0 else (0, 1, 2))

    is_explicit: bool = False


def holds_spectra(path: Path) -> bool:
    """Whether an HDF5 file has spectra where a known program writes them; never raises."""
    import h5py

    try:
        require_openable(path)
        with h5py.File(path, "r") as file:
            return next(_known(file), None) is not None
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, InputError):
        return False


def open_spectra(
    path: Path, dataset: str | None = None, channels: Channels | None = None
) -> SpectrumImage:
    """Open the spectra of an HDF5 file.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of a 3-D dataset in the file; default: where XRF-Maps (``MAPS/mca_arr``), PyXRF
        (``xrfmap/detsum/counts``), HyperSpy or a NeXus ``NXdata`` group keeps its spectra.
    channels : {"first", "last"}, optional
        Which axis of a dataset that is named by its path counts the channels; default:
        `energies_of`. The layouts of programs fix their axes.

    Raises
    ------
    InputError
        When the file is damaged, or holds no spectra (the sentence lists its large datasets).
    """
    import h5py

    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty: export it again.")
    with explained(path, TITLE):
        require_openable(path)
    with explained(path, TITLE), h5py.File(path, "r") as file:
        found = _explicit(file, path, dataset, channels) if dataset else _only(file, path)
        if found is None:
            raise InputError(
                f"{path.name} holds no spectra where XRF-Maps, PyXRF, HyperSpy or NeXus put them; "
                f"{_what_there_is(file, path)}."
            )
        if channels is not None and not found.is_explicit:
            raise InputError(
                f"{path.name}: the program that wrote {found.path} fixes the order of its axes, "
                "leave out --channels."
            )
        data = file[found.path]
        shape = tuple(int(n) for n in data.shape)
        if 0 in shape or data.dtype.kind not in "uif":
            raise InputError(
                f"{path.name}: {found.path} holds no counts ({sizes(shape)} of {data.dtype})."
            )
        require_stored(path, found.path, path.stat().st_size, data)
        turned = tuple(shape[axis] for axis in found.axes)
        require_spectra(path, turned)
        steps = effective(dataset_steps(path, data), data.dtype)
        dtype = dtype_after(steps, data.dtype)
        counts = _Counts(path, found.path, turned, dtype, found.axes, steps)
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
        steps=(*found.steps, *(step.words for step in steps)),
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
    steps: tuple[Step, ...] = ()

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[Any]:
        import h5py

        stored: list[slice] = [slice(None)] * 3
        for wanted, axis in zip((*index, slice(None)), self.order, strict=True):
            stored[axis] = wanted
        with explained(self.path, TITLE), h5py.File(self.path, "r") as file:
            counts = np.asarray(file[self.dataset][tuple(stored)]).transpose(self.order)
        return applied(counts, self.steps)


def _known(file: Any) -> Iterator[_Found]:
    """The spectra that lie where a known program writes them."""
    for path in _CHANNELS_FIRST:
        if _is_cube(own_item(file, path), 0):
            yield _xrf_maps(file, path)
    for path in _CHANNELS_LAST:
        if _is_cube(own_item(file, path), 2):
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
        values = own_item(file, place)
        if values is not None and values.shape == (n_channels,):
            energy, notes = axis_from_energies(values[()])
            break
    positions = scan_positions(file)
    size = positions.pixel_size
    notes = [*notes, *positions.notes]
    um = None if size is None else size.um
    return _Found(path, 0, energy, um, notes=notes, steps=positions.words)


def _hyperspy(group: Any) -> _Found | None:
    """A signal of HyperSpy: ``data`` with one group per axis beside it, which names the axis."""
    data = own_item(group, "data")
    described = hyperspy_axes(group, getattr(data, "ndim", 0)) if data is not None else None
    if data is None or described is None or data.ndim != 3 or data.dtype.kind not in "uif":
        return None
    named = file_axes(data)
    order = named.order(data.shape) if named is not None else None
    found_axes = order.spectra(data.shape) if order is not None else None
    if order is None or found_axes is None:
        return None
    axes = [described[axis] for axis in found_axes]
    if data.shape[found_axes[2]] < FEWEST_SPECTRUM_CHANNELS:
        return None
    energy = None
    notes: list[str] = [*order.notes]
    factor = KEV_PER_UNIT.get(as_text(axes[2].get("units")).lower())
    if factor is not None and "scale" in axes[2]:
        energy, found = axis_or_note(
            float(axes[2].get("offset", 0.0)) * factor,
            float(axes[2]["scale"]) * factor,
            int(data.shape[found_axes[2]]),
        )
        notes += found
    size = order.pixel_size
    um = None if size is None else size.um
    place = f"{group.name}/data".strip("/")
    return _Found(
        place, found_axes[2], energy, um, notes=notes, steps=order.words, order=found_axes
    )


def _nexus(file: Any, group: Any) -> _Found | None:
    """An ``NXdata`` group whose signal is a cube of spectra (also what PyMca and BLISS write)."""
    if as_text(group.attrs.get("NX_class")) != "NXdata":
        return None
    name = as_text(group.attrs.get("signal"))
    if not name:
        items = {key: own_item(group, key) for key in group}
        marks = {key: as_text(i.attrs.get("signal")) for key, i in items.items() if i is not None}
        name = next((key for key, mark in marks.items() if mark == "1"), "")
    data = own_item(group, name) if name else None
    if data is None or len(getattr(data, "shape", None) or ()) != 3:
        return None
    named = file_axes(data)
    order = named.order(data.shape) if named is not None else None
    axes = order.spectra(data.shape) if order is not None else None
    if axes is not None:
        axis = axes[2]
    elif order is not None and order.roles == "cyx":
        return None
    else:
        found = channel_axis(data.shape)
        if found is None or not found.is_energy:
            return None
        axis, order = found.index, None
    if not _is_cube(data, axis):
        return None
    energy = None
    notes: list[str] = [*order.notes] if order is not None else []
    for key in group:
        item = own_item(group, key)
        if item is None:
            continue
        factor = KEV_PER_UNIT.get(as_text(item.attrs.get("units")).lower())
        is_axis = getattr(item, "shape", ()) == (data.shape[axis],)
        if is_axis and factor is None and key.lower() == "energy":
            factor = 1.0
        if is_axis and factor is not None:
            energy, found_notes = axis_from_energies(item[()] * factor)
            notes += found_notes
            break
    if energy is None:
        energy, found_notes = _pymca_calibration(data, int(data.shape[axis]))
        notes += found_notes
    place = str(data.name).strip("/")
    if order is None or axes is None:
        return _Found(place, axis, energy, notes=notes)
    size = None if order.pixel_size is None else order.pixel_size.um
    return _Found(place, axis, energy, size, notes=notes, steps=order.words, order=axes)


def _pymca_calibration(data: Any, n_channels: int) -> tuple[EnergyAxis | None, list[str]]:
    """PyMca keeps ``calibration`` (zero, gain, quadratic term in keV) beside the counts."""
    for place in (data.parent, data.parent.parent):
        values = own_item(place, "calibration")
        if values is not None and np.size(values) in (2, 3):
            zero, gain, *rest = (float(value) for value in np.ravel(values[()]))
            channels = np.arange(n_channels)
            return axis_from_energies(zero + gain * channels + sum(rest) * channels**2)
    return None, []


def _only(file: Any, path: Path) -> _Found | None:
    """The spectra of a file where a known program writes them; None without any.

    XRF-Maps and PyXRF name theirs, and the sum of the detectors comes first. Of the signals in a
    HyperSpy or NeXus file none comes first.

    Raises
    ------
    InputError
        When several signals could be meant.
    """
    found = {one.path: one for one in _known(file)}
    fixed = next((name for name in (*_CHANNELS_FIRST, *_CHANNELS_LAST) if name in found), None)
    if fixed is not None:
        return found[fixed]
    if len(found) > 1:
        names = list(found)
        raise InputError(
            f"{path.name} holds {len(names)} spectrum images ({listed(names)}): name the one to "
            f'read, as "{path.name}::/{names[0]}".'
        )
    return next(iter(found.values()), None)


def _explicit(file: Any, path: Path, dataset: str, channels: Channels | None) -> _Found:
    data = own_item(file, dataset)
    if data is None:
        raise InputError(f"{path.name} has no dataset {dataset}; {_what_there_is(file, path)}.")
    place = str(data.name).strip("/")
    known = [one for one in _known(file) if one.path == place or one.path.startswith(f"{place}/")]
    if len(known) == 1:
        return known[0]
    if not hasattr(data, "shape"):
        raise InputError(
            f"{path.name}: {dataset} is a group with {len(known) or 'no'} spectrum images; name "
            f"the dataset; {_what_there_is(file, path)}."
        )
    if len(data.shape or ()) != 3:
        raise InputError(
            f"{path.name}: {dataset} is {sizes(data.shape or ()) or 'one value'}; spectra are "
            "three-dimensional."
        )
    named = file_axes(data)
    order = named.order(data.shape) if named is not None else None
    axes = order.spectra(data.shape) if order is not None else None
    if order is not None and axes is not None:
        size = None if order.pixel_size is None else order.pixel_size.um
        return _Found(
            place, axes[2], None, size, notes=[*order.notes], steps=order.words, order=axes
        )
    axis = energies_of(data.shape, channels)
    if axis is None:
        raise InputError(
            f"{path.name}: {dataset} is {sizes(data.shape)}; spectra are three-"
            f"dimensional, with {FEWEST_SPECTRUM_CHANNELS} channels or more along the last or "
            "first axis."
        )
    side = "last" if axis.index == 2 else "first"
    taken = (
        f"the {side} axis of {dataset} ({data.shape[axis.index]}) is taken for the channels, "
        f"{axis.rule}"
    )
    note = axis.note(data.shape)
    return _Found(
        place,
        axis.index,
        notes=[note] if note else [],
        steps=() if note else (taken,),
        is_explicit=True,
    )


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
