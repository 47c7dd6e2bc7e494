"""The words of a status line can be read on napari's dark and on its light background."""

from __future__ import annotations

from typing import Any

import pytest
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_mineral_anomaly.window.kit.controls import StatusLine


def _luminance(colour: QColor) -> float:
    """Relative luminance, as the Web Content Accessibility Guidelines define it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: QColor, two: QColor) -> float:
    low, high = sorted(_luminance(colour) for colour in (one, two))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", ["plain", "good", "warning", "error"])
def test_a_status_can_be_read_in_both_themes_also_after_a_change(
    make_napari_viewer: Any, kind: str
) -> None:
    viewer = make_napari_viewer()
    holder, line = QWidget(), StatusLine()
    QVBoxLayout(holder).addWidget(line)
    viewer.window.add_dock_widget(holder)
    getattr(line, kind)("Done.")
    for theme in ("dark", "light", "dark"):
        viewer.theme = theme
        background = QColor(*get_theme(theme).background.as_rgb_tuple()[:3])
        words = line.palette().color(line.foregroundRole())
        assert _contrast(words, background) >= 4.5, (theme, kind, words.name())
