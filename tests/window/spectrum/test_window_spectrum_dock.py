"""The *Spectrum* dock in napari: its size, its mouse, its colours, and what it leaves behind."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QBoxLayout,
    QComboBox,
    QLineEdit,
    QListWidget,
)

from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.window.kit.opening import PLUGIN
from napari_mineral_anomaly.window.kit.panel import PANEL_WIDTH
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.spectrum.dock import SpectrumDock

MakeDock = Callable[..., Any]


@pytest.mark.parametrize(
    ("width", "direction"),
    [(1000, QBoxLayout.Direction.LeftToRight), (PANEL_WIDTH, QBoxLayout.Direction.TopToBottom)],
)
def test_the_panes_fit_a_wide_and_a_narrow_dock(
    dock: Any, width: int, direction: Any, qtbot: Any
) -> None:
    dock.show()
    dock.resize(width, 330)
    qtbot.waitUntil(lambda: dock._panes.direction() == direction, timeout=5000)
    qtbot.wait(50)
    assert dock._scroll.widget().minimumSizeHint().width() <= dock._scroll.viewport().width()
    assert dock.minimumSizeHint().width() <= PANEL_WIDTH
    assert dock.minimumSizeHint().height() <= 250


def test_every_control_explains_itself(dock: Any) -> None:
    for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QListWidget):
        for control in dock.findChildren(kind):
            inside_another = isinstance(control.parent(), (QAbstractSpinBox, QComboBox))
            if not control.objectName().startswith("qt_") and not inside_another:
                assert control.toolTip(), f"{kind.__name__} {control.objectName()!r}"


def test_the_spectra_go_with_the_last_layer_of_their_scan(
    viewer: ViewerModel, make_spectra: Any, put_scan: Any
) -> None:
    image = make_spectra()
    put_scan(viewer, image)
    gone = weakref.ref(image)
    del image
    viewer.layers.pop()
    assert gone() is not None
    viewer.layers.clear()
    viewer.add_labels(np.zeros((3, 4), dtype=np.uint8))  # napari remembers the last active layer
    gc.collect()
    assert gone() is None


def test_a_closed_dock_hears_nothing_any_more(opened: ViewerModel, make_dock: MakeDock) -> None:
    session_of(opened)
    active_of(opened)
    labels = opened.add_labels(np.ones((12, 16), dtype=np.uint8))
    emitters = [*opened.layers.events.emitters.values(), labels.events.paint, opened.events.theme]
    before = [len(emitter.callbacks) for emitter in emitters]
    clicks = len(opened.mouse_drag_callbacks)
    dock = make_dock(SpectrumDock, opened)
    dock.region_choice.choose(labels)
    dock.shut_down()
    assert [len(emitter.callbacks) for emitter in emitters] == before
    assert len(opened.mouse_drag_callbacks) == clicks


@pytest.mark.gui
class TestInARealWindow:
    @pytest.fixture
    def window(
        self,
        make_napari_viewer: Callable[..., Any],
        image: SpectrumImage,
        put_scan: Any,
        qtbot: Any,
    ) -> tuple[Any, Any]:
        viewer = make_napari_viewer(show=True)
        put_scan(viewer, image)
        dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Lab: spectrum")[1]
        qtbot.waitUntil(lambda: bool(dock.plot.markers), timeout=60_000)
        return viewer, dock

    def test_a_click_on_the_canvas_shows_the_pixel(
        self, window: tuple[Any, Any], image: SpectrumImage, qtbot: Any
    ) -> None:
        viewer, dock = window
        callback = viewer.mouse_drag_callbacks[-1]

        def drag(start: tuple[int, int], end: tuple[int, int]) -> None:
            event = _Event(tuple(viewer.layers[0].data_to_world(start)), start)
            press = callback(viewer, event)
            next(press, None)
            event.type, event.pos = "mouse_move", end
            next(press, None)
            event.type = "mouse_release"
            next(press, None)

        drag((5, 8), (90, 8))
        assert dock.plot.drawn("region")[1].size == 0
        drag((5, 8), (5, 9))
        qtbot.waitUntil(lambda: dock.plot.drawn("region")[1].size > 0, timeout=10_000)
        assert np.array_equal(dock.plot.drawn("region")[1], np.asarray(image.counts)[5, 8])

    def test_with_the_brush_in_hand_a_click_paints(self, window: tuple[Any, Any]) -> None:
        viewer, dock = window
        labels = viewer.add_labels(np.zeros((12, 16), dtype=np.uint8))
        labels.mode = "paint"
        viewer.layers.selection.active = labels
        press = viewer.mouse_drag_callbacks[-1](viewer, _Event((0.0, 0.0), (5, 8)))
        assert next(press, "nothing") == "nothing"
        assert dock.plot.drawn("region")[1].size == 0

    def test_both_themes_have_their_colours_and_the_dock_opens_below_the_canvas(
        self, window: tuple[Any, Any], qtbot: Any
    ) -> None:
        viewer, dock = window
        inks = set()
        for theme in ("dark", "light"):
            viewer.theme = theme
            inks.add(dock.plot._curves["region"].opts["pen"].color().name())
        assert len(inks) == 2
        below = Qt.DockWidgetArea.BottomDockWidgetArea
        qtbot.waitUntil(
            lambda: dock.window().dockWidgetArea(dock.parent()) == below, timeout=10_000
        )


class _Event:
    """What napari hands to mouse callbacks, as far as ours looks at it."""

    def __init__(self, position: tuple[float, ...], pos: tuple[int, int]) -> None:
        self.position, self.pos, self.type = position, pos, "mouse_press"


def test_long_notes_do_not_push_the_axes_of_a_low_dock_out_of_sight(dock: Any, qtbot: Any) -> None:
    dock.show()
    dock.resize(1000, 235)
    dock.overlaps.plain("<br>".join(["Fe Kα lies under Mn Kβ: 7 counts per 100."] * 20))
    qtbot.waitUntil(lambda: dock._panes.direction() == QBoxLayout.Direction.LeftToRight)
    qtbot.wait(50)
    assert dock.overlaps.height() > 300
    axis = dock.plot._plot.getAxis("bottom")
    bottom = dock.plot._plot.mapToGlobal(axis.sceneBoundingRect().center().toPoint()).y()
    assert bottom < dock.mapToGlobal(dock.rect().bottomLeft()).y()
    # In a narrow dock the notes are below, as high as they are.
    dock.resize(PANEL_WIDTH, 700)
    qtbot.waitUntil(lambda: dock._panes.direction() == QBoxLayout.Direction.TopToBottom)
    qtbot.wait(50)
    assert dock.overlap_notes.height() >= dock.overlaps.heightForWidth(dock.overlaps.width())
