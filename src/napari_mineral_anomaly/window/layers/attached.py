"""Spectra, ingest report and files of a scan, kept in the metadata of its element layers.

A napari reader can return only layers, and a scan may be opened before any dock. So these are
stored in the metadata of all element layers of the scan, each under its own key. Other metadata of
ours is JSON; these three are objects. All layers share the same objects, and they are freed when
the last layer is removed. Counts stay in their file until a spectrum is needed.
"""

from __future__ import annotations

from typing import Any, TypeVar

from napari_mineral_anomaly.project.maps import ScanFiles
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.window.layers.links import linked_layers

SPECTRA_KEY = "mineral_anomaly_spectra"
REPORT_KEY = "mineral_anomaly_report"
FILES_KEY = "mineral_anomaly_files"

T = TypeVar("T")


def handles_of_cube(cube: ElementCube) -> dict[str, Any]:
    """Spectra and report of a cube, as entries for the metadata of its layers."""
    handles = {SPECTRA_KEY: cube.spectra, REPORT_KEY: cube.report}
    return {key: value for key, value in handles.items() if value is not None}


def spectra_of(viewer: Any, scan_id: str | None) -> SpectrumImage | None:
    """The spectra of a scan; None if it was opened from element maps."""
    return _handle(viewer, scan_id, SPECTRA_KEY, SpectrumImage)


def put_spectra(viewer: Any, scan_id: str, spectra: SpectrumImage) -> None:
    """Store ``spectra`` on all element layers of a scan, for example after a new calibration."""
    for layer, _ in linked_layers(viewer, scan_id, "element"):
        layer.metadata[SPECTRA_KEY] = spectra


def report_of(viewer: Any, scan_id: str | None) -> IngestReport | None:
    """The ingest report of a scan; None if the scan was not read by this plugin."""
    return _handle(viewer, scan_id, REPORT_KEY, IngestReport)


def files_of(viewer: Any, scan_id: str | None) -> ScanFiles | None:
    """The files of a scan and how they were read; None where it was in no file."""
    return _handle(viewer, scan_id, FILES_KEY, ScanFiles)


def _handle(viewer: Any, scan_id: str | None, key: str, kind: type[T]) -> T | None:
    if scan_id is not None:
        for layer, _ in linked_layers(viewer, scan_id, "element"):
            handle = layer.metadata.get(key)
            if isinstance(handle, kind):
                return handle
    return None
