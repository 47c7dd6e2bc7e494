"""Excel sheets (`.xlsx`): a sheet is read as the text that it would be saved as.

openpyxl reads the cells. The numbers are those of the cells, not as they are shown. One sheet holds
a long table or one map; several sheets named by elements hold a map each.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import (
    explained,
    require_memory,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.extras import require_extra
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.text import matrix
from napari_mineral_anomaly.io.formats.text.encoding import Text
from napari_mineral_anomaly.io.formats.text.tables import table
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import listed

TITLE = "an Excel sheet"
# Cells in memory take more than the text in the file.
_MEMORY_PER_BYTE = 10
_BREAKS = str.maketrans({"\t": " ", "\n": " ", "\r": " ", '"': "'"})


@dataclass(frozen=True)
class _Sheet:
    """A sheet with cells, as lines of text with tabs."""

    title: str
    text: Text

    @property
    def is_table(self) -> bool:
        return bool(table.columns_in(self.text.lines))


def open_maps(path: Path, dataset: str | None = None) -> MapFile:
    """Read the maps in the visible sheets of a workbook.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Name of the sheet to read.

    Raises
    ------
    InputError
        When openpyxl is not installed, when the file is damaged, when formulas have no values, or
        when several sheets could be meant.
    """
    require_extra(path, "openpyxl", "openpyxl", "xlsx")
    with explained(path, TITLE):
        sheets = _sheets(path)
    if not sheets:
        raise InputError(f"{path.name} holds no numbers: its visible sheets are empty.")
    if dataset is not None:
        wanted = [sheet for sheet in sheets if sheet.title == dataset.strip("/")]
        if not wanted:
            names = listed([sheet.title for sheet in sheets])
            raise InputError(f"{path.name} has no sheet {dataset.strip('/')}; it has {names}.")
        return _of_sheet(path, wanted[0])
    if len(sheets) == 1:
        return _of_sheet(path, sheets[0])
    tables = [sheet for sheet in sheets if sheet.is_table]
    named = parse_names([sheet.title for sheet in sheets])
    maps = [
        sheet
        for sheet, entry in zip(sheets, named, strict=True)
        if entry.role == "element" and not sheet.is_table
    ]
    if maps and not tables:
        return _of_maps(path, maps, [sheet for sheet in sheets if sheet not in maps])
    if len(tables) == 1 and not maps:
        file = _of_sheet(path, tables[0])
        others = [sheet.title for sheet in sheets if sheet is not tables[0]]
        return replace(file, notes=(*file.notes, _left_out(others)))
    raise InputError(
        f"{path.name} holds {len(sheets)} sheets ({listed([s.title for s in sheets])}), and it is "
        f'open which are maps: name one, as "{path.name}::/{(tables or sheets)[0].title}", or call '
        "each sheet by its element."
    )


def read_sheet(path: Path) -> Text:
    """The lines of the only visible sheet that is not empty, with tabs between the cells.

    Raises
    ------
    InputError
        When openpyxl is not installed, when the file is damaged, or has not one such sheet.
    """
    require_extra(path, "openpyxl", "openpyxl", "xlsx")
    with explained(path, TITLE):
        sheets = _sheets(path)
    if len(sheets) != 1:
        titles = f" ({listed([sheet.title for sheet in sheets])})" if sheets else ""
        raise InputError(
            f"{path.name} has {len(sheets)} sheets with cells{titles}, and one is needed: save the "
            "table as CSV."
        )
    return sheets[0].text


def _of_sheet(path: Path, sheet: _Sheet) -> MapFile:
    step = f"the sheet {sheet.title} is read"
    if sheet.is_table:
        file = table.maps_of_text(path, sheet.text, partial(_again, path, sheet.title))
        return replace(file, steps=(step, *file.steps))
    file = matrix.maps_of_text(path, sheet.text)
    planes = tuple(replace(plane, name=plane.name or sheet.title) for plane in file.planes)
    return replace(file, planes=planes, steps=(step, *file.steps))


def _of_maps(path: Path, maps: Sequence[_Sheet], others: Sequence[_Sheet]) -> MapFile:
    """A map in each sheet."""
    planes: list[Plane] = []
    notes: list[str] = []
    steps: list[str] = ["each sheet is a map"] if len(maps) > 1 else []
    for number, sheet in enumerate(maps, start=1):
        file = matrix.maps_of_text(path, sheet.text)
        page = number if len(maps) > 1 else None
        planes += [replace(plane, name=sheet.title, page=page) for plane in file.planes]
        notes += [f"sheet {sheet.title}: {note}" for note in file.notes]
        steps += file.steps
    if others:
        notes.append(_left_out([sheet.title for sheet in others]))
    return MapFile(path, tuple(planes), notes=tuple(notes), steps=tuple(dict.fromkeys(steps)))


def _left_out(titles: Sequence[str]) -> str:
    noun, verb = ("sheets", "are") if len(titles) > 1 else ("sheet", "is")
    return f"the {noun} {listed(titles)} {verb} left out"


def _again(path: Path, title: str) -> Text:
    with explained(path, TITLE):
        found = [sheet.text for sheet in _sheets(path) if sheet.title == title]
    if not found:
        raise InputError(f"{path.name} was changed while it was read: open it again.")
    return found[0]


def _sheets(path: Path) -> list[_Sheet]:
    """The visible sheets that are not empty."""
    _require_sound(path)
    found = []
    with _workbook(path, data_only=True) as book:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            sheet.reset_dimensions()  # the size in the file may be wrong
            rows = [list(row) for row in sheet.iter_rows(values_only=True)]
            lines, first, is_full = _lines(rows)
            if not lines:
                continue
            if not is_full:
                _require_values(path, sheet.title)
            found.append(_Sheet(str(sheet.title), Text(lines, "", first)))
    return found


@contextmanager
def _workbook(path: Path, *, data_only: bool) -> Iterator[Any]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=data_only, keep_links=False)
    try:
        yield book
    finally:
        book.close()


def _require_sound(path: Path) -> None:
    """Refuse a workbook that unpacks to more than it can, or whose check sums are wrong."""
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path.name} is no Excel workbook, or cut short: save it again as .xlsx or as CSV."
        )
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            require_plausible(path, info.file_size, info.compress_size)
        total = sum(info.file_size for info in archive.infolist())
        require_memory(path, _MEMORY_PER_BYTE * total, "its cells")
        if broken := archive.testzip():
            raise InputError(f"{path.name} is damaged: its part {broken} does not unpack.")


def _lines(rows: Sequence[Sequence[Any]]) -> tuple[list[str], int, bool]:
    """The lines of the used cells, the number of the first row, and whether no cell is empty."""
    used = [i for i, row in enumerate(rows) if any(value is not None for value in row)]
    if not used:
        return [], 1, True
    rows = rows[used[0] : used[-1] + 1]
    filled = {i for row in rows for i, value in enumerate(row) if value is not None}
    columns = range(min(filled), max(filled) + 1)
    cells = [[row[i] if i < len(row) else None for i in columns] for row in rows]
    is_full = all(value is not None for row in cells for value in row)
    return ["\t".join(map(_as_text, row)).rstrip("\t") for row in cells], used[0] + 1, is_full


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return str(value).translate(_BREAKS)


def _require_values(path: Path, title: str) -> None:
    """Refuse formulas that no program has computed: their cells look empty."""
    with _workbook(path, data_only=True) as values, _workbook(path, data_only=False) as formulas:
        pairs = zip(values[title].iter_rows(), formulas[title].iter_rows(), strict=False)
        for row, written in pairs:
            for cell, formula in zip(row, written, strict=False):
                if cell.value is None and formula.data_type == "f":
                    raise InputError(
                        f"{path.name}: the cell {formula.coordinate} of the sheet {title} is a "
                        "formula without a value: open the file in Excel or LibreOffice and save "
                        "it."
                    )
