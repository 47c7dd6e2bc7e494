"""What pewlib (laser ablation maps, `.npz`) keeps beside its maps.

Its maps are the fields of a structured array ``data`` (rows, columns); ``config`` holds the
settings of the laser (pewlib.config.Config: ``get_pixel_width`` and ``get_pixel_height``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.words import listed

SETTINGS, CALIBRATIONS = "config", "calibration"
_ORIGIN = "settings of the laser"


def is_settings(dtype: np.dtype[Any]) -> bool:
    """Whether a structured array holds the settings of a laser."""
    return "spotsize" in (dtype.names or ())


def calibration_notes(calibrations: NDArray[Any]) -> tuple[str, ...]:
    """A note where maps could be calibrated: their numbers are read as they are stored."""
    if set(calibrations.dtype.names or ()) != {"element", "calibration"}:
        return ()
    lines = calibrations["calibration"]
    if not {"intercept", "gradient", "unit"} <= set(lines.dtype.names or ()):
        return ()
    changing = (lines["gradient"] != 1) | (lines["intercept"] != 0)
    names = [
        f"{element} in {unit}" if unit else str(element)
        for element, unit in zip(
            calibrations["element"][changing], lines["unit"][changing], strict=True
        )
    ]
    if not names:
        return ()
    return (
        f"the calibrations in the file are not applied, the maps are as measured "
        f"({listed(names)}); to use concentrations, export calibrated images from the program",
    )


def pixel_size(settings: NDArray[Any]) -> FilePixelSize | None:
    """The pixel size (y, x) in µm.

    Lines are a spot apart, and the laser moves by ``speed`` (µm/s) times ``scantime`` (s) from
    pixel to pixel. Spot-wise maps have the two distances in ``spotsize``.
    """
    names = settings.dtype.names or ()
    spot = np.ravel(settings["spotsize"]).astype(float)
    if {"speed", "scantime"} <= set(names):
        across = float(np.ravel(settings["speed"])[0] * np.ravel(settings["scantime"])[0])
        return length_in_um((float(spot[0]), across), "µm", _ORIGIN)
    if spot.size == 2:
        return length_in_um((float(spot[1]), float(spot[0])), "µm", _ORIGIN)
    return None
