"""What the step *Open* found: the files, what to check, the pixel size, the sample area."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_mineral_anomaly.io.formats.shared.axes import Channels, open_axis
from napari_mineral_anomaly.io.reading.sizes.pixel_size import TYPED_EARLIER
from napari_mineral_anomaly.scan.report import IngestReport, UndecidedMap
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    add_parts,
    column_of,
    primary_button,
    push_button,
)
from napari_mineral_anomaly.window.loading.file_rows import file_rows
from napari_mineral_anomaly.window.loading.files_table import FilesTable
from napari_mineral_anomaly.window.loading.notes import Notes
from napari_mineral_anomaly.window.loading.options import PixelSizeFields, SampleArea
from napari_mineral_anomaly.window.loading.reading import MapsRead
from napari_mineral_anomaly.window.loading.report_html import headline, warnings_html


class FoundScan(QWidget):
    """The scan that was read, to be corrected before it is shown.

    Parameters
    ----------
    show_section : callable
        Called when the user wants the section.
    other_axis : callable
        Called with the axis that counts the elements, where the user says that it is another one.

    Attributes
    ----------
    files : FilesTable
    size : PixelSizeFields
    area : SampleArea
    """

    def __init__(
        self,
        show_section: Callable[[], Any],
        other_axis: Callable[[Channels | None], Any],
    ) -> None:
        super().__init__()
        self._other_axis: Channels | None = None
        self.summary = StatusLine()
        self.files = FilesTable()
        self.axis_button = push_button(
            "",
            "The file does not say which of its axes counts the elements. The report says which "
            "one was taken; this reads the scan again with the other.",
            lambda: other_axis(self._other_axis),
        )
        self.notes = Notes()
        self.size = PixelSizeFields()
        self.area = SampleArea()
        self.add_button = primary_button(
            "Show the section", "Show the maps in napari, one layer per element.", show_section
        )
        self._of_maps = (self.axis_button, self.notes, self.size, self.area)
        column = column_of(self)
        # The button stands above what scrolls out of sight on a small screen.
        add_parts(column, self.summary, self.axis_button, self.size, self.area, self.add_button)
        add_parts(column, self.files, self.notes)

    def show_maps(
        self,
        read: MapsRead,
        remembered_size: tuple[float, float] | None,
        mask: Path | None = None,
        *,
        again: bool = False,
    ) -> None:
        """Show what was read.

        Parameters
        ----------
        read : MapsRead
        remembered_size : (float, float) or None
            The pixel size that was typed for this folder earlier.
        mask : Path, optional
            The image of the valid area.
        again : bool
            Whether the same files were read again: what was typed for their size stays.
        """
        report = read.report
        self.summary.plain(f"<b>{headline(read.cube)}</b>")
        self._show_files(report, read, mask)
        self.notes.show_notes(warnings_html(report))
        for part in self._of_maps:
            part.show()
        self.notes.setVisible(bool(report.warnings))
        self._other_axis = open_axis(report.warnings)
        self.axis_button.setText(f"The {self._other_axis} axis counts the elements: read again")
        self.axis_button.setVisible(self._other_axis is not None)
        if not again:
            is_kept = report.pixel_size_source == TYPED_EARLIER
            known = None if is_kept else read.cube.pixel_size
            self.size.offer(known, report.pixel_size_source, remembered_size)
        self.area.offer(read.cube)
        self.add_button.setEnabled(True)
        self.show()

    def ask(self, to_decide: Sequence[UndecidedMap]) -> None:
        """Ask for the elements of maps, where no name says one: there is no scan yet."""
        self.summary.plain("")
        self.files.offer(file_rows(IngestReport(to_decide=tuple(to_decide)), {}), {})
        for part in self._of_maps:
            part.hide()
        self.add_button.setEnabled(False)
        self.show()

    def _show_files(self, report: IngestReport, read: MapsRead, mask: Path | None) -> None:
        rows = file_rows(report, read.told, mask)
        # Bands of light are no elements, and maps made from spectra have no files.
        is_named = read.cube.quantity != "reflectance" and bool(rows)
        self.files.setVisible(is_named)
        chosen = next((row.file for row in rows if row.use == "mask"), "")
        self.files.offer(rows, read.told, chosen)
