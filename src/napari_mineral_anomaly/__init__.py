"""Find the odd grains in micro-XRF element maps.

>>> from napari_mineral_anomaly import detect, read_maps
>>> cube = read_maps("scan_folder")  # doctest: +SKIP
>>> result = detect(cube, detector="msfa", seed=0)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_mineral_anomaly.detectors.pipeline import detect
    from napari_mineral_anomaly.detectors.results.result import AnomalyResult
    from napari_mineral_anomaly.io import read_maps
    from napari_mineral_anomaly.scan.cube import ElementCube

__version__ = version("napari-mineral-anomaly")
__all__ = ["AnomalyResult", "ElementCube", "__version__", "detect", "read_maps"]

# napari imports this package at start-up to find the manifest, so the import must be fast.
_HOME = {
    "AnomalyResult": "napari_mineral_anomaly.detectors.results.result",
    "ElementCube": "napari_mineral_anomaly.scan.cube",
    "detect": "napari_mineral_anomaly.detectors.pipeline",
    "read_maps": "napari_mineral_anomaly.io",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
