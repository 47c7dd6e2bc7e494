"""The columns of the grain table as people read them: titles, explanations, digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

N_DRIVERS = 5

DRIVER_COLUMNS = tuple(f"driver_{k}" for k in range(1, N_DRIVERS + 1))

UNSEEN = "unseen"

GRAIN_COLUMNS = (
    "id",
    "rank",
    "peak_score",
    "mean_score",
    "area_px",
    "area_um2",
    "centroid_y_px",
    "centroid_x_px",
    "centroid_y_um",
    "centroid_x_um",
    *DRIVER_COLUMNS,
    "equivalent_diameter_px",
    "equivalent_diameter_um",
    "stage_y_mm",
    "stage_x_mm",
    "row_min",
    "row_max",
    "col_min",
    "col_max",
    "touches_edge",
    "n_agreeing",
    "detectors_agreeing",
    "mineral_hint",
    "mineral_distance",
    "mineral_others",
    "flags",
    "neighbours",
    "status",
    "comment",
    "decided_by",
    "decided_at",
)

STATUS, COMMENT = "status", "comment"

Row = Mapping[str, Any]
Text = Callable[[Row], str]


@dataclass(frozen=True)
class Column:
    """One column of the table on the screen.

    Attributes
    ----------
    keys : tuple of str
        The columns of the grain table that it shows; it is sorted by the first.
    title, tooltip : str
    text : callable
        How a cell reads, from the row's values by key.
    width : int
        In characters.
    number : bool
        Numbers are set flush right.
    hidden : bool
        Shown only when asked for.
    unless : str
        A hidden column is shown where the table lacks this one: pixels without a pixel size.
    """

    keys: tuple[str, ...]
    title: str
    tooltip: str
    text: Text
    width: int = 8
    number: bool = True
    hidden: bool = False
    unless: str = ""

    @property
    def key(self) -> str:
        """The column's name for the program."""
        return self.keys[0]


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
        lines = ["\t".join(column.title for column in self.columns)]
        for number in self.rows:
            row = {key: values[number] for key, values in self.values.items()}
            texts = (" ".join(column.text(row).split()) for column in self.columns)
            lines.append("\t".join(texts))
        return "\n".join(lines) + "\n"


def drivers_text(drivers: Sequence[str]) -> str:
    """Drivers in one line: "As +14, S +6.2, Fe −3.1"."""
    parts = []
    for driver in drivers:
        if driver:
            element, value = split_driver(driver)
            digits = f"{value:+.0f}" if abs(value) >= 10 else f"{value:+.1f}"
            parts.append(f"{element} {minus_sign(digits)}")
    return ", ".join(parts)


def minus_sign(digits: str) -> str:
    """Digits with a true minus sign in place of the hyphen."""
    return digits.replace("-", "−")


def _number(key: str, pattern: str) -> Text:
    def text(row: Row) -> str:
        value = row[key]
        # NaN is the one value that differs from itself.
        return "" if value != value else minus_sign(format(value, pattern))

    return text


def _words(key: str) -> Text:
    return lambda row: str(row[key])


def _mineral(row: Row) -> str:
    hint, distance = row["mineral_hint"], row["mineral_distance"]
    return f"{hint} ({distance:.2f})" if hint and distance == distance else str(hint)


def _numbers(
    key: str, title: str, tooltip: str, pattern: str, width: int = 7, hidden: bool = False
) -> Column:
    return Column((key,), title, tooltip, _number(key, pattern), width, True, hidden)


def _pixels(key: str, title: str, tooltip: str, unless: str) -> Column:
    return Column((key,), title, tooltip, _number(key, ".1f"), 7, True, True, unless)


def _texts(key: str, title: str, tooltip: str, width: int, hidden: bool = False) -> Column:
    return Column((key,), title, tooltip, _words(key), width, False, hidden)


# In the order of reading: which grain, what it is made of, what is against it, what was decided.
COLUMNS = (
    _numbers("rank", "Rank", "1 is the oddest grain of the scan.", "d", 5),
    _numbers("peak_score", "Peak", "Score of the oddest pixel, in background sigmas.", ".1f"),
    _numbers(
        "mean_score", "Mean", "Mean score of the grain's pixels, background sigmas.", ".1f", 6, True
    ),
    Column(
        DRIVER_COLUMNS,
        "Driving elements",
        "The elements that make the grain odd, strongest first: more (+) or less (−) than the "
        "background holds, in sigmas.",
        lambda row: drivers_text([row[key] for key in DRIVER_COLUMNS]),
        34,
        False,
    ),
    Column(
        ("mineral_hint", "mineral_distance"),
        "May be",
        "A mineral whose elements fit the drivers, with its distance (0 fits best). A hint to "
        "check, not a determination.",
        _mineral,
        15,
        False,
    ),
    _texts("mineral_others", "Or", "Further minerals that fit, with their distances.", 24, True),
    _texts("flags", "Flags", "What could fake this grain. Flags warn; they delete nothing.", 26),
    Column(
        (STATUS,),
        "Status",
        "Your verdict: A accepts, R rejects, N goes on. Double-click to choose what the SEM said.",
        _words(STATUS),
        9,
        False,
    ),
    _texts(COMMENT, "Comment", "Double-click to write.", 20),
    _numbers("area_px", "Pixels", "Area in pixels of the scan.", ",d"),
    _numbers("area_um2", "Area µm²", "Area; empty without a pixel size.", ",.0f", 9),
    _numbers(
        "equivalent_diameter_um",
        "Ø µm",
        "Diameter of a circle of the same area.",
        ",.0f",
        6,
    ),
    _numbers("n_agreeing", "Agree", "Detectors that flag this grain too.", "d", 6),
    _texts("detectors_agreeing", "Detectors", "Which detectors flag this grain.", 16, True),
    _texts("neighbours", "Within", "Pseudo-label clusters around the grain.", 18),
    _texts("touches_edge", "Edge", "Whether it touches the edge of the scan or sample.", 10, True),
    _numbers("centroid_x_um", "x µm", "Centre of the grain, from the first pixel.", ",.0f"),
    _numbers("centroid_y_um", "y µm", "Centre of the grain, from the first pixel.", ",.0f"),
    _pixels("centroid_x_px", "x px", "Centre of the grain, column.", "centroid_x_um"),
    _pixels("centroid_y_px", "y px", "Centre of the grain, row.", "centroid_y_um"),
    _numbers("stage_x_mm", "Stage x mm", "Where the stage finds it.", ".3f", 10, True),
    _numbers("stage_y_mm", "Stage y mm", "Where the stage finds it.", ".3f", 10, True),
    _numbers("id", "Id", "Number of the grain in exported labels.", "d", 6, True),
    _texts("decided_by", "By", "Who decided.", 10, True),
    _texts("decided_at", "When", "When it was decided.", 18, True),
)


@dataclass(frozen=True, eq=False)
class Cells:
    """A grain table taken apart for fast drawing: the worker does it, so the window need not.

    Attributes
    ----------
    columns : tuple of Column
        Those of `COLUMNS` that the table has, with a number in any row.
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
        columns = tuple(column for column in COLUMNS if _has(table, column))
        values = {key: table[key].tolist() for column in columns for key in column.keys}
        rows = {int(grain): row for row, grain in enumerate(table["id"].tolist())}
        return cls(columns, values, rows)


def _has(table: pd.DataFrame, column: Column) -> bool:
    """Whether a table has the keys of a column, and a number in any row of it."""
    if not all(key in table for key in column.keys):
        return False
    values = table[column.key]
    return values.dtype.kind != "f" or len(values) == 0 or bool(values.notna().any())


def split_driver(driver: str) -> tuple[str, float]:
    """Element and signed contribution (background sigmas) of a driver such as "As+14.2"."""
    at = max(driver.rfind("+"), driver.rfind("-"))
    return driver[:at], float(driver[at:])
