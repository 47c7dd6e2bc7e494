"""A chip per element: one, two for a ratio, or three for colours can be chosen."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.kit.controls import flow

# Backgrounds of the chosen chips, by their number; the text on them is dark or white.
_ONE = ("#2f6fd0", "white")
_TWO = (("#2f6fd0", "white"), ("#8a93a0", "black"))
_THREE = (("#d83a3a", "white"), ("#2e9e4f", "white"), ("#3a62e0", "white"))


class ElementChips(QWidget):
    """Buttons with the names of the elements.

    A click on a chip takes the place of the oldest choice where all places are taken.

    Attributes
    ----------
    places : int
        How many elements can be chosen.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.chips: dict[str, QToolButton] = {}
        self.places = 1
        self._is_offer = False
        self._chosen: list[str] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._inner: QWidget | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The chosen elements in their order."""
        return tuple(self._chosen)

    def set_elements(self, elements: Sequence[str]) -> None:
        """Show chips for these elements; choices that are still there stay."""
        if list(elements) == list(self.chips):
            return
        if self._inner is not None:
            self._column.removeWidget(self._inner)
            self._inner.hide()
            self._inner.deleteLater()
        self.chips = {}
        for element in elements:
            chip = QToolButton()
            chip.setText(element)
            chip.setToolTip(f"Show {element}.")
            chip.clicked.connect(lambda _=False, element=element: self.choose(element))
            self.chips[element] = chip
        self._inner = QWidget()
        self._inner.setLayout(flow(*self.chips.values()))
        self._column.addWidget(self._inner)
        self._chosen = [one for one in self._chosen if one in self.chips]
        self._colour()

    def set_places(self, places: int) -> None:
        """How many elements can be chosen; the newest choices stay."""
        self.places, self._is_offer = places, False
        self._chosen = self._chosen[-places:]
        self._colour()

    def choose(self, element: str) -> None:
        """Choose an element, or take a choice back where there is another one.

        After an offer, a choice shows the one element.
        """
        if self._is_offer:
            self.places, self._is_offer, self._chosen = 1, False, [element]
        elif element in self._chosen and self.places > 1:
            self._chosen.remove(element)
        elif element not in self._chosen:
            self._chosen = [*self._chosen, element][-self.places :]
        self._colour()
        self.changed.emit()

    def offer(self, elements: Sequence[str]) -> None:
        """Choose elements at which the user may begin, without the signal `changed`."""
        self.set_places(len(elements))
        self.set_chosen(elements)
        self._is_offer = True

    def set_chosen(self, elements: Sequence[str]) -> None:
        """Choose these elements, without the signal `changed`."""
        self._chosen = [one for one in elements if one in self.chips][-self.places :]
        self._colour()

    def _colour(self) -> None:
        colours = {1: (_ONE,), 2: _TWO, 3: _THREE}[self.places]
        for element, chip in self.chips.items():
            style = "QToolButton { padding: 4px 7px; "
            if element in self._chosen:
                back, text = colours[self._chosen.index(element)]
                style += f"background: {back}; color: {text}; font-weight: bold; "
            style += "}"
            if chip.styleSheet() != style:  # Qt computes the look of a widget anew at each
                chip.setStyleSheet(style)
