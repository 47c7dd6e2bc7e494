"""The table of files of the step *Open*: elements and uses are typed, chosen and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_mineral_anomaly.io.remembered import remembered_names
from napari_mineral_anomaly.project.maps import describe_maps
from napari_mineral_anomaly.runs.read_scan import read_scan
from napari_mineral_anomaly.window.layers.attached import files_of
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.loading.file_rows import FileRow
from napari_mineral_anomaly.window.loading.report_rows import not_used
from napari_mineral_anomaly.window.workbench.steps.open_step import OpenStep

MakeDock = Callable[..., Any]
MAPS = np.random.default_rng(4).poisson(80, (4, 20, 23)).astype(np.uint16)


def write_maps(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name, plane in zip(names, MAPS, strict=False):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    return folder


def rows_of(dock: OpenStep) -> dict[str, FileRow]:
    return {row.file: row for row in dock.found.files.rows}


def type_element(dock: OpenStep, file: str, element: str) -> None:
    """As a user types it into the table."""
    row = list(rows_of(dock)).index(file)
    dock.found.files.table.item(row, 1).setText(element)


def use(dock: OpenStep, file: str, as_what: str) -> None:
    """As a user chooses it from the list in the table."""
    row = list(rows_of(dock)).index(file)
    dock.found.files.table.item(row, 2).setText(as_what)


def wait_for_elements(dock: OpenStep, qtbot: Any, *elements: str) -> None:
    qtbot.waitUntil(lambda: dock._read.cube.elements == elements, timeout=20_000)


def wait_for_maps(dock: OpenStep, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: dock.found.add_button.isEnabled(), timeout=20_000)


def test_a_map_without_an_element_gets_one(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    folder = write_maps(tmp_path / "scan", "Ca", "Fe", "PK", "zone_4")
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    wait_for_maps(dock, qtbot)
    files = dock.found.files
    assert [row.file for row in files.rows] == ["PK.tif", "zone_4.tif", "Ca.tif", "Fe.tif"]
    assert files.note.text().startswith("2 maps without an element")
    assert files.table.item(0, 0).text() == "⚠ PK.tif"
    type_element(dock, "PK.tif", "P Ka")
    type_element(dock, "zone_4.tif", "-")
    type_element(dock, "Fe.tif", "Mn")
    wait_for_elements(dock, qtbot, "Ca", "Mn", "P Ka")
    assert np.array_equal(dock._read.cube.maps, MAPS[:3])
    assert remembered_names(folder) == {"PK.tif": "P Ka", "zone_4.tif": "-", "Fe.tif": "Mn"}
    assert files.note.isHidden()
    assert {file: (row.element, row.use) for file, row in rows_of(dock).items()} == {
        "Fe.tif": ("Mn", "element"),
        "PK.tif": ("P Ka", "element"),
        "zone_4.tif": ("", "leave out"),
        "Ca.tif": ("Ca", "element"),
    }

    again = make_dock(OpenStep, viewer)
    again.load([folder])
    wait_for_maps(again, qtbot)
    assert again._read.cube.elements == ("Ca", "Mn", "P Ka")
    type_element(again, "Fe.tif", "")
    wait_for_elements(again, qtbot, "Ca", "Fe", "P Ka")
    assert remembered_names(folder) == {"PK.tif": "P Ka", "zone_4.tif": "-"}


def test_files_change_their_use_and_the_project_keeps_it(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    folder = write_maps(tmp_path / "scan", "Ca", "Fe", "Hg", "Zr")
    half = np.ones((20, 23), dtype=np.uint8)
    half[:, :9] = 0
    tifffile.imwrite(folder / "mask.tif", half)
    tifffile.imwrite(folder / "BSE.tif", MAPS[0] + 3)
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    wait_for_maps(dock, qtbot)
    assert {row.use for file, row in rows_of(dock).items() if row.is_image} == {"context"}
    use(dock, "Hg.tif", "context")
    wait_for_elements(dock, qtbot, "Ca", "Fe", "Zr")
    use(dock, "Zr.tif", "leave out")
    wait_for_elements(dock, qtbot, "Ca", "Fe")
    use(dock, "mask.tif", "mask")
    qtbot.waitUntil(lambda: dock._read.cube.n_valid == 20 * 14, timeout=20_000)
    use(dock, "BSE.tif", "leave out")
    assert dock.found.files.context == ["Hg.tif"]
    use(dock, "Zr.tif", "element")
    wait_for_elements(dock, qtbot, "Ca", "Fe", "Zr")
    dock.found.add_button.click()
    qtbot.waitUntil(lambda: dock.status.text().startswith("Added"), timeout=20_000)
    [(hg, link)] = linked_layers(viewer, role="context")
    assert np.array_equal(hg.data, MAPS[2])
    files = files_of(viewer, link.scan_id)
    again = read_scan(files.sources, files.options)
    assert again.elements == ("Ca", "Fe", "Zr")
    assert again.n_valid == 20 * 14
    kept = describe_maps(files, again.report, {}, tmp_path).reading
    assert kept.names == {"Hg.tif": "context"}
    assert kept.valid.absolute == str(folder / "mask.tif")


def test_what_cannot_be_is_said_and_the_table_goes_back(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    folder = write_maps(tmp_path / "scan", "Ca", "Fe")
    (folder / "notes.txt").write_text("measured on a Tuesday")
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    wait_for_maps(dock, qtbot)
    type_element(dock, "Fe.tif", "Quartz")
    assert "'Quartz' is no element" in dock.found.files.about.text()
    assert dock.found.files.names == {}
    type_element(dock, "notes.txt", "Zr")
    qtbot.waitUntil(lambda: "notes.txt" in dock.status.text(), timeout=20_000)
    assert rows_of(dock)["notes.txt"].use == "leave out"
    assert dock.found.add_button.isEnabled()
    type_element(dock, "Fe.tif", "Mn")
    wait_for_elements(dock, qtbot, "Ca", "Mn")


def test_a_cell_in_which_the_user_types_is_not_taken_away(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([write_maps(tmp_path / "scan", "Ca", "map_a", "map_b")])
    wait_for_maps(dock, qtbot)
    dock.show()
    files = dock.found.files
    type_element(dock, "map_a.tif", "Fe")
    files.table.editItem(files.table.item(1, 1))
    wait_for_elements(dock, qtbot, "Ca", "Fe")
    assert files.table.state() == files.table.State.EditingState
    assert rows_of(dock)["map_a.tif"].is_open, "the rows wait until the cell is left"
    editor = files.table.findChild(QLineEdit)
    editor.setText("Zr")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    wait_for_elements(dock, qtbot, "Ca", "Fe", "Zr")
    assert rows_of(dock)["map_a.tif"].element == "Fe"


def test_a_folder_without_any_element_is_asked_for(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    folder = write_maps(tmp_path / "scan", "map_1", "map_2")
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    qtbot.waitUntil(lambda: not dock.found.isHidden(), timeout=20_000)
    assert "No name says an element" in dock.status.text()
    assert not dock.found.add_button.isEnabled()
    type_element(dock, "map_1.tif", "Fee")
    assert "is no element" in dock.found.files.about.text()
    type_element(dock, "map_1.tif", "Fe")
    wait_for_maps(dock, qtbot)
    assert dock._read.cube.elements == ("Fe",)
    assert [file for file, _ in not_used(dock._read.report)] == ["map_2.tif"]
    assert dock.found.files.n_open == 1


def test_an_open_axis_is_asked_and_the_other_one_read(
    viewer: ViewerModel, make_dock: MakeDock, tmp_path: Path
) -> None:
    stack = np.arange(4800, dtype=np.uint16).reshape(10, 40, 12)
    np.save(tmp_path / "scan.npy", stack)
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path / "scan.npy"])
    assert dock._read.cube is not None
    assert np.array_equal(dock._read.cube.maps, stack)
    assert dock.found.axis_button.text() == "The last axis counts the elements: read again"
    assert not dock.found.axis_button.isHidden()
    dock.found.axis_button.click()
    assert dock._read.cube.maps.shape == (12, 10, 40)
    assert np.array_equal(dock._read.cube.maps[3], stack[:, :, 3])
    assert dock.found.axis_button.isHidden()


def test_the_planes_of_a_stack_without_names_get_elements(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    np.save(tmp_path / "scan.npy", MAPS)
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path / "scan.npy"])
    wait_for_maps(dock, qtbot)
    assert "4 maps without an element" in dock.found.files.note.text()
    type_element(dock, "scan.npy#3", "Fe")
    type_element(dock, "scan.npy#4", "-")
    wait_for_elements(dock, qtbot, "page 1", "page 2", "Fe")
    assert np.array_equal(dock._read.cube.maps, MAPS[:3])
    assert dock.found.files.names == {"scan.npy#3": "Fe", "scan.npy#4": "-"}
    assert "2 maps without an element" in dock.found.files.note.text()
    assert rows_of(dock)["scan.npy#4"].uses == ("element", "leave out")
