"""Columns of a table that only look like elements, recognised by their numbers.

"No", "Pt" and "I" may number the rows; "As" may be constant; "Y" may repeat a position. Names are
judged in `map_names`; here the numbers decide where a name leaves doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.names.map_names import ParsedName, parse_names
from napari_mineral_anomaly.scan.names.vocabulary import is_word_like

# A map of fewer pixels may be a counter by chance; our choice.
_FEWEST_ROWS = 6
_FEWEST_ROWS_OF_AN_ELEMENT = 20

Numbers = NDArray[np.generic]


def lookalike_columns(
    names: Sequence[str], values: Mapping[str, Numbers], coordinates: Sequence[str] = ()
) -> dict[str, str]:
    """The columns that are named like an element but hold something else.

    Parameters
    ----------
    names : sequence of str
        The headings of the table, in order; "" for columns without one.
    values : mapping of str to array (n,)
        The numbers of the columns that may be maps, and of the coordinates, in the order of the
        rows in the file.
    coordinates : sequence of str
        The headings of the coordinates.

    Returns
    -------
    dict of str to str
        Heading, and what the column holds, in words: "No": "numbers the rows".
    """
    kept = [name for name in dict.fromkeys(names) if name and name not in coordinates]
    elements = [
        entry for entry in parse_names(kept) if entry.role == "element" and entry.name in values
    ]
    where = [np.asarray(values[name]) for name in coordinates if name in values]
    counters = {entry.name: _counts_rows(values[entry.name]) for entry in elements}
    some_map = not all(counters.values())
    found: dict[str, str] = {}
    for entry in elements:
        column = np.asarray(values[entry.name])
        if not _is_bare_word(entry):
            long_enough = column.size >= _FEWEST_ROWS_OF_AN_ELEMENT
            if some_map and long_enough and counters[entry.name] and _steps_by_one(column):
                found[entry.name] = "numbers the rows"
        elif column.size >= _FEWEST_ROWS and (some_map or len(elements) == 1):
            reason = _what_it_holds(column, where)
            if reason:
                found[entry.name] = reason
    return found


def doubtful_columns(names: Sequence[str], coordinates: Sequence[str]) -> list[str]:
    """The word-like columns before the coordinates, whose elements all stand behind them.

    Numbering and remarks stand there; an element in this place is read, but worth a word.
    """
    places = [names.index(name) for name in coordinates if name in names]
    first = min(places, default=0)
    kept = [name for name in names if name and name not in coordinates]
    elements = [entry for entry in parse_names(kept) if entry.role == "element"]
    before = [entry for entry in elements if names.index(entry.name) < first]
    if len(before) == len(elements) or not all(_is_bare_word(entry) for entry in before):
        return []
    return [entry.name for entry in before]


def _is_bare_word(entry: ParsedName) -> bool:
    """Whether a heading is a symbol that may be a word, without line, oxide or mass."""
    return entry.label == entry.element and is_word_like(entry.element)


def _what_it_holds(column: Numbers, coordinates: Sequence[Numbers]) -> str:
    if _counts_rows(column):
        return "numbers the rows"
    if not np.isfinite(column).all():
        return ""
    if (column == column[0]).all():
        return f"holds {column[0]:g} in every row" if column[0] else ""
    if any(_follows(column, positions) for positions in coordinates):
        return "repeats a position"
    return ""


def _counts_rows(column: Numbers) -> bool:
    """Whether a column goes up (or down) by one step from row to row, or numbers rows once each."""
    numbers = np.asarray(column, dtype=np.float64)
    if numbers.size < 3 or not np.isfinite(numbers).all():
        return False
    steps = np.diff(numbers)
    if steps[0] and np.allclose(steps, steps[0], rtol=1e-6, atol=0):
        return True
    low = numbers.min()
    is_whole = low in (0.0, 1.0) and numbers.max() == low + numbers.size - 1
    return bool(is_whole and np.array_equal(np.sort(numbers), low + np.arange(numbers.size)))


def _steps_by_one(column: Numbers) -> bool:
    numbers = np.asarray(column, dtype=np.float64)
    return bool(numbers.max() - numbers.min() == numbers.size - 1)


def _follows(column: Numbers, positions: Numbers) -> bool:
    """Whether a column depends on one coordinate only, in equal steps: a row or column number."""
    different, first = np.unique(positions, return_index=True)
    if different.size < 3 or not np.array_equal(
        column[first[np.searchsorted(different, positions)]], column
    ):
        return False
    steps = np.diff(np.asarray(column, dtype=np.float64)[first])
    return bool(steps[0] and np.allclose(steps, steps[0], rtol=0.05, atol=0))
