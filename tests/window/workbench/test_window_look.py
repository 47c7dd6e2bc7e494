"""The step *Look*: chips, ratio, colours, all elements, and the numbers under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps import ensure_colormap

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.looking.ratio import ratio_map
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.views import show_score
from napari_mineral_anomaly.window.state.model import LOOK
from napari_mineral_anomaly.window.workbench.steps.look_step import LookStep


@pytest.fixture
def look(run_rx: Any, scanned: ViewerModel, make_dock: Callable[..., Any]) -> LookStep:
    """The step after an RX run, shown."""
    step = make_dock(LookStep, scanned)
    step.entered()
    step.choose_way(1)
    step.chips.set_chosen(())
    return step


def shown(viewer: ViewerModel) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def test_a_click_shows_one_element_instead_of_score_and_mask(
    look: LookStep, scanned: ViewerModel
) -> None:
    look.chips.chips["Au"].click()
    assert shown(scanned) == ["Au · section"]
    assert scanned.layers["Au · section"].colormap.name == "viridis"
    look.chips.chips["Fe"].click()
    assert shown(scanned) == ["Fe · section"]
    look.logarithm.setChecked(True)
    iron = scanned.layers["Fe · section"]
    low, high = iron.contrast_limits
    counts = np.array([low, low + 1, (low + high) / 2, high])
    share = (np.log1p(counts) - np.log1p(low)) / (np.log1p(high) - np.log1p(low))
    colours = iron.colormap.map((counts - low) / (high - low))
    np.testing.assert_allclose(colours, ensure_colormap("viridis").map(share), atol=0.04)
    look.logarithm.setChecked(False)
    assert scanned.layers["Fe · section"].colormap.name == "viridis"
    assert look.state.is_done(LOOK)
    show_score(scanned, look.state.score_id)
    roles = [link.role for layer, link in linked_layers(scanned) if layer.visible]
    assert roles == ["score", "mask"]


def test_three_elements_become_colours_with_a_legend(look: LookStep, scanned: ViewerModel) -> None:
    look.choose_way(3)
    for element in ("Fe", "Ca", "Si", "P"):
        look.chips.choose(element)
    assert look.chips.chosen == ("Ca", "Si", "P"), "the oldest gave its place away"
    colours = {
        link.element: (layer.colormap.name, layer.blending)
        for layer, link in linked_layers(scanned, role="element")
        if layer.visible
    }
    assert colours == {
        "Ca": ("red", "additive"),
        "Si": ("green", "additive"),
        "P": ("blue", "additive"),
    }
    assert all(element in look.legend.text() for element in ("Ca", "Si", "P"))
    look.chips.choose("Si")
    assert look.chips.chosen == ("Ca", "P")


def test_two_elements_become_a_ratio_on_the_scan(
    look: LookStep, scanned: ViewerModel, cube: ElementCube
) -> None:
    look.choose_way(2)
    look.chips.choose("Fe")
    look.chips.choose("Si")
    ratio = first_layer(scanned, "ratio")
    assert ratio is not None
    assert shown(scanned) == ["log Fe / Si"]
    iron, silicon = (cube.plane(cube.elements.index(name)) for name in ("Fe", "Si"))
    y, x = 20, 30
    expected = np.log10((float(iron[y, x]) + 0.5) / (float(silicon[y, x]) + 0.5))
    assert ratio.data[y, x] == pytest.approx(expected, abs=1e-5)
    assert tuple(ratio.scale) == cube.pixel_size
    look.chips.choose("Ca")
    assert first_layer(scanned, "ratio") is ratio, "a section has one such layer"
    assert ratio.name == "log Si / Ca"


def test_a_ratio_survives_zeros_and_missing_pixels() -> None:
    above = np.array([[0.0, 9.5, 0.0, np.nan, -3.0]])
    below = np.array([[0.0, 0.5, 9.5, 1.0, 0.0]])
    ratio = ratio_map(above, below)
    assert ratio.dtype == np.float32
    assert np.isnan(ratio[0, [0, 3, 4]]).all()
    assert ratio[0, 1:3] == pytest.approx([1.0, -np.log10(20)])


def test_all_elements_are_shown_side_by_side_and_back(
    look: LookStep, scanned: ViewerModel, cube: ElementCube, qtbot: Any
) -> None:
    look.chips.choose("Au")
    camera = scanned.scene.camera.center, scanned.scene.camera.zoom
    look.all_button.click()
    assert shown(scanned) == ["all elements section", "names section"]
    names = scanned.layers["names section"].text.values
    assert sorted(names) == sorted(cube.elements)
    picture = scanned.layers["all elements section"]
    assert tuple(picture.scale) == cube.pixel_size, "small maps are shown as they are"
    look.all_button.click()
    assert shown(scanned) == ["Au · section"]
    assert (scanned.scene.camera.center, scanned.scene.camera.zoom) == camera
    # The map is back at once; napari takes long to remove a layer, so that comes after.
    qtbot.waitUntil(lambda: first_layer(scanned, "contact_sheet") is None, timeout=5000)
    assert shown(scanned) == ["Au · section"]
    look.all_button.click()
    look.left()
    assert shown(scanned) == ["Au · section"], "other steps show one map"


def test_all_elements_have_one_colour_map_and_a_click_shows_one(
    look: LookStep, scanned: ViewerModel
) -> None:
    look.choose_way(3)
    for element in ("Fe", "Ca", "Si"):
        look.chips.choose(element)
    look.all_button.click()
    assert [button.isChecked() for button in look.ways.values()] == [False] * 3
    assert "Each element" in look.legend.text()
    iron = scanned.layers["Fe · section"]
    place = list(scanned.layers["names section"].text.values).index("Fe")
    top, left = (scanned.layers["names section"].data[place] - 1).astype(int)
    height, width = iron.data.shape

    def expected(colours: Any) -> np.ndarray:
        low, high = iron.contrast_limits
        return 255 * colours.map(np.clip((iron.data - low) / (high - low), 0, 1).ravel())[:, :3]

    def seen() -> np.ndarray:
        image = scanned.layers["all elements section"].data
        return image[top : top + height, left : left + width].reshape(-1, 3).astype(float)

    assert np.abs(seen() - expected(ensure_colormap("viridis"))).max() < 3
    plain = seen()
    look.logarithm.setChecked(True)
    assert np.abs(seen() - plain).max() > 20, "the logarithm shows faint pixels"
    look.logarithm.setChecked(False)
    look.chips.chips["Au"].click()
    assert not first_layer(scanned, "contact_sheet").visible, "a click on an element shows it"
    assert look.ways[3].isChecked()
    assert not look.all_button.isChecked()


def test_pressing_all_again_stops_the_worker(
    scanned: ViewerModel, make_dock: Callable[..., Any], by_hand: Any
) -> None:
    look = make_dock(LookStep, scanned, by_hand)
    look.entered()
    before = shown(scanned)
    look.all_button.click()
    assert shown(scanned) == before, "the map stays until the picture is there"
    look.all_button.click()
    assert not look.jobs.is_running("Making small maps")
    assert shown(scanned) == before


def test_a_late_ratio_does_not_hide_what_the_user_looks_at_now(
    scanned: ViewerModel, make_dock: Callable[..., Any], by_hand: Any
) -> None:
    look = make_dock(LookStep, scanned, by_hand)
    look.entered()
    look.choose_way(2)
    look.chips.set_chosen(("Fe", "Si"))
    look._show()
    look.choose_way(1)
    look.chips.choose("Au")
    while by_hand.waiting:
        by_hand.run_next()
    assert shown(scanned) == ["Au · section"]
    assert first_layer(scanned, "ratio") is None


def test_the_numbers_under_the_cursor_are_those_of_the_maps(
    look: LookStep, scanned: ViewerModel, cube: ElementCube, scan_id: str
) -> None:
    (move,) = [
        one for one in scanned.mouse_move_callbacks if getattr(one, "__self__", None) is look._watch
    ]
    size = cube.pixel_size[0]
    move(scanned, SimpleNamespace(position=(12 * size, 34 * size)))
    run = next(look.session.runs_of_scan(scan_id))
    assert look.place.text() == "Column 34, row 12"
    cells = {
        look.table.item(line, 0).text(): [look.table.item(line, k).text() for k in (1, 2)]
        for line in range(look.table.rowCount())
    }
    value = int(cube.plane(cube.elements.index("Si"))[12, 34])
    k = run.result.elements.index("Si")
    assert cells["Si"][0] == f"{value:,.5g} ± {np.sqrt(value):.0f}"
    assert cells["Si"][1] == f"{run.result.contributions[k, 12, 34]:+.1f}"
    before = look.place.text()
    move(scanned, SimpleNamespace(position=(-500.0, 34 * size)))
    assert look.place.text() == before, "outside the section nothing is read"
    look.left()
    assert look._watch._on_mouse not in scanned.mouse_move_callbacks
