"""The cells of a grain table as plain values, which a worker makes for the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from napari_mineral_anomaly.grains.columns import Column, window_columns
from napari_mineral_anomaly.io.spreadsheets import harmless


@dataclass(frozen=True, eq=False)
class Cells:
    """The values of a grain table as lists, which the window draws fast.

    Attributes
    ----------
    columns : tuple of Column
        As `window_columns` gives them.
    values : dict of str to list
        Per key of these columns, row by row.
    row_of_id : dict of int to int
    """

    columns: tuple[Column, ...]
    values: dict[str, list[Any]]
    row_of_id: dict[int, int]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Cells:
        """The cells of a table."""
        columns = window_columns(table)
        values = {key: table[key].tolist() for column in columns for key in column.keys}
        rows = {int(grain): row for row, grain in enumerate(table["id"].tolist())}
        return cls(columns, values, rows)


@dataclass(frozen=True)
class CopiedCells:
    """Some rows and columns of the table.

    Attributes
    ----------
    columns : list of Column
    values : dict of str to list
        The values of all rows of the table, by key.
    rows : list of int
        The chosen rows.
    """

    columns: list[Column]
    values: dict[str, list[Any]]
    rows: list[int]

    def as_text(self) -> str:
        """Cells with a head line, tab-separated, as spreadsheets take them from the clipboard."""
        lines = ["\t".join(column.window.title for column in self.columns)]
        for number in self.rows:
            row = {key: values[number] for key, values in self.values.items()}
            texts = [" ".join(column.text(row).split()) for column in self.columns]
            cells = (
                text if column.number else harmless(text)
                for column, text in zip(self.columns, texts, strict=True)
            )
            lines.append("\t".join(cells))
        return "\n".join(lines) + "\n"
