"""The row of steps down the edge, ticked as they are done, and the menu of the lab."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QButtonGroup, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.kit.opening import LAB
from napari_mineral_anomaly.window.kit.themes import Inks

WIDTH = 72
_TICK = "✓"

_STYLE = """
QToolButton {{ border: none; border-left: 3px solid transparent; border-radius: 0;
  padding: 8px 2px; color: {text}; background: transparent; }}
QToolButton:hover {{ background: rgba(128, 128, 128, 45); }}
QToolButton:focus {{ border: 1px solid {accent}; border-left: 3px solid {accent}; }}
QToolButton:checked {{ border-left: 3px solid {accent}; background: rgba(128, 128, 128, 60);
  font-weight: bold; }}
QToolButton::menu-indicator {{ image: none; }}
"""
_ACCENT = "#3f82e6"


class Rail(QWidget):
    """One button per step; ``chosen(step)`` is called when the user presses one.

    Parameters
    ----------
    steps : sequence of (str, str, str)
        Name, title and task of each step.
    chosen, open_lab : callable
        Called with the name of a step, or of a dock of the lab.
    """

    def __init__(
        self,
        steps: Sequence[tuple[str, str, str]],
        chosen: Callable[[str], None],
        open_lab: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(2)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        self._titles: dict[str, tuple[int, str]] = {}
        for number, (name, title, task) in enumerate(steps, start=1):
            button = _button(f"{task} (Alt+{number})")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=name: chosen(name))
            button.setAccessibleName(f"Step {number}: {title}")
            self._group.addButton(button)
            self.buttons[name], self._titles[name] = button, (number, title)
            column.addWidget(button)
            self.tick(name, False)
        column.addStretch()
        self.lab_button = _button("Docks for experiments: spectra, clusters, truth, judging.")
        self.lab_button.setText("Lab ▸")
        self.lab_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.lab_menu = QMenu(self)
        for dock in LAB:
            words = dock.removeprefix("Lab: ").capitalize()
            self.lab_menu.addAction(words).triggered.connect(
                lambda _=False, dock=dock: open_lab(dock)
            )
        self.lab_button.setMenu(self.lab_menu)
        column.addWidget(self.lab_button)

    def show_step(self, name: str) -> None:
        """Mark the step that is shown."""
        self.buttons[name].setChecked(True)

    def tick(self, name: str, done: bool) -> None:
        """Tick a step, or take its tick away."""
        number, title = self._titles[name]
        button = self.buttons[name]
        lines = title.replace(" ", "\n")  # two words are too wide for the row
        button.setText(f"{_TICK if done else number}\n{lines}")
        button.setShortcut(f"Alt+{number}")  # Qt forgets it with every new text

    def set_inks(self, inks: Inks) -> None:
        """Colours of the theme."""
        self.setStyleSheet(_STYLE.format(text=inks.text, accent=_ACCENT))


def _button(tooltip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tooltip)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
