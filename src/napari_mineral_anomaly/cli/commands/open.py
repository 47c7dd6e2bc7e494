"""``open``: napari with a project."""

from __future__ import annotations

import argparse
from typing import Any

from napari_mineral_anomaly.cli import options


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(commands, "open", "start napari with a project")
    options.add_project(parser)


def run(arguments: argparse.Namespace) -> None:
    """Check the project, then start napari in a process of its own and wait until it is closed."""
    # Imported here, so that --help does not load numpy and pydantic.
    import subprocess
    import sys

    from napari_mineral_anomaly.errors import InputError
    from napari_mineral_anomaly.project.reading import read_project

    read_project(arguments.project)
    # The command line does not know the window: a module of the window is started by its name.
    program = [sys.executable, "-m", "napari_mineral_anomaly.window.plugin.open_project"]
    maps = [] if arguments.maps is None else [str(arguments.maps.absolute())]
    ended = subprocess.run([*program, str(arguments.project.absolute()), *maps], check=False)
    if ended.returncode:
        raise InputError("napari did not start or ended with an error: see the lines above.")
