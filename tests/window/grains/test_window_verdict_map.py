"""The verdicts on the map: live with the keys, in colours that everybody can tell apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from skimage.color import rgb2lab

from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.verdict_colours import (
    ACCEPTED,
    REJECTED,
    UNDECIDED,
    VERDICT_COLOURS,
)
from napari_mineral_anomaly.window.layers.links import first_layer, link_of
from napari_mineral_anomaly.window.layers.session import mask_of
from napari_mineral_anomaly.window.state.model import FIND
from napari_mineral_anomaly.window.workbench.frame.dock import Workbench
from napari_mineral_anomaly.window.workbench.steps.decide_step import DecideStep
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

# What protanopes, deuteranopes and tritanopes see (Machado, Oliveira and Fernandes 2009).
SEEN_BY = {
    "all cones": np.eye(3),
    "no L cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no M cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no S cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def _linear(colour: str) -> NDArray[np.float64]:
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def test_the_colours_can_be_read_on_black_and_on_white() -> None:
    for colour in VERDICT_COLOURS.values():
        luminance = float(_linear(colour) @ [0.2126, 0.7152, 0.0722])
        assert 1.05 / (luminance + 0.05) >= 3.5
        assert (luminance + 0.05) / 0.05 >= 3.5


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_the_colours_differ_for_everybody(eyes: str) -> None:
    def lab(colour: str) -> NDArray[np.float64]:
        linear = np.clip(np.asarray(SEEN_BY[eyes]) @ _linear(colour), 0, 1)
        rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        return rgb2lab(rgb.reshape(1, 1, 3))[0, 0]

    for one, other in itertools.combinations(VERDICT_COLOURS.values(), 2):
        assert np.linalg.norm(lab(one) - lab(other)) > 20


def test_the_keys_colour_the_grains_at_once_and_undo_takes_it_back(
    run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any]
) -> None:
    step: DecideStep = make_dock(DecideStep, scanned)
    step.complete()
    step.table.list_grains()
    board = board_of(scanned)
    assert first_layer(scanned, "verdicts") is None  # nothing is decided yet
    labels = board.listing.labels
    ids = board.listing.table["id"].iloc[:3].tolist()
    board.choose(ids[0])
    active = scanned.layers.selection.active
    step.table.accept()
    step.table.reject()
    step.table.leave_undecided()
    layer = first_layer(scanned, "verdicts")
    assert scanned.layers.selection.active is active
    assert layer.contour == 1
    for grain, code in zip(ids, (ACCEPTED, REJECTED, UNDECIDED), strict=True):
        assert np.all(layer.data[labels == grain] == code)
    assert np.count_nonzero(layer.data) == np.isin(labels, ids).sum()
    board.undo()
    assert not np.any(layer.data[labels == ids[2]])
    assert np.all(layer.data[labels == ids[1]] == REJECTED)


def test_a_deleted_score_comes_back_with_its_list(
    run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any]
) -> None:
    step: DecideStep = make_dock(DecideStep, scanned)
    step.complete()
    table, board = step.table, board_of(scanned)
    table.list_grains()
    before = board.listing.table["id"].tolist()
    score = first_layer(scanned, "score")
    place = scanned.layers.index(score)
    assert table.back_button.isHidden()
    scanned.layers.remove(score)
    table.list_grains()
    assert board.listing is None
    assert not table.back_button.isHidden()
    table.back_button.click()
    assert scanned.layers.index(score) == place
    assert table.session.run_of(link_of(score)) is not None
    assert mask_of(scanned, score) is not None
    table.list_grains()
    assert board.listing.table["id"].tolist() == before
    assert table.back_button.isHidden()


def test_the_list_shows_the_colours_of_the_map(
    run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any]
) -> None:
    step: DecideStep = make_dock(DecideStep, scanned)
    step.table.list_grains()
    model = step.table.model
    status = [column.key for column in model.columns].index("status")
    board_of(scanned).choose(model.grain_at(0))
    step.table.accept()
    step.table.reject()
    step.table.leave_undecided()

    def swatch(row: int) -> str | None:
        colour = model.data(model.index(row, status), Qt.ItemDataRole.DecorationRole)
        return None if colour is None else colour.name()

    assert [swatch(row) for row in range(4)] == [*VERDICT_COLOURS.values(), None]
    # The longest word fits beside its square.
    longest = step.table.view.fontMetrics().horizontalAdvance("undecided")
    assert step.table.view.columnWidth(status) > longest + 24


def test_a_score_that_was_deleted_before_the_list_was_there_comes_back(
    run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any]
) -> None:
    make_dock(Workbench, scanned).go_to(FIND)
    score = first_layer(scanned, "score")
    scanned.layers.remove(score)
    step: DecideStep = make_dock(DecideStep, scanned)
    assert not step.table.back_button.isHidden()
    step.table.back_button.click()
    step.table.list_grains()
    assert first_layer(scanned, "score") is score
    assert board_of(scanned).listing.table["id"].size > 0
