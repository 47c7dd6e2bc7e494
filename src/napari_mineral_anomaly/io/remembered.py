"""Remembers what was typed for a folder, for the next time its maps are read.

That is the pixel size, and the elements of files whose names do not say them. It is kept in one
small JSON file in the user's configuration folder, which the window and the command line share.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.lengths import plausible
from napari_mineral_anomaly.io.writing.atomic import atomic_path

_FILE = "folders.json"
# Versions up to 0.1 kept the pixel sizes alone: a folder, and (y, x).
_OLDER_FILE = "pixel_sizes.json"
_MOST_FOLDERS = 500
_SIZE, _NAMES = "pixel_size_um", "names"
# Environment variable with another folder of settings, for tests and computers without a home.
FOLDER_VARIABLE = "MINERAL_ANOMALY_CONFIG"


def settings_file() -> Path:
    """The file that holds what was typed."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        folder = platformdirs.user_config_dir("napari-mineral-anomaly", appauthor=False)
    return Path(folder) / _FILE


def remembered_pixel_size(folder: Path) -> tuple[float, float] | None:
    """The pixel size (y, x) in µm that was typed for maps of this folder or file, if any.

    A size that makes no sense, such as 2e-5 µm, is not used again.
    """
    return _size_in(_of_folder(folder))


def remember_pixel_size(folder: Path, pixel_size: tuple[float, float]) -> None:
    """Keep a typed pixel size (y, x) in µm; a folder that cannot be written to is no error."""
    _keep(folder, {_SIZE: [float(pixel_size[0]), float(pixel_size[1])]})


def remembered_names(folder: Path) -> dict[str, str]:
    """The elements that were typed for files of this folder: file as in the report, and element."""
    names = _of_folder(folder).get(_NAMES)
    if not isinstance(names, dict):
        return {}
    return {str(file): name for file, name in names.items() if isinstance(name, str) and name}


def remember_names(folder: Path, names: Mapping[str, str]) -> None:
    """Keep the elements of files of this folder, in place of those kept before."""
    _keep(folder, {_NAMES: dict(names)})


def _keep(folder: Path, values: dict[str, Any]) -> None:
    kept = _read()
    of_folder = {**_of_folder(folder), **values}
    kept.pop(_key(folder), None)
    kept[_key(folder)] = of_folder
    newest = dict(list(kept.items())[-_MOST_FOLDERS:])
    path = settings_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(newest, indent=1, ensure_ascii=False), "utf-8")
    except (OSError, InputError, UnicodeError):
        return


def _key(folder: Path) -> str:
    path = Path(folder).resolve()
    return str(path.parent if path.is_file() else path)


def _of_folder(folder: Path) -> dict[str, Any]:
    """What was kept for a folder; {} for nothing."""
    key = _key(folder)
    found = _read().get(key)
    kept = dict(found) if isinstance(found, dict) else {}
    older = _load(_OLDER_FILE)
    if _SIZE not in kept and key in older:
        kept[_SIZE] = older[key]
    return kept


def _read() -> dict[str, Any]:
    return _load(_FILE)


def _load(name: str) -> dict[str, Any]:
    """The content of a file of settings; a damaged one counts as empty."""
    try:
        kept = json.loads((settings_file().parent / name).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _size_in(kept: Mapping[str, Any]) -> tuple[float, float] | None:
    size = kept.get(_SIZE)
    if not isinstance(size, list) or len(size) != 2:
        return None
    if not all(isinstance(value, int | float) and plausible(value) for value in size):
        return None
    return float(size[0]), float(size[1])
