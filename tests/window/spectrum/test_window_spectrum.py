"""The *Spectrum* dock: sum spectrum, lines, calibration, a clicked pixel, a brushed region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.lines import mapped_line
from napari_mineral_anomaly.window.layers.attached import spectra_of
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.spectrum.dock import SpectrumDock
from napari_mineral_anomaly.window.spectrum.plots import colour_of

MakeDock = Callable[..., Any]
SCAN = "spectral"
# The maps of the scan, and the element of the grain in it.
MATRIX, GRAIN_ELEMENT = ("Si", "Ca", "Fe"), "Zn"
N_CHANNELS = 1024


def at(viewer: Any, y: int, x: int) -> tuple[float, ...]:
    return tuple(viewer.layers[0].data_to_world((y, x)))


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
    viewer: ViewerModel, make_dock: MakeDock, make_spectra: Any, put_scan: Any, qtbot: Any
) -> None:
    put_scan(viewer, make_spectra(calibrated=False))
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
    dock: Any, opened: ViewerModel, image: SpectrumImage, grain: np.ndarray, qtbot: Any
) -> None:
    labels = opened.add_labels(np.zeros(image.shape, dtype=np.uint8), name="grains")
    dock.region_choice.choose(labels)
    assert dock.plot.drawn("region")[1].size == 0
    labels.brush_size = 1
    for y, x in np.argwhere(grain):
        labels.paint((y, x), 1)
    qtbot.waitUntil(lambda: dock.plot.drawn("region")[1].size > 0, timeout=5000)
    assert np.array_equal(dock.plot.drawn("region")[1], np.asarray(image.counts)[grain].sum(axis=0))
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
    elements = [link.element for _, link in linked_layers(opened, SCAN, "element")]
    assert shown.elements == tuple(elements)
    iron = opened.layers["Fe · rock"].data
    at_fe = shown.elements.index("Fe")
    assert shown.observed[at_fe] == pytest.approx(iron[2, 3])
    assert shown.expected[at_fe] == pytest.approx(np.median(iron))
    assert "expected" in dock.expected.text()
    assert not dock.place_pane.isHidden()


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
