"""The parts of the step *Look*: scatter with its lasso, profile, images and their registration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_mineral_anomaly.io.reading.companions import context_image
from napari_mineral_anomaly.project.format import Look
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import first_layer, link_of, linked_layers
from napari_mineral_anomaly.window.layers.make import add, context_layer, element_layers, spatial_of
from napari_mineral_anomaly.window.looking.readout import Reading
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import FIND, LOOK
from napari_mineral_anomaly.window.workbench.steps.look_step import LookStep

LONG = 60_000
MakeDock = Callable[..., Any]


@pytest.fixture
def look(scanned: ViewerModel, make_dock: MakeDock) -> LookStep:
    step = make_dock(LookStep, scanned)
    step.entered()
    return step


def plane(cube: ElementCube, element: str) -> np.ndarray:
    return np.asarray(cube.plane(cube.elements.index(element)))


def test_the_first_click_after_the_offered_colours_shows_one_element(look: LookStep) -> None:
    assert len(look.chips.chosen) == 3
    look.chips.choose("Au")
    assert look.chips.chosen == ("Au",)
    assert look.ways[1].isChecked()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (2308.5, 48.0, "2,308 ± 48"),
        (25.576, 5.06, "26 ± 5"),
        (0.0, 0.0, "0 ± 0"),
        (-26.183, None, "-26.183"),
        (12.3456, None, "12.346"),
    ],
)
def test_a_number_has_the_digits_that_its_error_leaves(
    value: float, error: float | None, text: str
) -> None:
    assert Reading("P", value, error, None).number == text


# Scatter


def test_a_lasso_selects_on_the_map_and_a_brush_shows_in_the_plot(
    look: LookStep, scanned: ViewerModel, cube: ElementCube
) -> None:
    look.folds["Scatter"].open()
    look.choose_way(2)
    look.chips.set_chosen(())
    look.chips.choose("Fe")
    look.chips.choose("Ca")
    scatter = look.scatter.scatter
    assert scatter is not None
    iron, calcium = plane(cube, "Fe"), plane(cube, "Ca")
    edge = float(np.sqrt(np.percentile(iron, 90)))
    top = float(np.sqrt(calcium.max())) + 1
    look.scatter.select([(edge, -1.0), (1e3, -1.0), (1e3, top), (edge, top)])
    layer = first_layer(scanned, "selection")
    assert layer is not None
    selected = np.asarray(layer.data) != 0
    assert np.array_equal(selected, np.sqrt(iron.astype(np.float32)) > edge)
    assert tuple(layer.scale) == cube.pixel_size
    look.scatter._mark()
    assert look.scatter.status.text().startswith(f"{np.count_nonzero(selected):,} pixels selected")

    look.scatter.plot._lasso.setData([0.0, 1.0], [0.0, 1.0])
    look.scatter.clear_button.click()
    assert look.scatter.plot._lasso.xData is None or not len(look.scatter.plot._lasso.xData)
    layer.data_setitem((np.array([10, 10]), np.array([20, 21])), 1)
    look.scatter._mark()
    shown = look.scatter.plot._selected.image
    counts = np.zeros_like(scatter.density)
    for column in (20, 21):
        x, y = np.sqrt(float(iron[10, column])), np.sqrt(float(calcium[10, column]))
        place = [
            min(63, int(64 * (min(value, high) - low) / (high - low)))
            for value, (low, high) in ((x, scatter.x_range), (y, scatter.y_range))
        ]
        counts[tuple(place)] += 1
    assert np.array_equal(shown, np.log1p(counts).astype(np.float32))


@pytest.mark.gui
def test_the_mouse_draws_a_lasso_in_a_real_window(
    make_napari_viewer: Callable[..., Any], cube: ElementCube, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    for data in element_layers(cube, scan="section", scan_id="a"):
        add(viewer, data)
    look = open_step(viewer, LOOK).step(LOOK)
    qtbot.waitUntil(lambda: bool(look.chips.chosen), timeout=LONG)
    look.choose_way(2)
    look.folds["Scatter"].open()
    plot = look.scatter.plot
    qtbot.waitUntil(lambda: look.scatter.scatter is not None and plot.isVisible(), timeout=LONG)
    qtbot.wait(200)
    view = plot._bare
    box = view.plotItem.getViewBox()
    frame = view.mapFromScene(box.mapRectToScene(box.boundingRect())).boundingRect()
    corners = [frame.topLeft(), frame.topRight(), frame.bottomRight(), frame.bottomLeft()]
    middle = frame.center()
    inner = [
        QPoint((7 * corner.x() + middle.x()) // 8, (7 * corner.y() + middle.y()) // 8)
        for corner in corners
    ]
    port = view.viewport()
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=inner[0])
    for place in (*inner[1:], inner[0]):
        QTest.mouseMove(port, place)
        qtbot.wait(60)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=inner[0])
    qtbot.waitUntil(lambda: first_layer(viewer, "selection") is not None, timeout=LONG)
    selected = np.count_nonzero(first_layer(viewer, "selection").data)
    assert 0 < selected < cube.valid.size


# Profile


def test_a_drawn_line_becomes_a_table_and_a_file(
    look: LookStep, scanned: ViewerModel, cube: ElementCube, tmp_path: Path, qtbot: Any
) -> None:
    look.folds["Profile"].open()
    look.profile.draw_button.click()
    line = first_layer(scanned, "profile")
    assert line is not None
    assert line.mode == "add_line"
    line.add([[12.0, 5.0], [12.0, 25.0]], shape_type="line")
    qtbot.waitUntil(lambda: look.profile.profile is not None, timeout=5000)
    table = look.profile.profile
    assert table["Fe"].tolist() == plane(cube, "Fe")[12, 5:26].tolist()
    assert table["distance_um"].iloc[-1] == 20 * cube.pixel_size[1]
    line.add([[3.0, 5.0], [9.0, 5.0]], shape_type="line")
    qtbot.waitUntil(lambda: len(look.profile.profile) == 7, timeout=5000)
    look.profile.width.setValue(3)
    look.profile.save(tmp_path / "profile.csv")
    saved = pd.read_csv(tmp_path / "profile.csv")
    mean = plane(cube, "Si")[3:10, 4:7].mean(axis=1)
    assert saved["Si"].to_numpy() == pytest.approx(mean)
    assert saved["Si_sigma"].to_numpy() == pytest.approx(np.sqrt(mean / 3))
    assert not look.profile.plot.isHidden()
    look.state.scan_id = None
    assert look.profile.profile is None


# Images


@pytest.fixture
def picture(cube: ElementCube, tmp_path: Path) -> Path:
    """An electron image on a grid of its own: each pixel of the maps is 3 x 3 there."""
    path = tmp_path / "electrons.tif"
    tifffile.imwrite(path, np.kron(plane(cube, "Fe"), np.ones((3, 3), np.uint16)))
    return path


def mark(look: LookStep, viewer: ViewerModel, *places: tuple[float, float]) -> None:
    """Click places on the image and the same places on the map."""
    marking = look.images.marking
    points = []
    for row, column in places:
        world = marking.image.data_to_world((3 * row + 1, 3 * column + 1))
        points += [marking.points.world_to_data(world), (row, column)]
    marking.points.data = np.array(points)


def test_three_pairs_lay_an_image_of_another_grid_onto_the_map(
    look: LookStep, scanned: ViewerModel, picture: Path, cube: ElementCube
) -> None:
    look.images.open_image(picture)
    assert look.images.marking is not None
    image = look.images.marking.image
    left = np.asarray(image.data_to_world((0, 0)))[-1]
    assert left > cube.shape[1] * cube.pixel_size[1], "it lies beside the map"
    mark(look, scanned, (5, 5), (60, 10))
    assert "2 pairs of at least 3" in look.images.status.text()
    assert not look.images.lay_button.isEnabled()
    mark(look, scanned, (5, 5), (60, 10), (20, 90), (50, 70))
    assert "root mean square 0.0 µm" in look.images.status.text()
    look.images.lay_button.click()
    y, x = cube.pixel_size
    assert np.asarray(image.data_to_world((3 * 33 + 1, 3 * 44 + 1)))[-2:] == pytest.approx(
        (33 * y, 44 * x)
    )
    assert look.images.marking is None
    assert all(layer.name != "registration points" for layer in scanned.layers)
    slider = look.images.sliders[str(image.unique_id)]
    assert slider.value() == 50
    assert image.opacity == 0.5
    layers = scanned.layers
    highest = max(layers.index(one) for one, _ in linked_layers(scanned, role="element"))
    assert layers.index(image) > highest
    slider.setValue(80)
    assert image.opacity == 0.8
    slider.setValue(0)
    assert not image.visible


def test_residuals_are_those_of_a_known_error_in_micrometres(
    look: LookStep, scanned: ViewerModel, picture: Path
) -> None:
    """One corner of a square that is off by d leaves d / 4 at each, by the symmetry of the fit."""
    look.images.open_image(picture)
    mark(look, scanned, (10, 10), (10, 50), (50, 50), (50, 10))
    assert "Residuals 1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0 µm" in look.images.status.text()
    points = look.images.marking.points
    moved = points.data.copy()
    moved[5] += (2, 0)  # on the map, two pixels of 20 µm
    points.data = moved
    assert "Residuals 1: 10.0, 2: 10.0, 3: 10.0, 4: 10.0 µm" in look.images.status.text()
    assert "root mean square 10.0 µm" in look.images.status.text()


def test_points_have_the_number_of_their_pair_and_can_be_undone(
    look: LookStep, scanned: ViewerModel, picture: Path
) -> None:
    look.images.open_image(picture)
    assert not look.images.undo_button.isEnabled()
    marking = look.images.marking
    mark(look, scanned, (5, 5), (60, 10))
    assert list(marking.points.features["pair"]) == ["1", "1", "2", "2"]
    marking.points.add((20, 90))
    assert list(marking.points.features["pair"])[-1] == "3"
    assert "Now click place 3 on the image" in look.images.status.text()
    look.images.undo_button.click()
    assert len(marking.points.data) == 4
    # Beside both: it says so, and moves no other point to another pair.
    marking.points.add((-30, 20))
    assert list(marking.points.features["pair"]) == ["1", "1", "2", "2", "?"]
    assert "1 point lies neither on the image nor on the map" in look.images.status.text()
    assert [len(side) for side in marking.pairs()] == [2, 2]


def test_points_on_a_line_cannot_be_used(
    look: LookStep, scanned: ViewerModel, picture: Path
) -> None:
    look.images.open_image(picture)
    mark(look, scanned, (5, 5), (5, 40), (5, 90))
    assert "lie on one line" in look.images.status.text()
    assert not look.images.lay_button.isEnabled()


def test_an_image_that_was_laid_can_be_corrected_or_left_as_it_was(
    look: LookStep, scanned: ViewerModel, picture: Path
) -> None:
    look.images.open_image(picture)
    mark(look, scanned, (5, 5), (60, 10), (20, 90))
    look.images.lay_button.click()
    assert "only a fourth shows how well" in look.images.status.text()
    [(image, link)] = linked_layers(scanned, role="context")
    affine, pairs = np.asarray(image.affine.affine_matrix), link.pairs
    [button] = look.images._corrections.values()
    assert not button.isHidden()
    button.click()
    marking = look.images.marking
    assert list(marking.points.features["pair"]) == ["1", "1", "2", "2", "3", "3"]
    assert np.hstack(marking.pairs()) == pytest.approx(np.array(pairs))
    assert button.isHidden()
    look.images.give_up_button.click()
    assert np.asarray(image.affine.affine_matrix) == pytest.approx(affine)
    assert image.opacity == 0.5
    assert look.images.sliders[str(image.unique_id)].value() == 50
    button.click()
    mark(look, scanned, (5, 5), (60, 10), (20, 90), (50, 60))
    look.images.lay_button.click()
    [(image, link)] = linked_layers(scanned, role="context")
    assert len(link.pairs) == 4
    assert np.asarray(image.affine.affine_matrix) == pytest.approx(affine)


@pytest.mark.parametrize("removed", ["image", "points"])
def test_layers_that_are_removed_while_points_are_marked_end_the_marking(
    look: LookStep, scanned: ViewerModel, picture: Path, removed: str
) -> None:
    before = list(scanned.layers)
    look.images.open_image(picture)
    mark(look, scanned, (5, 5), (60, 10), (20, 90))
    scanned.layers.remove(getattr(look.images.marking, removed))
    assert look.images.marking is None
    assert "removed" in look.images.status.text()
    assert list(scanned.layers) == before
    assert not look.images.add_button.isHidden()


def test_leaving_the_step_puts_its_tools_away(
    make_napari_viewer: Any, cube: ElementCube, picture: Path, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    for data in element_layers(cube, scan="section", scan_id="scan-a"):
        add(viewer, data)
    look = open_step(viewer, LOOK).step(LOOK)
    look.images.open_image(picture)
    qtbot.waitUntil(lambda: look.images.marking is not None, timeout=LONG)
    points = look.images.marking.points
    assert str(points.mode) == "add"
    open_step(viewer, FIND).step(FIND)
    assert str(points.mode) == "pan_zoom"
    open_step(viewer, LOOK).step(LOOK)
    assert str(points.mode) == "add"
    look.images.give_up()
    look.profile.draw()
    line = viewer.layers.selection.active
    assert str(line.mode) == "add_line"
    open_step(viewer, FIND).step(FIND)
    assert str(line.mode) == "pan_zoom"
    # A tool that the user took on a layer of his own stays.
    own = viewer.add_points()
    own.mode = "add"
    open_step(viewer, LOOK).step(LOOK)
    assert str(own.mode) == "add"


def test_an_image_that_is_given_up_leaves_nothing(
    look: LookStep, scanned: ViewerModel, picture: Path, tmp_path: Path
) -> None:
    before = [layer.name for layer in scanned.layers]
    look.images.open_image(picture)
    look.images.give_up_button.click()
    assert [layer.name for layer in scanned.layers] == before
    look.images.open_image(tmp_path / "nothing.tif")
    assert "does not exist" in look.images.status.text()


def test_the_project_keeps_the_pairs_and_shows_the_image_again(
    run_rx: Any,
    scanned: ViewerModel,
    make_dock: MakeDock,
    picture: Path,
    tmp_path: Path,
    qtbot: Any,
) -> None:
    look = make_dock(LookStep, scanned)
    look.entered()
    (tmp_path / "carried").mkdir()
    carried = tmp_path / "carried" / picture.name
    picture.rename(carried)
    look.images.open_image(carried)
    mark(look, scanned, (5, 5), (60, 10), (20, 90))
    look.images.lay()
    projects = projects_of(scanned)
    qtbot.waitUntil(lambda: bool(projects.keepers), timeout=LONG)
    [keeper] = projects.keepers.values()
    assert keeper.save_now()
    file = load_project(keeper.folder).file
    [kept] = [one for one in file.layers if one.pairs is not None]
    assert isinstance(kept, Look)
    assert kept.pairs[1] == pytest.approx((181, 31, 60, 10))
    scan_id = keeper.scan_id
    folder = keeper.folder
    [(image, _)] = linked_layers(scanned, role="context")
    affine = np.asarray(image.affine.affine_matrix)
    project = tmp_path / "carried" / "project"
    projects.save_as(scan_id, project)
    qtbot.waitUntil(lambda: projects.keepers[scan_id].folder == project, timeout=LONG)
    projects.close()

    # Project and image move together; the old places are gone.
    home = tmp_path / "moved"
    (tmp_path / "carried").rename(home)
    folder = home / "project"
    other = ViewerModel()
    again = projects_of(other)
    again.open(folder)
    qtbot.waitUntil(lambda: bool(again.keepers), timeout=LONG)
    [(found, link)] = linked_layers(other, role="context")
    assert link.scan_id != scan_id
    assert np.asarray(found.affine.affine_matrix) == pytest.approx(affine)
    assert found.opacity == 0.5
    again.close()


def test_images_of_the_same_grid_have_a_slider_too(
    scanned: ViewerModel, make_dock: MakeDock, cube: ElementCube, tmp_path: Path
) -> None:
    path = tmp_path / "BSE.tif"
    tifffile.imwrite(path, plane(cube, "Si"))
    element = scanned.layers["Si · section"]
    scan_id = link_of(element).scan_id
    data = context_layer(
        context_image(path), scan="section", scan_id=scan_id, spatial=spatial_of(element)
    )
    scanned.layers.insert(0, add(ViewerModel(), data))
    look = make_dock(LookStep, scanned)
    [slider] = look.images.sliders.values()
    assert slider.value() == 0, "it is hidden at first"
    slider.setValue(40)
    image = scanned.layers["BSE · section"]
    assert (image.visible, image.opacity) == (True, 0.4)
