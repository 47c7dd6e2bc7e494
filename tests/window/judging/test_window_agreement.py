"""Several detectors on one scan: layers beside each other, agreement, the grid, warnings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_mineral_anomaly.detectors.registry import ENTRIES
from napari_mineral_anomaly.detectors.results.agreement import agree
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.detecting.agreement_dock import AgreementDock
from napari_mineral_anomaly.window.detecting.agreement_layers import agreement_colours, results_of
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep


@pytest.fixture
def two_results(run_rx: FindStep) -> FindStep:
    """The Detect dock after runs of RX and PCA on one scan."""
    run_rx.choose_detector("pca")
    run_rx.run()
    return run_rx


@pytest.fixture
def agreement(
    two_results: FindStep, scanned: ViewerModel, make_dock: Callable[..., Dock]
) -> AgreementDock:
    """The dock of the lab that compares these runs."""
    return make_dock(AgreementDock, scanned)


def layers_with(viewer: ViewerModel, role: str) -> list:
    return [layer for layer, _ in linked_layers(viewer, role=role)]


def test_a_second_detector_is_shown_beside_the_first_under_its_own_name(
    two_results: FindStep, scanned: ViewerModel
) -> None:
    names = [layer.name for layer in layers_with(scanned, "score")]
    assert names == ["score rx · section", "score pca · section"]
    first, second = layers_with(scanned, "score")
    assert not np.array_equal(first.data, second.data, equal_nan=True)
    assert len(layers_with(scanned, "mask")) == 2


def test_agreement_needs_two_results(
    run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Dock]
) -> None:
    box = make_dock(AgreementDock, scanned)
    assert not box.agree_button.isEnabled()
    assert "second detector" in box.legend.text()
    box.show_agreement()
    assert layers_with(scanned, "agreement") == []
    run_rx.choose_detector("pca")
    run_rx.run()
    assert box.agree_button.isEnabled()
    assert box.legend.text() == ""


def test_the_agreement_layer_holds_the_counts_and_lies_on_the_scan(
    agreement: AgreementDock, two_results: FindStep, scanned: ViewerModel, scan_id: str
) -> None:
    box = agreement
    assert box.false_pixels.value() == 1.0  # the promise for 64 x 96 pixels
    box.agree_button.click()
    (layer,) = layers_with(scanned, "agreement")
    results = results_of(session_of(scanned), scan_id)
    assert list(results) == ["rx", "pca"]
    np.testing.assert_array_equal(layer.data, agree(results).counts)
    assert layer.name == "agreement · section"
    score = layers_with(scanned, "score")[0]
    assert tuple(layer.scale) == tuple(score.scale)
    assert layer.units == score.units
    text = box.legend.text()
    both = int((layer.data == 2).sum())
    assert both > 0
    assert f"all 2 detectors: {both} pixel" in text
    assert "RX (Reed-Xiaoli)" in text
    assert "PCA residual" in text


def test_more_false_pixels_update_the_same_layer(
    agreement: AgreementDock, two_results: FindStep, scanned: ViewerModel
) -> None:
    box = agreement
    box.agree_button.click()
    (layer,) = layers_with(scanned, "agreement")
    before = np.asarray(layer.data).copy()
    box.false_pixels.setValue(60.0)
    box.agree_button.click()
    assert layers_with(scanned, "agreement") == [layer]
    assert (layer.data >= before).all()
    assert (layer.data > 0).sum() > (before > 0).sum()
    assert "Flagged by each, with 60 false pixels expected" in box.legend.text()


def test_colours_tell_the_numbers_apart_and_leave_the_rest_transparent(
    agreement: AgreementDock, two_results: FindStep, scanned: ViewerModel
) -> None:
    agreement.agree_button.click()
    (layer,) = layers_with(scanned, "agreement")
    shown = layer.colormap.map(np.array([0, 1, 2, 255]))
    assert shown[0, 3] == 0
    assert shown[3, 3] == 0
    np.testing.assert_array_equal(shown[1:3, 3], [1, 1])
    assert np.abs(shown[1, :3] - shown[2, :3]).max() > 0.3
    assert len(set(agreement_colours(11).values())) == 11
    # All of them agreeing looks the same, however many they are.
    assert agreement_colours(2)[2] == agreement_colours(7)[7]


def test_side_by_side_shows_the_scores_only_and_goes_back(
    agreement: AgreementDock, two_results: FindStep, scanned: ViewerModel
) -> None:
    box = agreement
    before = [layer.visible for layer in scanned.layers]
    box.grid_button.click()
    assert scanned.canvas.grid.enabled
    shown = [layer for layer in scanned.layers if layer.visible]
    assert shown == layers_with(scanned, "score")
    assert all(layer.name_overlay.visible for layer in shown)
    box.agree_button.click()
    shown = [layer for layer in scanned.layers if layer.visible]
    assert shown == [*layers_with(scanned, "score"), *layers_with(scanned, "agreement")]
    box.grid_button.click()
    assert not scanned.canvas.grid.enabled
    assert [layer.visible for layer in scanned.layers][: len(before)] == before
    assert not any(layer.name_overlay.visible for layer in scanned.layers)


def test_another_scan_has_nothing_to_compare(
    agreement: AgreementDock, scanned: ViewerModel, cube: ElementCube, scan_id: str
) -> None:
    for data in element_layers(cube, scan="other", scan_id="scan-b"):
        add(scanned, data)
    assert state_of(scanned).scan_id == "scan-b"
    assert not agreement.agree_button.isEnabled()
    state_of(scanned).scan_id = scan_id
    assert agreement.agree_button.isEnabled()


def test_every_detector_of_the_list_explains_itself(
    scanned: ViewerModel, make_dock: Callable[..., Dock]
) -> None:
    dock = make_dock(FindStep, scanned)
    for index, entry in enumerate(ENTRIES.values()):
        tooltip = dock.expert.detector_combo.itemData(index, Qt.ItemDataRole.ToolTipRole)
        assert tooltip == entry.summary
        assert len(entry.summary) < 100
    dock.choose_detector("crd")
    assert dock.expert.summary.text() == ENTRIES["crd"].summary


def test_a_slow_detector_says_so_before_it_starts(
    scanned: ViewerModel, make_dock: Callable[..., Dock]
) -> None:
    dock = make_dock(FindStep, scanned)
    dock.choose_detector("rx")
    assert dock.slow.text() == ""
    dock.choose_detector("auto-ad")
    assert "Auto-AD (autoencoder) may take about 1 minute on this scan of 6,144" in dock.slow.text()
    dock.form.set_value("epochs", 20)
    assert dock.slow.text() == ""
    dock.form.set_value("channels", 512)
    assert "minutes" in dock.slow.text()
