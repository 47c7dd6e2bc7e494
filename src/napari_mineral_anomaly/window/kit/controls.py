"""Small controls and layouts for the docks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_mineral_anomaly.progress import PLAN, ProgressEvent

# Lightness of a text from which on it must stand on a dark background.
_MIDDLE = 127


class StatusLine(QLabel):
    """One or a few lines of text that wrap and can be copied."""

    # Contrast of at least 4.5 to 1 on the background of napari's dark and of its light theme.
    _ON_DARK: ClassVar = {"error": "#ff7a70", "good": "#6cc070", "warning": "#e0a93f"}
    _ON_LIGHT: ClassVar = {"error": "#b3261e", "good": "#2a752e", "warning": "#8a5a00"}
    _kind = ""

    def __init__(self, text: str = "", *, tooltip: str = "") -> None:
        super().__init__()
        self.setToolTip(tooltip)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.plain(text)

    def plain(self, text: str) -> None:
        """A statement or an instruction."""
        self._show(text, "plain")

    def good(self, text: str) -> None:
        """A success."""
        self._show(text, "good")

    def warning(self, text: str) -> None:
        """Something that the user should know before going on."""
        self._show(text, "warning")

    def error(self, text: str) -> None:
        """A failure."""
        self._show(text, "error")

    def _show(self, text: str, kind: str) -> None:
        # A new style takes Qt milliseconds, and progress comes ten times a second.
        if kind != self._kind:
            self._kind = kind
            self._take_colour()
        self.setText(text)
        self.setVisible(bool(text))

    def changeEvent(self, event: QEvent | None) -> None:
        """Another theme: take its colour."""
        super().changeEvent(event)
        if event is not None and event.type() in (
            QEvent.Type.PaletteChange,
            QEvent.Type.StyleChange,
        ):
            self._take_colour()

    def _take_colour(self) -> None:
        around = self.parentWidget() or self
        is_dark = around.palette().color(around.foregroundRole()).lightness() > _MIDDLE
        colour = (self._ON_DARK if is_dark else self._ON_LIGHT).get(self._kind)
        style = f"color: {colour};" if colour else ""
        if style != self.styleSheet():
            self.setStyleSheet(style)


def push_button(text: str, tooltip: str, action: Callable[[], Any]) -> QPushButton:
    """A button that calls ``action``."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.clicked.connect(action)
    return made


# The one button of a step to press next. The colours can be read in napari's dark and light theme.
_LARGE = "QPushButton { padding: 7px 12px; }"
_PRIMARY = """
QPushButton { background: #2f6fd0; color: white; font-weight: bold; }
QPushButton:hover { background: #3f82e6; }
QPushButton:pressed { background: #245bb0; }
QPushButton:focus { border: 1px solid #9cc2ff; }
QPushButton:disabled { background: rgba(128, 128, 128, 60); color: rgba(128, 128, 128, 200); }
"""


def primary_button(
    text: str, tooltip: str, action: Callable[[], Any], *, large: bool = True
) -> QPushButton:
    """The button that a user is expected to press next.

    A large one stands alone; another one is as high as the buttons beside it.
    """
    made = push_button(text, tooltip, action)
    make_primary(made, large=large)
    return made


def make_primary(button: QPushButton, primary: bool = True, *, large: bool = True) -> None:
    """Let a button stand out as the next one to press, or take that away."""
    look = _PRIMARY + _LARGE if large else _PRIMARY
    button.setStyleSheet(look if primary else "")


class ProgressBar(QProgressBar):
    """How far a job is; hidden until a job runs.

    Qt would repaint the bar at once at each new value, and with it the map behind napari's canvas
    and whatever else waits to be painted. While updates are off, it paints the bar later, together
    with other widgets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hide()

    def setRange(self, minimum: int, maximum: int) -> None:
        """An unknown end (0, 0) is an empty bar.

        Qt would move a chunk to and fro for ever, and each move draws the canvas behind it again:
        on a large screen without a graphics card, the work itself stood still.
        """
        self.setUpdatesEnabled(False)
        super().setRange(minimum, max(maximum, minimum + 1))
        super().setValue(minimum)
        self.setUpdatesEnabled(True)

    def setValue(self, value: int) -> None:
        """How far it is."""
        self.setUpdatesEnabled(False)
        super().setValue(value)
        self.setUpdatesEnabled(True)

    def show_step(self, step: int, total: int) -> None:
        """Show that ``step`` of ``total`` is done; a total of 0 means unknown."""
        self.setRange(0, total)
        self.setValue(step)

    def show_events(self, events: Sequence[ProgressEvent]) -> None:
        """Show the last of these steps."""
        steps = [event for event in events if event.phase != PLAN]
        if steps:
            self.show_step(steps[-1].step, steps[-1].total)


def bind_keys(widget: QWidget, actions: Mapping[str, Callable[[], Any]]) -> None:
    """Call these actions on keys such as "Ctrl+Z" while ``widget`` or a part of it has the focus.

    A line in which the user types gets letters first.
    """
    for key, action in actions.items():
        shortcut = QShortcut(QKeySequence(key), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(action)


def row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def column_of(parent: QWidget) -> QVBoxLayout:
    """A layout for widgets one below the other in ``parent``, without margins."""
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    return column


def add_parts(column: QBoxLayout, *parts: QWidget | QLayout) -> None:
    """Add widgets and layouts, one below the other."""
    for part in parts:
        if isinstance(part, QLayout):
            column.addLayout(part)
        else:
            column.addWidget(part)


def flow(*widgets: QWidget, gap: int | None = None) -> QFlowLayout:
    """Widgets side by side, ``gap`` pixels apart; they take several lines in a narrow dock."""
    layout = QFlowLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    if gap is not None:  # the style of napari names none: its buttons touch
        layout.setHorizontalSpacing(gap)
        layout.setVerticalSpacing(gap)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def bold_label() -> QLabel:
    """An empty line of bold text that wraps."""
    label = QLabel()
    label.setWordWrap(True)
    label.setStyleSheet("font-weight: bold;")
    return label


def spin_box(low: int, high: int, value: int = 0, *, tooltip: str = "") -> QSpinBox:
    """A field for a whole number from ``low`` to ``high``; the default is the nearest to 0."""
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setToolTip(tooltip)
    return box


def form_layout() -> QFormLayout:
    """Labels left, fields right, in a narrow dock."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return form


def fit_width(combo: QComboBox) -> None:
    """Keep a long name from widening the dock."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
