"""Several layers that go are one removal for napari, which collects all garbage at each."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.kit.opening import SECTIONS, open_dock
from napari_mineral_anomaly.window.layers.coming.removing import remove_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers


def test_layers_that_are_there_go_and_others_stay(viewer: ViewerModel) -> None:
    first, second, third = (viewer.add_image(np.zeros((3, 4))) for _ in range(3))
    viewer.layers.remove(second)
    remove_layers(viewer, [first, second])
    assert list(viewer.layers) == [third]
    remove_layers(viewer, [])
    assert list(viewer.layers) == [third]


@pytest.mark.gui
def test_a_section_is_closed_with_one_collection_of_garbage(
    make_napari_viewer: Any, section: SimulatedSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = make_napari_viewer(show=True)
    for data in element_layers(section.cube, scan="section", scan_id="s"):
        add(viewer, data)
    dock = open_dock(viewer, SECTIONS)
    full: list[Any] = []
    collect = gc.collect
    monkeypatch.setattr(gc, "collect", lambda *args: full.append(args) or collect(*args))
    dock.close_section()
    assert not viewer.layers
    assert len([args for args in full if args in ((), (2,))]) <= 1
