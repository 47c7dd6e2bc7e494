"""report.html: self-contained, escaped, complete."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.runs.record import make_record
from napari_mineral_anomaly.runs.report.content import MAX_GRAINS
from napari_mineral_anomaly.runs.report.page import render_report
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IgnoredFile, IngestReport, UsedMap

EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Collects links, the texts of cells and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def render(
    pixel_size: tuple[float, float] | None = (20.0, 20.0),
    losses: tuple[float, ...] = (),
    score: np.ndarray | None = None,
) -> str:
    if score is None:
        score = np.zeros((4, 5), dtype=np.float32)
        score[1, 2] = 17.25
    contributions = np.zeros((2, *score.shape), dtype=np.float32)
    contributions[0] = score
    contributions[1] = score / 50
    curve = [{"epoch": k + 1, "stage": 1, "loss": loss} for k, loss in enumerate(losses)]
    info = {"detector": "rx", "loss_curve": curve, "warnings": ["Too few <pixels>"]}
    cube = ElementCube(
        np.ones((2, *score.shape), np.uint16), ("As", EVIL), pixel_size, source=f"/data/{EVIL}"
    )
    labels = np.full(score.shape, 2, np.uint16)
    result = AnomalyResult(score, 5.0, contributions, labels, cube.elements, pixel_size, info)
    grains = find_grains(result)
    ingest = IngestReport(
        used=(
            UsedMap(
                file="As.tif",
                element="As",
                dtype="uint16",
                shape=(4, 5),
                nan=0,
                zero=7,
                negative=0,
                saturated=3,
            ),
        ),
        ignored=(IgnoredFile(file="photo.jpg", reason=f"RGB {EVIL}"),),
        pixel_size_um=pixel_size,
        pixel_size_source="ImageJ tags",
        warnings=("As.tif: 3 pixels are saturated",),
    )
    return render_report(make_record(cube, result, grains, n_rows=20), grains, ingest, b"PNG")


def test_nothing_is_fetched_and_every_tag_is_closed():
    page = Page(render(losses=(1.0, 0.5)))
    assert page.open == []
    assert len(page.links) == 2  # overview and loss curve
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert not re.search(r"https?:|url\(|@import", render())


def test_texts_from_files_are_escaped():
    text = render()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_it_says_what_was_found_read_and_warned():
    text = render()
    assert "1 grain at or above the threshold of 5.00 background sigmas." in text
    assert "As.tif: 3 pixels are saturated" in text
    assert "Too few &lt;pixels&gt;" in text
    cells = Page(text).cells
    assert cells[cells.index("1") : cells.index("1") + 11] == [
        "1",
        "grain",
        "17.2",
        "yes",
        "<0.001",
        "17.2",
        "400",
        "1",
        "20.0",
        "40.0",
        f"As+17.2, {EVIL}+0.3",
    ]
    assert "photo.jpg" in cells
    assert "numpy" in cells


def test_without_a_pixel_size_it_counts_pixels():
    text = render(pixel_size=None)
    assert "pixel size unknown" in text
    assert "Centre down (pixels)" in text
    assert "µm" not in text


def test_without_a_grain_above_the_threshold_the_oddest_stands_below_its_line():
    score = np.zeros((4, 5), dtype=np.float32)
    score[1, 2] = 4.25
    text = render(score=score)
    assert "0 grains at or above the threshold of 5.00 background sigmas, 1 odd place" in text
    cells = Page(text).cells
    line = cells.index("Threshold: 5.00 background sigmas")
    assert cells[line + 1 : line + 5] == ["1", "grain", "4.2", "no"]


def test_a_barren_section_says_so():
    text = render(score=np.zeros((4, 5), dtype=np.float32))
    assert "0 grains at or above the threshold of 5.00 background sigmas." in text
    assert "None: no pixel of this scan is odder than another." in text


@pytest.mark.parametrize("extra", [0, 1])
def test_long_tables_are_cut_and_say_so(extra):
    score = np.zeros((2, 2 * (MAX_GRAINS + extra)), dtype=np.float32)
    score[0, ::2] = np.linspace(10, 20, MAX_GRAINS + extra)
    assert (f"The worst {MAX_GRAINS} of {MAX_GRAINS + 1};" in render(score=score)) == bool(extra)
