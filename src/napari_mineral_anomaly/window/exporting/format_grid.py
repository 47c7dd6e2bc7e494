"""The grid of check boxes: a row per result, a column per format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from napari_mineral_anomaly.runs.export import FORMATS, Format
from napari_mineral_anomaly.window.exporting.plan import DEFAULTS, ROWS, Choice
from napari_mineral_anomaly.window.kit.controls import flow

_HEADINGS: dict[Format, str] = {
    "ome": "OME",
    "imagej": "Fiji",
    "folder": "one TIFF per element",
    "png": "PNG",
    "csv": "CSV",
    "zarr": "Zarr",
    "qupath": "QuPath",
    "qgis": "QGIS",
}

# Boxes with words below the grid, as a column for each would be too wide for a laptop: the title of
# their line, and whether they are named after the format or after the result.
_IN_WORDS: dict[Format, tuple[str, bool]] = {
    "folder": ("One TIFF per element of", False),
    "qupath": ("Outlines for", True),
    "qgis": ("Outlines for", True),
}


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
        grid.setHorizontalSpacing(5)
        grid.setVerticalSpacing(2)
        in_columns = [form for form in FORMATS if form not in _IN_WORDS]
        columns = {form: k for k, form in enumerate(in_columns, start=1)}
        for form, column in columns.items():
            words = FORMATS[form]
            heading = QLabel(_HEADINGS[form])
            heading.setToolTip(words)
            heading.setStyleSheet("padding: 0px; margin: 0px;")
            grid.addWidget(heading, 0, column, Qt.AlignmentFlag.AlignHCenter)
        for line, (key, result) in enumerate(ROWS.items(), start=1):
            title = QLabel(result.title)
            title.setMinimumWidth(title.sizeHint().width())
            grid.addWidget(title, line, 0)
            for form in result.formats:
                box = QCheckBox()
                box.setAccessibleName(f"{result.title} as {_HEADINGS[form]}")
                box.setEnabled(False)  # until its result exists
                box.toggled.connect(self._on_toggled)
                self.boxes[key, form] = box
                if form in columns:
                    grid.addWidget(box, line, columns[form], Qt.AlignmentFlag.AlignHCenter)
        lines: dict[str, list[QCheckBox]] = {}
        for (key, form), box in self.boxes.items():
            if form in _IN_WORDS:
                title, by_format = _IN_WORDS[form]
                box.setText(_HEADINGS[form] if by_format else ROWS[key].title)
                lines.setdefault(title, []).append(box)
        line = len(ROWS) + 1
        for title, boxes in lines.items():
            for part in (QLabel(title), _side_by_side(boxes)):
                grid.addWidget(part, line, 0, 1, len(columns) + 1)
                line += 1
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


def _side_by_side(boxes: Sequence[QCheckBox]) -> QWidget:
    place = QWidget()
    place.setLayout(flow(*boxes))
    return place
