"""Clicks and seconds of a practised user from opening the sample to a written client report.

    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python benchmarks/clicks_to_report.py

Drives a real napari window with mouse and keyboard. It waits after each action until the window
shows what it leads to. Writes docs/measured/clicks_to_report.md. A person reads and thinks between
the actions; the seconds are those of the program.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import napari
from qtpy.QtCore import QEvent, QSettings, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication

from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, LOOK, OPEN

PAGE = Path(__file__).parents[1] / "docs" / "measured" / "clicks_to_report.md"
ACCEPTED = 3
LONGEST_S = 300.0


class Action(NamedTuple):
    """What the user did, and what it took."""

    what: str
    clicks: int
    keys: int
    seconds: float


class User:
    """Clicks and types in the window, and counts."""

    def __init__(self) -> None:
        self.actions: list[Action] = []

    def click(self, button: QAbstractButton, shown: Callable[[], bool]) -> None:
        """Click a button that can be seen, and wait for what it leads to."""
        # A button of the row of steps has its number or a tick above its title.
        words = " ".join(button.text().replace("&", "").split("\n")).lstrip("12345✓ ")
        until(lambda: button.isVisible() and button.isEnabled(), f"the button {words}")
        place = button.visibleRegion().boundingRect().center()
        assert not button.visibleRegion().isEmpty(), f"{words} is out of sight"
        self._do(
            f"click *{words}*",
            lambda: QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=place),
            shown,
            clicks=1,
        )

    def type(self, field: Any, text: str) -> None:
        """Click into a field and type a text."""
        self._do(
            f"click into the field of the folder and type its name ({len(text)} letters)",
            lambda: (
                QTest.mouseClick(field, Qt.MouseButton.LeftButton),
                QTest.keyClicks(field, text),
            ),
            lambda: field.text() == text,
            clicks=1,
            keys=len(text),
        )

    def _do(
        self,
        what: str,
        act: Callable[[], Any],
        shown: Callable[[], bool],
        *,
        clicks: int = 0,
        keys: int = 0,
    ) -> None:
        started = time.perf_counter()
        act()
        until(shown, what)
        self.actions.append(Action(what, clicks, keys, time.perf_counter() - started))


def until(done: Callable[[], bool], what: str) -> None:
    """Let the window work until ``done``."""
    end = time.monotonic() + LONGEST_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"after {LONGEST_S:.0f} s there was nothing after: {what}")
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        time.sleep(0.005)


def list_is_complete(table: Any) -> bool:
    """Whether the grains are listed with their minerals and flags."""
    return table.model.rowCount() > 0 and not table.model.pending


def walk(viewer: Any, folder: Path) -> list[Action]:
    """From the empty window to the report."""
    user, workbench = User(), open_step(viewer, OPEN)
    state = workbench.state
    opening = workbench.step(OPEN)
    user.click(
        opening.start.sample_button,
        lambda: state.step == LOOK and len(workbench.step(LOOK).chips.chosen) == 3,
    )
    user.click(workbench.step(LOOK).find_button, lambda: state.step == FIND)
    find = workbench.step(FIND)
    user.click(find.quick_button, lambda: first_layer(viewer, "mask") is not None)
    user.click(
        find.next_button,
        lambda: state.step == DECIDE and list_is_complete(workbench.step(DECIDE).table),
    )
    table, card = workbench.step(DECIDE).table, workbench.step(DECIDE).card
    user.click(card.next_button, lambda: not card.bars.isHidden())
    for n in range(1, ACCEPTED + 1):
        user.click(
            card.accept_button,
            lambda n=n: len(table.board.verdicts()) == n and not card._turns.pending,
        )
    user.click(workbench.rail.buttons[HAND_OVER], lambda: state.step == HAND_OVER)
    hand_over = workbench.step(HAND_OVER)
    user.type(hand_over.folder, folder.name)
    user.click(
        hand_over.export_button,
        lambda: hand_over.status.text().startswith("Wrote"),
    )
    return user.actions


def page(actions: list[Action], n_grains: int) -> str:
    """The table, in Markdown."""
    rows = [
        f"| {number} | {one.what} | {one.seconds:.1f} |"
        for number, one in enumerate(actions, start=1)
    ]
    clicks, keys, seconds = (sum(column) for column in list(zip(*actions, strict=True))[1:])
    return "\n".join(
        [
            f"The sample section, *Quick look*, {ACCEPTED} of {n_grains} grains accepted, client "
            f"report as HTML and PDF: **{clicks} clicks and {keys} letters, "
            f"{seconds:.0f} seconds**. The seconds are those until the window shows what the "
            "action leads to, with a software renderer, on two processors without other work. "
            "The time in which a person reads and decides is not in them.",
            "",
            "| | action | seconds |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Work through the window and write the page."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        # Projects and settings of their own, so that no question about earlier work comes up.
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "MINERAL_ANOMALY_CONFIG"):
            os.environ[name] = str(Path(scratch) / name)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, scratch)
        viewer = napari.Viewer(show=True)
        viewer.window._qt_window.resize(1366, 768)
        actions = walk(viewer, Path("report"))
        written = sorted(path.name for path in Path("report").iterdir())
        assert written == ["client_report.html", "client_report.pdf"], written
        n_grains = len(board_of(viewer).listing.table)
        PAGE.write_text(page(actions, n_grains), "utf-8")
        print(PAGE.read_text("utf-8"))
        viewer.close()


if __name__ == "__main__":
    main()
