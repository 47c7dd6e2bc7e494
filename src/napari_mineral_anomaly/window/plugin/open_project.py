"""Open napari with a project and the docks.

``python -m napari_mineral_anomaly.window.plugin.open_project PROJECT [MAPS_FOLDER]``
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import napari
from qtpy.QtCore import QTimer

from napari_mineral_anomaly.window.kit.dock import PLUGIN
from napari_mineral_anomaly.window.project.projects import projects_of

DOCKS = (
    "Load maps",
    "Detect anomalies",
    "Threshold",
    "Ground truth",
    "Export results",
    "Sections",
    "Project",
    "Grain table",
)
DOCK_IN_FRONT = "Threshold"


def open_project(folder: Path, maps: Path | None = None) -> napari.Viewer:
    """Open a viewer with the docks, and a project in it as soon as it is read."""
    viewer = napari.Viewer(title=f"{folder.name} - napari")
    open_docks(viewer)
    projects_of(viewer).open(folder, maps)
    return viewer


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
        sys.stderr.write("usage: open_project PROJECT [MAPS_FOLDER]\n")
        return 2
    open_project(*(Path(argument) for argument in arguments))
    napari.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
