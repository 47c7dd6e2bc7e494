"""The active section: its layers are shown, those of all other scans are hidden."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.window.layers.attached import files_of
from napari_mineral_anomaly.window.layers.links import (
    link_of,
    linked_layers,
    noted_scan_id,
    relink,
    unwrapped,
)
from napari_mineral_anomaly.window.layers.names import told_apart
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

if TYPE_CHECKING:
    from napari.layers import Layer

Camera = tuple[tuple[float, ...], float]

_active: PerViewer[ActiveSection] = PerViewer(lambda viewer: ActiveSection(viewer))


def active_of(viewer: Any) -> ActiveSection:
    """The active section of a viewer; from the first call on, only one scan is shown."""
    return _active.of(viewer)


class ActiveSection:
    """Shows one scan at a time. A scan that is opened becomes the active one.

    Layers that are not ours stay as they are. A layer that comes to a hidden scan, such as the
    result of a run, is hidden and shown with its scan.

    Attributes
    ----------
    scan_id : str or None
        The active scan; None while there is none.
    is_arranging : bool
        Whether this object is hiding, showing or naming layers now: no change that a user made.
    """

    leaving = Signal()
    changed = Signal()
    renamed = Signal()

    def __init__(self, viewer: Any) -> None:
        # Weak: with a strong reference here, the viewer would never be freed.
        self._viewer_ref = ref(unwrapped(viewer))
        self.scan_id: str | None = None
        self.is_arranging = False
        # Of the layers of hidden scans: whether they are shown with their scan.
        self._shown: dict[str, bool] = {}
        self._cameras: dict[str, Camera] = {}
        # Names as the reader gave them, and as they tell the scans apart.
        self._names: dict[str, tuple[str, str]] = {}
        self._to_name: deque[Layer] = deque()
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._name_next)
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removed.connect(self._on_removed)
        scans = self.scan_ids()
        if scans:  # they are seen already: the map stays where it is
            self.activate(scans[-1], fit=False)

    @property
    def _viewer(self) -> Any:
        return self._viewer_ref()

    def scan_ids(self) -> list[str]:
        """The scans of the window, in the order of their first layer."""
        return list(dict.fromkeys(link.scan_id for _, link in linked_layers(self._viewer)))

    def activate(self, scan_id: str, *, fit: bool = True) -> None:
        """Show a scan, hide the others, and fit the view to it."""
        if scan_id == self.scan_id:
            return
        self.leaving.emit()
        if self.scan_id is not None:
            self._keep_camera(self.scan_id)
        self.scan_id = scan_id
        with self._arranging():
            for layer, link in linked_layers(self._viewer):
                if link.scan_id == scan_id:
                    self._set(layer, self._shown.pop(str(layer.unique_id), layer.visible))
                else:
                    self._hide(layer)
            self._select_shown()
        if fit:
            self.fit()
        self.changed.emit()

    def _select_shown(self) -> None:
        """Where a layer that is hidden now was selected: its like of the section that is shown."""
        selection = self._viewer.layers.selection
        hidden = None if selection.active is None else link_of(selection.active)
        if hidden is None or hidden.scan_id == self.scan_id:
            return
        own = [one for one in linked_layers(self._viewer, self.scan_id) if one[0].visible]
        alike = [one for one in own if one[1].role == hidden.role] or own
        if alike:
            selection.active = alike[-1][0]

    def fit(self) -> None:
        """Fit the view to the active scan."""
        found = linked_layers(self._viewer, self.scan_id)
        layers = [layer for layer, link in found if link.role != "outline"]
        if layers:
            self._viewer.fit_to_view(layers=layers)

    def is_shown(self, layer: Layer) -> bool:
        """Whether a layer is shown when its scan is the active one."""
        return bool(self._shown.get(str(layer.unique_id), layer.visible))

    def show(self, layer: Layer, visible: bool) -> None:
        """Show or hide a layer; at once, or with its scan."""
        link = link_of(layer)
        if link is None or link.scan_id == self.scan_id:
            self._set(layer, visible)
        else:
            self._shown[str(layer.unique_id)] = visible

    def camera_of(self, scan_id: str) -> Camera | None:
        """Centre and zoom of a scan as last seen; None where it was never seen."""
        if scan_id == self.scan_id:
            self._keep_camera(scan_id)
        return self._cameras.get(scan_id)

    def see(self, scan_id: str, camera: Camera) -> None:
        """Look at a scan as before; only the active one moves the view."""
        self._cameras[scan_id] = camera
        if scan_id == self.scan_id:
            self._viewer.scene.camera.center, self._viewer.scene.camera.zoom = camera

    def tell_apart(self) -> None:
        """Give scans of the same name others, by the folder that differs; layers in later turns."""
        scans = {
            link.scan_id: self._names.get(link.scan_id, (link.scan, ""))[0]
            for _, link in linked_layers(self._viewer)
        }
        sources = {
            scan_id: files.sources[0]
            for scan_id in scans
            if (files := files_of(self._viewer, scan_id)) is not None
        }
        names = told_apart(scans, sources)
        self._names = {one: (scans[one], name) for one, name in names.items()}
        self._to_name = deque(
            layer
            for layer, link in linked_layers(self._viewer)
            if self._wants_name(layer, link.scan, link.scan_id)
        )
        if self._to_name:
            self._timer.start(0)

    def _name_next(self) -> None:
        """Name one layer per turn of the event loop: every dock with a list of layers follows."""
        if self._viewer is None:
            return
        if self._to_name:
            self._name(self._to_name.popleft())
        if self._to_name:
            self._timer.start(0)
        else:
            self.renamed.emit()

    def _wants_name(self, layer: Layer, scan: str, scan_id: str) -> bool:
        given, wanted = self._names.get(scan_id, (scan, scan))
        return scan != wanted or _renamed(str(layer.name), given, wanted) != layer.name

    def _name(self, layer: Layer) -> None:
        link = link_of(layer)
        if link is None or link.scan_id not in self._names:
            return
        given, wanted = self._names[link.scan_id]
        with self._arranging():
            name = _renamed(_renamed(str(layer.name), link.scan, wanted), given, wanted)
            if name != layer.name:
                layer.name = name
            relink(layer, scan=wanted)

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        link = link_of(layer)
        if link is None:
            return
        count = sum(1 for _ in linked_layers(self._viewer, link.scan_id))
        if count == 1 and link.scan_id != self.scan_id:
            self.activate(link.scan_id)
            QTimer.singleShot(0, self._tell_apart_soon)
        elif link.scan_id != self.scan_id:
            with self._arranging():
                self._hide(layer)
        if self._wants_name(layer, link.scan, link.scan_id):
            self._to_name.append(layer)
            self._timer.start(0)

    def _tell_apart_soon(self) -> None:
        if self._viewer is not None:
            self.tell_apart()

    def _on_removed(self, event: Any) -> None:
        self._shown.pop(str(event.value.unique_id), None)
        link = link_of(event.value)
        if link is None or self._viewer is None:
            return
        left = self.scan_ids()
        if link.scan_id not in left:
            self._cameras.pop(link.scan_id, None)
            self._names.pop(link.scan_id, None)
        if self.scan_id not in left:
            self.scan_id = None
            if left:
                self.activate(left[-1])
            else:
                self.changed.emit()

    def _hide(self, layer: Layer) -> None:
        key = str(layer.unique_id)
        # One that the user made visible by hand while its scan was hidden is shown with it too.
        self._shown[key] = bool(layer.visible) or self._shown.get(key, False)
        self._set(layer, False)

    def _set(self, layer: Layer, visible: bool) -> None:
        # To set it again takes napari milliseconds.
        if bool(layer.visible) != visible:
            layer.visible = visible

    def _keep_camera(self, scan_id: str) -> None:
        try:
            camera = self._viewer.scene.camera
            self._cameras[scan_id] = tuple(map(float, camera.center)), float(camera.zoom)
        except (AttributeError, ValueError):  # a window that is being closed
            return

    @contextmanager
    def _arranging(self) -> Iterator[None]:
        before, self.is_arranging = self.is_arranging, True
        try:
            yield
        finally:
            self.is_arranging = before


def _renamed(name: str, old: str, new: str) -> str:
    """The name of a layer with another name of the scan at its end."""
    # napari puts a number behind the second layer of a name.
    found = re.fullmatch(rf"(.*[ ·]){re.escape(old)}( \[\d+\])?", name, re.DOTALL)
    return name if found is None or old == new else found[1] + new


def is_active(viewer: Any, layer: Layer) -> bool:
    """Whether a layer belongs to the active scan, or to none."""
    scan_id = noted_scan_id(layer)
    return scan_id is None or scan_id == active_of(viewer).scan_id
