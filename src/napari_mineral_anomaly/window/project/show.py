"""Show a loaded project: its layers, masks, verdicts and clusters, as they were left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap
from napari_mineral_anomaly.grains.verdicts.book import History
from napari_mineral_anomaly.project.format import Look
from napari_mineral_anomaly.project.load import LoadedProject, LoadedResult
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.links import Link, first_layer, link_in, relink
from napari_mineral_anomaly.window.layers.make import (
    LayerData,
    add,
    as_labels,
    show_scale_bar,
    spatial_kwargs,
    truth_labels,
    valid_layer,
)
from napari_mineral_anomaly.window.layers.results import show_result
from napari_mineral_anomaly.window.layers.scan_layers import scan_layers
from napari_mineral_anomaly.window.layers.scans import Scan, find_scan
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.keys import kept_layers, look_key

if TYPE_CHECKING:
    from napari.layers import Layer

Step = Callable[[], None]


@dataclass(frozen=True, eq=False)
class PreparedProject:
    """A loaded project with the layers of its maps; a worker makes it."""

    loaded: LoadedProject
    layers: list[LayerData]


def prepare(loaded: LoadedProject, scan_id: str) -> PreparedProject:
    """Make what takes long, for a worker."""
    file = loaded.file
    looks = {look.key: look for look in file.layers}
    layers: list[LayerData] = []
    if loaded.cube is not None:
        context = [key.removeprefix("context ") for key in looks if key.startswith("context ")]
        layers = scan_layers(
            loaded.cube,
            scan=file.name,
            scan_id=scan_id,
            context=context,
            with_valid=False,
            files=loaded.scan,
        )
        layers = [one for one in layers if _is_used(one, file.elements)]
    if loaded.valid is not None:
        spatial = spatial_kwargs(file.pixel_size_um)
        layers.append(valid_layer(loaded.valid, scan=file.name, scan_id=scan_id, spatial=spatial))
    return PreparedProject(loaded, [_with_look(one, looks) for one in layers])


class ProjectInTurns:
    """Adds the layers of a project, one step per turn of the event loop.

    Parameters
    ----------
    viewer, scan_id
    prepared : PreparedProject
    on_shown : callable
        Called at the end with the numbers of the truth masks, by the ``unique_id`` of their layers.
    """

    def __init__(
        self,
        viewer: Any,
        scan_id: str,
        prepared: PreparedProject,
        on_shown: Callable[[dict[str, int]], None],
    ) -> None:
        self._viewer, self._scan_id = viewer, scan_id
        self._loaded, self._on_shown = prepared.loaded, on_shown
        self._truth_numbers: dict[str, int] = {}
        steps: list[Step] = [_adding(viewer, layer) for layer in prepared.layers]
        steps += [self._showing(one) for one in prepared.loaded.results.values()]
        steps += [self._truth(*one) for one in prepared.loaded.truths]
        self._steps = deque([*steps, self._verdicts, self._looks, self._end])
        self._next()

    def _next(self) -> None:
        if self._steps:
            self._steps.popleft()()
            QTimer.singleShot(0, self._next)

    def _showing(self, one: LoadedResult) -> Step:
        def show() -> None:
            viewer, file, scan_id = self._viewer, self._loaded.file, self._scan_id
            scan = find_scan(viewer, scan_id) or Scan(
                scan_id, file.name, file.elements, file.shape, spatial_kwargs(file.pixel_size_um)
            )
            judged = one.judged
            shown = show_result(viewer, session_of(viewer), scan, one.run, judged)
            relink(shown.score, min_grain_px=one.note.min_grain_px)
            if judged.edits is not None:
                # After the mask is known as computed, so that the difference counts as brushed.
                shown.mask.data = as_labels(one.mask)
            labels = first_layer(viewer, "pseudo_labels", scan_id, detector=one.note.detector)
            if labels is not None and (
                one.note.labels is not None or one.note.clusters is not None
            ):
                self._clusters(labels, one.clusters)

        return show

    def _clusters(self, layer: Layer, clusters: ClusterMap) -> None:
        if not np.array_equal(layer.data, clusters.labels):
            layer.data = clusters.labels.copy()
        layer.colormap = DirectLabelColormap(color_dict=_colours(clusters))
        layer_id = str(layer.unique_id)
        clusters_of(self._viewer).keep(layer_id, History(clusters))
        names = {int(code): name for code, name in clusters.names.items()}
        board_of(self._viewer).cluster_names[layer_id] = names

    def _truth(self, number: int, name: str, image: Any) -> Step:
        def show() -> None:
            file = self._loaded.file
            data, kwargs, kind = truth_labels(
                image,
                title=file.name,
                link=Link(self._scan_id, "truth", scan=file.name),
                spatial=spatial_kwargs(file.pixel_size_um),
            )
            layer = add(self._viewer, (data, kwargs | {"name": name}, kind))
            self._truth_numbers[str(layer.unique_id)] = number

        return show

    def _verdicts(self) -> None:
        if self._loaded.verdicts is not None:
            board_of(self._viewer).restore(self._scan_id, self._loaded.verdicts)

    def _looks(self) -> None:
        looks = {look.key: look for look in self._loaded.file.layers}
        if not looks:
            return
        found = {
            key: layer
            for key, layer, _ in kept_layers(self._viewer, self._scan_id, self._truth_numbers)
        }
        for key, layer in found.items():
            if key in looks:
                _apply(layer, looks[key])
            elif not key.startswith("truth "):
                layer.visible = False  # it had been removed from the layer list
        wanted = [found[key] for key in looks if key in found]
        layers = self._viewer.layers
        if wanted and [layer for layer in layers if layer in wanted] != wanted:
            layers.move_multiple([layers.index(layer) for layer in wanted], len(layers))

    def _end(self) -> None:
        self._viewer.reset_view()
        show_scale_bar(self._viewer)
        view = self._loaded.file.view
        if view is not None:
            with suppress(ValueError):
                self._viewer.scene.camera.center = view.centre
                self._viewer.scene.camera.zoom = view.zoom
        self._on_shown(self._truth_numbers)


def _adding(viewer: Any, layer: LayerData) -> Step:
    def step() -> None:
        add(viewer, layer)

    return step


def _is_used(layer: LayerData, elements: Sequence[str]) -> bool:
    link = link_in(layer[1]["metadata"])
    return link is None or link.element is None or not elements or link.element in elements


def _with_look(layer: LayerData, looks: Mapping[str, Look]) -> LayerData:
    """The layer as it was shown."""
    data, kwargs, kind = layer
    link = link_in(kwargs["metadata"])
    look = looks.get(look_key(link) or "") if link is not None else None
    if look is None:
        return layer
    seen: dict[str, Any] = {
        "name": look.name,
        "visible": look.visible,
        "opacity": look.opacity,
        "blending": look.blending,
    }
    if kind == "image" and look.contrast_limits is not None:
        seen |= {"contrast_limits": look.contrast_limits, "gamma": look.gamma or 1.0}
    return data, kwargs | seen, kind


def _apply(layer: Layer, look: Look) -> None:
    """Show a layer as it was; a colour map that this napari does not know is left out."""
    with suppress(ValueError, KeyError):
        layer.name, layer.visible, layer.opacity = look.name, look.visible, look.opacity
        layer.blending = look.blending
        if look.contrast_limits is not None:
            layer.contrast_limits, layer.gamma = look.contrast_limits, look.gamma or 1.0
        if look.colormap is not None:
            layer.colormap = look.colormap


def _colours(clusters: ClusterMap) -> dict[int | None, Any]:
    transparent = np.zeros(4)
    colours: dict[int | None, Any] = {0: transparent, None: transparent}
    return colours | {int(code): np.asarray(rgba) for code, rgba in clusters.colours.items()}
