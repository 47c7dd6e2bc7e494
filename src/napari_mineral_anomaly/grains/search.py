"""Search in the grain table: which grains fit "As", "accept", "no flags" or "peak>10"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from copy import copy

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS, VERDICT_COLUMNS

BoolArray = NDArray[np.bool_]

# Short words for columns of numbers; all columns can be searched by their own names.
_SHORT = {
    "peak": "peak_score",
    "mean": "mean_score",
    "area": "area_px",
    "px": "area_px",
    "um2": "area_um2",
    "diameter": "equivalent_diameter_um",
}

_COMPARISONS: dict[str, Callable[[pd.Series, float], pd.Series]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_NUMBER = re.compile(r"(\w+)\s*(>=|<=|>|<|=)\s*(-?[\d.]*)")
_NO_FLAGS = re.compile(r"\bno\s+flags?\b", re.IGNORECASE)


class GrainSearch:
    """A table of grains prepared for many searches, as while somebody types.

    Parameters
    ----------
    table : DataFrame
        One row per grain. Columns of text are searched; ``driver_1``... hold texts such as
        "As+14.2", ``flags`` is empty for grains without an artefact flag.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table
        drivers = [column for column in DRIVER_COLUMNS if column in table]
        self._drivers = " " + _joined(table, drivers) + " "
        self._elements = set(re.findall(r" ([^\s+-]+)[+-]", "".join(self._drivers)))
        texts = [
            c
            for c in table.columns
            if c not in (*drivers, *VERDICT_COLUMNS) and table[c].dtype.kind not in "biufc"
        ]
        self._text = (_joined(table, texts) + " " + self._drivers).str.casefold()
        self._verdicts = _verdict_texts(table)

    def with_verdicts_of(self, table: pd.DataFrame) -> GrainSearch:
        """The same search over a table in which only verdicts changed; faster than a new one."""
        search = copy(self)
        search._table, search._verdicts = table, _verdict_texts(table)
        return search

    def matches(self, text: str) -> BoolArray:
        """Grains that fit every term of ``text``.

        Parameters
        ----------
        text : str
            Terms with spaces between them. An element as written in the table ("As") finds grains
            that have it among their drivers, "As+" and "As-" those with that sign. "no flags" finds
            grains without an artefact flag; "peak>10", "area<=4" compare numbers. Any other word
            may stand anywhere in the texts of the row; case does not matter.

        Returns
        -------
        (n,) bool
        """
        found = np.ones(len(self._table), dtype=bool)
        if "flags" in self._table and _NO_FLAGS.search(text):
            text = _NO_FLAGS.sub(" ", text)
            found &= (self._table["flags"].fillna("").astype(str) == "").to_numpy()

        def compare(term: re.Match[str]) -> str:
            column = _SHORT.get(term[1].casefold(), term[1])
            if column not in self._table or self._table[column].dtype.kind not in "iuf":
                return term[0].replace(" ", "")
            nonlocal found
            try:
                number = float(term[3])
            except ValueError:  # "1.2.3", or no number yet while somebody types
                return " "
            found = found & _COMPARISONS[term[2]](self._table[column], number).to_numpy(bool)
            return " "

        for word in _NUMBER.sub(compare, text).split():
            found = found & self._has(word)
        return found

    def _has(self, word: str) -> BoolArray:
        if word in self._elements:
            hits = self._drivers.str.contains(f" {re.escape(word)}[+-]", regex=True)
        elif word[-1] in "+-" and word[:-1] in self._elements:
            hits = self._drivers.str.contains(f" {word}", regex=False)
        else:
            word = word.casefold()
            hits = self._text.str.contains(word, regex=False)
            hits |= self._verdicts.str.contains(word, regex=False)
        return np.asarray(hits.to_numpy(bool))


def _verdict_texts(table: pd.DataFrame) -> pd.Series:
    """The verdict columns of each grain as one text."""
    return _joined(table, [c for c in VERDICT_COLUMNS if c in table]).str.casefold()


def _joined(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    joined = pd.Series("", index=table.index, dtype=object)
    for column in columns:
        joined = joined + table[column].fillna("").astype(str) + " "
    return joined
