"""What the Detect dock says of elements that no listed grain shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.detecting.dock import DetectDock
from napari_mineral_anomaly.window.layers.make import add, element_layers


def test_a_mineral_that_counts_as_background_is_named_after_the_run(
    viewer: ViewerModel, make_dock: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(1)
    maps = rng.poisson(50, (4, 40, 50))
    # 4 % of the scan: more than the tail of the background leaves out as possible anomalies. All
    # of its pixels are the same, so that none of them is odder than the others and listed.
    maps[:, 10:20, 20:28] = np.array([50, 50, 900, 140])[:, None, None]
    cube = ElementCube(maps.astype(np.uint16), ("Si", "Al", "P", "Ca"), (20.0, 20.0))
    for data in element_layers(cube, scan="section", scan_id="scan-a"):
        add(viewer, data)
    dock = make_dock(DetectDock, viewer)
    dock.choose_detector("rx")
    dock.run()
    said = dock.status.text()
    assert said.startswith("Done in ")
    assert "Not listed, but concentrated in a small part of the scan: P around row" in said
    assert "(80 pixels, P+" in said
    assert " Ca+" in said
