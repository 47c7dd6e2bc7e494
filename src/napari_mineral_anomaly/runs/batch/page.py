"""index.html of a batch: a page that needs no other file, with a line per section."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from napari_mineral_anomaly.io.run_files import REPORT_FILE
from napari_mineral_anomaly.runs.batch.rows import SectionRow
from napari_mineral_anomaly.runs.batch.state import Batch, thumbnail_file
from napari_mineral_anomaly.words import counted

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1f; max-width: 1300px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
p.small { color: #5a5a60; font-size: .9rem; }
.cards { display: flex; gap: .8rem; flex-wrap: wrap; margin: 1.2rem 0; }
.card { background: #f5f5f7; border-radius: 8px; padding: .6rem 1.1rem; min-width: 6rem; }
.card b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.card.failed b { color: #b3261e; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .8rem; border-bottom: 1px solid #dcdce0; text-align: left;
  vertical-align: top; }
th { border-bottom: 2px solid #9a9aa2; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.machine { color: #5a5a60; }
td.name a { font-weight: 600; }
td.name span { display: block; color: #77777e; font-size: .8rem; overflow-wrap: anywhere; }
img { display: block; width: 96px; max-height: 96px; object-fit: contain;
  image-rendering: pixelated; border: 1px solid #dcdce0; }
tr.failed td { background: #fdf0ee; } tr.waiting td { color: #77777e; }
.state { border-radius: 9px; padding: .05rem .6rem; font-size: .8rem; background: #e3f1e4; }
.failed .state { background: #f6cfca; } .waiting .state { background: #ececf0; }
"""
_TITLES = (
    ("", False),
    ("Section", False),
    ("State", False),
    ("Pixels", True),
    ("mm²", True),
    ("Grains", True),
    ("Listed", True),
    ("Perhaps", False),
    ("Beware of", False),
    ("Seconds", True),
    ("MB", True),
    ("Computer", False),
)
_NOTE = (
    "Grains: those at or above the threshold of the section; Listed: with the oddest places below "
    "it. The picture is the map of the score; grains at or above the threshold are red. Perhaps: "
    "the minerals whose formulas fit these grains best, with the number of grains; hints, no "
    "analysis. Beware of: what else could have made them. Seconds and MB: time and largest memory "
    "of the process of the section. sections.csv holds the same as a table."
)


def render_index(batch: Batch, rows: Sequence[SectionRow]) -> str:
    """The page as HTML; pictures are embedded, nothing is loaded from the web, text is escaped."""
    states = {state: [row for row in rows if row.state == state] for state in _STATES}
    n_grains = sum(row.grains or 0 for row in rows)
    cards = [("", str(len(rows)), "sections"), ("", str(len(states["done"])), "done")]
    cards += [(state, str(len(states[state])), state) for state in _STATES[1:] if states[state]]
    cards.append(("", f"{n_grains:,}", "grains"))
    area = sum(row.area_mm2 or 0 for row in rows)
    if area:
        cards.append(("", f"{area:,.0f}", "mm²"))
    title = f"Odd grains in {counted(len(rows), 'section')}"
    detector = "a saved model" if batch.model else f"detector {batch.recipe.detector_name}"
    boxes = "".join(
        f'<div class="card {kind}"><b>{escape(n)}</b>{escape(words)}</div>'
        for kind, n, words in cards
    )
    head = "".join(
        f"<th{' class=number' if number else ''}>{escape(text)}</th>" for text, number in _TITLES
    )
    body = "\n".join(_line(batch, row) for row in rows)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        f'<h1>{escape(title)}</h1><p class="small">Each with {escape(detector)}.</p>\n'
        f'<div class="cards">{boxes}</div>\n'
        f'<div class="wide"><table><tr>{head}</tr>\n{body}\n</table></div>\n'
        f'<p class="small">{escape(_NOTE)}</p>\n</body></html>\n'
    )


_STATES = ("done", "failed", "waiting")


def _line(batch: Batch, row: SectionRow) -> str:
    name = escape(row.section)
    if row.state == "done":
        name = f'<a href="{quote(row.section)}/{REPORT_FILE}">{name}</a>'
    cells = [
        f"<td>{_thumbnail(batch, row)}</td>",
        f'<td class="name">{name}<span>{escape(row.source)}</span></td>',
        f'<td><span class="state">{row.state}</span></td>',
    ]
    if row.failure:
        cells.append(f'<td colspan="8">{escape(row.failure)}</td>')
    else:
        numbers = (
            _number(row.pixels),
            _number(row.area_mm2, 1),
            _number(row.grains),
            _number(row.listed),
        )
        cells += [f'<td class="number">{text}</td>' for text in numbers]
        cells += [f"<td>{escape(text)}</td>" for text in (row.minerals, row.flags)]
        machine = (_number(row.seconds, 1), _number(row.peak_memory_mb))
        cells += [f'<td class="number machine">{text}</td>' for text in machine]
    cells.append(f'<td class="machine">{escape(row.host)}</td>')
    return f'<tr class="{row.state}">{"".join(cells)}</tr>'


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _thumbnail(batch: Batch, row: SectionRow) -> str:
    try:
        png = thumbnail_file(batch.out, row.section).read_bytes()
    except OSError:  # not finished, or removed by hand
        return ""
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="Score of {escape(row.section)}" src="data:image/png;base64,{data}">'
