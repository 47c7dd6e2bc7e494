"""What the window remembers between sessions: the pixel size that was typed for a folder."""

from __future__ import annotations

import json
from pathlib import Path

from qtpy.QtCore import QSettings

_KEY = "pixel_size_um_of_folder"
_MOST_FOLDERS = 200


def _settings() -> QSettings:
    return QSettings(
        QSettings.Format.IniFormat,
        QSettings.Scope.UserScope,
        "napari-mineral-anomaly",
        "window",
    )


def remembered_pixel_size(folder: Path) -> tuple[float, float] | None:
    """The pixel size (y, x) in µm that was typed for maps of this folder, if any."""
    size = _read().get(str(folder.resolve()))
    return (float(size[0]), float(size[1])) if size else None


def remember_pixel_size(folder: Path, pixel_size: tuple[float, float]) -> None:
    """Keep the pixel size for the next time that maps of this folder are loaded."""
    sizes = _read()
    key = str(folder.resolve())
    sizes.pop(key, None)
    sizes[key] = list(pixel_size)
    newest = dict(list(sizes.items())[-_MOST_FOLDERS:])
    _settings().setValue(_KEY, json.dumps(newest))


def _read() -> dict[str, list[float]]:
    try:
        sizes = json.loads(str(_settings().value(_KEY, "{}")))
    except json.JSONDecodeError:
        return {}
    return sizes if isinstance(sizes, dict) else {}
