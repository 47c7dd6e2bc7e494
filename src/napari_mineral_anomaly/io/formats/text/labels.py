"""Numbers and positions in the first row and column of a matrix, which are no pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.io.formats.text.numbers import STYLES, cleaned
from napari_mineral_anomaly.io.formats.text.tables.coordinates import coordinate_of, unit_in

# A stage does not stop exactly at its positions.
_JITTER = 0.35
# Fewer numbers that count, or fewer positions, may be counts of pixels by chance; our choice.
_LEAST_COUNTING, _LEAST_POSITIONS = 4, 8
_INDEX_NAMES = frozenset(("", "index", "idx", "id", "no", "nr", "#", "unnamed: 0"))


@dataclass(frozen=True)
class Labels:
    """What the first row and column of a matrix hold.

    Attributes
    ----------
    rows, columns : int
        How many rows at the top and columns at the left are labels: 0 or 1.
    steps, notes : tuple of str
        As in `MapFile`.
    pixel_size : FilePixelSize or None
        From positions with a unit.
    """

    rows: int = 0
    columns: int = 0
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pixel_size: FilePixelSize | None = None


def find_labels(values: NDArray[np.float64], names: Sequence[str] = (), above: str = "") -> Labels:
    """Find the labels of a matrix.

    Beyond doubt they are labels where the field in the corner is empty or a word and the rest of
    the first row and column is evenly spaced, or where a line of names stands above and the first
    column counts. Without such a sign the first row (column) is taken for labels where it is
    exactly evenly spaced and no other row (column) near it is; the note says so.

    Parameters
    ----------
    values : array (H, W)
        All numbers of the matrix, NaN where a field is empty.
    names : sequence of str
        The fields of the line of words above the numbers; () without one.
    above : str
        The lines above the numbers, where a unit may be.
    """
    if min(values.shape) < 2:
        return Labels()
    if names:
        return _below_names(values, names, above)
    if min(values.shape) >= 3 and np.isnan(values[0, 0]):
        across, down = values[0, 1:], values[1:, 0]
        if _is_spaced(across) and _is_spaced(down):
            return _labels(across, down, above, is_sure=True)
    if _has_filled_corner(values):
        return _labels(values[0, 1:], values[1:, 0], above, is_sure=False)
    return _labels(
        values[0] if _stands_out(values) else None,
        values[:, 0] if _stands_out(values.T) else None,
        above,
        is_sure=False,
    )


def _has_filled_corner(values: NDArray[np.float64]) -> bool:
    """Whether the first row and column hold positions from their second field on."""
    if min(values.shape) <= _LEAST_COUNTING or _is_exact(values[0]) or _is_exact(values[:, 0]):
        return False
    inner = values[1:, 1:]
    if any(_is_exact(line) for line in (*inner[:3], *inner.T[:3])):
        return False
    return _is_exact(values[0, 1:]) and _is_exact(values[1:, 0])


def _below_names(values: NDArray[np.float64], names: Sequence[str], above: str) -> Labels:
    """Labels of a matrix below a line of names, which may hold positions itself."""
    width = values.shape[1]
    first = names[0].strip() if len(names) == width else ""
    if len(names) not in (width, width - 1):
        return find_labels(values, above=above)
    found = [_position(name) for name in names[len(names) - width + 1 :]]
    across = np.array([np.nan if x is None else x for x in found])
    is_index = (
        len(names) == width - 1
        or first.casefold() in _INDEX_NAMES
        or coordinate_of(first) is not None
        or _is_spaced(across)
    )
    down = values[:, 0] if is_index and _is_spaced(values[:, 0]) else None
    labels = _labels(across if _is_spaced(across) else None, down, f"{above} {first}", is_sure=True)
    return Labels(0, labels.columns, labels.steps, labels.notes, labels.pixel_size)


def _labels(
    across: NDArray[np.float64] | None,
    down: NDArray[np.float64] | None,
    above: str,
    is_sure: bool,
) -> Labels:
    found = [(part, v) for part, v in (("row", across), ("column", down)) if v is not None]
    if not found:
        return Labels()
    what = {_what(v) for _, v in found}
    parts = " and ".join(part for part, _ in found)
    verb, are = ("hold", "are") if len(found) == 2 else ("holds", "is")
    count = "count" if len(found) == 2 else "counts"
    if len(what) == 1 and next(iter(what)) in ("0, 1, 2 ...", "1, 2, 3 ..."):
        sentence = f"the first {parts} {count} {what.pop()} and {are} left out"
    else:
        ranges = " and ".join(f"{v[0]:g} to {v[-1]:g}" for _, v in found)
        sentence = f"the first {parts} {verb} positions ({ranges}) and {are} left out"
    rows, columns = int(across is not None), int(down is not None)
    size, notes = _size(across, down, unit_in(above))
    if is_sure:
        return Labels(rows, columns, (sentence,), notes, size)
    guess = f"{sentence}; if {'they are' if len(found) == 2 else 'it is'} measured, put a line "
    guess += "above that gives each column a name"
    return Labels(rows, columns, (), (guess, *notes), size)


def _what(values: NDArray[np.float64]) -> str:
    for start, words in ((0, "0, 1, 2 ..."), (1, "1, 2, 3 ...")):
        if np.array_equal(values, np.arange(start, start + values.size)):
            return words
    return "positions"


def _size(
    across: NDArray[np.float64] | None, down: NDArray[np.float64] | None, unit: str
) -> tuple[FilePixelSize | None, tuple[str, ...]]:
    """The pixel size where the positions have a unit; a hint where they have none."""
    step_x, step_y = (0.0 if v is None else _step(v) for v in (across, down))
    step_x, step_y = step_x or step_y, step_y or step_x
    if unit:
        return length_in_um((step_y, step_x), unit, "positions beside the map"), ()
    if (step_x, step_y) == (1.0, 1.0):
        return None, ()
    steps = " and ".join(dict.fromkeys((f"{step_y:g}", f"{step_x:g}")))
    return None, (
        f"the positions beside the map name no unit, so the pixel size is unknown: give it in µm "
        f"(their step is {steps})",
    )


def _step(values: NDArray[np.float64]) -> float:
    return abs(float(values[-1] - values[0])) / (values.size - 1)


def _is_spaced(values: NDArray[np.float64]) -> bool:
    """Whether numbers rise or fall in steps that differ by no more than the jitter of a stage."""
    if values.size < 2 or not np.isfinite(values).all():
        return False
    steps = np.diff(values)
    middle = float(np.median(steps))
    return middle != 0 and bool((np.abs(steps - middle) <= _JITTER * abs(middle)).all())


def _is_exact(values: NDArray[np.float64]) -> bool:
    """Whether numbers are evenly spaced but for their rounding."""
    if values.size < 3 or not np.isfinite(values).all():
        return False
    steps = np.diff(values)
    return steps[0] != 0 and bool((np.abs(steps - steps[0]) <= 0.01 * abs(steps[0])).all())


def _stands_out(values: NDArray[np.float64]) -> bool:
    """Whether the first row is evenly spaced and long enough, and none of the next rows is."""
    first = values[0]
    least = _LEAST_COUNTING if _what(first) != "positions" else _LEAST_POSITIONS
    if first.size < least or not _is_exact(first):
        return False
    return not any(_is_exact(row) for row in values[1:4])


def _position(name: str) -> float | None:
    text = cleaned(name)
    return next((style.number(text) for style in STYLES[:2] if style.fits(text)), None)
