"""What ImageJ writes into a TIFF: the axes of a hyperstack, and the calibration of its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.steps import Curve, Scale

_SOURCE = "the ImageJ calibration"
_UNCALIBRATED_OD, _NONE = 21, 20
_SIGNED_ZERO = 32768  # ImageJ keeps signed 16-bit numbers raised by this much
_LOG10_E = 0.434294481  # the digits of ImageJ

Values = NDArray[np.float64]


def require_one_axis(path: Path, metadata: Mapping[str, Any]) -> None:
    """Refuse a hyperstack with planes along two axes; one of them cannot be the elements.

    Raises
    ------
    InputError
    """
    channels, slices, frames, images = (
        _whole(metadata.get(key)) for key in ("channels", "slices", "frames", "images")
    )
    if channels * slices * frames != images:
        return  # ImageJ reads such a file as a plain stack
    require_planes_along_one_axis(path, channels, slices, frames)


def require_planes_along_one_axis(path: Path, channels: int, depths: int, times: int) -> None:
    """Refuse planes along two axes, for ImageJ and OME.

    Raises
    ------
    InputError
    """
    planes = channels * depths * times
    if channels > 1 and planes > channels:
        raise InputError(
            f"{path.name} holds {channels} channels at several depths or times "
            f"({planes} planes): save the channels of one of them."
        )
    if depths > 1 and times > 1:
        raise InputError(
            f"{path.name} holds {depths} depths at {times} times ({planes} planes): "
            "save one plane per element."
        )


@dataclass(frozen=True)
class _Function:
    """A calibration function: how many coefficients it takes, its formula, how it is computed."""

    n_coefficients: int
    formula: str
    compute: Callable[[Values, list[float]], Values]


def calibration(
    path: Path, page: Any, metadata: Mapping[str, Any]
) -> tuple[Scale | Curve | None, str]:
    """The values that ImageJ shows for the stored numbers, as a step; and a note.

    ImageJ calibrates 8 and 16 bits only, and only where the description names a unit of the values
    (``ij.io.FileOpener``, ``ij.measure.Calibration``, ``ij.measure.CurveFitter.f``).

    Raises
    ------
    InputError
        When coefficients are missing.
    """
    code = _number(metadata.get("cf"))
    dtype = np.dtype(page.dtype)
    if code is None or int(code) == _NONE or dtype not in (np.uint8, np.uint16, np.int16):
        return None, ""
    code = int(code)
    if metadata.get("vunit") is None:
        return None, (
            f"its ImageJ description has a calibration function (cf={code}) but no unit of the "
            "values; ImageJ does not apply it, and its stored numbers are read as they are"
        )
    if code == _UNCALIBRATED_OD and dtype == np.uint8:
        is_inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        what = "(255 - n)" if is_inverted else "n"
        return Curve(partial(_optical_density, is_inverted), f"log10(255 / {what})", _SOURCE), ""
    function = _FUNCTIONS.get(code)
    coefficients = _coefficients(metadata)
    if function is None or not coefficients:
        return None, (
            f"its ImageJ calibration (cf={code}) is none that ImageJ applies; "
            "its stored numbers are read as they are"
        )
    if len(coefficients) < function.n_coefficients:
        raise InputError(
            f"{path.name} has a damaged ImageJ calibration: function {code} needs "
            f"{function.n_coefficients} coefficients, it has {len(coefficients)}; set it again in "
            "Fiji with Analyze > Calibrate, or choose None there."
        )
    shift = _SIGNED_ZERO if dtype == np.int16 else 0
    is_clipped = str(metadata.get("zeroclip", "")).lower() == "true"
    if code == 0 and not is_clipped:
        offset, factor = coefficients[:2]
        return Scale(factor, offset + factor * shift, _SOURCE), ""
    named = zip("abcde", coefficients[: function.n_coefficients], strict=False)
    formula = function.formula + "".join(f", {name} = {value:.9g}" for name, value in named)
    formula = formula.replace("n", f"(n + {shift})", 1) if shift else formula
    compute = partial(_computed, function, coefficients, shift, is_clipped)
    return Curve(compute, formula + (", at least 0" if is_clipped else ""), _SOURCE), ""


def value_unit(metadata: Mapping[str, Any]) -> str:
    """The unit of the values, "" for none and for ImageJ's default."""
    unit = str(metadata.get("vunit") or "").strip()
    return "" if unit.lower() in ("gray value", "grey value") else unit


def _computed(
    function: _Function, coefficients: list[float], shift: int, is_clipped: bool, stored: Values
) -> Values:
    values = function.compute(stored + shift, coefficients)
    return np.where(values < 0, 0.0, values) if is_clipped else values


def _optical_density(is_inverted: bool, stored: Values) -> Values:
    light = 255.0 - stored if is_inverted else stored
    return _LOG10_E * np.log(255.0 / np.where(light == 0, 0.5, light))


def _polynomial(x: Values, p: list[float], degree: int) -> Values:
    return np.asarray(np.polynomial.polynomial.polyval(x, p[: degree + 1]), dtype=np.float64)


def _gamma_variate(x: Values, p: list[float]) -> Values:
    if min(p[1:4]) <= 0:
        return np.where(x <= p[0], 0.0, np.nan)
    beyond = np.where(x <= p[0], 0.0, x - p[0])
    return np.where(x <= p[0], 0.0, p[1] * beyond ** p[2] * np.exp(-beyond / p[3]))


def _rodbard2(x: Values, p: list[float]) -> Values:
    is_inside = (p[3] - x > 0) & (x >= p[0])
    ratio = np.where(is_inside, (x - p[0]) / np.where(is_inside, p[3] - x, 1.0), 0.0)
    return np.where(is_inside, p[2] * ratio ** (1.0 / p[1]), 0.0)


def _log2(x: Values, p: list[float]) -> Values:
    beyond = np.where(x - p[2] > 0, x - p[2], np.nan)
    return p[0] + p[1] * np.log(beyond)


# By their numbers in ImageJ ("cf" in the description); a to e are "c0" to "c4".
_FUNCTIONS = {
    0: _Function(2, "a + b n", partial(_polynomial, degree=1)),
    1: _Function(3, "a + b n + c n^2", partial(_polynomial, degree=2)),
    2: _Function(4, "a + b n + c n^2 + d n^3", partial(_polynomial, degree=3)),
    3: _Function(5, "a + b n + c n^2 + d n^3 + e n^4", partial(_polynomial, degree=4)),
    4: _Function(2, "a exp(b n)", lambda x, p: p[0] * np.exp(p[1] * x)),
    5: _Function(2, "a n^b", lambda x, p: p[0] * x ** p[1]),
    6: _Function(
        2,
        "a ln(b n)",
        lambda x, p: np.where(x == 0, -1000 * p[0], p[0] * np.log(p[1] * np.where(x == 0, 1, x))),
    ),
    7: _Function(
        4,
        "d + (a - d) / (1 + (n / c)^b)",
        lambda x, p: p[3] + (p[0] - p[3]) / (1 + (x / p[2]) ** p[1]),
    ),
    8: _Function(4, "b (n - a)^c exp(-(n - a) / d)", _gamma_variate),
    9: _Function(3, "a + b ln(n - c)", _log2),
    10: _Function(4, "c ((n - a) / (d - n))^(1 / b)", _rodbard2),
    11: _Function(3, "a exp(-b n) + c", lambda x, p: p[0] * np.exp(-p[1] * x) + p[2]),
    12: _Function(
        4,
        "a + (b - a) exp(-(n - c)^2 / (2 d^2))",
        lambda x, p: p[0] + (p[1] - p[0]) * np.exp(-((x - p[2]) ** 2) / (2 * p[3] ** 2)),
    ),
    13: _Function(3, "a (1 - exp(-b n)) + c", lambda x, p: p[0] * (1 - np.exp(-p[1] * x)) + p[2]),
}


def _coefficients(metadata: Mapping[str, Any]) -> list[float]:
    """c0, c1, ... as far as they are numbers; fewer than two are none (ImageJ)."""
    found: list[float] = []
    for i in range(5):
        value = _number(metadata.get(f"c{i}"))
        if value is None:
            break
        found.append(value)
    return found if len(found) > 1 else []


def _number(stored: Any) -> float | None:
    try:
        value = float(stored)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _whole(stored: Any) -> int:
    number = _number(stored)
    return 1 if number is None or number < 1 else int(number)
