"""*Look*: the element maps of the section, one, two or three at a time, or all of them."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
)
from superqt.utils import qdebounced, qthrottled

from napari_mineral_anomaly.scan.looking.ratio import ratio_map
from napari_mineral_anomaly.scan.looking.telling import telling_elements
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import StatusLine, primary_button, row
from napari_mineral_anomaly.window.kit.fold import Fold
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.links import layer_by_id, link_of, linked_layers
from napari_mineral_anomaly.window.layers.views import show_elements, show_ratio
from napari_mineral_anomaly.window.looking.all_elements import AllElements
from napari_mineral_anomaly.window.looking.chips import ElementChips
from napari_mineral_anomaly.window.looking.images_panel import ImagesPanel
from napari_mineral_anomaly.window.looking.profile_panel import ProfilePanel
from napari_mineral_anomaly.window.looking.readout import CursorWatch, Reading, read_pixel
from napari_mineral_anomaly.window.looking.scatter_panel import ScatterPanel
from napari_mineral_anomaly.window.state.model import FIND, LOOK
from napari_mineral_anomaly.window.workbench.steps.step import Step

_NO_SECTION = "Open a section first (step “Open”)."
_RATIO, _TELLING = "Making the ratio", "Choosing elements to begin with"
_READ_MS = 60
# The layers of a section come one by one: choose among them when no more come.
_SETTLE_MS = 200
# Number of elements of each way to look, with its button.
_WAYS = (
    (1, "One", "Click an element to see its map."),
    (2, "Ratio", "Click two elements: the first is divided by the second."),
    (3, "Colours", "Click three elements: they become red, green and blue."),
)


class LookStep(Step):
    """Chips choose what is shown; the numbers under the cursor stand below."""

    NAME, TITLE = LOOK, "Look"
    TASK = "Look at the elements, then search for odd grains."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._all = AllElements(napari_viewer, self.jobs)
        self._is_shown = False
        # What was looked at in each section: the way, and the elements.
        self._kept: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._section: str | None = None

        self.ways: dict[int, QPushButton] = {}
        self._group = QButtonGroup(self)
        for places, title, words in _WAYS:
            button = QPushButton(title)
            button.setCheckable(True)
            button.setToolTip(words)
            button.clicked.connect(lambda _=False, places=places: self.choose_way(places))
            self._group.addButton(button)
            self.ways[places] = button
        self.all_button = QPushButton("All")
        self.all_button.setCheckable(True)
        self.all_button.setToolTip(
            "Show all elements side by side, small; press again to stop or to go back."
        )
        self.all_button.toggled.connect(self._on_all)
        self.column.addLayout(row(*self.ways.values(), self.all_button))
        self.chips = self.add(ElementChips())
        self.chips.changed.connect(self._on_chip)
        self.logarithm = QCheckBox("Logarithm")
        self.logarithm.setToolTip(
            "Colours follow the logarithm of 1 + the counts, so that faint pixels are seen; for "
            "numbers that are no counts, of 1 + 200 times the share of the range. Zeros stay dark, "
            "and no number is changed."
        )
        self.logarithm.toggled.connect(self._show)
        self.legend = StatusLine()
        self.add(self.logarithm, self.legend, self.status)
        self.scatter, self.profile = (
            panel(napari_viewer, executor) for panel in (ScatterPanel, ProfilePanel)
        )
        self.images = ImagesPanel(napari_viewer, executor)
        self.folds = {
            title: self._fold(title, words, panel)
            for title, words, panel in (
                ("Scatter", "Two elements against each other.", self.scatter),
                ("Profile", "All elements along a line on the map.", self.profile),
                ("Images", "Electron images and pictures over the maps.", self.images),
            )
        }
        self.find_button = primary_button(
            "Find odd grains", "Go to the step that searches.", self._go_on
        )
        self.add(self.find_button, *self.folds.values())

        self.place = self.add(StatusLine("Move the mouse over the map to read its numbers."))
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["element", "number", "sigmas"])
        self.table.setToolTip(
            "Number under the cursor, for counts with its counting error; and what the element "
            "adds to the chosen score there, in background sigmas."
        )
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(160)
        self.column.addWidget(self.table, 1)

        self._watch = CursorWatch(napari_viewer, qthrottled(self._on_cursor, timeout=_READ_MS))
        self._begin_soon = qdebounced(self.begin, timeout=_SETTLE_MS)
        self.listen(self.state.events.scan_id, self._on_section)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_layers)
        self.listen(events.removed, self._on_layers)
        self._section = self.state.scan_id
        self.choose_way(1)
        self._on_layers()

    def _fold(self, title: str, words: str, panel: Panel) -> Fold:
        fold = Fold(title, words)
        fold.column.addWidget(panel)
        fold.toggled.connect(self._show_parts)
        return fold

    def _show_parts(self, value: Any = None) -> None:
        """Let the parts that are open follow the chips; a scatter wants two of them."""
        chosen = self.chips.chosen
        if self.folds["Scatter"].is_open:
            self.scatter.show_elements(chosen if self.chips.places == 2 else chosen[:2])
        if self.folds["Profile"].is_open:
            self.profile.show_elements(chosen)

    def choose_way(self, places: int) -> None:
        """Look at one element, at the ratio of two, or at three as colours."""
        self.ways[places].setChecked(True)
        self.all_button.setChecked(False)
        self.chips.set_places(places)
        self._show()

    def entered(self) -> None:
        """Show the chosen elements, and read the map under the cursor."""
        self._is_shown = True
        self._watch.start()
        self.images.resume()
        if self.chips.chosen:
            self._show()
        else:
            self.begin()

    def begin(self) -> None:
        """Show the three elements that tell most of a section at which nobody has looked yet."""
        scan_id = self.state.scan_id
        if scan_id is None or not self._is_shown or self.chips.chosen or self._all.is_on:
            return
        found = list(linked_layers(self.viewer, scan_id, "element"))
        planes = [layer.data for layer, _ in found]
        names = [link.element or layer.name for layer, link in found]
        self.jobs.run(
            _TELLING,
            lambda task: telling_elements(planes),
            lambda telling: self._on_telling(scan_id, [names[k] for k in telling]),
        )

    def _on_telling(self, scan_id: str, elements: list[str]) -> None:
        if scan_id != self.state.scan_id or self.chips.chosen or not elements:
            return
        self.chips.offer(elements if len(elements) == 3 else elements[:1])
        self._show()

    def left(self) -> None:
        """Leave the map as it is, one map at a time."""
        self._is_shown = False
        self.all_button.setChecked(False)
        self._watch.stop()

    def shut_down(self) -> None:
        """Also leave the mouse and the view side by side."""
        self.left()
        self._all.remove()
        self._begin_soon.cancel()
        super().shut_down()
        for panel in (self.scatter, self.profile, self.images):
            panel.shut_down()

    def _on_chip(self) -> None:
        """A click on an element also ends the view of all."""
        if self._all.is_on:
            self.all_button.setChecked(False)
        else:
            self._show()

    def _show(self, value: Any = None) -> None:
        """Show what the chips say, or all elements."""
        self._show_way()
        self._show_legend()
        self._show_parts()
        scan_id, chosen = self.state.scan_id, self.chips.chosen
        if scan_id is not None and self._all.is_on:
            self._show_all(scan_id)
            return
        if scan_id is None or not self._is_shown:
            return
        if self.chips.places == 2:
            if len(chosen) == 2:
                self._make_ratio(scan_id, chosen)
            return
        if chosen:
            show_elements(self.viewer, scan_id, chosen, logarithm=self.logarithm.isChecked())
            self.state.set_done(LOOK)

    def _make_ratio(self, scan_id: str, chosen: tuple[str, ...]) -> None:
        maps = {
            link.element: layer.data
            for layer, link in linked_layers(self.viewer, scan_id, "element")
            if link.element in chosen
        }
        above, below = (maps[element] for element in chosen)
        name = f"log {chosen[0]} / {chosen[1]}"
        self.jobs.run(
            _RATIO,
            lambda task: ratio_map(above, below),
            lambda ratio: self._on_ratio(scan_id, chosen, name, ratio),
        )

    def _on_ratio(self, scan_id: str, chosen: tuple[str, ...], name: str, ratio: Any) -> None:
        """Show the ratio, unless the user looks at something else by now."""
        is_wanted = self._is_shown and not self._all.is_on and self.chips.places == 2
        if not is_wanted or self.chips.chosen != chosen or self.state.scan_id != scan_id:
            return
        show_ratio(self.viewer, scan_id, name, ratio)
        self.state.set_done(LOOK, scan_id=scan_id)

    def _show_way(self) -> None:
        """Mark one of the four ways to look."""
        self._group.setExclusive(not self._all.is_on)  # an exclusive group keeps one marked
        for places, button in self.ways.items():
            button.setChecked(places == self.chips.places and not self._all.is_on)

    def _show_legend(self) -> None:
        chosen, places = self.chips.chosen, self.chips.places
        if self._all.is_on:
            self.legend.plain("Each element: dark violet is little, yellow is much.")
        elif len(chosen) < min(places, 2):
            self.legend.plain(next(words for one, _, words in _WAYS if one == places))
        elif places == 1:
            self.legend.plain(f"{chosen[0]}: dark violet is little, yellow is much.")
        elif places == 2:
            self.legend.plain(
                f"{chosen[0]} / {chosen[1]} as decimal logarithm: 0 is equal, 1 is ten times."
            )
        else:
            colours = ("#d83a3a", "#2e9e4f", "#3a62e0")
            parts = [
                f"<span style='color: {colour}'>■</span> {element}"
                for colour, element in zip(colours, chosen, strict=False)
            ]
            self.legend.plain("&nbsp; ".join(parts))

    def _on_all(self, wanted: bool) -> None:
        scan_id = self.state.scan_id
        if wanted and scan_id is not None:
            self._watch.stop()  # a place on the picture is no place on the map
            self._show_all(scan_id)
            self.state.set_done(LOOK)
            self._show_way()
            self._show_legend()
            return
        self._all.back(same_section=scan_id == self._section)
        if self._is_shown:
            self._watch.start()
        if scan_id == self._section:  # else the chips are still those of another section
            self._show()

    def _show_all(self, scan_id: str) -> None:
        layers = [layer for layer, _ in linked_layers(self.viewer, scan_id, "element")]
        self._all.show(layers, logarithm=self.logarithm.isChecked())

    def _on_section(self, scan_id: str | None) -> None:
        """Show the choices that were made for a section; its layers are as they were left."""
        self.all_button.setChecked(False)
        if self._section is not None:
            self._kept[self._section] = self.chips.places, self.chips.chosen
        self._section = scan_id
        self.chips.set_chosen(())
        self._on_layers()
        if scan_id in self._kept:
            places, chosen = self._kept[scan_id]
            self.ways[places].setChecked(True)
            self.chips.set_places(places)
            self.chips.set_chosen(chosen)
        self._show_legend()
        self._begin_soon()

    def _on_layers(self, event: Any = None) -> None:
        scan_id = self.state.scan_id
        elements = [] if scan_id is None else linked_layers(self.viewer, scan_id, "element")
        self.chips.set_elements([link.element or layer.name for layer, link in elements])
        is_there = bool(self.chips.chips)
        self.find_button.setEnabled(is_there)
        self.all_button.setEnabled(is_there)
        self.status.plain("" if is_there else _NO_SECTION)

    def _go_on(self) -> None:
        open_step(self.viewer, FIND)

    def _on_cursor(self, position: Any) -> None:
        if self.state.scan_id is None:
            return
        score = layer_by_id(self.viewer, self.state.score_id)
        run = None if score is None else self.session.run_of(link_of(score))
        place, readings = read_pixel(self.viewer, self.state.scan_id, position, run)
        if readings:
            self.show_readings(place, readings)

    def show_readings(self, place: str, readings: list[Reading]) -> None:
        """Show the numbers of one pixel."""
        self.place.plain(place)
        self.table.setRowCount(len(readings))
        for line, one in enumerate(readings):
            sigmas = "" if one.sigmas is None else f"{one.sigmas:+.1f}"
            for column, text in enumerate((one.element, one.number, sigmas)):
                item = self.table.item(line, column)
                if item is None:
                    item = QTableWidgetItem()
                    if column:
                        item.setTextAlignment(
                            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                        )
                    self.table.setItem(line, column, item)
                item.setText(text)
