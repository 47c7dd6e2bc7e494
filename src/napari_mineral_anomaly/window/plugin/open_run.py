"""Open napari with a scan, the layers of a finished run and the docks.

``python -m napari_mineral_anomaly.window.plugin.open_run SCAN [RUN_FOLDER]``
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.runs.read_run import read_run
from napari_mineral_anomaly.window.kit.dock import PLUGIN
from napari_mineral_anomaly.window.layers.make import (
    add,
    element_layers,
    new_scan_id,
    show_scale_bar,
)
from napari_mineral_anomaly.window.layers.results import show_result
from napari_mineral_anomaly.window.layers.scans import find_scan
from napari_mineral_anomaly.window.layers.session import session_of

DOCKS = (
    "Load maps",
    "Detect anomalies",
    "Threshold",
    "Ground truth",
    "Export results",
    "Grain table",
)
DOCK_IN_FRONT = "Threshold"


def open_run(scan: Path, run: Path | None = None) -> napari.Viewer:
    """Open a viewer with the element maps, the result layers of a run, and the docks.

    Raises
    ------
    InputError
        When scan or run cannot be read, or do not belong together.
    """
    viewer = napari.Viewer(title=f"{scan.name} - napari")
    try:
        show_run(viewer, scan, run)
    except InputError:
        viewer.close()
        raise
    open_docks(viewer)
    return viewer


def show_run(viewer: Any, scan: Path, run: Path | None = None) -> None:
    """Add the element maps of a scan and, where given, the result layers of a run.

    The run has its contributions and its model, as if it had been made in this window.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    scan : path
        Folder or file of element maps.
    run : path, optional
        Folder of results that `mineral-anomaly detect` wrote.

    Raises
    ------
    InputError
        When scan or run cannot be read, or do not belong together.
    """
    cube = read_maps(scan)
    finished = None if run is None else read_run(run)
    scan_id = new_scan_id()
    for data in element_layers(cube, scan=scan.resolve().name, scan_id=scan_id):
        add(viewer, data)
    if finished is not None:
        shown = find_scan(viewer, scan_id)
        assert shown is not None
        show_result(viewer, session_of(viewer), shown, finished)
    viewer.reset_view()
    show_scale_bar(viewer)


def open_docks(viewer: napari.Viewer) -> None:
    """Open the docks of `DOCKS` as tabs."""
    # As tabs: the docks one above the other would make the window taller than a screen.
    places = {
        name: viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)[0] for name in DOCKS
    }
    # Each dock comes to the front when it is first shown. The timer waits for the last of them.
    QTimer.singleShot(500, places[DOCK_IN_FRONT].raise_)


def main(arguments: Sequence[str]) -> int:
    """Open the window, wait until it is closed, return the exit status."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write("usage: open_run SCAN [RUN_FOLDER]\n")
        return 2
    try:
        open_run(*(Path(argument) for argument in arguments))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    napari.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
