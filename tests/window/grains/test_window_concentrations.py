"""Elements that no listed grain shows are rows of the grain table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep


def test_a_mineral_that_counts_as_background_is_a_row_of_its_own_kind(
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
    dock = make_dock(FindStep, viewer)
    dock.choose_detector("rx")
    dock.run()
    table = make_dock(GrainTable, viewer)
    table.rows.setValue(0)  # else the area is the first row below the threshold
    table.list_grains()
    listing = table.board.listing
    [row] = listing.table[listing.table["kind"] == "concentration"].to_dict("records")
    assert row["area_px"] == 80
    assert row["driver_1"].startswith("P+")
    assert row["driver_2"].startswith("Ca+")
    table.view.setCurrentIndex(table.model.index(table.model.row_of(row["id"]), 0))
    assert table.board.grain == row["id"]
    assert listing.box(row["id"]) == (10, 19, 20, 27)
