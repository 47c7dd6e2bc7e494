"""A finished run is shown in several turns, and nobody takes the half for the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.showing import ResultTurns
from napari_mineral_anomaly.window.layers.links import first_layer, link_of, linked_layers
from napari_mineral_anomaly.window.layers.results import ResultInSteps
from napari_mineral_anomaly.window.layers.scans import find_scan
from napari_mineral_anomaly.window.layers.session import mask_of, session_of
from napari_mineral_anomaly.window.teaching.brush import make_brush_layer, set_pixels
from napari_mineral_anomaly.window.teaching.panel import TeachingPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]
LONG = 30_000


@pytest.fixture(scope="module")
def rx_run(section: SimulatedSection) -> DetectionRun:
    return run_detection(section.cube, "rx", make_config("rx"))


class Turn:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.number = 0
        self._timer = QTimer()
        self._timer.timeout.connect(self._count)
        self._timer.start(0)

    def _count(self) -> None:
        self.number += 1


def steps_of(viewer: ViewerModel, scan_id: str, run: DetectionRun) -> ResultInSteps:
    return ResultInSteps(viewer, session_of(viewer), find_scan(viewer, scan_id), run)


def results_in(viewer: ViewerModel) -> list[str]:
    return [link.role for _, link in linked_layers(viewer) if link.detector is not None]


def test_each_new_layer_comes_in_a_turn_of_its_own_and_the_run_is_known_with_its_score(
    scanned: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    step, session, turn = make_dock(FindStep, scanned, QtExecutor()), session_of(scanned), Turn()
    came: list[tuple[str, int, bool, bool]] = []
    told: list[tuple[str, ...]] = []

    def on_inserted(event: Any) -> None:
        link = link_of(event.value)
        known = session.run_of(link) is not None
        came.append((link.role, turn.number, known, step._running))

    scanned.layers.events.inserted.connect(on_inserted)
    session.changed.connect(lambda: told.append(tuple(results_in(scanned))))
    step.choose_detector("rx")
    step.run()
    qtbot.waitUntil(lambda: step.status.text().startswith("Done"), timeout=LONG)
    assert [role for role, *_ in came] == ["pseudo_labels", "score", "mask"]
    assert len({number for _, number, *_ in came}) == 3
    assert [known for _, _, known, _ in came] == [False, True, True]
    assert all(running for *_, running in came), "the next run of the queue waits"
    assert told[0] == ("pseudo_labels", "score", "mask"), "a run is saved with all its layers"
    assert step.run_button.isEnabled()


def test_layers_of_an_earlier_run_change_in_one_turn(
    scanned: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    step = make_dock(FindStep, scanned, QtExecutor())
    step.choose_detector("rx")
    step.run()
    qtbot.waitUntil(lambda: step.status.text().startswith("Done"), timeout=LONG)
    turn, changed = Turn(), []
    layers = [layer for layer, link in linked_layers(scanned) if link.detector is not None]
    before = [layer.data for layer in layers]
    for layer in layers:
        layer.events.data.connect(lambda event: changed.append((event.source, turn.number)))
    step.run()
    qtbot.waitUntil(step.run_button.isEnabled, timeout=LONG)
    assert all(layer.data is not old for layer, old in zip(layers, before, strict=True))
    assert {str(layer) for layer, _ in changed} == {str(layer) for layer in layers}
    assert len({number for _, number in changed}) == 1


def test_a_score_that_is_removed_between_two_turns_gets_no_mask(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    showing = steps_of(scanned, scan_id, rx_run)
    labels, score, *rest = showing.steps
    labels()
    score()
    scanned.layers.remove(first_layer(scanned, "score"))
    for step in rest:
        step()
    assert showing.shown() is None
    assert results_in(scanned) == ["pseudo_labels"]
    # The next run is whole again.
    again = steps_of(scanned, scan_id, rx_run)
    for step in again.steps:
        step()
    assert results_in(scanned) == ["pseudo_labels", "score", "mask"]
    assert session_of(scanned).run_of(link_of(again.shown().score)) is rx_run


def test_a_mask_that_came_between_two_turns_is_not_made_twice(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun
) -> None:
    first = steps_of(scanned, scan_id, rx_run)
    first.steps[0]()
    first.steps[1]()
    score = first_layer(scanned, "score")
    assert mask_of(scanned, score) is None
    # Another run of the same detector ends before the first one has its mask.
    other = replace(rx_run, result=replace(rx_run.result, score=rx_run.result.score * 2))
    second = steps_of(scanned, scan_id, other)
    for step in second.steps:
        step()
    for step in first.steps[2:]:
        step()
    assert results_in(scanned) == ["pseudo_labels", "score", "mask"]
    np.testing.assert_array_equal(score.data, other.result.score)
    np.testing.assert_array_equal(mask_of(scanned, score).data != 0, other.result.mask)


def test_maps_that_change_between_two_turns_end_the_showing_with_a_sentence(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun, make_dock: MakeDock, qtbot: Any
) -> None:
    panel = make_dock(FindStep, scanned, QtExecutor())
    failed: list[InputError] = []
    turns = ResultTurns(panel)
    showing = steps_of(scanned, scan_id, rx_run)
    showing.steps[0]()
    turns.show(find_scan(scanned, scan_id), rx_run, showing._ready, print, failed.append)
    assert turns.pending
    for layer, _ in list(linked_layers(scanned, role="element")):
        layer.data = layer.data[:30]
    qtbot.waitUntil(lambda: bool(failed), timeout=LONG)
    assert "30 × 96" in str(failed[0])
    assert not turns.pending
    assert results_in(scanned) == ["pseudo_labels"]


def test_a_panel_that_closes_in_between_drops_the_rest_and_the_run_is_saved(
    scanned: ViewerModel, scan_id: str, rx_run: DetectionRun, make_dock: MakeDock, qtbot: Any
) -> None:
    panel, session = make_dock(FindStep, scanned, QtExecutor()), session_of(scanned)
    turns = ResultTurns(panel)
    showing = steps_of(scanned, scan_id, rx_run)
    showing.steps[0]()
    told: list[int] = []
    session.changed.connect(lambda: told.append(len(session.runs())))
    shown: list[Any] = []
    turns.show(find_scan(scanned, scan_id), rx_run, showing._ready, shown.append, shown.append)
    qtbot.waitUntil(lambda: first_layer(scanned, "score") is not None, timeout=LONG)
    if turns.pending:
        turns.stop()
    qtbot.wait(50)
    assert told == [1]
    assert session.runs().keys() == {(scan_id, "rx")}


def test_a_taught_result_goes_in_turns_and_a_stroke_meanwhile_teaches_anew(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    score = first_layer(scanned, "score", detector="rx")
    panel = make_dock(TeachingPanel, scanned, QtExecutor())
    brush = make_brush_layer(scanned, score)
    y, x = np.unravel_index(np.nanargmax(score.data), score.data.shape)
    grain = np.zeros(score.data.shape, dtype=bool)
    grain[y, x] = True

    def taught() -> list[str]:
        layers = linked_layers(scanned, detector="rx+taught")
        return [link.role for _, link in layers]

    def whole() -> bool:
        return len(taught()) == 3 and "taught" in panel.status.text()

    set_pixels(brush, grain, 1)
    panel.teach_now()
    qtbot.waitUntil(whole, timeout=LONG)
    set_pixels(brush, grain, 0)
    panel.teach_now()
    assert len(taught()) == 3, "they go in later turns"
    assert panel.state.score_id == str(score.unique_id)
    panel._removing._take()
    assert len(taught()) == 2
    assert "score" not in taught(), "the score goes first: without it nothing taught is saved"
    # The stroke comes back before the other layers are gone.
    set_pixels(brush, grain, 1)
    panel.teach_now()
    assert taught() == []
    qtbot.waitUntil(whole, timeout=LONG)
    assert sorted(taught()) == ["mask", "pseudo_labels", "score"]
    set_pixels(brush, grain, 0)
    panel.teach_now()
    qtbot.waitUntil(lambda: not taught(), timeout=LONG)
    assert board_of(scanned).listing is None or panel.state.score_id == str(score.unique_id)
