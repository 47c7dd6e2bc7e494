"""The ingest report in a separate window: a table to sort, text to copy, JSON to save."""

from __future__ import annotations

from html import escape
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QDialog,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.scan.report_text import report_lines
from napari_mineral_anomaly.window.kit.controls import StatusLine, add_parts, push_button, row
from napari_mineral_anomaly.window.kit.saving import choose_and_save, save_file
from napari_mineral_anomaly.window.loading.report_html import pixel_size_text
from napari_mineral_anomaly.window.loading.report_rows import (
    COLUMNS,
    grouped_warnings,
    not_used,
    table_rows,
)
from napari_mineral_anomaly.words import counted

# Fits a laptop screen of 1366 x 768.
_WIDTH, _HEIGHT = 960, 600


class IngestPanel(QDialog):
    """A window that shows what was read, what was not read and why, and what to check.

    Parameters
    ----------
    report : IngestReport
    title : str
        Name of the scan.
    parent : QWidget, optional
    """

    def __init__(self, report: IngestReport, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report = report
        self._title = title
        self.setWindowTitle(f"What was read: {title}")
        self.resize(_WIDTH, _HEIGHT)
        self.headline = StatusLine(f"<b>{escape(title)}</b>: {_headline(report)}")
        self.tabs = QTabWidget()
        self.table = _table(report)
        self.tabs.addTab(self.table, f"Maps ({len(report.used)})")
        self.warnings = _browser(_warnings_html(report))
        self.tabs.addTab(self.warnings, f"Please check ({len(report.warnings)})")
        left_out = not_used(report)
        self.ignored = _browser(_ignored_html(left_out))
        self.tabs.addTab(self.ignored, f"Not used as maps ({len(left_out)})")

        self.copy_button = push_button(
            "Copy as text",
            "Copy the whole report to the clipboard, for notes or mail.",
            self.copy_text,
        )
        self.save_button = push_button(
            "Save as JSON…", "Write the report as ingest.json, for programs.", self._choose_file
        )
        close = push_button("Close", "Close this window.", self.accept)
        self.status = StatusLine()
        column = QVBoxLayout(self)
        buttons = row(self.copy_button, self.save_button, close)
        add_parts(column, self.headline, self.tabs, buttons, self.status)
        column.setStretchFactor(self.tabs, 1)

    def copy_text(self) -> None:
        """Copy the report to the clipboard."""
        QGuiApplication.clipboard().setText("\n".join([self._title, *report_lines(self.report)]))
        self.status.good("The report is on the clipboard.")

    def save_json(self, path: str | Path) -> None:
        """Write the report as JSON; it replaces an earlier file of that name."""
        text = self.report.model_dump_json(indent=2) + "\n"
        save_file(path, lambda to: to.write_text(text, "utf-8"), self.status)

    def _choose_file(self) -> None:
        choose_and_save(self, "Save the report", "ingest.json", "JSON (*.json)", self.save_json)


class ReportButton(QPushButton):
    """Opens the report in a window of its own.

    Attributes
    ----------
    panel : IngestPanel or None
    """

    def __init__(self) -> None:
        super().__init__("Full report…")
        self.setToolTip(
            "Open a window with every map and its lowest and highest number, everything to check, "
            "and every file that was not used. You can copy or save this report."
        )
        self.clicked.connect(self.show_report)
        self.panel: IngestPanel | None = None
        self._report: IngestReport | None = None
        self._title = ""

    def offer(self, report: IngestReport | None, title: str = "") -> None:
        """Offer a report; None hides the button."""
        self._report, self._title = report, title
        self.setVisible(report is not None)

    def show_report(self) -> None:
        """Open the window."""
        if self._report is not None:
            self.close_report()
            self.panel = IngestPanel(self._report, self._title, self.window())
            self.panel.show()

    def close_report(self) -> None:
        """Close the window."""
        if self.panel is not None:
            self.panel.close()
            self.panel.deleteLater()
            self.panel = None


class _Number(QTableWidgetItem):
    """A table cell that sorts by number, not by text."""

    def __init__(self, value: float | int | None) -> None:
        super().__init__(_digits(value))
        self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._value = float("-inf") if value is None else float(value)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return self._value < getattr(other, "_value", 0.0)


def _digits(value: float | int | None) -> str:
    if value is None:
        return ""
    whole = isinstance(value, int) or (1e4 <= abs(value) < 1e12)
    return f"{value:,.0f}" if whole else f"{value:,.5g}"


def _table(report: IngestReport) -> QTableWidget:
    rows = table_rows(report)
    table = QTableWidget(len(rows), len(COLUMNS))
    table.setHorizontalHeaderLabels(list(COLUMNS))
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setToolTip("Click a heading to sort. Lowest, highest and mean count finite pixels only.")
    table.verticalHeader().hide()
    for y, values in enumerate(rows):
        for x, value in enumerate(values):
            item = QTableWidgetItem(value) if isinstance(value, str) else _Number(value)
            table.setItem(y, x, item)
    # Keep the order of the files until the user clicks a heading.
    table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    table.setSortingEnabled(True)
    table.resizeColumnsToContents()
    return table


def _browser(html: str) -> QTextBrowser:
    browser = QTextBrowser()
    browser.setHtml(html)
    return browser


def _headline(report: IngestReport) -> str:
    parts = [counted(len(report.used), "element map")]
    if report.used:
        height, width = report.used[0].shape
        parts.append(f"{height} × {width} pixels (rows × columns)")
    size = pixel_size_text(report.pixel_size_um)
    source = f", {report.pixel_size_source}" if report.pixel_size_um else ""
    parts.append(f"pixel size {size}{escape(source)}")
    if report.spot_size_um is not None:
        parts.append(f"beam {report.spot_size_um:g} µm")
    area = report.valid_area
    if area is not None and area.n_valid < area.n_pixels:
        parts.append(f"{100 * area.n_valid / area.n_pixels:.1f} % of the scan is sample")
    return "; ".join(parts) + "."


def _warnings_html(report: IngestReport) -> str:
    groups = grouped_warnings(report)
    if not groups:
        return "<p>Nothing stood out.</p>"
    return "".join(
        f"<h4>{title}</h4><ul>{''.join(f'<li>{escape(s)}</li>' for s in sentences)}</ul>"
        for title, sentences in groups.items()
    )


def _ignored_html(rows: list[tuple[str, str]]) -> str:
    if not rows:
        return "<p>Every file was used.</p>"
    cells = "".join(
        f"<tr><td><b>{escape(file)}</b>&nbsp;&nbsp;</td><td>{escape(reason)}</td></tr>"
        for file, reason in rows
    )
    return f"<table cellspacing='4'>{cells}</table>"
