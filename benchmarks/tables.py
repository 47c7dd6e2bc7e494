"""Tables in Markdown."""

from __future__ import annotations

import pandas as pd


def markdown(table: pd.DataFrame, digits: dict[str, int]) -> list[str]:
    """A table in Markdown; missing values become empty cells."""
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * table.shape[1]]
    for row in table.to_dict("records"):
        cells = [
            ""
            if pd.isna(value)
            else f"{value:.{digits.get(name, 4)}f}"
            if isinstance(value, float)
            else str(value)
            for name, value in row.items()
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
