"""What Zarr arrays say of themselves: names of their axes, positions, missing and packed values.

Zarr 3 has ``dimension_names``; xarray writes ``_ARRAY_DIMENSIONS`` into the attributes of Zarr 2.
The positions of an axis are an array of its name beside the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.io.formats.shared.declared import declared_steps
from napari_mineral_anomaly.io.formats.shared.named_axes import NamedAxis, Order, order_of, step_of
from napari_mineral_anomaly.io.formats.shared.steps import Step
from napari_mineral_anomaly.io.formats.shared.texts import as_text

_LONGEST_AXIS = 1_000_000
_XARRAY_NAMES = "_ARRAY_DIMENSIONS"


@dataclass(frozen=True)
class Described:
    """What an array says of itself.

    Attributes
    ----------
    order : Order or None
        Where its axes are named.
    names : tuple of str
        Of the channels, from their positions.
    steps : tuple of Step
    """

    order: Order | None
    names: tuple[str, ...]
    steps: tuple[Step, ...]


def described(path: Path, array: Any, group: Any | None) -> Described:
    """What an array says of itself.

    Parameters
    ----------
    path : Path
        The store.
    array : zarr.Array
    group : zarr.Group or None
        The group that the array lies in.

    Raises
    ------
    InputError
        For a scale that cannot be.
    """
    attributes = dict(array.attrs)
    steps = _steps(path, array, attributes)
    of_hyperspy = _hyperspy_axes(array, group)
    if of_hyperspy is not None:
        return Described(order_of(of_hyperspy, array.shape, "the axes of HyperSpy"), (), steps)
    names = _axis_names(array, attributes)
    if names is None:
        return Described(None, (), steps)
    beside = [_beside(group, array, name) for name in names]
    axes = [
        _named(name, positions, array.shape[i])
        for i, (name, positions) in enumerate(zip(names, beside, strict=True))
    ]
    order = order_of(axes, array.shape, "the names of the dimensions in the store")
    words: tuple[str, ...] = ()
    if order is not None and order.roles in ("cyx", "?yx"):
        words = _words(beside[order.axes[0]], array.shape[order.axes[0]])
    return Described(order, words, steps)


def _hyperspy_axes(array: Any, group: Any | None) -> list[NamedAxis] | None:
    """The axes of a signal of HyperSpy, in the attributes of axis-0, axis-1 ... beside it."""
    if group is None or str(array.path).rpartition("/")[2] != "data":
        return None
    axes = []
    for i in range(array.ndim):
        found = group.get(f"axis-{i}")
        if found is None:
            return None
        known = dict(found.attrs)
        name, unit = (known.get(key) for key in ("name", "units"))
        scale = known.get("scale")
        step = float(scale) if isinstance(scale, int | float) else 0.0
        axes.append(
            NamedAxis(
                name if isinstance(name, str) and not name.startswith(("<", "_None_")) else "",
                unit if isinstance(unit, str) and not unit.startswith(("<", "_None_")) else "",
                step if np.isfinite(step) and step != 0 else None,
                None if "navigate" not in known else not bool(known["navigate"]),
            )
        )
    return axes


def _steps(path: Path, array: Any, attributes: Mapping[str, Any]) -> tuple[Step, ...]:
    """Attributes of netCDF; xarray keeps the missing value of Zarr 2 as that of the array."""
    values = dict(attributes)
    fill = array.metadata.fill_value
    is_xarray = _XARRAY_NAMES in attributes and array.metadata.zarr_format == 2
    if is_xarray and fill is not None and "_FillValue" not in values:
        values["fill_value"] = fill
    elif not is_xarray:
        values.pop("fill_value", None)
    if array.dtype.kind not in "uif":
        return ()
    where = f"{path.name}, {array.path}" if array.path else path.name
    return declared_steps(values, np.dtype(array.dtype), where)


def _axis_names(array: Any, attributes: Mapping[str, Any]) -> list[str] | None:
    names = getattr(array.metadata, "dimension_names", None) or attributes.get(_XARRAY_NAMES)
    if not isinstance(names, list | tuple) or len(names) != array.ndim:
        return None
    return ["" if name is None else str(name) for name in names]


def _beside(group: Any | None, array: Any, name: str) -> Any | None:
    """The array of positions of an axis."""
    import zarr

    if group is None or not name or "/" in name or name in (".", ".."):
        return None
    found = group.get(name)
    is_list = isinstance(found, zarr.Array) and found.ndim == 1 and found.path != array.path
    return found if is_list else None


def _named(name: str, positions: Any | None, size: int) -> NamedAxis:
    if positions is None or positions.shape != (size,) or positions.dtype.kind not in "uif":
        return NamedAxis(name)
    unit = as_text(positions.attrs.get("units", positions.attrs.get("unit", "")))
    step = step_of(positions[...]) if size <= _LONGEST_AXIS else None
    return NamedAxis(name, unit, step)


def _words(positions: Any | None, size: int) -> tuple[str, ...]:
    if positions is None or positions.shape != (size,) or positions.dtype.kind in "uifbc":
        return ()
    return tuple(as_text(word).strip("\x00 ") for word in np.asarray(positions[...]).ravel())
