"""What attributes beside an array (HDF5, netCDF, Zarr) declare about its numbers.

The names and rules are those of netCDF and its CF conventions: missing values are stored numbers,
compared before ``scale_factor`` and ``add_offset`` are applied (netCDF User Guide, appendix A;
CF conventions, sections 2.5.1 and 8.1).
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.steps import (
    Missing,
    Scale,
    Step,
    Unsigned,
    ValidRange,
)
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.scan.cube import Quantity

_MISSING = (
    *("_fillvalue", "missing_value", "fillvalue", "fill_value", "missingvalue"),
    *("nodata", "_nodata", "no_data", "nodata_value", "no_data_value"),
)
_FACTORS = ("scale_factor", "scalefactor")
_OFFSETS = ("add_offset", "addoffset")
_QUANTITY_UNITS: dict[str, Quantity] = {
    **dict.fromkeys(
        ("wt%", "wt.%", "wt %", "weight %", "weight percent", "mass %"), "concentration"
    ),
    **dict.fromkeys(
        ("ppm", "ppb", "mg/kg", "ug/g", "µg/g", "μg/g", "at%", "at.%"), "concentration"
    ),
    **dict.fromkeys(("count", "counts", "cps", "counts/s", "counts per second"), "counts"),
}


def declared_steps(
    attributes: Mapping[str, Any], dtype: np.dtype[Any], where: str
) -> tuple[Step, ...]:
    """The steps that turn the stored numbers of an array into what they mean.

    Parameters
    ----------
    attributes : mapping of str to anything
        Those of the array; capitals in their names make no difference.
    dtype : numpy dtype
        Of the stored numbers.
    where : str
        The file and its array, for the sentences.

    Returns
    -------
    tuple of Step
        In the order in which they are applied: bits read as unsigned, missing values, valid range,
        scale. ``valid_min``, ``valid_max`` and ``valid_range`` are about the stored numbers, except
        where they are floating point and the stored ones are integers that are scaled: then they
        are about the scaled values.

    Raises
    ------
    InputError
        For a scale of 0, or one that is no number.
    """
    named = {key.casefold(): (key, value) for key, value in attributes.items()}
    steps: list[Step] = []
    word = as_text(named["_unsigned"][1]).strip().casefold() if "_unsigned" in named else ""
    bits = 0
    if word in ("true", "false"):
        unsigned = Unsigned(word == "true", f"the attribute {named['_unsigned'][0]}")
        if unsigned.changes(dtype):
            steps.append(unsigned)
            dtype = unsigned.dtype_of(dtype)
            bits = 8 * dtype.itemsize if dtype.kind == "u" else 0
    for key in _MISSING:
        if key in named:
            name, value = named[key]
            numbers = tuple(_as_stored(number, bits) for number in _numbers(value))
            known = {
                number for step in steps if isinstance(step, Missing) for number in step.numbers
            }
            numbers = tuple(n for n in dict.fromkeys(numbers) if n not in known)
            if numbers:
                steps.append(Missing(numbers, f"the attribute {name}"))
    scale = _scale(named, where)
    valid, is_scaled = _valid_range(named, dtype, bits, scale)
    return (*steps, *(() if is_scaled else valid), *scale, *(valid if is_scaled else ()))


def declared_quantity(units: Any) -> Quantity | None:
    """What numbers with such units are: "wt%" and "ppm" concentrations, "counts" and "cps" counts.

    None for other words.
    """
    return _QUANTITY_UNITS.get(as_text(units).strip().casefold())


def _scale(named: Mapping[str, tuple[str, Any]], where: str) -> tuple[Scale, ...]:
    found: dict[str, tuple[str, float]] = {}
    for part, keys in (("factor", _FACTORS), ("offset", _OFFSETS)):
        for key in keys:
            if key in named and part not in found:
                numbers = _numbers(named[key][1])
                name = named[key][0]
                if len(numbers) != 1 or not np.isfinite(numbers[0]):
                    raise InputError(
                        f"{where}: the attribute {name} is no number, so the numbers cannot be "
                        "scaled; export the file again."
                    )
                found[part] = name, numbers[0]
    if not found:
        return ()
    factor, offset = (found.get(part, ("", default))[1] for part, default in _DEFAULTS)
    if factor == 0:
        raise InputError(
            f"{where}: the attribute {found['factor'][0]} is 0, which makes all numbers equal; "
            "export the file again."
        )
    names = " and ".join(name for name, _ in found.values())
    return (Scale(factor, offset, f"the attribute{'s' * (len(found) - 1)} {names}"),)


_DEFAULTS = (("factor", 1.0), ("offset", 0.0))


def _valid_range(
    named: Mapping[str, tuple[str, Any]],
    dtype: np.dtype[Any],
    bits: int,
    scale: tuple[Scale, ...],
) -> tuple[tuple[ValidRange, ...], bool]:
    """The range of valid numbers, and whether it is about the scaled values."""
    low, high = -np.inf, np.inf
    names: list[str] = []
    is_float = False
    for key in ("valid_range", "valid_min", "valid_max"):
        if key not in named:
            continue
        name, value = named[key]
        numbers = [_as_stored(n, bits) for n in _numbers(value)]
        if len(numbers) != (2 if key == "valid_range" else 1):
            continue
        low = max(low, numbers[0]) if key != "valid_max" else low
        high = min(high, numbers[-1]) if key != "valid_min" else high
        is_float = is_float or np.asarray(value).dtype.kind == "f"
        names.append(name)
    if not names or not low <= high:
        return (), False
    plural = "s" * (len(names) > 1)
    found = ValidRange(float(low), float(high), f"the attribute{plural} {' and '.join(names)}")
    return (found,), bool(scale) and is_float and dtype.kind in "ui"


def _numbers(value: Any) -> list[float]:
    """The numbers of an attribute; those that xarray writes as base64 for Zarr 3 are unpacked."""
    if isinstance(value, str):
        try:
            return [float(value)]
        except ValueError:
            pass
        try:
            return list(struct.unpack("<d", base64.b64decode(value, validate=True)))
        except (binascii.Error, struct.error, ValueError):
            return []
    numbers = np.atleast_1d(np.asarray(value)).ravel()
    return [float(number) for number in numbers] if numbers.dtype.kind in "uif" else []


def _as_stored(number: float, bits: int) -> float:
    """A number as unsigned integers of so many bits hold it: -1 is 255; unchanged for 0 bits."""
    if bits and number < 0 and number == int(number):
        return float(int(number) % (1 << bits))
    return number
