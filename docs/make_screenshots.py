"""Drive a real napari window through the whole journey and save what it shows.

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python docs/make_screenshots.py

Pictures go to docs/images. ``--size 1366x768``, ``--theme light`` and ``--out FOLDER`` serve
to check the workbench on a small screen and in napari's other theme; ``--only pseudo_labels`` or
``--only edit_grains`` makes one picture without the training before it, ``--only look`` those of
the first two steps.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QEvent, QSettings
from qtpy.QtWidgets import QApplication

from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section, write_section
from napari_mineral_anomaly.window.exporting.presets import GIS
from napari_mineral_anomaly.window.kit.opening import (
    JUDGING,
    PSEUDO_LABELS,
    SAMPLED_TRUTH,
    TRUTH,
    open_dock,
    open_step,
)
from napari_mineral_anomaly.window.layers.links import link_of, linked_layers
from napari_mineral_anomaly.window.looking.readout import read_pixel
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, LOOK, OPEN

IMAGES = Path(__file__).parent / "images"
# Few enough pixels for single ones to be seen in a picture.
SHAPE, SEED = (140, 150), 1
TRAINING_STEPS = 40
THRESHOLD = 3.5


class Window:
    """A napari window that a script drives as a user would."""

    def __init__(self, width: int, height: int, out: Path) -> None:
        self.viewer = napari.Viewer(show=True, title="napari")
        self.viewer.window._qt_window.resize(width, height)
        self.out = out
        out.mkdir(parents=True, exist_ok=True)

    def settle(self, seconds: float = 0.4) -> None:
        """Let Qt and the workers go on for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            time.sleep(0.01)

    def until(self, done: Callable[[], bool], seconds: float = 900.0) -> None:
        """Wait for something to happen in the window."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the window did not get there")
            self.settle(0.05)
        self.settle()

    def step(self, name: str) -> Any:
        """Go to a step of the workbench."""
        workbench = open_step(self.viewer, name)
        self.settle(0.3)
        return workbench.step(name)

    def lab(self, name: str) -> Any:
        """Open a dock of the lab, or bring it to the front."""
        widget = open_dock(self.viewer, name)
        self.settle(0.3)
        return widget

    def shoot(self, name: str) -> None:
        """Save the whole window."""
        self.settle(0.6)
        pixels = self.viewer.window.screenshot(canvas_only=False, flash=False)
        picture = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
        path = self.out / f"{name}.png"
        picture.save(path, optimize=True)
        print(f"{path}  {picture.width}x{picture.height}  {path.stat().st_size / 1024:.0f} KB")

    def layer(self, role: str) -> Any:
        """The newest layer of a kind."""
        return list(linked_layers(self.viewer, role=role))[-1][0]


def open_and_look(window: Window, section: SimulatedSection, folder: Path) -> None:
    """The pictures of the first two steps."""
    opening = window.step(OPEN)
    window.shoot("first_minutes")
    opening.load([folder])
    window.until(lambda: opening.found.add_button.isEnabled())
    window.shoot("load_report")
    opening.found.add_button.click()
    window.until(lambda: len(window.viewer.layers) == section.cube.n_elements)

    look = window.step(LOOK)
    window.until(lambda: len(look.chips.chosen) == 3)
    place = (1000.0, 1000.0)
    look.show_readings(*read_pixel(window.viewer, look.state.scan_id, place, None))
    window.shoot("look")
    two_elements(window, look)


def journey(window: Window, section: SimulatedSection, folder: Path) -> None:
    """From the folder of maps to the exported files, a picture at every step."""
    open_and_look(window, section, folder)
    find = window.step(FIND)
    find.quick_button.click()
    window.until(lambda: find.quick_button.isEnabled())
    window.shoot("detect_done")
    find.choose_detector("msfa")
    find.form.set_value("epochs", TRAINING_STEPS)
    find.run_button.click()
    window.until(lambda: find.loss_plot.n_points > TRAINING_STEPS + TRAINING_STEPS // 4)
    window.shoot("detect_running")
    find.cancel_button.click()

    workbench(window)

    window.viewer.reset_view()
    truth_dock = window.lab(TRUTH)
    truth_dock.make_button.click()
    truth = window.layer("truth")
    truth.brush_size = 1
    for y, x in np.argwhere(section.truth):
        truth.paint((y, x), 1)
    window.until(lambda: truth_dock.auc.text() != "–")
    window.shoot("truth_auc")
    judging = window.lab(JUDGING)
    window.until(lambda: judging.judgement is not None)
    window.shoot("judging")
    sample = window.lab(SAMPLED_TRUTH)
    sample.draw()
    for _ in range(3):
        sample.answer("true")
    window.shoot("sampled_truth")
    pseudo_labels(window)

    hand_over = window.step(HAND_OVER)
    hand_over.choose_preset(GIS)
    hand_over.folder.setText("section_results")
    hand_over.export_button.click()
    window.until(lambda: hand_over.status.text().startswith("Wrote"))
    hand_over.status.good(hand_over.status.text().replace(f"{Path.cwd().resolve()}/", ""))
    window.shoot("export")


def two_elements(window: Window, look: Any) -> None:
    """A cloud of the scatter, selected on the map too."""
    look.choose_way(2)
    look.folds["Scatter"].open()
    window.until(lambda: look.scatter.scatter is not None)
    scatter = look.scatter.scatter
    (left, right), (low, high) = scatter.x_range, scatter.y_range
    middle = (left + right) / 2
    look.scatter.select([(middle, low), (right, low), (right, high), (middle, high)])
    window.settle()
    look._scroll.ensureWidgetVisible(look.scatter)
    window.shoot("scatter")
    window.viewer.layers.remove(window.layer("selection"))
    look.folds["Scatter"].open(False)


def workbench(window: Window) -> None:
    """The list of grains, the evidence and the threshold."""
    decide = window.step(DECIDE)
    table, card = decide.table, decide.card
    window.until(lambda: table.model.rowCount() > 0 and not table.model.pending)
    table.next_grain()
    table.accept()
    window.until(lambda: not card.bars.isHidden())
    window.shoot("grain_table")
    decide.threshold_fold.open()
    threshold = decide.threshold
    window.until(lambda: threshold.expected.text() != "")
    threshold.plot.line.setValue(THRESHOLD)
    window.until(lambda: link_of(window.layer("score")).threshold == THRESHOLD)
    window.settle(1.0)  # the list follows half a second later
    window.until(lambda: table.cancel_button.isHidden() and not table.model.pending)
    window.shoot("threshold")
    decide.threshold_fold.open(False)
    edit_grains(window, decide)


def edit_grains(window: Window, decide: Any) -> None:
    """The two rows whose grains are nearest become one, which is then drawn anew."""
    board, editing = decide.board, decide.editing
    rows = board.listing.table
    place = rows[["centroid_y_px", "centroid_x_px"]].to_numpy()
    apart = np.hypot(*(place[:, None] - place).T)
    apart[np.tril_indices(len(rows))] = np.inf
    pair = rows["id"].iloc[list(np.unravel_index(np.argmin(apart), apart.shape))].tolist()
    decide.edit_fold.open()
    for grain, rows_too in zip(pair, (False, True), strict=True):
        decide.table.view.select_grain(grain, add=rows_too)
    editing.merge_button.click()
    window.until(lambda: board.listing.n_edited == 1 and not board.listing.pending)
    decide.table.view.select_grain(board.grain)
    editing.redraw_button.click()
    window.shoot("edit_grains")
    editing.cancel_button.click()
    decide.edit_fold.open(False)


def grains_alone(window: Window, section: SimulatedSection, folder: Path) -> None:
    """The picture of an edited grain without the rest of the journey."""
    _quick(window, section, folder)
    decide = window.step(DECIDE)
    window.until(lambda: decide.table.model.rowCount() > 0 and not decide.table.model.pending)
    edit_grains(window, decide)


def pseudo_labels(window: Window) -> None:
    """The clusters of a run, split by signature."""
    clusters = window.lab(PSEUDO_LABELS)
    window.until(lambda: clusters.table.rowCount() > 0)
    # RX knows one background; its parts show the rock.
    clusters.parts.setValue(4)
    clusters.table.select_codes([2])
    clusters.split()
    window.until(lambda: clusters.table.rowCount() == 4)
    window.viewer.reset_view()
    roles = ("truth", "mask", "score", "ratio", "verdicts")
    hidden = [layer for role in roles for layer, _ in linked_layers(window.viewer, role=role)]
    labels = window.layer("pseudo_labels")
    for layer in hidden:
        layer.visible = False
    labels.visible = True
    window.until(lambda: labels.data.max() == 5)
    window.shoot("pseudo_labels")
    labels.visible = False
    for layer in hidden:
        layer.visible = True


def clusters_alone(window: Window, section: SimulatedSection, folder: Path) -> None:
    """The picture of the clusters without the rest of the journey."""
    _quick(window, section, folder)
    pseudo_labels(window)


def _quick(window: Window, section: SimulatedSection, folder: Path) -> None:
    opening = window.step(OPEN)
    opening.load([folder])
    window.until(lambda: opening.found.add_button.isEnabled())
    opening.found.add_button.click()
    window.until(lambda: len(window.viewer.layers) == section.cube.n_elements)
    find = window.step(FIND)
    find.quick_button.click()
    window.until(lambda: find.quick_button.isEnabled())


PARTS = {"pseudo_labels": clusters_alone, "look": open_and_look, "edit_grains": grains_alone}


def main() -> None:
    """Read the options and go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1600x1000")
    parser.add_argument("--out", type=Path, default=IMAGES)
    parser.add_argument("--theme", default="dark", help="dark or light")
    parser.add_argument("--only", choices=list(PARTS), help="make these pictures alone")
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    section = simulate_section("easy", shape=SHAPE, seed=SEED)
    with tempfile.TemporaryDirectory() as scratch:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, scratch)
        write_section(section, Path(scratch) / "thin_section")
        window = Window(width, height, options.out.resolve())
        window.viewer.theme = options.theme
        # Relative paths: the pictures shall not show this computer's folders.
        with contextlib.chdir(scratch):
            walk = PARTS[options.only] if options.only else journey
            walk(window, section, Path("thin_section"))
        window.viewer.close()


if __name__ == "__main__":
    main()
