"""What to check before a section is shown, as high as its text."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtWidgets import QTextBrowser

# Higher texts scroll by themselves; on a laptop this is half of the step.
_HIGHEST = 260


class Notes(QTextBrowser):
    """Text without a scroll bar of its own: the step around it scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("What may be wrong. Read this before you show the section.")

    def show_notes(self, html: str) -> None:
        """Show a text."""
        self.setHtml(html)
        self._fit()

    def resizeEvent(self, event: Any) -> None:
        """A narrower text is higher."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        document = self.document()
        assert document is not None
        document.setTextWidth(self.viewport().width())
        needed = math.ceil(document.size().height()) + 2 * self.frameWidth()
        if self.height() != min(needed, _HIGHEST):
            self.setFixedHeight(min(needed, _HIGHEST))
