"""The *Spectrum* dock: sum spectrum, lines, a clicked pixel, a brushed region, element maps."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
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

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.element_maps import element_maps
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.lines import element_lines, fwhm_kev, mapped_line
from napari_mineral_anomaly.scan.spectra.windows import element_windows
from napari_mineral_anomaly.window.kit.opening import PLUGIN
from napari_mineral_anomaly.window.kit.panel import PANEL_WIDTH
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.attached import spectra_of
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.spectrum.dock import SpectrumDock
from napari_mineral_anomaly.window.spectrum.plots import colour_of

MakeDock = Callable[..., Any]
SCAN = "spectral"

SHAPE = (12, 16)
N_CHANNELS, GAIN = 1024, 0.02
# Counts per pixel of the matrix, and of the sphalerite grain of four pixels in it.
MATRIX = {"Si": 900.0, "Ca": 500.0, "Fe": 300.0}
GRAIN, GRAIN_ELEMENT, GRAIN_COUNTS = (slice(4, 6), slice(7, 9)), "Zn", 400.0


def grain_mask() -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[GRAIN] = True
    return mask


def spectrum_image(calibrated: bool = True) -> SpectrumImage:
    """Gaussian peaks on a flat background, Poisson noise of a fixed seed; 16-bit counts."""
    axis = EnergyAxis(0.0, GAIN, N_CHANNELS)
    mean = np.full((*SHAPE, N_CHANNELS), 0.5)
    for element, counts in MATRIX.items():
        mean += _peak(axis, element, counts)
    mean[GRAIN] += _peak(axis, GRAIN_ELEMENT, GRAIN_COUNTS)
    counts = np.random.default_rng(0).poisson(mean).astype(np.uint16)
    return SpectrumImage(
        counts, axis if calibrated else None, pixel_size=(20.0, 20.0), source="made for a test"
    )


def cube_of(image: SpectrumImage, elements: tuple[str, ...] = tuple(MATRIX)) -> ElementCube:
    assert image.energy is not None
    return element_maps(image, element_windows(elements, image.energy))


def _peak(axis: EnergyAxis, element: str, counts: float) -> np.ndarray:
    """The K lines of an element as the detector shows them; K-alpha holds ``counts``."""
    total = np.zeros(axis.n_channels)
    for line in element_lines(element):
        if line.shell == "K":
            sigma = float(fwhm_kev(line.kev)) / 2.3548
            shape = np.exp(-0.5 * ((axis.kev - line.kev) / sigma) ** 2)
            total += line.intensity * shape / shape.sum()
    return counts / 1.5 * total


@pytest.fixture
def image() -> SpectrumImage:
    return spectrum_image()


def put_scan(viewer: Any, image: SpectrumImage) -> None:
    cube = cube_of(image if image.energy is not None else spectrum_image())
    for data in element_layers(cube.replace(spectra=image), scan="rock", scan_id=SCAN):
        add(viewer, data)


@pytest.fixture
def opened(viewer: ViewerModel, image: SpectrumImage) -> ViewerModel:
    """A viewer with a scan that has spectra; its maps are Si, Ca and Fe."""
    put_scan(viewer, image)
    return viewer


@pytest.fixture
def dock(opened: ViewerModel, make_dock: MakeDock) -> Any:
    return make_dock(SpectrumDock, opened)


def at(viewer: Any, y: int, x: int) -> tuple[float, ...]:
    return tuple(viewer.layers[0].data_to_world((y, x)))


def elements_of(viewer: Any) -> list[str]:
    return [link.element for _, link in linked_layers(viewer, SCAN, "element")]


# Empty states


def test_an_empty_viewer_is_told_to_load_a_scan(viewer: ViewerModel, make_dock: MakeDock) -> None:
    dock = make_dock(SpectrumDock, viewer)
    assert "Load a scan first" in dock.status.text()
    assert dock.plot.isHidden()


def test_a_scan_of_maps_has_no_spectra_and_says_so(
    scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(SpectrumDock, scanned)
    assert "no spectra, because it was opened from element maps" in dock.status.text()
    assert dock.plot.isHidden()
    assert dock.elements_pane.isHidden()


# Sum spectrum and lines


def test_the_sum_spectrum_is_drawn_over_energy_with_the_lines_of_the_maps(
    dock: Any, image: SpectrumImage
) -> None:
    kev, counts = dock.plot.drawn("scan")
    assert np.array_equal(counts, np.asarray(image.counts).sum(axis=(0, 1)))
    assert kev[500] == pytest.approx(10.0)
    main = {marker.label: marker.kev for marker in dock.plot.markers if marker.main}
    assert set(main) == set(MATRIX)
    assert main["Fe"] == pytest.approx(mapped_line("Fe").kev)
    assert main["Fe"] == pytest.approx(6.40, abs=0.01)


def test_elements_that_stand_out_are_suggested_but_not_ticked(dock: Any) -> None:
    assert GRAIN_ELEMENT in dock.elements.names
    assert set(dock.elements.ticked) == set(MATRIX)


def test_ticking_unticking_adding_and_removing_move_the_markers(dock: Any) -> None:
    dock.elements.tick("Zn")
    dock.elements.tick("Ca", False)
    dock.elements.entry.setText("ti")
    dock.elements.add_button.click()
    assert [m.label for m in dock.plot.markers if m.main] == ["Si", "Ti", "Fe", "Zn"]
    dock.elements.remove_button.click()
    assert "Ti" not in dock.elements.names
    assert [m.label for m in dock.plot.markers if m.main] == ["Si", "Fe", "Zn"]


def test_what_is_no_element_is_refused_in_words(dock: Any) -> None:
    dock.elements.entry.setText("Quartz")
    dock.elements.add_button.click()
    assert "not a chemical element" in dock.overlaps.text()
    assert "Quartz" not in dock.elements.names


def test_the_clicked_element_shows_all_its_lines(dock: Any) -> None:
    dock.elements.list.setCurrentRow(dock.elements.names.index("Fe"))
    minor = {marker.label for marker in dock.plot.markers if not marker.main}
    assert {"Kα1", "Kβ1"} <= minor


def test_overlapping_lines_are_told_in_words(dock: Any) -> None:
    for symbol in ("Ba", "Ti"):
        dock.elements.entry.setText(symbol)
        dock.elements.add_typed()
    assert "Ti Kα lies under Ba" in dock.overlaps.text()


def test_neighbours_in_the_periodic_table_have_different_colours() -> None:
    row = ["Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn"]
    assert len({colour_of(symbol) for symbol in row}) == len(row)


def test_the_axis_can_be_linear(dock: Any) -> None:
    _, heights = dock.plot._curves["scan"].getData()
    assert heights.max() < 10
    dock.log_box.setChecked(False)
    _, heights = dock.plot._curves["scan"].getData()
    assert heights.max() == dock.plot.drawn("scan")[1].max()


# Calibration


def test_without_a_calibration_channels_are_shown_until_one_is_typed(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    put_scan(viewer, spectrum_image(calibrated=False))
    dock = make_dock(SpectrumDock, viewer)
    x, _ = dock.plot.drawn("scan")
    assert x[-1] == N_CHANNELS - 1
    assert dock.plot.markers == []
    assert "Type the energy calibration" in dock.overlaps.text()
    dock.energy.gain.setValue(20.0)
    qtbot.waitUntil(lambda: bool(dock.plot.markers), timeout=5000)
    x, _ = dock.plot.drawn("scan")
    assert x[-1] == pytest.approx(0.02 * (N_CHANNELS - 1))
    assert spectra_of(viewer, SCAN).energy.gain_kev == pytest.approx(0.02)
    assert GRAIN_ELEMENT in dock.elements.names


# A pixel, a region


def test_a_clicked_pixel_is_drawn_over_the_scan_at_the_same_total(
    dock: Any, opened: ViewerModel, image: SpectrumImage
) -> None:
    dock.show_position(at(opened, 5, 8))
    _, pixel = dock.plot.drawn("region")
    _, scan = dock.plot.drawn("scan")
    assert np.array_equal(pixel, np.asarray(image.counts)[5, 8])
    assert scan.sum() == pytest.approx(pixel.sum())
    assert "row 5, column 8" in dock.caption.text()
    zinc = slice(427, 437)  # 8.64 keV
    assert pixel[zinc].sum() > 10 * scan[zinc].sum()


def test_a_click_beside_the_scan_changes_nothing(dock: Any, opened: ViewerModel) -> None:
    dock.show_position(at(opened, 5, 8))
    before = dock.caption.text()
    dock.show_position(at(opened, 40, 8))
    assert dock.caption.text() == before


def test_a_click_on_another_scan_shows_that_scan(
    dock: Any, opened: ViewerModel, cube: Any, scan_id: str
) -> None:
    for data in element_layers(cube, scan="section", scan_id=scan_id):
        add(opened, data)
    assert dock.scan_id == SCAN
    dock.show_position(at(opened, 1, 1))  # the layer added last is the active one
    assert dock.scan_id == scan_id
    assert "no spectra" in dock.status.text()


def test_a_brushed_region_follows_the_brush(
    dock: Any, opened: ViewerModel, image: SpectrumImage, qtbot: Any
) -> None:
    labels = opened.add_labels(np.zeros(image.shape, dtype=np.uint8), name="grains")
    dock.region_choice.choose(labels)
    assert dock.plot.drawn("region")[1].size == 0
    labels.brush_size = 1
    for y, x in np.argwhere(grain_mask()):
        labels.paint((y, x), 1)
    qtbot.waitUntil(lambda: dock.plot.drawn("region")[1].size > 0, timeout=5000)
    assert np.array_equal(
        dock.plot.drawn("region")[1], np.asarray(image.counts)[grain_mask()].sum(axis=0)
    )
    assert "Region of 4 pixels" in dock.caption.text()


def test_labels_of_another_shape_are_refused_with_the_numbers(
    dock: Any, opened: ViewerModel
) -> None:
    dock.region_choice.choose(opened.add_labels(np.ones((3, 4), dtype=np.uint8), name="small"))
    assert "small has 3x4 pixels, the scan 12x16" in dock.caption.text()


# Observed and expected


@pytest.fixture
def run_with_reconstruction(opened: ViewerModel) -> DetectionRun:
    """A finished RX run, with a reconstruction as a network gives it: the median of each map."""
    cube = cube_from_layers(opened, SCAN)
    run = run_detection(cube, "rx", make_config("rx"))
    medians = np.median(np.asarray(cube.maps), axis=(1, 2)).astype(np.float32)
    expected = np.broadcast_to(medians[:, None, None], cube.maps.shape)
    return replace(run, result=replace(run.result, reconstruction=expected))


def test_observed_stands_beside_expected_where_a_detector_reconstructs(
    dock: Any, opened: ViewerModel, run_with_reconstruction: DetectionRun
) -> None:
    dock.show_position(at(opened, 2, 3))
    assert dock.place_pane.isHidden()
    session_of(opened).keep_run(SCAN, run_with_reconstruction)
    shown = dock.expected_plot.shown
    assert shown.elements == tuple(elements_of(opened))
    iron = opened.layers["Fe · rock"].data
    at_fe = shown.elements.index("Fe")
    assert shown.observed[at_fe] == pytest.approx(iron[2, 3])
    assert shown.expected[at_fe] == pytest.approx(np.median(iron))
    assert "expected" in dock.expected.text()
    assert not dock.place_pane.isHidden()


# Element maps


def test_making_maps_adds_the_ticked_elements_and_keeps_the_layers_that_are_there(
    dock: Any, opened: ViewerModel, image: SpectrumImage, qtbot: Any
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
    assert zinc.data[grain_mask()].min() > 5 * zinc.data[~grain_mask()].max()
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


# Living with napari


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


def test_the_spectra_go_with_the_last_layer_of_their_scan(viewer: ViewerModel) -> None:
    image = spectrum_image()
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
        self, make_napari_viewer: Callable[..., Any], image: SpectrumImage, qtbot: Any
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
            event = _Event(at(viewer, *start), start)
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


def test_a_real_spectrum_image_shows_its_calcium(
    real_data: Path, viewer: ViewerModel, make_dock: MakeDock
) -> None:
    from napari_mineral_anomaly.window.plugin.reader import get_reader

    path = str(real_data / "cubes" / "LagunaSalinas.rpl")
    for data in get_reader(path)(path):
        add(viewer, data)
    dock = make_dock(SpectrumDock, viewer)
    kev, counts = dock.plot.drawn("scan")
    highest = kev[np.argmax(np.where(kev > 1, counts, 0))]
    assert highest == pytest.approx(3.69, abs=0.03)
    assert {"Ca", "Fe", "K"} <= set(dock.elements.ticked)


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
