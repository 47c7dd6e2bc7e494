"""What the window is driven through, feature by feature. A part of `window_events/run.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from qtpy.QtCore import Qt

from driver import SETTLED, Driver
from napari_mineral_anomaly.window.exporting.presets import MORE
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.kit.opening import (
    JUDGING,
    PSEUDO_LABELS,
    SAMPLED_TRUTH,
    SECTIONS,
    TRUTH,
)
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, LOOK, OPEN
from napari_mineral_anomaly.window.state.model import STEPS as STEPS_OF_WORKBENCH

# A list of some thousand grains, as a low threshold gives.
LIST_THRESHOLD = 2.6
# Thresholds from far in the tail to the value at which half of the scan is flagged.
DRAG = (4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.2, 0.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)

Step = Callable[[Driver], None]
# In the order in which they run; the tuple names the steps that a step needs.
STEPS: dict[str, tuple[Step, tuple[str, ...]]] = {}


def step(*needs: str) -> Callable[[Step], Step]:
    """Make a function a step of the run, under its own name."""

    def register(function: Step) -> Step:
        STEPS[function.__name__] = (function, needs)
        return function

    return register


def with_needs(names: list[str]) -> list[str]:
    """These steps and all steps that they need, in the order in which they run."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        waiting.extend(STEPS[name][1])
    return [name for name in STEPS if name in wanted]


@step()
def load(driver: Driver) -> None:
    """The maps of a folder."""
    driver.watcher.feature = "read the maps, show the report"
    dock = driver.step(OPEN)
    dock.load([driver.folder])
    driver.until(dock.found.add_button.isEnabled)


@step("load")
def docks(driver: Driver) -> None:
    """The steps of the main job."""
    driver.watcher.feature = "open the other steps (build their widgets)"
    for name in STEPS_OF_WORKBENCH:
        driver.step(name)
    driver.dock(TRUTH)
    driver.step(OPEN)


@step("docks")
def layers(driver: Driver) -> None:
    """The element layers."""
    driver.watcher.feature = "add 20 layers, all docks open"
    driver.step(OPEN).found.add_button.click()
    n = 0
    while not n or len(driver.elements) != n:  # until no more come
        n = len(driver.elements)
        driver.wait(2.0)


@step("layers")
def elements(driver: Driver) -> None:
    """The chips."""
    driver.watcher.feature = "look at one element after the other"
    look = driver.step(LOOK)
    for chip in list(look.chips.chips.values())[:8]:
        chip.click()
        driver.wait(0.3)


@step("layers")
def rx(driver: Driver) -> None:
    """A detector."""
    driver.watcher.feature = "RX run, from Run to its layers"
    run = driver.step(FIND)
    run.choose_detector("rx")
    run.run_button.click()
    driver.until(run.run_button.isEnabled)


@step("rx")
def drag(driver: Driver) -> None:
    """The threshold, for all grains and for larger ones."""
    judge = driver.step(DECIDE).threshold
    for min_grain in (1, 3):
        driver.watcher.feature = f"drag the threshold, smallest grain {min_grain} px"
        judge.min_grain.setValue(min_grain)
        drag_line(driver)


@step("drag")
def strokes(driver: Driver) -> None:
    """A brush on the mask."""
    driver.watcher.feature = "the same with strokes on the mask"
    mask = driver.layer("mask")
    for k in range(20):
        mask.paint((300 + k, 300 + k), 1)
        driver.turn()
    drag_line(driver)


def drag_line(driver: Driver) -> None:
    """Drag the line of the histogram back and forth."""
    for value in DRAG:
        driver.step(DECIDE).threshold.plot.line.setValue(value)
        driver.wait(0.15)
    driver.wait(0.5)


@step("rx")
def rx_again(driver: Driver) -> None:
    """The same detector once more."""
    driver.watcher.feature = "RX run again, into the same layers"
    run = driver.step(FIND)
    run.run_button.click()
    driver.until(run.run_button.isEnabled)


@step("rx")
def brush(driver: Driver) -> None:
    """A truth mask."""
    driver.watcher.feature = "brush the truth, AUC follows"
    dock = driver.dock(TRUTH)
    dock.make_button.click()
    layer = driver.layer("truth")
    for y, x in np.argwhere(driver.truth)[:120:3]:
        layer.paint((y, x), 1)
        driver.turn()
    driver.until(lambda: dock.auc.text() != "–")


@step("rx")
def grain_docks(driver: Driver) -> None:
    """The grain table and the card."""
    driver.watcher.feature = "open the grain docks"
    driver.step(DECIDE)


@step("grain_docks")
def grains(driver: Driver) -> None:
    """A long list of grains."""
    driver.watcher.feature = "list thousands of grains"
    table, card = driver.step(DECIDE).table, driver.step(DECIDE).card
    judge = driver.step(DECIDE).threshold
    judge.min_grain.setValue(1)
    judge.plot.line.setValue(LIST_THRESHOLD)
    driver.until(lambda: table.cancel_button.isVisible())
    started = time.perf_counter(), time.process_time()
    driver.until(lambda: table.model.n_all > 1000 and not table.cancel_button.isVisible())
    driver.listing = (
        table.model.n_all,
        time.perf_counter() - started[0] - SETTLED,
        time.process_time() - started[1],
    )
    driver.until(lambda: card._source is not None)


@step("rx")
def found(driver: Driver) -> None:
    """The list as the run leaves it; for the scan of a user."""
    driver.watcher.feature = "list the grains at the default threshold"
    driver.step(DECIDE)
    board = board_of(driver.viewer)
    started = time.perf_counter(), time.process_time()
    driver.until(lambda: board.listing is not None and not board.listing.pending)
    assert board.listing is not None
    driver.listing = (
        len(board.listing.table),
        time.perf_counter() - started[0] - SETTLED,
        time.process_time() - started[1],
    )


@step("found")
def look_through(driver: Driver) -> None:
    """Drag the threshold a little, then one grain after the other."""
    driver.watcher.feature = "drag the threshold"
    line = driver.step(DECIDE).threshold.plot.line
    default = line.value()
    for factor in (1.1, 1.2, 1.1, 1.0):
        line.setValue(factor * default)
        driver.wait(0.5)
    board = board_of(driver.viewer)
    driver.wait(2.0)
    driver.until(lambda: board.listing is not None and not board.listing.pending)
    show_grains(driver, "go through the list, with evidence and outline")


@step("look_through")
def decide_some(driver: Driver) -> None:
    """Verdicts."""
    decide(driver)


@step("rx")
def teach(driver: Driver) -> None:
    """Brush a grain as ordinary, as far as the list that follows."""
    driver.watcher.feature = "teach by brush, the list follows"
    decide_step = driver.step(DECIDE)
    board = decide_step.board
    driver.until(lambda: board.listing is not None and not board.listing.pending)
    decide_step.table.next_grain()
    before = board.listing
    assert before is not None
    assert board.grain is not None
    y, x = before.pixel_of(board.grain)
    decide_step.teaching.take_brush()
    started = time.perf_counter(), time.process_time()
    driver.layer("taught").paint((y, x), 1)

    def is_listed() -> bool:
        now = board.listing
        return now is not None and now.score_id != before.score_id

    driver.until(is_listed)
    driver.teaching = (
        time.perf_counter() - started[0] - SETTLED,
        time.process_time() - started[1],
    )
    decide_step.teaching.forget()
    driver.until(lambda: board.listing is not None and board.listing.score_id == before.score_id)


@step("grains")
def go_through(driver: Driver) -> None:
    """One grain after the other."""
    n = driver.step(DECIDE).table.model.n_all
    show_grains(driver, f"go through {n:,} grains, with evidence and outline")


def show_grains(driver: Driver, feature: str) -> None:
    """The next twenty grains."""
    driver.watcher.feature = feature
    table = driver.step(DECIDE).table
    for _ in range(20):
        table.next_grain()
        driver.wait(0.1)


@step("grains")
def decide(driver: Driver) -> None:
    """Verdicts."""
    driver.watcher.feature = "decide, undo, redo"
    table = driver.step(DECIDE).table
    for _ in range(15):
        table.accept()
        table.next_grain()
        driver.wait(0.1)
    table.view.selectAll()
    table.reject()
    for _ in range(3):
        table.board.undo()
        driver.wait(0.1)
        table.board.redo()
        driver.wait(0.1)


@step("grains")
def sort(driver: Driver) -> None:
    """Order and search."""
    driver.watcher.feature = "sort and search the list"
    table = driver.step(DECIDE).table
    for k in range(len(table.model.columns)):
        table.view.sortByColumn(k, Qt.SortOrder.DescendingOrder)
        driver.wait(0.05)
    for text in ("As", "reject", "no flags", "peak>3 area<=2", ""):
        table.filter.setText(text)
        driver.wait(0.4)
    table.copy()


@step("rx")
def clusters(driver: Driver) -> None:
    """The pseudo-labels."""
    driver.watcher.feature = "name, merge, split and turn clusters"
    dock = driver.dock(PSEUDO_LABELS)
    driver.until(lambda: dock.table.rowCount() > 0)
    dock.table.select_codes([dock.table.code(0)])
    dock.split()
    driver.until(lambda: dock.table.rowCount() > 1)
    dock.table.select_codes([dock.table.code(0)])
    dock.toggle_role()
    driver.until(lambda: not dock.progress.isVisible())


@step("clusters")
def retrain(driver: Driver) -> None:
    """Retrain the detector with corrected pseudo-labels."""
    driver.watcher.feature = "retrain with the edited labels"
    dock = driver.dock(PSEUDO_LABELS)
    dock.retrain()
    driver.until(lambda: not dock.retraining.running)


@step("brush", "grains")
def judge(driver: Driver) -> None:
    """The score against the truth."""
    driver.watcher.feature = "judge against the truth, drag the threshold"
    dock = driver.dock(JUDGING)
    driver.until(lambda: dock.judgement is not None)
    for value in (4.0, 3.5, 3.0, 3.5, 4.0):
        driver.step(DECIDE).threshold.plot.line.setValue(value)
        driver.wait(0.5)
    driver.wait(2.0)


@step("grains")
def sample(driver: Driver) -> None:
    """The sampled truth."""
    driver.watcher.feature = "check a sample"
    dock = driver.dock(SAMPLED_TRUTH)
    dock.draw()
    for _ in range(10):
        dock.answer("true")
        driver.wait(0.1)


@step("rx")
def export(driver: Driver) -> None:
    """The files."""
    driver.watcher.feature = "export every file"
    dock = driver.step(HAND_OVER)
    dock.choose_preset(MORE)
    dock.folder.setText(str(driver.scratch / "results"))
    dock.export_button.click()
    driver.until(lambda: dock.status.text().startswith("Wrote"))


@step("brush", "decide")
def save_and_open_project(driver: Driver) -> None:
    """Wait for the autosave, then open a copy of the project beside the section."""
    from napari_mineral_anomaly.project.copying import copy_project
    from napari_mineral_anomaly.window.project.projects import projects_of

    driver.watcher.feature = "autosave"
    projects = projects_of(driver.viewer)
    keeper = next(iter(projects.keepers.values()))
    driver.until(lambda: not keeper.has_unsaved_work)
    driver.layer("mask").paint((700, 700), 1)
    driver.until(lambda: not keeper.has_unsaved_work)
    copy_project(keeper.folder, driver.scratch / "copy")
    driver.watcher.feature = "open a project"
    projects.open(driver.scratch / "copy")
    driver.until(lambda: len(projects.keepers) == 2)


@step("save_and_open_project")
def sections(driver: Driver) -> None:
    """Switch between the section and the copy of its project."""
    dock = driver.dock(SECTIONS)
    driver.watcher.feature = "switch between two sections"
    for k in range(8):
        dock.sections.setCurrentItem(dock.sections.topLevelItem(k % 2))
        driver.wait(0.5)


# What is driven for the page of a simulated section; the other steps are for `run.py --scan`.
USUAL = [name for name in STEPS if name not in ("found", "look_through", "decide_some")]
