"""The dock *Load maps* asks for the elements of maps whose names do not say them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel

from napari_mineral_anomaly.io.remembered import remembered_names
from napari_mineral_anomaly.window.loading.report_rows import not_used
from napari_mineral_anomaly.window.workbench.steps.open_step import OpenStep

MakeDock = Callable[..., Any]
MAPS = np.random.default_rng(4).poisson(80, (4, 20, 23)).astype(np.uint16)


def write_maps(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name, plane in zip(names, MAPS, strict=False):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    return folder


def type_element(dock: OpenStep, row: int, element: str, file: str = "") -> None:
    table = dock.name_fields.table
    if file:
        table.item(row, 0).setText(file)
    table.item(row, 1).setText(element)


def wait_for_maps(dock: OpenStep, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: dock.add_button.isEnabled(), timeout=20_000)


def test_a_map_without_an_element_gets_one(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    folder = write_maps(tmp_path / "scan", "Ca", "Fe", "PK", "zone_4")
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    wait_for_maps(dock, qtbot)
    assert not dock.name_fields.isHidden()
    assert dock.name_fields.table.item(0, 0).text() == "PK.tif"
    assert dock.report_text.toPlainText().startswith("To decide: which element?")
    type_element(dock, 0, "P Ka")
    type_element(dock, 1, "-")
    type_element(dock, 2, "Mn", file="Fe.tif")
    dock.name_fields.again_button.click()
    qtbot.waitUntil(
        lambda: dock._cube is not None and dock._cube.elements == ("Ca", "Mn", "P Ka"),
        timeout=20_000,
    )
    assert np.array_equal(dock._cube.maps, MAPS[:3])
    assert remembered_names(folder) == {"PK.tif": "P Ka", "zone_4.tif": "-", "Fe.tif": "Mn"}

    again = make_dock(OpenStep, viewer)
    again.load([folder])
    wait_for_maps(again, qtbot)
    assert again._cube.elements == ("Ca", "Mn", "P Ka")
    assert again.name_fields.names == {"PK.tif": "P Ka", "zone_4.tif": "-", "Fe.tif": "Mn"}


def test_a_folder_without_any_element_is_asked_for(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    folder = write_maps(tmp_path / "scan", "map_1", "map_2")
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    qtbot.waitUntil(lambda: not dock.name_fields.isHidden(), timeout=20_000)
    assert "No name says an element" in dock.status.text()
    type_element(dock, 0, "Fee")
    dock.name_fields.again_button.click()
    qtbot.waitUntil(lambda: "is no element" in dock.status.text(), timeout=20_000)
    assert dock.name_fields.names == {"map_1.tif": "Fee"}  # kept, to be corrected
    type_element(dock, 0, "Fe")
    dock.name_fields.again_button.click()
    wait_for_maps(dock, qtbot)
    assert dock._cube.elements == ("Fe",)
    assert [file for file, _ in not_used(dock._report)] == ["map_2.tif"]


def test_named_scans_show_no_table(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([write_maps(tmp_path / "scan", "Ca", "Fe")])
    wait_for_maps(dock, qtbot)
    assert dock.name_fields.isHidden()
    with pytest.raises(KeyError):
        _ = dock.name_fields.names["Fe.tif"]


def test_an_open_axis_is_asked_and_the_other_one_read(
    viewer: ViewerModel, make_dock: MakeDock, tmp_path: Path
) -> None:
    stack = np.arange(4800, dtype=np.uint16).reshape(10, 40, 12)
    np.save(tmp_path / "scan.npy", stack)
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path / "scan.npy"])
    assert dock._cube is not None
    assert np.array_equal(dock._cube.maps, stack)
    assert dock.axis_button.text() == "The last axis counts the elements: read again"
    assert not dock.axis_button.isHidden()
    dock.axis_button.click()
    assert dock._cube.maps.shape == (12, 10, 40)
    assert np.array_equal(dock._cube.maps[3], stack[:, :, 3])
    assert dock.axis_button.isHidden()


def test_the_planes_of_a_stack_without_names_get_elements(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any, tmp_path: Path
) -> None:
    np.save(tmp_path / "scan.npy", MAPS)
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path / "scan.npy"])
    wait_for_maps(dock, qtbot)
    assert "4 maps without an element" in dock.name_fields.note.text()
    assert dock.name_fields.table.item(2, 0).text() == "scan.npy#3"
    type_element(dock, 2, "Fe")
    type_element(dock, 3, "-")
    dock.name_fields.again_button.click()
    qtbot.waitUntil(
        lambda: dock._cube is not None and dock._cube.elements == ("page 1", "page 2", "Fe"),
        timeout=20_000,
    )
    assert np.array_equal(dock._cube.maps, MAPS[:3])
    assert dock.name_fields.names == {"scan.npy#3": "Fe", "scan.npy#4": "-"}
    assert "2 maps without an element" in dock.name_fields.note.text()
