"""Reading and writing: files to an `ElementCube` with its report, results to files."""

from __future__ import annotations

from napari_mineral_anomaly.io.images import read_image
from napari_mineral_anomaly.io.ingest import (
    IgnoredFile,
    IngestReport,
    UsedMap,
    report_lines,
    report_of_cube,
)
from napari_mineral_anomaly.io.maps import can_read, read_maps
from napari_mineral_anomaly.io.scenes import read_scene, read_truth

__all__ = [
    "IgnoredFile",
    "IngestReport",
    "UsedMap",
    "can_read",
    "read_image",
    "read_maps",
    "read_scene",
    "read_truth",
    "report_lines",
    "report_of_cube",
]
