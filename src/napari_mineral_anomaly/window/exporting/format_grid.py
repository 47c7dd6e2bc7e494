"""The grid of check boxes: a row per result, a column per format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from napari_mineral_anomaly.runs.export import FORMATS, Format
from napari_mineral_anomaly.window.exporting.plan import DEFAULTS, ROWS, Choice

_HEADINGS: dict[Format, str] = {
    "ome": "OME",
    "imagej": "Fiji",
    "folder": "each",
    "png": "PNG",
    "csv": "CSV",
    "zarr": "Zarr",
    "qupath": "QuPath",
    "qgis": "QGIS",
}

_OUTLINES: tuple[Format, ...] = ("qupath", "qgis")


class FormatGrid(QWidget):
    """Boxes to tick; those of results that do not exist are disabled and say why.

    Attributes
    ----------
    boxes : dict of (result, format) to QCheckBox
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.boxes: dict[Choice, QCheckBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2)
        grid.setVerticalSpacing(2)
        columns = {form: k for k, form in enumerate(FORMATS, start=1) if form not in _OUTLINES}
        for form, column in columns.items():
            words = FORMATS[form]
            heading = QLabel(_HEADINGS[form])
            heading.setToolTip(words)
            grid.addWidget(heading, 0, column, Qt.AlignmentFlag.AlignHCenter)
        for line, (key, result) in enumerate(ROWS.items(), start=1):
            title = QLabel(result.title)
            title.setMinimumWidth(title.fontMetrics().horizontalAdvance(result.title) + 8)
            grid.addWidget(title, line, 0)
            for form in result.formats:
                box = QCheckBox()
                box.setAccessibleName(f"{result.title} as {_HEADINGS[form]}")
                box.setEnabled(False)  # until its result exists
                box.toggled.connect(self._on_toggled)
                self.boxes[key, form] = box
                if form in columns:
                    grid.addWidget(box, line, columns[form], Qt.AlignmentFlag.AlignHCenter)
        # Shapes are no maps: they have a row of their own with words. A column for each would be
        # too wide for a laptop.
        outlines = QWidget()
        side_by_side = QHBoxLayout(outlines)
        side_by_side.setContentsMargins(0, 0, 0, 0)
        for (_, form), box in self.boxes.items():
            if form in _OUTLINES:
                box.setText(_HEADINGS[form])
                side_by_side.addWidget(box)
        side_by_side.addStretch()
        grid.addWidget(QLabel("Outlines for"), len(ROWS) + 1, 0)
        grid.addWidget(outlines, len(ROWS) + 1, 1, 1, len(columns))
        grid.setColumnStretch(0, 1)

    def chosen(self) -> list[Choice]:
        """The ticked boxes: (result, format)."""
        return [key for key, box in self.boxes.items() if box.isEnabled() and box.isChecked()]

    def possible(self, wanted: Iterable[Choice]) -> list[Choice]:
        """Those of some choices whose result exists."""
        return [choice for choice in wanted if self.boxes[choice].isEnabled()]

    def offer(self, reasons: Mapping[str, str]) -> None:
        """Enable the boxes of results that can be written; say why the others cannot."""
        for choice, box in self.boxes.items():
            key, form = choice
            was_enabled = box.isEnabled()
            box.blockSignals(True)
            box.setEnabled(not reasons[key])
            if reasons[key]:
                box.setChecked(False)
                box.setToolTip(f"Not possible: {reasons[key]}.")
            else:
                box.setToolTip(f"{ROWS[key].title}. {FORMATS[form]}.")
                if not was_enabled:
                    box.setChecked(choice in DEFAULTS)
            box.blockSignals(False)

    def _on_toggled(self, ticked: bool) -> None:
        self.changed.emit()
