"""A report as PDF, made by ReportLab; no window and no browser is needed.

The font is DejaVu Sans, which comes with matplotlib and is embedded: it holds µ, ², Greek, Cyrillic
and accented Latin letters. A letter that it lacks (Chinese, for example) becomes "�", and the
report says so.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    Image,
    KeepTogether,
    LongTable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from napari_mineral_anomaly.printable import one_line
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

_FONT, _BOLD = "MineralAnomalySans", "MineralAnomalySans-Bold"
_MISSING = "\N{REPLACEMENT CHARACTER}"
_NOT_SHOWN = (
    f"Letters that the font of this file does not hold are shown as {_MISSING}; the HTML has them."
)
_PAGE = landscape(A4)
_MARGIN = 14 * mm
_WIDTH = _PAGE[0] - 2 * _MARGIN
_GREY, _LINE, _RED = (
    colors.HexColor("#5a5a60"),
    colors.HexColor("#c9c9ce"),
    colors.HexColor("#aa1111"),
)
_CELL_SPACE = 5.0
_NARROW_CELLS: list[Any] = [
    ("LEFTPADDING", (0, 0), (-1, -1), _CELL_SPACE / 2),
    ("RIGHTPADDING", (0, 0), (-1, -1), _CELL_SPACE / 2),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
]
# A picture leaves room for the title of the report above it.
_PICTURE_HEIGHT = 125 * mm
# No column narrower than this (points), whatever it holds.
_NARROWEST = 22.0


def render_pdf(blocks: Iterable[Block]) -> bytes:
    """The report as PDF on A4 across, with page numbers; text is text, not a picture."""
    _register_fonts()
    blocks = list(blocks)
    title = next((one_line(block.text) for block in blocks if isinstance(block, Title)), "Report")
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 4 * mm,
        title=title,
        lang="en",
        creator="napari-mineral-anomaly",
        # The same report gives the same bytes.
        invariant=1,
    )
    flow = [part for block in blocks for part in _parts(block)]
    if any(_MISSING in _escaped(text) for text in _texts(tuple(blocks))):
        flow += _parts(Text(_NOT_SHOWN, "small"))
    document.build(flow, canvasmaker=partial(_NumberedCanvas, footer=_plain(title)))
    return buffer.getvalue()


class _NumberedCanvas(Canvas):
    """Writes "page 3 of 7" on each page once the number of pages is known."""

    def __init__(self, *args: Any, footer: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._footer = footer
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.setFont(_FONT, 7.5)
            self.setFillColor(_GREY)
            self.drawString(_MARGIN, 9 * mm, self._footer[:120])
            self.drawRightString(_PAGE[0] - _MARGIN, 9 * mm, f"page {number} of {len(self._pages)}")
            super().showPage()
        super().save()


@cache
def _register_fonts() -> None:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    pdfmetrics.registerFont(TTFont(_FONT, str(folder / "DejaVuSans.ttf")))
    pdfmetrics.registerFont(TTFont(_BOLD, str(folder / "DejaVuSans-Bold.ttf")))
    pdfmetrics.registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_FONT, boldItalic=_BOLD)


def _style(size: float, *, bold: bool = False, **options: Any) -> ParagraphStyle:
    values = {"spaceAfter": 0.5 * size, "splitLongWords": 1} | options
    font = _BOLD if bold else _FONT
    return ParagraphStyle(
        f"{size} {bold}", fontName=font, fontSize=size, leading=1.3 * size, **values
    )


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(_escaped(text), style)


def _escaped(text: str) -> str:
    """Text for a paragraph, with nothing in it that the font has not."""
    return escape(_plain(text), quote=False)


def _plain(text: str) -> str:
    known = _glyphs()
    return "".join(c if ord(c) in known else _MISSING for c in one_line(str(text)))


@cache
def _glyphs() -> frozenset[int]:
    """The characters that can be drawn and copied out again."""
    font: Any = pdfmetrics.getFont(_FONT)
    # ReportLab 5 writes a table for copying that is broken by characters of more than 16 bits.
    return frozenset(code for code in font.face.charToGlyph if code < 0x10000)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a block."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))


def _parts(block: Block) -> list[Flowable]:
    match block:
        case Title(text, subtitle):
            return [
                _paragraph(text, _style(17, bold=True)),
                _paragraph(subtitle, _style(8.5, textColor=_GREY)),
            ]
        case Heading(text, new_page):
            heading = _paragraph(text, _style(12, bold=True, spaceBefore=12, keepWithNext=1))
            return [PageBreak(), heading] if new_page else [CondPageBreak(40 * mm), heading]
        case Text(text, kind):
            size = {"lead": 11.0, "small": 7.5}.get(kind, 9.0)
            colour = _GREY if kind == "small" else colors.black
            return [_paragraph(text, _style(size, spaceBefore=3, textColor=colour))]
        case Warnings(texts):
            style = _style(8.5, backColor=colors.HexColor("#fff4d6"), borderPadding=2, leftIndent=4)
            return [*(_paragraph(f"• {text}", style) for text in texts), Spacer(1, 4)]
        case Picture():
            return [_image(block, _WIDTH * block.width, _PICTURE_HEIGHT), Spacer(1, 4)]
        case Table():
            return [_table(block)]
        case KeyValues(name, rows):
            return [_table(Table(name, (), rows))]
        case Grain():
            return [_grain(block)]


def _grain(grain: Grain) -> Flowable:
    plain = _style(8.5, spaceAfter=0)
    facts: list[Any] = [
        Paragraph(f"<b>{_escaped(k)}:</b> {_escaped(v)}", plain) for k, v in grain.facts
    ]
    pairs = [[*facts[k : k + 2], ""][:2] for k in range(0, len(facts), 2)]
    parts: list[Flowable] = [_paragraph(grain.heading, _style(10.5, bold=True, spaceBefore=8))]
    if pairs:
        looks = TableStyle([*_NARROW_CELLS, ("VALIGN", (0, 0), (-1, -1), "TOP")])
        parts.append(
            LongTable(pairs, colWidths=[_WIDTH / 2] * 2, style=looks, hAlign="LEFT", splitInRow=1)
        )
    if grain.picture is not None:
        parts.append(_image(grain.picture, _WIDTH, 46 * mm))
    parts += [
        _paragraph(f"• {text}", _style(8, textColor=_GREY, spaceAfter=1))
        for text in grain.sentences
    ]
    return KeepTogether([*parts, Spacer(1, 6)])


def _image(picture: Picture, width: float, height: float) -> Image:
    pixels_x, pixels_y = ImageReader(io.BytesIO(picture.png)).getSize()
    scale = min(width / pixels_x, height / pixels_y)
    image = Image(io.BytesIO(picture.png), pixels_x * scale, pixels_y * scale)
    image.hAlign = "LEFT"
    return image


def _table(table: Table) -> Flowable:
    size = 6.2 if len(table.header) > 10 else 7.5
    left, right = _style(size, spaceAfter=0), _style(size, spaceAfter=0, alignment=2)
    styles = [
        right if column in table.numbers else left
        for column in range(len(table.header or table.rows[0]) if table.header or table.rows else 0)
    ]
    rows = [list(map(str, row)) for row in table.rows]
    widths = _widths([list(table.header), *rows] if table.header else rows, size)
    cells: list[list[Any]] = [
        [_paragraph(text, style) for text, style in zip(row, styles, strict=True)] for row in rows
    ]
    looks: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *_NARROW_CELLS,
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
    ]
    n_head = 0
    if table.header:
        n_head = 1
        bold = [
            _style(size, bold=True, spaceAfter=0, alignment=style.alignment) for style in styles
        ]
        cells.insert(0, [_paragraph(t, s) for t, s in zip(table.header, bold, strict=True)])
        looks.append(("LINEBELOW", (0, 0), (-1, 0), 0.9, _GREY))
    if table.line is not None:
        after, words = table.line
        at = after + n_head
        text = _paragraph(words, _style(size, bold=True, textColor=_RED, spaceAfter=0))
        cells.insert(at, [text, *[""] * (len(styles) - 1)])
        looks += [("SPAN", (0, at), (-1, at)), ("LINEBELOW", (0, at), (-1, at), 1.2, _RED)]
    if not cells:
        return Spacer(1, 1)
    return LongTable(
        cells,
        colWidths=widths,
        repeatRows=n_head,
        style=TableStyle(looks),
        hAlign="LEFT",
        splitInRow=1,  # a comment may be longer than a page
    )


def _widths(rows: Sequence[Sequence[str]], size: float) -> list[float]:
    """Widths of columns (points): what each needs in one line, less where the page is too narrow.

    A column never gets less than its longest word needs, as long as the page has room for that; a
    word that would fill a quarter of the page is broken.
    """
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    measure = partial(pdfmetrics.stringWidth, fontName=_BOLD, fontSize=size)
    wanted = [max(map(measure, column)) + _CELL_SPACE + 2 for column in columns]
    words = [[word for text in column for word in text.split()] for column in columns]
    needed = [
        min(max([_NARROWEST, *map(measure, own)]), _WIDTH / 4) + _CELL_SPACE + 1 for own in words
    ]
    if sum(wanted) <= _WIDTH:
        return wanted
    if sum(needed) >= _WIDTH:
        return [width * _WIDTH / sum(needed) for width in needed]
    spare = _WIDTH - sum(needed)
    more = [max(w - n, 0.0) for w, n in zip(wanted, needed, strict=True)]
    return [n + spare * m / sum(more) for n, m in zip(needed, more, strict=True)]
