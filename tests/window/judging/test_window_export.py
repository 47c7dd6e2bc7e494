"""*Export results* on a viewer model, its jobs run at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtWidgets import QFileDialog

from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.writing.tables import write_grains
from napari_mineral_anomaly.progress import SILENT
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.exporting.plan import DEFAULTS
from napari_mineral_anomaly.window.exporting.presets import GIS, MORE, PROJECT, REPORT
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import plan_rows
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.kit.panel import PANEL_WIDTH
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers, relink
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import HAND_OVER
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep

MakeDock = Callable[..., Any]


@pytest.fixture
def dock(run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock) -> HandOverStep:
    """The step after an RX run, with all formats to tick."""
    step = make_dock(HandOverStep, scanned, SyncExecutor())
    step.choose_preset(MORE)
    return step


def tick(dock: HandOverStep, *choices: tuple[str, str]) -> None:
    for choice, box in dock.boxes.items():
        box.setChecked(choice in choices)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_dock_offers_what_is_there_and_says_why_not(dock: HandOverStep, tmp_path: Path) -> None:
    truth = dock.boxes["truth", "imagej"]
    assert not truth.isEnabled()
    assert "brush a truth mask first" in truth.toolTip()
    assert not dock.boxes["reconstruction", "ome"].isEnabled()
    assert set(dock.chosen()) == {choice for choice in DEFAULTS if choice[0] != "truth"}
    dock.folder.setText(str(tmp_path / "out"))
    assert dock.export_button.isEnabled()
    tick(dock)
    assert "Tick at least one box" in dock.status.text()
    assert not dock.export_button.isEnabled()
    assert dock.plan_text.text() == ""


def test_write_asks_for_the_folder_where_none_is_typed(
    dock: HandOverStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(dock, ("score", "ome"))
    assert dock.export_button.text() == "Write…"
    assert "asks for the folder" in dock.status.text()
    answers = ["", str(tmp_path / "out")]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: answers.pop(0))
    dock.export_button.click()
    assert not (tmp_path / "out").exists(), "the dialog was cancelled"
    assert dock.open_button.isHidden()
    dock.export_button.click()
    assert names(tmp_path / "out") == {"anomaly_score.ome.tif"}
    assert dock.export_button.text() == "Write"
    # The next button to press stands out.
    assert not dock.open_button.isHidden()
    assert dock.open_button.styleSheet()
    assert not dock.export_button.styleSheet()
    tick(dock, ("score", "png"))
    assert dock.open_button.isHidden()
    assert dock.export_button.styleSheet()


def test_all_formats_are_seen_beside_the_map_of_a_laptop(dock: HandOverStep) -> None:
    dock.choose_preset(REPORT)
    assert not dock.more.is_open
    dock.choose_preset(MORE)
    assert dock.more.is_open
    dock.resize(PANEL_WIDTH, 2000)
    dock.show()
    assert dock.minimumSizeHint().width() == PANEL_WIDTH, "a wider step would be cut"


def test_exported_files_hold_the_numbers_of_the_layers(
    dock: HandOverStep,
    scanned: ViewerModel,
    make_dock: MakeDock,
    tmp_path: Path,
    section: SimulatedSection,
) -> None:
    make_dock(TruthDock, scanned).make_truth()
    first_layer(scanned, "truth").data = section.truth.copy()
    mask = first_layer(scanned, "mask")
    mask.data_setitem((np.array([0, 0]), np.array([0, 1])), 1)
    dock.folder.setText(str(tmp_path / "out"))
    dock.export()
    assert dock.status.text().startswith("Wrote anomaly_score.ome.tif, anomaly_mask.tif")
    out = tmp_path / "out"
    score = tifffile.imread(out / "anomaly_score.ome.tif")
    assert np.array_equal(score, first_layer(scanned, "score").data, equal_nan=True)
    assert np.array_equal(tifffile.imread(out / "anomaly_mask.tif") == 255, mask.data != 0)
    assert np.array_equal(tifffile.imread(out / "truth.tif"), section.truth)
    labels = first_layer(scanned, "pseudo_labels").data
    assert np.array_equal(tifffile.imread(out / "pseudo_labels.tif"), labels)
    with tifffile.TiffFile(out / "element_contributions.ome.tif") as tif:
        assert tif.series[0].shape == (section.cube.n_elements, 64, 96)
        assert 'PhysicalSizeXUnit="µm"' in tif.ome_metadata
    grains = pd.read_csv(out / "grains.csv")
    assert grains.loc[0, "above_threshold"]
    assert grains["rank"].tolist() == list(range(1, len(grains) + 1))
    assert "driver_1" in grains
    assert np.allclose(grains["map_y_um"], -grains["centroid_y_um"])


def test_grains_are_written_as_detect_writes_them_and_with_the_verdicts(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path, section: SimulatedSection
) -> None:
    board = board_of(scanned)
    score = first_layer(scanned, "score")
    list_rows = plan_rows(scanned, dock.session, score, None, board.cluster_names)
    board.set_listing(list_rows(SILENT).with_maps())
    assert board.listing is not None
    board.decide([int(board.listing.table["id"].iloc[0])], status="accept", comment="gold")
    tick(dock, ("grains", "csv"))
    dock.folder.setText(str(tmp_path / "out"))
    dock.export()
    [run] = dock.session.runs_of_scan("scan-a")
    write_grains(tmp_path / "grains.csv", find_grains(run.result, cube=section.cube))
    expected = pd.read_csv(tmp_path / "grains.csv")
    written = pd.read_csv(tmp_path / "out" / "grains.csv")
    assert list(written) == list(expected)
    for column in ("id", "peak_score", "driver_1", "mineral_hint", "flags"):
        pd.testing.assert_series_equal(written[column], expected[column])
    assert written["status"].tolist() == ["accept"] + ["unseen"] * (len(written) - 1)
    assert written.loc[0, "comment"] == "gold"


def test_the_plan_lists_the_files_before_they_are_written(
    dock: HandOverStep, tmp_path: Path
) -> None:
    tick(dock, ("score", "ome"), ("score", "png"), ("maps", "zarr"), ("maps", "folder"))
    dock.folder.setText(str(tmp_path))
    dock.world_files.setChecked(True)
    listed = dock.plan_text.text()
    assert listed.startswith("Will write about ")
    planned = {"anomaly_score.ome.tif", "anomaly_score.png", "element_maps.ome.zarr"}
    assert all(name in listed for name in planned)
    assert names(tmp_path) <= {"settings", "config"}
    dock.export()
    written = names(tmp_path) - {"settings", "config"}
    assert written == planned | {
        "anomaly_score.ome.tfw",
        "anomaly_score.ome.tif.aux.xml",
        "element_maps",
    }
    # What was written is told alone, until something else is chosen.
    assert dock.plan_text.text() == ""
    assert "and 2 files for QGIS beside them" in dock.status.text()
    assert not dock.open_button.isHidden()
    dock.overwrite.setChecked(True)
    assert "Replaced: anomaly_score.ome.tif" in dock.plan_text.text()
    assert dock.status.text() == ""
    assert dock.open_button.isHidden()
    dock.overwrite.setChecked(False)
    assert "Already there: anomaly_score.ome.tif" in dock.plan_text.text()


@pytest.mark.parametrize("form", ["ome", "imagej", "folder", "zarr"])
def test_element_maps_re_open_as_the_same_scan(
    dock: HandOverStep, section: SimulatedSection, tmp_path: Path, form: str
) -> None:
    tick(dock, ("maps", form))
    dock.folder.setText(str(tmp_path / "out"))
    dock.export()
    [path] = (tmp_path / "out").iterdir()
    cube = read_maps(path)
    assert set(cube.elements) == set(section.cube.elements)
    order = [cube.elements.index(name) for name in section.cube.elements]
    assert np.array_equal(np.asarray(cube.maps)[order], section.cube.maps)
    assert cube.maps.dtype == section.cube.maps.dtype
    assert cube.pixel_size == section.cube.pixel_size


def test_what_a_detector_expected_can_be_exported(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path, section: SimulatedSection
) -> None:
    session = dock.session
    score = first_layer(scanned, "score")
    [run] = session.runs_of_scan("scan-a")
    expected = np.asarray(section.cube.maps, dtype=np.float32) / 2
    result = dataclasses.replace(run.result, reconstruction=expected)
    session.keep_run("scan-a", dataclasses.replace(run, result=result))
    assert dock.score_combo.layer() is score
    tick(dock, ("reconstruction", "ome"))
    dock.folder.setText(str(tmp_path / "out"))
    dock.export()
    read = tifffile.imread(tmp_path / "out" / "element_reconstruction.ome.tif")
    assert np.array_equal(read, expected)


def test_existing_files_are_refused_unless_asked(dock: HandOverStep, tmp_path: Path) -> None:
    (tmp_path / "anomaly_mask.tif").write_text("precious")
    dock.folder.setText(str(tmp_path))
    dock.export()
    assert "already holds anomaly_mask.tif" in dock.status.text()
    assert [path.name for path in tmp_path.glob("*.tif")] == ["anomaly_mask.tif"]
    assert (tmp_path / "anomaly_mask.tif").read_text() == "precious"
    dock.overwrite.setChecked(True)
    dock.export()
    assert (tmp_path / "anomaly_score.ome.tif").exists()
    assert tifffile.imread(tmp_path / "anomaly_mask.tif").dtype == np.uint8


def test_a_file_of_the_scan_is_never_replaced(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path
) -> None:
    scan = tmp_path / "scan"
    scan.mkdir()
    (scan / "anomaly_mask.tif").write_text("an input of that name")
    for layer, _ in linked_layers(scanned, role="element"):
        relink(layer, source=str(scan))
    dock.folder.setText(str(scan))
    dock.overwrite.setChecked(True)
    dock.export()
    assert "lies in the folder of the scan" in dock.status.text()
    assert names(scan) == {"anomaly_mask.tif"}
    assert (scan / "anomaly_mask.tif").read_text() == "an input of that name"


def test_a_score_opened_by_hand_exports_without_a_run(
    viewer: ViewerModel, make_dock: MakeDock, tmp_path: Path
) -> None:
    score = np.zeros((20, 30), np.float32)
    score[5:7, 5:8] = 9.0
    viewer.add_image(score, name="mine", scale=(5, 5), units="µm")
    make_dock(ThresholdPanel, viewer).make_mask()
    dock = make_dock(HandOverStep, viewer)
    dock.choose_preset(MORE)
    dock.folder.setText(str(tmp_path / "out"))
    dock.export()
    assert names(tmp_path / "out") == {"anomaly_score.ome.tif", "anomaly_mask.tif", "grains.csv"}
    grains = pd.read_csv(tmp_path / "out" / "grains.csv")
    assert grains.loc[0, ["area_px", "area_um2"]].tolist() == [6, 150.0]


# What one usually hands over


def test_the_map_files_lie_in_micrometres_for_gis(dock: HandOverStep, tmp_path: Path) -> None:
    dock.choose_preset(GIS)
    dock.folder.setText(str(tmp_path / "gis"))
    dock.export_button.click()
    written = names(tmp_path / "gis")
    assert {"anomaly_score.tif", "anomaly_score.tfw", "anomaly_mask.tif", "grains.csv"} <= written
    assert {"grains_qupath.geojson", "grains_qgis.geojson"} <= written
    assert not dock.open_button.isHidden()
    assert dock.state.is_done(HAND_OVER)


def test_report_and_project_come_from_the_saved_work(
    dock: HandOverStep, scanned: ViewerModel, tmp_path: Path, qtbot: Any
) -> None:
    keepers = projects_of(scanned).keepers
    dock.choose_preset(REPORT)
    dock.folder.setText(str(tmp_path / "out"))
    (keeper,) = keepers.values()
    assert keeper.save_now()
    # The scan of this test lies in no file: the report needs the maps in the project.
    keeper.keep_maps()
    dock.export_button.click()
    expected = "Wrote client_report.html, client_report.pdf to "
    assert dock.status.text().startswith(expected), dock.status.text()
    assert (tmp_path / "out" / "client_report.pdf").read_bytes().startswith(b"%PDF-")
    page = (tmp_path / "out" / "client_report.html").read_text(encoding="utf-8")
    assert "RX" in page
    assert "<img" in page
    dock.choose_preset(PROJECT)
    dock.export_button.click()
    copied = read_project(tmp_path / "out" / "section project")
    assert [one.detector for one in copied.results] == ["rx"]
    projects_of(scanned).close()
