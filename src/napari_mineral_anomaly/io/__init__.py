"""Reads files into an `ElementCube` with its report, and writes results to files."""

from __future__ import annotations

from napari_mineral_anomaly.io.reading.can_read import can_read
from napari_mineral_anomaly.io.reading.images import read_image
from napari_mineral_anomaly.io.reading.read import read_maps
from napari_mineral_anomaly.io.reading.scenes import read_scene, read_truth

__all__ = ["can_read", "read_image", "read_maps", "read_scene", "read_truth"]
