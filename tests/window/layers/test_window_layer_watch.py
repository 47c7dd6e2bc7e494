"""Following the pixels of a layer: what is a change, and what is only drawn again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_mineral_anomaly.window.kit.layer_watch import LayerWatch


@pytest.fixture
def watched(viewer: ViewerModel) -> Iterator[tuple[Labels, list[int]]]:
    """A labels layer, and a list that grows with each change."""
    layer = viewer.add_labels(np.zeros((20, 30), dtype=np.uint8))
    changes: list[int] = []
    watch = LayerWatch(lambda: changes.append(1))
    assert watch.watch(layer)
    yield layer, changes
    assert watch.watch(None)


def test_strokes_undo_and_new_pixels_are_changes(watched: tuple[Labels, list[int]]) -> None:
    layer, changes = watched
    for change in (
        lambda: layer.data_setitem((np.array([3]), np.array([4])), 1),
        layer.undo,
        layer.redo,
        lambda: setattr(layer, "data", np.ones((20, 30), dtype=np.uint8)),
        # The same pixels under another threshold.
        lambda: setattr(layer, "data", np.ones((20, 30), dtype=np.uint8)),
    ):
        before = len(changes)
        change()
        assert len(changes) > before


def test_new_pixels_are_a_change_while_the_old_ones_are_still_held(
    watched: tuple[Labels, list[int]],
) -> None:
    layer, changes = watched
    held = layer.data
    layer.data = np.ones((20, 30), dtype=np.uint8)
    assert changes
    assert not held.any()


def test_a_layer_that_is_drawn_again_is_no_change(
    viewer: ViewerModel, watched: tuple[Labels, list[int]]
) -> None:
    layer, changes = watched
    drawn: list[int] = []
    layer.events.set_data.connect(lambda event: drawn.append(1))
    # As napari does when the outline of a grain at the edge makes the world larger.
    viewer.dims.set_point(0, 7.0)
    assert drawn, "napari draws the layer again"
    assert not changes
    layer.data_setitem((np.array([3]), np.array([4])), 1)
    assert changes
