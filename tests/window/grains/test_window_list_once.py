"""The grain list is made again where something changed that it depends on, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.grains.pixels.mask import judge_score
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep


@pytest.fixture
def table(
    run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any], by_hand: Any
) -> GrainTable:
    """A table that shows its list; what it does next waits in ``by_hand``."""
    table = make_dock(GrainTable, scanned, by_hand)
    table.list_grains()
    by_hand.run_next("Listing")
    by_hand.run_next("Looking")
    by_hand.waiting.clear()
    return table


def lists_again(table: GrainTable, by_hand: Any) -> bool:
    """Whether an event makes the table list again; then that is done."""
    table._list_if_new()
    names = [job.name for job, _ in by_hand.waiting]
    if "Listing the grains" not in names:
        return False
    table._list_if_new()
    again = [job.name for job, _ in by_hand.waiting]
    assert again.count("Listing the grains") == 1, "one that is being made is not begun again"
    while by_hand.waiting:
        by_hand.run_next()
    return True


def test_a_list_is_made_again_for_what_it_depends_on(
    table: GrainTable, scanned: ViewerModel, run_rx: FindStep, by_hand: Any
) -> None:
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    session, board = session_of(scanned), board_of(scanned)
    assert not lists_again(table, by_hand)
    board.decide([int(board.listing.table["id"].iloc[0])], status="accept")
    assert not lists_again(table, by_hand), "verdicts are shown without a new list"
    y, x = np.argwhere(np.asarray(mask.data) == 0)[500]
    mask.paint((y, x), 1)
    assert lists_again(table, by_hand)
    session.show_judged(score, mask, judge_score(score.data, 2.5, 1))
    assert lists_again(table, by_hand)
    table.rows.setValue(table.rows.value() + 5)
    assert lists_again(table, by_hand)
    labels = first_layer(scanned, "pseudo_labels")
    labels.data = np.where(np.arange(labels.data.shape[1]) > 40, 3, labels.data)
    assert lists_again(table, by_hand)
    for layer in scanned.layers:
        layer.scale = (7.0, 7.0)
    assert lists_again(table, by_hand)
    run_rx.run()
    assert lists_again(table, by_hand)
    table.list_grains()
    assert [job.name for job, _ in by_hand.waiting] == ["Listing the grains"], "asked for by name"


def test_a_new_mask_that_flags_what_the_run_flags_changes_no_list(
    table: GrainTable, scanned: ViewerModel, by_hand: Any
) -> None:
    before = board_of(scanned).listing.table
    mask = first_layer(scanned, "mask")
    scanned.layers.remove(mask)
    assert not lists_again(table, by_hand)
    scanned.add_layer(mask)
    assert not lists_again(table, by_hand)
    table.list_grains()
    by_hand.run_next("Listing")
    now = board_of(scanned).listing.table
    pd.testing.assert_frame_equal(now[["id", "peak_score"]], before[["id", "peak_score"]])


def test_a_list_that_was_stopped_is_made_at_the_next_event(
    table: GrainTable, scanned: ViewerModel, by_hand: Any
) -> None:
    mask = first_layer(scanned, "mask")
    mask.paint((5, 5), 1)
    table._list_if_new()
    table.cancel()
    by_hand.waiting.clear()
    assert lists_again(table, by_hand)
