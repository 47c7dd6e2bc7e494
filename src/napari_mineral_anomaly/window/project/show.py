"""Show a loaded project: its layers, masks, verdicts and clusters, as they were left."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.large import Spare, same_pixels
from napari_mineral_anomaly.grains.pixels.mask import JudgedScore, count_grains
from napari_mineral_anomaly.grains.verdicts.book import History
from napari_mineral_anomaly.io.reading.companions import context_image
from napari_mineral_anomaly.project.fiducials import fiducials_of
from napari_mineral_anomaly.project.format import Look
from napari_mineral_anomaly.project.images import CONTEXT, file_of
from napari_mineral_anomaly.project.load import LoadedProject, LoadedResult
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.active import ActiveSection, active_of
from napari_mineral_anomaly.window.layers.coming.arrivals import arrivals_of
from napari_mineral_anomaly.window.layers.links import Link, first_layer, link_in, relink
from napari_mineral_anomaly.window.layers.log_colours import show_colours
from napari_mineral_anomaly.window.layers.make import (
    LayerData,
    add,
    registered_layer,
    show_scale_bar,
    spatial_kwargs,
    truth_labels,
    valid_layer,
)
from napari_mineral_anomaly.window.layers.results import ReadyRun, ResultInSteps
from napari_mineral_anomaly.window.layers.scan_layers import scan_layers
from napari_mineral_anomaly.window.layers.scans import Scan
from napari_mineral_anomaly.window.layers.session import mask_of, session_of
from napari_mineral_anomaly.window.project.keys import kept_layers, look_key
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.state.model import DECIDE, HAND_OVER, LOOK
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.teaching.brush import make_brush_layer

if TYPE_CHECKING:
    from napari.layers import Layer

Step = Callable[[], None]


@dataclass(frozen=True, eq=False)
class PreparedProject:
    """A loaded project with what takes long to make; a worker makes it.

    ``layers`` are those of the maps. ``masks`` holds, for each detector, the run judged without
    strokes and the mask with them. ``problems`` says what cannot be shown.
    """

    loaded: LoadedProject
    layers: list[LayerData]
    masks: dict[str, tuple[ReadyRun, Spare]]
    problems: tuple[str, ...] = ()


def prepare(loaded: LoadedProject, scan_id: str) -> PreparedProject:
    """Make what takes long, for a worker."""
    file = loaded.file
    looks = {look.key: look for look in file.layers}
    layers: list[LayerData] = []
    if loaded.cube is not None:
        context = [str(file_of(look)) for look in file.layers if look.key.startswith(f"{CONTEXT} ")]
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
    registered, problems = _registered(loaded, scan_id)
    layers += registered
    masks = {
        name: (ReadyRun.of(one.run, _without_strokes(one.judged)), Spare(one.mask, np.uint8))
        for name, one in loaded.results.items()
    }
    layers = [_with_look(one, looks) for one in layers]
    return PreparedProject(loaded, layers, masks, tuple(problems))


def _registered(loaded: LoadedProject, scan_id: str) -> tuple[list[LayerData], list[str]]:
    """The images of other grids that were laid onto the maps; and why one is missing."""
    file, layers, problems = loaded.file, [], []
    spatial = spatial_kwargs(file.pixel_size_um)
    for look in file.layers:
        if look.pairs is None:
            continue
        path = file_of(look)
        if path is None:
            continue
        try:
            layers.append(
                registered_layer(
                    context_image(path),
                    look.pairs,
                    scan=file.name,
                    scan_id=scan_id,
                    spatial=spatial,
                    to_world=np.diag([*spatial["scale"], 1.0]),
                )
            )
        except InputError as error:
            problems.append(f"{look.name} is not shown: {error}")
    return layers, problems


def _without_strokes(judged: JudgedScore) -> JudgedScore:
    if judged.edits is None:
        return judged
    return replace(judged, edits=None, shown=judged.computed, grains=count_grains(judged.computed))


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
        self._viewer, self._scan_id, self._active = viewer, scan_id, active_of(viewer)
        self._loaded, self._on_shown = prepared.loaded, on_shown
        self._truth_numbers: dict[str, int] = {}
        arrivals_of(viewer).begin(scan_id)
        steps: list[Step] = [_adding(viewer, layer) for layer in prepared.layers]
        for name, one in prepared.loaded.results.items():
            steps += self._showing(one, *prepared.masks[name])
        steps += [self._truth(*one) for one in prepared.loaded.truths]
        self._steps = deque(
            [
                self._leave_list,
                *steps,
                self._fiducials,
                self._verdicts,
                self._looks,
                self._choose_main,
                self._see,
                self._active.tell_apart,
                self._end,
            ]
        )
        QTimer.singleShot(0, self._next)

    def _next(self) -> None:
        if self._steps:
            self._steps.popleft()()
            QTimer.singleShot(0, self._next)

    def _leave_list(self) -> None:
        """Leave the steps that need a result: with the first layer there is none."""
        state = state_of(self._viewer)
        if state.step in (DECIDE, HAND_OVER):
            state.step = LOOK

    def _showing(self, one: LoadedResult, ready: ReadyRun, with_strokes: Spare) -> list[Step]:
        viewer, file, scan_id, note = self._viewer, self._loaded.file, self._scan_id, one.note
        session = session_of(viewer)

        spatial = spatial_kwargs(file.pixel_size_um)
        scan = Scan(scan_id, file.name, file.elements, file.shape, spatial)
        showing = ResultInSteps(viewer, session, scan, one.run, ready)

        def teach() -> None:
            shown = showing.shown()
            if shown is None:
                return
            score = shown.score
            relink(score, min_grain_px=note.min_grain_px)
            if one.run.result.taught is not None:
                make_brush_layer(viewer, score, one.run.result.taught)

        def brush() -> None:
            score = first_layer(viewer, "score", scan_id, detector=note.detector)
            mask = None if score is None else mask_of(viewer, score)
            if score is not None and mask is not None:
                session.restore_strokes(mask, score, one.judged, with_strokes)

        def name_clusters() -> None:
            labels = first_layer(viewer, "pseudo_labels", scan_id, detector=note.detector)
            if labels is not None and (note.labels is not None or note.clusters is not None):
                self._clusters(labels, one.clusters)

        return [*showing.steps, teach, brush, name_clusters]

    def _clusters(self, layer: Layer, clusters: ClusterMap) -> None:
        if not same_pixels(layer.data, clusters.labels):
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

    def _fiducials(self) -> None:
        file = self._loaded.file
        fiducials = fiducials_of(file)
        if fiducials.points:
            spatial = spatial_kwargs(file.pixel_size_um)
            sem_points_of(self._viewer).put(self._scan_id, fiducials, file.name, spatial)

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
        steps: list[Step] = []
        for key, layer in found.items():
            if key in looks:
                steps.append(partial(_apply, self._active, layer, looks[key]))
            elif not key.startswith("truth "):
                self._active.show(layer, False)  # it had been removed from the layer list
        wanted = [found[key] for key in looks if key in found]
        # The places that these layers have among all layers stay theirs.
        places = sorted(self._viewer.layers.index(layer) for layer in wanted)
        steps += [
            partial(self._move, layer, place) for layer, place in zip(wanted, places, strict=True)
        ]
        self._steps.extendleft(reversed(steps))

    def _move(self, layer: Layer, place: int) -> None:
        layers = self._viewer.layers
        if layer in layers and layers.index(layer) != place:
            layers.move(layers.index(layer), place)

    def _see(self) -> None:
        if self._active.scan_id == self._scan_id:  # the user may look at another meanwhile
            self._active.fit()
        show_scale_bar(self._viewer)
        view = self._loaded.file.view
        if view is not None:
            with suppress(ValueError):
                self._active.see(self._scan_id, (view.centre, view.zoom))
        self._active.tell_apart()

    def _end(self) -> None:
        arrivals_of(self._viewer).end(self._scan_id)
        self._on_shown(self._truth_numbers)

    def _choose_main(self) -> None:
        """The result that stands for the project is judged again, not the one shown last."""
        main, state = self._loaded.file.main_result, state_of(self._viewer)
        if main is None or state.scan_id != self._scan_id:
            return
        score = first_layer(self._viewer, "score", self._scan_id, detector=main.detector)
        if score is not None:
            state.score_id = str(score.unique_id)


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


def _apply(active: ActiveSection, layer: Layer, look: Look) -> None:
    """Show a layer as it was; a colour map that this napari does not know is left out."""
    wanted: dict[str, Any] = {
        "name": look.name,
        "opacity": look.opacity,
        "blending": look.blending,
        "contrast_limits": look.contrast_limits,
        "gamma": look.gamma,
    }
    active.show(layer, look.visible)
    for key, value in wanted.items():
        if value is not None and not _is(getattr(layer, key), value):
            setattr(layer, key, value)
    if look.colormap is not None and layer.colormap.name != look.colormap:
        with suppress(ValueError, KeyError):
            show_colours(layer, look.colormap)


def _is(value: Any, wanted: Any) -> bool:
    """Whether a layer has a value already: to set it again takes napari milliseconds."""
    if isinstance(wanted, str | bool):
        return bool(value == wanted)
    return bool(np.allclose(np.asarray(value, float), np.asarray(wanted, float)))


def _colours(clusters: ClusterMap) -> dict[int | None, Any]:
    transparent = np.zeros(4)
    colours: dict[int | None, Any] = {0: transparent, None: transparent}
    return colours | {int(code): np.asarray(rgba) for code, rgba in clusters.colours.items()}
