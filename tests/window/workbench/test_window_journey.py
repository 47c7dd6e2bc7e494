"""The whole way of a geologist through a real napari window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from qtpy.QtWidgets import QDockWidget, QLabel, QTabBar

from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.evaluation.metrics import auc_and_ap
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.project.new import make_project
from napari_mineral_anomaly.runs.folder import write_run
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.exporting.presets import MORE
from napari_mineral_anomaly.window.kit.opening import (
    LAB,
    PLUGIN,
    TRUTH,
    WORKBENCH,
    open_dock,
    open_step,
)
from napari_mineral_anomaly.window.layers.links import link_of, linked_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.plugin.open_project import main
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, OPEN

pytestmark = pytest.mark.gui

LONG = 120_000


def step(viewer: Any, name: str) -> Any:
    return open_step(viewer, name).step(name)


def layer(viewer: Any, role: str, **entries: Any) -> Any:
    return next(found for found, _ in linked_layers(viewer, role=role, **entries))


def micrometres(viewer: Any) -> list[str]:
    return [str(unit) for unit in viewer.layers.extent.units]


@pytest.fixture
def untagged_folder(section: SimulatedSection, tmp_path: Path) -> Path:
    """Maps without a pixel size, as many instruments write them."""
    folder = tmp_path / "untagged"
    folder.mkdir()
    for index, element in enumerate(section.cube.elements):
        tifffile.imwrite(folder / f"thin_{element}.tif", section.cube.plane(index))
    return folder


def test_from_a_folder_to_exported_files_and_back(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    untagged_folder: Path,
    section: SimulatedSection,
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer()

    # Load: the report first, then the pixel size, then the layers.
    load = step(viewer, OPEN)
    load.load([untagged_folder])
    qtbot.waitUntil(lambda: load.found.add_button.isEnabled(), timeout=LONG)
    assert len(viewer.layers) == 0
    elements = {row.file: row.element for row in load.found.files.rows}
    assert elements["thin_Au.tif"] == "Au"
    load.found.size.x.setValue(20.0)
    load.found.add_button.click()
    qtbot.waitUntil(lambda: len(viewer.layers) == section.cube.n_elements, timeout=LONG)
    assert micrometres(viewer) == ["micrometer", "micrometer"]

    # A network run that is given up leaves nothing behind.
    detect = step(viewer, FIND)
    detect.choose_detector("msfa")
    detect.form.set_value("epochs", 50_000)
    qtbot.waitUntil(detect.run_button.isEnabled, timeout=LONG)
    detect.run_button.click()
    qtbot.waitUntil(lambda: detect.loss_plot.n_points > 0, timeout=LONG)
    assert "epoch" in detect.status.text()
    detect.cancel_button.click()
    assert detect.run_button.isEnabled()
    assert not list(linked_layers(viewer, role="score"))

    # RX and a short network run finish.
    detect.choose_detector("rx")
    detect.run_button.click()
    qtbot.waitUntil(lambda: bool(list(linked_layers(viewer, role="mask"))), timeout=LONG)
    cube = read_maps(untagged_folder, pixel_size=20.0)
    rx = run_detection(cube, "rx", make_config("rx")).result
    score = layer(viewer, "score", detector="rx")
    assert np.array_equal(score.data, rx.score, equal_nan=True)
    detect.choose_detector("msfa")
    detect.form.set_value("epochs", 2)
    detect.run_button.click()
    qtbot.waitUntil(
        lambda: bool(list(linked_layers(viewer, role="mask", detector="msfa"))), timeout=LONG
    )
    assert np.isfinite(layer(viewer, "score", detector="msfa").data).all()

    # Drag the threshold of the RX score.
    threshold = step(viewer, DECIDE).threshold
    threshold.score_combo.choose(score)
    qtbot.waitUntil(lambda: "pixels" in threshold.expected.text(), timeout=LONG)
    mask = layer(viewer, "mask", detector="rx")
    threshold.plot.line.setValue(3.25)
    qtbot.waitUntil(lambda: np.array_equal(mask.data != 0, score.data >= 3.25), timeout=LONG)

    # Brush the truth, stroke by stroke as the mouse does.
    truth_dock = open_dock(viewer, TRUTH)
    truth_dock.score_combo.choose(score)
    truth_dock.make_button.click()
    truth = layer(viewer, "truth")
    truth.brush_size = 1
    for y, x in np.argwhere(section.truth):
        truth.paint((y, x), 1)
    auc, average_precision = auc_and_ap(score.data, section.truth)
    qtbot.waitUntil(lambda: truth_dock.auc.text() == f"{auc:.4f}", timeout=LONG)
    assert truth_dock.average_precision.text() == f"{average_precision:.4f}"

    # Export, and open what was written with tifffile and with napari.
    export = step(viewer, HAND_OVER)
    export.score_combo.choose(score)
    export.choose_preset(MORE)
    out = tmp_path / "out"
    export.folder.setText(str(out))
    export.export_button.click()
    qtbot.waitUntil(lambda: export.status.text().startswith("Wrote"), timeout=LONG)
    with tifffile.TiffFile(out / "anomaly_score.ome.tif") as tif:
        assert np.array_equal(tif.asarray(), score.data, equal_nan=True)
        assert 'PhysicalSizeX="20.0"' in tif.ome_metadata
    with tifffile.TiffFile(out / "anomaly_mask.tif") as tif:
        assert np.array_equal(tif.asarray(), np.where(mask.data != 0, 255, 0))
        assert tif.imagej_metadata["unit"] == "um"
        assert tif.pages[0].tags["XResolution"].value == (1, 20)
    assert np.array_equal(tifffile.imread(out / "truth.tif"), section.truth)
    assert len(pd.read_csv(out / "grains.csv")) > 0

    viewer.layers.clear()
    assert session_of(viewer).run_of(link_of(score)) is None
    for name in ("anomaly_score.ome.tif", "anomaly_mask.tif", "pseudo_labels.tif", "truth.tif"):
        viewer.open(out / name, plugin=PLUGIN)
    assert [link_of(one).role for one in viewer.layers] == [
        "score",
        "mask",
        "pseudo_labels",
        "truth",
    ]
    assert np.array_equal(viewer.layers[0].data, rx.score, equal_nan=True)
    assert {tuple(one.scale) for one in viewer.layers} == {(20.0, 20.0)}
    assert micrometres(viewer) == ["micrometer", "micrometer"]


def test_menus_samples_files_and_layer_saving_of_napari_work(
    make_napari_viewer: Callable[..., Any], qtbot: Any, scan_folder: Path, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample(PLUGIN, "easy")
    qtbot.waitUntil(lambda: len(viewer.layers) == 21, timeout=LONG)
    assert [link_of(one).role for one in viewer.layers].count("truth") == 1
    assert micrometres(viewer) == ["micrometer", "micrometer"]
    viewer.layers.clear()
    viewer.open(scan_folder, plugin=PLUGIN)
    assert {link_of(one).role for one in viewer.layers} == {"element"}
    saved = viewer.layers["Fe · scan"].save(str(tmp_path / "Fe.tif"), plugin=PLUGIN)
    assert saved == [str(tmp_path / "Fe.tif")]
    assert read_maps(tmp_path / "Fe.tif").pixel_size == (20.0, 20.0)


def test_docks_open_as_tabs_of_one_place_and_let_go_when_closed(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    names = [WORKBENCH, *LAB[1:]]  # the spectra lie below the map
    docks = {name: viewer.window.add_plugin_dock_widget(PLUGIN, name)[0] for name in names}
    first = docks[WORKBENCH]
    n = len(names) - 1
    qtbot.waitUntil(lambda: len(window.tabifiedDockWidgets(first)) == n, timeout=LONG)
    for name in names:  # never twice
        assert viewer.window.add_plugin_dock_widget(PLUGIN, name)[0] is docks[name]
    bar = next(bar for bar in window.findChildren(QTabBar) if bar.parent() is window)
    names = [bar.tabText(number) for number in range(bar.count())]
    assert set(names) <= set(docks)
    for dock in docks.values():  # nor a title with the name of the package behind it
        titles = [label.text() for label in dock.titleBarWidget().findChildren(QLabel)]
        assert not any(PLUGIN in title for title in titles)
    for number, name in enumerate(names):  # none cut to a letter or two
        assert bar.tabRect(number).width() > bar.fontMetrics().horizontalAdvance(name)
    detect = docks[LAB[2]]
    widget = detect.widget()
    assert widget._connections
    viewer.window.remove_dock_widget(detect)
    assert widget._connections == []
    assert isinstance(first, QDockWidget)


def test_a_finished_run_opens_with_its_numbers_its_model_and_its_docks(
    make_napari_viewer: Callable[..., Any], qtbot: Any, scan_folder: Path, tmp_path: Path
) -> None:
    cube = read_maps(scan_folder)
    run = run_detection(cube, "rx", make_config("rx"))
    make_project(write_run(tmp_path / "run", cube, run), [scan_folder])
    viewer = make_napari_viewer()
    viewer.open(tmp_path / "run", plugin=PLUGIN)  # as File > Open Folder and a drop do
    projects = projects_of(viewer)
    qtbot.waitUntil(lambda: bool(projects.keepers), timeout=LONG)
    score = layer(viewer, "score")
    assert np.array_equal(score.data, run.result.score, equal_nan=True)
    assert np.array_equal(layer(viewer, "mask").data != 0, run.result.mask)
    kept = session_of(viewer).run_of(link_of(score))
    assert np.array_equal(
        kept.result.contributions, np.asarray(run.result.contributions), equal_nan=True
    )
    assert kept.result.elements == cube.elements
    assert micrometres(viewer) == ["micrometer", "micrometer"]
    assert any(name.startswith(WORKBENCH) for name in viewer.window.dock_widgets)
    assert len(list(linked_layers(viewer, role="element"))) == cube.n_elements


def test_opening_without_a_project_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "PROJECT [MAPS_FOLDER]" in capsys.readouterr().err
