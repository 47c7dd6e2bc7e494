"""The pixel size from positions that MAPS / XRF-Maps and PyXRF write beside their maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mineral_anomaly.io.formats.hdf5.contents import words_of
from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.named_axes import step_of
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.io.formats.shared.texts import as_text

_LONGEST_AXIS = 1_000_000
# Stages that count in mm make steps of less, those that count in µm of more; our choice.
_LARGEST_MM_STEP = 0.1


@dataclass(frozen=True)
class Positions:
    """A pixel size with the words and the warnings that belong to it."""

    pixel_size: FilePixelSize | None = None
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def scan_positions(file: Any) -> Positions:
    """The pixel size of a scan from the positions in its file; empty where there are none.

    Parameters
    ----------
    file : h5py.File
    """
    return _scan_axes(file) or _pixel_positions(file) or Positions()


def _scan_axes(file: Any) -> Positions | None:
    """From the positions of columns and rows that XRF-Maps writes, usually in mm.

    Fly scans have more positions than measured columns, the last ones 0: the middle step counts.
    """
    axes = [own_item(file, f"MAPS/Scan/{axis}_axis") for axis in "yx"]
    if any(axis is None for axis in axes):
        axes = [own_item(file, f"MAPS/{axis}_axis") for axis in "yx"]
    steps, unit = [], ""
    for axis in axes:
        if axis is None or getattr(axis, "ndim", 0) != 1 or not 2 <= axis.size <= _LONGEST_AXIS:
            return None
        step = step_of(axis[()])
        if step is None:
            note = (
                f"its positions ({axis.name.strip('/')}) are not evenly spaced, so they are not "
                "used as pixel size: give it in µm"
            )
            return Positions(notes=(note,))
        steps.append(abs(step))
        unit = unit or as_text(axis.attrs.get("units", axis.attrs.get("unit")))
    return _with_unit((steps[0], steps[1]), unit, "scan axes")


def _pixel_positions(file: Any) -> Positions | None:
    """From the position of every pixel, (x or y, row, column), as PyXRF writes it."""
    positions = own_item(file, "xrfmap/positions/pos")
    names = own_item(file, "xrfmap/positions/name")
    if positions is None or names is None or positions.ndim != 3 or positions.shape[0] != 2:
        return None
    words = [word.casefold() for word in words_of(names)]
    by_name = dict(zip(words, np.asarray(positions[()], dtype=float), strict=False))
    x, y = by_name.get("x_pos"), by_name.get("y_pos")
    if x is None or y is None or min(x.shape) < 2:
        return None
    steps = (
        abs(float(np.median(np.diff(y, axis=0)))),
        abs(float(np.median(np.diff(x, axis=1)))),
    )
    return _with_unit(steps, "", "pixel positions")


def _with_unit(steps: tuple[float, float], unit: str, what: str) -> Positions:
    """Steps as a pixel size; their size tells the unit where the file names none."""
    found = length_in_um(steps, unit, what) if unit else None
    if found is not None:
        return Positions(found)
    is_mm = max(steps) < _LARGEST_MM_STEP
    unit = "mm" if is_mm else "µm"
    found = length_in_um(steps, unit, what)
    said = (
        f"the {what} name no unit: their steps, {steps[0]:.6g} (rows) and {steps[1]:.6g} "
        f"(columns), are taken for {unit}"
    )
    if found is None:
        return Positions(notes=(f"{said}, which is no pixel size: give it in µm",))
    if is_mm:
        return Positions(found, words=(said,))
    return Positions(found, notes=(f"{said}; if that is wrong, give the pixel size in µm",))
