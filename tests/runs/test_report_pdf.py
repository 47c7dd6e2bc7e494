"""The PDF says what the HTML says: words of any script as text, tables over pages, page numbers."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

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
from napari_mineral_anomaly.runs.report.drawing import figure_png, new_figure
from napari_mineral_anomaly.runs.report.page import render_html
from napari_mineral_anomaly.runs.report.pdf import render_pdf


def _picture(width: float = 5.0, height: float = 2.0) -> Picture:
    figure = new_figure(width, height)
    figure.add_subplot().plot([0, 1])
    return Picture(figure_png(figure), "a curve")


def _pages(blocks: list[Block]) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(render_pdf(blocks))).pages]


def test_words_of_many_scripts_are_text():
    words = "20 µm², Größe, électrum, α-Cu ≥ 3 σ, Ковдор, <b>As</b> & “Au” −5.0"
    blocks: list[Block] = [
        Title(words, words),
        Text(words, "lead"),
        Warnings((words,)),
        KeyValues("facts", (("key", words),)),
        Grain("Rank 1", (("Comment", words),), (words,), _picture()),
    ]
    (page,) = _pages(blocks)
    assert " ".join(page.split()).count(words) == 8  # the title is in the footer too
    assert "page 1 of 1" in page
    assert render_html(blocks).count("Ковдор") == 8  # in the title of the page too


def test_a_long_table_repeats_its_heading_and_draws_its_line():
    header = ("Rank", "Drivers", *(f"Column {k}" for k in range(14)))
    rows = tuple((k, f"As+{k}.5, S−1.0, Fe+3.3, Cu+9.1", *range(14)) for k in range(120))
    table = Table("Grains", header, rows, numbers=(0,), line=(60, "Threshold: 4.2"))
    pages = _pages([Title("T", "s"), Heading("Grains"), table])
    assert len(pages) > 2
    assert all("Drivers" in page for page in pages[1:])
    text = "\n".join(pages)
    assert text.count("Threshold: 4.2") == 1
    assert text.index("As+59.5") < text.index("Threshold: 4.2") < text.index("As+60.5")
    assert [f"page {k + 1} of {len(pages)}" in page for k, page in enumerate(pages)] == [
        True
    ] * len(pages)


@pytest.mark.parametrize("size", [(12.0, 3.0), (3.0, 12.0)])
def test_pictures_of_any_shape_stay_on_the_page_of_the_title(size):
    document = PdfReader(io.BytesIO(render_pdf([Title("T", "s"), _picture(*size)])))
    (page,) = document.pages
    assert len(page.images) == 1
    assert document.metadata is not None
    assert document.metadata.title == "T"


@pytest.mark.parametrize(
    "text", ["a\x00b\x07", "bad\udcffname", "中文 😀", "</para><b>", "\n\t", ""]
)
def test_any_text_makes_a_pdf(text):
    parts = [Text(text), Table("t", (text,), ((text,),)), KeyValues("k", ((text, text),))]
    (page,) = _pages(
        [Title(f"T {text}", text), *parts, Grain(text, ((text, text),), (text,), None)]
    )
    assert "page 1 of 1" in page
    # What the font lacks is not left out without a word.
    assert ("Letters that the font of this file does not hold" in page) == ("中" in text)


@pytest.mark.parametrize("text", [" ".join(f"w{k}" for k in range(3000)), "x" * 4000])
def test_a_comment_longer_than_a_page_goes_on_on_the_next(text):
    header = ("Rank", *(f"Column {k}" for k in range(14)), "Comment")
    rows = ((1, *range(14), text), (2, *range(14), "short"))
    blocks = [Table("Grains", header, rows), Grain("Rank 1", (("Comment", text),), (), None)]
    pages = _pages(blocks)
    assert len(pages) > 2
    found = "".join("".join(pages).split())
    if text[0] == "w":
        assert found.count("w2999") == 2
    else:
        assert found.count("x") >= 8000


def test_two_grains_share_a_page_and_none_is_split():
    facts = tuple((f"fact {k}", "value") for k in range(8))
    grains = [Grain(f"Grain {k}", facts, (f"end of {k}",), _picture(11.2, 2.3)) for k in range(5)]
    pages = _pages([Heading("Evidence", new_page=True), *grains])
    found = [[k for k in range(5) if f"Grain {k}\n" in page] for page in pages]
    assert [len(one) for one in found if one] == [2, 2, 1]
    for page, inside in zip(pages, found, strict=True):
        assert all(f"end of {k}" in page for k in inside)


def test_the_same_report_gives_the_same_bytes_and_an_empty_table_is_no_error():
    blocks: list[Block] = [Title("T", "s"), Table("empty", (), ()), _picture()]
    assert render_pdf(blocks) == render_pdf(blocks)
