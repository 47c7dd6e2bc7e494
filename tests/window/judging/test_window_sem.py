"""*SEM list*: points on the map, readings in the table, the list, the project, verdicts back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.grains.pixels.mask import judge_score
from napari_mineral_anomaly.grains.sem.files import read_fiducials
from napari_mineral_anomaly.project.fiducials import fiducials_of
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.window.exporting.presets import GIS, MORE, SEM
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.layers.results import ReadyRun, show_result
from napari_mineral_anomaly.window.layers.scans import find_scan
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.sem.table import NAME, OFF, X, Y
from napari_mineral_anomaly.window.state.model import HAND_OVER
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep

MakeDock = Callable[..., Any]

# (x, y) on the map of 96 x 64 pixels, and a stage that is turned by 90 degrees and mirrored.
MARKS = np.array([(3, 4), (90, 5), (88, 60), (6, 58)], float)
STAGE = np.array([[0.0, 0.02, 10.0], [0.02, 0.0, -5.0]])
READINGS = MARKS @ STAGE[:, :2].T + STAGE[:, 2]


@pytest.fixture
def step(run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock) -> HandOverStep:
    step = make_dock(HandOverStep, scanned, SyncExecutor())
    step.choose_preset(SEM)
    return step


def click(step: HandOverStep, marks: np.ndarray = MARKS) -> None:
    """Click points on the map, as napari adds them."""
    step.sem.add_button.click()
    layer = sem_points_of(step.viewer).layer("scan-a")
    assert str(layer.mode) == "add"
    for x, y in marks:
        layer.add((y, x))
    step.sem.add_button.click()
    assert str(layer.mode) == "pan_zoom"


def type_in(step: HandOverStep, readings: np.ndarray = READINGS) -> None:
    table = step.sem.table
    for row, (x, y) in enumerate(readings):
        table.item(row, X).setText(f"{x:.4f}".replace(".", ","))
        table.item(row, Y).setText(f"{y:.4f}")


def column(step: HandOverStep, which: int) -> list[str]:
    table = step.sem.table
    return [table.item(row, which).text() for row in range(table.rowCount())]


def test_clicks_get_names_and_readings_give_residuals_at_once(step: HandOverStep) -> None:
    assert "Click three or more points" in step.sem.fit_line.text()
    click(step)
    assert column(step, NAME) == ["A", "B", "C", "D"]
    assert column(step, X) == [""] * 4
    assert "in mm" in step.sem.fit_line.text()
    type_in(step, READINGS[:2])
    assert column(step, OFF) == [""] * 4
    type_in(step)
    assert step.sem.fit_line.text() == "Similarity of 4 points, mirrored: RMS 0.0 µm."
    assert column(step, OFF) == ["0.0"] * 4
    assert np.allclose(step.sem.fit.matrix, STAGE, atol=1e-5)
    # A reading that is wrong by half a millimetre is named, and stands out.
    step.sem.table.item(2, Y).setText(f"{READINGS[2, 1] + 0.5:.4f}")
    assert "C does not agree with the others" in step.sem.fit_line.text()
    assert step.sem.table.item(2, OFF).font().bold()
    step.sem.model.setCurrentIndex(1)
    assert step.sem.fit_line.text().startswith("Affine of 4 points")


def test_a_point_that_is_dragged_renamed_or_removed_changes_the_fit(step: HandOverStep) -> None:
    click(step)
    type_in(step)
    layer = sem_points_of(step.viewer).layer("scan-a")
    moved = layer.data.copy()
    moved[1] += (0, 2)  # two pixels of 20 µm
    layer.data = moved
    assert step.sem.fit.rms_um > 5
    table = step.sem.table
    table.item(1, NAME).setText("corner")
    assert list(layer.features["name"]) == ["A", "corner", "C", "D"]
    table.item(0, NAME).setText("corner")
    assert "name of its own" in step.sem.status.text()
    assert column(step, NAME)[0] == "A"
    table.item(0, X).setText("left")
    assert "“left” is no reading" in step.sem.status.text()
    assert float(column(step, X)[0]) == pytest.approx(READINGS[0, 0], abs=1e-4)
    table.item(0, X).setText("")
    assert step.sem.fit_line.text().startswith("Similarity of 3 points")
    table.selectRow(1)
    step.sem.remove_button.click()
    assert column(step, NAME) == ["A", "C", "D"]
    assert step.sem.fit is None
    # A new point takes a free name and no readings, whatever point is selected.
    layer.selected_data = {2}
    layer.add((30, 30))
    assert column(step, NAME) == ["A", "C", "D", "B"]
    assert column(step, X)[3] == ""


def test_points_whose_layer_is_deleted_come_back_with_their_readings(step: HandOverStep) -> None:
    click(step)
    type_in(step)
    assert step.sem.back_button.isHidden()
    step.viewer.layers.remove(sem_points_of(step.viewer).layer("scan-a"))
    assert column(step, NAME) == []
    assert not step.sem.back_button.isHidden()
    assert step.sem.back_button.text() == "Bring 4 deleted points back"
    step.sem.back_button.click()
    assert step.sem.fit_line.text() == "Similarity of 4 points, mirrored: RMS 0.0 µm."
    assert step.sem.back_button.isHidden()
    # The layer is followed again.
    step.sem.table.item(0, X).setText("")
    assert step.sem.fit_line.text().startswith("Similarity of 3 points")
    # New points in place of deleted ones: nothing to bring back.
    step.viewer.layers.remove(sem_points_of(step.viewer).layer("scan-a"))
    click(step)
    assert step.sem.back_button.isHidden()


def test_the_list_is_written_in_mm_and_its_verdicts_come_back(
    step: HandOverStep, scanned: ViewerModel, make_dock: MakeDock, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    step.folder.setText(str(out))
    assert not step.export_button.isEnabled()
    assert "three points with their readings" in step.status.text()
    click(step)
    type_in(step)
    step.export_button.click()
    assert "No grain is accepted yet" in step.status.text()
    assert not out.exists()
    table = make_dock(GrainTable, scanned)
    table.list_grains()
    ids = table.model.shown_table()["id"].tolist()
    board = board_of(scanned)
    board.decide(ids[1:3], status="accept")
    board.decide(ids[:1], status="reject")
    step.export_button.click()
    assert step.status.text().startswith("Wrote sem_list.csv, sem_list_fiducials.csv to")
    assert not step.open_button.isHidden()
    written = pd.read_csv(out / "sem_list.csv")
    assert sorted(written["id"]) == sorted(ids[1:3])
    rows = board.listing.table.set_index("id").loc[written["id"]]
    places = rows[["centroid_x_px", "centroid_y_px"]].to_numpy()
    assert np.allclose(
        written[["x_mm", "y_mm"]], places @ STAGE[:, :2].T + STAGE[:, 2], rtol=0, atol=0.05
    )
    assert [one.name for one in read_fiducials(out / "sem_list_fiducials.csv")] == list("ABCD")
    step.export_button.click()
    assert "exists already" in step.status.text()

    written = written.astype({"verdict": object, "comment": object})
    written.loc[0, ["verdict", "comment"]] = ["SEM-true", "electrum"]
    written.to_csv(tmp_path / "back.csv", index=False)
    step.sem.load_verdicts(tmp_path / "back.csv")
    expected = "1 grain taken over: 1 SEM-true. 1 row held no verdict."
    assert step.sem.status.text() == expected
    first, second = (int(one) for one in written["id"])
    assert board.verdicts()[first] == ("SEM-true", "electrum")
    assert board.verdicts()[second][0] == "accept"
    board.undo()
    assert board.verdicts()[first][0] == "accept"
    # The same from the list of grains.
    table.files.open_verdicts(tmp_path / "back.csv")
    assert board.verdicts()[first] == ("SEM-true", "electrum")
    assert board.verdicts()[second][0] == "accept"


def test_other_files_hold_the_places_on_the_sem_too(step: HandOverStep, tmp_path: Path) -> None:
    click(step)
    type_in(step)
    step.choose_preset(MORE)
    for choice, box in step.boxes.items():
        box.setChecked(choice == ("grains", "csv"))
    step.folder.setText(str(tmp_path / "more"))
    step.export_button.click()
    assert pd.read_csv(tmp_path / "more" / "grains.csv")["sem_x_mm"].notna().all()
    step.choose_preset(GIS)
    assert step.sem.isHidden()


def test_the_project_keeps_the_fiducials(step: HandOverStep, scanned: ViewerModel) -> None:
    (keeper,) = projects_of(scanned).keepers.values()
    assert keeper.save_now()
    click(step)
    type_in(step)
    step.sem.model.setCurrentIndex(1)
    assert keeper.has_changes
    assert keeper.save_now()
    kept = fiducials_of(read_project(keeper.folder))
    assert kept.model == "affine"
    assert [one.name for one in kept.points] == list("ABCD")
    assert np.allclose([(one.x_px, one.y_px) for one in kept.points], MARKS)
    readings = [(one.sem_x_mm, one.sem_y_mm) for one in kept.points]
    assert np.allclose(readings, READINGS, atol=1e-4)
    scanned.layers.remove(first_layer(scanned, "fiducials"))
    assert keeper.save_now()
    assert fiducials_of(read_project(keeper.folder)).points == ()
    projects_of(scanned).close()


@pytest.mark.gui
def test_real_clicks_and_keys_in_a_real_window(make_napari_viewer: Any, section: Any) -> None:
    """Points by the mouse on the canvas, readings by the keyboard; no key reaches napari."""
    viewer = make_napari_viewer(show=True)
    for data in element_layers(section.cube, scan="section", scan_id="scan-a"):
        add(viewer, data)
    run = run_detection(section.cube, "rx", make_config("rx"))
    scan = find_scan(viewer, "scan-a")
    ready = ReadyRun.of(run, judge_score(run.result.score, 3.0, 1, None))
    show_result(viewer, session_of(viewer), scan, run, ready)
    step = open_step(viewer, HAND_OVER).step(HAND_OVER)
    step.choose_preset(SEM)
    QTest.mouseClick(step.sem.add_button, Qt.MouseButton.LeftButton)
    canvas = viewer.window._qt_viewer.canvas.native
    layer = sem_points_of(viewer).layer("scan-a")
    for x, y in MARKS[:3]:
        QTest.qWait(50)
        at = np.array(layer.data_to_world((y, x))) - viewer.camera.center[-2:]
        height, width = canvas.height() / 2, canvas.width() / 2
        place = QPoint(
            round(width + at[1] * viewer.camera.zoom), round(height + at[0] * viewer.camera.zoom)
        )
        QTest.mouseMove(canvas, place)
        QTest.qWait(50)
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.qWait(100)
    assert list(layer.features["name"]) == ["A", "B", "C"]
    assert np.abs(layer.data[:, ::-1] - MARKS[:3]).max() < 1
    QTest.mouseClick(step.sem.add_button, Qt.MouseButton.LeftButton)
    assert str(layer.mode) == "pan_zoom"
    table = step.sem.table
    for row, reading in enumerate(READINGS[:3]):
        for which, value in zip((X, Y), reading, strict=True):
            table.setFocus()
            table.setCurrentCell(row, which)
            digits = f"{value:.3f}"
            QTest.keyClick(table, digits[0])
            QTest.qWait(20)  # the editor of the cell before goes
            [editor] = table.findChildren(QLineEdit)
            QTest.keyClicks(editor, digits[1:])
            QTest.keyClick(editor, Qt.Key.Key_Return)
            QTest.qWait(20)
    assert str(layer.mode) == "pan_zoom"
    assert step.sem.fit is not None
    assert step.sem.fit.rms_um < 20  # a click is exact to a pixel of the screen
    assert step.sem.fit.is_mirrored
    projects_of(viewer).close()
