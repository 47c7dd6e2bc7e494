"""The one table of the columns of the grain list: in ``grains.csv``, in the window, in the report.

To add a column, add a row to `COLUMNS` and compute the values where the others of its step are
computed: `table.list_grains` (step "list") or `details.with_details` (step "maps").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

N_DRIVERS = 5
DRIVER_COLUMNS = tuple(f"driver_{k}" for k in range(1, N_DRIVERS + 1))
STATUS, COMMENT, EDITED = "status", "comment", "edited"
UNSEEN = "unseen"
GRAIN, CONCENTRATION = "grain", "concentration"

Row = Mapping[Any, Any]
Text = Callable[[Row], str]
Step = Literal["list", "maps", "verdicts"]


@dataclass(frozen=True)
class Shown:
    """How the window or the report shows a column.

    Attributes
    ----------
    place : int
        The column with the lowest number is the first from the left; 0 is not shown.
    title : str
    pattern : str
        Format of a number, as for `format`.
    width : int
        In characters; for the window.
    hidden : bool
        Whether the window shows it only on request.
    special : callable, optional
        Text of a cell from the row's values by key; default: the value in ``pattern``.
    """

    place: int
    title: str
    pattern: str = ""
    width: int = 7
    hidden: bool = False
    special: Text | None = None


NOT_SHOWN = Shown(0, "")

# For people a grain below this is not one of chance; files keep the number.
LEAST_CHANCE = 0.001


@dataclass(frozen=True)
class Column:
    """One column of the grain list.

    Attributes
    ----------
    key : str
        Its name in the table and in ``grains.csv``.
    dtype : type
        int, float, bool or str. Numbers are set flush right.
    tooltip : str
        What it holds, in which unit.
    window, report : Shown
    also : tuple of str
        Further columns whose values stand in the same cell; sorting is by ``key``.
    shown_with : str
        The window shows it although it is hidden, where the table shows this column.
    unless : str
        It is hidden where the table has this column: pixels where there are micrometres.
    step : {"list", "maps", "verdicts"}
        What fills it in: the list itself, the element maps (later), or the user.
    start : str
        A text before it is filled in; numbers are NaN.
    hidden_if_empty : bool
        Not shown while the table has rows and none of them has a text.
    """

    key: str
    dtype: type[int] | type[float] | type[str] | type[bool]
    tooltip: str
    window: Shown = NOT_SHOWN
    report: Shown = NOT_SHOWN
    also: tuple[str, ...] = ()
    shown_with: str = ""
    unless: str = ""
    step: Step = "list"
    start: str = ""
    hidden_if_empty: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """All columns of the table that a cell shows."""
        return (self.key, *self.also)

    @property
    def number(self) -> bool:
        """Whether it holds numbers."""
        return self.dtype in (int, float)

    def text(self, row: Row) -> str:
        """A cell of the window, from the row's values by key."""
        return self._text(self.window, row)

    def report_text(self, row: Row) -> str:
        """A cell of the report, from the row's values by key."""
        return self._text(self.report, row)

    def _text(self, shown: Shown, row: Row) -> str:
        value = row[self.key]
        if shown.special is not None:
            return shown.special(row)
        if not shown.pattern:
            return str(value)
        # NaN is the one value that differs from itself.
        return "" if value != value else minus_sign(format(value, shown.pattern))

    def is_hidden(self, keys: Collection[str]) -> bool:
        """Whether the window hides it at first, in a table with the columns ``keys``."""
        return (self.window.hidden and self.shown_with not in keys) or self.unless in keys


def split_driver(driver: str) -> tuple[str, float]:
    """Element and signed contribution (background sigmas) of a driver such as "As+14.2"."""
    at = max(driver.rfind("+"), driver.rfind("-"))
    return driver[:at], float(driver[at:])


def drivers_text(drivers: Iterable[str]) -> str:
    """Drivers in one line: "As +14, S +6.2, Fe −3.1"."""
    parts = []
    for driver in filter(None, drivers):
        element, value = split_driver(driver)
        digits = f"{value:+.0f}" if abs(value) >= 10 else f"{value:+.1f}"
        parts.append(f"{element} {minus_sign(digits)}")
    return ", ".join(parts)


def minus_sign(digits: str) -> str:
    """Digits with a true minus sign in place of the hyphen."""
    return digits.replace("-", "−")


def _mineral(row: Row) -> str:
    hint, distance = row["mineral_hint"], row["mineral_distance"]
    return f"{hint} ({distance:.2f})" if hint and distance == distance else str(hint)


def _above(row: Row) -> str:
    return "yes" if row["above_threshold"] else "no"


def _chance(row: Row) -> str:
    value = row["expected_by_chance"]
    if value != value:
        return ""
    if value < LEAST_CHANCE:
        return f"<{LEAST_CHANCE:g}"
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _window_drivers(row: Row) -> str:
    return drivers_text(row[key] for key in DRIVER_COLUMNS)


def _report_drivers(row: Row) -> str:
    return ", ".join(row[key] for key in DRIVER_COLUMNS if row[key])


# In the order of grains.csv, which programs rely on: a new column comes last. Places in the window
# follow the order of reading: which grain, what it is made of, what is against it, what was
# decided. The centre of the scan's first pixel is at 0 (px and µm), as in napari's world
# coordinates of a layer with the pixel size as scale. Numbers in µm and µm² are NaN without a pixel
# size, places on the SEM without fiducials.
COLUMNS = (
    # As in `label_grains(mask)`; numbers are missing where small grains are left out.
    Column(
        "id",
        int,
        "Number of the grain in exported labels.",
        Shown(12, "Id", "d", 6, hidden=True),
        shown_with=EDITED,  # then ids are no longer the ranks, and sentences about edits name them
    ),
    Column(
        "rank",
        int,
        "1 is the oddest grain of the scan.",
        Shown(10, "Rank", "d", 5),
        Shown(10, "Rank", "d"),
    ),
    Column(
        "peak_score",
        float,
        "Score of the oddest pixel, in background sigmas.",
        Shown(20, "Peak", ".1f"),
        Shown(20, "Peak score", ".1f"),
    ),
    Column(
        "mean_score",
        float,
        "Mean score of the grain's pixels, background sigmas.",
        Shown(30, "Mean", ".1f", 6, hidden=True),
        Shown(30, "Mean score", ".1f"),
    ),
    Column(
        "area_px",
        int,
        "Area in pixels of the scan.",
        Shown(100, "Pixels", ",d"),
        Shown(50, "Pixels", "d"),
    ),
    Column(
        "area_um2",
        float,
        "Area; empty without a pixel size.",
        Shown(110, "Area µm²", ",.0f", 9),
        Shown(40, "Area (µm²)", ".0f"),
    ),
    # Centroids are unweighted means of pixel positions.
    Column(
        "centroid_y_px",
        float,
        "Centre of the grain, row.",
        Shown(200, "y px", ".1f"),
        Shown(60, "Centre down (pixels)", ".1f"),
        unless="centroid_y_um",
    ),
    Column(
        "centroid_x_px",
        float,
        "Centre of the grain, column.",
        Shown(190, "x px", ".1f"),
        Shown(70, "Centre across (pixels)", ".1f"),
        unless="centroid_x_um",
    ),
    Column(
        "centroid_y_um",
        float,
        "Centre of the grain, from the first pixel.",
        Shown(180, "y µm", ",.0f"),
        Shown(60, "Centre down (µm)", ".1f"),
    ),
    Column(
        "centroid_x_um",
        float,
        "Centre of the grain, from the first pixel.",
        Shown(170, "x µm", ",.0f"),
        Shown(70, "Centre across (µm)", ".1f"),
    ),
    # Such as "As+14.2": an element and its signed contribution, averaged over the grain (our
    # choice: on a grain of n pixels the mean carries 1/sqrt(n) of the noise of its peak pixel), the
    # largest magnitude first; empty where there are fewer elements.
    Column(
        DRIVER_COLUMNS[0],
        str,
        "The elements that make the grain odd, strongest first: more (+) or less (−) than the "
        "background holds, in sigmas.",
        Shown(40, "Driving elements", width=34, special=_window_drivers),
        Shown(80, "Driven by", special=_report_drivers),
        also=DRIVER_COLUMNS[1:],
    ),
    *(Column(key, str, "A further driving element.") for key in DRIVER_COLUMNS[1:]),
    Column("equivalent_diameter_px", float, "Diameter of a circle of the same area, in pixels."),
    Column(
        "equivalent_diameter_um",
        float,
        "Diameter of a circle of the same area.",
        Shown(120, "Ø µm", ",.0f", 6),
    ),
    # By `grains.sem.fit.with_sem_places`.
    Column(
        "sem_y_mm",
        float,
        "Where the stage of the SEM finds it; empty without fiducials.",
        Shown(220, "SEM y mm", ".3f", 10, hidden=True),
        Shown(77, "SEM y (mm)", ".3f"),
    ),
    Column(
        "sem_x_mm",
        float,
        "Where the stage of the SEM finds it; empty without fiducials.",
        Shown(210, "SEM x mm", ".3f", 10, hidden=True),
        Shown(75, "SEM x (mm)", ".3f"),
    ),
    Column("row_min", int, "First row of the grain."),
    Column("row_max", int, "Last row of the grain."),
    Column("col_min", int, "First column of the grain."),
    Column("col_max", int, "Last column of the grain."),
    # "scan", "valid area" or empty.
    Column(
        "touches_edge",
        str,
        "Whether it touches the edge of the scan or sample.",
        Shown(160, "Edge", width=10, hidden=True),
    ),
    Column(
        "n_agreeing",
        int,
        "Detectors that flag this grain too.",
        Shown(130, "Agree", "d", 6),
    ),
    # Those that flag at least one of its pixels (`results.agreement.agreeing_detectors`), the
    # result's own first.
    Column(
        "detectors_agreeing",
        str,
        "Which detectors flag this grain.",
        Shown(140, "Detectors", width=16, hidden=True),
    ),
    Column(
        "mineral_hint",
        str,
        "A mineral that fits the excess over the surroundings, with its distance (0 fits best). A "
        "hint to check, not a determination.",
        Shown(50, "May be", width=15, special=_mineral),
        Shown(90, "Perhaps", special=_mineral),
        also=("mineral_distance",),
        step="maps",
    ),
    Column("mineral_distance", float, "Distance of that mineral: 0 fits best.", step="maps"),
    # Such as "rutile 0.21".
    Column(
        "mineral_others",
        str,
        "Further minerals that fit, with their distances.",
        Shown(60, "Or", width=24, hidden=True),
        step="maps",
    ),
    # Joined by `artefacts.flags.FLAG_SEPARATOR`.
    Column(
        "flags",
        str,
        "What could fake this grain. Flags warn; they delete nothing.",
        Shown(70, "Flags", width=26),
        Shown(100, "Beware of"),
        step="maps",
    ),
    # Such as "Cluster 3 64 %, Cluster 2 36 %".
    Column(
        "neighbours",
        str,
        "Pseudo-label clusters around the grain.",
        Shown(150, "Within", width=18),
        Shown(110, "Beside"),
    ),
    Column(
        STATUS,
        str,
        "Your verdict: A accepts, R rejects, N goes on. Double-click to choose what the SEM said.",
        Shown(80, "Status", width=13),
        Shown(120, "Verdict"),
        step="verdicts",
        start=UNSEEN,
    ),
    Column(
        COMMENT,
        str,
        "Double-click to write.",
        Shown(90, "Comment", width=20),
        Shown(130, "Comment"),
        step="verdicts",
    ),
    Column(
        "decided_by",
        str,
        "Who decided.",
        Shown(240, "By", width=10, hidden=True),
        step="verdicts",
    ),
    Column(
        "decided_at",
        str,
        "When it was decided.",
        Shown(250, "When", width=18, hidden=True),
        step="verdicts",
    ),
    Column(
        "kind",
        str,
        "A grain that the detector found, or the largest area of an element that is concentrated "
        "in a small part of the scan and that no listed grain shows.",
        Shown(15, "Kind", width=11),
        Shown(15, "Kind"),
    ),
    Column(
        "above_threshold",
        bool,
        "Whether it reaches the threshold.",
        Shown(25, "Above", width=6, hidden=True, special=_above),
        Shown(25, "Above the threshold", special=_above),
    ),
    Column(
        "expected_by_chance",
        float,
        "False pixels expected in the whole scan at or above its peak.",
        Shown(35, "By chance", width=8, special=_chance),
        Shown(27, "Expected by chance (pixels per scan)", special=_chance),
    ),
    Column(
        "found_by",
        str,
        "The question that found it, where the detector asks several.",
        Shown(45, "Found because", width=16),
        Shown(45, "Found because"),
        hidden_if_empty=True,
    ),
    # One of `pixels.edits.HOW`, or empty.
    Column(
        EDITED,
        str,
        "What you did to its pixels: merged, split, redrawn, or cut (it gave pixels to another "
        "grain); empty: as computed.",
        Shown(75, "Edited", width=8),
        Shown(115, "Edited"),
        hidden_if_empty=True,
    ),
)

GRAIN_COLUMNS = tuple(column.key for column in COLUMNS)
DETAIL_COLUMNS = tuple(column.key for column in COLUMNS if column.step == "maps")
VERDICT_COLUMNS = tuple(column.key for column in COLUMNS if column.step == "verdicts")


def window_columns(table: pd.DataFrame) -> tuple[Column, ...]:
    """The columns that the window shows of a table, from left to right, hidden ones included."""
    return _in_view(table, lambda column: column.window)


def report_columns(table: pd.DataFrame) -> tuple[Column, ...]:
    """The columns that the report shows of a table, from left to right.

    Those of the verdicts are shown once there are any.
    """
    found = tuple(
        column
        for column in _in_view(table, lambda column: column.report)
        if column.step != "verdicts" or not table[column.key].isin(("", column.start)).all()
    )
    keys = {column.key for column in found}
    return tuple(column for column in found if column.unless not in keys)


def _in_view(table: pd.DataFrame, view: Callable[[Column], Shown]) -> tuple[Column, ...]:
    """The columns of a view that the table has, with a number in any row, by their place."""
    ordered = sorted(COLUMNS, key=lambda column: view(column).place)
    return tuple(column for column in ordered if view(column).place and _has(table, column))


def _has(table: pd.DataFrame, column: Column) -> bool:
    """Whether a table has the keys of a column, and a number in any row where it holds numbers."""
    if not all(key in table for key in column.keys):
        return False
    values = table[column.key]
    if column.hidden_if_empty and len(values):
        return bool((values != "").any())
    return values.dtype.kind != "f" or len(values) == 0 or bool(values.notna().any())


def with_all_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all `GRAIN_COLUMNS` in their order; those that it lacks hold nothing yet."""
    missing = {
        column.key: float("nan") if column.dtype is float else column.start
        for column in COLUMNS
        if column.key not in table
    }
    texts = {column.key: str for column in COLUMNS if column.dtype is str}
    return table.assign(**missing)[list(GRAIN_COLUMNS)].astype(texts)
