"""The overview shows what it says: fixed colours, ranks, drivers, a scale bar in µm."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.table import find_grains, list_grains
from napari_mineral_anomaly.runs.record import LossPoint
from napari_mineral_anomaly.runs.report import drawing
from napari_mineral_anomaly.runs.report.drawing import figure_png, round_length
from napari_mineral_anomaly.runs.report.overview import (
    draw_loss_curve,
    draw_overview,
    leading_drivers,
)
from napari_mineral_anomaly.scan.cube import ElementCube

ELEMENTS = ("Fe", "Zr", "S")


def make_run(
    shape: tuple[int, int] = (60, 40),
    pixel_size: tuple[float, float] | None = (20.0, 20.0),
    peaks: tuple[tuple[int, int, float, int], ...] = ((10, 10, 30.0, 1), (40, 30, 12.0, 2)),
) -> tuple[ElementCube, AnomalyResult]:
    """Grains of one pixel: (row, column, score, index of the driving element)."""
    rng = np.random.default_rng(0)
    maps = rng.poisson(50, (len(ELEMENTS), *shape)).astype(np.uint16)
    score = rng.normal(size=shape).astype(np.float32)
    contributions = rng.normal(size=maps.shape).astype(np.float32)
    score[:3] = np.nan
    contributions[:, :3] = np.nan
    for row, column, value, element in peaks:
        score[row, column] = value
        contributions[element, row, column] = 2 * value
    cube = ElementCube(maps, ELEMENTS, pixel_size, valid=np.isfinite(score), quantity="counts")
    labels = np.full(shape, 2, dtype=np.uint16)
    info = {"detector": "rx"}
    result = AnomalyResult(score, 5.0, contributions, labels, ELEMENTS, pixel_size, info)
    return cube, result


def overview(cube: ElementCube, result: AnomalyResult) -> Figure:
    grains = list_grains(result, n_rows=0)
    return draw_overview(cube, result, grains.table, grains.regions.labels, title="section A")


def texts(figure: Figure) -> list[str]:
    """Every text of the figure: titles, annotations, axis labels."""
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        found += [
            axes.get_title(loc="left"),
            axes.get_ylabel(),
            *(t.get_text() for t in axes.texts),
        ]
    return found


def test_it_names_scan_ranks_drivers_and_length():
    found = texts(overview(*make_run()))
    assert found[0] == "section A: 2 grains at or above 5.00 background sigmas (rx)"
    assert {"1", "2", "100 µm"} <= set(found)
    assert "Zr: first driver of 1" in found
    assert "S: first driver of 2" in found
    assert "Anomaly score (background sigmas)" in found


def test_the_colours_span_background_sigmas_whatever_the_scan_holds():
    barren = overview(*make_run(peaks=()))
    rich = overview(*make_run(peaks=((10, 10, 900.0, 1),)))
    for figure in (barren, rich):
        assert figure.axes[0].images[0].get_clim() == (0.0, 15.0)
    assert texts(barren)[0] == "section A: no grain reaches 5.00 background sigmas (rx)"
    assert [axes.get_title(loc="left") for axes in barren.axes if axes.images][1:] == []


def test_pixels_outside_the_valid_area_are_masked_not_zero():
    image = overview(*make_run()).axes[0].images[0].get_array()
    assert image.mask[:3].all()
    assert not image.mask[3:].any()


def test_without_a_pixel_size_the_bar_counts_pixels():
    assert "5 px (pixel size unknown)" in texts(overview(*make_run(pixel_size=None)))


def test_pixels_that_are_not_square_are_drawn_to_scale():
    figure = overview(*make_run(pixel_size=(40.0, 20.0)))
    assert figure.axes[0].get_aspect() == 2.0


@pytest.mark.parametrize("shape", [(20, 200), (10, 600), (200, 20), (600, 10), (3, 4), (60, 40)])
def test_any_shape_gives_a_picture(shape):
    peaks = ((shape[0] - 1, shape[1] - 1, 30.0, 0),) if shape[0] > 3 else ()
    cube, result = make_run(shape, peaks=peaks) if shape[0] > 3 else tiny()
    png = figure_png(overview(cube, result))
    picture = matplotlib.image.imread(io.BytesIO(png), format="png")
    assert min(picture.shape[:2]) > 200
    assert picture.std() > 0.05


def tiny() -> tuple[ElementCube, AnomalyResult]:
    """3 x 4 pixels, all constant."""
    cube = ElementCube(np.ones((1, 3, 4), np.uint8), ["Fe"])
    score = np.zeros((3, 4), np.float32)
    labels = np.full((3, 4), 2, np.uint16)
    return cube, AnomalyResult(score, 5.0, np.zeros((1, 3, 4), np.float32), labels, ("Fe",))


def test_a_large_scan_is_shrunk_but_a_grain_of_one_pixel_stays(monkeypatch):
    monkeypatch.setattr(drawing, "MAX_SIDE", 20)
    cube, result = make_run((60, 45))
    image = overview(cube, result).axes[0].images[0]
    assert image.get_array().shape == (20, 15)
    assert image.get_array().max() == 30.0
    assert tuple(image.get_extent()) == (-0.5, 44.5, 59.5, -0.5)


def test_the_elements_shown_drive_most_of_the_numbered_grains():
    peaks = ((10, 10, 30.0, 1), (20, 20, 20.0, 2), (30, 30, 15.0, 2), (50, 5, 10.0, 0))
    _, result = make_run(peaks=peaks)
    assert leading_drivers(find_grains(result), ELEMENTS) == ["S", "Zr", "Fe"]


@pytest.mark.parametrize(
    ("about", "length"), [(130.0, 100.0), (200.0, 200.0), (0.7, 0.5), (49.9, 20.0), (1e4, 1e4)]
)
def test_scale_bars_have_round_lengths(about, length):
    assert round_length(about) == pytest.approx(length)


def test_loss_curve_is_one_line_per_stage():
    losses = [(1, 1.0), (1, 0.5), (2, None), (2, 0.1)]
    points = [LossPoint(epoch=k, stage=stage, loss=x) for k, (stage, x) in enumerate(losses)]
    axes = draw_loss_curve(points).axes[0]
    (x1, y1), (x2, y2) = (line.get_data() for line in axes.lines)
    assert (list(x1), list(y1)) == ([1, 2], [1.0, 0.5])
    assert list(x2) == [3, 4]
    assert np.array_equal(y2, [np.nan, 0.1], equal_nan=True)
    assert axes.get_yscale() == "log"
    negative = [LossPoint(epoch=1, stage=1, loss=-0.5)]
    assert draw_loss_curve(negative).axes[0].get_yscale() == "linear"
