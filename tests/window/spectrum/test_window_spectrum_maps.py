"""The *Spectrum* dock makes element maps and follows their layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel

from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.window.layers.attached import spectra_of
from napari_mineral_anomaly.window.layers.links import linked_layers

MakeDock = Callable[..., Any]
SCAN = "spectral"
# The maps of the scan.
MATRIX = ("Si", "Ca", "Fe")


def elements_of(viewer: Any) -> list[str]:
    return [link.element for _, link in linked_layers(viewer, SCAN, "element")]


def test_making_maps_adds_the_ticked_elements_and_keeps_the_layers_that_are_there(
    dock: Any,
    opened: ViewerModel,
    image: SpectrumImage,
    cube_of: Any,
    grain: np.ndarray,
    qtbot: Any,
) -> None:
    iron = opened.layers["Fe · rock"]
    iron.data = np.zeros_like(iron.data)
    dock.elements.tick("Zn")
    dock.elements.tick("Ca", False)
    dock.make_button.click()
    qtbot.waitUntil(lambda: dock.status.text().startswith("Element maps made"), timeout=10_000)
    assert set(elements_of(opened)) == {"Si", "Fe", "Zn"}
    assert "Removed because they are no longer ticked: Ca" in dock.status.text()
    assert opened.layers["Fe · rock"] is iron
    reference = cube_of(image, ("Si", "Fe", "Zn"))
    assert np.array_equal(iron.data, reference.plane(1))
    zinc = opened.layers["Zn · rock"]
    assert np.array_equal(zinc.data, reference.plane(2))
    assert tuple(zinc.scale) == (20.0, 20.0)
    assert zinc.data[grain].min() > 5 * zinc.data[~grain].max()
    assert spectra_of(opened, SCAN) is image
    assert set(dock.elements.ticked) == {"Si", "Fe", "Zn"}


def test_all_maps_can_be_replaced_at_once(dock: Any, opened: ViewerModel, qtbot: Any) -> None:
    for name in MATRIX:
        dock.elements.tick(name, False)
    dock.elements.tick("Zn")
    dock.make_maps()
    qtbot.waitUntil(lambda: elements_of(opened) == ["Zn"], timeout=10_000)
    assert dock.scan_id == SCAN
    assert opened.layers["Zn · rock"].visible


def test_nothing_ticked_is_told(dock: Any, opened: ViewerModel) -> None:
    for name in MATRIX:
        dock.elements.tick(name, False)
    dock.make_maps()
    assert "No element is ticked" in dock.status.text()
    assert set(elements_of(opened)) == set(MATRIX)


def test_deleting_an_element_layer_unticks_it(dock: Any, opened: ViewerModel) -> None:
    opened.layers.remove("Ca · rock")
    assert set(dock.elements.ticked) == {"Si", "Fe"}
    assert "Ca" in dock.elements.names
