"""What to check before a section is shown."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.window.loading.notes import Notes


def test_notes_are_as_high_as_their_text(qtbot: Any) -> None:
    notes = Notes()
    qtbot.addWidget(notes)
    notes.resize(300, 100)
    notes.show()
    qtbot.waitExposed(notes)
    bar = notes.verticalScrollBar()
    heights = []
    for n in (1, 6, 200):
        notes.show_notes("<p>" + "The lines of Ba and Ti overlap. " * n + "</p>")
        qtbot.wait(10)
        heights.append(notes.height())
        assert (bar.maximum() > 0) == (n == 200), "a long report scrolls by itself"
    assert heights[0] < heights[1] < heights[2] == 260
    notes.show_notes("<p>" + "The lines of Ba and Ti overlap. " * 6 + "</p>")
    notes.resize(150, notes.height())
    qtbot.waitUntil(lambda: notes.height() > heights[1], timeout=5000)
    assert bar.maximum() == 0
