"""The fields of the step *Open*: pixel size, beam, spectra, sample area."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QWidget,
)

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.window.kit.calibration import EnergyFields
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    add_parts,
    column_of,
    form_layout,
    push_button,
)
from napari_mineral_anomaly.window.loading.report_html import pixel_size_text

_BEAM_FROM_SPECTRA = "from the spectra"


class PixelSizeFields(QWidget):
    """Step of the scan in one or two directions, and the diameter of the beam."""

    def __init__(self) -> None:
        super().__init__()
        form = form_layout()
        self.setLayout(form)
        self.note = StatusLine()
        form.addRow(self.note)
        self.x = _micrometres("Distance between two neighbouring pixels of a row, in µm.")
        self.x.setSpecialValueText("unknown")
        self.x.valueChanged.connect(self._on_value)
        form.addRow("Pixel size", self.x)
        self.y = _micrometres("Distance between two neighbouring rows, in µm.")
        self.row_label = QLabel("Row distance")
        form.addRow(self.row_label, self.y)
        self.spot = _micrometres(
            "Diameter of the beam in µm, if you know it. It is recorded with the results. Grains "
            "smaller than the beam appear as blobs of its size."
        )
        self.spot.setSpecialValueText("not given")
        form.addRow("Beam width", self.spot)
        self._square = True
        self._offered = (0.0, 0.0)
        self._exact: tuple[float, float] | None = None

    def offer(
        self,
        known: tuple[float, float] | None,
        source: str,
        remembered: tuple[float, float] | None,
    ) -> None:
        """Show the size from the files, else the size typed earlier for this folder, else ask."""
        size = known or remembered
        if known is not None:
            note = f"Pixel size {pixel_size_text(known)}, from {source}."
        elif size is not None:
            note = "The files give no pixel size. This is the size that you typed last time."
        else:
            note = "The files give no pixel size: please type it (step of the scan)."
        self.note.plain(note)
        y, x = size or (0.0, 0.0)
        self._exact = known
        self._square = y == x
        self.row_label.setVisible(not self._square)
        self.y.setVisible(not self._square)
        self.x.setValue(x)
        self.y.setValue(y)
        self._offered = (self.y.value(), self.x.value())

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """(y, x) in µm; None where unknown."""
        y, x = self.y.value(), self.x.value()
        if self._exact is not None and self._offered == (y, x):
            return self._exact  # not changed: keep the digits that the box does not show
        return (y, x) if y > 0 and x > 0 else None

    @property
    def spot_size(self) -> float | None:
        """Diameter of the beam in µm; None where it was not given."""
        return self.spot.value() or None

    def _on_value(self, value: float) -> None:
        if self._square:
            self.y.setValue(value)


class SpectraFields(QWidget):
    """Energy calibration and elements with which a spectrum image is read again."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.note = StatusLine()
        self.energy_fields = EnergyFields()
        form = form_layout()
        self.elements_line = QLineEdit()
        self.elements_line.setPlaceholderText("found in the spectra")
        self.elements_line.setToolTip(
            "Elements to map, for example Si, Fe, Pb Ma. If empty: those that stand out in the "
            "sum spectrum. You can change the list later in “Lab: spectrum”."
        )
        self.elements_line.returnPressed.connect(self.wanted.emit)
        form.addRow("Elements", self.elements_line)
        self.beam = QDoubleSpinBox()
        self.beam.setRange(0.0, 400.0)
        self.beam.setDecimals(3)
        self.beam.setSuffix(" keV")
        self.beam.setSpecialValueText(_BEAM_FROM_SPECTRA)
        self.beam.setToolTip(
            "Voltage of the tube or microscope, or energy of the beamline. Lines that it cannot "
            "excite are not mapped. At the lowest value: as the file or the spectra tell it."
        )
        form.addRow("Beam energy", self.beam)
        self.per_second_box = QCheckBox("Counts per second of live time")
        self.per_second_box.setToolTip(
            "Divide the counts of each pixel by its live time. Such maps are no counts any more: "
            "use them where the live time differs between pixels."
        )
        self.per_second_box.hide()
        form.addRow(self.per_second_box)
        self.again_button = push_button(
            "Read with these",
            "Make the maps with this calibration and these elements.",
            self.wanted.emit,
        )
        add_parts(column_of(self), self.note, self.energy_fields, form, self.again_button)

    @property
    def energy(self) -> tuple[float, float] | None:
        """(offset, gain) in keV as shown."""
        return self.energy_fields.energy

    @property
    def elements(self) -> tuple[str, ...]:
        """The typed elements; empty for an automatic list."""
        typed = self.elements_line.text().replace(";", ",").split(",")
        return tuple(" ".join(name.split()) for name in typed if name.strip())

    @property
    def beam_energy(self) -> float | None:
        """The typed beam energy in keV; None where none was typed."""
        return self.beam.value() or None

    @property
    def per_second(self) -> bool:
        """Whether maps of counts per second are wanted."""
        return self.per_second_box.isChecked() and not self.per_second_box.isHidden()

    def ask(self, n_channels: int, remembered: tuple[float, float] | None) -> None:
        """Ask for a calibration that the file does not hold."""
        note = (
            f"The file holds {n_channels} channels per pixel, but not their energies: type the "
            "calibration (the measuring program shows it), then read."
        )
        if remembered is not None:
            note += " This is the calibration that you typed last time."
        self.note.plain(note)
        self.energy_fields.show_energy(remembered)
        self.elements_line.clear()
        self.beam.setSpecialValueText(_BEAM_FROM_SPECTRA)
        self.beam.setValue(0.0)
        self.per_second_box.hide()

    def show_spectra(self, spectra: SpectrumImage, elements: tuple[str, ...]) -> None:
        """Show the calibration and elements that the maps were made with."""
        self.note.plain(
            "The maps were made from spectra. The spectra are kept: “Lab: spectrum” shows the "
            "spectrum of the scan and of any pixel."
        )
        energy = spectra.energy
        self.energy_fields.show_energy(
            None if energy is None else (energy.offset_kev, energy.gain_kev)
        )
        self.elements_line.setText(", ".join(elements))
        self.elements_line.setCursorPosition(0)
        is_typed = spectra.beam_source == "typed"
        if not is_typed:
            known = spectra.beam_kev is not None
            words = f"{spectra.beam_kev:g} keV, from the file" if known else _BEAM_FROM_SPECTRA
            self.beam.setSpecialValueText(words)
        self.beam.setValue(float(spectra.beam_kev or 0.0) if is_typed else 0.0)
        self.per_second_box.setVisible(spectra.live_time is not None)


class SampleArea(QWidget):
    """Which part of the scan is sample, and whether to show it as a layer to brush."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox("Sample area, to edit")
        self.box.setToolTip(
            "Add a layer that tints the pixels outside the sample (1 sample, 0 not sample). Brush "
            "to correct it: only the sample is analysed."
        )
        self.note = StatusLine()
        add_parts(column_of(self), self.box, self.note)

    @property
    def with_layer(self) -> bool:
        """Whether it is wanted as a layer."""
        return self.box.isChecked()

    def offer(self, cube: ElementCube) -> None:
        """Show what is outside the sample of this scan."""
        outside = 100.0 * (1.0 - cube.n_valid / cube.valid.size)
        self.box.setChecked(outside > 0)
        self.note.plain(
            f"{outside:.1f} % of the pixels are outside the sample or missing." if outside else ""
        )


def _micrometres(tooltip: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(0.0, 100_000.0)
    spin.setDecimals(3)
    spin.setSuffix(" µm")
    spin.setToolTip(tooltip)
    return spin
