"""Remembers the pixel size that was typed for a folder, for the next time its maps are read.

The sizes are in one small JSON file in the user's configuration folder, which the window and the
command line share.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_path

_FILE = "pixel_sizes.json"
_MOST_FOLDERS = 500
# Environment variable with another folder of settings, for tests and computers without a home.
FOLDER_VARIABLE = "MINERAL_ANOMALY_CONFIG"


def settings_file() -> Path:
    """The file that holds the sizes."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        folder = platformdirs.user_config_dir("napari-mineral-anomaly", appauthor=False)
    return Path(folder) / _FILE


def remembered_pixel_size(folder: Path) -> tuple[float, float] | None:
    """The pixel size (y, x) in µm that was typed for maps of this folder or file, if any."""
    size = _read().get(_key(folder))
    return (size[0], size[1]) if size else None


def remember_pixel_size(folder: Path, pixel_size: tuple[float, float]) -> None:
    """Keep a typed pixel size (y, x) in µm; a folder that cannot be written to is no error."""
    sizes = _read()
    sizes.pop(_key(folder), None)
    sizes[_key(folder)] = [float(pixel_size[0]), float(pixel_size[1])]
    newest = dict(list(sizes.items())[-_MOST_FOLDERS:])
    path = settings_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(newest, indent=1, ensure_ascii=False), "utf-8")
    except (OSError, InputError):
        return


def _key(folder: Path) -> str:
    path = Path(folder).resolve()
    return str(path.parent if path.is_file() else path)


def _read() -> dict[str, list[float]]:
    """The sizes by folder; a damaged file counts as empty."""
    try:
        kept = json.loads(settings_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {str(key): size for key, size in kept.items() if _is_size(size)}


def _is_size(size: object) -> bool:
    return (
        isinstance(size, list)
        and len(size) == 2
        and all(isinstance(value, int | float) and value > 0 for value in size)
    )
