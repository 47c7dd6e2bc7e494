"""Libraries that later docks and runs need; a worker imports them after the first dock opened.

Only libraries that workers import anyway: those that make Qt objects belong to the main thread.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence

from napari_mineral_anomaly.detectors.registry import ENTRIES, config_class
from napari_mineral_anomaly.progress import Task

# Needed by the pseudo-labels, by the step "Hand over" and by scans of single maps. Each import
# takes 0.1 to 0.6 s, in which the window would not react.
LIBRARIES = (
    "dask.array",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "sklearn.cluster",
)

_importing = threading.Lock()


def still_missing(names: Sequence[str] = LIBRARIES) -> tuple[str, ...]:
    """Those that are not imported yet."""
    return tuple(name for name in names if name not in sys.modules)


def import_ahead(names: Sequence[str], task: Task) -> None:
    """Import the parameters of all detectors (this is quick), then these modules.

    Several docks may ask at the same time; only the first imports. The others would take up threads
    in which they wait for the first one.
    """
    if not _importing.acquire(blocking=False):
        return
    try:
        for detector in ENTRIES:
            config_class(detector)
        for name in names:
            task.check()
            importlib.import_module(name)
    finally:
        _importing.release()
