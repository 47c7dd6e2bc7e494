"""Names of the files and folders of a project, beside those of a run (`io.run_files`)."""

from __future__ import annotations

import re

PROJECT_FILE = "project.json"
LOCK_FILE = "project.lock"
LOG_FILE = "project_log.jsonl"
VERDICTS_FILE = "verdicts.json"
MAPS_FILE = "maps.ome.tif"

# The layers as edited, and the runs that the window made.
LAYERS_FOLDER = "layers"
RESULTS_FOLDER = "results"

# Files and folders that saving makes have a number that grows: a new state never writes into the
# files of the state before. Only such names are ever removed.
_NUMBERED = re.compile(r"^(?P<stem>.+)-(?P<number>\d+)(?P<ending>\.tif|)$")


def numbered_name(stem: str, number: int, ending: str = "") -> str:
    """The name of a file or folder of one state."""
    return f"{stem}-{number}{ending}"


def number_in(name: str) -> int:
    """The number in a name of `numbered_name`; 0 for other names."""
    found = _NUMBERED.match(name)
    return int(found["number"]) if found else 0
