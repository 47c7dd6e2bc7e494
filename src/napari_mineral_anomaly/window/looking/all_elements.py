"""All elements of a section side by side, and back.

napari's own grid is not used: to switch it on with twenty cells takes five seconds in one turn of
the event loop, whatever the size of the maps, and nearly as long to leave it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.scan.looking.contact_sheet import (
    ContactSheet,
    MapToShow,
    contact_sheet,
)
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.coming.removing import remove_layers
from napari_mineral_anomaly.window.layers.links import Link, layers_of, link_of, linked_layers
from napari_mineral_anomaly.window.layers.log_colours import colours_of
from napari_mineral_anomaly.window.layers.make import add, spatial_of
from napari_mineral_anomaly.window.layers.views import ONE_COLOUR

if TYPE_CHECKING:
    from napari.layers import Layer

_MAKING = "Making small maps"
_N_COLOURS = 256
# Long enough for the map to be drawn first.
_REMOVE_MS = 400


class AllElements:
    """Shows the maps as one picture with their names, which a worker makes.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    jobs : DockJobs
        Of the panel that shows them.
    """

    def __init__(self, viewer: Any, jobs: DockJobs) -> None:
        self._viewer, self._jobs, self._active = viewer, jobs, active_of(viewer)
        self._camera: tuple[Any, float] = ((0.0, 0.0, 0.0), 1.0)
        self._before: list[tuple[Layer, bool]] | None = None
        self.is_on = False
        self._remove_soon = QTimer()
        self._remove_soon.setSingleShot(True)
        self._remove_soon.timeout.connect(self.remove)

    def show(self, layers: Iterable[Layer], *, logarithm: bool = False) -> None:
        """Show these layers side by side as soon as the picture is there."""
        shown = list(layers)
        links = [link_of(layer) for layer in shown]
        if not shown or any(link is None for link in links):
            return
        if not self.is_on:
            camera = self._viewer.scene.camera
            self._camera = (camera.center, camera.zoom)
        self.is_on = True
        maps = [_to_show(layer, logarithm=logarithm) for layer in shown]
        names = [str(link.element) for link in links if link is not None]
        height, width = self._viewer.canvas.size
        aspect = width / max(height, 1)
        first = shown[0]
        self._jobs.run(
            _MAKING,
            lambda task: contact_sheet(maps, aspect=aspect, task=task),
            lambda sheet: self._on_sheet(first, names, sheet),
        )

    def back(self, *, same_section: bool = True) -> None:
        """Restore the view from before; of another section only what is hidden and shown."""
        if not self.is_on:
            return
        self.is_on = False
        self._jobs.cancel(_MAKING)
        # At once out of sight; to remove them takes napari half a second.
        for layer, _ in linked_layers(self._viewer, role="contact_sheet"):
            self._active.show(layer, False)
        there = layers_of(self._viewer)
        for layer, visible in self._before or ():
            if any(layer is one for one in there):
                self._active.show(layer, visible)
        if same_section and self._before is not None:
            camera = self._viewer.scene.camera
            camera.center, camera.zoom = self._camera
        self._before = None
        self._remove_soon.start(_REMOVE_MS)

    def _on_sheet(self, first: Layer, names: list[str], sheet: ContactSheet) -> None:
        link = link_of(first)
        if not self.is_on or link is None:
            return
        self.remove()
        if self._before is None:
            own = [layer for layer, _ in linked_layers(self._viewer, link.scan_id)]
            self._before = [(layer, self._active.is_shown(layer)) for layer in own]
        for layer, _ in self._before:
            self._active.show(layer, False)
        active = self._viewer.layers.selection.active
        place = spatial_of(first)
        place["scale"] = tuple(sheet.step * np.asarray(place["scale"]))
        note = Link(link.scan_id, "contact_sheet", scan=link.scan).metadata()
        kwargs = {"name": f"all elements {link.scan}", "metadata": note, "rgb": True, **place}
        picture = add(self._viewer, (sheet.image, kwargs, "image"))
        text = {"string": names, "color": "white", "anchor": "lower_left", "size": 11}
        look = {"face_color": "transparent", "border_color": "transparent", "size": 1, "text": text}
        kwargs = {"name": f"names {link.scan}", "metadata": note, **look, **place}
        add(self._viewer, (sheet.corners + 1.0, kwargs, "points"))
        self._viewer.layers.selection.active = active
        self._viewer.fit_to_view(layers=[picture])

    def remove(self) -> None:
        """Take the picture and its names out of the layer list."""
        self._remove_soon.stop()
        pictures = [layer for layer, _ in linked_layers(self._viewer, role="contact_sheet")]
        remove_layers(self._viewer, pictures)


def _to_show(layer: Layer, *, logarithm: bool) -> MapToShow:
    low, high = layer.contrast_limits
    colours = colours_of(layer, ONE_COLOUR, logarithm=logarithm).map(np.linspace(0, 1, _N_COLOURS))
    return MapToShow(
        layer.data, (float(low), float(high)), np.round(255 * colours[:, :3]).astype(np.uint8)
    )
