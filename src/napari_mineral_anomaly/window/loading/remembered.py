"""Remember typed energy calibrations between sessions.

(`io.remembered` keeps typed pixel sizes, for the window and the command line.)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSettings

from napari_mineral_anomaly.window.kit.opening import PLUGIN

_KEY = "energy_kev_of_folder"
_MOST_FOLDERS = 200


def _settings() -> QSettings:
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, PLUGIN, "window")


def remembered_energy(folder: Path) -> tuple[float, float] | None:
    """Offset and gain (keV) that were typed for spectra of this folder; None if none were."""
    energy = _read().get(str(folder.resolve()))
    if not isinstance(energy, list) or len(energy) != 2:
        return None
    return float(energy[0]), float(energy[1])


def remember_energy(folder: Path, energy: tuple[float, float]) -> None:
    """Keep a calibration for the next time that spectra of this folder are opened."""
    kept = _read()
    key = str(folder.resolve())
    kept.pop(key, None)
    kept[key] = list(energy)
    _settings().setValue(_KEY, json.dumps(dict(list(kept.items())[-_MOST_FOLDERS:])))


def _read() -> dict[str, Any]:
    try:
        kept = json.loads(str(_settings().value(_KEY, "{}")))
    except json.JSONDecodeError:
        return {}
    return kept if isinstance(kept, dict) else {}
