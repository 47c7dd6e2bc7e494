"""What a file declares about its stored numbers, and how reading applies it.

A file may say that its numbers are scaled, that one of them stands for "missing", or that the
picture is turned. Each such declaration is one value here. `with_steps` applies it to a plane when
the plane is read, and keeps it in words for ``steps`` of the ingest report: nothing changes a
number in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.planes import Plane

# How each TIFF orientation is brought upright (TIFF 6.0, tag 274): whether rows and columns change
# Whole numbers that float64 holds exactly.
_LARGEST_EXACT = 2**53
# places, then whether rows and columns are reversed; and the same in words.
_ORIENTATIONS: dict[int, tuple[bool, bool, bool, str]] = {
    1: (False, False, False, "as stored"),
    2: (False, False, True, "mirrored left to right"),
    3: (False, True, True, "turned by 180 degrees"),
    4: (False, True, False, "mirrored top to bottom"),
    5: (True, False, False, "rows and columns exchanged"),
    6: (True, False, True, "turned by 90 degrees clockwise"),
    7: (True, True, True, "rows and columns exchanged and turned by 180 degrees"),
    8: (True, True, False, "turned by 90 degrees anticlockwise"),
}


@dataclass(frozen=True)
class Scale:
    """values = factor n + offset, n being the stored numbers; the values are float32.

    Attributes
    ----------
    factor, offset : float
    source : str
        Where the file says so: "the ImageJ calibration".
    """

    factor: float
    offset: float
    source: str

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """Whether the step does anything to numbers of a dtype."""
        return (self.factor, self.offset) != (1.0, 0.0)

    @property
    def words(self) -> str:
        """The step for the report."""
        factor = "" if self.factor == 1 else f"{self.factor:.9g} "
        sign = "-" if self.offset < 0 else "+"
        offset = f" {sign} {abs(self.offset):.9g}" if self.offset else ""
        return f"values = {factor}n{offset}, from {self.source}"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the values."""
        return np.dtype(np.float32)

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The values of stored numbers; computed in float64, so that they are rounded once."""
        return (stored.astype(np.float64) * self.factor + self.offset).astype(np.float32)


@dataclass(frozen=True)
class Curve:
    """values = a function of the stored numbers that is no straight line; the values are float32.

    Attributes
    ----------
    function : callable
        Takes the stored numbers n (H, W) as float64, returns the values.
    formula : str
        In words with n for a stored number: "0.5 exp(0.01 n)".
    source : str
        Where the file says so: "the ImageJ calibration".
    """

    function: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    formula: str
    source: str

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """A curve always counts."""
        return True

    @property
    def words(self) -> str:
        """The step for the report."""
        return f"values = {self.formula}, from {self.source}"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the values."""
        return np.dtype(np.float32)

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The values of stored numbers; NaN stays NaN."""
        with np.errstate(all="ignore"):
            return self.function(stored.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True)
class Missing:
    """Stored numbers that stand for "not measured": they become NaN.

    Whole numbers become float32 where that holds them exactly, else float64. 0 is not made NaN,
    because it is also a count: pixels that are 0 in every element are left out by the search for
    the sample. Where a later step moves 0 to another value (an offset), 0 is no count and becomes
    NaN as every other one (`effective`).

    Attributes
    ----------
    numbers : tuple of float
    source : str
        Where the file says so: "the GDAL tag for missing values".
    is_zero_moved : bool
        Whether a later step moves 0.
    """

    numbers: tuple[float, ...]
    source: str
    is_zero_moved: bool = False

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """Whether numbers of a dtype can be one of the missing ones."""
        return any(_holds(dtype, number) for number in self.numbers)

    def _made_nan(self, dtype: np.dtype[Any]) -> list[float]:
        """The numbers that become NaN, those that a dtype can hold."""
        return [n for n in self.numbers if (n != 0 or self.is_zero_moved) and _holds(dtype, n)]

    @property
    def words(self) -> str:
        """The step for the report."""
        names = " and ".join(_shown(number) for number in self.numbers)
        verb = "mean" if len(self.numbers) > 1 else "means"
        stays = 0 in self.numbers and not self.is_zero_moved
        zero = "; pixels that are 0 in every element are left out" if stays else ""
        return f"{names} {verb} missing, from {self.source}{zero}"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the values."""
        return np.result_type(dtype, np.float32) if self._made_nan(dtype) else dtype

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The numbers with NaN for missing ones."""
        values = stored.astype(self.dtype_of(stored.dtype))
        for number in self._made_nan(stored.dtype):
            values[stored == stored.dtype.type(number)] = np.nan
        return values


@dataclass(frozen=True)
class MissingWhere:
    """Pixels that a mask in the file marks as not measured: they become NaN.

    Attributes
    ----------
    mask : callable
        Returns (H, W) bool, True where a pixel is missing.
    source : str
        Where the mask is: "the mask page of the file".
    """

    mask: Callable[[], NDArray[np.bool_]]
    source: str

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """A mask always counts."""
        return True

    @property
    def words(self) -> str:
        """The step for the report."""
        return f"masked pixels are missing, from {self.source}"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the values."""
        return np.result_type(dtype, np.float32)

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The numbers with NaN for missing ones."""
        values = stored.astype(self.dtype_of(stored.dtype))
        values[self.mask()] = np.nan
        return values


@dataclass(frozen=True)
class Turn:
    """A stored picture that is shown turned or mirrored.

    Attributes
    ----------
    orientation : int
        1 to 8, as the TIFF tag Orientation counts them.
    source : str
        "the TIFF tag Orientation".
    """

    orientation: int
    source: str

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """Whether the picture is turned at all."""
        return self.orientation in _ORIENTATIONS and self.orientation != 1

    @property
    def exchanges_axes(self) -> bool:
        """Whether rows become columns."""
        return _ORIENTATIONS[self.orientation][0]

    @property
    def words(self) -> str:
        """The step for the report."""
        return f"{_ORIENTATIONS[self.orientation][3]}, from {self.source} ({self.orientation})"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype stays."""
        return dtype

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The picture upright."""
        exchanged, rows, columns, _ = _ORIENTATIONS[self.orientation]
        upright = stored.T if exchanged else stored
        return upright[:: -1 if rows else 1, :: -1 if columns else 1]


@dataclass(frozen=True)
class ValidRange:
    """Stored numbers outside a range that the file declares as valid: they become NaN.

    Attributes
    ----------
    low, high : float
        The ends belong to the range; infinite where there is no limit.
    source : str
        "the attribute valid_range".
    """

    low: float
    high: float
    source: str

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """Whether numbers of a dtype can lie outside."""
        if dtype.kind in "ui":
            limits = np.iinfo(dtype)
            return self.low > limits.min or self.high < limits.max
        return bool(np.isfinite(self.low) or np.isfinite(self.high))

    @property
    def words(self) -> str:
        """The step for the report."""
        parts = []
        if np.isfinite(self.low):
            parts.append(f"below {self.low:.9g}")
        if np.isfinite(self.high):
            parts.append(f"above {self.high:.9g}")
        return f"numbers {' and '.join(parts)} are missing, from {self.source}"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the values."""
        return np.result_type(dtype, np.float32)

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The numbers with NaN for those outside."""
        values = stored.astype(self.dtype_of(stored.dtype))
        values[(stored < self.low) | (stored > self.high)] = np.nan
        return values


@dataclass(frozen=True)
class Unsigned:
    """Bits that a file stores as a signed integer but means as an unsigned one, or the reverse.

    Attributes
    ----------
    unsigned : bool
        What the file means.
    source : str
        "the attribute _Unsigned".
    """

    unsigned: bool
    source: str

    def changes(self, dtype: np.dtype[Any]) -> bool:
        """Whether integers of a dtype are of the other kind."""
        return dtype.kind == ("i" if self.unsigned else "u")

    @property
    def words(self) -> str:
        """The step for the report."""
        kind = "unsigned" if self.unsigned else "signed"
        return f"the stored integers are read as {kind} ones, from {self.source}"

    def dtype_of(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The dtype of the values, in the byte order of this machine."""
        return np.dtype(f"{'u' if self.unsigned else 'i'}{dtype.itemsize}")

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The same bits as integers of the other kind."""
        native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        return np.ascontiguousarray(native).view(self.dtype_of(stored.dtype))


Step = Scale | Curve | Missing | MissingWhere | ValidRange | Unsigned | Turn


def with_steps(plane: Plane, *steps: Step) -> Plane:
    """A plane whose numbers are read with some steps applied, in the order given.

    Missing values are stored numbers: name them before a `Scale`. Steps that change nothing (a
    factor of 1, a missing value that the dtype cannot hold) are dropped, and the plane keeps its
    native dtype where no step needs another.
    """
    active = effective(steps, plane.dtype)
    if not active:
        return plane
    shape, size, is_exchanged = plane.shape, plane.pixel_size, plane.is_exchanged
    if sum(isinstance(step, Turn) and step.exchanges_axes for step in active) % 2:
        shape, is_exchanged = shape[::-1], not is_exchanged
        size = None if size is None else replace(size, um=size.um[::-1])
    return replace(
        plane,
        shape=shape,
        pixel_size=size,
        is_exchanged=is_exchanged,
        dtype=dtype_after(active, plane.dtype),
        stored_dtype=plane.stored_dtype or _meant(active, plane.dtype),
        read=partial(_read, plane.path, plane.read, active),
        read_into=None,
        steps=(*plane.steps, *(step.words for step in active)),
        top=_top_after(plane, active),
    )


def _meant(steps: Iterable[Step], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the stored numbers as the file means them: its top is where counts are cut."""
    return dtype_after((step for step in steps if isinstance(step, Unsigned)), dtype)


def effective(steps: Iterable[Step], dtype: np.dtype[Any]) -> tuple[Step, ...]:
    """The steps that change numbers stored in a dtype, each after those before it.

    A `Missing` before a step that moves 0 learns that.
    """
    active: list[Step] = []
    all_steps = tuple(steps)
    for i, given in enumerate(all_steps):
        step = given
        if isinstance(given, Missing) and any(map(_moves_zero, all_steps[i + 1 :])):
            step = replace(given, is_zero_moved=True)
        if step.changes(dtype):
            active.append(step)
            dtype = step.dtype_of(dtype)
    return tuple(active)


def _moves_zero(step: Step) -> bool:
    """Whether 0 has another value after a step."""
    return isinstance(step, Curve) or (isinstance(step, Scale) and step.offset != 0)


def dtype_after(steps: Iterable[Step], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the values after some steps."""
    for step in steps:
        dtype = step.dtype_of(dtype)
    return dtype


def applied(stored: NDArray[Any], steps: Iterable[Step]) -> NDArray[Any]:
    """Stored numbers with all steps applied; also for the blocks of a lazy array."""
    values = stored
    for step in steps:
        values = step.apply(values)
    return values


def _top_after(plane: Plane, steps: tuple[Step, ...]) -> float | None:
    """What the highest number of a plane's integer dtype becomes; None where there is none."""
    if plane.top is not None:
        top = np.array([[plane.top]], dtype=plane.dtype)
    elif not plane.steps and plane.dtype.kind in "ui":
        top = np.array([[np.iinfo(str(plane.dtype)).max]], dtype=plane.dtype)
    else:
        return None
    # A mask has no number in it, and a turned picture has the same ones.
    value = applied(top, (step for step in steps if isinstance(step, Scale | Missing))).item()
    return float(value) if np.isfinite(value) else None


def _read(path: Path, read: Callable[[], NDArray[Any]], steps: tuple[Step, ...]) -> NDArray[Any]:
    stored = np.asarray(read())
    values = applied(stored, steps)
    if stored.dtype.kind in "ui" and stored.dtype.itemsize == 8 and values.dtype == np.float64:
        measured = stored[np.isfinite(values)] if values.shape == stored.shape else stored
        if measured.size and max(-int(measured.min()), int(measured.max())) > _LARGEST_EXACT:
            raise InputError(
                f"{path.name} holds whole numbers above 2^53, which cannot stand beside missing "
                "values: export them in a smaller unit."
            )
    return values


def _shown(number: float) -> str:
    is_whole = abs(number) < 1e19 and number == int(number)
    return str(int(number)) if is_whole else f"{number:.9g}"


def _holds(dtype: np.dtype[Any], number: float) -> bool:
    """Whether a dtype can hold a number; NaN needs no step."""
    if np.isnan(number):
        return False
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return bool(np.isfinite(dtype.type(number)))  # infinite ones need no step either
    if dtype.kind not in "ui":
        return False
    limits = np.iinfo(dtype)
    return (
        bool(np.isfinite(number)) and number == int(number) and limits.min <= number <= limits.max
    )
