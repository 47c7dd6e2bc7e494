"""report.html: one page in plain words that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Container, Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd

from napari_mineral_anomaly.grains.columns import report_columns
from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.runs.report.drawing import figure_png
from napari_mineral_anomaly.runs.report.overview import draw_loss_curve
from napari_mineral_anomaly.scan.report import IngestReport, UsedMap

# A page with thousands of rows opens slowly; grains.csv lists all grains.
MAX_GRAINS = 100

# On paper the pages are across, so that the table of grains fits on A4 and Letter; headings of
# tables are repeated on each page, and no row is split.
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1f; background: #fff; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.lead { font-size: 1.1rem; } p.small { color: #5a5a60; font-size: .9rem; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #dcdce0; text-align: left;
  vertical-align: top; }
td.line { border-bottom: 2px solid #c22; color: #a11; font-weight: 600; }
thead th { border-bottom: 2px solid #9a9aa2; } tbody th { font-weight: normal; }
td.number, th.number { text-align: right; }
ul.warnings { background: #fff4d6; border-left: 4px solid #d9a400; padding: .6rem 2rem; }
@page { size: landscape; margin: 12mm; }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 1.5pt 3pt; }
  td { min-width: 3.5em; overflow-wrap: anywhere; }
  td.number { min-width: 0; overflow-wrap: normal; white-space: nowrap; }
  thead { display: table-header-group; }
  tr, img, ul.warnings li { break-inside: avoid; }
  h1, h2 { break-after: avoid; }
  img { max-height: 120mm; }
  thead th, td.line, ul.warnings { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def render_report(
    record: RunRecord, grains: pd.DataFrame, ingest: IngestReport, overview_png: bytes
) -> str:
    """The page as HTML; pictures are embedded, nothing is loaded from the web, text is escaped.

    Parameters
    ----------
    record : RunRecord
    grains : DataFrame
        As `grains.table.find_grains` gives it.
    ingest : IngestReport
    overview_png : bytes
        The PNG of `draw_overview`.
    """
    title = f"Anomalous grains in {record.source}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="small">{escape(_subtitle(record))}</p>',
        f'<p class="lead">{escape(record.findings)}</p>',
        _warnings([*ingest.warnings, *record.warnings]),
        _picture(overview_png, "Anomaly score map with the ranked grains and their driver maps"),
        "<h2>Grains, the oddest first</h2>",
        _grain_table(record, grains),
        "<h2>How it was computed</h2>",
        _key_values("How it was computed", _computation(record)),
        _loss(record),
        "<h2>What was read</h2>",
        _ingest(ingest),
        "<h2>Versions</h2>",
        _key_values("Versions", record.versions.items()),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body></html>\n"
    )


def _subtitle(record: RunRecord) -> str:
    height, width = record.shape
    size = _pixel_size(record.pixel_size_um)
    return (
        f"{width} x {height} pixels, {size}, {len(record.elements)} elements, "
        f"detector {record.detector}, {record.created}"
    )


def _grain_table(record: RunRecord, grains: pd.DataFrame) -> str:
    if grains.empty:
        return "<p>None: no pixel of this scan is odder than another.</p>"
    columns = report_columns(grains)
    rows = [
        [column.report_text(grain) for column in columns]
        for grain in grains.head(MAX_GRAINS).to_dict("records")
    ]
    numbers = [k for k, column in enumerate(columns) if column.number]
    note = (
        "Scores are in background sigmas. The line shows the threshold: above it stand all grains "
        "that reach it, below it the oddest others. Expected by chance: how many pixels of a "
        "section with nothing odd would have a score as high as the peak of the row; near 0 a row "
        "is hardly chance, at 1 and more it may well be. A concentration is the largest area of an "
        "element that is high in a small part of the scan and in no listed grain. "
        "Driven by: the elements that carry the score, each with "
        "its mean excess (+) or lack (-) over the grain in background sigmas. Centres are measured "
        "from the centre of the first pixel. Perhaps: the mineral whose formula fits the excess "
        "over the surroundings best, with its distance (0 fits perfectly, 1 not at all); a hint by "
        "sign and pattern, no analysis. Beware of: what else could have made the grain; nothing is "
        "left out because of it. Beside: the background clusters around the grain."
    )
    if len(grains) > MAX_GRAINS:
        note += f" The worst {MAX_GRAINS} of {len(grains)}; grains.csv lists all."
    n_above = int(grains.head(MAX_GRAINS)["above_threshold"].sum())
    line = f"Threshold: {record.threshold:.2f} background sigmas"
    titles = [column.report.title for column in columns]
    table = _table("Grains", titles, rows, numbers, line=(n_above, line))
    return f'{table}<p class="small">{escape(note)}</p>'


def _computation(record: RunRecord) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [
        ("Detector", record.detector),
        ("Seed", record.seed),
        ("Device", record.device),
        ("Elements", ", ".join(record.elements)),
        ("Kind of numbers", record.quantity),
        ("Valid pixels", record.n_valid),
        ("Smallest grain listed (pixels)", record.min_grain_px),
    ]
    shown = {"seed", "device"}
    rows += [(f"Parameter {key}", v) for key, v in record.parameters.items() if key not in shown]
    rows += [(f"Seconds for {phase}", f"{s:.1f}") for phase, s in record.timings.items()]
    if record.peak_memory_mb is not None:
        rows.append(("Peak memory (MB)", f"{record.peak_memory_mb:.0f}"))
    return rows


def _loss(record: RunRecord) -> str:
    if not record.loss_curve:
        return ""
    return _picture(figure_png(draw_loss_curve(record.loss_curve)), "Training loss per epoch")


def _ingest(ingest: IngestReport) -> str:
    used = _table(
        "Maps that were read",
        [
            "File",
            "Element",
            "Numbers",
            "Rows x columns",
            "Missing",
            "Zero",
            "Negative",
            "Saturated",
        ],
        [
            [
                *(_place(m), m.element, m.dtype, "x".join(map(str, m.shape))),
                *(m.nan, m.zero, m.negative, m.saturated),
            ]
            for m in ingest.used
        ],
        numbers=range(4, 8),
    )
    size = _pixel_size(ingest.pixel_size_um)
    parts = [f"<p>{escape(size)} (source: {escape(ingest.pixel_size_source)}).</p>", used]
    if ingest.ignored:
        parts += [
            "<p>Not used as element maps:</p>",
            _table(
                "Files that were not used",
                ["File", "Why"],
                [[f.file, f.reason] for f in ingest.ignored],
            ),
        ]
    return "".join(parts)


def _place(used: UsedMap) -> str:
    return used.file if used.page is None else f"{used.file}, page {used.page}"


def _pixel_size(size: tuple[float, float] | None) -> str:
    if size is None:
        return "pixel size unknown"
    y, x = size
    return f"pixel size {x:g} µm" if x == y else f"pixel size {y:g} µm down, {x:g} µm across"


def _warnings(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="warnings">{items}</ul>' if items else ""


def _picture(png: bytes, text: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<p><img alt="{escape(text)}" src="data:image/png;base64,{data}"></p>'


def _key_values(name: str, rows: Iterable[tuple[str, Any]]) -> str:
    pairs = [(str(key), "" if value is None else str(value)) for key, value in rows]
    cells = "".join(
        f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in pairs
    )
    return _wide(name, f"<tbody>{cells}</tbody>")


def _table(
    name: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    numbers: Container[int] = (),
    line: tuple[int, str] | None = None,
) -> str:
    """A table called ``name``; the columns ``numbers`` (counted from 0) are right-aligned.

    ``line`` is a row count and a text, which stands in a row of its own after so many rows.
    """

    def cell(tag: str, column: int, value: Any, more: str = "") -> str:
        kind = ' class="number"' if column in numbers else ""
        return f"<{tag}{more}{kind}>{escape(str(value))}</{tag}>"

    head = "".join(cell("th", c, text, ' scope="col"') for c, text in enumerate(header))
    lines = [
        f"<tr>{''.join(cell('td', c, value) for c, value in enumerate(row))}</tr>" for row in rows
    ]
    if line is not None:
        text = f'<tr><td class="line" colspan="{len(header)}">{escape(line[1])}</td></tr>'
        lines.insert(line[0], text)
    body = "".join(lines)
    return _wide(name, f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")


def _wide(name: str, content: str) -> str:
    """A table that scrolls where it is wider than the window, also with the keyboard."""
    return (
        f'<div class="wide" role="region" aria-label="{escape(name)}" tabindex="0">'
        f"<table>{content}</table></div>"
    )
