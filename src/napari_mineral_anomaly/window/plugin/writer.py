"""napari writers: one image or labels layer to TIFF, with its numbers and its micrometres.

As in the step *Hand over*, files from which a scan of the window was read are never replaced.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari import current_viewer

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.brushed_truth import truth_for_files
from napari_mineral_anomaly.io.writing.results import mask_for_files, write_map, write_score
from napari_mineral_anomaly.scan.labels import label_dtype
from napari_mineral_anomaly.window.exporting.plan import opened_files
from napari_mineral_anomaly.window.layers.links import TITLES_IN_FILES, Link, link_in
from napari_mineral_anomaly.window.layers.make import pixel_size_from


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer: a score as OME-TIFF float32, a map in its number type.

    Raises
    ------
    InputError
        When the image has more than two dimensions or colours, when the file was opened in the
        window or lies in the folder of an opened scan, or when the file cannot be written.
    """
    link = _link(attributes)
    pixel_size, inputs = _pixel_size(attributes), _inputs(link)
    if link is not None and link.role == "score":
        return [str(write_score(path, data, pixel_size, inputs=inputs))]
    name = (link.element if link is not None else None) or str(attributes.get("name", ""))
    return [str(write_map(path, np.asarray(data), name, pixel_size, inputs=inputs))]


def write_labels_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer: a mask as 0 and 255, a truth mask as 0, 1 and 255, else the labels.

    Raises
    ------
    InputError
        When the labels have more than two dimensions or are negative, when the file was opened in
        the window or lies in the folder of an opened scan, or when the file cannot be written.
    """
    link = _link(attributes)
    labels = np.asarray(data)
    if labels.size and int(labels.min()) < 0:
        raise InputError("Labels must be whole numbers from 0 up.")
    if link is not None and link.role == "mask":
        labels = mask_for_files(labels)
    elif link is not None and link.role == "truth":
        labels = truth_for_files(labels)
    else:
        labels = labels.astype(label_dtype(int(labels.max(initial=0))))
    title = TITLES_IN_FILES.get(link.role, "") if link is not None else ""
    title = title or str(attributes.get("name", ""))
    return [str(write_map(path, labels, title, _pixel_size(attributes), inputs=_inputs(link)))]


def _link(attributes: dict[str, Any]) -> Link | None:
    return link_in(attributes.get("metadata") or {})


def _pixel_size(attributes: dict[str, Any]) -> tuple[float, float] | None:
    return pixel_size_from(attributes.get("scale", ()), attributes.get("units", ()))


def _inputs(link: Link | None) -> list[Path]:
    """Files that were opened: for the scan of this layer, and for the other layers."""
    viewer = current_viewer()
    inputs = [] if viewer is None else opened_files(viewer)
    return [Path(link.source), *inputs] if link is not None and link.source else inputs
