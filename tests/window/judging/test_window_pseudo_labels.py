"""Clusters are named, turned round, merged, split, brushed, undone and learned from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.detectors.clusters.editing import cluster_map, cluster_signatures
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.clusters.dock import PseudoLabelsDock
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]


@pytest.fixture
def labels_dock(run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock) -> PseudoLabelsDock:
    """Three clusters: anomaly candidates on the left, two halves of background."""
    labels = np.full((64, 96), 2, dtype=np.uint16)
    labels[:, 60:] = 3
    labels[:8, :8] = 1
    first_layer(scanned, "pseudo_labels").data = labels
    return make_dock(PseudoLabelsDock, scanned)


def rows(dock: PseudoLabelsDock) -> list[tuple[str, ...]]:
    return [
        tuple(dock.table.item(r, c).text() for c in (1, 2, 3)) for r in range(dock.table.rowCount())
    ]


def test_the_clusters_are_listed_with_their_signatures(
    labels_dock: PseudoLabelsDock, scanned: ViewerModel, section: SimulatedSection
) -> None:
    assert rows(labels_dock) == [
        ("Anomaly candidates", "anomaly", "64"),
        ("Cluster 2", "background", f"{64 * 60 - 64:,}"),
        ("Cluster 3", "background", f"{64 * 36:,}"),
    ]
    shares = [labels_dock.table.item(row, 4).text() for row in range(3)]
    assert shares == ["1 %", "61 %", "38 %"]
    labels = first_layer(scanned, "pseudo_labels").data
    expected = cluster_signatures(cluster_map(labels), section.cube)
    names = [
        labels_dock.signatures.horizontalHeaderItem(k).text()
        for k in range(labels_dock.signatures.columnCount())
    ]
    assert names == list(section.cube.elements)
    shown = float(labels_dock.signatures.item(1, 0).text())
    assert shown == pytest.approx(float(expected[names[0]].iloc[1]), rel=1e-3)
    assert labels_dock.plot.n_curves == 3


def test_without_labels_the_dock_says_what_to_do(viewer: ViewerModel, make_dock: MakeDock) -> None:
    dock = make_dock(PseudoLabelsDock, viewer)
    assert "Run a detector first" in dock.status.text()
    assert not dock.retrain_button.isEnabled()


def test_a_name_is_written_into_its_cell_and_can_be_undone(
    labels_dock: PseudoLabelsDock, scanned: ViewerModel
) -> None:
    labels_dock.table.item(1, 1).setText("Quartz")
    layer = first_layer(scanned, "pseudo_labels")
    assert board_of(scanned).cluster_names[str(layer.unique_id)][2] == "Quartz"
    assert rows(labels_dock)[1][0] == "Quartz"
    labels_dock.undo_button.click()
    assert rows(labels_dock)[1][0] == "Cluster 2"
    labels_dock.redo_button.click()
    assert rows(labels_dock)[1][0] == "Quartz"


def test_colour_goes_to_the_layer(labels_dock: PseudoLabelsDock, scanned: ViewerModel) -> None:
    labels_dock.table.select_codes([3])
    labels_dock.recolour((0.25, 0.5, 0.75, 1.0))
    colours = first_layer(scanned, "pseudo_labels").colormap.color_dict
    assert np.allclose(colours[3], (0.25, 0.5, 0.75, 1.0))
    assert colours[0][3] == 0.0


def test_merge_split_and_back(
    labels_dock: PseudoLabelsDock, scanned: ViewerModel, section: SimulatedSection
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    before = layer.data.copy()
    labels_dock.table.select_codes([2, 3])
    labels_dock.merge_button.click()
    assert len(rows(labels_dock)) == 2
    assert sorted(np.unique(layer.data)) != [1, 2, 3]
    codes = [labels_dock.table.code(r) for r in range(2)]
    labels_dock.table.select_codes([code for code in codes if code != 1])
    labels_dock.parts.setValue(3)
    labels_dock.split_button.click()
    assert len(rows(labels_dock)) == 4
    assert len(np.unique(layer.data)) == 4
    labels_dock.undo_button.click()
    labels_dock.undo_button.click()
    assert np.array_equal(layer.data, before)


def test_brushed_pixels_are_counted_and_kept(
    labels_dock: PseudoLabelsDock, scanned: ViewerModel
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    labels_dock.table.select_codes([1])
    labels_dock.brush_button.click()
    assert (str(layer.mode), layer.selected_label) == ("paint", 1)
    layer.brush_size = 1
    layer.paint((20, 20), 1)
    labels_dock.table.item(0, 1).setText("Odd")
    assert rows(labels_dock)[0] == ("Odd", "anomaly", "65")
    assert layer.data[20, 20] == 1


def test_retraining_learns_from_the_background_alone(
    labels_dock: PseudoLabelsDock, scanned: ViewerModel, section: SimulatedSection
) -> None:
    score = first_layer(scanned, "score")
    before = score.data.copy()
    labels_dock.table.item(2, 1).setText("Right half")
    labels_dock.table.select_codes([2])
    labels_dock.role_button.click()
    assert rows(labels_dock)[1][1] == "anomaly"
    labels_dock.retrain_button.click()
    assert "2,304 background pixels" in labels_dock.status.text()
    right = np.zeros((64, 96), bool)
    right[:, 60:] = True
    from napari_mineral_anomaly.detectors.registry import make_config, make_detector

    fitted = make_detector("rx", make_config("rx")).fit(section.cube.replace(valid=right))
    expected = fitted.score(section.cube).score
    assert np.allclose(score.data, expected)
    assert not np.allclose(score.data, before)
    labels = first_layer(scanned, "pseudo_labels").data
    assert set(np.unique(labels)) == {1, 2}
    assert (labels[:, 60:] == 2).all()
    assert rows(labels_dock)[1][0] == "Right half", "names follow their clusters"


def test_strokes_that_are_made_while_the_detector_learns_stay(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, by_hand: Any
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    labels = np.full((64, 96), 2, dtype=np.uint16)
    labels[:, 30:], labels[:8, :8] = 3, 1
    layer.data = labels
    dock = make_dock(PseudoLabelsDock, scanned, by_hand)
    by_hand.run_next()
    dock.retrain_button.click()
    layer.brush_size = 1
    layer.paint((20, 20), 1)
    layer.paint((30, 20), 3)
    layer.paint((40, 20), 9)
    while by_hand.waiting:
        by_hand.run_next()
    assert "Retrained on 6,080 background pixels" in dock.status.text()
    # The larger cluster has code 2 now.
    assert (layer.data[0, 40], layer.data[60, 20]) == (2, 3)
    assert [int(layer.data[y, 20]) for y in (20, 30, 40)] == [1, 2, 4]
    assert np.count_nonzero(layer.data == 4) == 1


def test_no_background_left_is_told(labels_dock: PseudoLabelsDock) -> None:
    labels_dock.table.select_codes([2, 3])
    labels_dock.role_button.click()
    labels_dock.retrain_button.click()
    assert "must be background" in labels_dock.status.text()
