"""*Grain evidence*: what supports the chosen grain and what could fake it, on one card."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtWidgets import QLabel, QWidget

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import minus_sign
from napari_mineral_anomaly.grains.evidence import (
    Evidence,
    EvidenceSource,
    GrainSpectrum,
    evidence_of,
)
from napari_mineral_anomaly.grains.minerals.hints import minerals_sentence
from napari_mineral_anomaly.grains.pixels.outline import pixel_outlines
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.plots import (
    ElementBars,
    GrainSpectrumPlot,
    PlaceAmongScores,
    Thumbnails,
)
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    StatusLine,
    bold_label,
    primary_button,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.kit.turns import Turns
from napari_mineral_anomaly.words import counted

_NO_LIST = "No grain is listed yet: run a detector first (step “Find”)."
_NO_GRAIN = "Click a row of the grain table, or a grain on the map."
_NO_MAPS = (
    "The element maps of this score are not in the layer list: load them again to see the "
    "evidence for a grain."
)
_WAITING = "The evidence is shown as soon as minerals and flags are known."
_BARS = "Elements: bars against the surroundings, dots against the scan"
_PLACE = "Place among all scores"
_PREPARING, _READING = "Preparing the evidence", "Reading the spectrum"
# More bars do not help; the table of contributions has all elements.
MOST_BARS = 14


class GrainCard(Panel):
    """Shows the chosen grain; the maps are prepared once per list, in the background."""

    def __init__(
        self, napari_viewer: Any, executor: Executor | None = None, *, scrolls: bool = True
    ) -> None:
        super().__init__(napari_viewer, executor, scrolls=scrolls)
        self.board = board_of(napari_viewer)
        self._source: EvidenceSource | None = None

        self.add(self.status)
        self.progress = ProgressBar()
        self.progress.setRange(0, 0)
        self.cancel_button = push_button("Cancel", "Stop preparing the evidence.", self.cancel)
        self.cancel_button.hide()
        self.column.addLayout(row(self.progress, self.cancel_button))

        self.title = self.add(bold_label())
        self.facts = self.add(StatusLine(tooltip="Size, place and neighbours of the grain."))
        self.flags = self.add(
            StatusLine(tooltip="What could fake this grain, and what is not known about it.")
        )
        self.minerals = self.add(StatusLine())
        self.minerals.setToolTip(
            "Minerals whose elements fit the drivers, with their distance (0 fits best). These are "
            "hints to check, not determinations."
        )
        self.accept_button = primary_button(
            "Accept", "This grain is what it seems (A).", lambda: self._decide("accept")
        )
        self.reject_button = push_button(
            "Reject", "This is no grain of interest (R).", lambda: self._decide("reject")
        )
        self.next_button = push_button(
            "Next", "Go to the next row of the list (N).", lambda: self.board.next_grain()
        )
        self.undecided_button = push_button(
            "Undecided",
            "The maps do not tell what this grain is (U).",
            lambda: self._decide("undecided"),
        )
        self._buttons = (
            self.accept_button,
            self.reject_button,
            self.undecided_button,
            self.next_button,
        )
        self.column.addLayout(row(*self._buttons))

        self.bars, self.maps = ElementBars(), Thumbnails()
        self.place, self.spectrum = PlaceAmongScores(), GrainSpectrumPlot()
        self._titles: dict[QWidget, QLabel] = {}
        for figure, title in (
            (self.bars, _BARS),
            (self.maps, "Maps of the driving elements"),
            (self.place, _PLACE),
            (self.spectrum, "Spectrum of the grain and of its surroundings"),
        ):
            self._titles[figure] = self.add(QLabel(title))
            self._titles[figure].setWordWrap(True)
            self.add(figure)
        self.column.addStretch()

        # The figures of a grain are drawn one by one: all at once would stop the window.
        self._turns = Turns(self)
        self.listen(self.board.listed, self._on_listed)
        self.listen(self.board.completed, self._prepare)
        self.listen(self.board.chosen, self._on_chosen)
        self.listen(self.board.decided, self._show_title)
        self.colour_by_theme(self.bars, self.maps, self.place, self.spectrum)
        self._on_listed()

    def cancel(self) -> None:
        """Stop preparing the evidence."""
        self.jobs.cancel(_PREPARING)

    def shut_down(self) -> None:
        """Also drop the figures that are still to be drawn."""
        self._turns.cancel()
        super().shut_down()

    def _decide(self, status: str) -> None:
        if self.board.grain is not None:
            self.board.decide([self.board.grain], status=status)
            self.board.next_grain()

    def _on_listed(self) -> None:
        self.jobs.cancel(_PREPARING)
        self._source = None
        self._turns.cancel()
        self._show_nothing()
        self._prepare()

    def _prepare(self) -> None:
        """Prepare the evidence for all grains of the list, once its details are known."""
        listing = self.board.listing
        if listing is None or listing.table.empty or listing.cube is None:
            return
        if listing.details is None:
            self.status.plain(_WAITING)
            return
        cube, result = listing.cube, listing.result
        grains, details = listing.grains, listing.details
        self.jobs.cancel(_PREPARING)
        self._busy(True)
        self.jobs.run(
            _PREPARING,
            lambda task: evidence_of(cube, result, grains, details),
            self._on_source,
            on_end=lambda: self._busy(False),
        )

    def _on_source(self, source: EvidenceSource) -> None:
        self._source = source
        self._on_chosen()

    def _on_chosen(self) -> None:
        grain, source = self.board.grain, self._source
        self._turns.cancel()
        self.jobs.cancel(_READING)
        if grain is None or self.board.listing is None:
            self._show_nothing()
            return
        self._show_title()
        self._show_facts(self.board.listing.row(grain))
        for button in self._buttons:
            button.setEnabled(True)
        if source is None:
            self.status.plain(_NO_MAPS if self.board.listing.cube is None else self.status.text())
            return
        self._turns.do(partial(self._show_evidence, source, grain))

    def _show_nothing(self) -> None:
        listing = self.board.listing
        missing = _NO_LIST if listing is None else _NO_GRAIN
        if listing is not None and listing.cube is None:
            missing = _NO_MAPS
        self.status.plain(missing)
        for line in (self.facts, self.flags, self.minerals):
            line.plain("")
        self.title.clear()
        self.title.hide()
        for button in self._buttons:
            button.setEnabled(False)
        self.next_button.setEnabled(listing is not None and not listing.table.empty)
        for figure in self._titles:
            self._set_shown(figure, False)

    def _set_shown(self, figure: QWidget, shown: bool) -> None:
        """Show or hide a figure and its title."""
        self._titles[figure].setVisible(shown)
        figure.setVisible(shown)

    def _show_title(self) -> None:
        grain, listing = self.board.grain, self.board.listing
        if grain is None or listing is None:
            return
        line = listing.row(grain)
        status, comment = self.board.verdicts().get(grain, ("unseen", ""))
        remark = f" · “{comment}”" if comment else ""
        self.title.setText(
            f"Grain of rank {line['rank']} · {line['peak_score']:.1f} sigmas · {status}{remark}"
        )
        self.title.show()

    def _show_facts(self, line: pd.Series) -> None:
        size = counted(int(line["area_px"]), "pixel")
        lines = [f"Column {line['centroid_x_px']:.1f}, row {line['centroid_y_px']:.1f} (pixels)"]
        if np.isfinite(line["area_um2"]):
            size += f", {line['area_um2']:,.0f} µm², Ø {line['equivalent_diameter_um']:,.0f} µm"
            lines.append(
                f"x {line['centroid_x_um']:,.0f} µm, y {line['centroid_y_um']:,.0f} µm on the map"
            )
        if line["detectors_agreeing"]:
            lines.append(f"Flagged by {line['detectors_agreeing']}")
        # A detector with one background has nothing to tell here.
        if line["neighbours"] and self._has_backgrounds():
            lines.append(f"Surrounded by {line['neighbours']}")
        self.facts.plain("\n".join([size, *lines]))

    def _has_backgrounds(self) -> bool:
        """Whether the listed grains lie in different clusters of the background."""
        listing = self.board.listing
        return listing is not None and len(set(listing.table["neighbours"]) - {""}) > 1

    def _show_evidence(self, source: EvidenceSource, grain: int) -> None:
        try:
            evidence = source.of(grain)
        except InputError as error:  # the list changed while this was prepared
            self.fail(error)
            return
        self.status.plain("")
        self.flags.plain("\n".join(f"• {sentence}" for sentence in evidence.sentences))
        self.minerals.plain(minerals_sentence(evidence.minerals))
        # If the user holds the key N, the next grain comes before all figures are drawn.
        self._turns.do(
            partial(self._show_bars, evidence),
            partial(self._show_maps, evidence),
            partial(self._show_place, evidence),
            partial(self._read_spectrum, source, grain),
        )

    def _show_bars(self, evidence: Evidence) -> None:
        strongest = evidence.elements.head(MOST_BARS)
        self.bars.show_elements(
            strongest["element"].tolist(),
            strongest["ring_sigmas"].to_numpy(float),
            strongest["scan_sigmas"].to_numpy(float),
        )
        n = len(evidence.elements)
        some = f"; {MOST_BARS} of {n}" if n > MOST_BARS else ""
        self._titles[self.bars].setText(f"{_BARS} (strongest first{some})")
        self._set_shown(self.bars, True)

    def _show_maps(self, evidence: Evidence) -> None:
        self.maps.show_maps(
            [f"{t.element} {minus_sign(f'{t.sigmas:+.1f}')}" for t in evidence.thumbnails],
            [t.image for t in evidence.thumbnails],
            [pixel_outlines(t.outline) for t in evidence.thumbnails],
        )
        self._set_shown(self.maps, True)

    def _show_place(self, evidence: Evidence) -> None:
        self.place.show_peak(evidence.histogram, evidence.peak_score)
        share = evidence.histogram.rank_share
        higher = f"{100 * share:.2g} % of the pixels score" if share else "no pixel scores"
        self._titles[self.place].setText(f"{_PLACE}: {higher} higher")
        self._set_shown(self.place, True)

    def _read_spectrum(self, source: EvidenceSource, grain: int) -> None:
        listing = self.board.listing
        self._set_shown(self.spectrum, False)
        if listing is None or listing.cube is None or listing.cube.spectra is None:
            return
        self.jobs.run(_READING, lambda task: source.spectrum(grain, task=task), self._on_spectrum)

    def _on_spectrum(self, spectrum: GrainSpectrum | None) -> None:
        if spectrum is not None:
            self.spectrum.show_spectra(spectrum)
            self._set_shown(self.spectrum, True)

    def _busy(self, busy: bool) -> None:
        self.progress.setVisible(busy)
        self.cancel_button.setVisible(busy)
        if busy:
            self.status.plain("Preparing the evidence of the listed grains…")
        elif self.board.grain is None:
            self.status.plain(_NO_GRAIN if self.board.listing is not None else _NO_LIST)
