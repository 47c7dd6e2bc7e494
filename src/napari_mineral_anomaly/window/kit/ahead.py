"""Libraries that later docks and runs need, imported by a worker while the first dock is read.

Only libraries that workers import anyway: those that make Qt objects are left to the main thread.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from napari_mineral_anomaly.detectors.registry import ENTRIES, config_class
from napari_mineral_anomaly.progress import Task

# What the docks "Pseudo-labels" and "Export results" and scans of single maps would import when
# they are opened: 0.1 to 0.6 s each, in which the window would stand still.
LIBRARIES = (
    "dask.array",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "sklearn.cluster",
)


def still_missing(names: Sequence[str] = LIBRARIES) -> tuple[str, ...]:
    """Those that nobody has imported yet."""
    return tuple(name for name in names if name not in sys.modules)


def import_ahead(names: Sequence[str], task: Task) -> None:
    """Import the parameters of all detectors, which are quick, then some modules."""
    for detector in ENTRIES:
        config_class(detector)
    for name in names:
        task.check()
        importlib.import_module(name)
