"""Open napari with a project and the workbench.

``python -m napari_mineral_anomaly.window.plugin.open_project PROJECT [MAPS_FOLDER]``
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import napari

from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.project.projects import projects_of


def open_project(folder: Path, maps: Path | None = None) -> napari.Viewer:
    """Open a viewer with the workbench, and a project in it as soon as it is read."""
    viewer = napari.Viewer(title=f"{folder.name} - napari")
    open_step(viewer)
    projects_of(viewer).open(folder, maps)
    return viewer


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
