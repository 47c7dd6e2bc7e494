"""How long runs will take, before they start."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.detectors.cost import about, slow_sentence
from napari_mineral_anomaly.detectors.registry import detector_entry, make_config
from napari_mineral_anomaly.window.layers.scans import Scan

_MINUTE = 40.0


def of_both_searches(scan: Scan, thorough: str) -> str:
    """What the quick and the thorough search of a section take."""
    expected = make_config(thorough).expected_seconds(*_size(scan))
    seconds = 0.0 if expected is None else expected.total
    takes = "less than a minute" if seconds < _MINUTE else f"about {about(seconds)}"
    return f"Quick: seconds. Thorough: learns the rock first, {takes}."


def slow_warning(scan: Scan, detector: str, parameters: dict[str, Any]) -> str:
    """What to say of a detector that takes long on this section; "" for others.

    Raises
    ------
    InputError
        For parameters that cannot be.
    """
    size = _size(scan)
    expected = make_config(detector, **parameters).expected_seconds(*size)
    seconds = 0.0 if expected is None else expected.total
    return slow_sentence(detector_entry(detector).title, seconds, size[0])


def _size(scan: Scan) -> tuple[int, int]:
    """Pixels and elements; all pixels, as the valid area needs every map to be read."""
    return scan.shape[0] * scan.shape[1], len(scan.elements)
