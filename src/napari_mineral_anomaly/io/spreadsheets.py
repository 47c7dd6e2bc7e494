"""Tables as CSV in several dialects: what spreadsheets open right, and what they save.

Numbers have nine digits at most, so 1233.3333333333335 is written 1233.33333; whole numbers are
exact, and so are those of single precision, as scores are. Text that a spreadsheet would run
as a formula gets an apostrophe in front, which `read_cells` takes away again (OWASP, "CSV
Injection"). Fields with a comma, semicolon or tab are quoted in every dialect: LibreOffice cuts at
all three unless told otherwise.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.text.encoding import Text, read_text
from napari_mineral_anomaly.io.formats.text.excel import read_sheet

if TYPE_CHECKING:
    import pandas as pd

_RUN_AS_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_HIDDEN_FORMULA = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_QUOTED = re.compile(r'[,;\t"\r\n]|^\s|\s$')
_LARGEST_WHOLE = 1e15
_SEPARATORS = (";", "\t", ",")


@dataclass(frozen=True)
class Dialect:
    """One way to write a table.

    Attributes
    ----------
    name : str
        As for ``--csv-dialect``.
    title : str
        For people.
    separator, decimal, line_end : str
    encoding : str
        "utf-8-sig" begins the file with the mark by which spreadsheets know UTF-8.
    """

    name: str
    title: str
    separator: str = ","
    decimal: str = "."
    line_end: str = "\n"
    encoding: str = "utf-8"

    def file_name(self, name: str) -> str:
        """``grains_excel-de.csv`` for ``grains.csv``; the plain dialect keeps the name."""
        path = Path(name)
        return name if self == PLAIN else f"{path.stem}_{self.name}{path.suffix}"

    def heading(self, names: Iterable[str]) -> str:
        """The first line of a table, with its line end."""
        return self._line(map(self.text, names))

    def lines(self, table: pd.DataFrame, *, is_exact: bool = False) -> Iterator[str]:
        """The other lines, with their line ends; ``is_exact`` keeps double precision."""
        write = repr_number if is_exact else short_number
        columns = [self._texts(table[name], write) for name in table.columns]
        for cells in zip(*columns, strict=True):
            yield self._line(cells)

    def text(self, value: str) -> str:
        """A cell of text."""
        return self._quoted(harmless(value))

    def number(self, digits: str) -> str:
        """A number, given with a decimal point."""
        return self._quoted(digits.replace(".", self.decimal))

    def _texts(self, column: pd.Series[Any], write: Callable[[Any], str]) -> list[str]:
        if column.dtype.kind == "f":
            return [self.number(write(value)) for value in column.to_numpy()]
        write_cell = self.number if column.dtype.kind in "iub" else self.text
        return [
            "" if is_missing else write_cell(str(value))
            for value, is_missing in zip(column, column.isna(), strict=True)
        ]

    def _line(self, cells: Iterable[str]) -> str:
        return self.separator.join(cells) + self.line_end

    @staticmethod
    def _quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


PLAIN = Dialect("plain", "programs, decimal point")
_SPREADSHEET: dict[str, Any] = {"line_end": "\r\n", "encoding": "utf-8-sig"}
DIALECTS = {
    dialect.name: dialect
    for dialect in (
        PLAIN,
        Dialect("excel-en", "English spreadsheets", **_SPREADSHEET),
        Dialect("excel-de", "German spreadsheets", ";", ",", **_SPREADSHEET),
        Dialect("excel-fr", "French spreadsheets", ";", ",", **_SPREADSHEET),
        Dialect("tsv", "tabs, decimal point", "\t", **_SPREADSHEET),
    )
}


@dataclass(frozen=True)
class SavedTable:
    """A table as text, as it was saved.

    Attributes
    ----------
    heading : tuple of str
        In small letters.
    rows : tuple of (int, dict of str to str)
        The line of the file where a row begins, and its cells by heading.
    """

    heading: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def dialect_named(name: str) -> Dialect:
    """The dialect of a name.

    Raises
    ------
    InputError
        For an unknown name, with the names that there are.
    """
    if name not in DIALECTS:
        raise InputError(f"There is no CSV dialect {name!r}; choose one of {', '.join(DIALECTS)}.")
    return DIALECTS[name]


def harmless(text: str) -> str:
    """Text with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if _RUN_AS_FORMULA.match(text) else text


def short_number(value: float) -> str:
    """A number with nine digits or fewer; "" for NaN. Single precision comes back exactly."""
    value = float(value)
    if value != value:
        return ""
    if value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return repr(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value else f"{value:.9g}"


def repr_number(value: Any) -> str:
    """A number with the fewest digits that give it back in its own precision; "" for NaN."""
    return "" if value != value else str(value)


def read_cells(path: Path, kind: str, known: Callable[[tuple[str, ...]], bool]) -> SavedTable:
    """The rows of a table by heading, as a spreadsheet saved it in any dialect and encoding.

    The text may be UTF-8, UTF-16 or code page 1252, with semicolons, tabs or commas between its
    fields; an Excel workbook (`.xlsx`) with one sheet is read too. Empty rows are left out. The
    apostrophe before a formula is taken away. Capital letters in headings do not matter.

    Parameters
    ----------
    path : Path
    kind : str
        What the file should be, for the sentence of a refusal.
    known : callable
        Whether headings, in small letters, are those of such a table; the separator for which they
        are is taken.

    Raises
    ------
    InputError
        When the file cannot be read, is no text, or holds rows in one cell each.
    """
    text = _text_of(path, kind)
    skipped = int(re.fullmatch(r'"?sep=.?"?[;,\t]*', text.lines[0].strip(), re.I) is not None)
    joined = "\n".join(text.lines[skipped:])
    try:
        tables = [_rows(joined, sign) for sign in _SEPARATORS]
    except csv.Error as error:
        raise InputError(f"{path.name} is no table: {error}.") from error
    headings = [tuple(cell.strip(" ;\t").lower() for cell in table[0][1]) for table in tables]
    best = next((k for k, heading in enumerate(headings) if known(heading)), None)
    if best is None:
        best = max(range(len(tables)), key=lambda k: len(headings[k]))
    heading, first = headings[best], text.first_line + skipped
    rows = [row for row in tables[best][1:] if any(map(str.strip, row[1]))]
    if _in_one_cell(heading, [row for _, row in rows], known):
        raise InputError(
            f"{path.name} was saved from a spreadsheet that showed each row in one cell: write the "
            "list in the form of your spreadsheet (“CSV for”), or import it with commas between "
            "its columns."
        )
    named = [
        (first + line * text.line_step, dict(zip(heading, map(_shown, row), strict=False)))
        for line, row in rows
    ]
    return SavedTable(heading, tuple(named))


def _text_of(path: Path, kind: str) -> Text:
    return read_sheet(path) if path.suffix.lower() == ".xlsx" else read_text(path, kind)


def _in_one_cell(
    heading: tuple[str, ...], rows: list[list[str]], known: Callable[[tuple[str, ...]], bool]
) -> bool:
    """Whether a spreadsheet with another separator took whole rows for cells of text."""
    if not known(heading):
        return known(tuple(heading[0].split(",")))
    return len(heading) > 2 and any(len(row) < 3 and row[0].count(",") > 1 for row in rows)


def _rows(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The rows of a text, each with the number of its first line from 0."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows, begin = [], 0
    for row in reader:
        rows.append((begin, row))
        begin = reader.line_num
    return rows or [(0, [])]


def number_in(cell: str) -> float:
    """The number in a cell, with a decimal point or a decimal comma.

    Raises
    ------
    ValueError
        For anything else, with words for a sentence; also for signs between thousands ("1,234.5").
    """
    text = cell.strip()
    try:
        number = float(text.replace(",", ".", 1))
    except ValueError:
        raise ValueError(f"the number {text!r}") from None
    if not isfinite(number):
        raise ValueError(f"the number {text!r}")
    return number


def _shown(cell: str) -> str:
    return cell[1:] if _HIDDEN_FORMULA.match(cell) else cell
