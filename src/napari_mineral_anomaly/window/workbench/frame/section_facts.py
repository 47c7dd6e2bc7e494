"""What the header says about a section, and its small picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap

from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import pixel_size_of
from napari_mineral_anomaly.words import counted


def facts_of_section(viewer: Any, scan_id: str | None) -> str:
    """Size in mm or µm, µm per pixel and number of elements; "" without a section."""
    layer = _layer_of(viewer, scan_id)
    if layer is None:
        return ""
    height, width = (int(n) for n in layer.data.shape[-2:])
    size = pixel_size_of(layer)
    if size is None:
        where = f"{height} rows × {width} columns, pixel size unknown"
    else:
        steps = dict.fromkeys(f"{step:.4g}" for step in reversed(size))
        extent = _extent(width * size[1], height * size[0])
        where = f"{extent} · {' × '.join(steps)} µm per pixel"
    n = sum(1 for _ in linked_layers(viewer, scan_id, "element"))
    return f"{where}\n{counted(n, 'element')}" if n else where


def thumbnail_of_section(viewer: Any, scan_id: str | None, side: int) -> QPixmap | None:
    """A grey picture of the section's first map; None where its numbers are not in memory."""
    layer = _layer_of(viewer, scan_id)
    if layer is None or not isinstance(layer.data, np.ndarray) or layer.data.ndim != 2:
        return None
    step = max(1, max(layer.data.shape) // (2 * side))
    plane = np.nan_to_num(layer.data[::step, ::step].astype(np.float32))
    low, high = (float(limit) for limit in layer.contrast_limits)
    grey = np.clip((plane - low) / max(high - low, 1e-9), 0.0, 1.0)
    pixels = np.ascontiguousarray(np.round(255 * np.sqrt(grey)).astype(np.uint8))
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return QPixmap.fromImage(image).scaled(side, side, keep, smooth)


def _layer_of(viewer: Any, scan_id: str | None) -> Any:
    if scan_id is None:
        return None
    return first_layer(viewer, "element", scan_id) or first_layer(viewer, "score", scan_id)


def _extent(width: float, height: float) -> str:
    """Two lengths in µm, as people say them: in mm from 1 mm on."""
    factor, unit = (1000, "mm") if max(width, height) >= 1000 else (1, "µm")
    return f"{width / factor:.3g} × {height / factor:.3g} {unit}"
