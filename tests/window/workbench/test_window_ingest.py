"""Opening scans in the window: the report, spectra that ask, images and valid area beside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.scan.spectra.lines import fwhm_kev, mapped_line
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.layers.attached import files_of, report_of, spectra_of
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.layers.make import add
from napari_mineral_anomaly.window.layers.scans import cube_from_layers, scans_in
from napari_mineral_anomaly.window.loading.report_panel import IngestPanel
from napari_mineral_anomaly.window.loading.report_rows import COLUMNS, grouped_warnings, not_used
from napari_mineral_anomaly.window.plugin import reader as _reader
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.open_step import OpenStep

MakeDock = Callable[..., Any]
GAIN_EV = 20.0


def add_layers(dock: OpenStep, qtbot: Any) -> None:
    dock.found.add_button.click()
    qtbot.waitUntil(lambda: dock.status.text().startswith("Added"), timeout=20_000)


@pytest.fixture
def mount(section: SimulatedSection, tmp_path: Path) -> Path:
    """What a user has: maps without sample at the left, electron image, odd mask, notes."""
    folder = tmp_path / "mount"
    folder.mkdir()
    for index, element in enumerate(section.cube.elements):
        plane = section.cube.plane(index).copy()
        plane[:, :10] = 0
        tifffile.imwrite(folder / f"{element}.tif", plane)
    height, width = section.cube.shape
    bse = np.arange(height * width, dtype=np.uint16).reshape(height, width)
    tifffile.imwrite(folder / "BSE.tif", bse)
    tifffile.imwrite(folder / "mask.tif", np.ones((height + 3, width), dtype=np.uint8))
    (folder / "notes.txt").write_text("measured on a Tuesday")
    return folder


@pytest.fixture
def uncalibrated(tmp_path: Path) -> Path:
    """Spectra with peaks of Si and Fe in a bare .npy file, which knows no energies."""
    kev = np.arange(600) * GAIN_EV / 1000.0
    mean = np.full((6, 8, 600), 0.2)
    for element, counts in (("Si", 500.0), ("Fe", 400.0)):
        middle = mapped_line(element).kev
        peak = np.exp(-0.5 * ((kev - middle) / (float(fwhm_kev(middle)) / 2.3548)) ** 2)
        mean += counts * peak / peak.sum()
    path = tmp_path / "spectra.npy"
    np.save(path, np.random.default_rng(0).poisson(mean).astype(np.uint16))
    return path


# The report


@pytest.fixture
def report(mount: Path) -> IngestReport:
    return read_maps(mount).report


def test_the_table_of_the_panel_holds_the_numbers_of_every_map(
    report: IngestReport, section: SimulatedSection, qtbot: Any
) -> None:
    panel = IngestPanel(report, "mount")
    qtbot.addWidget(panel)
    table = panel.table
    shown = {
        table.item(y, 0).text(): [table.item(y, x).text() for x in range(len(COLUMNS))]
        for y in range(table.rowCount())
    }
    assert set(shown) == set(section.cube.elements)
    iron = section.cube.plane(section.cube.elements.index("Fe")).copy()
    iron[:, :10] = 0
    row = dict(zip(COLUMNS, shown["Fe"], strict=True))
    assert row["file"] == "Fe.tif"
    assert row["numbers"] == "uint16"
    assert row["highest"].replace(",", "") == f"{iron.max():.5g}"
    assert row["zero"].replace(",", "") == str(np.count_nonzero(iron == 0))


def test_numbers_of_the_table_sort_as_numbers(report: IngestReport, qtbot: Any) -> None:
    panel = IngestPanel(report, "mount")
    qtbot.addWidget(panel)
    column = COLUMNS.index("highest")
    panel.table.sortItems(column)
    shown = [panel.table.item(y, column).text() for y in range(panel.table.rowCount())]
    numbers = [float(text.replace(",", "")) for text in shown]
    assert numbers == sorted(numbers)
    assert shown != sorted(shown)


def test_everything_that_was_not_used_is_listed_with_its_reason(
    report: IngestReport, qtbot: Any
) -> None:
    reasons = dict(not_used(report))
    assert set(reasons) == {"BSE.tif", "mask.tif", "notes.txt"}
    assert "67x96" in reasons["mask.tif"]
    assert "64x96" in reasons["mask.tif"]
    panel = IngestPanel(report, "mount")
    qtbot.addWidget(panel)
    assert "notes.txt" in panel.ignored.toPlainText()


def test_warnings_are_grouped_by_what_they_are_about() -> None:
    used = read_report_of(["Ba", "Ti", "Si"])
    report = used.model_copy(
        update={
            "warnings": (
                "Ba and Ti hold identical numbers: one file under two names?",
                "Si: 5 pixels stand at 65535, the top of uint16: counts may be cut off.",
                "Si.tif: 72 dpi is a printing default, not a pixel size.",
                "No pixel is valid: every pixel is missing or zero in all elements.",
            )
        }
    )
    groups = grouped_warnings(report)
    assert [len(sentences) for sentences in groups.values()] == [1, 1, 1, 1]
    assert groups["About several maps"][0].startswith("Ba and Ti")
    assert groups["About single maps"][0].startswith("Si: 5")
    assert groups["About files"][0].startswith("Si.tif")
    assert groups["About the scan"][0].startswith("No pixel")


def read_report_of(elements: list[str]) -> IngestReport:
    one = {"dtype": "uint16", "shape": (4, 5), "nan": 0, "zero": 0, "negative": 0, "saturated": 0}
    used = [{"file": f"{name}.tif", "element": name, **one} for name in elements]
    return IngestReport.model_validate({"used": used})


def test_the_report_is_copied_as_text_and_saved_as_json(
    report: IngestReport, tmp_path: Path, qtbot: Any
) -> None:
    panel = IngestPanel(report, "mount")
    qtbot.addWidget(panel)
    panel.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "Fe.tif" in copied
    assert "measured" not in copied
    panel.save_json(tmp_path / "ingest.json")
    assert json.loads((tmp_path / "ingest.json").read_text()) == report.model_dump(mode="json")
    panel.save_json(tmp_path / "no folder" / "ingest.json")
    assert "Cannot write" in panel.status.text()


def test_the_report_is_saved_where_the_dialog_says_and_nowhere_when_it_is_cancelled(
    report: IngestReport, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = IngestPanel(report, "mount")
    qtbot.addWidget(panel)
    answers = iter(["", str(tmp_path / "chosen.json")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *asked: (next(answers), asked[-1]))
    panel.save_button.click()
    assert not list(tmp_path.glob("*.json"))
    assert panel.status.text() == ""
    panel.save_button.click()
    saved = tmp_path / "chosen.json"
    assert json.loads(saved.read_text("utf-8")) == report.model_dump(mode="json")
    assert panel.status.text() == f"Saved {saved}."


def test_the_panel_opens_from_the_dock_and_closes_with_it(
    viewer: ViewerModel, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    assert dock.report_button.isHidden()
    dock.load([mount])
    dock.report_button.click()
    panel = dock.report_button.panel
    assert panel.isVisible()
    assert "6 element maps" in panel.headline.text()
    add_layers(dock, qtbot)
    assert not dock.report_button.isHidden()
    dock.shut_down()
    assert not panel.isVisible()


# Beside the maps


def test_images_in_register_are_offered_and_never_analysed(
    viewer: ViewerModel, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([mount])
    assert dock.found.files.context == ["BSE.tif"]
    dock.found.size.x.setValue(15.0)
    add_layers(dock, qtbot)
    [(bse, _)] = linked_layers(viewer, role="context")
    assert np.array_equal(bse.data, tifffile.imread(mount / "BSE.tif"))
    assert tuple(bse.scale) == (15.0, 15.0)
    [scan] = scans_in(viewer)
    assert "BSE" not in cube_from_layers(viewer, scan.scan_id).elements
    again = make_dock(OpenStep, viewer)
    again.load([mount])
    rows = again.found.files.rows
    again.found.files.choose([row.file for row in rows].index("BSE.tif"), "leave out")
    add_layers(again, qtbot)
    assert len(list(linked_layers(viewer, role="context"))) == 1


def test_a_length_that_cannot_be_meant_is_refused_before_layers_are_made(
    viewer: ViewerModel, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([mount])
    dock.found.size.x.setValue(20_000.0)
    dock.add_layers()
    assert "did you mean 20 µm (20000 nm)? Type 20." in dock.status.text()
    assert not scans_in(viewer)
    dock.found.size.x.setValue(20.0)
    add_layers(dock, qtbot)
    assert cube_from_layers(viewer, scans_in(viewer)[0].scan_id).pixel_size == (20.0, 20.0)


def test_the_brushed_valid_area_is_what_the_next_run_uses(
    viewer: ViewerModel, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([mount])
    assert dock.found.area.with_layer
    add_layers(dock, qtbot)
    [(valid, link)] = linked_layers(viewer, role="valid")
    assert not valid.data[:, :10].any()
    assert valid.data[:, 12:].mean() > 0.99
    valid.brush_size = 1
    valid.data_setitem((np.array([30, 31]), np.array([40, 41])), 0)
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    result = next(detect.session.runs_of_scan(link.scan_id)).result
    assert np.array_equal(result.valid, valid.data != 0)
    assert np.isnan(result.score[30, 40])


def test_a_valid_area_of_another_shape_is_refused_with_the_numbers(
    viewer: ViewerModel, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([mount])
    add_layers(dock, qtbot)
    [(valid, link)] = linked_layers(viewer, role="valid")
    valid.data = np.ones((3, 4), dtype=np.uint8)
    with pytest.raises(InputError, match=r"valid area is 3x4 pixels.*64x96"):
        cube_from_layers(viewer, link.scan_id)


def test_beam_and_typed_pixel_size_are_recorded_with_the_scan(
    viewer: ViewerModel, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([mount])
    dock.found.size.x.setValue(10.0)
    dock.found.size.spot.setValue(25.0)
    add_layers(dock, qtbot)
    [scan] = scans_in(viewer)
    report = report_of(viewer, scan.scan_id)
    assert report.spot_size_um == 25.0
    assert report.pixel_size_um == (10.0, 10.0)
    viewer.layers.remove(viewer.layers["Fe · mount"])
    cube = cube_from_layers(viewer, scan.scan_id)
    assert cube.report.spot_size_um == 25.0
    assert {entry.element for entry in cube.report.used} == set(cube.elements)
    assert "Fe" not in cube.elements


# Spectra


def test_a_missing_calibration_is_asked_for_and_remembered(
    viewer: ViewerModel, uncalibrated: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([uncalibrated])
    assert "calibration is missing" in dock.status.text()
    assert "600 channels" in dock.spectra_fields.note.text()
    assert dock.found.isHidden()
    dock.spectra_fields.again_button.click()
    assert "type the width of a channel" in dock.status.text()
    dock.spectra_fields.energy_fields.gain.setValue(GAIN_EV)
    dock.spectra_fields.elements_line.setText("Si, Fe")
    dock.spectra_fields.again_button.click()
    assert "Check what was read" in dock.status.text()
    add_layers(dock, qtbot)
    [scan] = scans_in(viewer)
    assert set(scan.elements) == {"Si", "Fe"}
    assert spectra_of(viewer, scan.scan_id).energy.gain_kev == pytest.approx(0.02)
    assert viewer.layers["Si · spectra"].data.mean() == pytest.approx(0.84 * 500, rel=0.15)
    assert not dock.spectrum_button.isHidden()
    again = make_dock(OpenStep, viewer)
    again.load([uncalibrated])
    assert again.spectra_fields.energy_fields.gain.value() == GAIN_EV


def test_elements_that_do_not_exist_are_refused_where_they_were_typed(
    viewer: ViewerModel, uncalibrated: Path, make_dock: MakeDock
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([uncalibrated], energy=(0.0, GAIN_EV / 1000), elements=["Quartz"])
    assert "not a chemical element" in dock.status.text()
    assert not dock.spectra_fields.isHidden()


def test_an_array_in_a_file_is_named_behind_two_colons(
    viewer: ViewerModel, tmp_path: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    path = tmp_path / "scan.h5"
    planes = np.arange(3 * 4 * 6, dtype=np.float32).reshape(3, 4, 6)
    with h5py.File(path, "w") as file:
        file["entry/first"] = planes
        file["entry/second"] = planes + 100
    dock = make_dock(OpenStep, viewer)
    dock.path.setText(f"{path}::/entry/second")
    dock.path.returnPressed.emit()
    add_layers(dock, qtbot)
    cube = cube_from_layers(viewer, scans_in(viewer)[0].scan_id)
    assert np.array_equal(np.asarray(cube.maps), planes + 100)


# Drag and drop


def test_a_dropped_mount_brings_its_image_and_its_valid_area(
    viewer: ViewerModel, mount: Path
) -> None:
    for data in _reader.get_reader(str(mount))(str(mount)):
        add(viewer, data)
    roles = [link.role for _, link in linked_layers(viewer)]
    assert roles.count("element") == 6
    assert roles.count("context") == 1
    assert roles.count("valid") == 1
    assert {link.scan for _, link in linked_layers(viewer)} == {"mount"}


def test_dropped_spectra_without_energies_are_sent_to_the_dock_that_asks(
    uncalibrated: Path,
) -> None:
    reader = _reader.get_reader(str(uncalibrated))
    with pytest.raises(InputError, match="Open"):
        reader(str(uncalibrated))


def test_several_dropped_files_of_one_scan_are_one_scan(viewer: ViewerModel, mount: Path) -> None:
    files = [str(mount / name) for name in ("Fe.tif", "Ca.tif", "BSE.tif")]
    for data in _reader.get_reader(files)(files):
        add(viewer, data)
    [scan] = scans_in(viewer)
    assert set(scan.elements) == {"Fe", "Ca"}


def test_real_spectra_of_chevkinite_show_the_apatite(real_data: Path) -> None:
    pytest.importorskip("rsciio", reason="rosettasciio reads .bcf and is not installed")
    path = str(real_data / "cubes" / "chevkinite_30x30.bcf")
    layers = _reader.get_reader(path)(path)
    elements = {data[1]["metadata"]["mineral_anomaly"].get("element") for data in layers}
    assert {"P", "Ca", "Ti", "Si"} <= elements


# Sections that arrive layer by layer


def test_no_run_starts_from_a_part_of_the_maps(
    viewer: ViewerModel, scan_folder: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    opening, find = make_dock(OpenStep, viewer), make_dock(FindStep, viewer)
    opening.load([scan_folder])
    opening.found.add_button.click()
    assert len(viewer.layers) == 1
    assert find.status.text() == "The maps of this section are still being added."
    assert not find.quick_button.isEnabled()
    find.quick_look()  # by a key or a script
    assert not list(linked_layers(viewer, role="score"))
    qtbot.waitUntil(find.quick_button.isEnabled, timeout=20_000)
    assert find.status.text() == ""
    find.quick_look()
    [(_, link)] = linked_layers(viewer, role="score")
    assert len(cube_from_layers(viewer, find.scan_id).elements) == 6
    assert find.session.run_of(link).result.contributions.shape[0] == 6


def test_a_section_that_is_being_added_is_completed_when_another_is_opened(
    viewer: ViewerModel, scan_folder: Path, mount: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    opening = make_dock(OpenStep, viewer)
    opening.load([scan_folder])
    opening.found.add_button.click()
    assert len(viewer.layers) == 1
    opening.load([mount])
    qtbot.waitUntil(lambda: len(scans_in(viewer)[0].elements) == 6, timeout=20_000)
    qtbot.wait(50)
    assert not opening.found.isHidden()  # the second is still to be checked
    assert opening.state.step == "open"
    add_layers(opening, qtbot)
    assert [len(scan.elements) for scan in scans_in(viewer)] == [6, 6]
    assert "of mount" in opening.status.text()


def test_a_section_is_complete_when_the_step_is_closed_meanwhile(
    viewer: ViewerModel, scan_folder: Path, make_dock: MakeDock
) -> None:
    opening, find = make_dock(OpenStep, viewer), make_dock(FindStep, viewer)
    opening.load([scan_folder])
    opening.found.add_button.click()
    opening.close()
    assert len(scans_in(viewer)[0].elements) == 6
    assert find.quick_button.isEnabled()


def test_only_a_size_that_was_typed_is_kept_as_typed(
    viewer: ViewerModel, scan_folder: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    """A project reads the maps again with what is kept, and reports where a size is from."""
    opening = make_dock(OpenStep, viewer)
    opening.load([scan_folder])
    add_layers(opening, qtbot)
    first = scans_in(viewer)[0].scan_id
    assert files_of(viewer, first).options.pixel_size is None
    opening.load([scan_folder])
    opening.found.size.x.setValue(12.5)
    add_layers(opening, qtbot)
    second = scans_in(viewer)[1].scan_id
    assert files_of(viewer, second).options.pixel_size == (12.5, 12.5)
