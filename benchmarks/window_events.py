"""How long our code blocks napari's event loop on a scan of 2.4 Mpx and 20 elements.

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python benchmarks/window_events.py

Drives a real window through every feature and times each of our slots and handlers (see
`event_meter.py`). Writes docs/measured/window_events.md.

`--only docks rx` runs these steps and the steps that they need, and writes nothing. `--explain 30`
also prints what took long in events with 30 ms or more of our code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QSettings, Qt
from qtpy.QtWidgets import QApplication

from event_meter import Watcher
from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section, write_section
from napari_mineral_anomaly.window.exporting.presets import MORE
from napari_mineral_anomaly.window.kit.opening import (
    JUDGING,
    PSEUDO_LABELS,
    SAMPLED_TRUTH,
    SECTIONS,
    TRUTH,
    open_dock,
    open_step,
)
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, OPEN
from napari_mineral_anomaly.window.state.model import STEPS as STEPS_OF_WORKBENCH

PAGE = Path(__file__).parents[1] / "docs" / "measured" / "window_events.md"
BAR_MS = 50.0
# Seconds to wait for the effects of a step.
SETTLED = 0.5
SHAPE, SEED = (1500, 1600), 1
# A list of some thousand grains, as a low threshold gives.
LIST_THRESHOLD = 2.6
# Thresholds from far in the tail to the value at which half of the scan is flagged.
DRAG = (4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.2, 0.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0)


@dataclass(eq=False)
class Driver:
    """A window that a script drives while the watcher measures."""

    watcher: Watcher
    viewer: Any
    section: SimulatedSection
    folder: Path
    docks: dict[str, Any] = field(default_factory=dict)
    # Grains, and seconds (by the clock, of the processor) from the start of the work to the list.
    listing: tuple[int, float, float] = (0, 0.0, 0.0)

    def turn(self) -> None:
        """One turn of the event loop; the longest turn of each feature is kept."""
        started = time.perf_counter()
        QApplication.processEvents()
        stall = time.perf_counter() - started
        stalls, feature = self.watcher.stalls, self.watcher.feature
        stalls[feature] = max(stall, stalls.get(feature, 0.0))
        time.sleep(0.002)

    def wait(self, seconds: float) -> None:
        """Let the event loop run."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until ``done``, then for the effects."""
        end = time.monotonic() + 300
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.watcher.feature}: the window did not get there")
            self.turn()
        self.wait(SETTLED)

    def dock(self, name: str) -> Any:
        """A dock; it is opened if it is not open yet."""
        if name not in self.docks:
            self.docks[name] = open_dock(self.viewer, name)
            self.wait(0.5)
        return self.docks[name]

    def step(self, name: str) -> Any:
        """A step of the workbench; it is shown."""
        return open_step(self.viewer, name).step(name)

    def layer(self, role: str) -> Any:
        """The newest layer of a kind."""
        return list(linked_layers(self.viewer, role=role))[-1][0]


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
    driver.step(OPEN).add_button.click()
    driver.until(lambda: len(driver.viewer.layers) == driver.section.cube.n_elements)


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
    for y, x in np.argwhere(driver.section.truth)[:120:3]:
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


@step("grains")
def go_through(driver: Driver) -> None:
    """One grain after the other."""
    table = driver.step(DECIDE).table
    n = table.model.n_all
    driver.watcher.feature = f"go through {n:,} grains, with evidence and outline"
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
    dock.folder.setText(str(driver.folder.parent / "results"))
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
    copy_project(keeper.folder, driver.folder.parent / "copy")
    driver.watcher.feature = "open a project"
    projects.open(driver.folder.parent / "copy")
    driver.until(lambda: len(projects.keepers) == 2)


@step("save_and_open_project")
def sections(driver: Driver) -> None:
    """Switch between the section and the copy of its project."""
    dock = driver.dock(SECTIONS)
    driver.watcher.feature = "switch between two sections"
    for k in range(8):
        dock.sections.setCurrentItem(dock.sections.topLevelItem(k % 2))
        driver.wait(0.5)


def references(driver: Driver) -> tuple[float, float]:
    """Milliseconds of one np.copyto of the mask and of napari's own ``layer.data = mask``."""
    if next(linked_layers(driver.viewer, role="mask"), None) is None:
        return float("nan"), float("nan")
    layer = driver.layer("mask")
    data = np.asarray(layer.data)
    target = np.empty_like(data)
    copies, sets = [], []
    for _ in range(15):
        started = time.thread_time()
        np.copyto(target, data)
        copies.append(time.thread_time() - started)
        fresh = data.copy()
        started = time.thread_time()
        layer.data = fresh
        sets.append(time.thread_time() - started)
        driver.turn()
    return 1e3 * float(np.median(copies)), 1e3 * float(np.median(sets))


def first_import() -> float:
    """Seconds of processor time for importing the first dock into napari."""
    code = (
        "import time, napari\n"
        "viewer = napari.Viewer(show=False)\n"
        "started = time.thread_time()\n"
        "import napari_mineral_anomaly.window.workbench.frame.dock\n"
        "print(time.thread_time() - started)\n"
        "viewer.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def page(driver: Driver, copy_ms: float, set_ms: float) -> str:
    """The table, in Markdown."""
    watcher, listing = driver.watcher, driver.listing
    rows = []
    worst_of_all, over = 0.0, []
    for feature, events in watcher.events.items():
        held = np.array([1e3 * event.seconds["ours"] for event in events])
        ours = np.array([1e3 * event.working["ours"] for event in events])
        worst = events[int(ours.argmax())]
        worst_of_all = max(worst_of_all, float(ours.max()))
        if ours.max() > BAR_MS:
            over.append(feature)
        rows.append(
            f"| {feature} | {len(events)} | {np.percentile(ours, 50):.2f} "
            f"| {np.percentile(ours, 99):.1f} | {ours.max():.1f} | `{worst.name}` "
            f"| {ours.max() / set_ms:.1f} | {held.max():.0f} "
            f"| {1e3 * watcher.stalls.get(feature, 0.0):.0f} |"
        )
    passes = [1e3 * e.working["collector"] for all_ in watcher.events.values() for e in all_]
    passes = [pass_ for pass_ in passes if pass_ > 0]
    verdict = "met" if not over else f"missed in: {'; '.join(over)}"
    return "\n".join(
        [
            f"Scan of {' × '.join(map(str, driver.section.cube.shape))} pixels and "
            f"{driver.section.cube.n_elements} "
            "elements. Time of our own code per event, in milliseconds of the main thread's "
            "processor time; napari's share is left out. *Worst wait included* is by the clock: "
            "with the wait for a processor and for Python's lock, while workers compute. *Longest "
            "turn* is that of the whole event loop with napari's drawing (a software renderer, and "
            "other work on the same two processors).",
            "",
            "| feature | events | p50 | p99 | worst | in | worst ÷ `layer.data =` | worst wait "
            "included | longest turn |",
            "|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"References of the same run: `np.copyto` of the mask {copy_ms:.3f} ms; napari's own "
            f"`layer.data = mask`, nothing drawn yet, {set_ms:.1f} ms. Our bar, at most "
            f"{BAR_MS:.0f} ms of our own code per event, was {verdict}. The worst was "
            f"{worst_of_all:.1f} ms.",
            "",
            f"Not counted above: {len(passes)} full passes of Python's garbage collector, which "
            "walks all objects of the process, those of napari and its libraries included, "
            "whenever enough new ones have come, in whatever code is at work then; the longest "
            f"took {max(passes, default=0.0):.0f} ms. Nor is the first dock of a session, whose "
            "modules and the libraries under them take "
            f"{first_import():.1f} s of processor time to import; most of what later docks need is "
            "then imported by a worker.",
            "",
            f"The grain table listed {listing[0]:,} grains, element maps and flags "
            f"included, in {listing[1]:.1f} s by the clock, {listing[2]:.1f} s of "
            "processor time with napari's drawing and the evidence that is prepared meanwhile.",
            "",
        ]
    )


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    parser.add_argument("--explain", type=float, metavar="MS")
    parser.add_argument(
        "--shape", nargs=2, type=int, default=SHAPE, metavar=("H", "W"), help="of the scan"
    )
    args = parser.parse_args()
    watcher = Watcher(explain_ms=args.explain)
    watcher.watch_our_code()
    watcher.watch_napari()
    watcher.watch_collector()
    section = simulate_section("easy", shape=tuple(args.shape), seed=SEED)
    with tempfile.TemporaryDirectory() as scratch:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, scratch)
        os.environ["MINERAL_ANOMALY_CONFIG"] = scratch  # where the project is saved meanwhile
        folder = Path(scratch) / "section"
        write_section(section, folder)
        viewer = napari.Viewer(show=True)
        viewer.window._qt_window.resize(1600, 1000)
        driver = Driver(watcher, viewer, section, folder)
        driver.wait(1.0)
        for name in with_needs(args.only or list(STEPS)):
            STEPS[name][0](driver)
        watcher.feature = "references"
        copy_ms, set_ms = references(driver)
        watcher.events.pop("references", None)
        text = page(driver, copy_ms, set_ms)
        viewer.close()
    print(text)
    # The page shows only complete runs of the usual scan, without profiling.
    if args.only is None and args.explain is None and tuple(args.shape) == SHAPE:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
