"""What a dataset of HDF5 holds: words, numbers and what is declared of them, or other things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.shared.containers import NAME_LISTS
from napari_mineral_anomaly.io.formats.shared.declared import declared_steps
from napari_mineral_anomaly.io.formats.shared.steps import Missing, Scale, Step
from napari_mineral_anomaly.io.formats.shared.texts import as_text

_LONGEST_NAME_LIST = 10_000
_KINDS = {
    "b": "a mask of true and false",
    "c": "complex numbers",
    "O": "lists of different lengths or references",
    "V": "bytes without a meaning",
    "S": "text",
    "U": "text",
}
# What netCDF writes where nothing was written (netcdf.h, NC_FILL_...). Not for single bytes, where
# every number may be data.
_NETCDF_FILL = {
    "i2": -32767,
    "u2": 65535,
    "i4": -2147483647,
    "u4": 4294967295,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
}


def holds_words(item: Any) -> bool:
    """Whether a dataset is a short list of words."""
    import h5py

    if item.shape is None or not hasattr(item, "dtype"):
        return False
    is_text = h5py.check_string_dtype(item.dtype) is not None or item.dtype.kind == "S"
    return bool(is_text and item.ndim <= 2 and 0 < item.size <= _LONGEST_NAME_LIST)


def words_of(item: Any) -> tuple[str, ...]:
    """The words of a dataset, without the blanks and zeros that fill them up."""
    return tuple(as_text(value).strip("\x00 ") for value in np.ravel(item[()]))


def listed_names(item: Any) -> dict[str, tuple[str, ...]]:
    """The lists of words in the attributes of a group or dataset that may name channels."""
    found = {}
    for key in item.attrs:
        if str(key).casefold() not in NAME_LISTS:
            continue
        try:
            values = np.asarray(item.attrs[key])
        except (OSError, TypeError, ValueError, RuntimeError):  # types that h5py does not know
            continue
        if values.ndim == 1 and values.dtype.kind in "SUO" and values.size:
            found[str(key)] = tuple(as_text(value).strip("\x00 ") for value in values)
    return found


def other_kind(item: Any) -> str:
    """What a dataset is that holds no array of numbers; "" for numbers."""
    import h5py

    if item.shape is None:
        return "empty"
    if item.dtype.names:
        return f"a table of {len(item.dtype.names)} columns"
    if h5py.check_enum_dtype(item.dtype) is not None:
        return "codes with names"
    if as_text(item.attrs.get("interpretation")) in ("rgb-image", "rgba-image") or (
        as_text(item.attrs.get("CLASS")) == "IMAGE"
        and as_text(item.attrs.get("IMAGE_SUBCLASS")) in ("IMAGE_TRUECOLOR", "IMAGE_INDEXED")
    ):
        return "a colour picture"
    return "" if item.dtype.kind in "uif" else _KINDS.get(item.dtype.kind, str(item.dtype))


def dataset_steps(path: Path, item: Any) -> tuple[Step, ...]:
    """What the file declares about the numbers of a dataset.

    Attributes of netCDF and its conventions; the fields FIELD_scaling_factor and FIELD_offset of a
    NeXus group, (number + offset) x factor; the fill value that netCDF writes by itself.

    Raises
    ------
    InputError
        For a scale that cannot be.
    """
    where = f"{path.name}, {item.name.strip('/')}"
    steps = declared_steps(_attributes(item), item.dtype, where)
    if "_NCProperties" in item.file.attrs and not any(isinstance(s, Missing) for s in steps):
        fill = _NETCDF_FILL.get(item.dtype.str[1:])
        if fill is not None:
            steps = (Missing((float(fill),), "netCDF, where nothing was written"), *steps)
    if any(isinstance(step, Scale) for step in steps):
        return steps
    return (*steps, *_nexus_scale(item, where))


def fills_with_missing(item: Any) -> bool:
    """Whether HDF5 reads the blocks of a dataset that were never written as missing values."""
    if np.isnan(item.fillvalue):
        return True
    steps = declared_steps(_attributes(item), item.dtype, item.name)
    missing = [number for step in steps if isinstance(step, Missing) for number in step.numbers]
    return any(number != 0 and item.fillvalue == number for number in missing)


def _nexus_scale(item: Any, where: str) -> tuple[Scale, ...]:
    group = item.parent
    if as_text(group.attrs.get("NX_class")) != "NXdata":
        return ()
    field = item.name.rpartition("/")[2]
    prefixes = [f"{field}_"]
    if as_text(group.attrs.get("signal")) == field or "signal" in item.attrs:
        prefixes.append("")
    factor, offset, names = 1.0, 0.0, []
    for prefix in prefixes:
        for name, default in (("scaling_factor", 1.0), ("offset", 0.0)):
            value = own_item(group, prefix + name)
            if value is None or getattr(value, "size", 0) != 1 or value.dtype.kind not in "uif":
                continue
            number = float(np.ravel(value[()])[0])
            if number == default:
                continue
            if not np.isfinite(number) or (name == "scaling_factor" and number == 0):
                raise InputError(
                    f"{where}: the field {prefix}{name} is {number:g}, so the numbers cannot be "
                    "scaled; export the file again."
                )
            names.append(prefix + name)
            factor, offset = (number, offset) if name == "scaling_factor" else (factor, number)
        if names:
            break
    if not names:
        return ()
    plural = "s" * (len(names) > 1)
    return (Scale(factor, factor * offset, f"the NeXus field{plural} {' and '.join(names)}"),)


def _attributes(item: Any) -> dict[str, Any]:
    """The attributes that can be read, text as text."""
    found: dict[str, Any] = {}
    for key in item.attrs:
        try:
            value = item.attrs[key]
        except (OSError, TypeError, ValueError, RuntimeError):  # types that h5py does not know
            continue
        is_text = isinstance(value, bytes | str) or (
            isinstance(value, np.ndarray) and value.dtype.kind in "SUO"
        )
        found[str(key)] = as_text(value) if is_text else value
    return found
