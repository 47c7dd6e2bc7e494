"""A new run from *Find* begins new clusters: nothing of the earlier ones sticks to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.clusters.dock import PseudoLabelsDock
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]
GONE = "The pseudo-labels are new; your changes to the earlier ones are gone."
RED = (1.0, 0.0, 0.0, 1.0)


@pytest.fixture
def dock(run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock) -> PseudoLabelsDock:
    return make_dock(PseudoLabelsDock, scanned)


def names(dock: PseudoLabelsDock) -> list[tuple[str, str]]:
    table = dock.table
    return [(table.item(r, 1).text(), table.item(r, 2).text()) for r in range(table.rowCount())]


def stroke(layer: Any) -> None:
    layer.visible = True
    layer.brush_size = 1
    assert layer.data[20, 20] != 1
    layer.paint((20, 20), 1)
    assert layer.data[20, 20] == 1


def edit(dock: PseudoLabelsDock) -> None:
    """Name cluster 2, colour it and call it anomalous."""
    dock.table.item(0, 1).setText("Garnet")
    dock.table.select_codes([2])
    dock.recolour(RED)
    dock.table.select_codes([2])
    dock.role_button.click()
    assert names(dock)[0] == ("Garnet", "anomaly")


def test_a_new_run_takes_no_name_role_or_colour_of_the_earlier_clusters(
    run_rx: FindStep, dock: PseudoLabelsDock, scanned: ViewerModel
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    fresh, labels = names(dock), layer.data.copy()
    assert fresh[0] == ("Cluster 2", "background")
    edit(dock)
    stroke(layer)
    run_rx.run()
    assert first_layer(scanned, "pseudo_labels") is layer
    assert names(dock) == fresh
    assert board_of(scanned).cluster_names[str(layer.unique_id)][2] == "Cluster 2"
    assert not np.allclose(layer.colormap.color_dict[2], RED)
    assert np.array_equal(layer.data, labels)


def test_after_a_new_run_nothing_is_left_to_undo(
    run_rx: FindStep, dock: PseudoLabelsDock, scanned: ViewerModel
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    labels = layer.data.copy()
    edit(dock)
    stroke(layer)
    run_rx.run()
    history = clusters_of(scanned).of(str(layer.unique_id))
    assert history is not None
    assert (history.past, history.future) == ((), ())
    assert not dock.undo_button.isEnabled()
    layer.undo()  # napari's own
    assert np.array_equal(layer.data, labels)


def test_without_the_dock_names_and_colours_go_too(
    run_rx: FindStep, dock: PseudoLabelsDock, scanned: ViewerModel
) -> None:
    edit(dock)
    dock.close()
    run_rx.run()
    layer = first_layer(scanned, "pseudo_labels")
    assert board_of(scanned).cluster_names.get(str(layer.unique_id)) is None
    assert not np.allclose(layer.colormap.map(np.array([2], layer.data.dtype))[0], RED)
    history = clusters_of(scanned).of(str(layer.unique_id))
    assert history is None


def test_find_tells_that_changes_to_the_earlier_clusters_are_gone(
    run_rx: FindStep, dock: PseudoLabelsDock
) -> None:
    edit(dock)
    run_rx.run()
    assert run_rx.status.text().endswith(GONE)
    run_rx.run()
    assert "Done in" in run_rx.status.text()
    assert GONE not in run_rx.status.text(), "the second run replaced nothing"


def test_find_tells_it_of_a_stroke_that_the_dock_never_saw(
    run_rx: FindStep, scanned: ViewerModel
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    stroke(layer)
    run_rx.run()
    assert run_rx.status.text().endswith(GONE)
    assert layer.data[20, 20] != 1


def test_find_is_silent_where_all_changes_were_undone(
    run_rx: FindStep, dock: PseudoLabelsDock
) -> None:
    dock.table.item(0, 1).setText("Garnet")
    dock.undo_button.click()
    run_rx.run()
    assert GONE not in run_rx.status.text()


def test_find_tells_it_where_the_clusters_had_been_learned_from(
    run_rx: FindStep, dock: PseudoLabelsDock, scanned: ViewerModel
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    layer.data = np.where(np.arange(96) < 50, 2, layer.data).astype(layer.data.dtype)
    dock.retrain_button.click()
    assert "Retrained" in dock.status.text()
    run_rx.run()
    assert run_rx.status.text().endswith(GONE)


def test_an_undo_that_is_still_drawn_does_not_reach_the_clusters_of_a_new_run(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, by_hand: Any
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    labels = layer.data.copy()
    layer.data = np.where(np.arange(96) < 50, 7, labels).astype(labels.dtype)
    dock = make_dock(PseudoLabelsDock, scanned, by_hand)
    by_hand.run_next()
    dock.table.item(0, 1).setText("Garnet")
    by_hand.run_next()
    dock.undo_button.click()
    run_rx.run()
    while by_hand.waiting:
        by_hand.run_next()
    assert np.array_equal(layer.data, labels)
    assert "Garnet" not in [name for name, _ in names(dock)]
    assert not dock.undo_button.isEnabled()


def test_a_training_that_ends_after_a_new_run_takes_its_pixels_for_no_strokes(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, by_hand: Any
) -> None:
    layer = first_layer(scanned, "pseudo_labels")
    labels = np.full((64, 96), 2, dtype=layer.data.dtype)
    labels[:, 30:], labels[:8, :8] = 3, 1
    layer.data = labels
    dock = make_dock(PseudoLabelsDock, scanned, by_hand)
    by_hand.run_next()
    dock.retrain_button.click()
    run_rx.run()
    while by_hand.waiting:
        by_hand.run_next()
    assert "Retrained on 6,080 background pixels" in dock.status.text()
    assert np.array_equal(np.bincount(layer.data.reshape(-1)), [0, 64, 64 * 66, 64 * 30 - 64])
