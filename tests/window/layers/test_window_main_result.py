"""The result that the user chose is handed over, also after the window was closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_mineral_anomaly.cli.app import main
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.window.exporting.presets import REPORT
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.plugin.reader import read_as_layers
from napari_mineral_anomaly.window.project.projects import Projects, projects_of
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep

LONG = 20_000


@pytest.fixture
def projects(
    viewer: ViewerModel, scan_folder: Path, make_dock: Callable[..., Any]
) -> Iterator[Projects]:
    """A section that was searched by RX, then by PCA."""
    for data in read_as_layers(str(scan_folder)):
        viewer.add_layer(Layer.create(*data))
    ours = projects_of(viewer)
    find = make_dock(FindStep, viewer)
    for detector in ("rx", "pca"):
        find.choose_detector(detector)
        find.run()
    yield ours
    ours.close()


def test_the_report_is_that_of_the_chosen_result(
    viewer: ViewerModel, projects: Projects, make_dock: Callable[..., Any], tmp_path: Path
) -> None:
    step = make_dock(HandOverStep, viewer)
    step.choose_preset(REPORT)
    pages = {}
    for detector in ("pca", "rx"):
        state_of(viewer).score_id = str(first_layer(viewer, "score", detector=detector).unique_id)
        step.folder.setText(str(tmp_path / detector))
        step.export_button.click()
        assert step.status.text().startswith("Wrote"), step.status.text()
        pages[detector] = (tmp_path / detector / "client_report.html").read_text("utf-8")
    assert "detector pca" in pages["pca"]
    assert "detector rx" in pages["rx"]


def test_the_choice_is_kept_and_the_command_line_follows_it(
    viewer: ViewerModel, projects: Projects, qtbot: Any, tmp_path: Path, capsys: Any
) -> None:
    (keeper,) = projects.keepers.values()
    assert keeper.save_now()
    assert read_project(keeper.folder).main == "pca", "the newest one is chosen by itself"
    state_of(viewer).score_id = str(first_layer(viewer, "score", detector="rx").unique_id)
    assert keeper.has_unsaved_work, "the choice is saved like every change"
    assert keeper.save_now()
    assert read_project(keeper.folder).main == "rx"
    projects.save_as(keeper.scan_id, tmp_path / "project")
    qtbot.waitUntil(
        lambda: keeper.folder == tmp_path / "project" and not keeper.has_unsaved_work, timeout=LONG
    )
    projects.close()

    again = ViewerModel()
    reopened = projects_of(again)
    reopened.open(tmp_path / "project")
    qtbot.waitUntil(lambda: bool(reopened.keepers), timeout=LONG)
    chosen = first_layer(again, "score", detector="rx")
    assert state_of(again).score_id == str(chosen.unique_id)
    (kept,) = reopened.keepers.values()
    assert not kept.has_unsaved_work
    reopened.close()

    for argument, expected in (((), "rx"), (("--detector", "pca"), "pca")):
        page = tmp_path / f"{expected}.html"
        assert main(["report", str(tmp_path / "project"), "-o", str(page), *argument]) == 0
        assert f"detector {expected}" in page.read_text("utf-8")
    assert main(["report", str(tmp_path / "project"), "--detector", "knn"]) == 2
    assert "holds no result of 'knn'; it holds: rx, pca" in capsys.readouterr().err
