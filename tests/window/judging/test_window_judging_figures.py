"""Judging against a truth mask, and by a sample without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.evaluation.against_truth import compare_with_truth
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.judging.dock import JudgingDock, interval_text
from napari_mineral_anomaly.window.judging.sample_dock import SampledTruthDock
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]


@pytest.fixture
def judging(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, section: SimulatedSection
) -> JudgingDock:
    truth_dock = make_dock(TruthDock, scanned)
    truth_dock.make_truth()
    first_layer(scanned, "truth").data = section.truth.copy()
    dock = make_dock(JudgingDock, scanned)
    dock.judge_now()
    return dock


def pixels(dock: JudgingDock) -> list[str]:
    return [dock.confusion.item(r, c).text() for r in (0, 1) for c in (1, 2)]


def test_without_a_truth_both_ways_are_named(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(JudgingDock, scanned)
    assert "Lab: ground truth" in dock.status.text()
    assert "Lab: sampled truth" in dock.status.text()
    assert not dock.judge_button.isEnabled()
    assert not dock.cancel_button.isEnabled()


def test_the_figures_are_those_of_the_core(
    judging: JudgingDock, scanned: ViewerModel, section: SimulatedSection
) -> None:
    score = first_layer(scanned, "score")
    threshold = float(score.metadata["mineral_anomaly"]["threshold"])
    expected = compare_with_truth(score.data, section.truth, threshold)
    c = expected.confusion
    counts = (c.true_positive, c.false_positive, c.false_negative, c.true_negative)
    assert pixels(judging) == [f"{n:,}" for n in counts]
    assert interval_text(expected.grain_precision) in judging.grains.text()
    assert interval_text(expected.grain_recall) in judging.grains.text()
    assert judging.table.rowCount() == len(expected.table)
    assert judging.table.item(0, 0).text() == expected.table["figure"].iloc[0]
    _, y = judging.figures.roc.dot.getData()
    assert y[0] == pytest.approx(c.recall)
    assert [judging.figures.tabText(k) for k in range(4)] == [
        "ROC",
        "PR",
        "3-D ROC",
        "Separability",
    ]


def test_a_figure_is_drawn_when_its_tab_is_opened(judging: JudgingDock, qtbot: Any) -> None:
    figures = judging.figures
    judging.show()
    qtbot.waitExposed(judging)
    for k, figure in enumerate((figures.roc, figures.pr, figures.roc3d, figures.boxes)):
        figures.setCurrentIndex(k)
        assert len(figure._plot.listDataItems()) >= 2, figures.tabText(k)
        assert figure._plot.getAxis("left").style["showValues"]
    floor = np.log10(0.5 / judging.judgement.metrics["n_background"])
    assert figures.roc.dot.getData()[0][0] >= floor
    figures.clear_judgement()
    for side in ("left", "bottom"):
        assert not figures.roc._plot.getAxis(side).style["showValues"], "nothing shown, no numbers"


def test_the_dots_move_with_the_threshold(
    judging: JudgingDock,
    scanned: ViewerModel,
    make_dock: MakeDock,
    section: SimulatedSection,
    qtbot: Any,
) -> None:
    threshold = make_dock(ThresholdPanel, scanned)
    threshold.plot.line.setValue(2.0)
    threshold.update_mask()
    score = first_layer(scanned, "score").data
    flagged = score >= 2.0
    expected = [
        f"{np.count_nonzero(flagged & (section.truth == 1)):,}",
        f"{np.count_nonzero(flagged & (section.truth == 0)):,}",
    ]
    qtbot.waitUntil(lambda: pixels(judging)[:2] == expected, timeout=10_000)
    assert "2.00 sigmas" in judging.threshold.text()
    found = np.mean(flagged[section.truth == 1])
    assert judging.figures.roc.dot.getData()[1][0] == pytest.approx(found)
    assert judging.figures.pr.dot.getData()[0][0] == pytest.approx(found)


def test_a_stroke_on_the_truth_judges_again(
    judging: JudgingDock, scanned: ViewerModel, qtbot: Any
) -> None:
    before = judging.judgement.metrics["n_anomaly"]
    truth = first_layer(scanned, "truth")
    y, x = (int(v) for v in np.argwhere(truth.data == 0)[0])
    truth.brush_size = 1
    truth.paint((y, x), 1)
    qtbot.waitUntil(lambda: judging.judgement.metrics["n_anomaly"] == before + 1, timeout=10_000)


def test_an_empty_truth_is_explained(judging: JudgingDock, scanned: ViewerModel) -> None:
    truth = first_layer(scanned, "truth")
    truth.data = np.zeros(truth.data.shape, np.uint8)
    judging.judge_now()
    assert "no anomalous pixel" in judging.status.text()
    assert judging.judgement is None
    assert judging.table.rowCount() == 0


@pytest.fixture
def sampling(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> tuple[GrainTable, SampledTruthDock]:
    mask, score = first_layer(scanned, "mask"), first_layer(scanned, "score")
    mask.data = (score.data >= 2.0).astype(np.uint8)
    table = make_dock(GrainTable, scanned)
    dock = make_dock(SampledTruthDock, scanned)
    assert "Decide" in dock.status.text()
    table.list_grains()
    return table, dock


def test_a_draw_is_checked_by_verdicts_and_gives_its_precision(
    sampling: tuple[GrainTable, SampledTruthDock], section: SimulatedSection
) -> None:
    table, dock = sampling
    dock.n.setValue(9)
    dock.draw_button.click()
    assert len(dock.sample.table) == 9
    assert dock.grain == table.board.grain == dock.sample.next_unanswered()
    truth, labels = section.truth == 1, table.board.listing.labels
    for _ in range(9):
        is_true = bool((truth & (labels == dock.grain)).any())
        (dock.true_button if is_true else dock.false_button).click()
    assert dock.grain is None
    assert "All drawn grains are checked" in dock.current.text()
    assert dock.progress.value() == 9
    assert interval_text(dock.sample.estimate().precision) in dock.estimate.text()
    dock.back_button.click()
    assert dock.progress.value() == 8
    assert dock.grain is not None


def test_a_draw_is_saved_and_goes_on(
    sampling: tuple[GrainTable, SampledTruthDock], tmp_path: Path
) -> None:
    _, dock = sampling
    dock.n.setValue(6)
    dock.draw()
    dock.answer("true")
    dock.answer("unsure")
    dock.save(tmp_path / "draw.json")
    kept = dock.sample.table
    dock.draw()
    assert dock.sample.n_answered == 0
    dock.open(tmp_path / "draw.json")
    assert dock.sample.table["verdict"].tolist() == kept["verdict"].tolist()
    assert dock.grain == dock.sample.next_unanswered()


def test_a_draw_of_another_list_takes_no_verdict(
    sampling: tuple[GrainTable, SampledTruthDock], scanned: ViewerModel, tmp_path: Path
) -> None:
    table, dock = sampling
    dock.n.setValue(6)
    dock.draw()
    dock.save(tmp_path / "draw.json")
    score = first_layer(scanned, "score")
    first_layer(scanned, "mask").data = (score.data >= 1.0).astype(np.uint8)
    table.list_grains()
    assert "Draw again" in dock.status.text()
    assert not dock.true_button.isEnabled()
    dock.answer("true")
    assert dock.sample.n_answered == 0
    dock.open(tmp_path / "draw.json")
    assert "another list" in dock.status.text()
