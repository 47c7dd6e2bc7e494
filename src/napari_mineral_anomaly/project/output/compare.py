"""Compare sections: the grains of several projects, and what recurs in which of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS, STATUS, split_driver
from napari_mineral_anomaly.io.writing.atomic import staged_folder
from napari_mineral_anomaly.io.writing.tables import write_grains, write_table
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.project.load import LoadedProject, load_project
from napari_mineral_anomaly.project.output.report import list_project
from napari_mineral_anomaly.words import counted

SECTION = "section"
_PER_MM2, _ALL = "per mm²", "all"
# Columns of their own in the tables, which no section may take.
_TAKEN = {SECTION, "what", "name", "sections", "grains", _PER_MM2, _ALL}
GRAINS_FILE, RECURRING_FILE, PAGE_FILE = "grains.csv", "recurring.csv", "index.html"
FILES = (GRAINS_FILE, RECURRING_FILE, PAGE_FILE)

# Grains that the user has ruled out do not count as finds.
_RULED_OUT = ("reject", "SEM-false")

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1f; max-width: 1300px;
  margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; } p.small { color: #5a5a60; font-size: .9rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #dcdce0; text-align: right; }
th { border-bottom: 2px solid #9a9aa2; vertical-align: bottom; max-width: 9rem;
  overflow-wrap: anywhere; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: #fff; white-space: nowrap; }
th[tabindex] { cursor: pointer; } th[aria-sort=ascending]::after { content: " \\25B2"; }
th[aria-sort=descending]::after { content: " \\25BC"; }
"""

# A click on a heading sorts its table: numbers from the largest, words from A. The line of all
# sections stays at the end. Without scripts the page is complete too.
SORTING_SCRIPT = """
const key = (row, at) => row.cells[at].textContent.trim();
const number = (text) => parseFloat(text.replace(/,/g, ""));
function sortBy(head) {
  const at = head.cellIndex, body = head.closest("table").tBodies[0];
  const rows = [...body.rows].filter((row) => key(row, 0) !== "all");
  const ends = [...body.rows].filter((row) => key(row, 0) === "all");
  const numbers = rows.every((row) => /^(\\u2013|)$|^-?[\\d.,]+/.test(key(row, at)));
  const before = head.getAttribute("aria-sort");
  const down = before ? before === "ascending" : numbers;
  rows.sort((a, b) => {
    const [x, y] = [key(a, at), key(b, at)];
    const order = numbers
      ? (number(x) || 0) - (number(y) || 0)
      : x.localeCompare(y);
    return down ? -order : order;
  });
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows, ...ends);
}
for (const head of document.querySelectorAll("th")) {
  head.tabIndex = 0;
  head.addEventListener("click", () => sortBy(head));
  head.addEventListener("keydown", (event) => event.key === "Enter" && sortBy(head));
}
"""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several sections side by side.

    Attributes
    ----------
    grains : DataFrame
        The grain tables of all sections; the first column names the section.
    areas_mm2 : dict of section to float or None
        The area that was analysed; None where the pixel size is unknown.
    recurring : DataFrame
        One row per leading driver ("As+") and per mineral hint: what, name, sections (in how many
        it occurs), grains, per mm² (over all sections), then for each section its grains and its
        grains per mm². It counts grains at or above the threshold that are not rejected.
    """

    grains: pd.DataFrame
    areas_mm2: dict[str, float | None]
    recurring: pd.DataFrame


def compare_projects(folders: Sequence[Path], *, task: Task = SILENT) -> Comparison:
    """Compare the main results of several projects, judged as their users did.

    Raises
    ------
    InputError
        When there are fewer than two, or one cannot be read or lacks its maps; the sentence names
        the project.
    CancelledError
        When ``task`` was cancelled.
    """
    if len(folders) < 2:
        raise InputError("A comparison needs at least two projects.")
    tables, areas = [], {}
    for step, (name, folder) in enumerate(zip(section_names(folders), folders, strict=True)):
        task.step("comparing", step, len(folders), name)
        try:
            project = load_project(folder, only_main=True, task=task.quiet())
            table = list_project(project, task=task.quiet()).table
        except InputError as error:
            raise InputError(f"{folder}: {error}") from None
        table.insert(0, SECTION, name)
        tables.append(table)
        areas[name] = _area_mm2(project)
    grains = pd.concat(tables, ignore_index=True)
    return Comparison(grains, areas, _recurring(grains, areas))


def section_names(folders: Sequence[Path]) -> list[str]:
    """A name for each project: that of its folder, told apart by the folders above."""
    places = [folder.resolve() for folder in folders]
    names = [place.name for place in places]
    for up in range(1, max(len(place.parts) for place in places)):
        twice = {name for name, n in Counter(names).items() if n > 1 or name in _TAKEN}
        if not twice:
            break
        names = [
            f"{place.parts[-1 - up]}/{name}" if name in twice and len(place.parts) > up else name
            for place, name in zip(places, names, strict=True)
        ]
    if len(set(names)) < len(names):
        raise InputError("One project was given twice.")
    return names


def write_comparison(comparison: Comparison, out: str | Path, *, overwrite: bool = False) -> None:
    """Write grains.csv, recurring.csv and index.html into a folder, complete or not at all.

    Raises
    ------
    InputError
        When the folder is not empty and ``overwrite`` is not set, or cannot be written.
    """
    with staged_folder(out, overwrite=overwrite, ours=FILES) as folder:
        write_grains(folder / GRAINS_FILE, comparison.grains)
        write_table(folder / RECURRING_FILE, comparison.recurring)
        (folder / PAGE_FILE).write_text(_page(comparison), encoding="utf-8")


def _area_mm2(project: LoadedProject) -> float | None:
    size = project.file.pixel_size_um
    if size is None:
        return None
    return float(np.count_nonzero(project.main.run.result.valid) * size[0] * size[1] / 1e6)


def _recurring(grains: pd.DataFrame, areas: dict[str, float | None]) -> pd.DataFrame:
    finds = grains[grains["above_threshold"] & ~grains[STATUS].isin(_RULED_OUT)]
    kinds = {
        "driver": finds[DRIVER_COLUMNS[0]].map(_driver),
        "mineral": finds["mineral_hint"],
    }
    rows = []
    total = _sum_of(areas)
    for what, names in kinds.items():
        for name in sorted(set(names) - {""}):
            counts = finds.loc[names == name, SECTION].value_counts()
            row = {
                "what": what,
                "name": name,
                "sections": int((counts > 0).sum()),
                "grains": int(counts.sum()),
                _PER_MM2: _density(int(counts.sum()), total),
            }
            for section, area in areas.items():
                n = int(counts.get(section, 0))
                row[section] = n
                row[f"{section} {_PER_MM2}"] = _density(n, area)
            rows.append(row)
    columns = ["what", "name", "sections", "grains", _PER_MM2]
    columns += [c for section in areas for c in (section, f"{section} {_PER_MM2}")]
    table = pd.DataFrame(rows, columns=columns)
    order = ["what", "sections", "grains", "name"]
    return table.sort_values(order, ascending=[True, False, False, True], ignore_index=True)


def _density(n: int, area: float | None) -> float:
    return n / area if area else float("nan")


def _sum_of(areas: dict[str, float | None]) -> float | None:
    known = [area for area in areas.values() if area is not None]
    return sum(known) if len(known) == len(areas) else None


def _driver(text: str) -> str:
    """The element of a driver with its direction: "As+14.2" is "As+"."""
    if not text:
        return ""
    element, sigmas = split_driver(text)
    return f"{element}{'+' if sigmas >= 0 else '-'}"


def _page(comparison: Comparison) -> str:
    areas, recurring = comparison.areas_mm2, comparison.recurring
    title = f"{counted(len(areas), 'section')} compared"
    parts = [f"<h1>{escape(title)}</h1>", _table(_summary(comparison))]
    for what, heading in (("driver", "Leading elements"), ("mineral", "Minerals, perhaps")):
        own = recurring[recurring["what"] == what]
        parts += [f"<h2>{heading}</h2>", _table(_by_section(own, areas, heading))]
    parts.append(
        '<p class="small">Grains that reach the threshold of their section and are not rejected, '
        "by the element that stands out most (+ more or - less than the background holds) and by "
        "the mineral that fits best (a hint, no analysis). In brackets: grains per mm². "
        "The same numbers are in recurring.csv; all grains are in grains.csv. Click a heading to "
        "sort by it.</p>"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<script>{SORTING_SCRIPT}</script>\n</body></html>\n"
    )


def _summary(comparison: Comparison) -> pd.DataFrame:
    """What each section holds, and all of them."""
    grains, areas = comparison.grains, comparison.areas_mm2
    parts = [(name, area, grains[grains[SECTION] == name]) for name, area in areas.items()]
    rows = []
    for name, area, own in [*parts, (_ALL, _sum_of(areas), grains)]:
        above, accepted, rejected = _counts(own)
        rows.append((name, area, above, _density(above, area), accepted, rejected))
    columns = ["section", "analysed mm²", "grains above the threshold", _PER_MM2]
    return pd.DataFrame(rows, columns=[*columns, "accepted", "rejected"])


def _counts(grains: pd.DataFrame) -> tuple[int, int, int]:
    return (
        int(grains["above_threshold"].sum()),
        int((grains[STATUS] == "accept").sum()),
        int(grains[STATUS].isin(_RULED_OUT).sum()),
    )


def _by_section(
    recurring: pd.DataFrame, areas: dict[str, float | None], heading: str
) -> pd.DataFrame:
    """A line per driver or mineral, a column per section: "3 (0.4)"."""
    table = pd.DataFrame(
        {
            heading: recurring["name"],
            "sections": [f"{n} of {len(areas)}" for n in recurring["sections"]],
            _ALL: _cells(recurring["grains"], recurring[_PER_MM2]),
        }
    )
    for section in areas:
        table[section] = _cells(recurring[section], recurring[f"{section} {_PER_MM2}"])
    return table


def _cells(counts: pd.Series, densities: pd.Series) -> list[str]:
    """Counts with their densities; empty where there is nothing."""
    return [
        "" if n == 0 else f"{n}" if np.isnan(per_mm2) else f"{n} ({per_mm2:.3g})"
        for n, per_mm2 in zip(counts, densities, strict=True)
    ]


def _table(table: pd.DataFrame) -> str:
    if table.empty:
        return "<p>None.</p>"
    html = table.to_html(index=False, border=0, na_rep="–", float_format=lambda x: f"{x:.3g}")
    return f'<div class="wide">{html}</div>'
