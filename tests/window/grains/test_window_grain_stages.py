"""The grain table in two stages: rows first, then what the element maps say of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QItemSelectionModel, Qt

from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.grains.listing import KeptCube
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import Link, first_layer, link_of, linked_layers
from napari_mineral_anomaly.window.state.model import DECIDE

MakeDock = Callable[..., Any]

LONG = 30_000


def column(dock: GrainTable, key: str) -> int:
    return next(k for k, c in enumerate(dock.model.columns) if c.key == key)


def cells(dock: GrainTable, key: str) -> list[str]:
    rows = range(dock.model.rowCount())
    return [str(dock.model.data(dock.model.index(row, column(dock, key)))) for row in rows]


def shown_ids(dock: GrainTable) -> list[int]:
    return [dock.model.grain_at(row) for row in range(dock.model.rowCount())]


@pytest.fixture
def dock(brushed_mask: Any, scanned: ViewerModel, make_dock: MakeDock, by_hand: Any) -> GrainTable:
    """A table whose list was asked for; its two jobs wait to be run."""
    dock = make_dock(GrainTable, scanned, by_hand)
    dock._list_soon.cancel()
    dock.list_grains()
    return dock


@pytest.fixture
def expected(dock: GrainTable, scanned: ViewerModel, section: SimulatedSection) -> pd.DataFrame:
    """The list of the core."""
    run = dock.session.run_of(link_of(first_layer(scanned, "score")))
    mask = first_layer(scanned, "mask").data != 0
    return find_grains(run.result, mask=mask, cube=section.cube)


def test_rows_can_be_used_before_minerals_and_flags_are_known(
    dock: GrainTable, by_hand: Any, expected: pd.DataFrame
) -> None:
    by_hand.run_next("Listing")
    assert shown_ids(dock) == expected["id"].tolist()
    assert set(cells(dock, "flags")) == set(cells(dock, "mineral_hint")) == {"…"}
    assert cells(dock, "neighbours") == expected["neighbours"].tolist()
    assert not dock.cancel_button.isHidden()
    assert "follow" in dock.status.text()
    third = dock.model.grain_at(2)
    dock.view.setCurrentIndex(dock.model.index(2, 0))
    dock.accept()
    looking = next(pair for pair in by_hand.waiting if pair[0].name.startswith("Looking"))
    by_hand.waiting.remove(looking)
    by_hand.waiting.insert(0, looking)
    by_hand.run_next("Looking")
    assert cells(dock, "flags") == expected["flags"].tolist()
    assert len(set(cells(dock, "flags"))) > 1
    hints = [text.split(" (")[0] for text in cells(dock, "mineral_hint")]
    assert hints == expected["mineral_hint"].tolist()
    assert cells(dock, "status")[2] == "accept", "what was decided meanwhile stays"
    fourth = dock.model.grain_at(3)
    assert dock.view.selected_grains() == [fourth] == [dock.board.grain], "on to the next one"
    assert dock.cancel_button.isHidden()
    dock.filter.setText("accept")
    dock._search()
    assert shown_ids(dock) == [third]


def test_sorting_by_flags_is_done_when_they_come(
    dock: GrainTable, by_hand: Any, expected: pd.DataFrame
) -> None:
    by_hand.run_next("Listing")
    dock.view.sortByColumn(column(dock, "flags"), Qt.SortOrder.DescendingOrder)
    assert shown_ids(dock) == expected["id"].tolist(), "nothing to sort by yet"
    rows = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
    dock.view.selectionModel().select(dock.model.index(3, 0), rows)
    chosen = dock.model.grain_at(3)
    by_hand.run_next("Looking")
    flags = cells(dock, "flags")
    some = [flag.casefold() for flag in flags if flag]
    assert some == sorted(some, reverse=True)
    assert len(set(some)) > 1
    assert not any(flags[len(some) :]), "rows without a flag come last"
    assert dock.view.selected_grains() == [chosen], "the row that was chosen moved along"


def test_show_only_waits_for_minerals_and_flags(
    dock: GrainTable, by_hand: Any, expected: pd.DataFrame
) -> None:
    by_hand.run_next("Listing")
    dock.filter.setText("no flags")
    dock._search()
    assert shown_ids(dock) == expected["id"].tolist()
    assert "waits" in dock.status.text()
    by_hand.run_next("Looking")
    without = expected.loc[expected["flags"] == "", "id"].tolist()
    assert shown_ids(dock) == without
    assert 0 < len(without) < len(expected)
    # Words that are there already: the next list is not shown without them.
    dock.list_grains()
    by_hand.run_next("Listing")
    assert shown_ids(dock) == without
    assert not dock.model.pending
    by_hand.run_next("Looking")
    assert shown_ids(dock) == without


def test_files_and_clipboard_wait(
    dock: GrainTable, by_hand: Any, expected: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "grains.csv"
    by_hand.run_next("Listing")
    dock.files.save_csv(path)
    assert "is not finished" in dock.status.text()
    dock.cancel()
    assert "stopped" in dock.status.text()
    assert dock.cancel_button.isHidden()
    by_hand.waiting.clear()
    dock.copy()
    assert not path.exists()
    assert [job.name.split()[0] for job, _ in by_hand.waiting] == ["Looking"], "once more"
    by_hand.run_next("Looking")
    dock.files.save_csv(path)
    by_hand.run_next("Saving")
    saved = pd.read_csv(path, keep_default_na=False)
    assert saved["flags"].tolist() == expected["flags"].tolist()
    assert saved["mineral_hint"].tolist() == expected["mineral_hint"].tolist()


def test_another_mask_while_the_maps_are_looked_at(
    dock: GrainTable, by_hand: Any, scanned: ViewerModel
) -> None:
    by_hand.run_next("Listing")
    n = dock.model.n_all
    first_layer(scanned, "mask").data = (first_layer(scanned, "score").data >= 4).astype(np.uint8)
    dock.list_grains()
    by_hand.run_next("Looking")
    assert dock.model.pending, "what was found of the earlier list is not shown in it"
    by_hand.run_next("Listing")
    assert 0 < dock.model.n_all < n
    by_hand.run_next("Looking")
    assert not dock.model.pending
    assert dock.model.n_all == len(dock.board.listing.table) < n


def test_lists_of_the_same_maps_share_their_cube(scanned: ViewerModel, scan_id: str) -> None:
    kept = KeptCube()
    first = kept.of(scanned, scan_id)
    assert kept.of(scanned, scan_id) is first
    layer = next(layer for layer, _ in linked_layers(scanned, role="element"))
    layer.data = np.asarray(layer.data) + 1
    second = kept.of(scanned, scan_id)
    assert second is not first
    assert np.array_equal(second.plane(0), np.asarray(layer.data))
    layer.scale = (7.0, 7.0)
    assert kept.of(scanned, scan_id).pixel_size == (7.0, 7.0)
    scanned.layers.remove(layer)
    assert kept.of(scanned, scan_id).n_elements == first.n_elements - 1
    # A valid area is brushed in place: never one of an earlier list.
    valid = np.ones(first.shape, dtype=np.uint8)
    valid[0] = 0
    link = Link(scan_id, "valid", scan="section")
    area = scanned.add_labels(valid, metadata=link.metadata())
    assert not kept.of(scanned, scan_id).valid[0].any()
    area.data[5] = 0
    assert not kept.of(scanned, scan_id).valid[5].any()


@pytest.mark.gui
def test_rows_flags_and_card_arrive_in_a_real_window(window_with_mask: Any, qtbot: Any) -> None:
    viewer = window_with_mask
    decide = open_step(viewer, DECIDE).step(DECIDE)
    card, dock = decide.card, decide.table
    seen: list[bool] = []
    dock.model.modelReset.connect(lambda: seen.append(dock.model.pending))
    dock.board.completed.connect(lambda: seen.append(dock.model.pending))
    qtbot.waitUntil(lambda: dock.model.rowCount() > 2 and not dock.model.pending, timeout=LONG)
    assert seen[-2:] == [True, False], "rows first, then the rest"
    dock.next_grain()
    qtbot.waitUntil(lambda: not card.place.isHidden(), timeout=LONG)
    assert card.title.text().startswith("Grain of rank 1 ")
    assert not card.bars.isHidden()
    assert card.flags.text()
