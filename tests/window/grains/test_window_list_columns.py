"""The widths of the columns of the grain list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel

from napari_mineral_anomaly.window.detecting.parameter_form import title_of
from napari_mineral_anomaly.window.grains.table_panel import GrainTable


def test_long_texts_take_the_width_that_is_left(
    run_rx: Any, scanned: ViewerModel, make_dock: Callable[..., Any], qtbot: Any
) -> None:
    table = make_dock(GrainTable, scanned)
    table.list_grains()
    view = table.view
    keys = [column.key for column in table.model.columns]
    drivers, mineral, peak = (keys.index(key) for key in ("driver_1", "mineral_hint", "peak_score"))
    table.resize(700, 300)
    table.show()
    qtbot.waitExposed(table)
    narrow = {k: view.columnWidth(k) for k in (drivers, mineral, peak)}
    assert view.horizontalScrollBar().maximum() > 0
    table.resize(2400, 300)
    qtbot.waitUntil(lambda: view.columnWidth(drivers) > narrow[drivers] + 100, timeout=5000)
    assert view.columnWidth(peak) == narrow[peak], "numbers need no more"
    assert view.horizontalScrollBar().maximum() == 0
    assert 2400 - view.horizontalHeader().length() < 60, "hardly anything is left empty"
    view.setColumnWidth(mineral, 333)  # by the user
    table.resize(700, 300)
    qtbot.waitUntil(lambda: view.columnWidth(drivers) == narrow[drivers], timeout=5000)
    assert view.columnWidth(mineral) == 333
    # A list with fewer columns is fitted anew.
    shorter = table.model.shown_table().drop(columns=["mineral_hint"])
    n_before = len(table.model.columns)
    table.model.set_table(shorter, None, None, pending=False)
    assert 0 < len(table.model.columns) < n_before
    table.resize(2400, 300)
    qtbot.waitUntil(lambda: view.columnWidth(drivers) > narrow[drivers] + 100, timeout=5000)


def test_parameters_have_titles_like_other_fields() -> None:
    assert title_of("epochs") == "Training steps"
    assert title_of("quick") == "Quick look, without training"
    assert title_of("n_trees") == "N trees"
