"""The list of the sections of a window; a click shows a section."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, QSize, Qt, QTimer
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_mineral_anomaly.window.detecting.queue import queue_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.destroyed import cut, when_destroyed
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs, abandon
from napari_mineral_anomaly.window.kit.layer_watch import ANY_CHANGE
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import link_of, linked_layers, unwrapped
from napari_mineral_anomaly.window.layers.make import threshold_of
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.sections.picture import Seen, ToLookAt, look_at
from napari_mineral_anomaly.window.sections.rows import (
    SectionRow,
    layers_to_look_at,
    section_rows,
)

_ID_ROLE = Qt.ItemDataRole.UserRole
_TITLES = ("Section", "State", "Grains", "Accepted")
_TOOLTIPS = (
    "Click a section to show it; the others are hidden.",
    "Whether a detector runs or waits, and whether the work is saved.",
    "Grains of the mask that was made last, with your brush strokes.",
    "Grains with the verdict “accept”.",
)
_PICTURE = QSize(56, 42)
# Many events come with one change, and a stroke is many changes.
_ROWS_AFTER_MS, _PICTURE_AFTER_MS = 50, 600


class SectionList(QTreeWidget):
    """One line for each section: picture and name, state, grains found, grains accepted.

    It needs no dock: whoever shows it calls `shut_down` before it goes.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    executor : Executor, optional
        Who draws the pictures and counts the grains; default: a worker thread.
    """

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__()
        self._viewer = unwrapped(viewer)
        self._active, self._session = active_of(viewer), session_of(viewer)
        self._jobs = DockJobs(executor or QtExecutor(), _ignore)
        when_destroyed(self, abandon, self._jobs.handles)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._followed: list[Any] = []
        self._to_see: set[str] = set()

        self.setHeaderLabels(_TITLES)
        for column, text in enumerate(_TOOLTIPS):
            self.headerItem().setToolTip(column, text)
        self.setRootIsDecorated(False)
        self.setIconSize(_PICTURE)
        self.setUniformRowHeights(True)
        self.setMinimumHeight(120)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.currentItemChanged.connect(self._on_chosen)

        self._rows_timer = self._timer(_ROWS_AFTER_MS, self.refresh)
        self._picture_timer = self._timer(_PICTURE_AFTER_MS, self._see_next)
        events = self._viewer.layers.events
        self._connections = [
            (events.inserted, self._on_inserted),
            (events.removed, self._on_removed),
            (self._active.changed, self._soon),
            (self._active.renamed, self._soon),
            (self._session.changed, self._soon),
            (queue_of(viewer).changed, self._soon),
            (projects_of(viewer).changed, self._soon),
            (board_of(viewer).decided, self._soon),
        ]
        for emitter, callback in self._connections:
            emitter.connect(callback)
        when_destroyed(self, cut, self._connections)
        for layer, _ in linked_layers(self._viewer):
            self._follow(layer)
        self.refresh()

    def shut_down(self) -> None:
        """Follow nothing any more."""
        abandon(self._jobs.handles)
        self._rows_timer.stop()
        self._picture_timer.stop()
        cut(self._connections)
        for emitter in self._followed:
            emitter.disconnect(self._on_pixels)
        self._followed.clear()

    def texts(self) -> list[tuple[str, ...]]:
        """The lines as they are shown."""
        items = [self.topLevelItem(k) for k in range(self.topLevelItemCount())]
        return [tuple(item.text(column) for column in range(len(_TITLES))) for item in items]

    def refresh(self) -> None:
        """Show the sections that the window has now."""
        rows = section_rows(self._viewer)
        with QSignalBlocker(self):
            for scan_id in self._items.keys() - {row.scan_id for row in rows}:
                item = self._items.pop(scan_id)
                self.takeTopLevelItem(self.indexOfTopLevelItem(item))
            for row in rows:
                self._show(row)

    def _show(self, row: SectionRow) -> None:
        item = self._items.get(row.scan_id)
        if item is None:
            item = self._items[row.scan_id] = QTreeWidgetItem(["", "", "", ""])
            item.setData(0, _ID_ROLE, row.scan_id)
            for column in (2, 3):
                item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
            self.addTopLevelItem(item)
            self._see_soon(row.scan_id)
        for column, text in ((0, row.name), (1, row.state), (3, str(row.accepted))):
            if item.text(column) != text:
                item.setText(column, text)
        item.setToolTip(0, row.place)
        if row.is_active and self.currentItem() is not item:
            self.setCurrentItem(item)

    def _timer(self, ms: int, act: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(ms)
        timer.timeout.connect(act)
        return timer

    def _soon(self, *event: Any) -> None:
        if not self._rows_timer.isActive():
            self._rows_timer.start()

    def _on_chosen(self, item: QTreeWidgetItem | None, before: Any = None) -> None:
        if item is not None:
            self._active.activate(item.data(0, _ID_ROLE))

    def _on_inserted(self, event: Any) -> None:
        self._follow(event.value)
        self._on_layer(event.value)

    def _on_removed(self, event: Any) -> None:
        self._on_layer(event.value)

    def _on_layer(self, layer: Any) -> None:
        """A section got or lost a layer."""
        link = link_of(layer)
        if link is not None:
            self._see_soon(link.scan_id)
            self._soon()

    def _follow(self, layer: Any) -> None:
        link = link_of(layer)
        if link is None or link.role not in ("mask", "score"):
            return
        for name in ANY_CHANGE:
            if name in layer.events.emitters:
                layer.events[name].connect(self._on_pixels)
                self._followed.append(layer.events[name])

    def _on_pixels(self, event: Any) -> None:
        """The mask or the score of a section changed."""
        link = link_of(event.source)
        if link is not None:
            self._see_soon(link.scan_id)

    def _see_soon(self, scan_id: str) -> None:
        self._to_see.add(scan_id)
        self._picture_timer.start()  # again: after the last change of many

    def _see_next(self) -> None:
        """Let the worker look at one section; the others follow."""
        self._to_see &= self._items.keys()
        if not self._to_see:
            return
        scan_id = self._to_see.pop()
        layers = layers_to_look_at(self._viewer, scan_id)
        score, mask, element = layers.score, layers.mask, layers.element
        limits = (0.0, 1.0) if element is None else element.contrast_limits
        what = ToLookAt(
            score=None if score is None else np.asarray(score.data),
            threshold=1.0 if score is None else threshold_of(score),
            mask=None if mask is None else self._session.mask_parts(mask, score).shown,
            element=None if element is None else element.data,
            limits=(float(limits[0]), float(limits[1])),
        )
        self._jobs.run(
            f"Looking at {scan_id}",
            lambda task: look_at(what),
            lambda seen: self._on_seen(scan_id, seen),
            on_failed=_ignore,
        )
        if self._to_see:
            self._picture_timer.start()

    def _on_seen(self, scan_id: str, seen: Seen) -> None:
        item = self._items.get(scan_id)
        if item is None:
            return
        pixmap = QPixmap()
        if pixmap.loadFromData(seen.png):
            fitted = pixmap.scaled(_PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
            item.setIcon(0, QIcon(fitted))
        item.setText(2, "" if seen.grains is None else f"{seen.grains:,}")


def _ignore(failure: Failure) -> None:
    """A picture that could not be made: the list goes on without it; the log has the reason."""
