"""The state of a section as plain values, taken on the main thread in milliseconds.

Only arrays that the brush may write into are copied, and only those that changed. What has to be
computed from them is left to the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.large import copy_unless_same
from napari_mineral_anomaly.grains.pixels.mask import MaskParts
from napari_mineral_anomaly.project.format import Look, View
from napari_mineral_anomaly.project.load import clusters_note
from napari_mineral_anomaly.project.saving.state import (
    VALID,
    ImageToSave,
    ResultState,
    SectionState,
    image_key,
)
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.attached import files_of
from napari_mineral_anomaly.window.layers.links import Link, layer_by_id, link_of, linked_layers
from napari_mineral_anomaly.window.layers.make import min_grain_of, pixel_size_of, threshold_of
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.layers.session import mask_of, session_of
from napari_mineral_anomaly.window.project.keys import kept_layers
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.state.of_viewer import state_of

if TYPE_CHECKING:
    from napari.layers import Layer

LOOKS, VERDICTS, GRAINS, MAPS, FIDUCIALS = "looks", "verdicts", "grains", "maps", "fiducials"


def pixels_of(layer: Layer) -> str:
    """What changed when the pixels of a layer changed."""
    return f"pixels {layer.unique_id}"


@dataclass
class Changes:
    """What changed since the last save; ``all`` stands for everything."""

    all: bool = False
    kinds: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return self.all or bool(self.kinds)

    def has(self, kind: str) -> bool:
        """Whether this changed."""
        return self.all or kind in self.kinds

    def add(self, other: Changes) -> None:
        """Take changes that could not be saved."""
        self.all |= other.all
        self.kinds |= other.kinds


def section_state(
    viewer: Any,
    scan_id: str,
    changes: Changes,
    *,
    truth_numbers: Mapping[str, int],
    folders: Mapping[str, str],
    saved: frozenset[str],
    with_maps: bool,
) -> SectionState | None:
    """The state of a section; None where no layer of it is left.

    Parameters
    ----------
    viewer, scan_id
    changes : Changes
        The images of layers that did not change are left out.
    truth_numbers : mapping
        Numbers of the truth masks, by the ``unique_id`` of their layers.
    folders : mapping of detector to folder
        Run folders that were written since the last state.
    saved : set of str
        Detectors whose run is in the project already.
    with_maps : bool
        Whether the maps are to be described or copied.
    """
    layers = list(kept_layers(viewer, scan_id, truth_numbers))
    scores = {str(link.detector): layer for key, layer, link in layers if key.startswith("score ")}
    elements = [(layer, link) for key, layer, link in layers if link.role == "element"]
    first = next((layer for layer, _ in elements), None) or next(iter(scores.values()), None)
    link = None if first is None else link_of(first)
    if first is None or link is None:
        return None
    known = saved | folders.keys()
    images: dict[str, ImageToSave] = {}
    results = []
    for detector, score in scores.items():
        results.append(_result(viewer, detector, score))
        if detector in known:
            images |= _images_of_result(viewer, detector, score, changes)
    truths = []
    for key, layer, own in layers:
        if own.role == "truth":
            number = truth_numbers[str(layer.unique_id)]
            truths.append((number, str(layer.name)))
            if changes.has(pixels_of(layer)):
                image = np.array(layer.data)
                images[key] = ImageToSave("truth", partial(_given, image))
        elif own.role == "valid" and changes.has(pixels_of(layer)):
            valid = np.array(layer.data)
            images[VALID] = ImageToSave("valid", partial(_given, valid))
    images |= _grain_labels(viewer, scan_id, known, changes)
    height, width = (int(n) for n in first.data.shape[-2:])
    history = board_of(viewer).history_of(scan_id)
    return SectionState(
        name=link.scan or str(first.name),
        shape=(height, width),
        pixel_size=pixel_size_of(first),
        elements=tuple(str(own.element) for _, own in elements),
        main=chosen_detector(viewer, scan_id),
        scan=files_of(viewer, scan_id),
        results=tuple(results),
        truths=tuple(truths),
        forgets_taught=_forgets_taught(viewer, scan_id),
        has_valid=any(own.role == "valid" for _, _, own in layers),
        layers=tuple(_look(viewer, key, layer) for key, layer, _ in layers),
        view=_view(viewer, scan_id),
        images=images,
        folders=dict(folders),
        cube=_maps(viewer, scan_id) if with_maps else None,
        verdicts=history if changes.has(VERDICTS) else None,
        fiducials=sem_points_of(viewer).fiducials(scan_id) if changes.has(FIDUCIALS) else None,
    )


def chosen_detector(viewer: Any, scan_id: str) -> str | None:
    """The detector whose score the user judges; None while another section is active."""
    score = layer_by_id(viewer, state_of(viewer).score_id)
    link = None if score is None else link_of(score)
    return link.detector if link is not None and link.scan_id == scan_id else None


def _forgets_taught(viewer: Any, scan_id: str) -> bool:
    """Whether pixels were taught to be ordinary, and all of them were taken back."""
    layers = [layer for layer, _ in linked_layers(viewer, scan_id, "taught")]
    return bool(layers) and not any(np.any(layer.data) for layer in layers)


def _result(viewer: Any, detector: str, score: Layer) -> ResultState:
    labels = _labels_layer(viewer, score)
    history = None if labels is None else clusters_of(viewer).of(str(labels.unique_id))
    return ResultState(
        detector,
        threshold_of(score),
        min_grain_of(score),
        None if history is None else clusters_note(history.present),
    )


def _images_of_result(
    viewer: Any, detector: str, score: Layer, changes: Changes
) -> dict[str, ImageToSave]:
    session = session_of(viewer)
    images: dict[str, ImageToSave] = {}
    mask = mask_of(viewer, score)
    if mask is not None and changes.has(pixels_of(mask)):
        parts = session.mask_parts(mask, score)
        images[image_key("strokes", detector)] = ImageToSave("strokes", partial(_strokes, parts))
        images[image_key("mask", detector)] = ImageToSave("mask", partial(_given, parts.shown))
    labels = _labels_layer(viewer, score)
    if labels is not None and changes.has(pixels_of(labels)):
        run = session.run_of(link_of(score))
        of_run = None if run is None else run.result.pseudo_labels
        make = partial(_edited, copy_unless_same(labels.data, of_run), of_run)
        images[image_key("labels", detector)] = ImageToSave("labels", make)
    return images


def _labels_layer(viewer: Any, score: Layer) -> Layer | None:
    link = link_of(score)
    if link is None:
        return None
    found = linked_layers(viewer, link.scan_id, "pseudo_labels", detector=link.detector)
    return next((layer for layer, _ in found), None)


def _grain_labels(
    viewer: Any, scan_id: str, known: frozenset[str] | set[str], changes: Changes
) -> dict[str, ImageToSave]:
    """The grains as the table lists them now."""
    listing = board_of(viewer).listing
    if listing is None or listing.scan_id != scan_id or not changes.has(GRAINS):
        return {}
    for layer, link in linked_layers(viewer, scan_id, "score"):
        if str(layer.unique_id) == listing.score_id and link.detector in known:
            make = partial(_given, listing.labels)
            return {image_key("grains", str(link.detector)): ImageToSave("labels", make)}
    return {}


def _maps(viewer: Any, scan_id: str) -> Callable[[], Any] | None:
    try:
        return partial(_given, cube_from_layers(viewer, scan_id))
    except InputError:
        return None


def _look(viewer: Any, key: str, layer: Layer) -> Look:
    limits, link = getattr(layer, "contrast_limits", None), link_of(layer)
    pairs = None if link is None or link.pairs is None else tuple(map(tuple, link.pairs))
    is_image = limits is not None
    return Look(
        key=key,
        name=str(layer.name),
        visible=active_of(viewer).is_shown(layer),
        opacity=float(layer.opacity),
        blending=str(layer.blending),
        gamma=float(layer.gamma) if is_image else None,
        contrast_limits=None if limits is None else (float(limits[0]), float(limits[1])),
        colormap=str(layer.colormap.name) if is_image else None,
        pairs=pairs,
    )


def _view(viewer: Any, scan_id: str) -> View | None:
    camera = active_of(viewer).camera_of(scan_id)
    return None if camera is None else View(centre=camera[0], zoom=camera[1])


def _given(value: Any) -> Any:
    return value


def _strokes(parts: MaskParts) -> NDArray[np.int8] | None:
    return parts.edits if parts.edits is not None and parts.edits.any() else None


def _edited(labels: NDArray[Any], of_run: NDArray[Any] | None) -> NDArray[Any] | None:
    """The labels, where they are not those of the run."""
    return None if labels is of_run else labels


def truth_layers(viewer: Any, scan_id: str) -> list[tuple[Layer, Link]]:
    """The truth masks of a scan."""
    return list(linked_layers(viewer, scan_id, "truth"))
