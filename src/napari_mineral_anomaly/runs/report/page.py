"""A report as one HTML page in plain words that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.runs.report.blocks import (
    Block,
    Grain,
    Heading,
    KeyValues,
    Picture,
    Table,
    Text,
    Title,
    Warnings,
)
from napari_mineral_anomaly.runs.report.content import report_blocks
from napari_mineral_anomaly.scan.report import IngestReport

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
section.grain { border-top: 1px solid #dcdce0; margin-top: 1.4rem; }
section.grain h3 { font-size: 1rem; margin: .6rem 0 .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0; }
dt { color: #5a5a60; } dd { margin: 0; }
@page { size: landscape; margin: 12mm 12mm 16mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; } }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 1.5pt 3pt; }
  td { min-width: 3.5em; overflow-wrap: anywhere; }
  td.number { min-width: 0; overflow-wrap: normal; white-space: nowrap; }
  thead { display: table-header-group; }
  tr, img, ul.warnings li { break-inside: avoid; }
  h1, h2, h3 { break-after: avoid; }
  h2.page { break-before: page; margin-top: 0; }
  section.grain { break-inside: avoid; }
  section.grain { margin-top: .6rem; }
  section.grain dl { grid-template-columns: max-content 1fr max-content 1fr; }
  section.grain img { max-height: 46mm; }
  img { max-height: 110mm; }
  thead th, td.line, ul.warnings { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def render_report(
    record: RunRecord, grains: pd.DataFrame, ingest: IngestReport, overview_png: bytes
) -> str:
    """The report of a run as HTML; arguments as for `content.report_blocks`."""
    return render_html(report_blocks(record, grains, ingest, overview_png))


def render_html(blocks: Iterable[Block]) -> str:
    """The page; pictures are embedded, nothing is loaded from the web, text is escaped."""
    blocks = list(blocks)
    title = next((block.text for block in blocks if isinstance(block, Title)), "Report")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n<main>\n"
        + "\n".join(map(_html, blocks))
        + "\n</main>\n</body></html>\n"
    )


def _html(block: Block) -> str:
    match block:
        case Title(text, subtitle):
            return f'<h1>{escape(text)}</h1>\n<p class="small">{escape(subtitle)}</p>'
        case Heading(text, new_page):
            kind = ' class="page"' if new_page else ""
            return f"<h2{kind}>{escape(text)}</h2>"
        case Text(text, kind):
            kind = "" if kind == "plain" else f' class="{kind}"'
            return f"<p{kind}>{escape(text)}</p>"
        case Warnings(texts):
            return f'<ul class="warnings">{_items(texts)}</ul>'
        case Picture():
            return f"<p>{_picture(block)}</p>"
        case Table():
            return _table(block)
        case KeyValues(name, rows):
            cells = "".join(
                f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in rows
            )
            return _wide(name, f"<tbody>{cells}</tbody>")
        case Grain():
            return _grain(block)


def _grain(grain: Grain) -> str:
    facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in grain.facts)
    picture = "" if grain.picture is None else f"<p>{_picture(grain.picture)}</p>"
    return (
        f'<section class="grain"><h3>{escape(grain.heading)}</h3><dl>{facts}</dl>{picture}'
        f"<ul>{_items(grain.sentences)}</ul></section>"
    )


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    return f'<img alt="{escape(picture.text)}" src="data:image/png;base64,{data}">'


def _table(table: Table) -> str:
    def cell(tag: str, column: int, value: Any, more: str = "") -> str:
        kind = ' class="number"' if column in table.numbers else ""
        return f"<{tag}{more}{kind}>{escape(str(value))}</{tag}>"

    head = "".join(cell("th", c, text, ' scope="col"') for c, text in enumerate(table.header))
    lines = [
        f"<tr>{''.join(cell('td', c, value) for c, value in enumerate(row))}</tr>"
        for row in table.rows
    ]
    if table.line is not None:
        after, words = table.line
        text = f'<tr><td class="line" colspan="{len(table.header)}">{escape(words)}</td></tr>'
        lines.insert(after, text)
    body = "".join(lines)
    return _wide(table.name, f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")


def _wide(name: str, content: str) -> str:
    """A table that scrolls where it is wider than the window, also with the keyboard."""
    return (
        f'<div class="wide" role="region" aria-label="{escape(name)}" tabindex="0">'
        f"<table>{content}</table></div>"
    )
