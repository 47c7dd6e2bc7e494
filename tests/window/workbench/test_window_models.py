"""The parts of the docks that need no window: brushed masks, histogram, texts, truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.brushed_truth import compare_brushed, truth_for_files
from napari_mineral_anomaly.grains.pixels.mask import MaskKeeper, computed_mask
from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IgnoredFile, IngestReport, UndecidedMap, UsedMap
from napari_mineral_anomaly.window.detecting.run_status import RunClock
from napari_mineral_anomaly.window.layers.scan_layers import scan_name
from napari_mineral_anomaly.window.loading.file_rows import file_rows
from napari_mineral_anomaly.window.loading.reading import (
    Answers,
    MapsRead,
    WhichSample,
    read_or_ask,
)
from napari_mineral_anomaly.window.loading.report_html import (
    headline,
    pixel_size_text,
    warnings_html,
)
from napari_mineral_anomaly.window.threshold.histogram import score_bins

SCORE = np.array(
    [
        [0.0, 1.0, 0.0, 0.0, 9.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [5.0, 6.0, 0.0, np.nan, 0.0],
        [7.0, 5.0, 0.0, 0.0, 3.0],
    ],
    dtype=np.float32,
)


def test_the_mask_is_at_or_above_the_threshold_and_never_where_nothing_is_known() -> None:
    mask = computed_mask(SCORE, 5.0)
    assert np.argwhere(mask).tolist() == [[0, 4], [2, 0], [2, 1], [3, 0], [3, 1]]
    assert computed_mask(SCORE, 5.0, min_grain_px=2).sum() == 4


def test_brush_strokes_survive_a_new_threshold() -> None:
    keeper = MaskKeeper(computed_mask(SCORE, 5.0))
    painted = computed_mask(SCORE, 5.0).astype(np.uint8)
    painted[1, 2] = 1  # brushed in
    painted[2, 0] = 0  # brushed out
    keeper.absorb(painted)
    assert keeper.brushed == 2
    low = keeper.show(computed_mask(SCORE, 2.0))
    assert low[1, 2]
    assert not low[2, 0]
    assert low[3, 4], "elsewhere the new threshold counts"
    none = keeper.show(computed_mask(SCORE, 100.0))
    assert np.argwhere(none).tolist() == [[1, 2]]
    counts = keeper.counts()
    assert (counts.pixels, counts.grains, counts.brushed) == (1, 1, 2)


def test_undoing_a_stroke_makes_its_pixels_ordinary_again() -> None:
    computed = computed_mask(SCORE, 5.0)
    keeper = MaskKeeper(computed)
    painted = computed.astype(np.uint8)
    painted[1, 2] = 1
    keeper.absorb(painted)
    keeper.absorb(computed.astype(np.uint8))
    assert keeper.brushed == 0


def test_a_stroke_on_an_already_flagged_pixel_changes_nothing() -> None:
    computed = computed_mask(SCORE, 5.0)
    keeper = MaskKeeper(computed)
    keeper.absorb(computed.astype(np.uint8) * 3)
    assert keeper.brushed == 0


def test_the_histogram_counts_every_pixel_of_a_far_tail() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(size=(200, 300)).astype(np.float32)
    score[0, :5] = (50.0, 100.0, 200.0, 400.0, 612.5)
    score[1, :7] = np.nan
    histogram = score_bins(score, threshold=4.3)
    assert histogram.n_valid == score.size - 7
    assert histogram.counts.sum() == histogram.n_valid
    assert np.all(np.diff(histogram.edges) > 0)
    assert histogram.edges[-1] >= 612.5
    assert histogram.counts[histogram.edges[:-1] >= 10].sum() == 5
    below = histogram.edges[1:] <= histogram.knee
    assert below.sum() > 200, "most bins show the background"


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_the_histogram_of_a_constant_score(value: float) -> None:
    histogram = score_bins(np.full((5, 5), value, np.float32), threshold=4.0)
    assert histogram.counts.sum() == 25
    assert np.all(np.diff(histogram.edges) > 0)


def test_the_histogram_of_nothing() -> None:
    histogram = score_bins(np.full((5, 5), np.nan, np.float32), threshold=4.0)
    assert histogram.n_valid == 0
    assert histogram.counts.sum() == 0


def test_run_status_tells_phase_epoch_time_left_and_loss() -> None:
    clock = RunClock()
    clock.status(ProgressEvent("training", 10, 110, loss=0.5), now=100.0)
    line, percent = clock.status(ProgressEvent("training", 30, 110, loss=0.25), now=110.0)
    assert line == "Training · epoch 30 of 110 · 40 s left in this part · loss 0.25"
    assert percent == 27


def test_each_phase_has_its_own_clock_and_an_unknown_total_no_guess() -> None:
    clock = RunClock()
    clock.status(ProgressEvent("training", 0, 10, loss=1.0), now=0.0)
    clock.status(ProgressEvent("scoring", 0, 4), now=50.0)
    line, _ = clock.status(ProgressEvent("scoring", 3, 4), now=53.0)
    assert line == "Scoring · step 3 of 4 · 1 s left in this part"
    line, percent = clock.status(ProgressEvent("pseudo-labels", message="20 000 pixels"), now=60.0)
    assert line == "Pseudo-labels · 20 000 pixels"
    assert percent is None


def test_truth_for_files_codes_everything_unknown_as_left_out() -> None:
    assert truth_for_files(np.array([[0, 1, 2, 7]])).tolist() == [[0, 1, 255, 255]]


def test_truth_and_score_are_compared_where_both_know_something() -> None:
    labels = np.zeros(SCORE.shape, np.uint8)
    labels[0, 4] = labels[3, 0] = 1
    labels[2, 1] = 2
    agreement = compare_brushed(SCORE, labels)
    # Scores of the anomalies: 9 and 7; of the 16 others 5, 5, 3, 1 and zeros: all lower.
    assert agreement.auc == 1.0
    assert agreement.average_precision == 1.0
    assert (agreement.n_anomaly, agreement.n_background, agreement.n_left_out) == (2, 16, 2)
    labels[0, 0] = 1  # score 0: 11 background pixels tie with it, 4 beat it
    agreement = compare_brushed(SCORE, labels)
    assert agreement.auc == pytest.approx((2 * 15 + 11 / 2) / (3 * 15))


def test_what_is_missing_for_a_comparison_is_said() -> None:
    labels = np.zeros(SCORE.shape, np.uint8)
    assert compare_brushed(SCORE, labels).missing == "Brush at least one anomalous pixel."
    assert "erase" in compare_brushed(SCORE, labels + 1).missing
    assert "4x5" in compare_brushed(SCORE, np.zeros((2, 2), np.uint8)).missing


def test_files_become_rows_with_what_is_to_decide_on_top() -> None:
    used = UsedMap(
        file="a_Fe.tif",
        element="Fe",
        dtype="uint16",
        shape=(4, 6),
        nan=0,
        zero=1,
        negative=0,
        saturated=0,
        min=0,
        max=70_000,
    )
    report = IngestReport(
        used=(used,),
        to_decide=(UndecidedMap(file="s.tif#12", shape=(4, 6), dtype="uint8", why="no element"),),
        ignored=(IgnoredFile(file="s.tif, plane 3 (BSE)", reason="an electron image"),),
        warnings=("Fe <is> noise.",),
    )
    first, iron, plane = file_rows(report, {})
    assert (first.file, first.is_open, first.uses) == ("s.tif#12", True, ("element", "leave out"))
    assert (iron.element, iron.use) == ("Fe", "element")
    assert iron.words == (
        "4x6 pixels, uint16, from 0 to 70,000",
        "1 pixel zero",
        "Fe <is> noise.",
    )
    assert (plane.file, plane.use, plane.words) == ("s.tif#3", "leave out", ("an electron image",))
    assert next(row.file for row in file_rows(report, {"a_Fe.tif": "Fe"})) == "a_Fe.tif"
    assert "Fe &lt;is&gt; noise." in warnings_html(report)


def test_headline_and_pixel_size_in_words() -> None:
    cube = ElementCube(np.ones((3, 4, 6), np.uint16), ["Fe", "Ca", "K"])
    assert headline(cube) == "3 element maps, 4 × 6 pixels (rows × columns), uint16"
    assert pixel_size_text(None) == "unknown"
    assert pixel_size_text((20.0, 20.0)) == "20 µm"
    assert pixel_size_text((5.0, 10.0)) == "5 × 10 µm (y × x)"


def test_a_folder_of_two_samples_asks_which(tmp_path: Path) -> None:
    for sample in ("01", "02"):
        for element in ("Fe", "Ca"):
            plane = np.full((4, 6), int(sample))
            np.savetxt(tmp_path / f"Sample_{sample}_{element}.txt", plane, fmt="%d")
    asked = read_or_ask([tmp_path], Answers())
    assert isinstance(asked, WhichSample)
    assert len(asked.samples) == 2
    read = read_or_ask([tmp_path], Answers(sample=asked.samples[1]))
    assert isinstance(read, MapsRead)
    assert read.cube.plane(0).max() == 2
    assert read.report.ignored


def test_reading_nothing_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_or_ask([tmp_path / "nowhere"], Answers())


def test_scan_names(tmp_path: Path) -> None:
    folder = tmp_path / "S 1.2 thin"
    folder.mkdir()
    files = [folder / "Fe.tif", folder / "Ca.tif"]
    assert scan_name([folder], None) == "S 1.2 thin"
    assert scan_name(files, None) == "S 1.2 thin"
    assert scan_name([folder / "stack.ome.tif"], "left") == "stack left"
