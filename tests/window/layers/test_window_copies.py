"""A copy that *Duplicate* of napari's layer list makes belongs to the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.layers._layer_actions import _duplicate_layer as duplicate_layer

from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.project.snapshot import Changes, section_state
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]


def copy_of(viewer: ViewerModel, layer: Layer | None) -> Layer:
    """The copy of a layer, which napari puts above it."""
    assert layer is not None
    viewer.layers.selection = {layer}
    duplicate_layer(viewer.layers)
    return viewer.layers[viewer.layers.index(layer) + 1]


@pytest.fixture
def copied(run_rx: FindStep, scanned: ViewerModel) -> ViewerModel:
    """A section with a result, and a copy of each kind of layer."""
    for role in ("score", "mask", "pseudo_labels", "element"):
        copy_of(scanned, first_layer(scanned, role))
    return scanned


def test_the_threshold_and_the_strokes_of_the_original_are_saved(
    copied: ViewerModel, make_dock: MakeDock, scan_id: str
) -> None:
    score, mask = first_layer(copied, "score"), first_layer(copied, "mask")
    panel = make_dock(ThresholdPanel, copied)
    assert panel.score_combo.layer() is score
    panel.threshold.setValue(2.25)
    panel.update_mask()
    y, x = np.argwhere(score.data < 2)[0]
    mask.brush_size = 1
    mask.paint((y, x), 1)
    state = section_state(
        copied,
        scan_id,
        Changes(all=True),
        truth_numbers={},
        folders={},
        saved=frozenset(["rx"]),
        with_maps=False,
    )
    assert state is not None
    assert [one.threshold for one in state.results] == [2.25]
    strokes = state.images["strokes rx"].make()
    assert int(np.abs(strokes).sum()) == strokes[y, x] == 1
    keys = [look.key for look in state.layers]
    assert len(keys) == len(set(keys)) == 6 + 3


def test_a_copied_map_is_not_an_element_twice(copied: ViewerModel, scan_id: str) -> None:
    elements = cube_from_layers(copied, scan_id).elements
    assert len(elements) == len(set(elements)) == 6


def test_a_copied_truth_mask_is_another_truth_mask(
    scanned: ViewerModel, make_dock: MakeDock, run_rx: FindStep
) -> None:
    make_dock(TruthDock, scanned).make_truth()
    copy_of(scanned, first_layer(scanned, "truth"))
    assert len(list(linked_layers(scanned, role="truth"))) == 2
