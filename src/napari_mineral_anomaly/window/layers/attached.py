"""What of a scan is no layer, its spectra and its ingest report, and how it stays with the layers.

A reader can hand napari layers and nothing else, and a scan may be opened before any dock is.
So both travel in the metadata of the element layers, under keys of their own: the only entries
there that are no JSON. They are handles (counts stay in the file until a spectrum is asked for),
the same objects on all layers of the scan, and they are let go with the last of these.
"""

from __future__ import annotations

from typing import Any, TypeVar

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.window.layers.links import linked_layers

SPECTRA_KEY = "mineral_anomaly_spectra"
REPORT_KEY = "mineral_anomaly_report"

T = TypeVar("T")


def handles_of_cube(cube: ElementCube) -> dict[str, Any]:
    """Entries for the metadata of a cube's layers."""
    handles = {SPECTRA_KEY: cube.spectra, REPORT_KEY: cube.report}
    return {key: value for key, value in handles.items() if value is not None}


def spectra_of(viewer: Any, scan_id: str | None) -> SpectrumImage | None:
    """The spectra of a scan; None where it was opened from element maps."""
    return _handle(viewer, scan_id, SPECTRA_KEY, SpectrumImage)


def put_spectra(viewer: Any, scan_id: str, spectra: SpectrumImage) -> None:
    """Let all element layers of a scan carry ``spectra``, for example recalibrated ones."""
    for layer, _ in linked_layers(viewer, scan_id, "element"):
        layer.metadata[SPECTRA_KEY] = spectra


def report_of(viewer: Any, scan_id: str | None) -> IngestReport | None:
    """What was read when the scan was opened; None for arrays that came from elsewhere."""
    return _handle(viewer, scan_id, REPORT_KEY, IngestReport)


def _handle(viewer: Any, scan_id: str | None, key: str, kind: type[T]) -> T | None:
    if scan_id is not None:
        for layer, _ in linked_layers(viewer, scan_id, "element"):
            handle = layer.metadata.get(key)
            if isinstance(handle, kind):
                return handle
    return None
