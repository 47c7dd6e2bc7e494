"""The evidence card of the chosen grain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.grains.evidence import prepare_evidence
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.grains.card_panel import GrainCard
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.kit.themes import inks_of
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel

MakeDock = Callable[..., Any]


@pytest.fixture
def docks(
    brushed_mask: Any, scanned: ViewerModel, make_dock: MakeDock
) -> tuple[GrainTable, GrainCard]:
    card = make_dock(GrainCard, scanned)
    table = make_dock(GrainTable, scanned)
    table.list_grains()
    return table, card


def test_the_card_says_what_is_missing(viewer: ViewerModel, make_dock: MakeDock) -> None:
    card = make_dock(GrainCard, viewer)
    assert "Find" in card.status.text()
    assert card.bars.isHidden()
    assert not card.accept_button.isEnabled()


def drawn(card: GrainCard, qtbot: Any) -> None:
    """Wait for the figures of the chosen grain: each is drawn in a turn of its own."""
    qtbot.waitUntil(lambda: not card._turns.pending, timeout=5000)


def test_the_card_shows_the_evidence_of_the_core(
    docks: tuple[GrainTable, GrainCard], section: SimulatedSection, qtbot: Any
) -> None:
    table, card = docks
    assert "Click a row" in card.status.text()
    table.next_grain()
    drawn(card, qtbot)
    listing, grain = table.board.listing, table.board.grain
    evidence = prepare_evidence(section.cube, listing.result, mask=listing.labels > 0).of(grain)
    line = listing.row(grain)
    assert card.title.text() == f"Grain of rank 1 · {line['peak_score']:.1f} sigmas · unseen"
    assert f"{line['area_um2']:,.0f} µm²" in card.facts.text()
    for sentence in evidence.sentences:
        assert sentence in card.flags.text()
    if evidence.minerals:
        assert evidence.minerals[0].name in card.minerals.text()
    elements, ring, _ = card.bars._shown
    assert elements == evidence.elements["element"].tolist()
    assert np.array_equal(ring, evidence.elements["ring_sigmas"], equal_nan=True)
    names, maps, outlines = card.maps._shown
    assert [name.split()[0] for name in names] == [t.element for t in evidence.thumbnails]
    assert all(len(rings) == 1 for rings in outlines)
    assert np.array_equal(maps[0], evidence.thumbnails[0].image, equal_nan=True)
    assert card.place._peak.value() == pytest.approx(evidence.peak_score)
    assert card.spectrum.isHidden(), "these maps come without spectra"


def test_the_card_names_the_surroundings_only_where_there_are_several(
    docks: tuple[GrainTable, GrainCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    table, card = docks
    table.next_grain()
    assert table.board.listing.row(table.board.grain)["neighbours"] == "Cluster 2 100 %"
    listed = table.board.listing.table
    listed.loc[listed.index[1], "neighbours"] = ""  # a grain between others
    card._show_facts(table.board.listing.row(table.board.grain))
    assert "Surrounded" not in card.facts.text(), "RX knows one background"
    listed.loc[listed.index[1], "neighbours"] = "Cluster 3 100 %"
    card._show_facts(table.board.listing.row(table.board.grain))
    assert "Surrounded by Cluster 2 100 %" in card.facts.text()


def test_buttons_decide_and_go_on(docks: tuple[GrainTable, GrainCard]) -> None:
    table, card = docks
    card.next_button.click()
    first = table.board.grain
    card.accept_button.click()
    assert table.board.verdicts()[first][0] == "accept"
    assert table.board.grain != first
    assert card.title.text().startswith("Grain of rank 2")
    card.reject_button.click()
    table.board.undo()
    assert card.title.text().endswith("unseen")


def test_without_element_maps_the_facts_remain(
    docks: tuple[GrainTable, GrainCard], scanned: ViewerModel
) -> None:
    table, card = docks
    for layer, _ in list(linked_layers(scanned, role="element")):
        scanned.layers.remove(layer)
    table.list_grains()
    table.next_grain()
    assert "load them again" in card.status.text()
    assert "pixel" in card.facts.text()
    assert card.bars.isHidden()


def test_the_histogram_takes_the_colours_of_the_theme(
    docks: tuple[GrainTable, GrainCard], scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    axis = dock.plot._plot.getAxis("bottom")
    assert axis.textPen().color().name() == inks_of(scanned).text
    scanned.theme = "light"
    assert axis.textPen().color().name() == inks_of(scanned).text


def test_both_themes_have_inks_that_stand_out(
    docks: tuple[GrainTable, GrainCard], scanned: ViewerModel
) -> None:
    table, card = docks
    table.next_grain()
    dark = inks_of(scanned)
    scanned.theme = "light"
    light = inks_of(scanned)
    assert card.bars._inks == light != dark
    for inks, background in ((dark, 36), (light, 232)):
        shades = [int(inks.text[k : k + 2], 16) for k in (1, 3, 5)]
        assert all(abs(shade - background) > 120 for shade in shades)
    # Rows below the threshold are fainter, and can be read (WCAG AA) on the rows of a table.
    for inks, row in ((dark, "#2e333e"), (light, "#dddad8")):
        assert contrast(inks.text, row) > contrast(inks.scan, row) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        shades = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(shades <= 0.04045, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
