"""The dock *Spectrum*: spectra of a scan, their elements, and one place compared with the scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, QSize
from qtpy.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDockWidget,
    QMainWindow,
    QWidget,
)

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.looking.region import Pixel, Region
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.calibration import EnergyFields
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    StatusLine,
    fit_width,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.docks.placing import put_below_the_map
from napari_mineral_anomaly.window.kit.panel import PANEL_WIDTH
from napari_mineral_anomaly.window.layers.attached import put_spectra, spectra_of
from napari_mineral_anomaly.window.layers.coming.adding import LayersInTurns
from napari_mineral_anomaly.window.layers.coming.removing import remove_layers
from napari_mineral_anomaly.window.layers.links import link_of
from napari_mineral_anomaly.window.layers.make import LayerData
from napari_mineral_anomaly.window.layers.scans import Scan, cube_from_layers, find_scan, scans_in
from napari_mineral_anomaly.window.spectrum.captions import expected_caption, region_caption
from napari_mineral_anomaly.window.spectrum.elements import ElementList
from napari_mineral_anomaly.window.spectrum.maps import put_maps
from napari_mineral_anomaly.window.spectrum.panes import Notes, pane_of
from napari_mineral_anomaly.window.spectrum.plots import ExpectedPlot, SpectrumPlot
from napari_mineral_anomaly.window.spectrum.region import (
    ClickWatcher,
    RegionChoice,
    pixel_under,
)
from napari_mineral_anomaly.window.spectrum.saving import SaveSpectrum
from napari_mineral_anomaly.window.spectrum.work import (
    Annotation,
    Overview,
    RegionSeen,
    annotate,
    examine_region,
    maps_as_layers,
    overview,
)

_NO_SCAN = "Load a scan first (step “Open”, or drop its file onto napari)."
_NO_SPECTRA = (
    "This scan has no spectra, because it was opened from element maps. To see spectra, open its "
    "spectrum image (.rpl, .bcf, .h5 …). After a run, click on the maps to see here what the "
    "detector expected at that place."
)
_CLICK = "Click on the maps: the spectrum of that pixel is drawn over that of the scan."
_WHOLE = "Sum of all spectra of the scan."

# From this width (pixels) on, the panes are side by side; lists and notes then have this width.
_SIDE_BY_SIDE, _LISTS_WIDTH = 760, 250

# Kinds of jobs, with the names that the user sees.
_SUMMING, _LINES = "Summing the spectra", "Looking up lines"
_LOOKING, _MAKING = "Reading the spectrum", "Making element maps"


class SpectrumDock(Dock):
    """Shows one scan at a time. Slow work runs in the worker; only the latest request counts."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._shown: tuple[str | None, SpectrumImage | None] | None = None
        self._pixel: Pixel | None = None
        self._overview: Overview | None = None
        # Listed and ticked elements by scan id: kept while the dock shows another scan.
        self._lists: dict[str, tuple[list[str], list[str]]] = {}
        self._mapped: tuple[str, ...] = ()
        self._obsolete: list[Any] = []
        self._adding = LayersInTurns(self.viewer, lambda added: None, self._on_maps_added)

        # Panes are side by side below the canvas, and one above the other in a narrow dock.
        self._panes = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        for pane, stretch in (
            (self._spectrum_pane(), 6),
            (self._place_pane(), 3),
            (self._elements_pane(), 0),
            (self._notes_pane(), 0),
        ):
            self._panes.addWidget(pane, stretch)
        self.column.addLayout(self._panes, 1)

        self._clicks = ClickWatcher(self, self.show_position)
        self.region_choice.changed.connect(self._look)
        events = self.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            self.listen(emitter, self._on_layers)
        self.listen(self.session.changed, self._look)
        self.colour_by_theme(self.plot, self.expected_plot)
        self._on_layers()
        self._show_state()

    def _spectrum_pane(self) -> QWidget:
        self.scan_combo = QComboBox()
        fit_width(self.scan_combo)
        self.scan_combo.setPlaceholderText("no scan loaded yet")
        self.scan_combo.setToolTip("The scan whose spectra are shown.")
        self.scan_combo.currentIndexChanged.connect(self._on_scan)
        self.region_choice = RegionChoice(self)
        self.log_box = QCheckBox("Log")
        self.log_box.setToolTip(
            "A logarithmic axis shows trace elements, a linear axis shows proportions."
        )
        self.log_box.setChecked(True)
        self.plot = SpectrumPlot()
        self.log_box.toggled.connect(self.plot.set_log)
        self.caption = StatusLine()
        for combo in (self.scan_combo, self.region_choice):
            combo.setMinimumWidth(80)  # so that both fit side by side in a narrow dock
        top = row(self.scan_combo, self.region_choice, self.log_box)
        self.saving = SaveSpectrum(self)
        self.saving.said.connect(self.status.good)
        self.saving.refused.connect(self.status.error)
        return pane_of(top, self.status, self.plot, self.caption, self.saving)

    def _place_pane(self) -> QWidget:
        self.expected_plot = ExpectedPlot()
        self.log_box.toggled.connect(self.expected_plot.set_log)
        self.expected = StatusLine()
        self.expected_notes = Notes(self.expected)
        self.place_pane = pane_of(self.expected_plot, self.expected_notes)
        return self.place_pane

    def _elements_pane(self) -> QWidget:
        self.elements = ElementList()
        self.elements.changed.connect(self._on_elements)
        self.elements.chosen.connect(self._draw_lines)
        self.make_button = push_button(
            "Make element maps",
            "Count the photons in the energy windows of the ticked elements, less the background "
            "beside them. Afterwards the scan has layers for the ticked elements only.",
            self.make_maps,
        )
        self.cancel_button = push_button(
            "Cancel", "Stop. The layers stay as they are.", lambda: self.jobs.cancel(_MAKING)
        )
        self.progress = ProgressBar()
        buttons = row(self.make_button, self.cancel_button)
        self.elements_pane = pane_of(self.elements, buttons, self.progress)
        return self.elements_pane

    def _notes_pane(self) -> QWidget:
        self.energy = EnergyFields()
        self.energy.changed.connect(self._on_calibration)
        self.overlaps = StatusLine()
        self.elements.refused.connect(self.overlaps.error)
        self.overlap_notes = Notes(self.overlaps)
        self.notes_pane = pane_of(self.energy, self.overlap_notes)
        return self.notes_pane

    def _join_our_docks(self) -> None:
        """Open below the canvas, where a spectrum has room; napari ignores `default_dock_area`."""
        own, window = self.parent(), self.window()
        if isinstance(own, QDockWidget) and isinstance(window, QMainWindow):
            put_below_the_map(window, own)
        super()._join_our_docks()

    def minimumSizeHint(self) -> QSize:
        """As narrow as our other docks, also while the panes are side by side."""
        return QSize(PANEL_WIDTH, 200)

    def sizeHint(self) -> QSize:
        """Wide and low, because the dock opens below the canvas."""
        return QSize(_SIDE_BY_SIDE, 330)

    def resizeEvent(self, event: Any) -> None:
        """Arrange the panes for the new width."""
        wide = event.size().width() >= _SIDE_BY_SIDE
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._panes.direction() != way:
            self._panes.setDirection(way)
        for pane in (self.elements_pane, self.notes_pane):
            pane.setMaximumWidth(_LISTS_WIDTH if wide else 16_777_215)
        for notes in (self.expected_notes, self.overlap_notes):
            notes.set_beside(wide)
        super().resizeEvent(event)

    @property
    def scan_id(self) -> str | None:
        """Id of the scan that is shown; None where there is none."""
        return self.scan_combo.currentData()

    @property
    def spectra(self) -> SpectrumImage | None:
        """Spectra of the shown scan; None if it has none."""
        return spectra_of(self.viewer, self.scan_id)

    def show_position(self, position: Sequence[float]) -> None:
        """Show the pixel at a position of the viewer (world coordinates).

        If the active layer belongs to another scan, the dock switches to that scan.
        """
        active = self.viewer.layers.selection.active
        link = None if active is None else link_of(active)
        index = -1 if link is None else self.scan_combo.findData(link.scan_id)
        if index >= 0:
            self.scan_combo.setCurrentIndex(index)
        pixel = pixel_under(self.viewer, self.scan_id, position)
        if pixel is not None:
            self._pixel = pixel
            self.region_choice.choose_pixel()
            self._look()

    def make_maps(self) -> None:
        """Make maps of the ticked elements in a worker."""
        image, scan = self.spectra, self._scan()
        if image is None or scan is None:
            return
        ticked, name, scan_id = self.elements.ticked, scan.name, scan.scan_id
        self.jobs.run(
            _MAKING,
            lambda task: maps_as_layers(image, ticked, scan=name, scan_id=scan_id, task=task),
            lambda layers: self._on_maps(scan_id, layers),
            on_events=self.progress.show_events,
            on_cancelled=self._on_cancelled,
        )
        if self.jobs.is_running(_MAKING):
            self.status.plain("Making element maps…")
        self._show_state()

    def shut_down(self) -> None:
        """Also stop listening to clicks and brush strokes; maps that are being added all come."""
        self._adding.finish()
        self._clicks.let_go()
        self.region_choice.let_go()
        self.energy.let_go()
        super().shut_down()

    def _on_layers(self, event: Any = None) -> None:
        chosen = self.scan_id
        with QSignalBlocker(self.scan_combo):
            self.scan_combo.clear()
            for scan in scans_in(self.viewer):
                self.scan_combo.addItem(scan.name, scan.scan_id)
            index = self.scan_combo.findData(chosen)
            self.scan_combo.setCurrentIndex(index if index >= 0 else self.scan_combo.count() - 1)
        self._on_scan()

    def _on_scan(self, index: int = -1) -> None:
        image = self.spectra
        if (self.scan_id, image) == self._shown:
            self._follow_layers()
            return
        if self._shown is None or self.scan_id != self._shown[0]:
            self._pixel = None
        self._shown = (self.scan_id, image)
        self.jobs.cancel(_SUMMING, _LOOKING, _LINES)
        self._overview = None
        self.saving.offer(None)
        self.plot.clear()
        self.expected_plot.show_counts(None)
        if image is None:
            self.status.plain(_NO_SCAN if self.scan_id is None else _NO_SPECTRA)
            self._show_state()
            self._look()
            return
        known = image.energy
        self.energy.show_energy(None if known is None else (known.offset_kev, known.gain_kev))
        self.status.plain("Summing the spectra…")
        self._show_state()
        self.jobs.run(
            _SUMMING,
            lambda task: overview(image, task),
            self._on_overview,
            on_events=self.progress.show_events,
        )

    def _on_overview(self, seen: Overview) -> None:
        scan = self._scan()
        if scan is None:
            return
        self._overview, self._mapped = seen, scan.elements
        mapped = list(scan.elements)
        names, ticked = self._lists.get(scan.scan_id, (mapped, mapped))
        found = [suggestion.element for suggestion in seen.suggestions]
        self.status.plain(_CLICK)
        self._show_spectrum(None)
        self.elements.fill(sorted({*names, *found}, key=_by_atomic_number), ticked)
        self._show_state()
        self._look()

    def _follow_layers(self) -> None:
        """Tick and untick elements after layers of the shown scan were added or removed."""
        scan = self._scan()
        if scan is not None and self._overview is not None and scan.elements != self._mapped:
            before, self._mapped = self._mapped, scan.elements
            self.elements.follow(scan.elements, before)

    def _on_elements(self) -> None:
        if self.scan_id is not None and self._overview is not None:
            self._lists[self.scan_id] = (self.elements.names, self.elements.ticked)
        self._draw_lines()

    def _draw_lines(self) -> None:
        image = self.spectra
        if image is None or self._overview is None:
            return
        listed, ticked, current = self.elements.names, self.elements.ticked, self.elements.current
        self.jobs.run(
            _LINES,
            lambda task: annotate(image, listed, ticked, current),
            self._on_lines,
        )

    def _on_lines(self, found: Annotation) -> None:
        self.plot.show_markers(found.markers)
        self.elements.annotate(found.notes)
        self.overlaps.plain("<br>".join(found.warnings))

    def _on_maps(self, scan_id: str, layers: list[LayerData]) -> None:
        new, self._obsolete = put_maps(self.viewer, scan_id, layers)
        if new:
            self._adding.start(new)
        else:
            self._on_maps_added(0)

    def _on_maps_added(self, added: int) -> None:
        removed = [link.element for layer in self._obsolete if (link := link_of(layer))]
        remove_layers(self.viewer, self._obsolete)
        self._obsolete = []
        scan = self._scan()
        text = f"Element maps made: {0 if scan is None else len(scan.elements)}."
        if removed:
            text += f" Removed because they are no longer ticked: {', '.join(map(str, removed))}."
        self.status.good(text)
        self._show_state()

    def _on_calibration(self) -> None:
        image, energy = self.spectra, self.energy.energy
        if image is None or self.scan_id is None or energy is None:
            return
        try:
            calibrated = image.with_energy(*energy)
        except InputError as error:
            self.status.error(str(error))
            return
        put_spectra(self.viewer, self.scan_id, calibrated)
        self._on_scan()

    def _look(self) -> None:
        """Show the chosen pixel or region."""
        scan = self._scan()
        if scan is None:
            return
        try:
            region = self.region_choice.region(scan.shape, self._pixel)
            runs = list(self.session.runs_of_scan(scan.scan_id))
            cube = cube_from_layers(self.viewer, scan.scan_id) if runs else None
        except InputError as error:
            self.caption.error(str(error))
            return
        if region is None:
            self.jobs.cancel(_LOOKING)
            self._show_place(None, RegionSeen(None, None, ""))
            return
        image = self.spectra
        self.jobs.run(
            _LOOKING,
            lambda task: examine_region(region, image, cube, runs, task),
            lambda seen: self._show_place(region, seen),
        )

    def _show_place(self, region: Region | None, seen: RegionSeen) -> None:
        self._show_spectrum(seen)
        self._offer_to_save(region, seen)
        if region is not None:
            if self.status.text() == _CLICK:
                self.status.plain("")
            self.caption.plain(region_caption(region, seen.spectrum))
        self.expected_plot.show_counts(seen.expected)
        self.expected.plain(expected_caption(seen))
        self._show_state()

    def _offer_to_save(self, region: Region | None, seen: RegionSeen) -> None:
        """Let the user save the spectrum of the place; without a place, that of the scan."""
        image = self.spectra
        if image is None or image.energy is None or self._overview is None:
            self.saving.offer(None)
        elif region is None or seen.spectrum is None:
            whole = np.ones(image.shape, dtype=bool)
            self.saving.offer(image, whole, self._overview.total, self._overview.beam)
        else:
            self.saving.offer(image, region, seen.spectrum.counts, self._overview.beam)

    def _show_spectrum(self, seen: RegionSeen | None) -> None:
        image = self.spectra
        if self._overview is None or image is None:
            self.caption.plain("")
        elif seen is None or seen.spectrum is None:
            self.plot.show_spectra(self._overview.total, None, image.energy)
            self.caption.plain(_WHOLE)
        else:
            self.plot.show_spectra(seen.spectrum.like_scan, seen.spectrum.counts, image.energy)

    def _show_state(self) -> None:
        """Show the parts that have content, and enable the buttons that can be used now."""
        has_spectra = self.spectra is not None
        for part in (self.plot, self.log_box, self.saving, self.elements_pane, self.notes_pane):
            part.setVisible(has_spectra)
        making = self.jobs.is_running(_MAKING)
        self.make_button.setEnabled(not making and self._overview is not None)
        self.cancel_button.setEnabled(making)
        self.progress.setVisible(making or self.jobs.is_running(_SUMMING))
        self.place_pane.setVisible(self.expected_plot.shown is not None)
        self.region_choice.setEnabled(self.scan_id is not None)
        if not has_spectra:
            self.overlaps.plain("")

    def _on_cancelled(self) -> None:
        self.status.plain("Cancelled. The layers are as they were.")
        self._show_state()

    def _on_failed(self, failure: Failure) -> None:
        self._show_state()
        self.fail(failure)

    def _scan(self) -> Scan | None:
        return None if self.scan_id is None else find_scan(self.viewer, self.scan_id)


def _by_atomic_number(name: str) -> tuple[int, str]:
    symbol = name.split()[0]
    return (SYMBOLS.index(symbol) if symbol in SYMBOLS else len(SYMBOLS)), name
