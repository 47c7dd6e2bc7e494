"""Copy a project to another place, complete or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_folder
from napari_mineral_anomaly.project.format import Maps, Place
from napari_mineral_anomaly.project.images import with_places
from napari_mineral_anomaly.project.maps import place_of
from napari_mineral_anomaly.project.names import LOCK_FILE
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.saving.store import write_project_file


def copy_project(folder: Path, target: Path) -> None:
    """Copy a project into a new folder; relative paths to the maps are made new.

    Parameters
    ----------
    folder : Path
    target : Path
        Must not exist, or be empty; its parent must exist.

    Raises
    ------
    InputError
        When ``target`` is not free, or cannot be written.
    """
    if target.is_dir():
        if any(target.iterdir()):
            raise InputError(f"{target} is not empty: choose an empty folder or a new name.")
        try:
            target.rmdir()
        except OSError as error:
            raise InputError(f"Cannot write {target}: {error.strerror or error}.") from None
    file = read_project(folder)
    with atomic_folder(target) as temporary:
        ignored = shutil.ignore_patterns(LOCK_FILE, ".*")
        try:
            shutil.copytree(folder, temporary, dirs_exist_ok=True, ignore=ignored)
        except shutil.Error as error:
            source, _, reason = error.args[0][0]
            raise InputError(f"Cannot copy {source}: {reason}. {target} was not made.") from error
        maps = _seen_from(file.maps, target)
        layers = with_places(file.layers, target)
        write_project_file(temporary, file.model_copy(update={"maps": maps, "layers": layers}))


def _seen_from(maps: Maps, folder: Path) -> Maps:
    def moved(place: Place) -> Place:
        return place_of(Path(place.absolute), folder)

    valid = maps.reading.valid
    reading = maps.reading.model_copy(update={"valid": None if valid is None else moved(valid)})
    return maps.model_copy(update={"sources": tuple(map(moved, maps.sources)), "reading": reading})
