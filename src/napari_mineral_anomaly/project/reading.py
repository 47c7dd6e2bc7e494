"""Read project.json, or make its content for a folder of results that has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILE, SCORE_FILE
from napari_mineral_anomaly.project.format import (
    HERE,
    KIND,
    SCHEMA_VERSION,
    MapFile,
    Maps,
    ProjectFile,
    Result,
)
from napari_mineral_anomaly.project.names import PROJECT_FILE


def is_project(folder: str | Path) -> bool:
    """Whether a folder is a project or a folder of results; fast, never raises."""
    try:
        place = Path(folder)
        if (place / PROJECT_FILE).is_file():
            return True
        return (place / RUN_FILE).is_file() and (place / SCORE_FILE).is_file()
    except (OSError, ValueError):
        return False


def read_project(folder: str | Path) -> ProjectFile:
    """The content of project.json; for results without one, what their run.json says.

    Raises
    ------
    InputError
        When the folder is no project, when its file is damaged, or of a newer version.
    """
    place = Path(folder)
    if not place.is_dir():
        kind = "is a file" if place.exists() else "does not exist"
        raise InputError(f"{folder} {kind}: choose the folder of a project.")
    path = place / PROJECT_FILE
    if path.exists():
        return _checked(_object(path), path)
    if (place / RUN_FILE).is_file():
        return _of_run(place, _object(place / RUN_FILE))
    raise InputError(
        f"{folder} is no project: it holds neither {PROJECT_FILE} nor the {RUN_FILE} of a run."
    )


def results_of(folder: Path) -> Path:
    """The run folder of the result that stands for a project.

    Raises
    ------
    InputError
        As `read_project`, and when the project holds no result.
    """
    return folder / _main_of(folder).folder


def threshold_of(folder: Path) -> float:
    """The threshold (background sigmas) that the user set for that result; errors as above."""
    return _main_of(folder).threshold


def brushed_truth_of(folder: Path) -> Path:
    """The file of the newest truth mask that was brushed in a project.

    Raises
    ------
    InputError
        As `read_project`, and when there is none.
    """
    file = read_project(folder)
    if not file.truths:
        raise InputError(f"The project {folder} holds no truth mask: brush one, or give an image.")
    return folder / file.truths[-1].file


def _main_of(folder: Path) -> Result:
    found = read_project(folder).main_result
    if found is None:
        raise InputError(f"The project {folder} holds no result yet: run a detector.")
    return found


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: it is not JSON ({error}).") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged: it holds no JSON object.")
    return content


def _checked(content: dict[str, Any], path: Path) -> ProjectFile:
    version = content.get("schema_version")
    if content.get("kind") != KIND or not isinstance(version, int) or isinstance(version, bool):
        raise InputError(f"{path} is not the file of a project of this program.")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"{path} was written by a newer version of this program (format {version}; this "
            f"version reads up to {SCHEMA_VERSION}): install the newer version to open it."
        )
    try:
        return ProjectFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path} is damaged: {where}: {first['msg']}.") from None


def _of_run(folder: Path, record: dict[str, Any]) -> ProjectFile:
    """A project for results that no version of `detect` with projects has written."""
    try:
        created = str(record["created"])
        size = record.get("pixel_size_um")
        hashes = record.get("input_hashes") or {}
        return ProjectFile(
            package_version=__version__,
            created=created,
            saved=created,
            name=str(record["source"]),
            shape=tuple(record["shape"]),
            pixel_size_um=None if size is None else tuple(size),
            elements=tuple(record["elements"]),
            maps=Maps(files=tuple(MapFile(name=k, sha256=v) for k, v in hashes.items())),
            main=str(record["detector"]),
            results=(
                Result(
                    detector=str(record["detector"]),
                    folder=HERE,
                    threshold=record["threshold"],
                    min_grain_px=record.get("min_grain_px", 1),
                ),
            ),
        )
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(
            f"{folder / RUN_FILE} is not the record of a run: it lacks {error}."
        ) from None
