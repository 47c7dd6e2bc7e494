"""The button that saves the shown spectrum as EMSA/MAS text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.file_names import safe_file_name
from napari_mineral_anomaly.io.writing.msa import SavedSpectrum, region_to_save, write_msa
from napari_mineral_anomaly.scan.looking.region import Region
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam
from napari_mineral_anomaly.window.kit.controls import column_of, push_button
from napari_mineral_anomaly.window.kit.saving import choose_and_save


class SaveSpectrum(QWidget):
    """Saves one spectrum; the button works while there is one."""

    said = Signal(str)
    refused = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._spectrum: SavedSpectrum | None = None
        self._source = ""
        self.button = push_button(
            "Save spectrum…",
            "Save the sum spectrum of the pixel, region or scan that is shown as EMSA/MAS text "
            "(.msa), which HyperSpy, DTSA and the programs of most instruments open.",
            self._choose_file,
        )
        self.button.setEnabled(False)
        column_of(self).addWidget(self.button)

    def offer(
        self,
        image: SpectrumImage | None,
        region: Region | None = None,
        counts: NDArray[np.float64] | None = None,
        beam: Beam | None = None,
    ) -> None:
        """Take the spectrum that would be saved; None for none."""
        self._spectrum = None
        if image is not None and region is not None and counts is not None:
            self._spectrum = region_to_save(image, region, counts, beam)
            self._source = image.source
        self.button.setEnabled(self._spectrum is not None)

    def save(self, path: str | Path) -> None:
        """Write the spectrum to a file; what happened is told by the signals."""
        if self._spectrum is None:
            return
        try:
            saved = write_msa(path, self._spectrum, inputs=[self._source] if self._source else [])
        except InputError as error:
            self.refused.emit(str(error))
            return
        self.said.emit(f"Saved {saved}.")

    def _choose_file(self) -> None:
        name = safe_file_name(Path(self._source).stem or "spectrum")
        kind = "EMSA/MAS spectrum (*.msa)"
        choose_and_save(self, "Save the spectrum", f"{name}.msa", kind, self.save)
