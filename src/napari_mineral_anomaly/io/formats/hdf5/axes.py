"""The axes of a dataset as HDF5 files name them: HyperSpy, NeXus, and scales of HDF5 and netCDF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.shared.named_axes import NamedAxis, Order, order_of, step_of
from napari_mineral_anomaly.io.formats.shared.texts import as_text

_LONGEST_AXIS = 1_000_000
_TURNED = (
    "its axes have no names, so columns are taken to come before rows, as HyperSpy writes them; "
    "name the axes x and y in the program that wrote the file if the map is turned"
)


@dataclass(frozen=True)
class FileAxes:
    """The axes of a dataset.

    Attributes
    ----------
    axes : tuple of NamedAxis
    source : str
        Where they are named, in words.
    lists : mapping of int to dataset
        The positions along an axis, by its place; those of the channels may be names.
    notes : tuple of str
        Warnings.
    """

    axes: tuple[NamedAxis, ...]
    source: str
    lists: Mapping[int, Any]
    notes: tuple[str, ...] = ()

    def order(self, shape: tuple[int, ...]) -> Order | None:
        """See `order_of`."""
        order = order_of(self.axes, shape, self.source)
        return None if order is None else replace(order, notes=order.notes + self.notes)

    def channel_list(self, order: Order) -> Any | None:
        """The dataset along the axis of the channels; None without one."""
        return self.lists.get(order.axes[0]) if order.roles in ("cyx", "?yx") else None


def file_axes(dataset: Any) -> FileAxes | None:
    """The named axes of a dataset; None where the file names none.

    Parameters
    ----------
    dataset : h5py.Dataset
    """
    return _of_hyperspy(dataset) or _of_emd(dataset) or _of_nexus(dataset) or _of_scales(dataset)


def hyperspy_axes(group: Any, n_axes: int) -> list[Mapping[str, Any]] | None:
    """The attributes of each axis of a HyperSpy signal, in the order of its array."""
    names = [f"axis-{i}" for i in range(n_axes)]
    items = [own_item(group, name) for name in names]
    if not items or any(item is None for item in items):
        items = [own_item(group, f"_list_{n_axes}_axes/_list_{i}") for i in range(n_axes)]
    if not items or any(item is None for item in items):
        return None
    return [dict(item.attrs) for item in items if item is not None]


def _of_hyperspy(dataset: Any) -> FileAxes | None:
    if dataset.name.rpartition("/")[2] != "data":
        return None
    described = hyperspy_axes(dataset.parent, dataset.ndim)
    if described is None:
        return None
    axes = []
    for attributes in described:
        name, unit = (_hyperspy_word(attributes.get(key)) for key in ("name", "units"))
        is_signal = None if "navigate" not in attributes else not bool(attributes["navigate"])
        axes.append(NamedAxis(name, unit, _number(attributes.get("scale")), is_signal))
    return FileAxes(tuple(axes), "the axes of HyperSpy", {})


def is_emd(group: Any) -> bool:
    """Whether a group is an array of the open EMD format, with its axes beside it."""
    try:
        mark = group.attrs.get("emd_group_type")
    except (OSError, TypeError, ValueError, RuntimeError):
        return False
    return np.size(mark) == 1 and np.ravel(np.asarray(mark))[0] == 1


def _of_emd(dataset: Any) -> FileAxes | None:
    """The datasets dim1, dim2 ... beside an array of EMD; newer files count from dim0.

    Each holds the position of every pixel, or the first two.
    """
    group = dataset.parent
    if dataset.name.rpartition("/")[2] != "data" or not is_emd(group):
        return None
    first = 0 if own_item(group, "dim0") is not None else 1
    dims = [own_item(group, f"dim{i + first}") for i in range(dataset.ndim)]
    axes, lists = [], {}
    for i, dim in enumerate(dims):
        if dim is None or not hasattr(dim, "shape"):
            axes.append(NamedAxis(""))
            continue
        # RosettaSciIO writes "[µ_m]" for µm, as the format asks for.
        unit = as_text(dim.attrs.get("units")).strip("[] ").replace("_", "")
        step = None
        if dim.dtype.kind in "uif" and 2 <= dim.size <= _LONGEST_AXIS:
            step = step_of(dim[()])
        axes.append(NamedAxis(as_text(dim.attrs.get("name")).strip(), unit, step))
        lists[i] = dim
    unknown = [i for i, axis in enumerate(axes) if not axis.role]
    if len(unknown) != len(axes) - sum(axis.role in ("c", "e") for axis in axes):
        return FileAxes(tuple(axes), "the axes of EMD", lists)
    if len(unknown) == 3:
        unknown.remove(0 if dataset.shape[0] < dataset.shape[-1] else 2)  # the channels
    if len(unknown) == 2:
        # HyperSpy turns the order of its axes round, so x is the first.
        for i, letter in zip(unknown, "xy", strict=True):
            axes[i] = replace(axes[i], name=letter)
    return FileAxes(tuple(axes), "the order in EMD", lists, (_TURNED,))


def _hyperspy_word(value: Any) -> str:
    word = as_text(value).strip()
    return "" if word.startswith("<") or word in ("_None_", "None", "t.Undefined") else word


def _of_nexus(dataset: Any) -> FileAxes | None:
    """The axes of an ``NXdata`` group: ``axes`` and ``AXISNAME_indices``, or those of the field."""
    group = dataset.parent
    if as_text(group.attrs.get("NX_class")) != "NXdata":
        return None
    n = dataset.ndim
    names = [""] * n
    named = _words(group.attrs.get("axes")) or _words(dataset.attrs.get("axes"))
    if len(named) == n:
        names = named
    else:
        for name in named:
            place = np.ravel(np.asarray(group.attrs.get(f"{name}_indices", ())))
            if place.size == 1 and 0 <= int(place[0]) < n:
                names[int(place[0])] = name
    names = ["" if name == "." else name for name in names]
    kind = as_text(dataset.attrs.get("interpretation") or group.attrs.get("interpretation"))
    if not any(names) and kind not in ("image", "spectrum"):
        return None
    axes, lists = [], {}
    for i, name in enumerate(names):
        item = own_item(group, name) if name and "/" not in name else None
        axes.append(_described(name, item, i, dataset.shape))
        if item is not None:
            lists[i] = item
    if kind == "spectrum" and not axes[-1].role:
        axes[-1] = NamedAxis("energy", axes[-1].unit, axes[-1].step)
    if kind == "image" and n >= 2 and not any(axis.role in "yx" and axis.role for axis in axes):
        axes[-2:] = [
            NamedAxis(role, axis.unit, axis.step)
            for role, axis in zip("yx", axes[-2:], strict=True)
        ]
    return FileAxes(tuple(axes), "the axes of NXdata", lists)


def _of_scales(dataset: Any) -> FileAxes | None:
    """Labels and scales of the dimensions (HDF5 high-level library, netCDF-4).

    Read from the attributes where that library keeps them: on damaged files its own functions end
    the process.
    """
    labels = _attribute(dataset, "DIMENSION_LABELS")
    references = _attribute(dataset, "DIMENSION_LIST")
    axes, lists = [], {}
    for i in range(dataset.ndim):
        label = as_text(labels[i]) if np.shape(labels) == (dataset.ndim,) else ""
        scale = None
        if np.shape(references)[:1] == (dataset.ndim,) and np.size(references[i]):
            scale = _referred(dataset.file, np.ravel(references[i])[0])
        name = label or (str(scale.name).rpartition("/")[2] if scale is not None else "")
        axes.append(_described(name, scale, i, dataset.shape))
        if scale is not None:
            lists[i] = scale
    if not any(axis.name for axis in axes):
        return None
    return FileAxes(tuple(axes), "the dimensions in the file", lists)


def _attribute(dataset: Any, name: str) -> Any:
    """An attribute with a value for each dimension; () where it cannot be read."""
    try:
        return dataset.attrs.get(name, ())
    except (OSError, TypeError, ValueError, RuntimeError):
        return ()


def _referred(file: Any, reference: Any) -> Any | None:
    import h5py

    try:
        item = file[reference]
    except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError):
        return None
    return item if isinstance(item, h5py.Dataset) and item.name else None


def _described(name: str, item: Any, place: int, shape: tuple[int, ...]) -> NamedAxis:
    """An axis with the step of its positions, from a list or from a position for each pixel."""
    if item is None or not hasattr(item, "shape") or item.dtype.kind not in "uif":
        return NamedAxis(name)
    unit = as_text(item.attrs.get("units", item.attrs.get("unit")))
    step = None
    if item.shape == (shape[place],) and item.size <= _LONGEST_AXIS:
        step = step_of(item[()])
    elif len(shape) == 2 and item.shape == shape and min(shape) >= 1 and shape[place] > 1:
        along = np.median(np.asarray(item[()], dtype=float), axis=1 - place)
        step = step_of(along)
    return NamedAxis(name, unit, step)


def _words(value: Any) -> list[str]:
    """Names from an array of strings, or from one string "y:x" or "[y, x]"."""
    if value is None:
        return []
    words = [as_text(word) for word in np.ravel(np.asarray(value, dtype=object))]
    if len(words) == 1:
        words = [word for word in re.split(r"[:,\s]+", words[0].strip("[] ")) if word]
    return [word.strip("\x00 ") for word in words]


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and number != 0 else None
