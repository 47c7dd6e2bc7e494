"""A dock opens once, whichever of napari's ways opens it, and the menus name it plainly."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name
from qtpy.QtGui import QAction

from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.opening import LAB, PLUGIN, TRUTH, WORKBENCH, open_dock
from napari_mineral_anomaly.window.state.model import STEPS
from napari_mineral_anomaly.window.workbench.steps.all_steps import STEP_CLASSES

LONG = 20_000


def test_what_the_command_palette_offers_needs_no_arguments() -> None:
    manifest = PluginManifest.from_distribution(PLUGIN)
    contributions = manifest.contributions
    widgets = {one.command for one in contributions.widgets}
    samples = {one.command for one in contributions.sample_data}
    offered = [
        command
        for command in contributions.commands
        if command.id not in widgets | samples and command.enablement != "False"
    ]
    assert len(offered) == len(STEPS)
    for command in offered:
        parameters = signature(import_python_name(command.python_name)).parameters.values()
        assert all(one.default is not one.empty for one in parameters), command.title


def entries(viewer: Any) -> dict[str, QAction]:
    """What *Plugins > Mineral anomaly* lists."""
    menus = viewer.window._qt_window.menuBar().actions()
    plugins = next(one.menu() for one in menus if one.text().replace("&", "") == "Plugins")
    plugins.aboutToShow.emit()
    ours = next(one.menu() for one in plugins.actions() if one.text() == "Mineral anomaly")
    return {one.text(): one for one in ours.actions()}


def opened(viewer: Any, dock: str) -> list[Dock]:
    kind = type(open_dock(viewer, dock))
    return [one for one in viewer.window._qt_window.findChildren(kind) if one.isVisible()]


def test_the_pages_name_docks_and_steps_that_there_are() -> None:
    """“the dock *Lab: batch*”, “the step *Open*”: names as the window shows them."""
    titles = {one.TITLE for one in STEP_CLASSES.values()}
    named = []
    for page in sorted((Path(__file__).parents[3] / "docs").glob("*.md")):
        text = re.sub(r"\s+", " ", page.read_text("utf-8"))
        named += [("dock", name) for name in re.findall(r"\bdock \*([^*]+)\*", text)]
        named += [("step", name) for name in re.findall(r"\bstep \*([^*]+)\*", text)]
    assert len(named) > 8
    known = {"dock": {WORKBENCH, *LAB}, "step": titles}
    assert [one for one in named if one[1] not in known[one[0]]] == []


@pytest.mark.gui
def test_the_menu_names_the_workbench_and_the_lab_without_brackets(
    make_napari_viewer: Callable[..., Any],
) -> None:
    assert set(entries(make_napari_viewer())) == {WORKBENCH, *LAB}


@pytest.mark.gui
@pytest.mark.parametrize("dock", [WORKBENCH, TRUTH])
def test_a_dock_from_the_menu_is_the_dock_of_our_buttons(
    dock: str, make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    entries(viewer)[dock].trigger()
    first = opened(viewer, dock)
    assert len(first) == 1
    qtbot.wait(50)
    title = first[0].parent().windowTitle()
    assert title == dock
    # The menu hides and shows the same dock again.
    entries(viewer)[dock].trigger()
    assert not first[0].parent().isVisible()
    assert open_dock(viewer, dock) is first[0]
    assert first[0].parent().isVisible()


@pytest.mark.gui
def test_the_menu_knows_a_dock_that_our_button_opened(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer(show=True)
    first = open_dock(viewer, TRUTH)
    entries(viewer)[TRUTH].trigger()  # hides it: the menu has a tick for each dock
    assert not first.parent().isVisible()
    entries(viewer)[TRUTH].trigger()
    assert opened(viewer, TRUTH) == [first]


@pytest.mark.gui
def test_a_dock_that_a_script_opened_is_not_opened_again_by_the_menu(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    first = viewer.window.add_plugin_dock_widget(PLUGIN, TRUTH)[1]
    qtbot.wait(50)
    entries(viewer)[TRUTH].trigger()
    qtbot.waitUntil(lambda: len(viewer.window.dock_widgets) == 1, timeout=LONG)
    assert opened(viewer, TRUTH) == [first]
