"""The projects that were opened last, and the folder of those that have no place of their own."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import now
from napari_mineral_anomaly.io.remembered import FOLDER_VARIABLE, settings_file
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.project.lock import was_killed
from napari_mineral_anomaly.project.reading import is_project

_FILE = "recent_projects.json"
_MOST = 20


@dataclass(frozen=True)
class RecentProject:
    """A project that was opened: where it is, the name of its scan, and when."""

    folder: Path
    name: str
    when: str


def recent_projects() -> list[RecentProject]:
    """The projects that were opened last and are still there, the newest first."""
    return [one for one in _listed() if is_project(one.folder)]


def remember_project(folder: Path, name: str) -> None:
    """Put a project first in the list; a settings folder that cannot be written is no error."""
    place = folder.resolve()
    others = [one for one in _listed() if one.folder != place]
    _write([RecentProject(place, name, now()), *others][:_MOST])


def forget_project(folder: Path) -> None:
    """Take a project off the list."""
    _write([one for one in _listed() if one.folder != folder.resolve()])


def killed_projects() -> list[RecentProject]:
    """The projects whose window ended without closing them, the newest first."""
    return [one for one in recent_projects() if was_killed(one.folder)]


def unsaved_root() -> Path:
    """The folder of projects that the user has not given a place yet."""
    given = os.environ.get(FOLDER_VARIABLE)
    root = given or platformdirs.user_data_dir("napari-mineral-anomaly", appauthor=False)
    return Path(root) / "projects"


def new_unsaved_folder(name: str) -> Path:
    """Make an empty folder for a project that has no place yet.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")[:60] or "section"
    stamp = now().replace(":", "").replace("-", "")[:15]
    root = unsaved_root()
    for number in range(1, 1000):
        folder = root / (f"{plain}_{stamp}" if number == 1 else f"{plain}_{stamp}_{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from None
    raise InputError(f"Cannot make another folder in {root}.")


def is_unsaved(folder: Path) -> bool:
    """Whether a project lies in the folder of those without a place of their own."""
    return unsaved_root().resolve() in folder.resolve().parents


def _path() -> Path:
    return settings_file().parent / _FILE


def _listed() -> list[RecentProject]:
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
        return [
            RecentProject(Path(one["folder"]), str(one["name"]), str(one["when"])) for one in found
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write(projects: list[RecentProject]) -> None:
    content = [{"folder": str(p.folder), "name": p.name, "when": p.when} for p in projects]
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(_path()) as temporary:
            temporary.write_text(json.dumps(content, indent=1), "utf-8")
    except (OSError, InputError, UnicodeError):
        return
